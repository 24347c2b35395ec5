"""Slippage family: kinds, parameters and the ladder that selects among them. A new model is one branch here."""

from typing import NamedTuple

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import SlippageModel


class Bar(NamedTuple):
    """One bar as a user's law sees it."""

    open: float
    high: float
    low: float
    close: float
    volume: float


@law
def user_slippage(base_price: float, side: int, quantity: float, used_volume: float, bar: Bar) -> float:
    """S-05: the slot of a user's law; `specialise` puts the user's function here."""
    return 0.0


@law
def slippage_distance(
    model: int,
    first: float,
    second: float,
    base_price: float,
    side: int,
    quantity: float,
    used_volume: float,
    tick_inverse: float,
    bar: Bar,
) -> float:
    """S-02 to S-05: distance in price >= 0 by which the fill is worse than the base price.

    ticks: first = ticks · fixed: first = price distance · bps: first = basis points · volume_share: first = impact,
    second = max_share of the bar's volume, after zipline's VolumeShareSlippage.
    """
    if model == SlippageModel.NONE:
        return 0.0
    if model == SlippageModel.BPS:
        return base_price * first / 1e4
    if model == SlippageModel.FIXED:
        return first
    if model == SlippageModel.TICKS:
        return first / tick_inverse if tick_inverse > 0.0 else np.nan
    if model == SlippageModel.VOLUME_SHARE:
        share = second
        if bar.volume > 0.0:
            share = min((used_volume + quantity) / bar.volume, second)
        return base_price * first * (share * share)
    return user_slippage(base_price, side, quantity, used_volume, bar)  # SlippageModel.USER
