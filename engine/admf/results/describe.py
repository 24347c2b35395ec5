"""A run in plain words and in JSON types: the one place that summary, report and store take their texts from."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from admf.models import Model
from admf.results.records import RunRecords
from admf_kernels.codes import OrderStatus, Reason

if TYPE_CHECKING:
    from admf.execution import Execution
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


def span(records: RunRecords) -> tuple[str, str] | None:
    """First and last stamp as text, without the time of day where it says nothing; None for undated or empty data."""
    market = records.market
    if not market.dated or not market.bar_count:
        return None
    ends = market.timestamps.gather([0, market.bar_count - 1])
    first, last = ends.dt.strftime("%Y-%m-%d %H:%M" if market.intraday else "%Y-%m-%d")
    return first, last


def data_words(records: RunRecords) -> str:
    """Symbols, bars and span of the data."""
    symbols = records.market.symbols
    named = ", ".join(symbols) if len(symbols) <= 3 else f"{len(symbols)} symbols ({symbols[0]} … {symbols[-1]})"
    dates = span(records)
    when = f"{dates[0]} → {dates[1]} UTC ({records.years:.2f} years)" if dates else "undated"
    return f"{named} · {records.market.bar_count:,} bars · {when}"


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
            phrases.append(f"{field.name} {value_words(value)}")
    return " · ".join(phrases)


def value_words(value: object) -> str:
    """A value as a person would write it."""
    if value is None:
        return "none"
    if isinstance(value, Model):
        return repr(value).removeprefix(f"{value.family}.").removesuffix("()")
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return "+".join(value_words(item) for item in value) or "none"
    return str(value).replace("_", " ")


def rejections(records: RunRecords) -> list[tuple[Reason, int]]:
    """How often each reason refused an order, most frequent first; empty where orders are not recorded."""
    reasons = records.orders["reason"][records.orders["status"] == OrderStatus.REJECTED]
    codes, counts = np.unique(reasons, return_counts=True)
    pairs = [(Reason(int(code)), int(count)) for code, count in zip(codes, counts, strict=True)]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def json_text(value: Any) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=plain) + "\n"


def finite(value: Any) -> Any:
    """The value with None for every float that is not a finite number: JSON has no NaN and no ∞."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: finite(item) for name, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def result_dict(result: "Result") -> dict[str, Any]:
    """What `Result.to_dict` promises."""
    records = result.records
    dates = span(records)
    values = {
        "title": result.title,
        "record": records.record,
        "symbols": list(records.market.symbols),
        "bars": records.market.bar_count,
        "start": dates[0] if dates else None,
        "end": dates[1] if dates else None,
        "currency": records.account_value.currency,
        "strategy": records.strategy,
        "execution": records.execution.to_dict(),
        "metrics": result.metrics,
        "rejections": {reason.name.lower(): count for reason, count in rejections(records)},
        "elapsed_s": records.elapsed_s,
        "fingerprint": result.fingerprint,
        "trace_hash": result.trace_hash,
    }
    json_ready: dict[str, Any] = finite(values)
    return json_ready


def plain(value: object) -> Any:
    """For `json.dumps(default=…)`: NumPy scalars as Python's, anything else as text without its address in memory."""
    if isinstance(value, np.generic):
        return value.item()
    return getattr(value, "__qualname__", None) or type(value).__qualname__
