"""The result as one self-contained HTML page."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from admf.results.charts import line_chart
from admf.results.describe import Rows, facts, money, percent, sections, warnings
from admf.results.store import write_text
from admf.results.words import stamp_form, stamp_text

if TYPE_CHECKING:
    from admf.results.result import Result

TRADE_ROWS = 200
TRADE_COLUMNS = {
    True: ("symbol", "side", "quantity", "entry_timestamp", "entry_price", "exit_timestamp", "exit_price"),
    False: ("symbol", "side", "quantity", "entry_bar", "entry_price", "exit_bar", "exit_price"),
}  # by whether the data is dated
OUTCOME_COLUMNS = ("pnl", "return_ratio", "bars_held", "mae", "mfe")
HEADS = {"entry_timestamp": "entry (UTC)", "exit_timestamp": "exit (UTC)", "return_ratio": "return", "mae": "MAE"}
HEADS |= {"mfe": "MFE", "bars_held": "bars"}
DIGITS = {"mae": 4, "mfe": 4}  # significant ones; a price has more
INNER, LOSS = ' class="inner"', ' class="loss"'

STYLE = """
:root { --ink: #1d2733; --soft: #66717f; --line: #dfe4ea; --page: #ffffff; --card: #f7f9fb;
  --blue: #2563ab; --red: #b3312c }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8ee; --soft: #95a1b0; --line: #313b47; --page: #151a20; --card: #1c232b;
    --blue: #6ba6e8; --red: #e5756f }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1080px; padding: 32px 24px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
h1 { margin: 0 0 4px; font-size: 26px } h2 { margin: 32px 0 8px; font-size: 17px }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
.warning { margin: 16px 0 0; padding: 8px 12px; border-left: 4px solid var(--red); background: var(--card) }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 16px; margin-top: 24px }
.card { padding: 12px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 6px }
.card h3 { margin: 0 0 6px; font-size: 14px; color: var(--blue) }
.card table { width: 100% }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: 2px 0; text-align: right; white-space: nowrap } td:first-child, th:first-child { text-align: left }
.inner td:first-child { padding-left: 14px; color: var(--soft) }
.wide { overflow-x: auto } .wide table { width: 100%; font-size: 13px }
.wide td, .wide th { padding: 4px 10px; border-bottom: 1px solid var(--line) }
.wide th { color: var(--soft); font-weight: 500 }
.loss td:nth-last-child(5), .loss td:nth-last-child(4) { color: var(--red) } /* pnl and return */
.note, footer { color: var(--soft); font-size: 13px } footer { margin-top: 32px }
svg { display: block; width: 100%; height: auto } svg text { fill: var(--soft); font-size: 12px }
svg line { stroke: var(--line) } polyline { fill: none; stroke-width: 1.5; stroke-linejoin: round }
polygon { opacity: .12 } .equity polyline { stroke: var(--blue) } .equity polygon { fill: var(--blue) }
.drawdown polyline { stroke: var(--red) } .drawdown polygon { fill: var(--red) }
"""

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head><body>
<h1>{title}</h1>
<dl>{facts}</dl>
{warnings}
{charts}
<div class="cards">{cards}</div>
{trades}
<footer>trace {trace_hash}<br>inputs {fingerprint}</footer>
</body></html>
"""


def write_report(result: "Result", path: Path) -> Path:
    """Write the page to `path`, replacing a file that is there; OutputError if that cannot be done."""
    return write_text(path, report_html(result))


def report_html(result: "Result") -> str:
    """The whole page; every text from outside is escaped."""
    return PAGE.format(
        style=STYLE,
        title=escape(result.title),
        facts="".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in facts(result.records)),
        warnings="".join(f'<p class="warning">{escape(warning)}</p>' for warning in warnings(result)),
        charts=_charts(result),
        cards="".join(_card(title, rows) for title, rows in sections(result)),
        trades=_trades(result),
        trace_hash=result.trace_hash,
        fingerprint=result.fingerprint,
    )


def _charts(result: "Result") -> str:
    if not result.has("equity"):
        return '<p class="note">The equity curve was not recorded: run with record="fills" or "full" for charts.</p>'
    market = result.records.market

    def bar_text(bar: int) -> str:
        return stamp_text(bar, market) or f"bar {bar:,}"

    equity, drawdown = result.equity["equity"].to_numpy(), result.equity["drawdown"].to_numpy()
    charts = [
        ("Equity", line_chart(equity, "equity", 260, lambda value: f"{value:,.6g}", bar_text)),
        ("Drawdown", line_chart(-drawdown, "drawdown", 160, lambda value: percent(value + 0.0), bar_text)),
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
    count, dated = len(result.records.trades), result.records.market.dated
    frame = result.trades.head(TRADE_ROWS).select(*TRADE_COLUMNS[dated], *OUTCOME_COLUMNS)
    cells = frame.with_columns(
        pl.col(pl.Datetime).dt.strftime(stamp_form(result.records.market)),
        pl.col("pnl").map_elements(money, pl.String),
        pl.col("return_ratio").map_elements(percent, pl.String),
    )
    head = "".join(f"<th>{HEADS.get(name, name.replace('_', ' '))}</th>" for name in frame.columns)
    lost = frame["pnl"] < 0.0
    rows = zip(cells.iter_rows(), lost, strict=True)
    digits = [DIGITS.get(name, 8) for name in frame.columns]
    body = "".join(f"<tr{LOSS if loss else ''}>{''.join(map(_cell, row, digits))}</tr>" for row, loss in rows)
    note = f'<p class="note">The first {TRADE_ROWS} of {count:,} round trips.</p>' if count > TRADE_ROWS else ""
    return f'<h2>Round trips</h2>{note}<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _cell(value: Any, digits: int) -> str:
    if isinstance(value, float):
        return f"<td>{value:,.{digits}g}</td>"
    return f"<td>{escape(str(value)) if value is not None else ''}</td>"
