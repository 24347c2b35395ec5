"""`PassthroughBroker`: fills every order at once at the given price, for development."""

from collections.abc import Mapping
from math import isnan, nan
from typing import Any, ClassVar

from admf.components.orders import OrderManager
from admf.components.passed import passed_records
from admf.components.portfolio import Holding, booked
from admf.components.validator import OrderValidator
from admf.events import Action, EventBus, EventKind, FillEvent, OrderEvent, OrderStatusEvent, Ticket
from admf.models import Flag
from admf.results import RunRecords
from admf_kernels.codes import Liquidity, OrderStatus, Reason, SizeKind
from admf_kernels.codes import OrderEvent as Step

LIFE = (
    (OrderStatus.NONE, OrderStatus.RECEIVED, Step.SUBMIT),
    (OrderStatus.RECEIVED, OrderStatus.VALIDATED, Step.VALIDATE),
    (OrderStatus.VALIDATED, OrderStatus.ROUTED, Step.ROUTE),
    (OrderStatus.ROUTED, OrderStatus.FILLED, Step.COMPLETE),
)


class PassthroughBroker:
    """No market: an order fills as it arrives, at its limit, else its stop, else the last close, free of cost.

    An order without a price before the first bar, and one that `OrderValidator` refuses, is REJECTED. Cancels and
    amendments come too late for everything. It knows no cash limit, no volume and no links between orders.
    """

    requires: ClassVar[tuple[str, ...]] = ("data_handler", "portfolio")
    refused_events: ClassVar[tuple[EventKind, ...]] = (EventKind.SIGNAL,)

    def __init__(self, close_positions: bool = True) -> None:
        """`close_positions`: at the end, at the last close."""
        self.close_positions = Flag().read(close_positions, "close_positions")
        self.orders = OrderManager()
        self.told: list[FillEvent] = []  # every fill
        self._groups = 0
        self._over = False
        self._holdings: dict[int, Holding] = {}
        self.cash = 0.0

    def initialize(self, container: Any) -> None:
        """Takes the bars and the account of its container."""
        self._bus: EventBus = container.event_bus
        self._data: Any = container.resolve("data_handler")
        self._portfolio: Any = container.resolve("portfolio")
        self._bus.subscribe(EventKind.ORDER, self.on_order)
        self.reset()

    def on_order(self, event: OrderEvent) -> None:
        """Fills a ticket."""
        ticket = event.ticket
        if ticket.action is not Action.SUBMIT:
            return
        self.orders.add(ticket, ticket.order)
        price = self.price_of(ticket)
        reason = OrderValidator.reason(ticket, self._data.market.instruments[ticket.symbol])
        if reason is Reason.NONE and isnan(price):
            reason = Reason.LIMIT_PRICE_MISSING
        if reason is not Reason.NONE:
            self._move(event, OrderStatus.NONE, OrderStatus.RECEIVED, Step.SUBMIT, Reason.NONE)
            self._move(event, OrderStatus.RECEIVED, OrderStatus.REJECTED, Step.REFUSE, reason)
            return
        quantity = self._quantity(ticket, price)
        self._fill(ticket.order, ticket.symbol, ticket.side, quantity, price)
        for before, after, step in LIFE:
            self._move(event, before, after, step, Reason.NONE)

    def price_of(self, ticket: Ticket) -> float:
        """The given price; NaN where there is none."""
        if not isnan(ticket.limit_price):
            return ticket.limit_price
        return self._close(ticket.symbol) if isnan(ticket.stop_price) else ticket.stop_price

    def _close(self, symbol: int) -> float:
        bar = self._data.bar
        return float(self._data.column("close", symbol)[bar]) if bar >= 0 else nan

    def _quantity(self, ticket: Ticket, price: float) -> float:
        if ticket.size_kind is SizeKind.QUANTITY:
            held = self.position(ticket.symbol)
            return min(ticket.quantity, abs(held)) if ticket.reduce_only else ticket.quantity
        base = {SizeKind.VALUE: 1.0, SizeKind.EQUITY_FRACTION: self.equity, SizeKind.CASH_FRACTION: self.cash}
        return ticket.size * base[ticket.size_kind] / (price * self._multiplier(ticket.symbol))

    def _multiplier(self, symbol: int) -> float:
        return float(self._data.market.instruments[symbol].multiplier)

    def _fill(self, order: int, symbol: int, side: int, quantity: float, price: float) -> None:
        multiplier, data = self._multiplier(symbol), self._data
        fill = FillEvent(
            data.time_ns, data.bar, order, symbol, side, quantity, price, 0.0, price, Liquidity.TAKER,
            ambiguous=False, reason=Reason.NONE,
        )  # fmt: skip
        self.cash -= side * quantity * price * multiplier
        self._holdings[symbol] = booked(self._holdings.get(symbol, Holding()), fill, multiplier)
        self.told.append(fill)
        self._bus.publish(fill)

    def _move(self, event: OrderEvent, before: OrderStatus, after: OrderStatus, step: Step, reason: Reason) -> None:
        order = self.orders.note(event.ticket.order, after)
        self._bus.publish(OrderStatusEvent(event.time_ns, event.bar, order, before, after, step, reason))

    def finish(self) -> None:
        """Positions are closed at the last close."""
        self._over = True
        for symbol, held in sorted(self._holdings.items()) if self.close_positions else ():
            if held.quantity != 0.0:
                side = -1 if held.quantity > 0.0 else 1
                self._fill(-1, symbol, side, abs(held.quantity), self._close(symbol))

    @property
    def is_open(self) -> bool:
        """Whether orders are taken."""
        return not self._over

    @property
    def free_cash(self) -> float:
        """All cash: nothing is locked."""
        return self.cash

    @property
    def equity(self) -> float:
        """Cash plus positions at the last close."""
        total = self.cash
        for symbol, held in sorted(self._holdings.items()):
            if held.quantity != 0.0:
                total += held.quantity * self._close(symbol) * self._multiplier(symbol)
        return total

    def position(self, symbol: int) -> float:
        """Units held, signed."""
        return self._holdings.get(symbol, Holding()).quantity

    def average_price(self, symbol: int) -> float:
        """Average price of the open position, 0 when flat."""
        return self._holdings.get(symbol, Holding()).average_price

    def next_group(self) -> int:
        """A fresh id for a group; nothing waits long enough to be cancelled by one."""
        self._groups += 1
        return self._groups

    def limited(self, *_: Any) -> float:
        """NaN: limits are not tried here."""
        return nan

    def records(self, strategy: Any) -> RunRecords:
        """What the run has left: fills and the account as they are, without a curve and without returns."""
        return passed_records(self._data.market, self._portfolio.account, strategy, self.told, self.cash, self.equity)

    def reset(self) -> None:
        """The account as it is before the first bar."""
        self.orders.reset()
        self.cash = self._portfolio.account.cash
        self._holdings, self._groups, self._over, self.told = {}, 0, False, []

    def teardown(self) -> None:
        """Lets go of the container."""
        self._data = self._portfolio = None

    def snapshot(self) -> Mapping[str, Any]:
        """A copy of orders and books."""
        places = (self.cash, dict(self._holdings), self._groups, self._over, list(self.told))
        return {"orders": self.orders.snapshot(), "books": places}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Orders and books as they were."""
        self.orders.restore(state["orders"])
        self.cash, holdings, self._groups, self._over, told = state["books"]
        self._holdings, self.told = dict(holdings), list(told)
