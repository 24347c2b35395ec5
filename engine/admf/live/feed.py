"""`MarketDataFeed`: where bars come from as time goes by, and historical bars on a clock."""

import threading
import time
from collections.abc import Iterator, Mapping
from itertools import repeat
from math import nan
from typing import Any, Protocol, runtime_checkable

import numpy as np

from admf.data import Market
from admf.data.stamps import infer_frequency_ns
from admf.errors import DataError
from admf.live.bars import COLUMNS, UNKNOWN, Facts, FeedBar
from admf.models import Number

SECOND_NS = 1_000_000_000
BLOCK_BARS = 4_096  # made ready at a time
BATCH_BARS = 256  # handed over at a time where nothing waits for the clock


@runtime_checkable
class MarketDataFeed(Protocol):
    """Bars that are pulled one by one, so that a slow reader holds the feed back and nothing piles up."""

    facts: Mapping[str, Facts]  # by symbol
    batch_bars: int  # bars that may be handed over together; 1 where each counts when it comes

    def __iter__(self) -> Iterator[FeedBar]:
        """Bars in the order of their arrival; waits for the next one, ends with the data or after `close`."""
        ...

    def close(self) -> None:
        """Ends the iteration, also from another thread."""
        ...


@runtime_checkable
class Observed(Protocol):
    """A feed that says how it is."""

    def health(self) -> Mapping[str, Any]:
        """By name, for the status; from any thread."""
        ...


class Pace:
    """A clock on which moments of historical data come `speed` times as fast as they did; with None all at once."""

    def __init__(self, speed: float | None) -> None:
        """Raises ConfigError for a speed that is not above zero."""
        if speed is not None:
            Number(above=0.0).read(speed, "speed")
        self.speed = speed
        self._closed = threading.Event()
        self._started_s: float | None = None
        self._first_ns = 0

    def wait(self, due_ns: int, first_ns: int) -> bool:
        """Waits until `due_ns`, on a clock that stood at `first_ns` at the first call; False after `close`."""
        if self.speed is not None:
            if self._started_s is None:
                self._started_s, self._first_ns = time.monotonic(), first_ns
            due_s = self._started_s + (due_ns - self._first_ns) / SECOND_NS / self.speed
            self._closed.wait(max(0.0, due_s - time.monotonic()))
        return not self._closed.is_set()

    def close(self) -> None:
        """Ends all waiting, also from another thread."""
        self._closed.set()


class HistoricalFeed:
    """Historical bars on a clock: each is delivered when it closes.

    `speed` None delivers as fast as the bars are taken, 1.0 in real time, N at N times that. With `speed` the clock
    starts at the open of the first bar; pauses between sessions take their time too.
    """

    def __init__(self, market: Market, speed: float | None = None) -> None:
        """Raises DataError for undated bars, ConfigError for a speed that is not above zero."""
        if not market.dated:
            raise DataError("a clock needs stamps", field="data", found=repr(market), allowed="bars with timestamps")
        self._pace = Pace(speed)
        self.batch_bars = BATCH_BARS if speed is None else 1
        self._market = market
        self._frequency_ns = infer_frequency_ns(market.arrays.timestamp)
        self.facts: Mapping[str, Facts] = {
            instrument.symbol: Facts(
                instrument=instrument,
                frequency_ns=self._frequency_ns,
                sessions=market.session_rule,
                has_volume=market.has_volume,
                has_vwap=market.has_vwap,
                has_calendar=True,
                intraday=market.intraday,
                capacity_bars=market.bar_count,
            )
            for instrument in market.instruments
        }

    def __repr__(self) -> str:
        return repr(self._market)

    def close(self) -> None:
        """Ends the iteration, also from another thread."""
        self._pace.close()

    def __iter__(self) -> Iterator[FeedBar]:
        first_ns = int(self._market.arrays.timestamp[0]) if self._market.bar_count else 0
        for bar in self._bars():
            if not self._pace.wait(bar.time_ns + (self._frequency_ns or 0), first_ns):
                return
            yield bar

    def _bars(self) -> Iterator[FeedBar]:
        """Row by row, the symbols of a row in their order; a symbol without a bar is left out."""
        market, arrays = self._market, self._market.arrays
        for first in range(0, market.bar_count, BLOCK_BARS):
            rows = slice(first, first + BLOCK_BARS)
            stamps = arrays.timestamp[rows].tolist()
            ends = arrays.session_end[rows]
            left = (ends - np.arange(first, first + len(stamps))).tolist()
            following = arrays.session_end[np.minimum(ends + 1, market.bar_count - 1)] - ends
            next_ = np.where(following > 0, following, UNKNOWN).tolist()
            columns = []
            for index, symbol in enumerate(market.symbols):
                prices = [getattr(arrays, name)[rows, index].tolist() for name in COLUMNS]
                vwap = arrays.vwap[rows, index].tolist() if market.has_vwap else repeat(nan)
                columns.append(map(FeedBar, repeat(symbol), stamps, *prices, vwap, left, next_))
            for row in zip(*columns, strict=True):
                yield from row if len(row) == 1 else [bar for bar in row if bar.close == bar.close]
