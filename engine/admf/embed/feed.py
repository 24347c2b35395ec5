"""Bars that a front end pushes one by one: columns that grow, each bar checked on the way in."""

from collections.abc import Sequence
from datetime import datetime
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.errors import CapacityError, DataError
from admf_kernels.codes import BarFlag
from admf_kernels.embed import BARS_MAX
from admf_kernels.records import Market

BARS_MIN = 1_024
VALID = BarFlag.VALID.value
NO_END = 2**31 - 1  # last bar of a session whose end nobody knows
FIELDS = ("open", "high", "low", "close", "volume")
ORDERED = "finite prices above zero with low <= open, close <= high"


def empty(bars: int, symbols: int) -> Market:
    """Columns for so many bars."""
    shape = (bars, symbols)
    return Market(
        open=np.empty(shape),
        high=np.empty(shape),
        low=np.empty(shape),
        close=np.empty(shape),
        volume=np.empty(shape),
        flags=np.zeros(shape, np.uint8),
        session_end=np.full(bars, NO_END, np.int32),
        timestamp=np.zeros(bars, np.int64),
        vwap=np.empty((0, symbols)),
        splits=np.empty((0, symbols)),
    )


def grown(market: Market, used: int, bars: int) -> Market:
    """The same bars with room for `bars`; CapacityError beyond what a core can number."""
    if bars > BARS_MAX:
        raise CapacityError("too many bars in one core", found=used, allowed=f"{BARS_MAX:,}")
    rows = max(bars, 2 * len(market.timestamp))
    fresh = empty(rows, market.open.shape[1])
    for name in (*FIELDS, "flags", "timestamp"):
        getattr(fresh, name)[:used] = getattr(market, name)[:used]
    return fresh


def is_valid(open_: float, high: float, low: float, close: float) -> bool:
    """B-01 as `admf.data` reads it."""
    return 0.0 < low <= open_ <= high < inf and low <= close <= high


def write_bar(market: Market, bar: int, symbols: Sequence[str], values: Sequence[Any]) -> None:
    """One bar of all symbols; DataError for what is no bar. NaN in all prices: the symbol has none."""
    try:
        rows = [(float(value),) if len(symbols) == 1 else tuple(map(float, value)) for value in values]
    except (TypeError, ValueError):
        allowed = "a number" if len(symbols) == 1 else f"a sequence of {len(symbols)} numbers"
        raise DataError("not numbers", field=f"bar {bar}", found=values, allowed=allowed) from None
    if any(len(row) != len(symbols) for row in rows):
        raise DataError("not one number for each symbol", field=f"bar {bar}", found=values, allowed=", ".join(symbols))
    for symbol, (open_, high, low, close, volume) in enumerate(zip(*rows, strict=True)):
        prices = (open_, high, low, close)
        valid = is_valid(*prices)
        if not valid and not all(map(isnan, prices)):
            field = f"bar {bar} of {symbols[symbol]}"
            raise DataError("not a bar", field=field, found=dict(zip(FIELDS, prices, strict=False)), allowed=ORDERED)
        if not 0.0 <= volume < inf:
            field = f"volume of bar {bar} of {symbols[symbol]}"
            raise DataError("out of range", field=field, found=volume, allowed="a finite number >= 0")
        market.open[bar, symbol], market.high[bar, symbol] = open_, high
        market.low[bar, symbol], market.close[bar, symbol] = low, close
        market.volume[bar, symbol] = volume
        market.flags[bar, symbol] = VALID * valid


def read_block(values: Sequence[Any], symbols: int) -> list[NDArray[np.float64]]:
    """Columns of shape (bars, symbols)."""
    made: list[NDArray[np.float64]] = []
    for field, given in zip(FIELDS, values, strict=True):
        try:
            array = np.asarray(given, np.float64)
        except (TypeError, ValueError):
            raise DataError("not numbers", field=field, found=type(given).__name__, allowed="an array") from None
        array = array.reshape(-1, 1) if array.ndim == 1 else array
        if array.ndim != 2 or array.shape[1] != symbols or (made and array.shape != made[0].shape):
            allowed = f"(bars,) or (bars, {symbols}), alike for all columns"
            raise DataError("not columns of bars", field=field, found=np.shape(given), allowed=allowed)
        made.append(array)
    return made


def write_block(market: Market, bar: int, symbols: Sequence[str], columns: Sequence[NDArray[np.float64]]) -> None:
    """Many bars at once; DataError names the first that is none, and nothing is written then."""
    open_, high, low, close, volume = columns
    valid = (low > 0) & (high < inf) & (low <= open_) & (low <= close) & (open_ <= high) & (close <= high)
    absent = np.isnan(open_) & np.isnan(high) & np.isnan(low) & np.isnan(close)
    wrong = ~(valid | absent) | ~((volume >= 0) & (volume < inf))
    if wrong.any():
        row, symbol = (int(index) for index in np.argwhere(wrong)[0])
        found = {name: float(column[row, symbol]) for name, column in zip(FIELDS, columns, strict=True)}
        raise DataError("not a bar", field=f"bar {bar + row} of {symbols[symbol]}", found=found, allowed=ORDERED)
    rows = slice(bar, bar + len(open_))
    for name, column in zip(FIELDS, columns, strict=True):
        getattr(market, name)[rows] = column
    market.flags[rows] = valid * np.uint8(VALID)


def to_ns(stamp: Any, field: str) -> int:
    """Ns UTC of a stamp: a whole number, a datetime64 or a datetime with a zone."""
    if isinstance(stamp, np.datetime64) and not np.isnat(stamp):
        return int(stamp.astype("datetime64[ns]").astype(np.int64))
    if isinstance(stamp, datetime) and stamp.tzinfo is not None:
        return int(stamp.timestamp()) * 1_000_000_000 + stamp.microsecond * 1_000
    if isinstance(stamp, int | np.integer) and not isinstance(stamp, bool):
        return int(stamp)
    allowed = "ns UTC as a whole number, a datetime64, or a datetime with a time zone"
    raise DataError("not a stamp", field=field, found=stamp, allowed=allowed)


def read_stamps(given: Any, bars: int, first: int, newest: int | None, dated: bool) -> NDArray[np.int64]:
    """Stamps of new bars, ascending after the newest one; bar numbers where the core is not dated."""
    field = f"timestamp of bar {first}"
    if dated == (given is None):
        allowed = "a stamp with every bar: dated=True" if dated else "none: dated=False"
        raise DataError("not as this core was made", field=field, found=None if dated else "a stamp", allowed=allowed)
    if not dated:
        return np.arange(first, first + bars)
    stamps = np.array([to_ns(stamp, field) for stamp in given], np.int64)
    if len(stamps) != bars:
        raise DataError("not one stamp a bar", field=field, found=len(stamps), allowed=f"{bars:,}")
    before = stamps[:-1] if newest is None else np.concatenate([[newest], stamps[:-1]])
    if not (stamps[len(stamps) - len(before) :] > before).all():
        raise DataError("stamps do not ascend", field=field, found=int(stamps[0]), allowed=f"after {newest}")
    return stamps
