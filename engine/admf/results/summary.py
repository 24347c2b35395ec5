"""The result on one page of text: what ran, on what, how it went and what it cost."""

import io
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from admf.results.describe import data_words, execution_words, strategy_words, value_words
from admf.results.figures import Rows, money, sections, warnings

if TYPE_CHECKING:
    from admf.results.result import Result

WIDTH = 100
SPARKS = "▁▂▃▄▅▆▇█"
SPARK_COUNT = 60


def summary_text(result: "Result", console: Console | None) -> str:
    """The page as plain text of at most WIDTH columns; also printed to `console` where one is given."""
    page = summary_page(result)
    if console is not None:
        console.print(page)
    plain = Console(file=io.StringIO(), width=WIDTH, no_color=True, force_terminal=False, legacy_windows=False)
    with plain.capture() as capture:
        plain.print(page)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def summary_page(result: "Result") -> RenderableType:
    """The page as a rich renderable."""
    parts: list[RenderableType] = [Text(result.title, style="bold"), _facts(result)]
    parts += [Text(f"! {warning}", style="bold red") for warning in warnings(result)]
    parts += ["", _figures(result), ""]
    if len(result.records.curve) > 1:
        parts += [_equity_line(result), ""]
    parts.append(Text(f"trace {result.trace_hash}", style="dim"))
    return Group(*parts)


def _facts(result: "Result") -> Table:
    records = result.records
    account = records.account_value
    held = ", ".join(
        f"{value_words(size)} {symbol} at {price:g}" for symbol, (size, price) in (account.positions or {}).items()
    )
    rows = [
        ("data", data_words(records)),
        ("strategy", strategy_words(records)),
        ("execution", execution_words(records.execution)),
        ("account", f"{money(account.cash)} {account.currency}" + (f" and {held}" if held else "")),
    ]
    if records.elapsed_s > 0.0:
        speed = records.market.bar_count * len(records.market.symbols) / records.elapsed_s
        rows.append(("run", f"{_duration(records.elapsed_s)}, {speed / 1e6:,.1f} million bars a second"))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(label, Text(text))
    return table


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f} ms" if seconds < 1.0 else f"{seconds:,.2f} s"


def _figures(result: "Result") -> Table:
    """Sections two beside each other."""
    table = Table.grid(padding=(0, 6, 0, 0))
    blocks = [_block(title, rows) for title, rows in sections(result)]
    for row, (left, right) in enumerate(zip_longest(blocks[0::2], blocks[1::2], fillvalue="")):
        if row:
            table.add_row("", "")
        table.add_row(left, right)
    return table


def _block(title: str, rows: Rows) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=24)
    table.add_column(justify="right", min_width=14)
    for label, text in rows:
        table.add_row(Text(label), Text(text))
    return Group(Text(title, style="bold cyan"), Padding(table, (0, 0, 0, 2)))


def _equity_line(result: "Result") -> Text:
    equity = np.asarray(result.records.curve["equity"])
    low, high = float(np.nanmin(equity)), float(np.nanmax(equity))
    return Text(f"equity  {sparkline(equity)}  {money(low)} … {money(high)}")


def sparkline(values: NDArray[np.float64], count: int = SPARK_COUNT) -> str:
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
