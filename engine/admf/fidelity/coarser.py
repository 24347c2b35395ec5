"""Bars made of finer bars, and which finer bars each is made of."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Bars
from admf.data.sessions import split_sessions
from admf.data.stamps import DAY_NS, SECOND_NS, parse_frequency, stamp_text, to_series
from admf.errors import DataError, counted

HOUR_NS = 3_600 * SECOND_NS
HALF_HOUR_NS = HOUR_NS // 2  # time zones differ by multiples of it, but for a few
MISFIT_SHARE_MAX = 0.1  # vendors correct bars; more than that is another clock or another market
MET_SHARE_MIN = 0.2  # of the opens, by which a clock counts as likely: more than chance on a coarse tick
PRICE_SLACK = 0.01  # of the mean range of a coarse bar: mids of bid and ask bars differ by that much
ROUNDING = 1e-9

Indices = NDArray[np.int64]


class Nesting(NamedTuple):
    """Coarse bars and the first and last fine bar of each, shape (coarse bars,); `sound`: it is made of them."""

    fine: Bars
    coarse: Bars
    firsts: Indices
    lasts: Indices
    sound: NDArray[np.bool_]


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
    coarse = Bars(frame, bars.symbol, frequency=frequency)
    return Nesting(bars, coarse, firsts, lasts, np.ones(len(coarse), np.bool_))


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
    """Given coarse bars with the fine bars that each is made of, both cut to the span that they share.

    Coarse bars that their fine ones do not make (`sound` is False) are left out by whoever measures. Raises DataError
    with numbers where they are more than `MISFIT_SHARE_MAX` of all; a clock that differs is named.
    """
    step_ns = coarse.frequency_ns
    if step_ns is None or fine.frequency_ns is None or fine.frequency_ns >= step_ns:
        found = f"{fine.frequency or 'undated'} in {coarse.frequency or 'undated'}"
        raise DataError("the finer bars are not finer", field="coarse", found=found, allowed="dated bars, coarser ones")
    inside, span = overlap(fine, coarse, step_ns)
    if not len(span) or not len(inside):
        found = f"{span_text(fine)} in {span_text(coarse)}"
        raise DataError(
            "no finer bar lies in a coarse one", field="coarse", found=found, remedy=clock_advice(fine, coarse)
        )
    made = Bars(coarse.frame[span], coarse.symbol, frequency=coarse.frequency)
    own = Bars(fine.frame[inside], fine.symbol, frequency=fine.frequency)
    firsts = np.searchsorted(own.timestamp, made.timestamp).astype(np.int64)
    ends = np.minimum(np.append(made.timestamp[1:], 2**62), made.timestamp + step_ns)
    lasts = np.searchsorted(own.timestamp, ends).astype(np.int64) - 1
    misfit = Misfit.of(own, made, firsts, lasts)
    if np.mean(misfit.bars) > MISFIT_SHARE_MAX:
        remedy = (
            clock_advice(fine, coarse)
            or "give a frequency in place of the coarse bars: it makes them of the finer ones"
        )
        raise DataError(
            "the finer bars do not nest in the coarse ones", field="coarse", found=misfit.text(), remedy=remedy
        )
    return Nesting(own, made, firsts, lasts, ~misfit.bars)


def overlap(fine: Bars, coarse: Bars, step_ns: int) -> tuple[Indices, Indices]:
    """Indices of the coarse bars that lie whole in the span of the fine ones, and of the fine bars in their span."""
    start, end = int(fine.timestamp[0]), int(fine.timestamp[-1]) + (fine.frequency_ns or 0)
    span = np.flatnonzero((coarse.timestamp >= start) & (coarse.timestamp + step_ns <= end))
    if not len(span):
        return span, span
    first, last = coarse.timestamp[span[0]], coarse.timestamp[span[-1]] + step_ns
    return np.flatnonzero((fine.timestamp >= first) & (fine.timestamp < last)), span


@dataclass(frozen=True, eq=False)
class Misfit:
    """What is wrong between fine and coarse bars, each by coarse bar, shape (coarse bars,)."""

    empty: NDArray[np.bool_]  # no fine bar
    before: Indices  # fine bars that no coarse bar covers, between the bar before and this one
    differing: NDArray[np.bool_]  # prices that the fine bars do not make
    first: str  # of them, in words

    @property
    def bars(self) -> NDArray[np.bool_]:
        """Coarse bars with any of it."""
        return self.empty | (self.before > 0) | self.differing

    @classmethod
    def of(cls, fine: Bars, coarse: Bars, firsts: Indices, lasts: Indices) -> "Misfit":
        """Compares the prices of each coarse bar with those of its fine bars."""
        empty = lasts < firsts
        start = np.minimum(firsts, len(fine) - 1)
        edges = np.column_stack([start, np.maximum(lasts, start) + 1]).ravel()
        made = {
            "open": fine.open[start],
            "high": np.maximum.reduceat(np.append(fine.high, -np.inf), edges)[::2],
            "low": np.minimum.reduceat(np.append(fine.low, np.inf), edges)[::2],
            "close": fine.close[np.maximum(lasts, start)],
        }
        differing, first = np.zeros(len(coarse), np.bool_), ""
        slack = PRICE_SLACK * float(np.mean(coarse.high - coarse.low)) + ROUNDING * float(np.mean(coarse.close))
        for name, values in made.items():
            given = getattr(coarse, name)
            wrong = ~empty & (np.abs(values - given) > slack)
            differing |= wrong
            if not first and wrong.any():
                row = int(np.argmax(wrong))
                stamp = stamp_text(int(coarse.timestamp[row]))
                first = f"the first at {stamp}: {name} {given[row]:.10g}, of the finer ones {values[row]:.10g}"
        return cls(empty, uncovered(firsts, lasts), differing, first)

    def text(self) -> str:
        """The numbers."""
        parts = [
            f"{counted(int(self.bars.sum()), 'coarse bar')} of {len(self.bars):,} that do not fit",
            f"{int(self.empty.sum()):,} without a finer bar",
            f"{counted(int(self.before.sum()), 'finer bar')} between coarse ones",
            f"{int(self.differing.sum()):,} with other prices",
        ]
        return ", ".join([*parts, *([self.first] if self.first else [])])


def uncovered(firsts: Indices, lasts: Indices) -> Indices:
    """Fine bars between the end of the coarse bar before and the start of each."""
    found = np.zeros(len(firsts), np.int64)
    found[1:] = firsts[1:] - lasts[:-1] - 1
    return found


def span_text(bars: Bars) -> str:
    """First and last stamp of bars."""
    return f"{bars.frequency} from {stamp_text(int(bars.timestamp[0]))} to {stamp_text(int(bars.timestamp[-1]))}"


def clock_advice(fine: Bars, coarse: Bars) -> str:
    """Which other clock of the coarse bars would meet the fine opens; empty where none does."""
    step_ns = coarse.frequency_ns or 0
    shifts = sorted({*(half * HALF_HOUR_NS for half in range(-28, 29)), step_ns, -step_ns}, key=abs)
    met = [(opens_met(fine, coarse, shift), shift) for shift in shifts]
    best = sorted(met, key=lambda found: -found[0])[:2]
    likely = [(count, shift) for count, shift in best if shift and count >= MET_SHARE_MIN * len(coarse)]
    if not likely:
        return ""
    words = " and ".join(f"{count:,} by {shift / HOUR_NS:+g} h" for count, shift in likely)
    advice = (
        f"of {len(coarse):,} coarse bars {words} have the opens of the finer ones: give the time zone of their stamps"
    )
    return advice + (' or, if they stamp the end of a bar, label="close"' if likely[0][1] == -step_ns else "")


def opens_met(fine: Bars, coarse: Bars, shift_ns: int) -> int:
    """Coarse bars whose open is that of the fine bar at their stamp, moved by so much."""
    moved = coarse.timestamp + shift_ns
    place = np.minimum(np.searchsorted(fine.timestamp, moved), len(fine) - 1)
    return int(np.count_nonzero((fine.timestamp[place] == moved) & (fine.open[place] == coarse.open)))
