"""Whose turn it is: who may be matched, in what order, with whom, and what a turn leaves behind."""

from admf_kernels.codes import OrderEvent, OrderType, Reason
from oracle.linked import reducible
from oracle.prices import fav, limit_at_open, trigger_reached
from oracle.records import (
    BECOMES_LIMIT,
    BECOMES_MARKET,
    ON_CLOSE,
    PROTECTIVE,
    STOP_LIMITS,
    TOUCHED,
    WALKED,
    Bar,
    Order,
    Price,
    Rules,
)
from oracle.world import World

GROUPED = (*PROTECTIVE, OrderType.LIMIT)


def may_match(world: World, order: Order) -> bool:
    """C-01, B-01, W-02, W-06: an active order on a bar that may fill it and on which it is not done yet."""
    if not order.active or order.eligible_bar > world.bar or order.rests_on == world.bar:
        return False
    if not world.matches(order.symbol) or order.remaining <= 0.0:
        return False
    return not left_this_bar(world, order)


def left_this_bar(world: World, order: Order) -> bool:
    """W-06: whether an exit of this entry has filled on this bar."""
    numbers = {child.number for child in order.children}
    return any(fill.bar == world.bar and fill.order in numbers for fill in world.fills)


def in_order_of_work(world: World) -> list[Order]:
    """C-03: reducing orders first, then opening ones, each in ascending number."""
    able = [order for order in world.live() if may_match(world, order)]
    for order in able:
        order.opens = reducible(world, order) == 0.0
    return [order for order in able if not order.opens] + [order for order in able if order.opens]


def rest(world: World, orders: list[Order]) -> None:
    """W-02: nothing more happens to these on this bar."""
    for order in orders:
        order.rests_on = world.bar


def latch(world: World, order: Order, filled: float, reason: Reason) -> None:
    """P-07, P-12, V-01: what triggered without filling completely stays triggered; told where nothing filled."""
    if world.rules.stop_latch == "none" and order.type in BECOMES_MARKET:
        return
    if order.active and not order.triggered:
        order.triggered = True
        if filled == 0.0:
            world.move(order, OrderEvent.TRIGGER, reason)


def group_of(world: World, order: Order) -> list[Order]:
    """C-03, W-02: what is judged with this order: its OCO group, or without one the other exits of its parent."""
    if order.type not in GROUPED:
        return [order]
    able = [other for other in world.live() if may_match(world, other) or other is order]
    able = [other for other in able if other.type in GROUPED]
    if order.request.oco != 0:
        return [other for other in able if other.request.oco == order.request.oco]
    if order.parent is None or order.side == order.parent.side:
        return [order]
    same = [other for other in able if other.parent is order.parent and other.request.oco == 0]
    return [other for other in same if other.side == order.side]


def is_first_bar(world: World, order: Order) -> bool:
    """P-05: whether this is the first eligible bar, or the one at whose open the order's trigger traded."""
    return world.bar in (order.eligible_bar, order.triggered_at_open)


def stop_limit_rule(order: Order, rules: Rules) -> str:
    """P-09, P-15, X-03: the word that applies to the order; `path` for what is no stop-limit."""
    if order.type not in STOP_LIMITS:
        return "path"
    if rules.path in WALKED and rules.stop_limit not in ("next_bar_only", "marketable_at_stop"):
        return "path"
    return rules.stop_limit


def is_reached_at_open(world: World, order: Order) -> bool:
    """P-04, P-05, P-07, P-12, P-13: whether the open is a price for the order."""
    bar, rules = world.now(order.symbol), world.rules
    if order.type == OrderType.MARKET:
        return rules.market_fill == "next_open"
    if order.type in ON_CLOSE:
        return False
    if order.type == OrderType.MARKET_ON_OPEN:
        return True
    if order.type == OrderType.LIMIT_ON_OPEN:
        return order.side * (bar.open - order.limit_price) <= 0.0
    if order.type in (*BECOMES_MARKET, *BECOMES_LIMIT) and not order.triggered:
        return trigger_reached(order, bar.open, order.stop_price, rules)
    if order.type in BECOMES_MARKET:
        return True
    return stop_limit_rule(order, rules) != "close_test" and offer_to_limit(world, order) is not None


def offer_to_limit(world: World, order: Order) -> Price | None:
    """P-05."""
    bar, instrument = world.now(order.symbol), world.instruments[order.symbol]
    return limit_at_open(order, bar, world.rules, instrument, first=is_first_bar(world, order))


def trigger_reason(order: Order, *, at_open: bool) -> Reason:
    """How a trigger traded."""
    if order.type in TOUCHED:
        return Reason.TOUCHED_AT_OPEN if at_open else Reason.TOUCHED
    return Reason.STOP_AT_OPEN if at_open else Reason.STOP_REACHED


def is_beyond_stop(order: Order) -> bool:
    """P-12, P-15, W-05: s(L − S) ≥ 0: a market that trades the trigger is within the limit."""
    return order.side * (order.limit_price - order.stop_price) >= 0.0


def fills_at_stop(order: Order, bar: Bar) -> bool:
    """P-15, `marketable_at_stop`: s(L − S) > 0, and the bar touches L."""
    beyond = order.side * (order.limit_price - order.stop_price) > 0.0
    return beyond and order.side * (fav(order.side, bar) - order.limit_price) <= 0.0


def would_take(world: World, order: Order) -> bool:
    """P-14."""
    if not order.request.post_only or not is_first_bar(world, order):
        return False
    return order.side * (world.now(order.symbol).open - order.limit_price) <= 0.0
