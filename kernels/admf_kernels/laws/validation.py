"""Static checks of an order, in the order that decides the reason."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import OrderFlag, OrderType, Reason, SizeKind, TimeInForce

MARKET, LIMIT, STOP, STOP_LIMIT = (
    OrderType.MARKET.value,
    OrderType.LIMIT.value,
    OrderType.STOP.value,
    OrderType.STOP_LIMIT.value,
)
TRAIL, TRAIL_PERCENT, POST_ONLY = OrderFlag.TRAIL.value, OrderFlag.TRAIL_PERCENT.value, OrderFlag.POST_ONLY.value
IF_TOUCHED, AT_OPEN, AT_CLOSE = OrderFlag.IF_TOUCHED.value, OrderFlag.AT_OPEN.value, OrderFlag.AT_CLOSE.value


@law
def is_positive(value: float) -> bool:
    """L-02: finite and above zero."""
    return np.isfinite(value) and value > 0.0


@law
def form_and_bits(order_type: int):
    """C-06, P-12, R rules: the form an order type is matched as, and the OrderFlag bits that make the difference."""
    form, bits = order_type, 0
    if order_type == OrderType.MARKET_IF_TOUCHED:
        form, bits = STOP, IF_TOUCHED
    elif order_type == OrderType.LIMIT_IF_TOUCHED:
        form, bits = STOP_LIMIT, IF_TOUCHED
    elif order_type == OrderType.TRAILING_STOP:
        form, bits = STOP, TRAIL
    elif order_type == OrderType.TRAILING_STOP_LIMIT:
        form, bits = STOP_LIMIT, TRAIL
    elif order_type == OrderType.MARKET_ON_OPEN:
        form, bits = MARKET, AT_OPEN
    elif order_type == OrderType.LIMIT_ON_OPEN:
        form, bits = LIMIT, AT_OPEN
    elif order_type == OrderType.MARKET_ON_CLOSE:
        form, bits = MARKET, AT_CLOSE
    elif order_type == OrderType.LIMIT_ON_CLOSE:
        form, bits = LIMIT, AT_CLOSE
    return form, bits


@law
def needs_limit(order) -> bool:
    """L-02: whether the order carries a limit price from the start."""
    return (order.form == LIMIT or order.form == STOP_LIMIT) and order.bits & TRAIL == 0


@law
def has_stop(order) -> bool:
    """L-02: whether the order has a trigger."""
    return order.form == STOP or order.form == STOP_LIMIT


@law
def trail_is_missing(order) -> bool:
    """L-02: whether a trailing order lacks a distance, or one of its offsets is no distance."""
    if not is_positive(order.trail_distance) or (order.bits & TRAIL_PERCENT and order.trail_distance >= 1.0):
        return True
    offset = order.limit_offset
    if order.form == STOP_LIMIT and not (np.isfinite(offset) and offset >= 0.0):
        return True
    if not np.isnan(order.stop_price) and not is_positive(order.stop_price):
        return True
    return not (np.isnan(order.trail_offset) or (np.isfinite(order.trail_offset) and order.trail_offset >= 0.0))


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
    if order.type > OrderType.LIMIT_ON_CLOSE or (order.side != 1 and order.side != -1):
        return Reason.TYPE_UNKNOWN.value
    reason = size_reason(order, instrument, is_child)
    if reason != Reason.NONE:
        return reason
    if needs_limit(order) and not is_positive(order.limit_price):
        return Reason.LIMIT_PRICE_MISSING.value
    if order.bits & TRAIL:
        if trail_is_missing(order):
            return Reason.TRAIL_MISSING.value
    elif has_stop(order) and not is_positive(order.stop_price):
        return Reason.STOP_PRICE_MISSING.value
    if order.bits & POST_ONLY and order.type != OrderType.LIMIT:
        return Reason.POST_ONLY_TYPE.value
    if order.time_in_force > TimeInForce.GTB or (order.time_in_force == TimeInForce.GTB and order.expiry < 1):
        return Reason.TIME_IN_FORCE_UNKNOWN.value
    return Reason.NONE.value
