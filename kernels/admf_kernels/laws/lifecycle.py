"""The life cycle of an order as one table, and the moves along it."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import OrderEvent as E
from admf_kernels.codes import OrderStatus as S
from admf_kernels.codes import Record

ILLEGAL = 255

# L-01: every cell that is not here is illegal.
MOVES = {
    (S.NONE, E.SUBMIT): S.RECEIVED,
    (S.RECEIVED, E.VALIDATE): S.VALIDATED,
    (S.RECEIVED, E.REFUSE): S.REJECTED,
    (S.VALIDATED, E.DENY): S.REJECTED,
    (S.VALIDATED, E.ROUTE): S.ROUTED,
    (S.VALIDATED, E.AMEND): S.VALIDATED,
    (S.VALIDATED, E.CANCEL): S.CANCELLED,
    (S.VALIDATED, E.EXPIRE): S.EXPIRED,
    (S.ROUTED, E.TRIGGER): S.ROUTED,
    (S.ROUTED, E.AMEND): S.ROUTED,
    (S.ROUTED, E.FILL): S.PARTIAL,
    (S.ROUTED, E.COMPLETE): S.FILLED,
    (S.ROUTED, E.FUNDS_FAIL): S.REJECTED,
    (S.ROUTED, E.CANCEL): S.CANCELLED,
    (S.ROUTED, E.EXPIRE): S.EXPIRED,
    (S.PARTIAL, E.TRIGGER): S.PARTIAL,
    (S.PARTIAL, E.AMEND): S.PARTIAL,
    (S.PARTIAL, E.FILL): S.PARTIAL,
    (S.PARTIAL, E.COMPLETE): S.FILLED,
    (S.PARTIAL, E.FUNDS_FAIL): S.CANCELLED,
    (S.PARTIAL, E.CANCEL): S.CANCELLED,
    (S.PARTIAL, E.EXPIRE): S.EXPIRED,
}
TABLE = np.full((len(S), len(E)), ILLEGAL, np.uint8)
for (_status, _event), _to in MOVES.items():
    TABLE[_status, _event] = _to
TABLE.flags.writeable = False


@law
def is_alive(order) -> bool:
    """L-01: whether the order can still change."""
    return S.RECEIVED <= order.status <= S.PARTIAL


@law
def is_active(order) -> bool:
    """L-01: whether the order can fill."""
    return order.status == S.ROUTED or order.status == S.PARTIAL


@law
def move(config, account, transitions, order, bar: int, event: int, reason: int) -> None:
    """L-01: moves the order along the table; writes the order, the counters and, at record=full, the log row."""
    to_status = TABLE[order.status, event]
    if config.record == Record.FULL:
        row = transitions[account.transition_count]
        row.order = order.number
        row.bar = bar
        row.from_status = order.status
        row.to_status = to_status
        row.event = event
        row.reason = reason
        account.transition_count += 1
    order.status = to_status
    order.reason = reason
    if to_status >= S.FILLED:
        order.closed_bar = bar
        if to_status == S.FILLED:
            account.orders_filled += 1
        elif to_status == S.CANCELLED:
            account.orders_cancelled += 1
        elif to_status == S.REJECTED:
            account.orders_rejected += 1
        else:
            account.orders_expired += 1
