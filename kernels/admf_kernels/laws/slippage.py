"""Slippage family: kinds, parameters and the ladder that selects among them. A new model is one branch here."""

from typing import NamedTuple

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import SlippageModel, SpreadUnit
from admf_kernels.laws.hashing import GOLDEN, U, mix
from admf_kernels.records import FloatArray

S11 = U(11)
UNIT = 2.0**-53  # between two neighbours of the 53 bits of a draw


class Bar(NamedTuple):
    """One bar as a user's law sees it; `factor` is what a model of ours knows beside it (S-06, S-08), else 0."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    factor: float


@law
def user_slippage(base_price: float, side: int, quantity: float, used_volume: float, bar: Bar) -> float:
    """S-05: the slot of a user's law; `specialise` puts the user's function here."""
    return 0.0


@law
def trailing_volatility(close: FloatArray, bar: int, symbol: int, window: int) -> float:
    """S-06: standard deviation of the close-to-close returns of the `window` bars before `bar`; 0 where there is none.

    `close` has shape (bars, symbols); a return with a close that is no price does not count.
    """
    first, count, total = max(1, bar - window), 0, 0.0
    for index in range(first, bar):
        before, after = close[index - 1, symbol], close[index, symbol]
        if before > 0.0 and after > 0.0 and np.isfinite(before) and np.isfinite(after):
            total += after / before - 1.0
            count += 1
    if count < 2:
        return 0.0
    mean, squares = total / count, 0.0
    for index in range(first, bar):
        before, after = close[index - 1, symbol], close[index, symbol]
        if before > 0.0 and after > 0.0 and np.isfinite(before) and np.isfinite(after):
            difference = after / before - 1.0 - mean
            squares += difference * difference
    return np.sqrt(squares / (count - 1))


@law
def draw(seed: float, container: int, number: int, fill_count: int) -> float:
    """S-08: a number in [0, 1) that depends on nothing but its four counters; splitmix64, one step for each."""
    word = mix(U(seed) + GOLDEN)
    word = mix((word ^ U(container)) + GOLDEN)
    word = mix((word ^ U(number)) + GOLDEN)
    word = mix((word ^ U(fill_count)) + GOLDEN)
    return np.float64(word >> S11) * UNIT


@law
def slippage_factor(config, market, order, bar: int) -> float:
    """S-06, S-08: what the model needs to know beside the bar of the fill: σ or the draw."""
    if config.slippage_model == SlippageModel.POWER:
        return trailing_volatility(market.close, bar, order.symbol, int(config.slippage_2))
    return draw(config.slippage_1, config.container, order.number, order.fill_count)  # SlippageModel.RANDOM


@law(forceinline=True)
def has_factor(config) -> bool:
    """S-06, S-08: whether the model needs more than the bar."""
    return config.slippage_model == SlippageModel.POWER or config.slippage_model == SlippageModel.RANDOM


@law
def volume_share(used_volume: float, quantity: float, volume: float, largest: float) -> float:
    """S-04: x, at most `largest`, which may be infinite; on a bar without volume `largest`, 0 where there is none."""
    if volume > 0.0:
        return min((used_volume + quantity) / volume, largest)
    return largest if np.isfinite(largest) else 0.0


@law
def slippage_distance(
    config, base_price: float, side: int, quantity: float, used_volume: float, tick_inverse: float, bar: Bar
) -> float:
    """S-02 to S-08: distance in price >= 0 by which the fill is worse than the base price.

    Parameters in order, as `config.slippage_0` … hold them. ticks: ticks · fixed: price distance · bps: basis points ·
    half_spread: spread, in price or basis points · volume_share: impact, largest share of the bar's volume · power:
    impact, exponent, window · range: share of high - low · random: largest basis points, seed.
    """
    model, first = config.slippage_model, config.slippage_0
    if model == SlippageModel.NONE:
        return 0.0
    if model == SlippageModel.BPS:
        return base_price * first / 1e4
    if model == SlippageModel.FIXED:
        return first
    if model == SlippageModel.TICKS:
        return first / tick_inverse if tick_inverse > 0.0 else np.nan
    if model == SlippageModel.HALF_SPREAD:
        if config.slippage_unit == SpreadUnit.BPS:
            return base_price * (first / 2.0) / 1e4
        return first / 2.0  # SpreadUnit.PRICE
    if model == SlippageModel.VOLUME_SHARE:
        share = volume_share(used_volume, quantity, bar.volume, config.slippage_1)
        return base_price * first * (share * share)
    if model == SlippageModel.POWER:
        share = volume_share(used_volume, quantity, bar.volume, np.inf)
        return base_price * first * bar.factor * share**config.slippage_1
    if model == SlippageModel.RANGE:
        height = bar.high - bar.low
        return first * height if height > 0.0 else 0.0
    if model == SlippageModel.RANDOM:
        return base_price * first / 1e4 * bar.factor
    return user_slippage(base_price, side, quantity, used_volume, bar)  # SlippageModel.USER
