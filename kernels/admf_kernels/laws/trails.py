"""Triggers and their rounding; of trailing stops the level a peak gives, and how the peak moves."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import OrderFlag, OrderType
from admf_kernels.laws.prices import round_limit, round_stop

TRAIL_PERCENT, IF_TOUCHED = OrderFlag.TRAIL_PERCENT.value, OrderFlag.IF_TOUCHED.value


@law
def round_trigger(order, price: float, tick_inverse: float) -> float:
    """P-01, P-12: a trigger rounded as a stop, that of an if-touched order as a limit."""
    if order.bits & IF_TOUCHED:
        return round_limit(order.side, price, tick_inverse)
    return round_stop(order.side, price, tick_inverse)


@law
def trail_level(order, peak: float, tick_inverse: float) -> float:
    """R-01, R-03: T(peak), the trigger a trail has when its best price is `peak`; NaN before the activation."""
    side = order.side
    if not side * (peak - order.activation) <= 0.0:
        return np.nan
    if order.bits & TRAIL_PERCENT:
        level = peak * (1.0 + side * order.trail_distance)
    else:
        level = peak + side * order.trail_distance
    return round_stop(side, level, tick_inverse)


@law
def peak_of(order, level: float) -> float:
    """R-02: the peak that has its trigger at `level`, not rounded."""
    if order.bits & TRAIL_PERCENT:
        return level / (1.0 + order.side * order.trail_distance)
    return level - order.side * order.trail_distance


@law
def peak_for(order, level: float, tick_inverse: float) -> float:
    """R-01: the first peak whose trigger is at `level`, on the tick."""
    return round_limit(order.side, peak_of(order, level), tick_inverse)


@law
def better_peak(order, peak: float, price: float) -> float:
    """R-02: the better of two prices for a trail: the higher for a sell, the lower for a buy; NaN is no price."""
    if np.isnan(peak) or order.side * (price - peak) < 0.0:
        return price
    return peak


@law
def see_price(order, price: float, tick_inverse: float) -> None:
    """R-02, R-06: the peak of a trail moves to a price that is better than it."""
    move_trail(order, better_peak(order, order.peak, price), tick_inverse)


@law
def start_trail(order, start: float, peak: float, tick_inverse: float) -> None:
    """R-02, R-03: the peak and the activation of a trail that begins at price `start`."""
    offset = 0.0 if np.isnan(order.trail_offset) else order.trail_offset
    order.activation = start - order.side * offset
    move_trail(order, peak, tick_inverse)


@law
def move_trail(order, peak: float, tick_inverse: float) -> None:
    """R-02, R-07: the trail's best price so far, and the trigger and the limit that follow from it."""
    order.peak = peak
    order.stop_price = trail_level(order, peak, tick_inverse)
    if order.form == OrderType.STOP_LIMIT:
        order.limit_price = round_limit(order.side, order.stop_price + order.side * order.limit_offset, tick_inverse)
