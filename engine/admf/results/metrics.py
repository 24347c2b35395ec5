"""Key figures of a run (M-01 … M-05), in plain floats from the account's running sums: equal at every record level."""

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.results.records import RunRecords

VALUE_AT_RISK_LEVEL = 0.95
Metric = float | int | None


class Metrics(dict[str, Metric]):
    """Name → value. Ratios are fractions (0.1 is 10 %), money is in the account's currency, undefined is NaN.

    `bankrupt_bar` and `bad_bar_first` are None where it never happened.
    """

    def frame(self) -> pl.DataFrame:
        """One row per metric: `metric` and `value` (float64, null for None)."""
        values = [None if value is None else float(value) for value in self.values()]
        return pl.DataFrame({"metric": list(self), "value": pl.Series(values, dtype=pl.Float64)})


def account_metrics(records: RunRecords) -> Metrics:
    """All metrics that the account record alone gives, in constant time."""
    return Metrics({**_performance(records), **_activity(records.account), **_counts(records.account)})


def all_metrics(records: RunRecords) -> Metrics:
    """`account_metrics`, and what needs recorded trades (best and worst) or the equity curve (historical VaR)."""
    metrics = account_metrics(records)
    if len(records.trades):
        metrics["best_trade"] = float(records.trades["pnl"].max())
        metrics["worst_trade"] = float(records.trades["pnl"].min())
    if len(records.curve):
        metrics["value_at_risk_95"] = value_at_risk(sampled_returns(records))
    return metrics


def _performance(records: RunRecords) -> dict[str, Metric]:
    account = records.account
    initial, final = float(account["initial_equity"]), float(account["equity"])
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
        "total_return": final / initial - 1.0,
        "cagr": growth_rate(final / initial, records.years),
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


def growth_rate(ratio: float, years: float) -> float:
    """Compound annual growth (M-04): NaN where nothing is left or no time passed, ∞ beyond what a float holds."""
    if not ratio > 0.0 or not years > 0.0:
        return math.nan
    try:
        return float(ratio ** (1.0 / years)) - 1.0
    except OverflowError:
        return math.inf


def _activity(account: np.record) -> dict[str, Metric]:
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
    }


def _counts(account: np.record) -> dict[str, Metric]:
    bankrupt_bar, bad_bar_first = int(account["bankrupt_bar"]), int(account["bad_bar_first"])
    return {
        "orders": int(account["next_number"]),
        "orders_filled": int(account["orders_filled"]),
        "orders_cancelled": int(account["orders_cancelled"]),
        "orders_rejected": int(account["orders_rejected"]),
        "orders_expired": int(account["orders_expired"]),
        "fills": int(account["fills"]),
        "commission": float(account["commission"]),
        "slippage_cost": float(account["slippage_cost"]),
        "clamps": int(account["clamps"]),
        "clamp_saving": float(account["clamp_saving"]),
        "ambiguous_groups": int(account["ambiguous_groups"]),
        "bars": int(account["bars_processed"]),
        "bad_bars": int(account["bad_bars"]),
        "bad_bar_first": bad_bar_first if bad_bar_first >= 0 else None,
        "bankrupt_bar": bankrupt_bar if bankrupt_bar >= 0 else None,
    }


def ratio(part: float, whole: float) -> float:
    """The part of the whole, NaN of nothing."""
    return part / whole if whole else math.nan


def sampled_returns(records: RunRecords) -> NDArray[np.float64]:
    """Returns from sample to sample (M-01), shape (samples,); those after equity fell to zero or below are left out."""
    count = len(records.curve)
    last = np.arange(count)
    if records.market.intraday and records.market.has_sessions:
        last = np.flatnonzero(records.market.arrays.session_end[:count] == last)
        last = last if len(last) and last[-1] == count - 1 else np.append(last, count - 1)
    equity = records.curve["equity"][last]
    before = np.concatenate([[records.account["initial_equity"]], equity[:-1]])
    solvent = before > 0.0
    returns: NDArray[np.float64] = equity[solvent] / before[solvent] - 1.0
    return returns


def value_at_risk(returns: NDArray[np.float64]) -> float:
    """Historical value at risk: the loss, as a positive fraction, that 95 % of the sampled returns stay above.

    The empirical 5 % quantile with linear interpolation, sign turned; negative where even that is a gain.
    """
    return -float(np.quantile(returns, 1.0 - VALUE_AT_RISK_LEVEL)) if len(returns) else math.nan
