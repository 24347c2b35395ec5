"""Indicators over lists of prices: the I rules. NaN where a value is not defined yet."""

from collections.abc import Sequence
from itertools import pairwise
from math import nan

from oracle.records import Bar

REFRESH = 1024


def rolling_sums(values: Sequence[float], count: int) -> list[float]:
    """I-01: Σ of the last `count` values at each bar, fewer at the start; afresh at multiples of 1024."""
    sums: list[float] = []
    total = 0.0
    for bar, value in enumerate(values):
        if bar % REFRESH == 0:
            total = 0.0
            for past in values[max(bar - count + 1, 0) : bar + 1]:
                total += past
        else:
            total += value
            if bar >= count:
                total -= values[bar - count]
        sums.append(total)
    return sums


def sma(values: Sequence[float], count: int) -> list[float]:
    """I-01."""
    return [total / count if bar >= count - 1 else nan for bar, total in enumerate(rolling_sums(values, count))]


def ema(values: Sequence[float], count: int) -> list[float]:
    """I-02."""
    found = [values[0]]
    for value in values[1:]:
        found.append(found[-1] + (value - found[-1]) * 2.0 / (count + 1))
    return found


def wilder(values: Sequence[float], count: int) -> list[float]:
    """I-03, I-04: the plain mean of the first `count` values, then a ← (a·(n − 1) + x)/n."""
    found = [nan] * min(count - 1, len(values))
    if len(values) >= count:
        average = sum(values[:count]) / count
        found.append(average)
        for value in values[count:]:
            average = (average * (count - 1) + value) / count
            found.append(average)
    return found


def rsi(values: Sequence[float], count: int) -> list[float]:
    """I-03."""
    changes = [later - earlier for earlier, later in pairwise(values)]
    gains = wilder([max(change, 0.0) for change in changes], count)
    losses = wilder([max(-change, 0.0) for change in changes], count)
    found = [nan]
    for gain, loss in zip(gains, losses, strict=True):
        if loss != 0.0:
            found.append(100.0 - 100.0 / (1.0 + gain / loss))
        else:
            found.append(100.0 if gain > 0.0 else 50.0 if gain == 0.0 else nan)
    return [nan if bar < count else value for bar, value in enumerate(found)]


def atr(bars: Sequence[Bar], count: int) -> list[float]:
    """I-04."""
    ranges = [bars[0].high - bars[0].low]
    for before, bar in pairwise(bars):
        ranges.append(max(bar.high, before.close) - min(bar.low, before.close))
    return wilder(ranges, count)


def highest(values: Sequence[float], count: int) -> list[float]:
    """I-05."""
    return [max(values[bar - count + 1 : bar + 1]) if bar >= count - 1 else nan for bar in range(len(values))]


def lowest(values: Sequence[float], count: int) -> list[float]:
    """I-05."""
    return [min(values[bar - count + 1 : bar + 1]) if bar >= count - 1 else nan for bar in range(len(values))]
