"""A key figure over two parameters: in the terminal, as SVG, as PNG."""

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from admf.errors import ConfigError
from admf.models import unknown_name
from admf.results.pictures import SOFT, Picture, save_picture, text_width
from admf.sweeps.frames import DONE

REDUCTIONS = ("mean", "max", "min", "median")
# viridis at nine places: even to the eye, and in grey
COLOURS = ((68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (40, 174, 128), (94, 201, 98),
           (173, 220, 48), (253, 231, 37))  # fmt: skip
EMPTY = (128, 128, 128)
ROUNDING = 1e-12  # values that differ by less are one
MAP_WIDTH, MAP_HEIGHT = 1_000.0, 700.0  # pixels of all cells, at most where they are not SMALL
CELL_WIDTH, CELL_HEIGHT, SMALL = 56.0, 28.0, 8.0
TOP, SIZE = 88.0, 11.0  # where the cells begin; of the letters
SCALE_HEIGHT, SCALE_STEPS = 120.0, 25
VALUES_MAX, RANGES = 64, 12  # a parameter with more values is cut into so many ranges
Colour = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Heatmap:
    """`values` is of shape (rows of y, columns of x), NaN where no trial has the figure."""

    x: str
    y: str
    metric: str
    columns: list[Any]
    rows: list[Any]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, results: pl.DataFrame, x: str, y: str, metric: str, reduce: str) -> "Heatmap":
        """From the results of a study."""
        if reduce not in REDUCTIONS:
            raise unknown_name(reduce, REDUCTIONS, field="reduce", what="word")
        if x == y:
            raise ConfigError("the same parameter twice", field="heatmap", found=x, allowed="two parameters")
        results = results.with_columns(binned(results[x]), binned(results[y]))
        done = results.filter(pl.col("status") == DONE).with_columns(pl.col(metric).cast(pl.Float64).fill_nan(None))
        cells = done.group_by(x, y).agg(getattr(pl.col(metric), reduce)().alias(metric))
        columns, rows = results[x].unique().sort().to_list(), results[y].unique().sort().to_list()
        values = np.full((len(rows), len(columns)), np.nan)
        places_x, places_y = ({value: place for place, value in enumerate(axis)} for axis in (columns, rows))
        for at_x, at_y, value in cells.iter_rows():
            values[places_y[at_y], places_x[at_x]] = np.nan if value is None else value
        return cls(x, y, metric, columns, rows, values)

    def save(self, path: str | Path) -> Path:
        """Writes it as .svg or .png; OutputError where that is refused."""
        return save_picture(self, path)

    def colour(self, value: float) -> Colour:
        """The colour of a value; grey where there is none."""
        if not math.isfinite(value):
            return EMPTY
        finite = self.values[np.isfinite(self.values)]
        low, high = float(finite.min()), float(finite.max())
        differ = high - low > ROUNDING * max(abs(low), abs(high))
        place = (len(COLOURS) - 1) * ((value - low) / (high - low) if differ else 0.5)
        first = min(int(place), len(COLOURS) - 2)
        share = place - first
        pairs = zip(COLOURS[first], COLOURS[first + 1], strict=True)
        red, green, blue = (round(start + share * (end - start)) for start, end in pairs)
        return red, green, blue

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        texts = [[figure(value, self.decimals) for value in row] for row in self.values.tolist()]
        names = [label(column) for column in self.columns]
        wide = 1 + max(len(text) for row in [names, *texts] for text in row)
        room = options.max_width - 1 - max(len(label(name)) for name in [self.y, *self.rows])
        step = -(-len(self.columns) // max(room // wide, 1))
        shown = range(0, len(self.columns), step)
        table = Table(box=None, padding=0)
        table.add_column(self.y, justify="right", style="dim")
        for column in shown:
            table.add_column(names[column], justify="right", header_style="dim", min_width=wide, no_wrap=True)
        for row, name in enumerate(self.rows):
            cells = [self._cell(self.values[row, column], texts[row][column].rjust(wide)) for column in shown]
            table.add_row(f"{label(name)} ", *cells)
        yield f"{self.metric} over {self.x} (across) and {self.y} (down)"
        yield table

    @property
    def decimals(self) -> int:
        """So many that the largest value has three digits."""
        largest = float(np.nanmax(np.abs(self.values), initial=0.0))
        return max(0, 2 - math.floor(math.log10(largest))) if largest > 0.0 else 0

    def _cell(self, value: float, text: str) -> Text:
        colour = self.colour(value)
        return Text(text, style=Style(bgcolor=hexadecimal(colour), color=ink_on(colour)))

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=400, no_color=True, force_terminal=False)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())

    def svg(self) -> str:
        """A picture with values, as text."""
        return self.picture().svg()

    def png(self) -> bytes:
        """The same as pixels; ConfigError where Pillow is not installed."""
        return self.picture().png()

    def picture(self) -> Picture:
        """One cell for each pair of values, with its figure where there is room, and a scale of the colours."""
        wide = min(max(MAP_WIDTH / len(self.columns), SMALL), CELL_WIDTH)
        high = min(max(MAP_HEIGHT / len(self.rows), SMALL), CELL_HEIGHT)
        names, columns = [label(row) for row in self.rows], [label(column) for column in self.columns]
        left = 28.0 + max(text_width(text, SIZE) for text in [self.y, *names])
        right, bottom = left + wide * len(columns), TOP + high * len(names)
        title = f"{self.metric} over {self.x} (across) and {self.y} (down)"
        picture = Picture(max(right + 130.0, 40.0 + text_width(title, 15)), max(bottom, TOP + SCALE_HEIGHT) + 24.0)
        picture.text(20, 28, title, size=15)
        picture.text(left - 8, TOP - 26, self.y, size=SIZE, anchor="end", colour=SOFT)
        picture.text(left, TOP - 26, self.x, size=SIZE, colour=SOFT)
        step = math.ceil((8.0 + max(text_width(text, SIZE) for text in columns)) / wide)
        for column in range(0, len(columns), step):
            picture.text(left + wide * (column + 0.5), TOP - 8, columns[column], size=SIZE, anchor="middle")
        for row in range(0, len(names), math.ceil(14.0 / high)):
            picture.text(left - 8, TOP + high * (row + 0.5) + 4, names[row], size=SIZE, anchor="end")
        texts = [[figure(value, self.decimals) for value in row] for row in self.values.tolist()]
        fits = high >= 14.0 and max(text_width(text, SIZE) for row in texts for text in row) <= wide - 4.0
        for row, values in enumerate(self.values.tolist()):
            for column, value in enumerate(values):
                colour, x, y = self.colour(value), left + wide * column, TOP + high * row
                picture.box(x, y, wide, high, hexadecimal(colour))
                if fits:
                    place, ink = (x + wide / 2, y + high / 2 + 4), ink_on(colour)
                    picture.text(*place, texts[row][column], size=SIZE, anchor="middle", colour=ink)
        self._scale(picture, right + 24.0)
        return picture

    def _scale(self, picture: Picture, x: float) -> None:
        """What the colours mean, from the highest value down to the lowest."""
        finite = self.values[np.isfinite(self.values)]
        if not len(finite):
            return
        values = np.linspace(finite.max(), finite.min(), SCALE_STEPS).tolist()
        step = SCALE_HEIGHT / SCALE_STEPS
        for place, value in enumerate(values):
            picture.box(x, TOP + step * place, 16, step, hexadecimal(self.colour(value)))
        for place in (0, SCALE_STEPS // 2, SCALE_STEPS - 1):
            text = figure(values[place], self.decimals)
            picture.text(x + 22, TOP + step * (place + 0.5) + 4, text, size=SIZE, colour=SOFT)


def binned(values: pl.Series) -> pl.Series:
    """A parameter with many values as the middles of ranges that hold equally many of them."""
    if values.n_unique() <= VALUES_MAX or not values.dtype.is_numeric():
        return values
    place = (values.rank("dense").cast(pl.Int64) - 1) * RANGES // values.n_unique()
    frame = pl.DataFrame({"value": values.cast(pl.Float64), "place": place})
    return frame.select(pl.col("value").mean().over("place").round_sig_figs(3)).to_series().alias(values.name)


def hexadecimal(colour: Colour) -> str:
    """A colour as pictures take it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def ink_on(colour: Colour) -> str:
    """Dark or light, whichever can be read on a colour."""
    red, green, blue = colour
    return "#000000" if red * 0.3 + green * 0.6 + blue * 0.1 > 110 else "#ffffff"


def label(value: Any) -> str:
    """A value of a parameter, short."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def figure(value: float, decimals: int) -> str:
    """A value of the figure."""
    return f"{value:.{decimals}f}" if math.isfinite(value) else "·"
