"""The page that a report fills in: style sheet and skeleton, nothing from outside."""

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
.loss { color: var(--red) } .note, footer { color: var(--soft); font-size: 13px } footer { margin-top: 32px }
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
