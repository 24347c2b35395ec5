"""Key figures as aligned text, in sections; summary and report show the same ones."""

import math
from typing import TYPE_CHECKING

import numpy as np

from admf.results.describe import rejections
from admf.results.metrics import Metric, Metrics
from admf.results.words import stamps

if TYPE_CHECKING:
    from admf.results.result import Result

TOP_REJECTIONS = 3
UNDEFINED = "–"

Rows = list[tuple[str, str]]


def money(value: Metric) -> str:
    """An amount with two decimals, more where it is small."""
    return _number(value, ",.2f" if value is None or abs(value) >= 0.01 or value == 0 else ",.6f")


def percent(value: Metric, sign: str = "") -> str:
    """A fraction as percent."""
    text = _number(value, f"{sign},.2%")
    return text.replace("%", " %")


def number(value: Metric) -> str:
    """A plain ratio with two decimals."""
    return _number(value, ",.2f")


def _number(value: Metric, form: str) -> str:
    if value is None or math.isnan(value):
        return UNDEFINED
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return format(value, form)


def sections(result: "Result") -> list[tuple[str, Rows]]:
    """Title and rows (label, value) of each section."""
    metrics = result.metrics
    return [
        ("Returns", _returns(metrics)),
        ("Risk", _risk(metrics, "day" if result.records.market.intraday else "bar")),
        ("Trades", _trades(metrics)),
        ("Orders", _orders(result)),
        ("Costs", _costs(metrics)),
        ("Fills", _fills(result)),
    ]


def warnings(result: "Result") -> list[str]:
    """What a reader must know before the figures."""
    metrics, records = result.metrics, result.records
    found = []
    if metrics["bankrupt_bar"] is not None:
        bar = int(metrics["bankrupt_bar"])
        when = stamps("when", np.array([bar]), records.market).dt.strftime(" (%Y-%m-%d %H:%M)")[0] or ""
        found.append(
            f"BANKRUPT at bar {bar:,}{when}: equity fell to zero or below, everything was closed and refused after"
        )
    if not metrics["fills"]:
        found.append("nothing filled" if metrics["orders"] else "no order was submitted")
    elif not metrics["trades"]:
        found.append("no position was closed: there are no round trips to judge")
    return found


def _returns(metrics: Metrics) -> Rows:
    return [
        ("initial equity", money(metrics["initial_equity"])),
        ("final equity", money(metrics["final_equity"])),
        ("total return", percent(metrics["total_return"], "+")),
        ("CAGR", percent(metrics["cagr"], "+")),
        ("exposure", percent(metrics["exposure"])),
        ("turnover", _number(metrics["turnover"], ",.1f") + " ×"),
    ]


def _risk(metrics: Metrics, unit: str) -> Rows:
    rows = [
        ("volatility", percent(metrics["volatility"])),
        ("Sharpe", number(metrics["sharpe"])),
        ("Sortino", number(metrics["sortino"])),
        ("max drawdown", percent(metrics["max_drawdown"])),
    ]
    if "value_at_risk_95" in metrics:
        rows.append((f"VaR 95 % a {unit}", percent(metrics["value_at_risk_95"])))
    return rows


def _trades(metrics: Metrics) -> Rows:
    rows = [
        ("round trips", f"{metrics['trades']:,}"),
        ("win rate", percent(metrics["win_rate"])),
        ("profit factor", number(metrics["profit_factor"])),
        ("average trade", money(metrics["average_trade"])),
    ]
    if "best_trade" in metrics:
        rows += [("best trade", money(metrics["best_trade"])), ("worst trade", money(metrics["worst_trade"]))]
    return rows


def _costs(metrics: Metrics) -> Rows:
    commission, slippage = metrics["commission"] or 0.0, metrics["slippage_cost"] or 0.0
    return [
        ("commission", money(commission)),
        ("slippage", money(slippage)),
        ("together", money(commission + slippage)),
        ("of initial equity", percent((commission + slippage) / (metrics["initial_equity"] or math.nan))),
    ]


def _orders(result: "Result") -> Rows:
    metrics = result.metrics
    outcomes = {word: int(metrics[f"orders_{word}"] or 0) for word in ("filled", "cancelled", "rejected", "expired")}
    rows = [("submitted", f"{metrics['orders']:,}")] + [(word, f"{count:,}") for word, count in outcomes.items()]
    reasons = rejections(result.records)
    position = 1 + list(outcomes).index("rejected") + 1
    rows[position:position] = [(f"  {reason.name.lower()}", f"{count:,}") for reason, count in reasons[:TOP_REJECTIONS]]
    if len(reasons) > TOP_REJECTIONS:
        rest = sum(count for _, count in reasons[TOP_REJECTIONS:])
        rows.insert(position + TOP_REJECTIONS, ("  other reasons", f"{rest:,}"))
    alive = int(metrics["orders"] or 0) - sum(outcomes.values())
    return [*rows, ("still working", f"{alive:,}")] if alive else rows


def _fills(result: "Result") -> Rows:
    metrics = result.metrics
    ambiguous, clamps, bad_bars = metrics["ambiguous_groups"], metrics["clamps"], metrics["bad_bars"]
    rows = [("fills", f"{metrics['fills']:,}"), ("ambiguous groups", f"{ambiguous:,}")]
    if ambiguous and result.has("fills"):
        touched = int(np.count_nonzero(result.records.fills["ambiguous"]))
        rows.append(("  fills on ambiguous bars", f"{touched:,} of {metrics['fills']:,}"))
    rows.append(("clamped prices", f"{clamps:,}"))
    if clamps:
        rows.append(("  slippage given back", money(metrics["clamp_saving"])))
    rows.append(("bad bars", f"{bad_bars:,} (first: {metrics['bad_bar_first']:,})" if bad_bars else "0"))
    return rows
