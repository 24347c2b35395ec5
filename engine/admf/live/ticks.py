"""Bars made of trades as they come. The rule, for a bar of the stamp t:

    its ticks            those with a stamp in [t, t + frequency) of the UTC clock; t is its stamp, as of all bars here
    open, close          prices of the earliest and the latest stamp; of equal stamps the first and the last that came
    high, low, volume    of all its ticks, summed as they came; vwap is value over volume, the close where that is 0
    closed               once the stream has told of a time `wait_s` past its end; it is handed on and never changed
    late                 a tick of a bar that is closed: dropped
    duplicate            a trade id that its bar has already: dropped
    invalid              a price that is not finite and above zero, a size that is not finite or below zero: dropped
    no tick, no bar      nothing is made up; the door counts such bars `missing`
    the end              of the stream closes the bars that are open; `close` drops them, since they have not closed

What is dropped is counted. With `wait_s` above zero, ticks may come out of order by so much and change nothing but
which of two equal stamps came last.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, NamedTuple, Protocol

from admf.data.stamps import DAY_NS, SECOND_NS, frequency_text, parse_frequency
from admf.errors import ConfigError
from admf.live.bars import Facts, FeedBar
from admf.live.feed import Observed
from admf.models import Number

NO_ID = -1


class Tick(NamedTuple):
    """A trade."""

    symbol: str
    time_ns: int
    price: float
    size: float
    trade_id: int = NO_ID  # the venue's own, where it has one

    @property
    def is_valid(self) -> bool:
        """Whether it is a trade at all."""
        return 0.0 < self.price < inf and 0.0 <= self.size < inf


class TimePassed(NamedTuple):
    """No tick, but the stream's clock: nothing before it is still to come."""

    time_ns: int


class TickFeed(Protocol):
    """Ticks that are pulled one by one, in order of their arrival."""

    facts: Mapping[str, Facts]  # by symbol

    def events(self) -> Iterator[Tick | TimePassed | FeedBar]:
        """Waits for the next one; ends with the data or after `close`. A bar that is one already is passed on."""
        ...

    def close(self) -> None:
        """Ends the iteration, also from another thread."""
        ...


@dataclass
class OpenBar:
    """A bar that ticks still go into."""

    symbol: str
    time_ns: int
    first: Tick
    last: Tick
    high: float
    low: float
    volume: float = 0.0
    value: float = 0.0
    ids: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, time_ns: int, tick: Tick) -> "OpenBar":
        """A bar with its first tick still to be taken."""
        return cls(tick.symbol, time_ns, tick, tick, tick.price, tick.price)

    def take(self, tick: Tick) -> bool:
        """False for a trade that it has already."""
        if tick.trade_id != NO_ID:
            if tick.trade_id in self.ids:
                return False
            self.ids.add(tick.trade_id)
        price = tick.price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        if tick.time_ns < self.first.time_ns:
            self.first = tick
        if tick.time_ns >= self.last.time_ns:
            self.last = tick
        self.volume += tick.size
        self.value += tick.size * price
        return True

    def closed(self) -> FeedBar:
        """The bar."""
        close = self.last.price
        vwap = self.value / self.volume if self.volume > 0.0 else close
        return FeedBar(self.symbol, self.time_ns, self.first.price, self.high, self.low, close, self.volume, vwap)


class TickBars:
    """A `MarketDataFeed` of the bars that the ticks of another feed make; the rule stands in the module's docstring."""

    batch_bars = 1

    def __init__(self, feed: TickFeed, frequency: str, wait_s: float = 0.0) -> None:
        """`frequency` is at most a day. DataError, ConfigError for one that is none, and for a wait below zero."""
        self._feed = feed
        self._step_ns = parse_frequency(frequency)
        if self._step_ns > DAY_NS or DAY_NS % self._step_ns:
            allowed = "a day, or what divides it: 1s, 1min, 15min, 1h, 1d"
            raise ConfigError("bars that meet on no clock", field="frequency", found=frequency, allowed=allowed)
        self._wait_ns = round(float(Number(minimum=0.0).read(wait_s, "wait_s") or 0.0) * SECOND_NS)
        self.counts: Counter[str] = Counter()
        self.facts: Mapping[str, Facts] = {
            name: replace(
                facts, frequency_ns=self._step_ns, has_volume=True, has_vwap=True, has_calendar=False,
                intraday=self._step_ns < DAY_NS,
            )
            for name, facts in feed.facts.items()
        }  # fmt: skip
        self._open: dict[tuple[int, str], OpenBar] = {}
        self._closed_ns = -(2**63)  # every bar that ends by then is closed
        self._is_closed = False

    def __repr__(self) -> str:
        return f"{frequency_text(self._step_ns)} bars of {self._feed!r}"

    def __iter__(self) -> Iterator[FeedBar]:
        for event in self._feed.events():
            if isinstance(event, FeedBar):
                yield event
                continue
            if isinstance(event, Tick):
                if not event.is_valid:  # its stamp may be as wrong as its price: it moves no clock
                    self.counts["invalid"] += 1
                    continue
                self._take(event)
            due_ns = event.time_ns - self._wait_ns
            if due_ns >= self._closed_ns + self._step_ns:
                yield from self._close(due_ns // self._step_ns * self._step_ns)
        if not self._is_closed:
            yield from self._close(max((start for start, _ in self._open), default=0) + self._step_ns)

    def _take(self, tick: Tick) -> None:
        start_ns = tick.time_ns // self._step_ns * self._step_ns
        if start_ns < self._closed_ns:
            self.counts["late"] += 1
            return
        key = start_ns, tick.symbol
        bar = self._open.get(key)
        if bar is None:
            bar = self._open[key] = OpenBar.of(start_ns, tick)
        self.counts["ticks" if bar.take(tick) else "duplicate"] += 1

    def _close(self, time_ns: int) -> Iterable[FeedBar]:
        """The bars that end by a time, in order of their stamps."""
        self._closed_ns = time_ns
        due = sorted(key for key in self._open if key[0] < time_ns)
        return [self._open.pop(key).closed() for key in due]

    def health(self) -> dict[str, Any]:
        """What was counted, and how the feed of the ticks is."""
        return {**self.counts, **(self._feed.health() if isinstance(self._feed, Observed) else {})}

    def close(self) -> None:
        """Ends the iteration; a bar that is still open has not closed and is dropped."""
        self._is_closed = True
        self._feed.close()
