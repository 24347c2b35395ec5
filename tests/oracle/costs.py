"""Slippage and commission: the S and F rules."""

from oracle.records import Bar, Instrument, Rules
from oracle.prices import volume_of


def slippage(
    rules: Rules, instrument: Instrument, bar: Bar | None, word: str, base: float, quantity: float, used: float
) -> float:
    """S-01 to S-05: the distance Δ; `word` is the kind of fill, `used` the units the bar has already filled."""
    if word not in rules.slip_on:
        return 0.0
    name, *numbers = rules.slippage
    amounts = [float(number) for number in numbers]
    if name == "ticks":
        return amounts[0] * (1.0 / instrument.tick_inverse)
    if name == "fixed":
        return amounts[0]
    if name == "bps":
        return base * amounts[0] / 1e4
    if name == "volume_share":
        impact, largest = amounts
        volume = volume_of(bar) if bar is not None else 0.0
        if volume == 0.0:
            return 0.0
        share = min((used + quantity) / volume, largest)
        return base * impact * (share * share)
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
    return 0.0
