"""A run in words: the facts, key figures and warnings that the summary and the report both show."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from admf.errors import counted
from admf.models import Model
from admf.results.metrics import UNFILLED, Metric, Metrics
from admf.results.records import RunRecords
from admf.results.words import stamp_text
from admf_kernels.codes import BarFlag, OrderStatus, Reason

if TYPE_CHECKING:
    from admf.data import Market
    from admf.execution import Account, Execution
    from admf.results.bounds import Bounds
    from admf.results.result import Result

# What is said of the main rules, in this order; every other field is named where it differs from its default.
PHRASES = {
    "path": "{} path",
    "market_fill": "market orders at {}",
    "slippage": "slippage {}",
    "commission": "commission {}",
    "volume_limit": "volume cap {}",
    "short": "shorts: {}",
}
# what an account gets and pays beside its orders, told where there is any
BESIDE_ORDERS = {
    "dividends": "dividends got",
    "interest": "interest got",
    "funding": "funding paid",
    "borrow_fees": "borrow fees",
}
TOP_REJECTIONS = 3
SHOWN_SYMBOLS = 3
SHORTENED_FROM = 1e4  # a million percent
SPARSE_SHARE = 0.5  # of the samples that the annual figures assume
ANNUAL_FROM_DAYS = 30
DAYS_PER_YEAR = 365.25
UNDEFINED = "–"

Rows = list[tuple[str, str]]


# --------------------------------------------------------------------------------------------------------------- facts


def facts(records: RunRecords) -> Rows:
    """What ran on what, as label and text."""
    dates = span(records)
    rows = [
        ("data", data_words(records)),
        ("span", f"{dates[0]} → {dates[1]} UTC ({_elapsed(records.years)})" if dates else "undated"),
        ("strategy", strategy_words(records)),
        ("execution", execution_words(records.execution)),
        ("account", account_words(records.account_value)),
    ]
    if records.elapsed_s > 0.0:
        speed = records.market.bar_count / records.elapsed_s
        rows.append(("run", f"{_duration(records.elapsed_s)}, {_millions(speed)} bars a second"))
    return rows


def account_words(account: "Account") -> str:
    """Cash and positions at the start, then every rule that is not at its default."""
    held = ", ".join(
        f"{value_words(size)} {symbol} at {price:g}" for symbol, (size, price) in (account.positions or {}).items()
    )
    phrases = [f"{money(account.cash)} {account.currency}" + (f" and {held}" if held else "")]
    for field in fields(account):
        value = getattr(account, field.name)
        if field.name not in ("cash", "currency", "positions") and value != field.default:
            phrases.append(f"{value_words(field.name)} {value_words(value)}")
    return " · ".join(phrases)


def span(records: RunRecords) -> tuple[str, str] | None:
    """First and last stamp as text; None for undated data."""
    market = records.market
    first, last = stamp_text(0, market), stamp_text(market.bar_count - 1, market)
    return (first, last) if first and last else None


def data_words(records: RunRecords) -> str:
    """Symbols and bars of the data."""
    symbols = records.market.symbols
    few = len(symbols) <= SHOWN_SYMBOLS
    named = ", ".join(symbols) if few else f"{len(symbols)} symbols ({symbols[0]} … {symbols[-1]})"
    return f"{named} · {counted(records.market.bar_count, 'bar')}"


def strategy_words(records: RunRecords) -> str:
    """The strategy with its parameters, or what the orders came from."""
    if records.strategy is None:
        count = records.table.height if records.table is not None else int(records.account["next_number"])
        return f"scripted orders ({count:,})"
    parameters = records.strategy.get("parameters") or {}
    pairs = parameters.items() if isinstance(parameters, Mapping) else []
    return f"{records.strategy.get('name')}({', '.join(f'{name}={value_words(value)}' for name, value in pairs)})"


def execution_words(execution: "Execution") -> str:
    """The main rules of the execution, then every other one that is not at its default."""
    phrases = [phrase.format(value_words(getattr(execution, name))) for name, phrase in PHRASES.items()]
    for field in fields(execution):
        value = getattr(execution, field.name)
        if field.name not in PHRASES and value != field.default:
            phrases.append(value_words(field.name) + ("" if value is True else f" {value_words(value)}"))
    return " · ".join(phrases)


def value_words(value: object) -> str:
    """A value as a person would write it."""
    if value is None:
        return "none"
    if isinstance(value, Model):
        return model_words(value)
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return "+".join(value_words(item) for item in value) or "none"
    return str(value).replace("_", " ")


def model_words(model: Model) -> str:
    """A model with its numbers, and with the words that are not at their defaults."""
    words = [] if model.function is None else [model.function.__qualname__]
    for place, (name, value) in enumerate(zip(model.spec.kinds, model.parameters, strict=True)):
        if not isinstance(value, str) or value != model.spec.defaults[name]:
            text = value_words(value) if model.model == "sum" else repr(value)
            words.append(f"{name}={text}" if place else text)
    return f"{model.model}({', '.join(words)})" if words else model.model


def warnings(result: "Result") -> list[str]:
    """What a reader must know before the figures."""
    metrics, market = result.metrics, result.records.market
    found = []
    if metrics["bankrupt_bar"] is not None:
        bar = int(metrics["bankrupt_bar"])
        stamp = stamp_text(bar, market)
        when = f"bar {bar:,} ({stamp})" if stamp else f"bar {bar:,}"
        found.append(f"BANKRUPT at {when}: equity fell to zero or below, everything was closed and refused after")
    if metrics["margin_calls"]:
        calls = counted(int(metrics["margin_calls"]), "position")
        found.append(f"MARGIN CALL: {calls} closed because equity fell below the maintenance margin")
    if metrics["delistings"]:
        found.append(
            f"DELISTED: {counted(int(metrics['delistings']), 'position')} closed where the data of a symbol ended"
        )
    if not metrics["fills"]:
        found.append("nothing filled" if metrics["orders"] else "no order was submitted")
    elif not metrics["trades"]:
        found.append("no position was closed: there are no round trips to judge")
    samples, assumed = int(result.records.account["sample_count"]), result.records.periods_per_year
    if market.dated and samples < SPARSE_SHARE * assumed * result.records.years:
        found.append(
            f"the data has gaps: {counted(samples, 'return')} in {_elapsed(result.records.years)}, but volatility, "
            f"Sharpe and Sortino assume {assumed:g} a year"
        )
    return found


def certainty(result: "Result") -> str:
    """How much of the result rests on bars that do not say what came first (W-10)."""
    metrics = result.metrics
    bars, at_stake = int(metrics["ambiguous_bars"] or 0), float(metrics["at_stake"] or 0.0)
    path = result.records.execution.path
    if path not in ("worst", "best"):
        return f"path {path}: what came first in a bar is assumed, not bounded; bounds=True says how much that matters"
    if not bars:
        return "no fill rests on a guess: no bar with fills left open what came first"
    gain = float(metrics["final_equity"] or 0.0) - float(metrics["initial_equity"] or 0.0)
    share = f", {at_stake / abs(gain):.1%} of the result" if gain else ""
    return (
        f"{counted(bars, 'bar')} ({metrics['ambiguous_share']:.2%}) left open what came first: {at_stake:,.2f} at "
        f"stake{share}; decided {'against' if path == 'worst' else 'for'} you"
    )


# ------------------------------------------------------------------------------------------------------------- figures


def money(value: Metric) -> str:
    """An amount with two decimals, more where it is small."""
    return _number(value, ",.2f" if value is None or abs(value) >= 0.01 or value == 0 else ",.6f")


def percent(value: Metric, sign: str = "") -> str:
    """A fraction as percent; what would fill the line is shortened."""
    if value is not None and SHORTENED_FROM <= abs(value) < math.inf:
        return f"{100.0 * value:{sign}.3g} %"
    return _number(value, f"{sign},.2%").replace("%", " %")


def _number(value: Metric, form: str) -> str:
    if value is None or math.isnan(value):
        return UNDEFINED
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return format(value, form)


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f} ms" if seconds < 1.0 else f"{seconds:,.2f} s"


def _elapsed(years: float) -> str:
    """A span of the calendar in the unit that fits it."""
    days = years * DAYS_PER_YEAR
    if days < 2.0 / 24.0:
        return f"{days * 24.0 * 60.0:,.0f} minutes"
    if days < 2.0:
        return f"{days * 24.0:,.1f} hours"
    return f"{days:,.0f} days" if days < 90.0 else f"{years:,.2f} years"


def _millions(count: float) -> str:
    return f"{count / 1e6:,.1f} million" if count >= 1e6 else f"{count:,.0f}"


def sections(result: "Result") -> list[tuple[str, Rows]]:
    """Title and rows (label, value) of each section; a label that begins with blanks belongs to the row above."""
    records, metrics = result.records, result.metrics
    unit = "daily" if records.market.intraday else "per bar"
    return [
        ("Return", _returns(result)),
        (f"Risk (returns {unit}, {records.periods_per_year:g} a year)", _risk(metrics)),
        ("Round trips", _trades(result)),
        ("Orders", _orders(result)),
        ("Costs", _costs(metrics)),
        ("Fills", _fills(result)),
        *([("Bounds: worst path, best path", _bounds(result.bounds))] if result.bounds else []),
    ]


def _returns(result: "Result") -> Rows:
    metrics, market = result.metrics, result.records.market
    rows = [
        ("initial equity", money(metrics["initial_equity"])),
        ("final equity", money(metrics["final_equity"])),
        ("total return", percent(metrics["total_return"], "+")),
        ("CAGR", annual_growth(metrics["cagr"], result.records.years)),
    ]
    if len(market.symbols) == 1:
        rows.append((f"{market.symbols[0]} itself", percent(price_change(market), "+")))
    return rows


def annual_growth(growth: Metric, years: float) -> str:
    """CAGR in words; of a few days no figure, as a year made of them says nothing."""
    if years < ANNUAL_FROM_DAYS / DAYS_PER_YEAR:
        return f"{UNDEFINED} (under {ANNUAL_FROM_DAYS} days)"
    return percent(growth, "+")


def price_change(market: "Market") -> float:
    """Last valid close over the first valid one in its units, less 1; NaN where no bar is valid. Of one symbol."""
    valid = (market.arrays.flags[:, 0] & np.uint8(BarFlag.VALID)) != 0
    if not valid.any():
        return math.nan
    first, last = int(valid.argmax()), len(valid) - 1 - int(valid[::-1].argmax())
    close, splits = market.arrays.close, market.arrays.splits
    units = splits[last, 0] / splits[first, 0] if len(splits) else 1.0
    return float(close[last, 0] * units / close[first, 0]) - 1.0


def _risk(metrics: Metrics) -> Rows:
    return [
        ("volatility", percent(metrics["volatility"])),
        ("Sharpe", _number(metrics["sharpe"], ",.2f")),
        ("Sortino", _number(metrics["sortino"], ",.2f")),
        ("max drawdown", percent(metrics["max_drawdown"])),
        ("exposure", percent(metrics["exposure"])),
        ("turnover", _number(metrics["turnover"], ",.1f")),
    ]


def _trades(result: "Result") -> Rows:
    metrics, records = result.metrics, result.records
    rows = [
        ("closed", f"{metrics['trades']:,}"),
        ("win rate", percent(metrics["win_rate"])),
        ("profit factor", _number(metrics["profit_factor"], ",.2f")),
        ("average", money(metrics["average_trade"])),
    ]
    if len(records.trades):
        pnl = records.trades["pnl"]
        rows += [("best", money(float(pnl.max()))), ("worst", money(float(pnl.min())))]
    open_count = int(np.count_nonzero(records.positions["quantity"]))
    if open_count:
        rows.append(("open at the end", f"{open_count:,}"))
        rows.append(("  pnl so far", money(float(result.positions["pnl"].sum()))))
    return rows


def _orders(result: "Result") -> Rows:
    metrics = result.metrics
    reasons = rejections(result.records)
    named = [(f"  {reason.name}", f"{count:,}") for reason, count in reasons[:TOP_REJECTIONS]]
    if rest := sum(count for _, count in reasons[TOP_REJECTIONS:]):
        named.append(("  other reasons", f"{rest:,}"))
    return [
        ("submitted", f"{metrics['orders']:,}"),
        ("filled", f"{metrics['orders_filled']:,}"),
        ("cancelled", f"{metrics['orders_cancelled']:,}"),
        ("rejected", f"{metrics['orders_rejected']:,}"),
        *named,
        ("expired", f"{metrics['orders_expired']:,}"),
        *([("still working", f"{metrics['orders_working']:,}")] if metrics["orders_working"] else []),
    ]


def rejections(records: RunRecords) -> list[tuple[Reason, int]]:
    """How often each reason refused an order, most frequent first; empty where orders are not recorded."""
    reasons = records.orders["reason"][records.orders["status"] == OrderStatus.REJECTED]
    codes, counts = np.unique(reasons, return_counts=True)
    pairs = [(Reason(int(code)), int(count)) for code, count in zip(codes, counts, strict=True)]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def _costs(metrics: Metrics) -> Rows:
    commission, slippage = metrics["commission"] or 0.0, metrics["slippage_cost"] or 0.0
    return [
        ("commission", money(commission)),
        ("slippage", money(slippage)),
        ("together", money(commission + slippage)),
        ("of initial equity", percent((commission + slippage) / (metrics["initial_equity"] or math.nan))),
        *((label, money(metrics[name])) for name, label in BESIDE_ORDERS.items() if metrics[name]),
    ]


def _bounds(bounds: "Bounds") -> Rows:
    """The figures of both runs in one row; the second amount of money in a row of its own."""
    worst, best = bounds.to_dict().values()
    rows = []
    for label, name in (("final equity", "final_equity"), ("at stake", "at_stake")):
        rows += [(label, money(worst[name])), ("", money(best[name]))]
    pairs = (
        ("total return", "total_return", lambda value: percent(value, "+")),
        ("Sharpe", "sharpe", lambda value: _number(value, ",.2f")),
        ("max drawdown", "max_drawdown", percent),
        ("ambiguous bars", "ambiguous_bars", lambda value: f"{value:,}"),
        ("  of all bars", "ambiguous_share", percent),
        ("entry-bar profit", "entry_bar_profit_share", percent),
    )
    rows += [(label, f"{words(worst[name])}, {words(best[name])}") for label, name, words in pairs]
    return rows


def _fills(result: "Result") -> Rows:
    metrics = result.metrics
    rows = [("fills", f"{metrics['fills']:,}"), ("ambiguous groups", f"{metrics['ambiguous_groups']:,}")]
    if metrics["ambiguous_groups"] and result.has("fills"):
        rows.append(("  fills in them", f"{int(np.count_nonzero(result.records.fills['ambiguous'])):,}"))
    rows += [
        (f"bars unfilled: {value_words(cause)}", f"{metrics[f'unfilled_{cause}']:,}")
        for cause in UNFILLED[1:]  # a price that is not reached is nothing to be told of
        if metrics[f"unfilled_{cause}"]
    ]
    rows.append(("clamped prices", f"{metrics['clamps']:,}"))
    if metrics["clamps"]:
        rows.append(("  slippage given back", money(metrics["clamp_saving"])))
    rows.append(("bad bars", f"{metrics['bad_bars']:,}"))
    if metrics["bad_bars"]:
        rows.append(("  the first is bar", f"{metrics['bad_bar_first']:,}"))
    return rows
