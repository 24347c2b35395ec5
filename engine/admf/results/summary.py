"""The result on one page of text: what ran, on what, how it went and what it cost."""

import io
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from admf.results.describe import Rows, certainty, facts, money, sections, warnings

if TYPE_CHECKING:
    from admf.results.result import Result

WIDTH = 80
BLOCK_WIDTH, BLOCK_GAP = 38, 4  # two blocks beside each other
SPARKS = "▁▂▃▄▅▆▇█"


class Summary:
    """One page: text of 80 columns to `print`, colours on a rich console."""

    def __init__(self, result: "Result") -> None:
        self._page = summary_page(result)

    def __rich__(self) -> RenderableType:
        return self._page

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=WIDTH, no_color=True, force_terminal=False, legacy_windows=False)
        with console.capture() as capture:
            console.print(self._page)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())

    __repr__ = __str__  # a notebook or prompt shows the page as well


def summary_page(result: "Result") -> RenderableType:
    """The page as a rich renderable."""
    parts: list[RenderableType] = [Text(result.title, style="bold"), _facts(facts(result.records))]
    parts += [Text(f"! {warning}", style="bold red") for warning in warnings(result)]
    parts += ["", _figures(sections(result)), ""]
    if len(result.records.curve) > 1:
        parts.append(_equity_line(result.records.curve["equity"]))
    parts += [Text(f"trace {result.trace_hash}", style="dim"), Text(certainty(result))]
    return Group(*parts)


def _facts(rows: Rows) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(max_width=WIDTH - 11)
    for label, text in rows:
        table.add_row(label, Text(text))
    return table


def _figures(blocks: list[tuple[str, Rows]]) -> Table:
    """Sections two beside each other."""
    tables = [_block(title, rows) for title, rows in blocks]
    page = Table.grid(padding=(0, BLOCK_GAP, 0, 0), pad_edge=False)
    for row, (left, right) in enumerate(zip_longest(tables[0::2], tables[1::2], fillvalue="")):
        if row:
            page.add_row("", "")
        page.add_row(left, right)
    return page


def _block(title: str, rows: Rows) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    value_width = max(len(text) for _, text in rows)
    table.add_column(width=BLOCK_WIDTH - 1 - value_width, no_wrap=True)
    table.add_column(width=value_width, justify="right", no_wrap=True)
    for label, text in rows:
        table.add_row(Text(f"  {label}"), Text(text))
    return Group(Text(title, style="bold cyan"), table)


def _equity_line(equity: NDArray[np.float64]) -> Text:
    ends = f"{money(float(np.nanmin(equity)))} … {money(float(np.nanmax(equity)))}"
    return Text(f"equity {sparkline(equity, WIDTH - len(ends) - 8)} {ends}")


def sparkline(values: NDArray[np.float64], count: int) -> str:
    """The values as a row of at most `count` bars; what is not finite is left out, a flat line is in the middle."""
    values = values[np.isfinite(values)]
    if not len(values):
        return ""
    chosen = values[np.unique(np.linspace(0, len(values) - 1, min(count, len(values))).astype(np.int64))]
    low, high = chosen.min(), chosen.max()
    if high == low:
        return SPARKS[3] * len(chosen)
    levels = ((chosen - low) / (high - low) * (len(SPARKS) - 1)).round().astype(np.int64)
    return "".join(SPARKS[level] for level in levels)
