"""The events of a container: what happened, as immutable tuples. The value of a kind is its priority at one time."""

from enum import IntEnum
from typing import NamedTuple

from admf_kernels import codes
from admf_kernels.codes import Liquidity, OrderStatus, OrderType, Reason, SizeKind, TimeInForce

NAN = float("nan")


class EventKind(IntEnum):
    """Kinds in order of delivery at one time: what a bar did, the bar, then what was decided on it."""

    FILL = 1
    ORDER_STATUS = 2
    BAR = 3
    ORDER = 4  # before the next SIGNAL: the risk manager judges each one with all earlier orders in the book
    SIGNAL = 5


class Action(IntEnum):
    """What a ticket asks for."""

    SUBMIT = 0
    CANCEL = 1
    REPLACE = 2


class Ticket(NamedTuple):
    """A ready order, or a change of one, on its way from the strategy to the broker.

    `order` is the container's id of the order. Prices, quantities and sizes are NaN where they are not given; of a
    REPLACE, NaN leaves a value as it is. `expiry` is the last bar for GTD and a number of bars for GTB.
    """

    order: int
    action: Action = Action.SUBMIT
    side: int = 0
    type: OrderType = OrderType.MARKET
    quantity: float = NAN
    limit_price: float = NAN
    stop_price: float = NAN
    time_in_force: TimeInForce = TimeInForce.GTC
    expiry: int = 0
    reduce_only: bool = False
    post_only: bool = False
    parent: int = -1  # id of the order whose fill activates this one
    oco: int = 0  # group of orders that cancel each other, 0 without
    oco_reduce: bool = True
    size_kind: SizeKind = SizeKind.QUANTITY
    size: float = NAN
    symbol: int = 0  # column of the market
    tag: int = -1  # the submitter's own mark
    trail_distance: float = NAN  # of trailing types: price, or share of the price with trail_percent
    trail_percent: bool = False
    trail_offset: float = NAN
    limit_offset: float = NAN
    reason: Reason = Reason.NONE  # RISK_LIMIT where the risk manager has cut the quantity
    protected_at: float = NAN  # of an entry: where its exit will stop, for a risk manager that sizes or limits by it


class BarEvent(NamedTuple):
    """A bar has closed. The prices are those of the first symbol; a strategy reads the others by `self.close(...)`."""

    time_ns: int
    bar: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def kind(self) -> EventKind:
        """BAR."""
        return EventKind.BAR


class SignalEvent(NamedTuple):
    """A strategy wants something: a ticket that the risk manager has not seen."""

    time_ns: int
    bar: int
    ticket: Ticket

    @property
    def kind(self) -> EventKind:
        """SIGNAL."""
        return EventKind.SIGNAL


class OrderEvent(NamedTuple):
    """A ticket for the broker, published by the risk manager."""

    time_ns: int
    bar: int
    ticket: Ticket

    @property
    def kind(self) -> EventKind:
        """ORDER."""
        return EventKind.ORDER


class FillEvent(NamedTuple):
    """An order filled, in whole or in part. `order` is -1 for an order of the engine's own."""

    time_ns: int  # of delivery: the bar at which the strategy may hear of it
    bar: int  # of the fill
    order: int
    symbol: int
    side: int
    quantity: float
    price: float
    commission: float
    base_price: float
    liquidity: Liquidity
    ambiguous: bool
    reason: Reason

    @property
    def kind(self) -> EventKind:
        """FILL."""
        return EventKind.FILL


class OrderStatusEvent(NamedTuple):
    """An order went from one status to another. `order` is -1 for an order of the engine's own."""

    time_ns: int  # of delivery
    bar: int  # of the transition
    order: int
    from_status: OrderStatus
    to_status: OrderStatus
    event: codes.OrderEvent
    reason: Reason

    @property
    def kind(self) -> EventKind:
        """ORDER_STATUS."""
        return EventKind.ORDER_STATUS


Event = BarEvent | SignalEvent | OrderEvent | FillEvent | OrderStatusEvent
