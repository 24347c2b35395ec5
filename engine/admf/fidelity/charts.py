"""What a study of fidelity looks like: how each model errs, and whether the interval covers at each size of bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from admf.fidelity.streams import Floats
from admf.results.pictures import FAINT, INK, SOFT, Picture, save_picture, text_width

EXACT = 0.01  # ranges of a bar: what is closer to the truth counts as right
EDGES = (EXACT, 0.1, 0.5)
BINS = ("by up to 10 %", "by 10 to 50 %", "by more than 50 %")  # of a range, for each side
LOW = ("#bcd3ec", "#6f9fd2", "#2563ab")
HIGH = ("#efc4bf", "#d98078", "#b3312c")
BLOCKS = "░▒█"
SIDE_CELLS = 22  # of the terminal
ROW, BAR, HALF = 24, 14, 250  # pixels


@dataclass(frozen=True, eq=False)
class ErrorChart:
    """How the profits of slots err, by model: shares of the slots that are right, too low and too high.

    `low` and `high` are of shape (models, 3): by up to 10 %, up to 50 %, more than 50 % of a bar's range.
    """

    title: str
    models: list[str]
    right: Floats
    low: Floats
    high: Floats
    mean: Floats  # in ranges

    @classmethod
    def of(cls, title: str, errors: Mapping[str, Floats]) -> Self:
        """From the errors of each model in ranges of a bar, shape (slots,)."""
        size = {name: np.digitize(np.abs(values), EDGES) for name, values in errors.items()}
        low, high = (
            np.array(
                [
                    [np.mean((size[name] == kind) & (sign * values > 0)) for kind in (1, 2, 3)]
                    for name, values in errors.items()
                ]
            )
            for sign in (-1.0, 1.0)
        )
        right = np.array([np.mean(size[name] == 0) for name in errors])
        return cls(title, list(errors), right, low, high, np.array([values.mean() for values in errors.values()]))

    def save(self, path: str | Path) -> Path:
        """Writes it as .svg or .png."""
        return save_picture(self.picture(), path)

    def picture(self) -> Picture:
        """One row a model: too low to the left, too high to the right."""
        left = 24 + max(text_width(name, 12) for name in self.models) + 60
        middle, top = left + 16 + HALF, 84
        picture = Picture(middle + HALF + 100, top + ROW * len(self.models) + 62)
        picture.text(20, 28, self.title, size=15)
        heads = [(left - 10, "right", "end"), (middle - 8, "profit too low", "end")]
        heads += [(middle + 8, "profit too high", "start"), (picture.width - 20, "mean", "end")]
        for x, text, anchor in heads:
            picture.text(x, top - 26, text, size=11, anchor=anchor, colour=SOFT)
        scale = HALF / self.reach
        for tick in (-1.0, -0.5, 0.5, 1.0):
            x = middle + tick * HALF
            picture.line((x, top - 6), (x, top + ROW * len(self.models)), colour=FAINT)
            picture.text(x, top - 10, f"{abs(tick) * self.reach * 100:.3g}%", size=10, anchor="middle", colour=SOFT)
        for row, name in enumerate(self.models):
            y = top + ROW * row
            picture.text(20, y + 16, name)
            picture.text(left - 10, y + 16, f"{self.right[row]:.1%}", anchor="end")
            picture.text(picture.width - 20, y + 16, f"{self.mean[row] * 100:+.2f} %", anchor="end")
            for shares, colours, sign in ((self.low, LOW, -1), (self.high, HIGH, 1)):
                start = 0.0
                for share, colour in zip(shares[row].tolist(), colours, strict=True):
                    width = share * scale
                    picture.box(middle + start if sign > 0 else middle - start - width, y + 5, width, BAR, colour)
                    start += width
        picture.line((middle, top - 6), (middle, top + ROW * len(self.models)), colour=INK)
        self._legend(picture, top + ROW * len(self.models) + 28)
        return picture

    @property
    def reach(self) -> float:
        """Share of the slots at the end of each side: a round number."""
        largest = float(max(self.low.sum(axis=1).max(), self.high.sum(axis=1).max(), 1e-4))
        power = 10.0 ** np.floor(np.log10(largest))
        return float(next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= largest))

    @staticmethod
    def _legend(picture: Picture, y: float) -> None:
        x = 20.0
        for low, high, text in zip(LOW, HIGH, BINS, strict=True):
            picture.box(x, y - 10, 12, 12, low)
            picture.box(x + 14, y - 10, 12, 12, high)
            picture.text(x + 32, y, f"{text} of a bar's range" if text == BINS[-1] else text, size=11, colour=SOFT)
            x += 50 + text_width(text, 11)
        picture.text(
            20, y + 20, f"right: within {EXACT:.0%} of a bar's range; share of the slots", size=11, colour=SOFT
        )

    def __rich__(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, collapse_padding=True)
        for name, justify in (
            ("model", "left"),
            ("right", "right"),
            ("too low", "right"),
            ("too high", "left"),
            ("mean", "right"),
        ):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]  # a word of rich
        for row, name in enumerate(self.models):
            sides = (self._blocks(self.low[row], LOW, turned=True), self._blocks(self.high[row], HIGH))
            table.add_row(Text(name), f"{self.right[row]:.1%}", *sides, f"{self.mean[row] * 100:+.2f} %")
        legend = " ".join(f"{block} {text}" for block, text in zip(BLOCKS, BINS, strict=True))
        return Group(
            Text(self.title),
            table,
            f"share of the slots, {self.reach:.3g} at the end of a side; {legend} of a bar's range",
        )

    def _blocks(self, shares: Floats, colours: Sequence[str], *, turned: bool = False) -> Text:
        """One side of a row; any share above 0 shows."""
        ends = np.ceil(np.cumsum(shares) / self.reach * SIDE_CELLS - 1e-9).astype(int)
        lengths = np.diff(ends, prepend=0)
        parts = [(block * int(length), colour) for block, length, colour in zip(BLOCKS, lengths, colours, strict=True)]
        return Text.assemble(*(reversed(parts) if turned else parts))


MEASURES = {"outcome_covered": "outcome", "profit_covered": "profit", "open": "open"}
CELL_WIDTH, NAME_SIZE = 62, 12


@dataclass(frozen=True, eq=False)
class CoverageChart:
    """How often the truth lies between worst and best, by kind of order (rows) and size of bar (columns).

    `values` is of shape (measures, rows, columns), in the order of `MEASURES`; NaN where nothing was measured.
    """

    title: str
    rows: list[str]
    columns: list[str]
    values: Floats

    @classmethod
    def of(cls, title: str, coverage: pl.DataFrame) -> Self:
        """From rows with `stream`, `coarse` and the measures."""
        rows = coverage["stream"].unique(maintain_order=True).to_list()
        columns = coverage["coarse"].unique(maintain_order=True).to_list()
        values = np.full((len(MEASURES), len(rows), len(columns)), np.nan)
        for row in coverage.iter_rows(named=True):
            place = rows.index(row["stream"]), columns.index(row["coarse"])
            values[:, place[0], place[1]] = [np.nan if row[name] is None else row[name] for name in MEASURES]
        return cls(title, rows, columns, values)

    def save(self, path: str | Path) -> Path:
        """Writes it as .svg or .png."""
        return save_picture(self.picture(), path)

    def picture(self) -> Picture:
        """A block of cells for each measure; a cell is filled as far as its share."""
        left = 32 + max(text_width(name, NAME_SIZE) for name in self.rows)
        block, top = CELL_WIDTH * len(self.columns) + 28, 88
        picture = Picture(left + block * len(MEASURES) - 8, top + ROW * len(self.rows) + 56)
        picture.text(20, 28, self.title, size=15)
        for row, name in enumerate(self.rows):
            picture.text(20, top + ROW * row + 16, name, size=NAME_SIZE)
        for index, word in enumerate(MEASURES.values()):
            start = left + block * index
            picture.text(start, top - 30, word, size=12)
            for column, size in enumerate(self.columns):
                x = start + CELL_WIDTH * column
                picture.text(x + CELL_WIDTH / 2 - 3, top - 10, size, size=11, anchor="middle", colour=SOFT)
                for row in range(len(self.rows)):
                    self._cell(picture, x, top + ROW * row, float(self.values[index, row, column]))
        for line, text in enumerate(COVERAGE_WORDS):
            picture.text(20, top + ROW * len(self.rows) + 24 + 16 * line, text, size=11, colour=SOFT)
        return picture

    @staticmethod
    def _cell(picture: Picture, x: float, y: float, share: float) -> None:
        width, height = CELL_WIDTH - 6, ROW - 4
        picture.box(x, y + 2, width, height, "#f1f4f7")
        if np.isfinite(share):
            picture.box(x, y + 2, width * share, height, LOW[0])
            picture.text(x + width - 5, y + 16, percent(share), size=11, anchor="end")

    def __rich__(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, collapse_padding=True)
        table.add_column("orders")
        for word in MEASURES.values():
            for column, size in enumerate(self.columns):
                table.add_column(f"{word if not column else ''}\n{size}", justify="right")
        for row, name in enumerate(self.rows):
            table.add_row(
                Text(name), *("–" if np.isnan(share) else percent(share) for share in self.values[:, row].ravel())
            )
        return Group(Text(self.title), table, *COVERAGE_WORDS)


COVERAGE_WORDS = (
    "outcome: entry, stop, target or neither as on one of the two paths · profit: and its profit between theirs",
    "open: share of the slots in which the two paths differ",
)


def percent(share: float) -> str:
    """A share in per cent, as many digits as it needs: a full 100 % is none that was rounded."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    text = f"{share:.1%}"
    return {"100.0%": "99.9%", "0.0%": f"{share:.2%}"}.get(text, text)
