"""Orders that depend on each other: parents and children (L-05), OCO groups (L-06)."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    ChildActivation,
    EntryBarExits,
    OrderEvent,
    OrderFlag,
    OrderType,
    Reason,
    SizeKind,
    TimeInForce,
)
from admf_kernels.laws.accounting import QUANTITY_SLACK
from admf_kernels.laws.lifecycle import is_active, is_alive, move
from admf_kernels.laws.trails import better_peak, start_trail

CHILD, PARENT, WAITS = OrderFlag.CHILD.value, OrderFlag.PARENT.value, OrderFlag.WAITS.value
REDUCE_ONLY, OCO_REDUCE = OrderFlag.REDUCE_ONLY.value, OrderFlag.OCO_REDUCE.value
EXIT, TRAIL, ENTERED_INSIDE = OrderFlag.EXIT.value, OrderFlag.TRAIL.value, OrderFlag.ENTERED_INSIDE.value
FRESH = OrderFlag.FRESH.value
AT_OPEN, AT_CLOSE = OrderFlag.AT_OPEN.value, OrderFlag.AT_CLOSE.value
ELIGIBLE = Reason.ELIGIBLE.value
NEVER = 2**31 - 1


@law
def find_row(orders, count: int, number: int) -> int:
    """C-03: row of an order by its number, -1 if it has left the table; numbers ascend with the rows."""
    if count > 0:
        row = count - 1 - (orders[count - 1].number - number)  # right unless orders between them have left the table
        if 0 <= row < count and orders[row].number == number:
            return row
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if orders[middle].number < number:
            low = middle + 1
        else:
            high = middle
    if low < count and orders[low].number == number:
        return low
    return -1


@law
def last_bar_of(session_end, order, first_bar: int) -> int:
    """T-01: the last bar that may fill an order whose first eligible bar is `first_bar`."""
    if order.time_in_force == TimeInForce.GTC:
        return NEVER
    if order.time_in_force == TimeInForce.DAY:
        return session_end[first_bar] if first_bar < len(session_end) else first_bar
    if order.time_in_force == TimeInForce.GTD:
        return order.expiry
    if order.time_in_force == TimeInForce.GTB:
        return first_bar + min(order.expiry - 1, NEVER - first_bar)  # a sum beyond NEVER would wrap un-jitted
    return first_bar  # IOC, FOK


@law
def parent_lives(state, order) -> bool:
    """L-05: whether the parent of a child can still fill."""
    if order.parent < 0:
        return False
    row = find_row(state.orders, state.account[0].order_count, order.parent)
    return row >= 0 and is_alive(state.orders[row])


@law
def end(state, order, bar: int, event: int, reason: int) -> None:
    """Ends a live order that keeps its fills; children of an order that never filled end with it (L-05)."""
    config, account = state.config[0], state.account[0]
    move(config, account, state.transitions, order, bar, event, reason)
    if order.bits & PARENT:
        settle_children(state, order, bar)


@law
def route(state, order, bar: int) -> bool:
    """L-03, L-07: takes a VALIDATED order to work; False where there is nothing it may reduce, which ends it."""
    if order.bits & REDUCE_ONLY and order.side * state.positions[order.symbol].quantity >= 0.0:
        end(state, order, bar, OrderEvent.CANCEL.value, Reason.NOTHING_TO_REDUCE.value)
        return False
    move(state.config[0], state.account[0], state.transitions, order, bar, OrderEvent.ROUTE.value, ELIGIBLE)
    return True


@law
def settle_children(state, parent, bar: int) -> None:
    """L-05: when a parent ends: children without any quantity are cancelled, children that filled all are complete."""
    config, account = state.config[0], state.account[0]
    for index in range(account.working_count):
        child = state.orders[state.working[index]]
        if child.parent != parent.number or not is_alive(child) or child.bits & WAITS:
            continue
        if child.quantity - child.filled_quantity <= QUANTITY_SLACK * child.filled_quantity:
            if child.filled_quantity > 0.0:
                move(config, account, state.transitions, child, bar, OrderEvent.COMPLETE.value, child.reason)
            else:
                reason = Reason.OCO_SIBLING_FILLED.value
                move(config, account, state.transitions, child, bar, OrderEvent.CANCEL.value, reason)
    cancel_orphans(state, bar)


@law
def cancel_orphans(state, bar: int) -> None:
    """L-05: ends what waits for a parent that ended unfilled; parents stand before children, so one pass is enough."""
    config, account = state.config[0], state.account[0]
    for index in range(account.working_count):
        child = state.orders[state.working[index]]
        if not child.bits & WAITS or not is_alive(child):
            continue
        row = find_row(state.orders, account.order_count, child.parent)
        if row >= 0 and not is_alive(state.orders[row]):
            move(config, account, state.transitions, child, bar, OrderEvent.CANCEL.value, Reason.PARENT_ENDED.value)


@law
def rests_in_entry_bar(config, parent, child) -> bool:
    """W-09: whether an exit does nothing in the bar in which its parent's fill activates it."""
    if not child.bits & EXIT:
        return False
    rule = config.entry_bar_exits
    if rule == EntryBarExits.MARKET_ENTRY_ONLY or rule == EntryBarExits.MARKET_OR_STOP_TARGET:
        return parent.form != OrderType.MARKET
    return rule == EntryBarExits.NONE


