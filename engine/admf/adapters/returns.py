"""Results in the form that quantstats, pyfolio and their relatives read: returns, positions and transactions."""

import numpy as np
import pandas as pd

from admf.errors import ConfigError
from admf.results import Result
from admf.results.attribution import held_units, last_prices
from admf_kernels.codes import BarFlag

SESSION_LAST = BarFlag.SESSION_LAST.value


def returns(result: Result) -> pd.Series:
    """Returns of the equity from session to session (M-01), by the date of the session; from bar to bar where undated.

    The first is against the equity at the start. ConfigError for record=summary, which keeps no curve.
    """
    last = last_bars(result)
    equity = result.records.curve["equity"][last]
    start = float(result.records.account["initial_equity"])
    before = np.concatenate([[start], equity[:-1]])
    return pd.Series(equity / before - 1.0, index_of(result, last), name=result.records.title or "returns")


def positions(result: Result) -> pd.DataFrame:
    """Value held in each symbol, and `cash`, at the end of each session: pyfolio's positions."""
    records, last = result.records, last_bars(result)
    market, columns = records.market, []
    for symbol in range(market.symbol_count):
        money = records.multipliers_at(np.full(len(last), symbol), last)
        columns.append(held_units(records, symbol)[last] * last_prices(records, symbol)[last] * money)
    value = np.nan_to_num(np.stack(columns, axis=1))
    made = pd.DataFrame(value, index_of(result, last), list(market.symbols))
    made["cash"] = records.curve["cash"][last]
    return made


def transactions(result: Result) -> pd.DataFrame:
    """Each fill as pyfolio has it: `amount` signed units, `price`, `symbol` and `commission`, by time."""
    fills, market = result.records.fills, result.records.market
    frame = pd.DataFrame(
        {
            "amount": fills["side"] * fills["quantity"],
            "price": fills["price"],
            "symbol": np.array(market.symbols, object)[fills["symbol"]],
            "commission": fills["commission"],
        }
    )
    return frame.set_index(stamps_of(result, fills["bar"], days=False))


def last_bars(result: Result) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The bars whose equity counts: the last of each session, every bar where there are none."""
    curve, market = result.records.curve, result.records.market
    if not len(curve):
        remedy = "run with record='fills' or 'full'"
        raise ConfigError("no equity curve", field="record", found=result.records.record, remedy=remedy)
    if not market.has_sessions:
        return np.arange(len(curve))
    ends = (market.arrays.flags[: len(curve), 0] & SESSION_LAST) != 0
    ends[-1] = True
    return np.flatnonzero(ends)


def index_of(result: Result, bars: np.ndarray[tuple[int], np.dtype[np.intp]]) -> pd.Index:
    """Dates of sessions without a zone, as these packages want them; bar numbers where undated."""
    return stamps_of(result, bars, days=True)


def stamps_of(result: Result, bars: np.ndarray[tuple[int], np.dtype[np.intp]], *, days: bool) -> pd.Index:
    """Times of bars, UTC."""
    market = result.records.market
    if not market.dated:
        return pd.RangeIndex(market.bar_count)[bars]
    stamps = pd.DatetimeIndex(market.arrays.timestamp[bars])
    return stamps.normalize() if days else stamps.tz_localize("UTC")
