"""A fill as a picture: its bars, the levels of its orders, the path that each rule takes, and the finer bars."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from admf.data import Bars
from admf.execution import Execution
from admf.fidelity.streams import Floats
from admf.results.charts import nice_ticks
from admf.results.pictures import BLUE, GREY, INK, RED, SOFT, Picture, Point, save_picture, text_width
from admf_kernels.codes import Path as BarPath
from admf_kernels.walk import high_first

BARS_MAX = 8  # shown side by side
PANELS_ACROSS = 3
AWAY = 7  # of a text from its mark
ROOM = 0.06  # beside the prices, of their range
WIDE, HIGH = 300, 176  # pixels of a panel
LEFT, TOP, GAP_X, GAP_Y = 74, 84, 18, 40
INSIDE = (0.1, 0.9)  # where a bar's open and close lie in its column
COLOURS = {"stop": RED, "target": BLUE, "exit": GREY}  # of marks and levels; others in ink
GROUND, SHADE, TRUE = "#fafbfc", "#e9edf1", "#8fb4dc"
NO_PATH = {"worst": "every open question against you", "best": "every open question for you", "queue": "stops first"}
TERMINAL_ROWS, TERMINAL_COLUMN = 13, 5


class Mark(NamedTuple):
    """A fill: its bar within the window, its price, what filled; `place` in the bar, 0 to 1, where it is known."""

    bar: int
    price: float
    word: str
    place: float | None = None


class Panel(NamedTuple):
    """One world: the marks in it, a word on the outcome, and its rules (None: the finer bars)."""

    name: str
    rules: Execution | None
    marks: Sequence[Mark]
    note: str


@dataclass(frozen=True, eq=False)
class FineBars:
    """The finer bars of a window: where each lies, in bars of the window from its start, and what it is."""

    place: Floats
    high: Floats
    low: Floats
    close: Floats

    @classmethod
    def of(cls, fine: Bars, firsts: Sequence[int], lasts: Sequence[int]) -> "FineBars":
        """Of a window whose bars are made of the fine bars `firsts` to `lasts`."""
        rows, place = [], []
        for bar, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
            count = last - first + 1
            rows.append(np.arange(first, last + 1))
            place.append(bar + INSIDE[0] + (np.arange(count) + 0.5) / count * (INSIDE[1] - INSIDE[0]))
        chosen = np.concatenate(rows)
        return cls(np.concatenate(place), fine.high[chosen], fine.low[chosen], fine.close[chosen])


@dataclass(frozen=True, eq=False)
class FillChart:
    """The orders of one moment in several worlds, over the same bars; arrays are of shape (bars of the window,)."""

    title: str
    labels: list[str]  # of the bars
    prices: Floats  # (bars, 4): open, high, low, close
    levels: list[tuple[str, float]]
    panels: list[Panel]
    fine: FineBars | None

    def save(self, path: str | Path) -> Path:
        """Writes it as .svg or .png."""
        return save_picture(self.picture(), path)

    def picture(self) -> Picture:
        """A panel for each world, on one scale."""
        rows = -(-len(self.panels) // PANELS_ACROSS)
        across = min(PANELS_ACROSS, len(self.panels))
        width = max(LEFT + across * (WIDE + GAP_X) + 6, 40 + text_width(self.title, 15))
        picture = Picture(width, TOP + rows * (HIGH + GAP_Y) + 30)
        picture.text(20, 28, self.title, size=15)
        self._legend(picture, 52)
        low, high = self.span
        ticks = [tick for tick in nice_ticks(low, high, 5) if low <= tick <= high]
        for index, panel in enumerate(self.panels):
            row, column = divmod(index, PANELS_ACROSS)
            left, top = LEFT + column * (WIDE + GAP_X), TOP + row * (HIGH + GAP_Y)
            frame = Frame(left, top, low, high, len(self.labels))
            self._draw(picture, frame, panel)
            for tick in ticks if column == 0 else []:
                picture.text(LEFT - 8, frame.y(tick) + 4, f"{tick:.7g}", size=10, anchor="end", colour=SOFT)
        self._bar_labels(picture, rows)
        return picture

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest price of the scale, a little beyond what is drawn."""
        prices = [*self.prices.ravel().tolist(), *(price for _, price in self.levels)]
        prices += [mark.price for panel in self.panels for mark in panel.marks]
        room = ROOM * (max(prices) - min(prices)) or abs(prices[0]) * 0.01 or 1.0
        return min(prices) - room, max(prices) + room

    def _legend(self, picture: Picture, y: float) -> None:
        x = 20.0
        for name, price in self.levels:
            picture.line((x, y - 4), (x + 22, y - 4), colour=COLOURS.get(name, INK), dash=4)
            text = f"{name} {price:.7g}"
            picture.text(x + 28, y, text, size=11, colour=SOFT)
            x += 48 + text_width(text, 11)
        if self.fine is not None:
            picture.line((x, y - 4), (x + 22, y - 4), colour=TRUE, width=2)
            picture.text(x + 28, y, "finer bars", size=11, colour=SOFT)

    def _bar_labels(self, picture: Picture, rows: int) -> None:
        """The stamps below the lowest panel of each column."""
        for column in range(min(PANELS_ACROSS, len(self.panels))):
            row = rows - 1 if (rows - 1) * PANELS_ACROSS + column < len(self.panels) else rows - 2
            y = TOP + row * (HIGH + GAP_Y) + HIGH + 14
            step = WIDE / len(self.labels)
            every = max(1, -(-int(text_width(self.labels[0], 9)) // int(step)))
            for bar in range(0, len(self.labels), every):
                x = LEFT + column * (WIDE + GAP_X) + (bar + 0.5) * step
                picture.text(x, y, self.labels[bar], size=9, anchor="middle", colour=SOFT)

    def _draw(self, picture: Picture, frame: "Frame", panel: Panel) -> None:
        """One world."""
        picture.box(frame.left, frame.top, WIDE, HIGH, GROUND)
        for bar, (open_, high, low, close) in enumerate(self.prices.tolist()):
            start, end = frame.x(bar + INSIDE[0]), frame.x(bar + INSIDE[1])
            picture.box(start, frame.y(high), end - start, max(1.0, frame.y(low) - frame.y(high)), SHADE)
            picture.line((start - 3, frame.y(open_)), (start + 3, frame.y(open_)), colour=GREY, width=2)
            picture.line((end - 3, frame.y(close)), (end + 3, frame.y(close)), colour=GREY, width=2)
        for name, price in self.levels:
            ends = (frame.left, frame.y(price)), (frame.left + WIDE, frame.y(price))
            picture.line(*ends, colour=COLOURS.get(name, INK), dash=4)
        self._draw_fine(picture, frame, strong=panel.rules is None)
        path = None if panel.rules is None else path_of(panel.rules, self.prices)
        if path is not None:
            picture.line(*((frame.x(x), frame.y(price)) for x, price in path), colour=SOFT, width=1.3)
        self._draw_marks(picture, frame, panel, path)
        picture.text(frame.left, frame.top - 8, panel.name, size=12)
        x = frame.left + text_width(panel.name, 12) + 10
        picture.text(x, frame.top - 8, path_words(panel.rules), size=10, colour=GREY)
        picture.text(frame.left + WIDE, frame.top - 8, panel.note, size=11, anchor="end", colour=SOFT)

    def _draw_fine(self, picture: Picture, frame: "Frame", *, strong: bool) -> None:
        if self.fine is None:
            return
        places = [frame.x(place) for place in self.fine.place.tolist()]
        if strong:
            for x, high, low in zip(places, self.fine.high.tolist(), self.fine.low.tolist(), strict=True):
                picture.line((x, frame.y(high)), (x, frame.y(low) + 0.5), colour=TRUE, width=1)
        points = zip(places, map(frame.y, self.fine.close.tolist()), strict=True)
        picture.line(*points, colour=BLUE if strong else TRUE, width=1.0 if strong else 0.8)

    @staticmethod
    def _draw_marks(picture: Picture, frame: "Frame", panel: Panel, path: "Sequence[Point] | None") -> None:
        for index, (mark, place) in enumerate(placed(panel.marks, path)):
            x, y, colour = frame.x(place), frame.y(mark.price), COLOURS.get(mark.word, INK)
            text = f"{mark.word} {mark.price:.7g}"
            wide = text_width(text, 10) + AWAY
            before = len(panel.marks) > 1 and index == 0  # beside each other their texts would meet
            leftward = x - wide > frame.left and (before or x + wide > frame.left + WIDE)
            line = y + (14 if y < frame.top + 16 else -6)
            picture.box(x - wide if leftward else x + AWAY, line - 9, wide - AWAY, 11, GROUND)
            anchor, start = ("end", x - AWAY) if leftward else ("start", x + AWAY)
            picture.text(start, line, text, size=10, anchor=anchor, colour=colour)
            picture.dot(x, y, colour)

    def __rich__(self) -> RenderableType:
        table = Table(box=None, pad_edge=False)
        for name in ("rules", "path", "fills", ""):
            table.add_column(name)
        for panel in self.panels:
            fills = "\n".join(f"{mark.word} {mark.price:.7g} at {self.labels[mark.bar]}" for mark in panel.marks)
            table.add_row(Text(panel.name), path_words(panel.rules), fills or "none here", Text(panel.note))
        return Group(Text(self.title), *map(Text, self.drawn()), table)

    def drawn(self) -> list[str]:
        """Bars and levels in characters, a line for each step of price."""
        low, high = self.span
        step = (high - low) / (TERMINAL_ROWS - 1) or 1.0
        rows = np.round((high - self.prices) / step).astype(int)
        names = {round((high - price) / step): name for name, price in self.levels}
        lines = []
        for row in range(TERMINAL_ROWS):
            fill = "╌" if row in names else " "
            cells = [symbol(row, *bar.tolist()) or fill for bar in rows]
            body = "".join(f"{fill * 2}{cell}{fill * 2}" for cell in cells)
            lines.append(f"{high - row * step:>12.7g} {body}{fill} {names.get(row, '')}".rstrip())
        width = TERMINAL_COLUMN * len(self.labels)
        first, last = self.labels[0], self.labels[-1]
        return [*lines, " " * 13 + f"{first}{last:>{max(1, width - len(first))}}"]


@dataclass(frozen=True)
class Frame:
    """Where a panel lies and what its edges mean."""

    left: float
    top: float
    low: float
    high: float
    count: int

    def x(self, place: float) -> float:
        """Pixel of a place, in bars from the start of the window."""
        return self.left + place / self.count * WIDE

    def y(self, price: float) -> float:
        """Pixel of a price."""
        return self.top + (self.high - price) / (self.high - self.low) * HIGH


def path_of(rules: Execution, prices: Floats) -> list[Point] | None:
    """The points of one assumed path through the bars (X-01); None where the rule admits all paths."""
    if rules.path in NO_PATH:
        return None
    code = BarPath[rules.path.upper()].value
    start, end = INSIDE
    places = [start, start + (end - start) / 3, start + (end - start) * 2 / 3, end]
    points: list[Point] = []
    for bar, (open_, high, low, close) in enumerate(prices.tolist()):
        extremes = (high, low) if high_first(code, open_, high, low, close) else (low, high)
        points += [(bar + place, price) for place, price in zip(places, (open_, *extremes, close), strict=True)]
    return points


def path_words(rules: Execution | None) -> str:
    """How the rules read a bar."""
    if rules is None:
        return ""
    return f"path={rules.path}" + (": points only" if rules.points_only else "")


def placed(marks: Sequence[Mark], path: Sequence[Point] | None) -> Iterator[tuple[Mark, float]]:
    """Where each mark is drawn: at its own place, where the path first meets its price, or spread over its bar."""
    reached = 0.0
    for index, mark in enumerate(marks):
        beside = sum(other.bar == mark.bar for other in marks)
        before = sum(other.bar == mark.bar for other in marks[:index])
        x = mark.bar + (before + 1) / (beside + 1)
        if mark.place is not None:
            x = mark.bar + mark.place
        elif path is not None:
            x = next(crossings(path, max(reached, float(mark.bar)), mark.bar + 1.0, mark.price), x)
        reached = x
        yield mark, x


def crossings(path: Sequence[Point], start: float, end: float, price: float) -> Iterator[float]:
    """Places from `start` to `end` where the path is at a price; legs between bars are jumps."""
    for (x0, y0), (x1, y1) in pairwise(path):
        if x1 < start or x0 >= end or int(x0) != int(x1):
            continue
        if min(y0, y1) <= price <= max(y0, y1):
            share = (price - y0) / (y1 - y0) if y1 != y0 else 0.0
            place = x0 + share * (x1 - x0)
            if place >= start:
                yield place


def symbol(row: int, open_: int, high: int, low: int, close: int) -> str:
    """The character of a bar in a line of the terminal, rows counted from the top; empty outside its range."""
    top, bottom = min(open_, close), max(open_, close)
    if top <= row <= bottom:
        return "█" if close <= open_ else "░"
    return "│" if high <= row <= low else ""
