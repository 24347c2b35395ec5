"""Lots and volume caps."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import VolumeBasis
from admf_kernels.records import FloatArray

LOT_SLACK = 1e-9  # of a lot: 0.3 / 0.1 is 2.9999999999999996


@law
def floor_lot(quantity: float, lot_size: float) -> float:
    """V-03: the largest multiple of the lot that is not above the quantity; units."""
    if lot_size == 0.0:
        return quantity
    return np.floor(quantity / lot_size + LOT_SLACK) * lot_size


@law
def clean_volume(volume: float) -> float:
    """B-02: NaN and negative volume count as 0."""
    return volume if volume > 0.0 else 0.0


@law
def basis_volume(volume: FloatArray, bar: int, symbol: int, basis: int, window: int) -> float:
    """V-02: the volume of which `volume_limit` is a share; units. `volume` has shape (bars, symbols)."""
    if basis == VolumeBasis.BAR:
        return clean_volume(volume[bar, symbol])
    if basis == VolumeBasis.PREVIOUS_BAR:
        return clean_volume(volume[bar - 1, symbol]) if bar > 0 else 0.0
    first = max(0, bar - window)  # VolumeBasis.TRAILING_MEAN
    if first == bar:
        return 0.0
    total = 0.0
    for index in range(first, bar):
        total += clean_volume(volume[index, symbol])
    return total / (bar - first)
