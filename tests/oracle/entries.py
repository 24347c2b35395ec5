"""Entries inside the bar: which orders get in, at what price, and what their exits then may do (P-06 to P-09, P-15)."""

from dataclasses import replace

from admf_kernels.codes import Liquidity, OrderType, Reason
from oracle.outcomes import Outcome, Scene, Stay, limit_price_inside, stop_price_inside, through_price
from oracle.prices import fav
from oracle.records import TOUCHED, Order, Price
from oracle.trails import better
from oracle.turns import fills_at_stop, is_beyond_stop, stop_limit_rule

# What is certain to come after an entry: (the extreme of its stop, that of its target).
AFTER_STOP = (False, True)
AFTER_LIMIT = (True, False)
AFTER_RETURN = (False, False)
BOTH = (True, True)


def follow(order: Order, scene: Scene, found: Price, moment: float, certain: tuple[bool, bool]) -> list[Outcome]:
    """W-03, W-04, W-07: the outcomes of an entry."""
    found = replace(found, moment=moment)
    trail, start, peak = scene.exits.trail, found.base, moment
    if trail is not None:
        peak = better(trail.side, found.base, moment)
        if trail.activated_bar >= 0:  # the entry fills on: its trail has a peak already
            start, peak = trail.start, better(trail.side, trail.peak, peak)
    low, high = certain
    return Stay(scene, order.side, peak, start, low, high, found, moment).from_entry()


def stop_entry(
    order: Order,
    scene: Scene,
    *,
    slip: str = "stop",
    certain: tuple[bool, bool] = AFTER_STOP,
    bounded: bool = True,
) -> list[Outcome]:
    """W-04, W-05 (a): in at S."""
    found = replace(stop_price_inside(order, order.stop_price, scene), slip=slip, bounded=bounded)
    return follow(order, scene, found, order.stop_price, certain)


def touch_entry(order: Order, scene: Scene, certain: tuple[bool, bool]) -> list[Outcome]:
    """P-12: in at the trigger."""
    slip = "stop" if order.type == OrderType.MARKET_IF_TOUCHED else "limit_marketable"
    found = Price(order.stop_price, slip, Liquidity.TAKER, Reason.TOUCHED)
    return follow(order, scene, found, order.stop_price, certain)


def limit_entry(order: Order, scene: Scene, certain: tuple[bool, bool] = AFTER_LIMIT) -> list[Outcome]:
    """W-04: in at L."""
    return follow(order, scene, limit_price_inside(order, scene), through_price(order, scene), certain)


def stop_limit_entry(order: Order, scene: Scene, certain: tuple[bool, bool] | None) -> list[Outcome]:
    """W-05 (a) and (c), P-15: a stop-limit that this bar triggers after its open."""
    rule, bar = stop_limit_rule(order, scene.rules), scene.bar
    if rule in ("next_bar_only", "close_test"):
        return []
    if rule == "marketable_at_stop":
        if not fills_at_stop(order, bar):
            return []
        return stop_entry(order, scene, slip="limit_marketable", certain=certain or AFTER_STOP)
    if is_beyond_stop(order):
        return stop_entry(order, scene, certain=certain or AFTER_STOP, bounded=rule != "bt_heuristic")
    if rule == "bt_heuristic":
        adverse = order.side * (bar.open - bar.close)
        if adverse < 0.0 or (adverse == 0.0 and order.side > 0) or order.side * (bar.close - order.limit_price) > 0.0:
            return []
        return follow(order, scene, limit_price_inside(order, scene), order.limit_price, AFTER_RETURN)
    if not scene.passes(order, fav(order.side, bar)):
        return []
    found = limit_entry(order, scene, AFTER_RETURN)
    if rule == "pyalgo_min" or scene.rules.path == "queue" or scene.passes(order, bar.close):
        return found
    return [*found, Outcome("no fill", 0.0)]


def inside(order: Order, scene: Scene, *, certain: tuple[bool, bool] | None) -> list[Outcome]:
    """P-06, P-08, P-09, P-12, W-05: the outcomes of an order that the bar reaches after its open; none where it
    stays out.

    `certain` replaces what follows its kind of entry (W-08).
    """
    if order.type == OrderType.STOP:
        return stop_entry(order, scene, certain=certain or AFTER_STOP)
    if order.type in TOUCHED and not order.triggered:
        if order.type == OrderType.MARKET_IF_TOUCHED or is_beyond_stop(order):
            return touch_entry(order, scene, certain or AFTER_LIMIT)
        return (
            limit_entry(order, scene, certain or AFTER_LIMIT) if scene.passes(order, fav(order.side, scene.bar)) else []
        )
    if order.type == OrderType.LIMIT or order.triggered:
        return limit_entry(order, scene, certain or AFTER_LIMIT)
    return stop_limit_entry(order, scene, certain)
