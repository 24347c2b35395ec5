"""Slippage and commission: the S and F rules."""

from math import isfinite

from oracle.prices import volume_of
from oracle.records import Bar, Instrument, Rules


class LawError(Exception):
    """A user's law returned a value that is not allowed: the run ends."""


def slippage(
    rules: Rules, instrument: Instrument, bar: Bar, word: str, base: float, side: int, quantity: float, used: float
) -> float:
    """S-01 to S-05: the distance Δ; `word` is the kind of fill, `used` the units the bar has already filled."""
    if word not in rules.slip_on:
        return 0.0
    name, *numbers = rules.slippage
    if name == "ticks":
        return float(numbers[0]) / instrument.tick_inverse
    if name == "fixed":
        return float(numbers[0])
    if name == "bps":
        return base * float(numbers[0]) / 1e4
    if name == "volume_share":
        impact, largest = float(numbers[0]), float(numbers[1])
        volume = volume_of(bar)
        share = min((used + quantity) / volume, largest) if volume > 0.0 else largest
        return base * impact * (share * share)
    if name == "law":
        distance = float(numbers[0](base, side, quantity, used, bar))
        if not isfinite(distance) or distance < 0.0:
            raise LawError
        return distance
    return 0.0


def fee(rules: Rules, quantity: float, value: float) -> float:
    """F-01 to F-04: F(Q, V), what an order has paid in all for quantity Q and value V."""
    if quantity == 0.0:
        return 0.0
    name, *numbers = rules.commission
    if name == "per_order":
        return float(numbers[0])
    if name == "bps":
        amount, minimum = float(numbers[0]), float(numbers[1])
        return max(value * amount / 1e4, minimum)
    if name == "per_share":
        rate, minimum, maximum = (float(number) for number in numbers[:3])
        plain = rate * quantity
        if numbers[3] == "max_wins":
            return min(max(plain, minimum), maximum * value)
        return max(min(plain, maximum * value), minimum)
    if name == "law":
        total = float(numbers[0](quantity, value))
        if not isfinite(total):
            raise LawError
        return total
    return 0.0
