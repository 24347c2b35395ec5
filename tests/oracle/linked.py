"""Parents, children and siblings: L-05 to L-07, with the lives of T-01."""

from math import isnan

from admf_kernels.codes import OrderEvent, OrderStatus, Reason, SizeKind, TimeInForce
from oracle.exits import exits_follow
from oracle.prices import first_bar
from oracle.records import NEVER, ON_CLOSE, ON_OPEN, Order, Price
from oracle.trails import begin_child_trail
from oracle.world import World

DUST = 1e-9  # relative: what counts as nothing


def reducible(world: World, order: Order) -> float:
    """L-07: units of the position that the order is opposite to."""
    quantity = world.positions[order.symbol].quantity
    return abs(quantity) if order.side * quantity < 0.0 else 0.0


def parent_lives(order: Order) -> bool:
    """L-05: a child whose parent may still fill."""
    return order.parent is not None and order.parent.alive


def is_waiting(order: Order) -> bool:
    """L-03: a child whose parent has not filled yet."""
    return order.parent is not None and order.status == OrderStatus.VALIDATED and order.parent.filled == 0.0


def is_used_up(order: Order) -> bool:
    """L-05: nothing is left but rounding."""
    return order.remaining <= DUST * order.filled


def whole_quantity(order: Order) -> float:
    """L-05: what an order will have filled if all that it depends on fills."""
    share = 1.0
    while order.parent is not None and order.parent.alive:
        share *= order.ratio
        order = order.parent
    return share * order.quantity


def adopt(child: Order, parent: Order) -> None:
    """L-05: a child's side, share and first quantity."""
    parent.children.append(child)
    child.reduce_only = child.reduce_only or child.side != parent.side
    whole = whole_quantity(parent)
    both = not isnan(child.quantity) and not isnan(whole)
    child.ratio = child.quantity / whole if both and child.quantity < whole else 1.0
    child.quantity = parent.filled * child.ratio


def last_bar(world: World, order: Order, first: int) -> int:
    """T-01, C-06: the last bar that may fill an order whose first eligible bar is `first`, or is C-06's."""
    if order.type in (*ON_OPEN, *ON_CLOSE):
        return min(life(world, order, order.eligible_bar), order.eligible_bar)
    return life(world, order, first)


def life(world: World, order: Order, first: int) -> int:
    """T-01: the last bar by the time in force alone."""
    word = order.request.time_in_force
    if word == TimeInForce.DAY:
        bars = world.bars[order.symbol]
        return bars[first].session_end if first < len(bars) else first
    if word == TimeInForce.GTD:
        return order.request.expiry
    if word == TimeInForce.GTB:
        return first + order.request.expiry - 1
    if word in (TimeInForce.IOC, TimeInForce.FOK):
        return first
    return NEVER


def route(world: World, order: Order) -> None:
    """L-03, L-07: an order becomes active on its first eligible bar, unless it has nothing to reduce."""
    if order.reduce_only and reducible(world, order) == 0.0:
        cancel(world, order, Reason.NOTHING_TO_REDUCE)
    else:
        world.move(order, OrderEvent.ROUTE, Reason.ELIGIBLE)


def set_eligible(world: World, order: Order, earliest: int) -> None:
    """C-01, C-06: the first bar that may fill an order which may work from `earliest` on."""
    found = first_bar(world.bars[order.symbol], order, earliest)
    order.eligible_bar = NEVER if found is None else found


def feed_children(world: World, parent: Order, quantity: float, found: Price, *, first: int) -> None:
    """L-05, W-06, W-09: a fill of the parent activates its children, eligible from bar `first` on, or grows them."""
    at_open = first == world.bar
    if world.rules.child_activation == "next_bar":
        first = world.bar + 1
    exits_first = first if exits_follow(world, parent) else world.bar + 1
    for child in parent.children:
        if not child.alive:
            continue
        if child.activated_bar < 0:
            child.quantity = 0.0
            child.activated_bar = world.bar
            child.sees_extreme = at_open
            set_eligible(world, child, first if child.side == parent.side else exits_first)
            child.expires_bar = last_bar(world, child, world.bar)
            if child.reduce_only and reducible(world, child) == 0.0:
                world.move(child, OrderEvent.CANCEL, Reason.NOTHING_TO_REDUCE)
                continue
            world.move(child, OrderEvent.ROUTE, Reason.ACTIVATED_BY_PARENT)
            begin_child_trail(world, child, found.base, found.base if isnan(found.moment) else found.moment)
        child.quantity += quantity * child.ratio
    cancel_orphans(world)


def end(world: World, order: Order, event: OrderEvent, reason: Reason) -> None:
    """L-05: an order ends; its children end with it where it never filled, and are complete where they are used up."""
    world.move(order, event, reason)
    if order.filled == 0.0:
        cancel_orphans(world)
        return
    for child in order.children:
        if child.alive and is_used_up(child):
            if child.filled > 0.0:
                world.move(child, OrderEvent.COMPLETE, Reason(child.reason))
            else:
                cancel(world, child, Reason.OCO_SIBLING_FILLED)


def cancel(world: World, order: Order, reason: Reason) -> None:
    """L-01: an order ends cancelled."""
    end(world, order, OrderEvent.CANCEL, reason)


def cancel_orphans(world: World) -> None:
    """L-05: children, and theirs, of parents that ended unfilled; a parent has a lower number than its children."""
    for order in world.live():
        parent = order.parent
        if parent is not None and not parent.alive and parent.filled == 0.0:
            world.move(order, OrderEvent.CANCEL, Reason.PARENT_ENDED)


def reduce_siblings(world: World, order: Order, quantity: float) -> None:
    """L-06: a fill takes its quantity off the other live orders of its OCO group, or cancels them.

    What has no units that could be taken off (a size not resolved, a child that waits) is cancelled.
    """
    if order.request.oco == 0:
        return
    for other in world.live():
        if other is order or other.request.oco != order.request.oco:
            continue
        if other.request.oco_reduce and other.request.size_kind == SizeKind.QUANTITY and not is_waiting(other):
            other.quantity -= quantity
            if other.remaining > DUST * quantity:
                continue
            other.quantity = other.filled
            if parent_lives(other):
                continue
        cancel(world, other, Reason.OCO_SIBLING_FILLED)
