"""`LiveBroker`: sends orders to a venue and believes nothing but what the venue reports."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import floor, nan
from typing import Any, ClassVar

from admf.components import OrderManager, OrderValidator
from admf.components.passed import passed_records
from admf.components.portfolio import Holding, booked
from admf.events import Action, EventBus, EventKind, FillEvent, OrderEvent, OrderStatusEvent, Ticket
from admf.execution import Risk
from admf.live.journal import Journal
from admf.live.router import OrderRouter, RefusedError, Report, RouterError
from admf.results import RunRecords
from admf_kernels.codes import Liquidity, OrderStatus, Reason, SizeKind
from admf_kernels.codes import OrderEvent as Step

JOURNAL, ORDER_ROUTER = "journal", "order_router"


class LiveBroker:
    """Takes ORDER events, keeps each in the journal, sends it, and tells by FILL and ORDER_STATUS what came of it.

    Reports are fetched before each bar. An order that the venue could not be reached for stays wanted, and is sent
    again under its client id before the next bar. Sizes that are shares become units at the last close, whole units
    where the symbol has no lot size. `refusals` keeps the venue's own words for orders that it refused.
    """

    requires: ClassVar[tuple[str, ...]] = ("data_handler", "portfolio", ORDER_ROUTER, JOURNAL)
    refused_events: ClassVar[tuple[EventKind, ...]] = (EventKind.SIGNAL,)

    def __init__(self, strategy_id: str, order_router: str = ORDER_ROUTER) -> None:
        """`order_router` names the shared service."""
        self.strategy_id, self._router_name = strategy_id, order_router
        self.orders = OrderManager()
        self.told: list[FillEvent] = []
        self._tickets: dict[int, Ticket] = {}
        self._filled: dict[int, float] = {}
        self._pending: dict[int, str] = {}  # wanted, and nobody knows whether the venue has it
        self._holding = Holding()
        self._changes: list[Ticket] = []  # cancels and amendments on their way
        self._groups = 0
        self.unreachable = ""  # why, while the venue cannot be reached
        self.refusals: dict[int, str] = {}

    def initialize(self, container: Any) -> None:
        """Takes its place, and takes up what the journal says was wanted and done before."""
        self._container = container
        self._bus: EventBus = container.event_bus
        self._data: Any = container.resolve("data_handler")
        self._account = container.resolve("portfolio").account
        self._router: OrderRouter = container.resolve(self._router_name)
        self._journal: Journal = container.resolve(JOURNAL)
        self.cash: float = self._account.cash
        self._recover()
        self._data.before_bar(self.begin_bar)
        self._bus.subscribe(EventKind.ORDER, self.on_order)

    # ---------------------------------------------------------------------------------------------------------- orders

    def on_order(self, event: OrderEvent) -> None:
        """Sends a ticket; one that is wrong in itself is REJECTED and never sent."""
        ticket = event.ticket
        if ticket.action is not Action.SUBMIT:
            if self.orders.number_of(ticket.order) >= 0:
                self._changes.append(ticket)
                self._send()
            return
        ticket = self._in_units(ticket)
        self._take(ticket)
        reason = OrderValidator.reason(ticket, self._data.market.instruments[ticket.symbol])
        if reason is not Reason.NONE:
            self._move(ticket.order, OrderStatus.NONE, OrderStatus.RECEIVED, Step.SUBMIT, Reason.NONE)
            reason = ticket.reason if ticket.reason is not Reason.NONE else reason
            self._move(ticket.order, OrderStatus.RECEIVED, OrderStatus.REJECTED, Step.REFUSE, reason)
            return
        self._pending[ticket.order] = self._journal.want(ticket)
        self._send()

    def _in_units(self, ticket: Ticket) -> Ticket:
        if ticket.size_kind is SizeKind.QUANTITY:
            return ticket
        price = self._close()
        base = {SizeKind.VALUE: 1.0, SizeKind.EQUITY_FRACTION: self.equity, SizeKind.CASH_FRACTION: self.cash}
        lot = self._data.market.instruments[0].lot_size or 1.0
        units = floor(ticket.size * base[ticket.size_kind] / (price * self._multiplier) / lot) * lot
        return ticket._replace(quantity=units, size_kind=SizeKind.QUANTITY, size=nan)

    def _take(self, ticket: Ticket) -> None:
        self.orders.add(ticket, ticket.order)
        self._tickets[ticket.order] = ticket
        self._filled[ticket.order] = 0.0
        self._groups = max(self._groups, ticket.oco)

    def _send(self) -> None:
        """Sends what waits, the oldest first; what the venue cannot be reached for waits on."""
        try:
            for order, client_id in list(self._pending.items()):
                self._attempt(order, lambda: self._router.submit(client_id, list(self._tickets[order])))  # noqa: B023
                self._journal.acknowledge(order)
                del self._pending[order]
            while self._changes:
                ticket = self._changes[0]
                name = f"{self._journal.prefix}{ticket.order}"
                self._attempt(-1, lambda: self._router.change(name, list(ticket)))  # noqa: B023
                del self._changes[0]
        except RouterError as error:
            self.unreachable = str(error)
        else:
            self.unreachable = ""

    def _attempt(self, order: int, send: Callable[[], None]) -> None:
        try:
            send()
        except RefusedError as error:
            self.refusals[order] = str(error)
            if order >= 0:
                self._move(order, OrderStatus.NONE, OrderStatus.RECEIVED, Step.SUBMIT, Reason.NONE)
                self._move(order, OrderStatus.RECEIVED, OrderStatus.REJECTED, Step.REFUSE, Reason.NONE)

    # --------------------------------------------------------------------------------------------------------- reports

    def begin_bar(self, bar: int) -> bool:
        """Before a bar: what could not be sent is sent, and what the venue has reported is told."""
        self._send()
        try:
            self.hear()
        except RouterError as error:  # the next bar tries again
            self.unreachable = str(error)
        return True

    def hear(self) -> None:
        """Fetches reports, keeps them, and tells those of this strategy's orders."""
        while reports := self._router.reports(self._journal.last_sequence):
            self._journal.believe(reports)
            for report in reports:
                self._apply(report, tell=True)

    def _apply(self, report: Report, *, tell: bool) -> None:
        if not report.client_id.startswith(self._journal.prefix):
            return  # of another strategy of the account
        order, data = int(report.client_id.removeprefix(self._journal.prefix)), self._data
        if report.is_fill:
            fill = FillEvent(
                data.time_ns, data.bar, order, 0, report.side, report.quantity, report.price, report.commission,
                report.base_price, Liquidity(report.liquidity), report.ambiguous, Reason(report.reason),
            )  # fmt: skip
            self.cash -= report.side * report.quantity * report.price * self._multiplier + report.commission
            self._holding = booked(self._holding, fill, self._multiplier)
            self._filled[order] = self._filled.get(order, 0.0) + report.quantity
            self.told.append(fill)
            if tell:
                self._bus.publish(fill)
            return
        status = OrderStatus(report.status)
        self.orders.note(order, status)
        if tell:
            steps = OrderStatus(report.from_status), status, Step(report.event), Reason(report.reason)
            self._bus.publish(OrderStatusEvent(data.time_ns, data.bar, order, *steps))

    def _move(self, order: int, before: OrderStatus, after: OrderStatus, step: Step, reason: Reason) -> None:
        self.orders.note(order, after)
        self._bus.publish(OrderStatusEvent(self._data.time_ns, self._data.bar, order, before, after, step, reason))

    # -------------------------------------------------------------------------------------------------------- recovery

    def _recover(self) -> None:
        for wanted in self._journal.wanted():
            while self.orders.new_id() < wanted.number:
                pass
            self._take(wanted.ticket)
            if not wanted.acknowledged:
                self._pending[wanted.number] = wanted.client_id
        for report in self._journal.reports():
            self._apply(report, tell=False)
        self._send()  # the venue knows the client id where it has the order already
        reports = self._router.reports(self._journal.last_sequence)
        self._journal.believe(reports)
        for report in reports:
            self._apply(report, tell=False)

    def reconcile(self) -> dict[str, float]:
        """Our position and the venue's, by name; they are to be equal where the account has one strategy."""
        venue = self._router.account()["positions"].get(self._data.market.symbols[0], 0.0)
        return {"ours": self.position(0), "venue": float(venue)}

    # ----------------------------------------------------------------------------------------------------- the account

    @property
    def _multiplier(self) -> float:
        return float(self._data.market.instruments[0].multiplier)

    def _close(self) -> float:
        bar = self._data.bar
        return float(self._data.column("close", 0)[bar]) if bar >= 0 else nan

    @property
    def is_open(self) -> bool:
        """Always: the venue says what it refuses."""
        return True

    @property
    def free_cash(self) -> float:
        """All cash that was allocated."""
        return self.cash

    @property
    def equity(self) -> float:
        """Cash plus the position at the last close."""
        held = self._holding.quantity
        return self.cash + (held * self._close() * self._multiplier if held else 0.0)

    def position(self, symbol: int) -> float:
        """Units held, signed."""
        return self._holding.quantity

    def average_price(self, symbol: int) -> float:
        """Average price of the open position, 0 when flat."""
        return self._holding.average_price

    def next_group(self) -> int:
        """A fresh id for a group of orders that cancel each other."""
        self._groups += 1
        return self._groups

    def limited(self, *order: Any) -> float:
        """The quantity that the limits leave of an order; NaN for all of it. What waits counts as if it filled."""
        _, side, parent, quantity, kind, size, *_ = order
        if parent >= 0:
            return nan  # an exit of an entry that was held to the limits
        asked = quantity
        if kind != SizeKind.QUANTITY:
            asked = self._in_units(Ticket(-1, size_kind=SizeKind(kind), size=size)).quantity
        waiting = sum(
            self._tickets[number].quantity - self._filled[number]
            for number in self.orders.open
            if self._tickets[number].side == side and self._tickets[number].parent < 0
        )
        there = side * self._holding.quantity + waiting
        risk: Risk = self._container.resolve("risk_manager").risk
        size_max, heat_max = risk.max_position_size, risk.max_portfolio_heat
        rooms = [] if size_max is None else [size_max - there]
        price = self._close() * self._multiplier
        if heat_max is not None and price > 0.0:
            rooms.append(heat_max * self.equity / price - there)
        left = max(0.0, min([asked, *rooms]))
        return nan if left == asked and kind == SizeKind.QUANTITY else left

    def finish(self) -> None:
        """Nothing ends at the venue because nobody looks."""

    def records(self, strategy: Any) -> RunRecords:
        """What this session and those before it have left: fills, cash, position."""
        market = self._data.market.history()
        made = passed_records(market, self._account, strategy, self.told, self.cash, self.equity)
        return replace(made, elapsed_s=0.0)

    def snapshot(self) -> Mapping[str, Any]:
        """What it has: the journal has the rest."""
        return {"orders": self.orders.snapshot(), "cash": self.cash, "holding": self._holding}

    def teardown(self) -> None:
        """Lets go of the journal."""
        self._journal.close()
        self._data = None
