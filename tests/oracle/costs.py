"""Slippage and commission: the S and F rules."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import inf, isfinite, sqrt
from typing import Any

from admf_kernels.codes import Liquidity
from oracle.prices import volume_of
from oracle.records import Bar, Order
from oracle.world import World

WORDS = 2**64
GOLDEN = 0x9E3779B97F4A7C15
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LawError(Exception):
    """A user's law returned a value that is not allowed: the run ends."""


def slippage(world: World, order: Order, word: str, base: float, quantity: float) -> float:
    """S-01 to S-08: the distance Δ of a fill on the bar being worked on; `word` is the kind of fill."""
    if word not in world.rules.slip_on:
        return 0.0
    name, *numbers = world.rules.slippage
    bar, used = world.now(order.symbol), world.used(order.symbol)
    if name == "law":
        distance = float(numbers[0](base, order.side, quantity, used, bar))
        if not isfinite(distance) or distance < 0.0:
            raise LawError
        return distance
    if name == "ticks":
        return float(numbers[0]) / world.instruments[order.symbol].tick_inverse
    if name == "volume_share":
        share = share_of(bar, used + quantity, float(numbers[1]))
        return base * float(numbers[0]) * (share * share)
    if name == "power":
        impact, exponent, window = numbers
        closes = [other.close for other in world.bars[order.symbol][: world.bar]]
        share = share_of(bar, used + quantity, inf)
        return base * float(impact) * volatility(closes, int(window)) * float(share**exponent)
    if name == "random":
        had = sum(fill.order == order.number for fill in world.fills)
        return base * float(numbers[0]) / 1e4 * uniform(int(numbers[1]), 0, order.number, had)
    return steady(name, numbers, base, bar)


def steady(name: str, numbers: list[Any], base: float, bar: Bar) -> float:
    """S-02, S-03, S-07: what depends on the price and the bar alone."""
    if name == "fixed":
        return float(numbers[0])
    if name == "bps":
        return base * float(numbers[0]) / 1e4
    if name == "half_spread":
        half = float(numbers[0]) / 2.0
        return base * half / 1e4 if numbers[1] == "bps" else half
    if name == "range":
        return float(numbers[0]) * (bar.high - bar.low) if bar.high > bar.low else 0.0
    assert name == "none"
    return 0.0


def share_of(bar: Bar, units: float, largest: float) -> float:
    """S-04: x."""
    volume = volume_of(bar)
    if volume > 0.0:
        return min(units / volume, largest)
    return 0.0 if largest == inf else largest


def volatility(closes: list[float], window: int) -> float:
    """S-06: σ of the last `window` returns of the closes before the bar."""
    pairs = list(pairwise(closes))[-window:]
    returns = [after / before - 1.0 for before, after in pairs if is_price(before) and is_price(after)]
    if len(returns) < 2:
        return 0.0
    mean = add(returns) / len(returns)
    return sqrt(add([(change - mean) * (change - mean) for change in returns]) / (len(returns) - 1))


def is_price(value: float) -> bool:
    """S-06: finite and above zero."""
    return isfinite(value) and value > 0.0


