"""`RiskManager`: takes SIGNAL events, holds them to the limits, and publishes ORDER events."""

from functools import lru_cache
from math import isnan
from typing import Any, ClassVar

from admf.events import Action, EventBus, EventKind, OrderEvent, SignalEvent, Ticket
from admf.execution.risk import Risk
from admf.models import read_model
from admf_kernels.codes import Reason, SizeKind


@lru_cache(maxsize=64)
def risk_of(limits: tuple[tuple[str, Any], ...]) -> Risk:
    """The limits; a value, so that containers may share it."""
    return Risk.from_dict(dict(limits))


class RiskManager:
    """The only component that publishes ORDER events. Its limits are those of `admf.Risk`, None is no limit.

    A signal without a quantity gets one by `sizing`. An order that is cut carries the reason RISK_LIMIT; one of which
    nothing is left becomes an ORDER with the quantity 0, which the broker rejects with that reason: no order vanishes.
    Cancels and amendments pass.
    """

    requires: ClassVar[tuple[str, ...]] = ("broker",)
    stateless: ClassVar[bool] = True

    def __init__(self, **limits: Any) -> None:
        """Raises ConfigError for limits that are unknown or out of bounds."""
        named = {name: tuple(value) if isinstance(value, list) else value for name, value in limits.items()}
        if "sizing" in named:
            named["sizing"] = read_model("sizing", named["sizing"], "risk.sizing")
        self.risk = risk_of(tuple(named.items()))

    def initialize(self, container: Any) -> None:
        """Takes its place between strategy and broker."""
        self._bus: EventBus = container.event_bus
        self._broker: Any = container.resolve("broker")
        self._bus.subscribe(EventKind.SIGNAL, self.on_signal)

    def on_signal(self, event: SignalEvent) -> None:
        """One SIGNAL becomes one ORDER."""
        ticket = event.ticket
        if self.risk.limited and ticket.action is Action.SUBMIT and not ticket.reduce_only:
            ticket = self.limited(self.sized(ticket) if self.risk.sizes else ticket)
        self._bus.publish(OrderEvent(event.time_ns, event.bar, ticket))

    def sized(self, ticket: Ticket) -> Ticket:
        """The ticket with the quantity that the sizing gives it, where it came without any."""
        units = self._broker.sized(
            ticket.symbol, ticket.side, ticket.parent, ticket.quantity, int(ticket.size_kind), ticket.limit_price,
            ticket.stop_price, ticket.protected_at,
        )  # fmt: skip
        if isnan(units):
            return ticket
        return ticket._replace(quantity=units, reason=Reason.NONE if units > 0.0 else Reason.RISK_LIMIT)

    def limited(self, ticket: Ticket) -> Ticket:
        """The ticket with the quantity that the limits leave of it."""
        broker = self._broker
        quantity = broker.limited(
            ticket.symbol, ticket.side, broker.orders.number_of(ticket.parent), ticket.quantity,
            int(ticket.size_kind), ticket.size, ticket.limit_price, ticket.stop_price, ticket.protected_at,
        )  # fmt: skip
        if isnan(quantity):
            return ticket
        return ticket._replace(quantity=quantity, size_kind=SizeKind.QUANTITY, reason=Reason.RISK_LIMIT)

    def teardown(self) -> None:
        """Lets go of the broker."""
        self._broker = None
