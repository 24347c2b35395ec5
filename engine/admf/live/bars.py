"""Bars as they come: what a feed delivers, the door they pass, and a market that grows with them.

The door is one rule for every feed, by the stamp of a bar's open against the last bar that was taken:

    later than it             taken; bars that the frequency says lie between them are counted `missing` and never
                              made up: the engine numbers the bars that came
    equal, the same values    `duplicate`: dropped
    equal, other values       `revised`: dropped; what was decided on the first version cannot be taken back
    earlier                   `late`: dropped, also where it would fill a gap; bars out of order are late bars
    prices that are no bar    taken and counted `invalid`: `execution.bad_bar` says what the engine does with it
"""

from collections import Counter
from dataclasses import dataclass
from math import inf, nan
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Instrument, Market, load
from admf.data.instrument import to_records
from admf.data.rates import foreign
from admf.data.sessions import rule_name
from admf.errors import CapacityError, ConfigError
from admf_kernels import records
from admf_kernels.codes import BarFlag

UNKNOWN = -1
NEVER = 2**31 - 2  # a bar index that no run reaches
CAPACITY_BARS = 262_144  # half a year of minutes around the clock; pages that nobody writes cost no memory
COLUMNS = ("open", "high", "low", "close", "volume")
VALID, FIRST, LAST = BarFlag.VALID.value, BarFlag.SESSION_FIRST.value, BarFlag.SESSION_LAST.value


class FeedBar(NamedTuple):
    """A bar that has closed. `bars_left` still come in its session, `bars_next` in the one after it.

    Both are for a feed with a calendar of its venue, else UNKNOWN.
    """

    symbol: str
    time_ns: int  # of the bar's open, UTC
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float = nan
    bars_left: int = UNKNOWN
    bars_next: int = UNKNOWN

    @property
    def is_valid(self) -> bool:
        """Whether all prices are finite and above zero, and low <= open, close <= high."""
        low, high = self.low, self.high
        return low > 0.0 and high < inf and low <= self.open <= high and low <= self.close <= high


@dataclass(frozen=True)
class Facts:
    """What a feed knows of a symbol before its first bar; `sessions` is as `Market` takes it."""

    instrument: Instrument
    frequency_ns: int | None = None
    sessions: Any = "date"
    has_volume: bool = True
    has_vwap: bool = False
    has_calendar: bool = False  # each bar says how many are left in its session
    intraday: bool = True  # most sessions have more than one bar
    capacity_bars: int = CAPACITY_BARS