def add(values: list[float]) -> float:
    """A sum from 0 in order, rounded at each step: `sum` does better from Python 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total


def uniform(*counters: int) -> float:
    """S-08: u of seed, container, order and fill."""
    word = 0
    for counter in counters:
        word = ((word ^ counter) + GOLDEN) % WORDS
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            word = (word ^ (word >> shift)) * factor % WORDS
        word ^= word >> 31
    return (word >> 11) / 2.0**53


def fill_fee(world: World, order: Order, liquidity: Liquidity, quantity: float, value: float) -> float:
    """F-01, F-05 to F-08: what one more fill of the order costs on the bar being worked on."""
    name, *numbers = world.rules.commission
    if name == "sum":
        return add([part_fee(world, order, liquidity, quantity, value, *part) for part in numbers[0]])
    return part_fee(world, order, liquidity, quantity, value, name, *numbers)


def part_fee(
    world: World, order: Order, liquidity: Liquidity, quantity: float, value: float, name: str, *numbers: Any
) -> float:
    """F-01: the fee of one part for one more fill."""
    if name == "maker_taker":
        return value * float(numbers[liquidity == Liquidity.TAKER])
    if name == "tiered":
        return tiered_fee(world, order, quantity, value, *numbers)
    if name in ("sale_value", "sale_shares"):
        numbers = rates_on(time_of(world, world.bar), numbers[0]) if order.side < 0 else ()
        if not numbers:
            return 0.0
    total = fee_of(name, numbers)
    return total(order.filled + quantity, order.value + value) - total(order.filled, order.value)


def fee_of(name: str, numbers: tuple[Any, ...]) -> Callable[[float, float], float]:
    """F-02 to F-04, F-07: the function F of a part; F(0, 0) = 0."""

    def total(quantity: float, value: float) -> float:
        return formula(name, numbers, quantity, value) if quantity > 0.0 else 0.0

    return total


def formula(name: str, numbers: tuple[Any, ...], quantity: float, value: float) -> float:
    """F-02 to F-04, F-07: F(Q, V)."""
    if name == "law":
        found = float(numbers[0](quantity, value))
        if not isfinite(found):
            raise LawError
        return found
    if name == "per_share":
        rate, minimum, maximum, precedence = numbers
        return within(rate * quantity, minimum, maximum, precedence, value)
    formulas: dict[str, Callable[..., float]] = {
        "none": lambda: 0.0,
        "per_order": lambda amount: amount,
        "per_contract": lambda rate: rate * quantity,
        "bps": lambda points, minimum: max(value * points / 1e4, minimum),
        "pct": lambda rate, minimum: max(value * rate, minimum),
        "fixed_plus_pct": lambda amount, rate: amount + value * rate,
        "sale_value": lambda rate: value * rate,
        "sale_shares": lambda rate, maximum: min(quantity * rate, inf if maximum is None else maximum),
    }
    return float(formulas[name](*numbers))


def within(fee: float, minimum: float, maximum: float, precedence: str, value: float) -> float:
    """F-03: minimum and maximum, the maximum a share of the value."""
    if precedence == "max_wins":
        return min(max(fee, minimum), maximum * value)
    return max(min(fee, maximum * value), minimum)


def tiered_fee(
    world: World,
    order: Order,
    quantity: float,
    value: float,
    tiers: tuple[tuple[float | None, float], ...],
    basis: str,
    minimum: float,
    maximum: float | None,
    precedence: str,
) -> float:
    """F-06: every fill of the run so far is gone through again, month by month."""
    month, traded, paid = None, 0.0, 0.0
    largest = inf if maximum is None else maximum
    for fill in world.fills:
        if month_of(world, fill.bar) != month:
            month, traded = month_of(world, fill.bar), 0.0
        size = fill.quantity if basis == "quantity" else fill.quantity * fill.price * multiplier_of(world, fill.symbol)
        if fill.order == order.number:
            paid += marginal(tiers, traded, size)
        traded += size
    if month_of(world, world.bar) != month:
        traded = 0.0
    raw = paid + marginal(tiers, traded, quantity if basis == "quantity" else value)
    after = within(raw, minimum, largest, precedence, order.value + value)
    before = within(paid, minimum, largest, precedence, order.value) if order.filled > 0.0 else 0.0
    return after - before


def multiplier_of(world: World, symbol: int) -> float:
    """Money per unit and price."""
    return world.instruments[symbol].multiplier


def marginal(tiers: tuple[tuple[float | None, float], ...], traded: float, added: float) -> float:
    """F-06: what `added` costs on top of what was `traded`."""
    total, lower = 0.0, 0.0
    for bound, rate in tiers:
        upper = inf if bound is None else bound
        part = min(traded + added, upper) - max(traded, lower)
        if part > 0.0:
            total += part * rate
        lower = upper
    return total


def time_of(world: World, bar: int) -> datetime | None:
    """The UTC time of a bar's open, None where undated; before the first bar that of the first one."""
    stamp = world.bars[0][max(bar, 0)].time_ns
    return None if stamp is None else EPOCH + timedelta(microseconds=stamp // 1000)


def month_of(world: World, bar: int) -> tuple[int, int]:
    """F-06: year and month; undated bars share one."""
    time = time_of(world, bar)
    return (0, 0) if time is None else (time.year, time.month)


def rates_on(time: datetime | None, table: tuple[tuple[Any, ...], ...]) -> tuple[Any, ...]:
    """F-07: the numbers in force, none before the first day."""
    found: tuple[Any, ...] = ()
    for day, *numbers in table:
        if day is None or (time is not None and time.date() >= date.fromisoformat(day)):
            found = tuple(numbers)
    return found
