"""Price of a fill, and the quantity that money can buy at it."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import OrderFlag
from admf_kernels.laws.accounting import money_tolerance
from admf_kernels.laws.commission import fill_fee
from admf_kernels.laws.prices import clamp_price, round_stop
from admf_kernels.laws.slippage import slippage_distance
from admf_kernels.laws.volume import floor_lot

UNBOUNDED = OrderFlag.UNBOUNDED.value


@law
def fill_price(config, instrument, order, base_price: float, quantity: float, used_volume: float, slips: bool, bar):
    """P-11, S-01: (price, raw price before the clamp); NaN where a user's law gave a distance that is not allowed."""
    distance = 0.0
    if slips:
        distance = slippage_distance(
            config, base_price, order.side, quantity, used_volume, instrument.tick_inverse, bar
        )
        if not (np.isfinite(distance) and distance >= 0.0):
            return np.nan, np.nan
    raw = max(round_stop(order.side, base_price + order.side * distance, instrument.tick_inverse), 0.0)
    limit_price = np.nan if order.bits & UNBOUNDED else order.limit_price
    return clamp_price(order.side, raw, limit_price, bar.high, bar.low, config.clamp), raw


@law
def affordable(
    state,
    order,
    liquidity: int,
    base_price: float,
    used_volume: float,
    slips: bool,
    bar,
    weight: float,
    budget: float,
    closing: float,
    closing_value: float,
    closing_fee: float,
) -> float:
    """A-06: units whose cost weight·q·p·m + fee is the budget, floored to the lot; 0 where nothing fits.

    p is the price of the whole fill: `closing` units of the same order, worth `closing_value`, close a position first
    (A-05). NaN where a user's law gives a cost that is not finite (S-05, F-04).
    """
    if not budget > 0.0:
        return 0.0
    config, instrument = state.config[0], state.instruments[order.symbol]
    quantity = budget / (base_price * instrument.multiplier)
    within = 0.0  # the largest of the rounds that fits: a steep law may never settle
    for _ in range(32):
        units = closing + quantity
        price, _raw = fill_price(config, instrument, order, base_price, units, used_volume, slips, bar)
        value = quantity * price * instrument.multiplier
        cost = weight * value + (fill_fee(state, order, liquidity, units, closing_value + value) - closing_fee)
        if not np.isfinite(cost):
            return np.nan
        if cost <= budget:
            within = max(within, quantity)
        if cost <= 0.0 or abs(cost - budget) <= 1e-12 * budget:  # a steep law: a price below 0
            break
        quantity = quantity * (budget / cost)
    quantity = floor_lot(quantity, instrument.lot_size)
    for _ in range(4):
        units = closing + quantity
        price, _raw = fill_price(config, instrument, order, base_price, units, used_volume, slips, bar)
        value = quantity * price * instrument.multiplier
        cost = weight * value + (fill_fee(state, order, liquidity, units, closing_value + value) - closing_fee)
        if cost <= budget + money_tolerance(value):
            return quantity
        quantity = max(0.0, quantity - instrument.lot_size) if instrument.lot_size > 0.0 else 0.0
        if quantity <= 0.0:
            break
    return floor_lot(within, instrument.lot_size)
