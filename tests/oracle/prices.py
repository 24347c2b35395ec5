"""Triggers, base prices and clamps: the P rules."""

from math import ceil, floor, isfinite

from admf_kernels.codes import Liquidity, OrderType, Reason
from oracle.records import Bar, Instrument, Order, Price, Rules

SLACK = 1e-4  # of a tick


def is_valid(bar: Bar) -> bool:
    """B-01."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not all(isfinite(price) and price > 0.0 for price in prices):
        return False
    return bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high


def volume_of(bar: Bar) -> float:
    """B-02: NaN and negative volume count as 0."""
    return bar.volume if bar.volume > 0.0 else 0.0


def rounded_down(price: float, instrument: Instrument) -> float:
    """P-01: down to the tick."""
    if instrument.tick_inverse == 0.0 or not isfinite(price):
        return price
    return floor(price * instrument.tick_inverse + SLACK) / instrument.tick_inverse


def rounded_up(price: float, instrument: Instrument) -> float:
    """P-01: up to the tick."""
    if instrument.tick_inverse == 0.0 or not isfinite(price):
        return price
    return ceil(price * instrument.tick_inverse - SLACK) / instrument.tick_inverse


def order_prices(side: int, limit: float, stop: float, instrument: Instrument) -> tuple[float, float]:
    """P-01: buy limit and sell stop down, sell limit and buy stop up."""
    if side > 0:
        return rounded_down(limit, instrument), rounded_up(stop, instrument)
    return rounded_up(limit, instrument), rounded_down(stop, instrument)


def stop_reached(side: int, price: float, stop: float, rules: Rules) -> bool:
    """P-02."""
    if rules.stop_trigger == "touch":
        return side * (price - stop) >= 0.0
    return side * (price - stop) > 0.0


def limit_reached(side: int, price: float, limit: float, rules: Rules, instrument: Instrument) -> bool:
    """P-03."""
    distance = side * (price - limit)
    if rules.limit_trigger == "touch":
        return distance <= 0.0
    if rules.limit_trigger == "through":
        return distance < 0.0
    if rules.limit_through_ticks == 0.0:
        return distance <= 0.0
    if instrument.tick_inverse == 0.0:
        return distance < 0.0
    inverse = instrument.tick_inverse
    return distance <= -rules.limit_through_ticks / inverse + SLACK / inverse


def worse(side: int, one: float, other: float) -> float:
    """Of two prices the worse for the side."""
    return one if side * (one - other) > 0.0 else other


def fav(side: int, bar: Bar) -> float:
    """The extreme that fills limits."""
    return bar.low if side > 0 else bar.high


def adv(side: int, bar: Bar) -> float:
    """The extreme that triggers stops."""
    return bar.high if side > 0 else bar.low


def far_extreme(side: int, bar: Bar, limit: float) -> float:
    """P-05: the worst price of the bar that respects the limit."""
    return min(bar.high, limit) if side > 0 else max(bar.low, limit)


def market_price(rules: Rules, bar: Bar) -> float:
    """P-04, C-04: the base price of a market order."""
    if rules.market_fill == "next_close":
        return bar.close
    if rules.market_fill == "next_open":
        return bar.open
    if rules.market_fill == "next_typical":
        return (bar.high + bar.low + bar.close) / 3.0
    if rules.market_fill == "next_ohlc4":
        return (bar.open + bar.high + bar.low + bar.close) / 4.0
    return (bar.high + bar.low) / 2.0


def limit_base_at_open(order: Order, bar: Bar, rules: Rules) -> float:
    """P-05: the base price of a limit that the open has reached."""
    if rules.limit_gap == "open":
        return bar.open
    if rules.limit_gap == "limit":
        return order.limit_price
    return far_extreme(order.side, bar, order.limit_price)


def limit_base_inside(side: int, limit: float, bar: Bar, rules: Rules) -> float:
    """P-06: the base price of a limit reached inside the bar."""
    return far_extreme(side, bar, limit) if rules.limit_gap == "far_extreme" else limit


def stop_base_at_open(order: Order, bar: Bar, rules: Rules) -> float:
    """P-07: the base price of a stop at the open."""
    if rules.stop_gap == "open":
        return bar.open
    if rules.stop_gap == "stop":
        return order.stop_price
    return worse(order.side, order.stop_price, bar.close)


def stop_base_inside(side: int, stop: float, bar: Bar, rules: Rules) -> float:
    """P-08: the base price of a stop reached inside the bar."""
    return worse(side, stop, bar.close) if rules.stop_gap == "worse_of_stop_and_close" else stop


def limit_at_open(order: Order, bar: Bar, rules: Rules, instrument: Instrument, *, first: bool) -> Price | None:
    """P-05: the price of a limit at the open, None where it is not reached."""
    at_once = first and order.opens and order.side * (bar.open - order.limit_price) <= 0.0
    if not at_once and not limit_reached(order.side, bar.open, order.limit_price, rules, instrument):
        return None
    base = limit_base_at_open(order, bar, rules)
    if first:
        return Price(base, "limit_marketable", Liquidity.TAKER, Reason.LIMIT_AT_OPEN)
    return Price(base, "limit_gap", Liquidity.MAKER, Reason.LIMIT_AT_OPEN)


def clamped(raw: float, order: Order, bar: Bar, rules: Rules) -> float:
    """P-11: into the bar, then not beyond the limit."""
    price = raw
    if rules.clamp in ("bar", "bar_and_limit"):
        price = min(max(price, bar.low), bar.high)
    if rules.clamp in ("limit", "bar_and_limit") and order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        price = min(price, order.limit_price) if order.side > 0 else max(price, order.limit_price)
    return price
