"""What the phases of a bar share: which orders it can reach, and which have had their turn."""

from admf_kernels._jit import law
from admf_kernels.codes import OrderEvent, OrderFlag, OrderType
from admf_kernels.laws.lifecycle import is_active, move
from admf_kernels.laws.prices import limit_reached
from admf_kernels.links import find_row

TRIGGERED = OrderFlag.TRIGGERED.value
SEEN, PARENT, REDUCE_ONLY = OrderFlag.SEEN.value, OrderFlag.PARENT.value, OrderFlag.REDUCE_ONLY.value


@law
def latch(state, order, bar: int, reason: int) -> None:
    """P-09, V-01: the stop has traded."""
    order.bits |= TRIGGERED
    move(state.config[0], state.account[0], state.transitions, order, bar, OrderEvent.TRIGGER.value, reason)


@law
def reaches_limit(config, instrument, order, price: float) -> bool:
    """P-03 for an order."""
    return limit_reached(
        order.side,
        price,
        order.limit_price,
        config.limit_trigger,
        config.limit_through_ticks,
        instrument.tick_inverse,
    )


@law
def left_this_bar(state, order) -> bool:
    """W-06: whether an exit of this entry has filled in this bar: no group re-enters in the bar it left."""
    if not order.bits & PARENT or order.filled_quantity == 0.0:
        return False
    account = state.account[0]
    for index in range(account.bar_fill_start, account.fill_count):
        row = find_row(state.orders, account.order_count, state.fills[index].order)
        if row >= 0 and state.orders[row].parent == order.number:
            return True
    return False


@law
def is_judged(order) -> bool:
    """Whether a hit has nothing more to do in this bar."""
    return order.bits & SEEN != 0 or not is_active(order) or order.quantity - order.filled_quantity <= 0.0


@law
def is_sibling(order, other) -> bool:
    """W-02: exits judged together: of one OCO group, or without one of the same parent."""
    if order.oco != 0 or other.oco != 0:
        return other.oco == order.oco
    return order.parent >= 0 and other.parent == order.parent and order.bits & other.bits & REDUCE_ONLY != 0


@law
def sibling_stop(state, order, hit_count: int) -> int:
    """W-02: row of the lowest sibling stop that the bar can touch and that is not judged, -1 without."""
    if order.type == OrderType.STOP or (order.oco == 0 and order.parent < 0):
        return -1
    for index in range(hit_count):
        row = state.hits[index]
        other = state.orders[row]
        if other.type == OrderType.STOP and is_sibling(order, other) and not is_judged(other):
            return row
    return -1


@law
def sibling_limit(state, order, hit_count: int) -> int:
    """W-02: row of the lowest sibling limit that the bar can touch and that is not judged, -1 without."""
    if order.type == OrderType.LIMIT or (order.oco == 0 and order.parent < 0):
        return -1
    for index in range(hit_count):
        row = state.hits[index]
        other = state.orders[row]
        if other.type == OrderType.LIMIT and is_sibling(order, other) and not is_judged(other):
            return row
    return -1


@law
def count_ambiguous(state, ambiguous: bool) -> None:
    """W-01: groups and bars where worst and best differ."""
    if ambiguous:
        state.account[0].ambiguous_groups += 1
