"""Indicators whose state is one number that the strategy keeps."""

from admf_kernels._jit import law


@law(forceinline=True)
def exponential(previous: float, value: float, index: int, period: int) -> float:
    """I-02: the exponential average after the value of that index."""
    return value if index == 0 else previous + (value - previous) * 2.0 / (period + 1)


@law(forceinline=True)
def smoothed(previous: float, value: float, index: int, period: int) -> float:
    """I-03, I-04: Wilder's average after the value of that index; before there are `period` of them their sum."""
    if index >= period:
        return (previous * (period - 1) + value) / period
    total = value if index == 0 else previous + value
    return total / period if index == period - 1 else total


@law(forceinline=True)
def strength(gain: float, loss: float) -> float:
    """I-03: 0 to 100 from the average rise and the average fall."""
    if loss != 0.0:
        return 100.0 - 100.0 / (1.0 + gain / loss)
    return 100.0 if gain > 0.0 else 50.0


@law(forceinline=True)
def true_range(high: float, low: float, previous_close: float) -> float:
    """I-04."""
    return max(high, previous_close) - min(low, previous_close)
