"""`Portfolio`: the books of one container, kept from its FILL events."""

from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf.data import Market
from admf.events import EventBus, EventKind, FillEvent
from admf.execution import Account
from admf.models import Flag, Number, Text


class Holding(NamedTuple):
    """One symbol: units (signed), average price of the open quantity, profit of what was closed, money paid in fees."""

    quantity: float = 0.0
    average_price: float = 0.0
    realized: float = 0.0
    commission: float = 0.0


class Portfolio:
    """Cash and positions as the fills made them, on average cost; `history` has a row for each fill.

    `initial_cash` and `currency` are the account of the run; the broker reads them. The books are the container's own:
    they follow from its FILL events alone and can be held against the broker's.
    """

    def __init__(
        self,
        initial_cash: float = 100_000.0,
        currency: str = "USD",
        track_history: bool = True,
        account: Account | None = None,
    ) -> None:
        """`account`, with positions of the start, takes the place of the first two. ConfigError for cash <= 0."""
        self.account = account_of(initial_cash, currency) if account is None else account
        self.track_history = Flag().read(track_history, "track_history")
        self.reset()

    requires: ClassVar[tuple[str, ...]] = ("data_handler",)

    def initialize(self, container: Any) -> None:
        """Listens to the fills."""
        self._bus: EventBus = container.event_bus
        self._data: Any = container.resolve("data_handler")
        self._bus.subscribe(EventKind.FILL, self.on_fill)
        if self.account.positions:  # their symbols are known from now on
            self.reset()

    def reset(self) -> None:
        """The account as it is before the first bar."""
        self.cash = self.account.cash
        self._holdings: dict[int, Holding] = {}
        self.history: list[tuple[int, float, float]] = []  # bar, cash, units of the fill's symbol, after each fill
        data: Any = getattr(self, "_data", None)
        for symbol, (quantity, price) in (self.account.positions or {}).items():
            if data is not None and symbol in data.market.symbols:  # another one is refused by the broker
                self._holdings[data.market.symbols.index(symbol)] = Holding(quantity, price)

    def on_fill(self, fill: FillEvent) -> None:
        """A-01: books one fill."""
        multiplier = self._multiplier(fill.symbol, fill.bar)
        self.cash = self.cash - (fill.side * fill.quantity * fill.price * multiplier + fill.commission)
        held = self._holdings.get(fill.symbol, Holding())
        self._holdings[fill.symbol] = booked(held, fill, multiplier)
        if self.track_history:
            self.history.append((fill.bar, self.cash, self._holdings[fill.symbol].quantity))

    @property
    def _market(self) -> Market:
        market: Market = self._data.market
        return market

    def holding(self, symbol: int = 0) -> Holding:
        """One symbol."""
        return self._holdings.get(symbol, Holding())

    @property
    def positions(self) -> dict[str, float]:
        """Units by symbol, those held only."""
        names = self._market.symbols
        return {names[index]: held.quantity for index, held in self._holdings.items() if held.quantity != 0.0}

    @property
    def value(self) -> float:
        """Cash plus positions at the last close; at their average price before the first bar."""
        total, bar = self.cash, self._data.bar
        for symbol, held in sorted(self._holdings.items()):
            if held.quantity != 0.0:
                price = float(self._data.column("close", symbol)[bar]) if bar >= 0 else held.average_price
                total += held.quantity * price * self._multiplier(symbol, bar)
        return total

    def _multiplier(self, symbol: int, bar: int) -> float:
        """D-11: money for a unit of price and quantity on a bar."""
        rows = self._conversions
        due = rows["value"][(rows["symbol"] == symbol) & (rows["bar"] <= bar)]
        return float(due[-1] if len(due) else self._market.instrument_records["multiplier"][symbol])

    @cached_property
    def _conversions(self) -> NDArray[np.record]:
        return self._market.conversions(self.account.currency)

    def snapshot(self) -> tuple[float, dict[int, Holding], list[tuple[int, float, float]]]:
        """A copy of the books."""
        return self.cash, dict(self._holdings), list(self.history)

    def restore(self, state: tuple[float, dict[int, Holding], list[tuple[int, float, float]]]) -> None:
        """The books as they were."""
        self.cash, holdings, history = state
        self._holdings, self.history = dict(holdings), list(history)

    def teardown(self) -> None:
        """Lets go of the bars."""
        self._data = None
        self.__dict__.pop("_conversions", None)


@lru_cache(maxsize=64)
def account_of(initial_cash: float, currency: str) -> Account:
    """The account of a cash balance; a value, so that containers may share it."""
    cash = Number(above=0.0).read(initial_cash, "initial_cash")
    assert cash is not None
    return Account(cash=cash, currency=Text().read(currency, "currency"))


def booked(held: Holding, fill: FillEvent, multiplier: float) -> Holding:
    """A-01: one symbol after a fill: opening blends the average price, closing keeps it and earns."""
    signed = fill.side * fill.quantity
    quantity = held.quantity + signed
    closing = min(abs(held.quantity), fill.quantity) if held.quantity * signed < 0.0 else 0.0
    realized = held.realized - fill.side * closing * (fill.price - held.average_price) * multiplier
    opening = fill.quantity - closing
    average = held.average_price
    if quantity == 0.0:
        average = 0.0
    elif opening > 0.0:
        base = 0.0 if closing > 0.0 else abs(held.quantity)
        average = (base * average + opening * fill.price) / (base + opening)
    return Holding(quantity, average, realized, held.commission + fill.commission)
