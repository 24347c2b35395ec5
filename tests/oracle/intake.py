"""What arrives: submissions, their checks, cancels and amendments."""

from math import isfinite, isnan, nan

from admf_kernels.codes import OrderEvent, OrderType, Reason, Side, SizeKind, TimeInForce
from oracle.funds import LOT_SLACK, floored, is_covered, opening_quantity, reserve
from oracle.linked import DUST, adopt, cancel, is_waiting, last_bar, set_eligible
from oracle.prices import order_prices
from oracle.records import ON_CLOSE, ON_OPEN, TOUCHED, TRAILS, Command, Order, Request
from oracle.trails import begin_trail
from oracle.world import World

LIMITS = (
    OrderType.LIMIT,
    OrderType.STOP_LIMIT,
    OrderType.LIMIT_IF_TOUCHED,
    OrderType.LIMIT_ON_OPEN,
    OrderType.LIMIT_ON_CLOSE,
)
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, *TOUCHED)


def is_positive(value: float) -> bool:
    """L-02: finite and above zero."""
    return isfinite(value) and value > 0.0


def fault(world: World, request: Request, parent: Order | None) -> Reason:
    """D-04, L-02: the first static check that fails, NONE where none does."""
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
    if request.type in TRAILS and not is_trail(request):
        return Reason.TRAIL_MISSING
    if request.post_only and request.type != OrderType.LIMIT:
        return Reason.POST_ONLY_TYPE
    word = request.time_in_force
    if word not in list(TimeInForce) or (word == TimeInForce.GTB and request.expiry < 1):
        return Reason.TIME_IN_FORCE_UNKNOWN
    if request.type in (*ON_OPEN, *ON_CLOSE) and world.bars[0][0].time_ns is None:
        return Reason.SESSION_UNKNOWN
    if not known:
        return Reason.SYMBOL_UNKNOWN
    if request.symbol in world.ended:
        return Reason.DELISTED
    if request.parent >= 0 and (parent is None or not parent.alive or parent.symbol != request.symbol):
        return Reason.PARENT_UNKNOWN
    return Reason.NONE


def is_trail(request: Request) -> bool:
    """L-02: one distance, and offsets and a first stop that are numbers where they are given."""
    amount, percent = request.trail_amount, request.trail_percent
    if isnan(amount) == isnan(percent) or not is_positive(percent if isnan(amount) else amount):
        return False
    offsets = [request.trail_activation_offset] if not isnan(request.trail_activation_offset) else []
    if request.type == OrderType.TRAILING_STOP_LIMIT:
        offsets.append(request.limit_offset)
    if not all(isfinite(offset) and offset >= 0.0 for offset in offsets):
        return False
    first = request.stop_price
    return (isnan(percent) or percent < 100.0) and (isnan(first) or is_positive(first))


def is_below_lot(world: World, request: Request) -> bool:
    """L-02: less than a lot or the minimum."""
    instrument = world.instruments[request.symbol]
    return request.quantity < instrument.lot * (1.0 - LOT_SLACK) or request.quantity < instrument.minimum


def submit(world: World, request: Request, parent: Order | None) -> Order:
    """C-02: the order arrives; it is checked later, in its turn."""
    sized = request.size_kind != SizeKind.QUANTITY
    quantity = nan if sized else request.quantity
    order = Order(
        len(world.orders), request, world.bar, quantity, request.limit_price, request.stop_price, parent,
        reduce_only=request.reduce_only, protected_at=request.protected_at,
    )  # fmt: skip
    world.orders.append(order)
    return order


def check(world: World, order: Order) -> None:
    """L-01, L-02, A-02, A-07: the static checks, then the account's."""
    world.move(order, OrderEvent.SUBMIT, Reason.RISK_LIMIT if order.cut else Reason.NONE)
    reason = Reason.BANKRUPT if world.bankrupt else fault(world, order.request, order.parent)
    if order.cut and reason in (Reason.QUANTITY_NOT_POSITIVE, Reason.BELOW_LOT):
        reason = Reason.RISK_LIMIT  # K-01
    if reason != Reason.NONE:
        world.move(order, OrderEvent.REFUSE, reason)
        return
    tidy(world, order)
    own = order.quantity
    if order.parent is not None:
        adopt(order, order.parent)
    world.move(order, OrderEvent.VALIDATE)
    if order.parent is None and is_short_forbidden(world, order):
        world.move(order, OrderEvent.DENY, Reason.SHORT_FORBIDDEN)
        return
    if not is_paid(world, order, own):
        world.move(order, OrderEvent.DENY, Reason.INSUFFICIENT_CASH)
        return
    if is_waiting(order):
        if order.request.time_in_force == TimeInForce.GTD:
            order.expires_bar = order.request.expiry
        return
    set_eligible(world, order, world.bar + 1 + world.rules.latency_bars)
    order.expires_bar = last_bar(world, order, order.eligible_bar)
    begin_trail(world, order)
    if order.parent is not None:
        order.activated_bar = world.bar


def is_paid(world: World, order: Order, quantity: float) -> bool:
    """A-02: the test of `cash_submit`; `quantity` is what was asked for, of a child too."""
    if world.rules.cash_submit == "cumulative_check":
        return is_covered(world, order, quantity)
    return order.parent is not None or reserve(world, order)


def tidy(world: World, order: Order) -> None:
    """P-01, V-03: prices that the type carries, rounded to the tick; the quantity floored to the lot."""
    instrument = world.instruments[order.symbol]
    limit = order.limit_price if order.type in LIMITS else nan
    stop = order.stop_price if order.type in STOPS else nan
    order.limit_price, order.stop_price = order_prices(order, limit, stop, instrument)
    order.quantity = floored(order.quantity, instrument)


def is_short_forbidden(world: World, order: Order) -> bool:
    """A-07: a sell that would open, where the account has no shorts; a size not resolved is judged at the fill."""
    if world.rules.short != "forbidden" or order.side > 0 or order.request.size_kind != SizeKind.QUANTITY:
        return False
    return opening_quantity(world, order) > DUST * order.quantity


def amend(world: World, order: Order, command: Command) -> None:
    """L-04: new values for an order, all or none; prices that its type does not carry are passed over."""
    for value, reason in (
        (command.quantity, Reason.QUANTITY_NOT_POSITIVE),
        (command.limit_price, Reason.LIMIT_PRICE_MISSING),
        (command.stop_price, Reason.STOP_PRICE_MISSING),
    ):
        if not isnan(value) and not is_positive(value):
            world.move(order, OrderEvent.AMEND, reason)
            return
    instrument = world.instruments[order.symbol]
    limit, stop = order_prices(order, command.limit_price, command.stop_price, instrument)
    if order.type in LIMITS and not isnan(limit):
        order.limit_price = limit
    if order.type in STOPS and not isnan(stop):
        order.stop_price = stop
    world.move(order, OrderEvent.AMEND)
    if not isnan(command.quantity):
        order.quantity = command.quantity
        if order.quantity <= order.filled:
            cancel(world, order, Reason.USER_CANCEL)


def obey(world: World, order: Order, command: Command) -> None:
    """L-04: a cancel or an amendment; nothing on an order that has ended."""
    if not order.alive:
        return
    if command.kind == "cancel":
        cancel(world, order, Reason.USER_CANCEL)
    else:
        amend(world, order, command)
