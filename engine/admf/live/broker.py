"""`LiveBroker`: sends orders to a venue and believes nothing but what the venue reports."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import floor, isnan, nan
from typing import Any, ClassVar

from admf.components import OrderManager, OrderValidator
from admf.components.orders import FINAL
from admf.components.passed import passed_records
from admf.components.portfolio import Holding, booked
from admf.events import Action, EventBus, EventKind, FillEvent, OrderEvent, OrderStatusEvent, Ticket
from admf.live.journal import REFUSED, Journal
from admf.live.limits import LiveLimits, Working
from admf.live.router import OrderRouter, RefusedError, Report, RouterError
from admf.results import RunRecords
from admf_kernels.codes import Liquidity, OrderStatus, Reason, SizeKind
from admf_kernels.codes import OrderEvent as Step

JOURNAL, ORDER_ROUTER = "journal", "order_router"


class LiveBroker:
    """Takes ORDER events, keeps each in the journal, sends it, and tells by FILL and ORDER_STATUS what came of it.

    Reports are fetched before each bar. An order, cancel or amendment that the venue could not be reached for stays
    wanted, and is sent again under its client id before the next bar. Sizes that are shares become units at the last
    close, whole units where the symbol has no lot size. `refusals` keeps the venue's own words for what it refused, by
    order.
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
        self._changes: deque[tuple[int, Ticket]] = deque()  # cancels and amendments on their way
        self._groups = 0
        self._limits: LiveLimits | None = None
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
            self._change(ticket)
            return
        ticket = self._in_units(ticket)
        if ticket.reduce_only and not self._router.has_reduce_only:
            ticket = self._reducing(ticket)
        self._take(ticket)
        reason = OrderValidator.reason(ticket, self._data.market.instruments[ticket.symbol])
        if reason is not Reason.NONE:
            self._reject(ticket.order, ticket.reason if ticket.reason is not Reason.NONE else reason)
            return
        self._pending[ticket.order] = self._journal.want(ticket)
        self._send()

    def _change(self, ticket: Ticket) -> None:
        """A cancel or an amendment; of an order that is not there or over, nothing."""
        old = self._tickets.get(ticket.order)
        if old is None or self.orders.status(ticket.order) in FINAL:
            return
        if ticket.action is Action.REPLACE:
            working = [self._working(order) for order in self.orders.open if order != ticket.order]
            most = self.limits.more(
                self._working(ticket.order), ticket.quantity, ticket.limit_price, ticket.stop_price, working
            )
            if not isnan(most) and most <= self._filled[ticket.order]:
                self.refusals[ticket.order] = "the limits leave nothing of the amendment"
                return
            ticket = ticket if isnan(most) else ticket._replace(quantity=most)
            self._tickets[ticket.order] = old._replace(quantity=larger(old.quantity, ticket.quantity))
        self._changes.append((self._journal.want_change(ticket), ticket))
        self._send()

    def _in_units(self, ticket: Ticket) -> Ticket:
        if ticket.size_kind is SizeKind.QUANTITY:
            return ticket
        price = self._close()
        base = {SizeKind.VALUE: 1.0, SizeKind.EQUITY_FRACTION: self.equity, SizeKind.CASH_FRACTION: self.cash}
        lot = self._data.market.instruments[0].lot_size or 1.0
        units = floor(ticket.size * base[ticket.size_kind] / (price * self._multiplier) / lot) * lot
        return ticket._replace(quantity=units, size_kind=SizeKind.QUANTITY, size=nan)

    def _reducing(self, ticket: Ticket) -> Ticket:
        """What is left to reduce by an order for a venue that would let it open a position."""
        groups: dict[int, float] = {}
        for order in self.orders.open:
            other = self._tickets[order]
            if other.side == ticket.side and not (other.oco and other.oco == ticket.oco):
                key = other.oco or -1 - order
                groups[key] = max(groups.get(key, 0.0), other.quantity - self._filled[order])
        held = -ticket.side * self._holding.quantity
        return ticket._replace(quantity=min(ticket.quantity, max(0.0, held - sum(groups.values()))))

    def _take(self, ticket: Ticket) -> None:
        self.orders.add(ticket, ticket.order)
        self._tickets[ticket.order] = ticket
        self._filled[ticket.order] = 0.0
        self._groups = max(self._groups, ticket.oco)

    def _send(self) -> None:
        """Sends what waits, the oldest first; what the venue cannot be reached for waits on."""
        try:
            for order, client_id in list(self._pending.items()):
                self._submit(order, client_id)
                del self._pending[order]
            while self._changes:
                self._send_change(*self._changes[0])
                self._changes.popleft()
        except RouterError as error:
            self.unreachable = str(error)
        else:
            self.unreachable = ""

    def _submit(self, order: int, client_id: str) -> None:
        symbol = self._data.market.symbols[0]
        if words := self._refusal(lambda: self._router.submit(client_id, list(self._tickets[order]), symbol)):
            self._journal.refuse(order, words)
            self.refusals[order] = words
            self._reject(order, Reason.NONE)
        else:
            self._journal.acknowledge(order)

    def _send_change(self, number: int, ticket: Ticket) -> None:
        client_id = self._journal.client_id(ticket.order)
        if words := self._refusal(lambda: self._router.change(client_id, list(ticket))):
            self.refusals[ticket.order] = words
        else:
            self._tickets[ticket.order] = amended(self._tickets[ticket.order], ticket)
        self._journal.acknowledge_change(number, taken=not words)

    def _refusal(self, send: Callable[[], None]) -> str:
        """The venue's words where it says no."""
        try:
            send()
        except RefusedError as error:
            return str(error)
        return ""

    # --------------------------------------------------------------------------------------------------------- reports

    def begin_bar(self, bar: int) -> bool:
        """Before a bar: what could not be sent is sent, and what the venue has reported is told."""
        self._send()
        if self.orders.open:  # else there is nothing to be told
            try:
                self.hear()
            except RouterError as error:  # the next bar tries again
                self.unreachable = str(error)
        self.limits.mark(bar, self.cash, self._holding.quantity)
        if self.limits.keeps:
            self._journal.keep_limits(self.limits.kept())
        if self.limits.halted:
            self._call_back()
        return True

    def _call_back(self) -> None:
        """In a halt nobody asks at the venue's fills (K-06): orders that would open something are cancelled."""
        for order in self.orders.open:
            working = self._working(order)
            if not working.is_exit and working.side * self._holding.quantity >= 0.0:
                self._change(Ticket(order, Action.CANCEL))

    def hear(self) -> None:
        """Fetches reports, keeps them, and tells those of this strategy's orders."""
        while reports := self._router.reports(self._journal.last_sequence):
            self._journal.believe(reports)
            for report in reports:
                self._apply(report, tell=True)

    def _apply(self, report: Report, *, tell: bool) -> None:
        order, data = self._journal.number(report.client_id), self._data
        if order < 0:
            return  # of another strategy of the account
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
        if report.words:
            self.refusals[order] = report.words
        if tell:
            steps = OrderStatus(report.from_status), status, Step(report.event), Reason(report.reason)
            self._bus.publish(OrderStatusEvent(data.time_ns, data.bar, order, *steps))

    def _reject(self, order: int, reason: Reason) -> None:
        for before, after, step, why in (
            (OrderStatus.NONE, OrderStatus.RECEIVED, Step.SUBMIT, Reason.NONE),
            (OrderStatus.RECEIVED, OrderStatus.REJECTED, Step.REFUSE, reason),
        ):
            self.orders.note(order, after)
            self._bus.publish(OrderStatusEvent(self._data.time_ns, self._data.bar, order, before, after, step, why))

    # -------------------------------------------------------------------------------------------------------- recovery

    def _recover(self) -> None:
        journal, seen = self._journal, -1
        for wanted in journal.wanted():
            seen = wanted.number
            self._take(wanted.ticket)
            if wanted.refusal is not None:
                self.orders.note(seen, OrderStatus.REJECTED)
                self.refusals[seen] = wanted.refusal
            elif not wanted.acknowledged:
                self._pending[seen] = wanted.client_id
        for number, ticket, state in journal.changes():
            if not state:
                self._changes.append((number, ticket))
            elif state != REFUSED:
                self._tickets[ticket.order] = amended(self._tickets[ticket.order], ticket)
        known = journal.reports()
        for report in known:
            self._apply(report, tell=False)
        self._send()  # the venue knows the client id where it has the order already
        while reports := self._router.reports(journal.last_sequence):
            journal.believe(reports)
            for report in reports:
                self._apply(report, tell=False)
            known += reports
        seen = max([seen, *(journal.number(report.client_id) for report in known)])
        for _ in range(seen + 1):  # no number again that the venue may have seen
            self.orders.new_id()

    @property
    def sent(self) -> set[str]:
        """Client ids of the orders that the venue has and that have not ended."""
        return {self._journal.client_id(order) for order in self.orders.open if order not in self._pending}

    def owns(self, client_id: str) -> bool:
        """Whether an order is one of this strategy's."""
        return self._journal.number(client_id) >= 0

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

    @property
    def limits(self) -> LiveLimits:
        """The limits of the risk manager; made when it is there."""
        if self._limits is None:
            risk = self._container.resolve("risk_manager").risk
            self._limits = LiveLimits(self._data.market, self._account, risk)
            if (kept := self._journal.limits()) is not None:
                self._limits.take_up(kept)
        return self._limits

    def _working(self, order: int) -> Working:
        ticket, filled = self._tickets[order], self._filled[order]
        parent = self._tickets.get(ticket.parent)
        is_exit = ticket.reduce_only or (parent is not None and parent.side != ticket.side)
        units = ticket.quantity
        if isnan(units) or (parent is not None and self._filled[parent.order] == 0.0):
            units = filled  # nothing to fill before its parent
        prices = ticket.limit_price, ticket.stop_price
        return Working(ticket.side, units, filled, *prices, is_exit, ticket.protected_at)

    def sized(self, *order: Any) -> float:
        """The quantity that the sizing gives an order which came without one; NaN for all others."""
        _, side, parent, quantity, kind, *prices = order
        return self.limits.sized(side, parent, quantity, kind, (prices[0], prices[1], prices[2]))

    def limited(self, *order: Any) -> float:
        """The quantity that the limits leave of an order; NaN for all of it. What waits counts as if it filled."""
        _, side, parent, quantity, kind, size, limit_price, stop_price, protected = order
        if parent >= 0 and self._tickets[parent].side != side:
            return nan  # an exit
        working = map(self._working, self.orders.open)
        left = self.limits.left(side, quantity, kind, size, limit_price, stop_price, protected, working)
        lot = self._data.market.instruments[0].lot_size or 0.0
        return left if isnan(left) or not lot else floor(left / lot) * lot

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


def larger(one: float, other: float) -> float:
    """The larger of two; NaN counts as none."""
    return one if isnan(other) else max(one, other)


def amended(ticket: Ticket, change: Ticket) -> Ticket:
    """An order after an amendment; a cancel changes nothing."""
    if change.action is not Action.REPLACE:
        return ticket
    names = ("quantity", "limit_price", "stop_price")
    return ticket._replace(**{name: getattr(change, name) for name in names if not isnan(getattr(change, name))})
