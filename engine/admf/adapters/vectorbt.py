"""vectorbt's shapes on this core: signals and sizes in, a `vectorbt.Portfolio` over the fills out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import vectorbt as vbt
from numpy.typing import NDArray
from vectorbt.portfolio.enums import OrderSide, log_dt, order_dt

from admf.data import Bars, Market
from admf.errors import ConfigError, DataError
from admf.models import unknown_name
from admf.results import Result
from admf.run import simulate, simulate_signals, simulate_targets

TARGETS = {"targetamount": "quantity", "targetvalue": "value", "targetpercent": "weight"}
AMOUNT = "amount"


def from_signals(
    bars: pd.DataFrame,
    entries: Any,
    exits: Any,
    short_entries: Any = None,
    short_exits: Any = None,
    **options: Any,
) -> Any:
    """`vectorbt.Portfolio.from_signals` with our fills: truth values of shape (bars,) or (bars, columns).

    `bars` has the columns open, high, low, close and optionally volume; its index is the portfolio's. `options` are
    those of `admf.simulate_signals`: size, stop_loss, execution, account … Errors as there.
    """
    market = market_of(bars)
    given = (values_of(values) for values in (entries, exits, short_entries, short_exits))
    results = simulate_signals(market, *given, **options)
    return to_portfolio(results, bars.index, columns_of(entries, exits, short_entries, short_exits))


def from_orders(bars: pd.DataFrame, size: Any, size_type: str = AMOUNT, **options: Any) -> Any:
    """`vectorbt.Portfolio.from_orders` with our fills: sizes of shape (bars,) or (bars, columns).

    `size_type`: amount (units to buy, negative to sell; NaN and 0 are no order), or targetamount, targetvalue,
    targetpercent (NaN leaves the position). Orders are at market, sent at the close of their bar. `options` are those
    of `admf.simulate` or `admf.simulate_targets`.
    """
    market, values = market_of(bars), values_of(size)
    word = str(size_type).lower()
    if word in TARGETS:
        results = simulate_targets(market, values, TARGETS[word], **options)  # type: ignore[arg-type]  # one of its words
    elif word != AMOUNT:
        raise unknown_name(size_type, (AMOUNT, *TARGETS), field="size_type", what="size type")
    else:
        results = amounts(market, np.asarray(values), options)
    return to_portfolio(results, bars.index, columns_of(size))


def to_portfolio(results: Result | Sequence[Result], index: Any = None, columns: Any = None) -> Any:
    """A `vectorbt.Portfolio` over the fills of finished runs on the same bars, one column each.

    Its records, statistics and plots are vectorbt's own; the money in it is what our fills cost. ConfigError for runs
    on other bars, and for instruments whose multiplier is not 1, which vectorbt does not know.
    """
    runs = [results] if isinstance(results, Result) else list(results)
    markets = {id(run.records.market): run.records.market for run in runs}
    market = next(iter(markets.values()), None)
    if market is None or len(markets) > 1 or market.symbol_count != 1:
        found = f"{len(runs)} runs over {len(markets)} markets"
        raise ConfigError("not runs over the same bars of one symbol", field="results", found=found)
    if market.instrument_records["multiplier"][0] != 1.0:
        raise ConfigError("vectorbt knows no multiplier", field="instruments", allowed="multiplier 1")
    flat = isinstance(results, Result)
    index = pd.RangeIndex(market.bar_count) if index is None else index
    names = pd.RangeIndex(len(runs)) if columns is None else pd.Index(columns)
    close = market.arrays.close[:, 0]
    frame = pd.Series(close, index) if flat else pd.DataFrame(dict.fromkeys(names, close), index)
    wrapper = vbt.ArrayWrapper(index, names[:1] if flat else names, 1 if flat else 2, freq=frequency_of(index))
    cash = np.array([run.records.account_value.cash for run in runs])
    records = np.concatenate([order_records(run, column) for column, run in enumerate(runs)])
    return vbt.Portfolio(wrapper, frame, records, np.empty(0, log_dt), cash[0] if flat else cash, cash_sharing=False)


def order_records(run: Result, column: int) -> NDArray[Any]:
    """The fills of one run as vectorbt's order records."""
    fills = run.records.fills
    made = np.zeros(len(fills), order_dt)
    made["id"], made["col"], made["idx"] = np.arange(len(fills)), column, fills["bar"]
    made["size"], made["price"], made["fees"] = fills["quantity"], fills["price"], fills["commission"]
    made["side"] = np.where(fills["side"] > 0, OrderSide.Buy, OrderSide.Sell)
    return made


def amounts(market: Market, values: NDArray[Any], options: dict[str, Any]) -> Result | list[Result]:
    """A run of market orders for each column."""
    if values.ndim not in (1, 2) or len(values) != market.bar_count or values.dtype.kind not in "iuf":
        allowed = f"numbers of shape ({market.bar_count},) or ({market.bar_count}, columns)"
        raise DataError("not one size a bar", field="size", found=values.shape, allowed=allowed)
    runs = []
    for column in values.reshape(len(values), -1).T.astype(np.float64):
        sent = np.flatnonzero(np.nan_to_num(column) != 0.0)
        table = pl.DataFrame(
            {"bar": sent, "side": np.where(column[sent] > 0.0, "buy", "sell"), "quantity": np.abs(column[sent])}
        )
        runs.append(simulate(market, table, **options))
    return runs[0] if values.ndim == 1 else runs


def market_of(bars: pd.DataFrame) -> Market:
    """The bars on a clock of their numbers or stamps."""
    if not isinstance(bars, pd.DataFrame):
        raise DataError("not a frame of bars", field="bars", found=type(bars).__name__, allowed="a pandas DataFrame")
    return Market([Bars(bars if isinstance(bars.index, pd.DatetimeIndex) else bars.reset_index(drop=True))])


def values_of(values: Any) -> Any:
    """An array of what pandas or NumPy gave."""
    return values.to_numpy() if hasattr(values, "to_numpy") else values


def columns_of(*given: Any) -> Any:
    """The names of the columns, of the first that has some."""
    return next((values.columns for values in given if isinstance(values, pd.DataFrame)), None)


def frequency_of(index: Any) -> Any:
    """The time from bar to bar, for vectorbt's annual figures; None on undated bars."""
    return pd.Series(index).diff().median() if isinstance(index, pd.DatetimeIndex) and len(index) > 1 else None
