"""`HistoricalDataHandler`: the bars of a run, one after the other, and nothing of the bars to come."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from admf.data import Bars, Market
from admf.data.door import LoadOptions
from admf.data.door import select as rows_between
from admf.errors import ConfigError, DataError
from admf.events import BarEvent, EventBus
from admf.models import Number, unknown_name
from admf.run.arguments import read_market

CACHE_BARS = 4_096
FIELDS = ("open", "high", "low", "close", "volume", "vwap")
SPLITS = ("all", "train", "test")


class HistoricalDataHandler:
    """Publishes one BAR after the other of the shared service `market_data`.

    `symbols`, `start_date` and `end_date` (inclusive) choose from it, all by default. `cache_size` is the number of
    bars made ready at a time. With `enable_splits`, `split` divides the bars into train and test and `use` takes a
    part; a part holds no bar of the other.
    """

    requires: ClassVar[tuple[str, ...]] = ("market_data",)

    def __init__(
        self,
        symbols: Sequence[str] | str | None = None,
        start_date: Any = None,
        end_date: Any = None,
        cache_size: int = CACHE_BARS,
        enable_splits: bool = False,
    ) -> None:
        """Raises ConfigError for a size below 1."""
        if cache_size is not CACHE_BARS:
            Number(minimum=1, whole=True).read(cache_size, "cache_size")
        self.symbols = (symbols,) if isinstance(symbols, str) else None if symbols is None else tuple(symbols)
        self.start_date, self.end_date = start_date, end_date
        self.cache_size = cache_size
        self.enable_splits = enable_splits
        self.market: Market
        self.bar = -1  # the last bar that was published
        self.continue_backtest = True
        self._parts: dict[str, Market] = {}
        self._before_bar: list[Callable[[int], bool]] = []
        self._columns: dict[tuple[str, int], NDArray[np.float64]] = {}
        self._cache: list[BarEvent] = []

    def initialize(self, container: Any) -> None:
        """Finds the bars; DataError where the service does not have them."""
        service = container.resolve("market_data")
        self._bus: EventBus = container.event_bus
        self._take(select(service, self.symbols, self.start_date, self.end_date))
        self._parts = {"all": self.market}

    def _take(self, market: Market) -> None:
        self.market = market
        self.bar_count = market.bar_count
        self.__dict__.pop("closes", None)
        self._columns = {}
        self.reset()

    @cached_property
    def closes(self) -> tuple[memoryview, ...]:
        """The closes of each symbol; made when the first strategy asks, since most containers never do."""
        return tuple(self.market.arrays.close[:, symbol].data for symbol in range(self.market.symbol_count))

    # ------------------------------------------------------------------------------------------------------ bar by bar

    def update_bars(self) -> bool:
        """Publishes the next bar; False where there is none, or where the account is bankrupt."""
        bar = self.bar + 1
        if bar >= self.bar_count:
            self.continue_backtest = False
            return False
        self.bar = bar
        for listener in self._before_bar:
            if not listener(bar):
                self.continue_backtest = False
                return False
        place = bar - self._cached_from
        if place >= len(self._cache):
            self._fill_cache(bar)
            place = 0
        self._bus.publish(self._cache[place])
        return True

    def before_bar(self, listener: Callable[[int], bool]) -> None:
        """`listener(bar)` plays a bar before it is published; False ends the run."""
        self._before_bar.append(listener)

    def _fill_cache(self, first: int) -> None:
        arrays, last = self.market.arrays, min(first + self.cache_size, self.bar_count)
        rows = slice(first, last)
        prices = [getattr(arrays, name)[rows, 0].tolist() for name in FIELDS[:5]]
        stamps = arrays.timestamp[rows].tolist()
        self._cache = [*map(BarEvent, stamps, range(first, last), *prices)]
        self._cached_from = first

    @property
    def time_ns(self) -> int:
        """Time of the current bar; just before the first one at the start."""
        bar, stamps = self.bar, self.market.arrays.timestamp
        if bar >= 0:
            return int(stamps[bar])
        return int(stamps[0]) - 1 if self.bar_count else -1

    def column(self, field: str, symbol: int) -> NDArray[np.float64]:
        """A read-only column of one symbol, shape (bars,); ConfigError for a name that is none."""
        found = self._columns.get((field, symbol))
        if found is None:
            if field not in FIELDS:
                raise unknown_name(field, FIELDS, field="field", what="column")
            found = getattr(self.market.arrays, field)[:, symbol]
            self._columns[field, symbol] = found
        return found

    # ---------------------------------------------------------------------------------------------------------- splits

    def split(self, train: float = 0.7, embargo_bars: int = 0) -> tuple[Market, Market]:
        """Divides the bars in time: the first `train` of them, and the rest after `embargo_bars` that nobody gets.

        ConfigError without `enable_splits`, and where a part would be empty.
        """
        if not self.enable_splits:
            raise ConfigError("splits are off", field="enable_splits", found=False, allowed="True")
        market = self._parts["all"]
        border = int(market.bar_count * train)
        if not 0 < border < market.bar_count - embargo_bars or embargo_bars < 0:
            found = f"{border} of {market.bar_count} bars, {embargo_bars} between"
            raise ConfigError("a part would be empty", field="split", found=found, allowed="0 < train < 1")
        self._parts |= {
            "train": market.part(0, border),
            "test": market.part(border + embargo_bars, market.bar_count),
        }
        return self._parts["train"], self._parts["test"]

    def use(self, part: str) -> Market:
        """Takes a part, `train`, `test` or `all`, for the run to come; ConfigError for one that does not exist."""
        if part not in SPLITS:
            raise unknown_name(part, SPLITS, field="use", what="part")
        if part not in self._parts:
            raise ConfigError("not divided yet", field="use", found=part, remedy="call split(train=0.7) first")
        self._take(self._parts[part])
        return self.market

    # ------------------------------------------------------------------------------------------------------ life cycle

    def reset(self) -> None:
        """Back before the first bar."""
        self.bar = -1
        self.continue_backtest = True
        self._cache = []
        self._cached_from = 0

    def teardown(self) -> None:
        """Lets go of the bars."""
        self._before_bar.clear()
        self._parts.clear()
        self._columns.clear()
        self._cache = []

    def snapshot(self) -> tuple[int, bool]:
        """Where it is."""
        return self.bar, self.continue_backtest

    def restore(self, state: tuple[int, bool]) -> None:
        """Where it was."""
        self.reset()
        self.bar, self.continue_backtest = state
        if self.bar + 1 < self.bar_count:
            self._fill_cache(self.bar + 1)


def select(service: Any, symbols: tuple[str, ...] | None, start: Any, end: Any) -> Market:
    """The bars of some symbols between two times; the same market where all are asked for."""
    market = service_market(service, symbols)
    if symbols is not None and tuple(symbols) != market.symbols:
        missing = [symbol for symbol in symbols if symbol not in market.symbols]
        if missing:
            found, allowed = ", ".join(missing), ", ".join(market.symbols)
            raise DataError("no bars of this symbol", field="symbols", found=found, allowed=allowed)
        market = market.part(0, market.bar_count, symbols)
    return market if start is None and end is None else market.part(*place_of(market, start, end))


def service_market(service: Any, symbols: tuple[str, ...] | None) -> Market:
    """A Market from what `market_data` holds: one, bars, a list of bars, or bars by symbol."""
    if isinstance(service, Mapping) and all(isinstance(part, Bars) for part in service.values()):
        parts = [part for name, part in service.items() if symbols is None or name in symbols]
        if not parts:
            allowed = ", ".join(map(str, service))
            raise DataError("no bars of this symbol", field="symbols", found=symbols, allowed=allowed)
        return Market(parts)
    if isinstance(service, tuple):
        service = list(service)
    made: Market = read_market(service, None)
    return made


def place_of(market: Market, start: Any, end: Any) -> tuple[int, int]:
    """The bars [first, last) from `start` to `end`, both inclusive; DataError where there are none."""
    rows = rows_between(market.arrays.timestamp if market.dated else None, LoadOptions(start=start, end=end), "bars")
    if rows is None:
        return 0, market.bar_count
    found = np.flatnonzero(rows)
    return int(found[0]), int(found[-1]) + 1
