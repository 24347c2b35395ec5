"""What a hook sends: a row filled in for P6, and groups made of rows of the same bar."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import OrderFlag, OrderStatus
from admf_kernels.intake import new_order
from admf_kernels.links import find_row

TRAIL_PERCENT = OrderFlag.TRAIL_PERCENT.value
SUBMITTED = OrderStatus.NONE.value


@law
def send_order(
    state,
    bar: int,
    side: int,
    order_type: int,
    quantity: float,
    limit_price: float,
    stop_price: float,
    time_in_force: int,
    expiry: int,
    bits: int,
    parent: int,
    oco: int,
    size_kind: int,
    size_amount: float,
    symbol: int,
    tag: int,
) -> int:
    """C-01: an order of a hook, to be checked in P6; its number, -1 where the bar has no rows left."""
    row = new_order(state, bar)
    if row < 0:
        return -1
    order = state.orders[row]
    order.side = side
    order.type = order_type
    order.quantity = quantity
    order.limit_price = limit_price
    order.stop_price = stop_price
    order.time_in_force = time_in_force
    order.expiry = expiry
    order.bits = bits
    order.parent = parent
    order.oco = oco
    order.size_kind = size_kind
    order.size_amount = size_amount
    order.symbol = symbol
    order.tag = tag
    return order.number


@law
def set_trail(state, amount: float, percent: float, offset: float, limit_offset: float) -> None:
    """R-01, R-03, R-07: the distances of the order sent last; of amount and percent together none counts (L-02)."""
    order = state.orders[state.account[0].order_count - 1]
    if np.isnan(percent):
        order.trail_distance = amount
    elif np.isnan(amount):
        order.trail_distance = percent / 100.0
        order.bits |= TRAIL_PERCENT
    order.trail_offset = offset
    order.limit_offset = limit_offset


@law
def protect(state, price: float) -> None:
    """K-07, K-08: says where the exit of the order sent last will stop."""
    state.orders[state.account[0].order_count - 1].protected_at = price


@law
def new_group(state) -> int:
    """L-06: the number of an OCO group that nobody has yet."""
    account = state.account[0]
    account.next_oco += 1
    return account.next_oco


@law
def join(state, first: int, second: int) -> int:
    """L-06: one group for two orders of a symbol that are not checked yet, 0 where that is not possible."""
    orders, count = state.orders, state.account[0].order_count
    row, other = find_row(orders, count, first), find_row(orders, count, second)
    if row < 0 or other < 0 or orders[row].symbol != orders[other].symbol:
        return 0
    if orders[row].status != SUBMITTED or orders[other].status != SUBMITTED:
        return 0
    group = orders[row].oco
    if group == 0:
        group = orders[other].oco if orders[other].oco > 0 else new_group(state)
    orders[row].oco = group
    orders[other].oco = group
    return group
