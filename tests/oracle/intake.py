"""What arrives: submissions, their checks, cancels and amendments."""

from math import isfinite

from admf_kernels.codes import OrderEvent, OrderType, Reason, Side, SizeKind, TimeInForce
from oracle.funds import LOT_SLACK, opening_quantity, reserve
from oracle.linked import cancel, last_bar
from oracle.prices import order_prices
from oracle.records import Command, Order, Request
from oracle.world import World

LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT)
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)


def is_positive(value: float) -> bool:
    """L-02: finite and above zero."""
    return isfinite(value) and value > 0.0


def fault(world: World, request: Request, parent: Order | None) -> Reason:
    """L-02: the first static check that fails, NONE where none does."""
    if request.side not in list(Side) or request.type not in list(OrderType):
        return Reason.TYPE_UNKNOWN
    sized = request.size_kind != SizeKind.QUANTITY
    if request.size_kind not in list(SizeKind) or (sized and not is_positive(request.size_amount)):
        return Reason.SIZE_UNKNOWN
    inherits = not sized and request.parent >= 0 and request.quantity != request.quantity
    if not sized and not inherits and not is_positive(request.quantity):
        return Reason.QUANTITY_NOT_POSITIVE
    known = 0 <= request.symbol < len(world.instruments)
    if known and not sized and not inherits and is_below_lot(world, request):
        return Reason.BELOW_LOT
    if request.type in LIMITS and not is_positive(request.limit_price):
        return Reason.LIMIT_PRICE_MISSING
    if request.type in STOPS and not is_positive(request.stop_price):
        return Reason.STOP_PRICE_MISSING
    word = request.time_in_force
    if word not in list(TimeInForce) or (word == TimeInForce.GTB and request.expiry < 1):
        return Reason.TIME_IN_FORCE_UNKNOWN
    if not known:
        return Reason.SYMBOL_UNKNOWN
    if request.parent >= 0 and (parent is None or not parent.alive or parent.symbol != request.symbol):
        return Reason.PARENT_UNKNOWN
    return Reason.NONE


def is_below_lot(world: World, request: Request) -> bool:
    """L-02: less than a lot or the minimum."""
    instrument = world.instruments[request.symbol]
    return request.quantity < instrument.lot * (1.0 - LOT_SLACK) or request.quantity < instrument.minimum


def submit(world: World, request: Request, parent: Order | None) -> Order:
    """L-01: the order arrives; it is checked later, in its turn."""
    sized = request.size_kind != SizeKind.QUANTITY
    quantity = float("nan") if sized else request.quantity
    order = Order(
        len(world.orders), request, world.bar, quantity, request.limit_price, request.stop_price, parent,
        reduce_only=request.reduce_only,
    )  # fmt: skip
    world.orders.append(order)
    world.move(order, OrderEvent.SUBMIT)
    return order


def check(world: World, order: Order) -> None:
    """L-02, P-01, A-02, A-07: the static checks, then the account's."""
    reason = Reason.BANKRUPT if world.bankrupt else fault(world, order.request, order.parent)
    if reason != Reason.NONE:
        world.move(order, OrderEvent.REFUSE, reason)
        return
    order.limit_price, order.stop_price = order_prices(
        order.side, order.limit_price, order.stop_price, world.instruments[order.symbol]
    )
    world.move(order, OrderEvent.VALIDATE)
    if order.parent is not None:
        order.parent.children.append(order)
        order.reduce_only = order.reduce_only or order.side != order.parent.side
        return
    order.eligible_bar = world.bar + 1
    order.expires_bar = last_bar(world, order, order.eligible_bar)
    if world.rules.short == "forbidden" and order.side < 0 and opening_quantity(world, order) > 0.0:
        world.move(order, OrderEvent.DENY, Reason.SHORT_FORBIDDEN)
    elif not reserve(world, order):
        world.move(order, OrderEvent.DENY, Reason.INSUFFICIENT_CASH)


def amend(world: World, order: Order, command: Command) -> None:
    """L-04: new values for an order, all or none."""
    for value, reason in (
        (command.quantity, Reason.QUANTITY_NOT_POSITIVE),
        (command.limit_price, Reason.LIMIT_PRICE_MISSING),
        (command.stop_price, Reason.STOP_PRICE_MISSING),
    ):
        if value == value and not is_positive(value):
            world.move(order, OrderEvent.AMEND, reason)
            return
    limit, stop = order_prices(
        order.side, command.limit_price, command.stop_price, world.instruments[order.symbol]
    )  # fmt: skip
    if limit == limit:
        order.limit_price = limit
    if stop == stop:
        order.stop_price = stop
    if command.quantity == command.quantity:
        if command.quantity <= order.filled:
            cancel(world, order, Reason.USER_CANCEL)
            return
        order.quantity = command.quantity
    world.move(order, OrderEvent.AMEND)


def obey(world: World, order: Order, command: Command) -> None:
    """L-04: a cancel or an amendment; nothing on an order that has ended."""
    if not order.alive:
        return
    if command.kind == "cancel":
        cancel(world, order, Reason.USER_CANCEL)
    else:
        amend(world, order, command)