@law
def session_bar(order, first_bar: int, session_end) -> int:
    """C-06: the first eligible bar of an on-open or on-close order that may fill from `first_bar` on."""
    if first_bar >= len(session_end):
        return NEVER
    if order.bits & AT_CLOSE:
        return session_end[first_bar]
    if first_bar == 0 or session_end[first_bar - 1] == first_bar - 1:
        return first_bar
    following = session_end[first_bar] + 1
    return following if following < len(session_end) else NEVER


@law
def set_life(order, first_bar: int, tif_bar: int, session_end) -> None:
    """C-06, T-01: the first and the last bar that may fill an order; the time in force counts from `tif_bar`."""
    order.eligible_bar = first_bar
    if order.bits & (AT_OPEN | AT_CLOSE):
        order.eligible_bar = session_bar(order, first_bar, session_end)
        order.expires_bar = min(last_bar_of(session_end, order, order.eligible_bar), order.eligible_bar)
    else:
        order.expires_bar = last_bar_of(session_end, order, tif_bar)


@law
def grow_children(
    state, parent, bar: int, quantity: float, first_bar: int, start: float, moment: float, inside: bool, session_end
) -> None:
    """W-06, L-05: a parent's fill adds to its children; the first one activates them from `first_bar` on.

    `start` is the base price of the fill, `moment` the path's price then: where a trail begins (R-02).
    """
    config, account = state.config[0], state.account[0]
    orphans = False
    for index in range(account.working_count):
        child = state.orders[state.working[index]]
        if child.parent != parent.number or not is_alive(child):
            continue
        if child.bits & WAITS:
            child.bits &= ~WAITS
            child.quantity = 0.0
            waits = config.child_activation == ChildActivation.NEXT_BAR or rests_in_entry_bar(config, parent, child)
            set_life(child, bar + 1 if waits else first_bar, bar, session_end)  # ChildActivation.SAME_BAR
            child.bits |= FRESH
            if child.bits & TRAIL:
                start_trail(
                    child, start, better_peak(child, start, moment), state.instruments[child.symbol].tick_inverse
                )
                if inside or (first_bar > bar and child.side == parent.side):
                    child.bits |= ENTERED_INSIDE
            position = state.positions[child.symbol].quantity
            if child.bits & REDUCE_ONLY and child.side * position >= 0.0:
                reason = Reason.NOTHING_TO_REDUCE.value
                move(config, account, state.transitions, child, bar, OrderEvent.CANCEL.value, reason)
                orphans = orphans or child.bits & PARENT != 0
                continue
            reason = Reason.ACTIVATED_BY_PARENT.value  # L-03
            move(config, account, state.transitions, child, bar, OrderEvent.ROUTE.value, reason)
        child.quantity += quantity * child.size_amount
    if orphans:
        cancel_orphans(state, bar)


@law
def reduce_siblings(state, order, bar: int, quantity: float) -> None:
    """L-06: what a fill does to the others of its OCO group: each is reduced or cancelled, by its own OCO_REDUCE."""
    account = state.account[0]
    for index in range(account.working_count):
        other = state.orders[state.working[index]]
        if other.oco != order.oco or other.number == order.number or not is_alive(other):
            continue
        if other.bits & OCO_REDUCE and other.size_kind == SizeKind.QUANTITY and not other.bits & WAITS:
            other.quantity -= quantity
            if other.quantity - other.filled_quantity > QUANTITY_SLACK * quantity:
                continue
            other.quantity = other.filled_quantity
            if other.bits & CHILD and parent_lives(state, other):
                continue
        reason = Reason.OCO_SIBLING_FILLED.value
        end(state, other, bar, OrderEvent.CANCEL.value, reason)


@law
def end_immediate(state, order, bar: int) -> None:
    """T-02: IOC and FOK orders do not outlive their first eligible bar."""
    if order.expires_bar != bar or not is_active(order):
        return
    if order.time_in_force == TimeInForce.IOC:
        end(state, order, bar, OrderEvent.CANCEL.value, Reason.IOC_REMAINDER.value)
    elif order.time_in_force == TimeInForce.FOK:
        end(state, order, bar, OrderEvent.CANCEL.value, Reason.FOK_NOT_COMPLETE.value)


@law
def sweep_ended(state) -> None:
    """C-03: takes orders that have ended off the list of live ones, which stays in ascending number."""
    account = state.account[0]
    kept = 0
    for index in range(account.working_count):
        row = state.working[index]
        if is_alive(state.orders[row]):
            state.working[kept] = row
            kept += 1
    account.working_count = kept


@law
def is_unresolved(order) -> bool:
    """A-06: whether the quantity is still to be resolved from money or a share."""
    return np.isnan(order.quantity)
