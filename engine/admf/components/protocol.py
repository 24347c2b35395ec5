"""`Broker`: what the other components of a container ask of one."""

from typing import Any, Protocol, runtime_checkable

from admf.components.orders import OrderManager
from admf.events import EventKind, OrderEvent


@runtime_checkable
class Broker(Protocol):
    """Executes the tickets of ORDER events and tells by FILL and ORDER_STATUS events; it never sees a SIGNAL."""

    orders: OrderManager
    refused_events: tuple[EventKind, ...]

    @property
    def is_open(self) -> bool:
        """Whether orders are taken: the data has not ended, the account is not bankrupt."""
        ...

    @property
    def cash(self) -> float:
        """All cash."""
        ...

    @property
    def free_cash(self) -> float:
        """Cash that is not locked by shorts."""
        ...

    @property
    def equity(self) -> float:
        """Cash plus marked positions."""
        ...

    def on_order(self, event: OrderEvent) -> None:
        """Takes a ticket."""
        ...

    def position(self, symbol: int) -> float:
        """Units held, signed."""
        ...

    def average_price(self, symbol: int) -> float:
        """Average price of the open position, 0 when flat."""
        ...

    def next_group(self) -> int:
        """A fresh id for a group of orders that cancel each other."""
        ...

    def sized(self, *order: Any) -> float:
        """The units of an order that was sent without any, NaN for others; arguments as for `stakes.size_one`."""
        ...

    def limited(self, *order: Any) -> float:
        """The quantity that limits leave of an order, NaN for all of it; arguments as for `limits.limit_one`."""
        ...

    def finish(self) -> None:
        """The data has ended: what is left to do, positions to close."""
        ...