class Door:
    """Which bars of one symbol are taken, and how many were not; the rule stands in the module's docstring."""

    def __init__(self, frequency_ns: int | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._frequency_ns = frequency_ns
        self._last: FeedBar | None = None

    def takes(self, bar: FeedBar) -> bool:
        """Whether a bar goes on to the engine."""
        last = self._last
        if last is not None and bar.time_ns <= last.time_ns:
            same = bar.time_ns == last.time_ns
            self.counts["late" if not same else "duplicate" if bar[:7] == last[:7] else "revised"] += 1
            return False
        if last is not None and self._frequency_ns and last.bars_left != 0:
            self.counts["missing"] += max(0, (bar.time_ns - last.time_ns) // self._frequency_ns - 1)
        self.counts["taken"] += 1
        if not bar.is_valid:
            self.counts["invalid"] += 1
        self._last = bar
        return True


class LiveMarket(Market):
    """The bars of one symbol so far, in buffers of a fixed capacity.

    `arrays` are read-only views of all rows; those not yet written are not VALID and nothing reads them. `bar_count`
    is one more than there is room for, so that no bar that comes is the last one; `taken` counts the bars so far.
    """

    def __init__(self, facts: Facts) -> None:
        rows = facts.capacity_bars
        self.facts = facts
        self.symbols = (facts.instrument.symbol,)
        self.instruments = (facts.instrument,)
        self.instrument_records = to_records(self.instruments)
        self.session_rule = rule_name(facts.sessions)
        self.dated = True
        self.has_volume, self.has_vwap = facts.has_volume, facts.has_vwap
        self.taken = 0
        open_, high, low, close, volume = (np.zeros((rows, 1)) for _ in COLUMNS)
        vwap = np.zeros((rows if facts.has_vwap else 0, 1))
        ends = np.zeros(rows, np.int32)
        flags, stamps = np.zeros((rows, 1), np.uint8), np.zeros(rows, np.int64)
        splits = np.zeros((0, 1))
        self._rows = records.Market(open_, high, low, close, volume, flags, ends, stamps, vwap, splits)
        self.arrays = records.Market(*(view_of(column) for column in self._rows))
        self._closed = True  # whether the session of the last bar is over

    def write(self, bar: FeedBar) -> int:
        """Appends a bar; returns its index. CapacityError where there is no room."""
        rows, index = self._rows, self.taken
        if index >= self.facts.capacity_bars:
            remedy = "raise live_trading.capacity_bars"
            message = "no room for more bars"
            raise CapacityError(message, field=bar.symbol, found=index, allowed=f"{index:,}", remedy=remedy)
        for column, value in zip(rows[:5], bar[2:7], strict=True):
            column[index, 0] = value
        if not 0.0 <= bar.volume < inf:
            rows.volume[index, 0] = 0.0
        if self.has_vwap:
            rows.vwap[index, 0] = bar.vwap
        rows.timestamp[index] = bar.time_ns
        rows.flags[index, 0] = VALID * bar.is_valid | FIRST * self._closed | LAST * (bar.bars_left == 0)
        self._write_sessions(index, bar)
        self._closed = bar.bars_left == 0
        self.taken = index + 1
        return index

    def _write_sessions(self, index: int, bar: FeedBar) -> None:
        ends = self._rows.session_end
        if bar.bars_left == UNKNOWN:
            ends[index : index + 2] = NEVER
            return
        last = index + bar.bars_left
        following = NEVER if bar.bars_next == UNKNOWN else last + bar.bars_next
        if ends[index] != last or self._closed:  # else written on an earlier bar
            ends[index : last + 1] = last
            ends[last + 1 : min(following, last + 1) + 1] = following

    def actions(self, *, accrued: bool, currency: str | None = None, settles: bool = False) -> NDArray[np.record]:
        """None: a feed tells of bars alone. ConfigError for rates, funding and settlement, which would not come."""
        if accrued or settles or self.instruments[0].funding_rate is not None:
            message, remedy = "a feed does not say when it is due", "leave rates and funding out of live_trading"
            found = "an account with rates" if accrued else "settlement_days" if settles else "funding_rate"
            raise ConfigError(message, field="live_trading", found=found, remedy=remedy)
        return np.zeros(0, records.action_dt)

    def conversions(self, currency: str) -> NDArray[np.record]:
        """None; ConfigError where the account is in another currency than the instrument."""
        foreign(self.instruments, currency, {})
        return np.zeros(0, records.action_dt)

    def records_in(self, currency: str) -> NDArray[np.record]:
        """The instruments."""
        self.conversions(currency)
        return self.instrument_records

    @property
    def bar_count(self) -> int:
        """One more than there is room for."""
        return self.facts.capacity_bars + 1

    @property
    def intraday(self) -> bool:
        """As the feed says."""
        return self.facts.intraday

    @property
    def has_sessions(self) -> bool:
        """Whether the feed knows where sessions end."""
        return self.facts.has_calendar

    def history(self) -> Market:
        """The bars so far as a market of its own, through the door of all data."""
        rows, arrays = slice(0, self.taken), self.arrays
        names = (*COLUMNS[: 4 + self.has_volume], *("vwap",) * self.has_vwap)
        table: dict[str, Any] = {name: getattr(arrays, name)[rows, 0] for name in names}
        table = {"timestamp": pl.Series(arrays.timestamp[rows]).cast(pl.Datetime("ns", "UTC")), **table}
        bars = load(table, self.symbols[0], on_defect="keep")
        return Market([bars], sessions=self.facts.sessions, instruments=list(self.instruments))


def view_of(column: Any) -> Any:
    """The same memory, read-only."""
    view = column.view()
    view.flags.writeable = False
    return view
