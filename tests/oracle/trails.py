"""Trailing stops: the R rules, for both sides; `order.side` is that of the trail, so a sell's peak is a high."""

from math import isfinite, isnan, nan

from oracle.prices import is_valid, rounded_down, rounded_up, worse
from oracle.records import TRAILS, WALKED, Bar, Instrument, Order, Rules
from oracle.world import World


def better(side: int, one: float, other: float) -> float:
    """Of two peaks of a trail the one that lies further its way: the higher for a sell."""
    return worse(-side, one, other)


def share_of(order: Order) -> float:
    """R-01: ρ, NaN where the distance is an amount."""
    return order.request.trail_percent / 100.0


def below(order: Order, price: float, instrument: Instrument) -> float:
    """R-01: T without activation."""
    if isnan(share_of(order)):
        level = price + order.side * order.request.trail_amount
    else:
        level = price * (1.0 + order.side * share_of(order))
    return rounded_up(level, instrument) if order.side > 0 else rounded_down(level, instrument)


def above(order: Order, level: float) -> float:
    """R-01: T⁻¹ before it is rounded."""
    if isnan(share_of(order)):
        return level - order.side * order.request.trail_amount
    return level / (1.0 + order.side * share_of(order))


def peak_for(order: Order, level: float, instrument: Instrument) -> float:
    """R-01: T⁻¹, the least peak whose stop is at the level, which is on the tick."""
    peak = above(order, level)
    return rounded_down(peak, instrument) if order.side > 0 else rounded_up(peak, instrument)


def activation(order: Order, start: float) -> float:
    """R-03: the peak from which on a trail that began at `start` is active; NaN where it always is."""
    return start - order.side * order.request.trail_activation_offset


def stop_at(order: Order, peak: float, start: float, instrument: Instrument) -> float:
    """R-01, R-03: T(peak), NaN where it is not active."""
    if isnan(peak) or order.side * (peak - activation(order, start)) > 0.0:
        return nan
    return below(order, peak, instrument)


def evaluation(rules: Rules) -> str:
    """R-05: `worst`, `lagged` or `high_first`; with one path it is not asked for (X-03)."""
    word = rules.trail_eval
    if word not in ("worst", "path"):
        return word
    return "lagged" if rules.path == "queue" or rules.trail_ref == "close" else "worst"


def follows_path(rules: Rules) -> bool:
    """R-04, X-03: whether the peak moves inside the bar."""
    if rules.path in WALKED:
        return rules.trail_ref != "close"
    return evaluation(rules) == "worst"


def set_peak(world: World, order: Order, peak: float) -> None:
    """R-01: the peak, and the stop price that hangs on it."""
    order.peak = peak
    order.stop_price = stop_at(order, peak, order.start, world.instruments[order.symbol])


def move_peak(world: World, order: Order, price: float) -> None:
    """R-01: the peak moves one way only, and stays once the stop has traded."""
    if not order.triggered and isfinite(price):
        set_peak(world, order, price if isnan(order.peak) else better(order.side, order.peak, price))


def begin_trail(world: World, order: Order) -> None:
    """R-02: the peak of an order without a parent when it is sent; NaN where the first open will give it."""
    if order.type not in TRAILS:
        return
    given = order.request.stop_price
    if order.parent is None and not isnan(given):
        instrument = world.instruments[order.symbol]
        level = rounded_up(given, instrument) if order.side > 0 else rounded_down(given, instrument)
        order.start = above(order, level)
    else:
        order.start = world.positions[order.symbol].mark
    set_peak(world, order, order.start)


def begin_child_trail(world: World, order: Order, base: float, moment: float) -> None:
    """R-02, R-03: a child begins at its parent's base price, its peak at the better of that and the moment's price."""
    if order.type in TRAILS:
        order.start = base
        set_peak(world, order, better(order.side, base, moment))


def live_trails(world: World) -> list[Order]:
    """R-06: trails that can fill on this bar."""
    return [
        order
        for order in world.live()
        if order.type in TRAILS
        and order.active
        and not order.triggered
        and (order.eligible_bar <= world.bar or order.activated_bar == world.bar)
        and order.remaining != 0.0
        and world.matches(order.symbol)
    ]


def start_at_open(world: World) -> None:
    """R-02: before the first valid close the first open is the peak."""
    for order in live_trails(world):
        if isnan(order.peak):
            bar = world.now(order.symbol)
            order.start = bar.close if world.rules.price_ref == "close" else bar.open
            set_peak(world, order, order.start)


def see_open(world: World) -> None:
    """R-04: what the open did not reach has seen it."""
    if follows_path(world.rules):
        for order in live_trails(world):
            move_peak(world, order, world.now(order.symbol).open)


def extreme(order: Order, bar: Bar) -> float:
    """The extreme that a trail follows: the high for a sell."""
    return bar.high if order.side < 0 else bar.low


def set_limit(world: World, order: Order, level: float) -> None:
    """R-07: the stop that traded, and the limit that goes with it from then on, rounded as a limit."""
    order.stop_price = level
    limit = level + order.side * order.request.limit_offset
    instrument = world.instruments[order.symbol]
    order.limit_price = rounded_down(limit, instrument) if order.side > 0 else rounded_up(limit, instrument)


def end_bar(world: World) -> None:
    """R-06: P5."""
    reference = world.rules.trail_ref
    if world.rules.path in WALKED and reference != "close":
        return  # X-03 has moved them
    for order in live_trails(world):
        bar = world.now(order.symbol)
        if not is_valid(bar):
            continue
        unsure = order.activated_bar == world.bar and not order.sees_extreme
        move_peak(world, order, bar.close if reference == "close" or unsure else extreme(order, bar))
