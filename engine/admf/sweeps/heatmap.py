"""A key figure over two parameters: in the terminal, as SVG, as PNG."""

import io
import math
import struct
import zlib
from dataclasses import dataclass
from html import escape
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
from admf.results.pictures import save_picture
from admf.sweeps.frames import DONE

REDUCTIONS = ("mean", "max", "min", "median")
# viridis at nine places: even to the eye, and in grey
COLOURS = ((68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (40, 174, 128), (94, 201, 98),
           (173, 220, 48), (253, 231, 37))  # fmt: skip
EMPTY = (128, 128, 128)
CELL, MARGIN = 28, 64  # pixels
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
        place = (len(COLOURS) - 1) * ((value - low) / (high - low) if high > low else 0.5)
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
        red, green, blue = self.colour(value)
        ink = "black" if red * 0.3 + green * 0.6 + blue * 0.1 > 110 else "white"
        return Text(text, style=Style(bgcolor=f"rgb({red},{green},{blue})", color=ink))

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=400, no_color=True, force_terminal=False)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())

    def svg(self) -> str:
        """A picture with values, as text."""
        wide, high = MARGIN + CELL * 2 * len(self.columns) + 8, MARGIN + CELL * len(self.rows)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
            'font-family="sans-serif" font-size="11" text-anchor="middle">',
            f'<rect width="{wide}" height="{high}" fill="white"/>',
            f'<text x="{wide / 2}" y="16">{escape(self.metric)}: {escape(self.x)} across, {escape(self.y)} down</text>',
        ]
        for column, name in enumerate(self.columns):
            parts.append(f'<text x="{MARGIN + CELL * (2 * column + 1)}" y="{MARGIN - 8}">{escape(label(name))}</text>')
        for row, name in enumerate(self.rows):
            middle = MARGIN + CELL * row + CELL / 2 + 4
            parts.append(f'<text x="{MARGIN - 6}" y="{middle}" text-anchor="end">{escape(label(name))}</text>')
            for column, value in enumerate(self.values[row].tolist()):
                red, green, blue = self.colour(value)
                left, ink = MARGIN + 2 * CELL * column, "#000" if green > 130 else "#fff"
                parts.append(
                    f'<rect x="{left}" y="{MARGIN + CELL * row}" width="{2 * CELL}" height="{CELL}" '
                    f'fill="rgb({red},{green},{blue})"/>'
                    f'<text x="{left + CELL}" y="{middle}" fill="{ink}">{figure(value, self.decimals)}</text>'
                )
        return "\n".join([*parts, "</svg>\n"])

    def png(self) -> bytes:
        """The cells alone, one square each, rows of y downwards."""
        pixels = np.array([[self.colour(value) for value in row] for row in self.values.tolist()], np.uint8)
        picture = pixels.repeat(CELL, axis=0).repeat(CELL, axis=1)
        high, wide = picture.shape[:2]
        lines = np.concatenate([np.zeros((high, 1), np.uint8), picture.reshape(high, -1)], axis=1)
        head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in chunks)


def binned(values: pl.Series) -> pl.Series:
    """A parameter with many values as the middles of ranges that hold equally many of them."""
    if values.n_unique() <= VALUES_MAX or not values.dtype.is_numeric():
        return values
    place = (values.rank("dense").cast(pl.Int64) - 1) * RANGES // values.n_unique()
    frame = pl.DataFrame({"value": values.cast(pl.Float64), "place": place})
    return frame.select(pl.col("value").mean().over("place").round_sig_figs(3)).to_series().alias(values.name)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Length, kind, data, check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def label(value: Any) -> str:
    """A value of a parameter, short."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def figure(value: float, decimals: int) -> str:
    """A value of the figure."""
    return f"{value:.{decimals}f}" if math.isfinite(value) else "·"
