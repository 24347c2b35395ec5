"""Key figures, counters and hashes of many trials at once, from their account records; each equals that of one run."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.results.hashing import GOLDEN
from admf.results.metrics import UNFILLED, growth_rate

Columns = dict[str, NDArray[Any]]
ENDS = ("filled", "cancelled", "rejected", "expired")


def outcome_columns(
    accounts: NDArray[np.record], quantities: NDArray[np.float64], periods_per_year: float, years: float
) -> Columns:
    """Name → one value for each trial: the metrics of `Result.metrics` in their order, then the trace hash.

    Where a metric is None there, a bar that never was, it is -1 here.
    """
    with np.errstate(all="ignore"):
        figures = performance(accounts, periods_per_year, years) | activity(accounts) | counts(accounts)
        return figures | {"trace_hash": trace_hashes(accounts, quantities)}


def performance(accounts: NDArray[np.record], periods_per_year: float, years: float) -> Columns:
    """M-01 to M-04."""
    initial, final = accounts["initial_equity"].copy(), accounts["equity"].copy()
    growth = np.where(initial > 0.0, final / initial, np.nan)
    count = accounts["sample_count"].astype(np.float64)
    mean = accounts["return_sum"] / count
    spread = np.maximum(0.0, accounts["return_square_sum"] - count * (mean * mean))
    deviation = np.sqrt(spread / (count - 1.0))
    downside = np.sqrt(accounts["downside_square_sum"] / count)
    scale = np.sqrt(np.float64(periods_per_year))
    enough = count >= 2.0
    return {
        "initial_equity": initial,
        "final_equity": final,
        "total_return": growth - 1.0,
        "cagr": np.array([growth_rate(value, years) for value in growth.tolist()], np.float64),
        "volatility": np.where(enough, deviation * scale, np.nan),
        "sharpe": np.where(enough & (deviation > 0.0), mean / deviation * scale, np.nan),
        "sortino": np.where(enough & (downside > 0.0), mean / downside * scale, np.nan),
        "max_drawdown": accounts["drawdown_max"].copy(),
    }


def activity(accounts: NDArray[np.record]) -> Columns:
    """M-05."""
    bars, trips = accounts["bars_processed"], accounts["trips"]
    profit, loss = accounts["profit_sum"], accounts["loss_sum"]
    mean_equity = ratio(accounts["equity_sum"], bars)
    factor = np.where(loss > 0.0, profit / loss, np.inf)
    return {
        "exposure": ratio(accounts["exposed_bars"], bars),
        "turnover": np.where(mean_equity > 0.0, accounts["traded_value"] / mean_equity, np.nan),
        "trades": trips.astype(np.int64),
        "win_rate": ratio(accounts["trips_won"], trips),
        "profit_factor": np.where(trips == 0, np.nan, factor),
        "average_trade": ratio(profit - loss, trips),
        "entry_bar_profit_share": ratio(accounts["entry_bar_profit"], profit),
    }


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """The part of the whole, NaN of nothing."""
    return np.where(whole != 0, part / whole, np.nan)


def counts(accounts: NDArray[np.record]) -> Columns:
    """Orders, fills, costs and what was out of the ordinary."""
    ended = {f"orders_{word}": whole(accounts, f"orders_{word}") for word in ENDS}
    orders = whole(accounts, "next_number")
    return {
        "orders": orders,
        **ended,
        "orders_working": orders - sum(ended.values()),
        "fills": whole(accounts, "fills"),
        "commission": accounts["commission"].copy(),
        "slippage_cost": accounts["slippage_cost"].copy(),
        "clamps": whole(accounts, "clamps"),
        "clamp_saving": accounts["clamp_saving"].copy(),
        **{f"unfilled_{cause}": whole(accounts, f"unfilled_{cause}") for cause in UNFILLED},
        "ambiguous_groups": whole(accounts, "ambiguous_groups"),
        "ambiguous_bars": whole(accounts, "ambiguous_bars"),
        "ambiguous_share": ratio(accounts["ambiguous_bars"], accounts["bars_processed"]),
        "at_stake": accounts["at_stake"].copy(),
        "bars": whole(accounts, "bars_processed"),
        "bad_bars": whole(accounts, "bad_bars"),
        "bad_bar_first": whole(accounts, "bad_bar_first"),
        "margin_calls": whole(accounts, "margin_calls"),
        "delistings": whole(accounts, "delistings"),
        "dividends": accounts["dividends"].copy(),
        "funding": accounts["funding"].copy(),
        "interest": accounts["interest"].copy(),
        "borrow_fees": accounts["borrow_fees"].copy(),
        "bankrupt": accounts["bankrupt_bar"] >= 0,
        "bankrupt_bar": whole(accounts, "bankrupt_bar"),
    }


def whole(accounts: NDArray[np.record], name: str) -> NDArray[np.int64]:
    """A counter of the accounts."""
    return accounts[name].astype(np.int64)


def trace_hashes(accounts: NDArray[np.record], quantities: NDArray[np.float64]) -> NDArray[np.str_]:
    """H-01: 32 hex digits for each trial."""
    lane_0, lane_1 = accounts["hash_0"].copy(), accounts["hash_1"].copy()
    for values in (accounts["cash"], *quantities.T):
        word = (values + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
        lane_0 = mix64(lane_0 ^ word)
        lane_1 = mix64(lane_1 + word + np.uint64(GOLDEN))
    pairs = zip(lane_0.tolist(), lane_1.tolist(), strict=True)
    return np.array([f"{first:016x}{second:016x}" for first, second in pairs], "U32")


def mix64(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """As `admf.results.hashing.mix64`."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
