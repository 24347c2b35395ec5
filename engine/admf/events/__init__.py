"""Events of one container: kinds, tickets, and the bus that orders and delivers them."""

from admf.events.bus import EventBus, HandlerError
from admf.events.kinds import (
    Action,
    BarEvent,
    Event,
    EventKind,
    FillEvent,
    OrderEvent,
    OrderStatusEvent,
    SignalEvent,
    Ticket,
)
from admf.events.strategy import EventStrategy

__all__ = [
    "Action",
    "BarEvent",
    "Event",
    "EventBus",
    "EventKind",
    "EventStrategy",
    "FillEvent",
    "HandlerError",
    "OrderEvent",
    "OrderStatusEvent",
    "SignalEvent",
    "Ticket",
]
