"""Static checks of an order, in the order that decides the reason."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import OrderType, Reason, SizeKind, TimeInForce


@law
def is_positive(value: float) -> bool:
    """L-02: finite and above zero."""
    return np.isfinite(value) and value > 0.0


@law
def needs_limit(order_type: int) -> bool:
    """L-02: order types that carry a limit price."""
    return order_type == OrderType.LIMIT or order_type == OrderType.STOP_LIMIT


@law
def needs_stop(order_type: int) -> bool:
    """L-02: order types that carry a stop price."""
    return order_type == OrderType.STOP or order_type == OrderType.STOP_LIMIT


@law
def size_reason(order, instrument, is_child: bool) -> int:
    """L-02: Reason of a wrong size, NONE if it is right. A child without a quantity takes that of its parent (L-05)."""
    if order.size_kind > SizeKind.CASH_FRACTION:
        return Reason.SIZE_UNKNOWN.value
    if order.size_kind != SizeKind.QUANTITY:
        return Reason.NONE.value if is_positive(order.size_amount) else Reason.SIZE_UNKNOWN.value
    if is_child and np.isnan(order.quantity):
        return Reason.NONE.value
    if not is_positive(order.quantity):
        return Reason.QUANTITY_NOT_POSITIVE.value
    if order.quantity < instrument.lot_size * (1.0 - 1e-9) or order.quantity < instrument.min_quantity:
        return Reason.BELOW_LOT.value
    return Reason.NONE.value


@law
def static_reason(order, instrument, is_child: bool) -> int:
    """L-02: Reason of the first static check that fails but symbol and parent, NONE if all pass."""
    if order.type > OrderType.STOP_LIMIT or (order.side != 1 and order.side != -1):
        return Reason.TYPE_UNKNOWN.value
    reason = size_reason(order, instrument, is_child)
    if reason != Reason.NONE:
        return reason
    if needs_limit(order.type) and not is_positive(order.limit_price):
        return Reason.LIMIT_PRICE_MISSING.value
    if needs_stop(order.type) and not is_positive(order.stop_price):
        return Reason.STOP_PRICE_MISSING.value
    if order.time_in_force > TimeInForce.GTB or (order.time_in_force == TimeInForce.GTB and order.expiry < 1):
        return Reason.TIME_IN_FORCE_UNKNOWN.value
    return Reason.NONE.value
