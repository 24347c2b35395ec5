"""Key figures of a run (M-01 … M-05), in plain floats from the account's running sums: equal at every record level."""

import math

import numpy as np
import polars as pl

from admf.results.records import RunRecords
from admf_kernels.codes import Unfilled

UNFILLED = tuple(word for word in Unfilled.words() if word != "filled")  # causes (U-01)

Metric = float | int | None
Metrics = dict[str, Metric]


def metrics_of(records: RunRecords) -> Metrics:
    """Name → value, in constant time.

    Ratios are fractions (0.1 is 10 %), money is in the account's currency, undefined is NaN; `bankrupt_bar` and
    `bad_bar_first` are None where it never happened.
    """
    return {**_performance(records), **_activity(records.account), **_counts(records.account)}


def metrics_frame(metrics: Metrics) -> pl.DataFrame:
    """One row per metric: `metric` and `value` (float64, null for None)."""
    values = [None if value is None else float(value) for value in metrics.values()]
    return pl.DataFrame({"metric": list(metrics), "value": pl.Series(values, dtype=pl.Float64)})


def _performance(records: RunRecords) -> Metrics:
    account = records.account
    initial, final = float(account["initial_equity"]), float(account["equity"])
    growth = final / initial if initial > 0.0 else math.nan
    volatility, sharpe, sortino = return_statistics(
        int(account["sample_count"]),
        float(account["return_sum"]),
        float(account["return_square_sum"]),
        float(account["downside_square_sum"]),
        records.periods_per_year,
    )
    return {
        "initial_equity": initial,
        "final_equity": final,
        "total_return": growth - 1.0,
        "cagr": growth_rate(growth, records.years),
        "volatility": volatility,
        "sharpe": sharpe,
        "sortino": sortino,
        "max_drawdown": float(account["drawdown_max"]),
    }


def return_statistics(
    count: int, total: float, square_sum: float, downside_square_sum: float, periods: float
) -> tuple[float, float, float]:
    """Volatility, Sharpe and Sortino by year from the sums over sampled returns (M-02); undefined is NaN."""
    if count < 2:
        return math.nan, math.nan, math.nan
    mean = total / count
    deviation = math.sqrt(max(0.0, square_sum - count * (mean * mean)) / (count - 1))
    downside = math.sqrt(downside_square_sum / count)
    scale = math.sqrt(periods)
    sharpe = mean / deviation * scale if deviation > 0.0 else math.nan
    sortino = mean / downside * scale if downside > 0.0 else math.nan
    return deviation * scale, sharpe, sortino


def growth_rate(growth: float, years: float) -> float:
    """Compound annual growth (M-04): NaN where nothing is left or no time passed, ∞ beyond what a float holds."""
    if not growth > 0.0 or not years > 0.0:
        return math.nan
    try:
        return float(growth ** (1.0 / years)) - 1.0
    except OverflowError:
        return math.inf


def _activity(account: np.record) -> Metrics:
    """Exposure, turnover and round trips (M-05)."""
    bars, trips = int(account["bars_processed"]), int(account["trips"])
    profit, loss = float(account["profit_sum"]), float(account["loss_sum"])
    mean_equity = ratio(float(account["equity_sum"]), bars)
    return {
        "exposure": ratio(int(account["exposed_bars"]), bars),
        "turnover": float(account["traded_value"]) / mean_equity if mean_equity > 0.0 else math.nan,
        "trades": trips,
        "win_rate": ratio(int(account["trips_won"]), trips),
        "profit_factor": math.nan if trips == 0 else profit / loss if loss > 0.0 else math.inf,
        "average_trade": ratio(profit - loss, trips),
        "entry_bar_profit_share": ratio(float(account["entry_bar_profit"]), profit),
    }


def _counts(account: np.record) -> Metrics:
    bankrupt_bar, bad_bar_first = int(account["bankrupt_bar"]), int(account["bad_bar_first"])
    ended = {word: int(account[f"orders_{word}"]) for word in ("filled", "cancelled", "rejected", "expired")}
    orders = int(account["next_number"])
    return {
        "orders": orders,
        **{f"orders_{word}": count for word, count in ended.items()},
        "orders_working": orders - sum(ended.values()),
        "fills": int(account["fills"]),
        "commission": float(account["commission"]),
        "slippage_cost": float(account["slippage_cost"]),
        "clamps": int(account["clamps"]),
        "clamp_saving": float(account["clamp_saving"]),
        **{f"unfilled_{cause}": int(account[f"unfilled_{cause}"]) for cause in UNFILLED},
        "ambiguous_groups": int(account["ambiguous_groups"]),
        "ambiguous_bars": int(account["ambiguous_bars"]),
        "ambiguous_share": ratio(int(account["ambiguous_bars"]), int(account["bars_processed"])),
        "at_stake": float(account["at_stake"]),
        "bars": int(account["bars_processed"]),
        "bad_bars": int(account["bad_bars"]),
        "bad_bar_first": bad_bar_first if bad_bar_first >= 0 else None,
        "margin_calls": int(account["margin_calls"]),
        "delistings": int(account["delistings"]),
        "dividends": float(account["dividends"]),
        "funding": float(account["funding"]),
        "interest": float(account["interest"]),
        "borrow_fees": float(account["borrow_fees"]),
        "bankrupt": bankrupt_bar >= 0,
        "bankrupt_bar": bankrupt_bar if bankrupt_bar >= 0 else None,
    }


def ratio(part: float, whole: float) -> float:
    """The part of the whole, NaN of nothing."""
    return part / whole if whole else math.nan
