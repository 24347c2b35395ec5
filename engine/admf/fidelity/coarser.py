"""Bars made of finer bars, and which finer bars each is made of."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Bars
from admf.data.sessions import split_sessions
from admf.data.stamps import DAY_NS, parse_frequency, to_series
from admf.errors import DataError, counted

Indices = NDArray[np.int64]


class Nesting(NamedTuple):
    """Coarse bars and the first and last fine bar of each, shape (coarse bars,)."""

    coarse: Bars
    firsts: Indices
    lasts: Indices


def aggregate(bars: Bars, frequency: str, sessions: Any = "gaps") -> Bars:
    """Bars of a lower `frequency` ("5min", "1h", "1d"): first open, highest high, lowest low, last close, all volume.

    A bar covers [t, t + frequency) of the clock and never two sessions; `sessions` as in `Market`. A bar of "1d" covers
    one session. Stamps are the bar's start, or the first fine bar's where a session starts inside. Raises DataError
    where the bars are undated, or not finer than `frequency`.
    """
    return nest(bars, frequency, sessions).coarse


def nest(bars: Bars, frequency: str, sessions: Any = "gaps") -> Nesting:
    """The bars of `aggregate`, with the fine bars that each is made of."""
    step_ns = parse_frequency(frequency)
    own_ns = bars.frequency_ns
    if own_ns is None:
        raise DataError("the bars have no timestamps to be put together by", field="frequency", found=frequency)
    if step_ns <= own_ns or (step_ns < DAY_NS and step_ns % own_ns):
        allowed = f"a whole multiple of {bars.frequency} above it, or 1d"
        raise DataError("does not nest the bars", field="frequency", found=frequency, allowed=allowed)
    stamps = bars.timestamp
    firsts = starts_of(stamps, step_ns, sessions, own_ns)
    lasts = np.append(firsts[1:], len(stamps)) - 1
    frame = pl.DataFrame([to_series(clock_of(stamps, firsts, step_ns), dated=True), *reduced(bars, firsts, lasts)])
    return Nesting(Bars(frame, bars.symbol, frequency=frequency), firsts, lasts)


def starts_of(stamps: NDArray[np.int64], step_ns: int, sessions: Any, own_ns: int) -> Indices:
    """The first fine bar of each coarse bar."""
    session_firsts = split_sessions(stamps, sessions, own_ns).firsts.astype(np.int64)
    if step_ns >= DAY_NS:
        return session_firsts
    bucket = stamps // step_ns
    return np.union1d(session_firsts, np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))).astype(np.int64)


def clock_of(stamps: NDArray[np.int64], firsts: Indices, step_ns: int) -> NDArray[np.int64]:
    """Starts of the coarse bars in ns, ascending: on the clock, unless the bar before already starts there."""
    clock = stamps[firsts] // step_ns * step_ns
    taken = np.diff(clock, prepend=clock[0] - 1) <= 0
    clock[taken] = stamps[firsts][taken]
    return clock


def reduced(bars: Bars, firsts: Indices, lasts: Indices) -> list[pl.Series]:
    """The columns of the coarse bars."""
    columns = [
        pl.Series("open", bars.open[firsts]),
        pl.Series("high", np.maximum.reduceat(bars.high, firsts)),
        pl.Series("low", np.minimum.reduceat(bars.low, firsts)),
        pl.Series("close", bars.close[lasts]),
    ]
    if bars.volume is None:
        return columns
    volume = np.nan_to_num(bars.volume)
    total = np.add.reduceat(volume, firsts)
    columns.append(pl.Series("volume", total))
    vwap = bars.column("vwap")
    if vwap is not None:
        value = np.add.reduceat(np.where(volume > 0.0, vwap, 0.0) * volume, firsts)
        with np.errstate(invalid="ignore"):
            columns.append(pl.Series("vwap", np.where(total > 0.0, value / total, bars.close[lasts])))
    return columns


def check_nesting(fine: Bars, coarse: Bars) -> Nesting:
    """Given coarse bars with the fine bars that each is made of.

    Raises DataError with numbers where they do not nest: coarse bars without fine ones, fine bars outside, or ranges
    that differ. A shift of whole hours is named, as of two time zones.
    """
    step_ns = coarse.frequency_ns
    if step_ns is None or fine.frequency_ns is None or fine.frequency_ns >= step_ns:
        found = f"{fine.frequency or 'undated'} in {coarse.frequency or 'undated'}"
        raise DataError("the finer bars are not finer", field="fine", found=found)
    firsts = np.searchsorted(fine.timestamp, coarse.timestamp)
    ends = np.minimum(np.append(coarse.timestamp[1:], 2**62), coarse.timestamp + step_ns)
    lasts = np.searchsorted(fine.timestamp, ends) - 1
    empty = int(np.count_nonzero(lasts < firsts))
    outside = len(fine) - int(np.sum(np.maximum(lasts - firsts + 1, 0)))
    differing = 0
    if not empty:
        high, low = np.maximum.reduceat(fine.high, firsts), np.minimum.reduceat(fine.low, firsts)
        if not outside:
            differing = int(np.count_nonzero((high != coarse.high) | (low != coarse.low)))
    if empty or outside or differing:
        found = (
            f"{counted(empty, 'coarse bar')} of {len(coarse):,} without a fine one, {counted(outside, 'fine bar')} of "
            f"{len(fine):,} outside, {counted(differing, 'range')} that differ"
        )
        shift = likely_shift_hours(fine, coarse)
        remedy = (
            f"the clocks seem {shift:+d} h apart: give tz" if shift else "make the coarse bars: admf.aggregate(fine, …)"
        )
        raise DataError("the finer bars do not nest in the coarse ones", field="fine", found=found, remedy=remedy)
    return Nesting(coarse, firsts.astype(np.int64), lasts.astype(np.int64))


def likely_shift_hours(fine: Bars, coarse: Bars) -> int:
    """Whole hours by which the fine clock would have to move so that most coarse opens are met; 0 where none helps."""
    opens = dict(zip(fine.timestamp.tolist(), fine.open.tolist(), strict=True))
    best, best_met = 0, 0
    for hours in (0, *(sign * size for size in range(1, 15) for sign in (1, -1))):
        moved = (coarse.timestamp - hours * 3_600_000_000_000).tolist()
        met = sum(opens.get(stamp) == price for stamp, price in zip(moved, coarse.open.tolist(), strict=True))
        if met > best_met:
            best, best_met = hours, met
    return best
