"""The result as one self-contained HTML page."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from admf.results.charts import line_chart
from admf.results.describe import data_words, execution_words, strategy_words
from admf.results.figures import Rows, money, percent, sections, warnings
from admf.results.page import PAGE, STYLE
from admf.results.store import write_text
from admf.results.words import stamps

if TYPE_CHECKING:
    from admf.results.result import Result

TRADE_ROWS = 200
LEADING = ("symbol", "side", "quantity", "entry_bar", "entry_timestamp", "entry_price")
TRADE_COLUMNS = (*LEADING, "exit_bar", "exit_timestamp", "exit_price", "pnl", "return_pct", "bars_held", "mae", "mfe")

INNER, LOSS = ' class="inner"', ' class="loss"'


def write_report(result: "Result", path: Path) -> Path:
    """Write the page to `path`, replacing a file that is there; OutputError if that cannot be done."""
    return write_text(path, report_html(result))


def report_html(result: "Result") -> str:
    """The whole page; every text from outside is escaped."""
    records = result.records
    facts = [
        ("data", data_words(records)),
        ("strategy", strategy_words(records)),
        ("execution", execution_words(records.execution)),
        ("account", f"{money(records.account_value.cash)} {records.account_value.currency}"),
    ]
    return PAGE.format(
        style=STYLE,
        title=escape(result.title),
        facts="".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in facts),
        warnings="".join(f'<p class="warning">{escape(warning)}</p>' for warning in warnings(result)),
        charts=_charts(result),
        cards="".join(_card(title, rows) for title, rows in sections(result)),
        trades=_trades(result),
        trace_hash=result.trace_hash,
        fingerprint=result.fingerprint,
    )


def _charts(result: "Result") -> str:
    if not len(result.records.curve):
        return '<p class="note">The equity curve was not recorded: run with record="full" for charts.</p>'
    market = result.records.market
    form = "%Y-%m-%d %H:%M" if market.intraday else "%Y-%m-%d"

    def bar_text(bar: int) -> str:
        return stamps("stamp", np.array([bar]), market).dt.strftime(form)[0] or f"bar {bar:,}"

    equity, drawdown = result.equity["equity"].to_numpy(), result.equity["drawdown"].to_numpy()
    charts = [
        ("Equity", line_chart(equity, "equity", lambda value: f"{value:,.6g}", bar_text)),
        ("Drawdown", line_chart(-drawdown, "drawdown", lambda value: percent(value + 0.0), bar_text)),
    ]
    return "".join(f"<h2>{title}</h2>{chart}" for title, chart in charts)


def _card(title: str, rows: Rows) -> str:
    lines = "".join(
        f"<tr{INNER if label.startswith(' ') else ''}><td>{escape(label.strip())}</td><td>{escape(text)}</td></tr>"
        for label, text in rows
    )
    return f'<div class="card"><h3>{escape(title)}</h3><table>{lines}</table></div>'


def _trades(result: "Result") -> str:
    if not result.has("trades") or not len(result.records.trades):
        return ""
    frame, count = result.trades.select(TRADE_COLUMNS).head(TRADE_ROWS), len(result.records.trades)
    frame = frame.select(name for name in frame.columns if frame[name].null_count() < frame.height)
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in frame.columns)
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in _texts(frame).iter_rows())
    note = f'<p class="note">The first {TRADE_ROWS} of {count:,} round trips.</p>' if count > TRADE_ROWS else ""
    return f'<h2>Trades</h2>{note}<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M"))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"<td{LOSS if value < 0 else ''}>{value:,.6g}</td>"
    return f"<td>{escape(str(value)) if value is not None else ''}</td>"
