"""The result on one self-contained page: HTML with charts, or Markdown."""

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from admf.errors import ConfigError
from admf.results.charts import line_chart
from admf.results.describe import Rows, money, percent
from admf.results.pages import Page
from admf.results.store import write_text
from admf.results.summary import sparkline

TRADE_ROWS = 200
TRADE_COLUMNS = {
    True: ("symbol", "side", "quantity", "entry_timestamp", "entry_price", "exit_timestamp", "exit_price"),
    False: ("symbol", "side", "quantity", "entry_bar", "entry_price", "exit_bar", "exit_price"),
}  # by whether the data is dated
OUTCOME_COLUMNS = ("pnl", "return_ratio", "bars_held", "mae", "mfe")
HEADS = {"entry_timestamp": "entry (UTC)", "exit_timestamp": "exit (UTC)", "return_ratio": "return", "mae": "MAE"}
HEADS |= {"mfe": "MFE", "bars_held": "bars"}
DIGITS = {"mae": 4, "mfe": 4}  # significant ones; a price has more
SPARKS = 60  # characters of a curve in Markdown
NO_CURVE = 'The equity curve was not recorded: run with record="fills" or "full" for charts.'
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
<p class="note">{certainty}</p>
<footer>trace {trace_hash}<br>inputs {fingerprint}</footer>
</body></html>
"""


def write_report(page: Page, path: Path) -> Path:
    """Write the page as HTML or Markdown, by the name of the file, replacing one that is there.

    ConfigError for another kind of file, OutputError if it cannot be written.
    """
    kinds = {".html": report_html, ".md": report_markdown}
    if path.suffix.lower() not in kinds:
        raise ConfigError("not a kind of report", field="path", found=str(path), allowed=", ".join(kinds))
    return write_text(path, kinds[path.suffix.lower()](page))


def report_html(page: Page) -> str:
    """The whole page; every text from outside is escaped."""
    return PAGE.format(
        style=STYLE,
        title=escape(page.title),
        facts="".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in page.facts),
        warnings="".join(f'<p class="warning">{escape(warning)}</p>' for warning in page.warnings),
        charts=_charts(page),
        cards="".join(_card(title, rows) for title, rows in page.sections),
        trades=_trades(page),
        certainty=escape(page.certainty),
        trace_hash=page.trace_hash,
        fingerprint=page.fingerprint,
    )


def _charts(page: Page) -> str:
    if page.equity is None:
        return f'<p class="note">{NO_CURVE}</p>'
    equity, drawdown = page.equity["equity"].to_numpy(), page.equity["drawdown"].to_numpy()
    charts = [
        ("Equity", line_chart(equity, "equity", 260, lambda value: f"{value:,.6g}", page.bar_text)),
        ("Drawdown", line_chart(-drawdown, "drawdown", 160, lambda value: percent(value + 0.0), page.bar_text)),
    ]
    return "".join(f"<h2>{title}</h2>{chart}" for title, chart in charts)


def _card(title: str, rows: Rows) -> str:
    lines = "".join(
        f"<tr{INNER if label.startswith(' ') else ''}><td>{escape(label.strip())}</td><td>{escape(text)}</td></tr>"
        for label, text in rows
    )
    return f'<div class="card"><h3>{escape(title)}</h3><table>{lines}</table></div>'


def _trades(page: Page) -> str:
    found = shown_trades(page)
    if found is None or page.trades is None:
        return ""
    names, cells, lost = found
    head = "".join(f"<th>{HEADS.get(name, name.replace('_', ' '))}</th>" for name in names)
    body = "".join(
        f"<tr{LOSS if loss else ''}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row, loss in zip(cells, lost, strict=True)
    )
    note = f'<p class="note">{first_of(page.trades)}</p>' if len(page.trades) > TRADE_ROWS else ""
    return f'<h2>Round trips</h2>{note}<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def shown_trades(page: Page) -> tuple[list[str], list[list[str]], list[bool]] | None:
    """Names of the columns, cells of the first rows, and which of them lost; None where there is no round trip."""
    if page.trades is None or not len(page.trades):
        return None
    frame = page.trades.head(TRADE_ROWS).select(*TRADE_COLUMNS[page.stamp_form is not None], *OUTCOME_COLUMNS)
    words = frame.with_columns(
        pl.col(pl.Datetime).dt.strftime(page.stamp_form or ""),
        pl.col("pnl").map_elements(money, pl.String),
        pl.col("return_ratio").map_elements(percent, pl.String),
    )
    digits = [DIGITS.get(name, 8) for name in frame.columns]
    cells = [[_cell(value, count) for value, count in zip(row, digits, strict=True)] for row in words.iter_rows()]
    return frame.columns, cells, (frame["pnl"] < 0.0).to_list()


def first_of(trades: pl.DataFrame) -> str:
    """How many of the round trips are shown."""
    return f"The first {TRADE_ROWS} of {len(trades):,} round trips."


def _cell(value: Any, digits: int) -> str:
    return f"{value:,.{digits}g}" if isinstance(value, float) else str(value) if value is not None else ""


# ------------------------------------------------------------------------------------------------------------ Markdown


def report_markdown(page: Page) -> str:
    """The same page as text: the curves as rows of bars, all tables as Markdown."""
    parts = [f"# {page.title}", "", *(f"- {label}: {text}" for label, text in page.facts), ""]
    parts += [line for warning in page.warnings for line in (f"> {warning}", "")]
    parts += ["## Equity", "", *_curves(page), ""]
    for title, rows in page.sections:
        parts += [
            f"## {title}",
            "",
            *_table(["", ""], [[f"&nbsp;&nbsp;{a.strip()}" if a.startswith(" ") else a, b] for a, b in rows]),
            "",
        ]
    found = shown_trades(page)
    if found is not None and page.trades is not None:
        names, cells, _lost = found
        parts += ["## Round trips", ""]
        if len(page.trades) > TRADE_ROWS:
            parts += [first_of(page.trades), ""]
        parts += [*_table([HEADS.get(name, name.replace("_", " ")) for name in names], cells), ""]
    return "\n".join([*parts, page.certainty, "", f"trace {page.trace_hash}  ", f"inputs {page.fingerprint}", ""])


def _curves(page: Page) -> list[str]:
    if page.equity is None:
        return [NO_CURVE]
    equity, drawdown = page.equity["equity"].to_numpy(), page.equity["drawdown"].to_numpy()
    span = f"{page.bar_text(0)} to {page.bar_text(len(page.equity) - 1)}"
    ends = f"{money(float(np.nanmin(equity)))} to {money(float(np.nanmax(equity)))}"
    curves = [
        f"equity    {sparkline(equity, SPARKS)} {ends}",
        f"drawdown  {sparkline(drawdown, SPARKS)} 0 to {percent(float(np.nanmax(drawdown)))}",
    ]
    return [f"{span}:", "", "```text", *curves, "```"]


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table; a bar within a cell does not end it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
