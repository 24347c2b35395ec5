"""P3: inside the bar, where no single path is assumed."""

from dataclasses import replace

from admf_kernels.codes import OrderType
from oracle.entries import AFTER_LIMIT, AFTER_STOP, BOTH, inside
from oracle.filling import execute
from oracle.linked import exits_follow, reducible
from oracle.opening import judge_open, would_take
from oracle.outcomes import Exits, Outcome, Scene, Stay, choose, through_price
from oracle.prices import adv, fav, trigger_reached
from oracle.records import (
    BECOMES_LIMIT,
    BECOMES_MARKET,
    PROTECTIVE,
    STOP_LIMITS,
    TOUCHED,
    TRAILS,
    Order,
    Price,
)
from oracle.linked import cancel
from oracle.trails import better, evaluation, extreme, set_limit, stop_at
from oracle.turns import (
    group_of,
    in_order_of_work,
    is_beyond_stop,
    is_first_bar,
    is_reached_at_open,
    latch,
    may_match,
    rest,
    stop_limit_rule,
    trigger_reason,
)
from oracle.world import World
from admf_kernels.codes import Reason


def level_of(world: World, order: Order) -> float:
    """R-05, R-07: the highest stop of a trail inside the bar; of a trail that does not move inside it the only one."""
    if order.type not in TRAILS or order.triggered:
        return order.stop_price
    how = evaluation(world.rules)
    if how == "lagged" or (how == "worst" and order.type == OrderType.TRAILING_STOP_LIMIT):
        return order.stop_price
    peak = better(order.side, order.peak, extreme(order, world.now(order.symbol)))
    return stop_at(order, peak, order.start, world.instruments[order.symbol])


def is_reached_inside(world: World, order: Order, scene: Scene) -> bool:
    """P-06, P-08, P-09, P-12: the trigger on adv or fav for what waits for it, P-03 on fav for a limit."""
    if order.type in (*BECOMES_MARKET, *BECOMES_LIMIT) and not order.triggered:
        extreme_of = fav if order.type in TOUCHED else adv
        return trigger_reached(order, extreme_of(order.side, scene.bar), level_of(world, order), scene.rules)
    if order.type != OrderType.LIMIT and order.type not in BECOMES_LIMIT:
        return False
    return stop_limit_rule(order, scene.rules) != "close_test" and scene.passes(order, fav(order.side, scene.bar))


def exits_of(world: World, order: Order) -> Exits:
    """W-06, W-09, R-05: of the order's live exits the stop, the trail and the limit of lowest number."""
    if world.rules.child_activation == "next_bar" or not exits_follow(world, order):
        return Exits()
    if order.type == OrderType.TRAILING_STOP:
        return Exits()
    waiting = [child for child in order.children if child.alive and child.side != order.side]
    found = []
    for kind in (OrderType.STOP, OrderType.TRAILING_STOP, OrderType.LIMIT):
        found.append(next((child for child in waiting if child.type == kind), None))
    return Exits(*found)


def scene_of(world: World, order: Order) -> Scene:
    """What an entry looks at."""
    return Scene(world.now(order.symbol), world.rules, world.instruments[order.symbol], exits_of(world, order))


def inside_turn(world: World, order: Order) -> None:
    """P3 for one order or its group."""
    scene = scene_of(world, order)
    if not may_match(world, order) or not is_reached_inside(world, order, scene):
        return
    rivals = rivals_of(world, order)
    if len(rivals) > 1:
        contest(world, rivals)
    elif is_entry(order):
        enter(world, order, *judge_entry(world, order, scene))
    else:
        leave(world, order, group_of(world, order), scene)


def is_entry(order: Order) -> bool:
    """Whether the rules of entries apply: to what has children, and to what is no plain stop, trail or limit."""
    if order.type == OrderType.TRAILING_STOP:
        return False
    return bool(order.children) or order.type in BECOMES_LIMIT or order.type in TOUCHED


def judge_entry(
    world: World, order: Order, scene: Scene, certain: tuple[bool, bool] | None = None
) -> tuple[list[Outcome], bool]:
    """P-09, P-12: the outcomes of an order that the bar reaches; whether its trigger trades inside this bar."""
    triggers = order.type in BECOMES_LIMIT and not order.triggered
    if triggers and order.type == OrderType.TRAILING_STOP_LIMIT:
        set_limit(world, order, level_of(world, order))
    now = order.triggered_at_open == world.bar
    return inside(order, scene, triggered_now=now, certain=certain), triggers


def enter(world: World, order: Order, outcomes: list[Outcome], triggers: bool, *, doubted: bool = False) -> None:
    """W-01, W-03 to W-09: the chosen outcome of an order and of the children it activates.

    `doubted`: a rival of its OCO group could have been first (W-08).
    """
    if triggers:
        latch(world, order, 0.0, trigger_reason(order, at_open=False))
    if not outcomes:
        return
    rest(world, [order])
    chosen, ambiguous = choose(outcomes, world.rules)
    ambiguous = ambiguous or doubted
    world.statistics.ambiguous_groups += ambiguous
    if chosen.entry is None:
        return
    filled = execute(world, order, chosen.entry, ambiguous=ambiguous, first=world.bar + 1)
    if order.type in BECOMES_MARKET:
        latch(world, order, filled, trigger_reason(order, at_open=False))
    if filled == 0.0:
        return
    note_first_peak(world, order)
    child = chosen.by
    if ambiguous and world.rules.entry_bar_exits == "proven":
        return
    if child is not None and child.active and child.remaining > 0.0:
        assert chosen.exit is not None
        take_exit(world, child, chosen.exit, ambiguous=ambiguous)


def note_first_peak(world: World, order: Order) -> None:
    """R-06: what this bar's extreme may tell the trail of an entry inside it."""


def take_exit(world: World, order: Order, found: Price, *, ambiguous: bool) -> None:
    """W-02, W-04: the exit that an outcome chose."""
    rest(world, [order])
    filled = execute(world, order, found, ambiguous=ambiguous, first=world.bar + 1)
    if order.type in BECOMES_MARKET:
        latch(world, order, filled, found.reason)
