"""Rounding that other engines do before anything is filled."""

import math
import sys

UP_SHARE = 0.95  # of a tick: a price nearer than that to the tick behind stays with it


def zipline_price(price: float, tick_size: float, *, up: bool) -> float:
    """A price rounded to the tick as zipline rounds order prices: `up` for sell limits and buy stops, else down.

    Down means to the tick below, but a price within 5 % of the tick above goes there; up is the mirror. What comes to
    nothing is 0.
    """
    if not math.isfinite(price):
        return price
    shift = (UP_SHARE - 0.5) * tick_size - sys.float_info.epsilon * 10.0
    scaled = (price + shift if up else price - shift) / tick_size
    rounded = tick_size * math.copysign(math.floor(abs(scaled) + 0.5), scaled)
    return 0.0 if abs(rounded) < 1e-9 * tick_size else rounded
