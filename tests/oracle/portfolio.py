"""What a strategy of many symbols is told: D-07, D-08 and D-09 read naively."""

from collections.abc import Sequence
from math import floor, isnan


def ranking(scores: Sequence[float]) -> list[int]:
    """D-07: symbols by score, the highest first."""
    known = [symbol for symbol, score in enumerate(scores) if not isnan(score)]
    return sorted(known, key=lambda symbol: (-scores[symbol], symbol))


def adjusted_close(closes: Sequence[float], splits: Sequence[tuple[int, float]], bar: int, ago: int) -> float:
    """D-08: a close in today's units; `splits` are (bar, ratio) of the symbol, ascending."""

    def product(last: int) -> float:
        units = 1.0
        for place, ratio in splits:
            if place <= last:
                units *= ratio
        return units

    return closes[bar - ago] * (product(bar - ago) / product(bar))


def order_for(target: float, held: float, lot: float) -> float:
    """D-09: units to buy (or, below 0, to sell) for a target."""
    if lot:
        whole = floor(abs(target) / lot + 1e-9) * lot
        target = whole if target > 0.0 else -whole
    return target - held
