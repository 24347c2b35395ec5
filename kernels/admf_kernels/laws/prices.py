"""Trigger tests, base prices, tick rounding and clamps: bare scalar laws, no state.

Sides are +1 (buy) and -1 (sell); prices in quote currency; `tick_inverse` is 1/tick, 0 without a tick.
"""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import Clamp, LimitGap, LimitTrigger, MarketFill, StopGap, StopTrigger

TICK_SLACK = 1e-4  # of a tick: decimal ticks are not doubles


@law
def round_down(price: float, tick_inverse: float) -> float:
    """P-01: the tick at or below the price."""
    if tick_inverse == 0.0:
        return price
    return np.floor(price * tick_inverse + TICK_SLACK) / tick_inverse


@law
def round_up(price: float, tick_inverse: float) -> float:
    """P-01: the tick at or above the price."""
    if tick_inverse == 0.0:
        return price
    return np.ceil(price * tick_inverse - TICK_SLACK) / tick_inverse


@law
def round_limit(side: int, price: float, tick_inverse: float) -> float:
    """P-01: buy limits down, sell limits up."""
    return round_down(price, tick_inverse) if side > 0 else round_up(price, tick_inverse)


@law
def round_stop(side: int, price: float, tick_inverse: float) -> float:
    """P-01: buy stops up, sell stops down; also the rounding against the trader of P-11."""
    return round_up(price, tick_inverse) if side > 0 else round_down(price, tick_inverse)


@law
def stop_reached(side: int, price: float, stop_price: float, trigger: int) -> bool:
    """P-02: whether a stop triggers at this price."""
    if trigger == StopTrigger.TOUCH:
        return side * (price - stop_price) >= 0.0
    return side * (price - stop_price) > 0.0  # StopTrigger.THROUGH


@law
def limit_reached(
    side: int, price: float, limit_price: float, trigger: int, through_ticks: float, tick_inverse: float
) -> bool:
    """P-03: whether a limit fills at this price."""
    distance = side * (price - limit_price)
    if trigger == LimitTrigger.TOUCH or (trigger == LimitTrigger.THROUGH_TICKS and through_ticks == 0.0):
        return distance <= 0.0
    if trigger == LimitTrigger.THROUGH or tick_inverse == 0.0:
        return distance < 0.0
    return distance <= -through_ticks / tick_inverse + TICK_SLACK / tick_inverse


@law
def limit_path_price(side: int, limit_price: float, trigger: int, through_ticks: float, tick_inverse: float) -> float:
    """W-03: where the path is when a limit fills inside the bar: L - n for a buy."""
    if trigger != LimitTrigger.THROUGH_TICKS or tick_inverse == 0.0:
        return limit_price
    return np.rint(limit_price * tick_inverse - side * through_ticks) / tick_inverse


@law
def market_price(rule: int, open_: float, high: float, low: float, close: float) -> float:
    """C-04, P-04: base price of a market order."""
    if rule == MarketFill.NEXT_OPEN:
        return open_
    if rule == MarketFill.NEXT_TYPICAL:
        return (high + low + close) / 3.0
    if rule == MarketFill.NEXT_OHLC4:
        return (open_ + high + low + close) / 4.0
    if rule == MarketFill.NEXT_MID:
        return (high + low) / 2.0
    return close  # MarketFill.NEXT_CLOSE


@law
def limit_base(side: int, better: float, limit_price: float, high: float, low: float, gap: int) -> float:
    """P-05, P-06: base price of a limit; `better` is o at the open and L inside the bar."""
    if gap == LimitGap.OPEN:
        return better
    if gap == LimitGap.FAR_EXTREME:
        return min(high, limit_price) if side > 0 else max(low, limit_price)
    return limit_price  # LimitGap.LIMIT


@law
def stop_base(side: int, worse: float, stop_price: float, close: float, gap: int) -> float:
    """P-07, P-08: base price of a stop; `worse` is o at the open and S inside the bar."""
    if gap == StopGap.OPEN:
        return worse
    if gap == StopGap.WORSE_OF_STOP_AND_CLOSE:
        return max(stop_price, close) if side > 0 else min(stop_price, close)
    return stop_price  # StopGap.STOP


@law
def clamp_price(side: int, raw: float, limit_price: float, high: float, low: float, rule: int) -> float:
    """P-11: raw into [l, h] and not beyond L, the limit last; NaN `limit_price` for orders without one."""
    price = raw
    if rule == Clamp.BAR_AND_LIMIT or rule == Clamp.BAR:
        price = min(max(price, low), high)
    if (rule == Clamp.BAR_AND_LIMIT or rule == Clamp.LIMIT) and not np.isnan(limit_price):
        price = min(price, limit_price) if side > 0 else max(price, limit_price)
    return price  # Clamp.NONE
