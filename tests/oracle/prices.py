"""Triggers, base prices and clamps: the P rules."""

from math import ceil, floor, isfinite, isnan

from admf_kernels.codes import Liquidity, OrderType, Reason
from oracle.records import ON_CLOSE, ON_OPEN, STOP_LIMITS, TOUCHED, TRAILS, Bar, Instrument, Order, Price, Rules

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


def order_prices(order: Order, limit: float, stop: float, instrument: Instrument) -> tuple[float, float]:
    """P-01, P-12: buy limit and sell stop down, sell limit and buy stop up; an if-touched trigger as a limit."""
    down, up = (rounded_down, rounded_up) if order.side > 0 else (rounded_up, rounded_down)
    return down(limit, instrument), (down if order.type in TOUCHED else up)(stop, instrument)


def stop_reached(side: int, price: float, stop: float, rules: Rules) -> bool:
    """P-02."""
    if rules.stop_trigger == "touch":
        return side * (price - stop) >= 0.0
    return side * (price - stop) > 0.0


def trigger_reached(order: Order, price: float, stop: float, rules: Rules) -> bool:
    """P-02, P-09, P-12: whether a price is at or beyond the trigger; an inactive trail has none (NaN)."""
    if order.type in TOUCHED:
        return order.side * (price - stop) <= 0.0
    word = rules.stop_trigger
    if order.type in STOP_LIMITS and rules.stop_limit_trigger not in (None, "as_stop"):
        word = rules.stop_limit_trigger
    distance = order.side * (price - stop)
    return distance >= 0.0 if word == "touch" else distance > 0.0


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
    if rules.market_fill in ("next_close", "same_close"):
        return bar.close
    if rules.market_fill == "next_open":
        return bar.open
    if rules.market_fill == "next_vwap":
        return bar.vwap
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
    """P-07, P-12, R-08: the base price of a stop or a touched trigger at the open."""
    if order.type in TOUCHED:
        return order.stop_price
    if order.type in TRAILS and rules.trail_fill == "worse_of_stop_and_close":
        return worse(order.side, order.stop_price, bar.close)
    if rules.stop_gap == "open":
        return bar.open
    if rules.stop_gap == "stop":
        return order.stop_price
    return worse(order.side, order.stop_price, bar.close)


def stop_base_inside(order: Order, stop: float, bar: Bar, rules: Rules) -> float:
    """P-08, P-12, R-08: the base price of a stop or a touched trigger reached inside the bar."""
    if order.type in TOUCHED:
        return stop
    words = (rules.stop_gap, rules.trail_fill if order.type == OrderType.TRAILING_STOP else "")
    return worse(order.side, stop, bar.close) if "worse_of_stop_and_close" in words else stop


def limit_at_open(order: Order, bar: Bar, rules: Rules, instrument: Instrument, *, first: bool) -> Price | None:
    """P-05: the price of a limit at the open, None where it is not reached."""
    may_take = order.opens and rules.limit_at_open == "marketable"
    at_once = first and may_take and order.side * (bar.open - order.limit_price) <= 0.0
    if not at_once and not limit_reached(order.side, bar.open, order.limit_price, rules, instrument):
        return None
    base = limit_base_at_open(order, bar, rules)
    if first:
        return Price(base, "limit_marketable", Liquidity.TAKER, Reason.LIMIT_AT_OPEN)
    return Price(base, "limit_gap", Liquidity.MAKER, Reason.LIMIT_AT_OPEN)


def clamped(raw: float, order: Order, bar: Bar, rules: Rules, *, bounded: bool) -> float:
    """P-11, P-15: into the bar, then not beyond the limit where that bounds the fill."""
    price = raw
    if rules.clamp in ("bar", "bar_and_limit"):
        price = min(max(price, bar.low), bar.high)
    if rules.clamp in ("limit", "bar_and_limit") and bounded and not isnan(order.limit_price):
        price = min(price, order.limit_price) if order.side > 0 else max(price, order.limit_price)
    return price


def first_bar(bars: list[Bar], order: Order, earliest: int) -> int | None:
    """C-01, C-06: the first eligible bar of an order that may work from `earliest` on; None where there is none."""
    if order.type in ON_OPEN:
        starts = (bar for bar in range(len(bars)) if bar == 0 or bars[bar - 1].session_end == bar - 1)
        return next((bar for bar in starts if bar >= earliest), None)
    if order.type in ON_CLOSE:
        return bars[earliest].session_end if earliest < len(bars) else None
    return earliest
