"""P3: inside the bar, where no single path is assumed."""

from admf_kernels.codes import OrderType, Reason
from oracle.entries import BOTH, inside
from oracle.exits import exits_follow, is_entry_bar
from oracle.filling import execute
from oracle.linked import cancel, reducible
from oracle.opening import judge_open
from oracle.outcomes import Exits, Outcome, Scene, Stay, choose, through_price
from oracle.prices import adv, fav, trigger_reached
from oracle.records import BECOMES_LIMIT, BECOMES_MARKET, STOP_LIMITS, TOUCHED, TRAILS, Order, Price
from oracle.trails import better, evaluation, extreme, set_limit, stop_at
from oracle.turns import (
    fills_at_stop,
    group_of,
    in_order_of_work,
    is_beyond_stop,
    is_reached_at_open,
    latch,
    may_match,
    rest,
    stop_limit_rule,
    trigger_reason,
    would_take,
)
from oracle.world import World


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
    target_alone = world.rules.entry_bar_exits == "market_or_stop_target" and order.type == OrderType.STOP
    if world.rules.child_activation == "next_bar" or not (exits_follow(world, order) or target_alone):
        return Exits()
    if order.type == OrderType.TRAILING_STOP:
        return Exits()
    waiting = [child for child in order.children if child.alive and child.side != order.side]
    kinds = (OrderType.STOP, OrderType.TRAILING_STOP, OrderType.LIMIT)
    return Exits(*(next((child for child in waiting if child.type == kind), None) for kind in kinds))


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
        leave(world, order, [leg for leg in group_of(world, order) if leg.side == order.side], scene)


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
    return inside(order, scene, certain=certain), triggers


def enter(world: World, order: Order, outcomes: list[Outcome], triggers: bool, *, span: float = 0.0) -> None:
    """W-01, W-03 to W-10: the chosen outcome of an order and of the children it activates.

    `span`: between the outcomes of two of its OCO group of which either could have been first (W-08).
    """
    if triggers:
        latch(world, order, 0.0, trigger_reason(order, at_open=False))
    if not outcomes:
        return
    rest(world, [order])
    chosen, spread = choose(outcomes, world.rules)
    spread = max(spread, span)
    ambiguous, units = spread != 0.0, units_at_stake(world, order)
    if chosen.entry is None:
        doubt(world, order, spread, units)
        return
    filled = execute(world, order, chosen.entry, ambiguous=ambiguous, first=world.bar + 1)
    doubt(world, order, spread, filled if units != units else units)
    if order.type in BECOMES_MARKET:
        latch(world, order, filled, trigger_reason(order, at_open=False))
    if filled == 0.0:
        return
    for child in order.children:
        child.sees_extreme = chosen.high and child.side != order.side
    leaver = chosen.by
    if ambiguous and world.rules.entry_bar_exits == "proven":
        return
    if leaver is not None and leaver.type != OrderType.LIMIT and not exits_follow(world, order):
        return  # market_or_stop_target
    if leaver is not None and leaver.active and leaver.remaining > 0.0:
        assert chosen.exit is not None
        take_exit(world, leaver, chosen.exit, ambiguous=ambiguous)


def units_at_stake(world: World, order: Order) -> float:
    """W-10: what the order has left, of one that reduces at most the position; NaN where that is not known yet."""
    held = -order.side * world.positions[order.symbol].quantity
    return held if 0.0 < held < order.remaining else order.remaining


def doubt(world: World, order: Order, spread: float, units: float) -> None:
    """W-01, W-10: counts an ambiguous group and bar."""
    if spread == 0.0:
        return
    statistics = world.statistics
    statistics.ambiguous_groups += 1
    if statistics.ambiguous_bar != world.bar:
        statistics.ambiguous_bar = world.bar
        statistics.ambiguous_bars += 1
    if units == units:
        statistics.at_stake += spread * units * world.instruments[order.symbol].multiplier


def take_exit(world: World, order: Order, found: Price, *, ambiguous: bool) -> None:
    """W-02, W-04: the exit that an outcome chose."""
    rest(world, [order])
    filled = execute(world, order, found, ambiguous=ambiguous, first=world.bar + 1)
    if order.type in BECOMES_MARKET:
        latch(world, order, filled, found.reason)


def leave(world: World, order: Order, group: list[Order], scene: Scene) -> None:
    """W-02, W-07: the first stop, trail and limit of the group that the bar can reach."""
    members = [member for member in group if not member.children and is_reached_inside(world, member, scene)]
    pair = []
    for kind in (OrderType.STOP, OrderType.TRAILING_STOP, OrderType.LIMIT):
        same = [order] if order.type == kind else [member for member in members if member.type == kind]
        pair.append(same[0] if same else None)
    scene = Scene(scene.bar, scene.rules, scene.instrument, Exits(*pair))
    trail = scene.exits.trail
    peak, start = (0.0, 0.0) if trail is None else (trail.peak, trail.start)
    outcomes = Stay(scene, -order.side, peak, start, low=True, high=True).outcomes()
    chosen, spread = choose(outcomes, world.rules)
    ambiguous = spread != 0.0
    doubt(world, order, spread, units_at_stake(world, order))
    taken = [member for member in pair if member is not None]
    rest(world, taken)
    proven = world.rules.entry_bar_exits == "proven" and any(is_entry_bar(world, member) for member in taken)
    if chosen.by is not None and chosen.exit is not None and not (ambiguous and proven):
        take_exit(world, chosen.by, chosen.exit, ambiguous=ambiguous)


def rivals_of(world: World, order: Order) -> list[Order]:
    """W-08: the opening orders of an OCO group that the bar reaches, each at one level; nobody under `queue`."""
    if world.rules.path == "queue" or order.request.oco == 0 or not order.opens or not has_level(world, order):
        return [order]
    same = [other for other in world.live() if other.request.oco == order.request.oco and other.symbol == order.symbol]
    able = [other for other in same if may_match(world, other) and other.opens and has_level(world, other)]
    return [other for other in able if is_reached_inside(world, other, scene_of(world, other))]


def has_level(world: World, order: Order) -> bool:
    """W-08: whether the order fills at one level that the bar reaches for certain or not at all."""
    if order.type in TRAILS and not order.triggered:
        return False
    if order.type in STOP_LIMITS and not order.triggered:
        if stop_limit_rule(order, world.rules) == "marketable_at_stop":
            return fills_at_stop(order, world.now(order.symbol))
        return stop_limit_rule(order, world.rules) == "path" and is_beyond_stop(order)
    if order.type == OrderType.LIMIT_IF_TOUCHED and not order.triggered:
        return is_beyond_stop(order) or scene_of(world, order).passes(order, fav(order.side, world.now(order.symbol)))
    return True


def level(world: World, order: Order) -> float:
    """W-08: the path's price at the moment of the fill."""
    if order.type in (OrderType.STOP, OrderType.MARKET_IF_TOUCHED):
        return order.stop_price
    if order.type in BECOMES_LIMIT and not order.triggered and is_beyond_stop(order):
        return order.stop_price
    return through_price(order, scene_of(world, order))


def is_above(order: Order) -> bool:
    """W-08: whether the path rises from the open to the order's level."""
    rises = order.type == OrderType.STOP or (order.type == OrderType.STOP_LIMIT and not order.triggered)
    return (order.side > 0) == rises


def contest(world: World, rivals: list[Order]) -> None:
    """W-08: the nearest order above the open and the nearest below it may be first, and then rules out the other.

    What fills first of two sides has the extremes of both before it: the other's level was not passed on the way.
    """
    above = [order for order in rivals if is_above(order)]
    below = [order for order in rivals if not is_above(order)]
    first = [min(above, key=lambda order: (level(world, order), order.number))] if above else []
    first += [min(below, key=lambda order: (-level(world, order), order.number))] if below else []
    certain = BOTH if len(first) == 2 else None
    first.sort(key=lambda order: order.number)
    judged = [judge_entry(world, order, scene_of(world, order), certain) for order in first]
    chosen = [choose(outcomes, world.rules) for outcomes, _ in judged]
    values = [outcome.value for outcome, _ in chosen]
    best = world.rules.path == "best"
    place = values.index(max(values) if best else min(values))
    others = [value - spread if best else value + spread for value, (_, spread) in zip(values, chosen, strict=True)]
    rest(world, rivals)
    span = 0.0 if len(first) == 1 else max(values + others) - min(values + others)
    enter(world, first[place], *judged[place], span=span)


def inside_phase(world: World) -> None:
    """C-02: P3."""
    for order in in_order_of_work(world):
        inside_turn(world, order)


def numbered_phase(world: World) -> None:
    """C-05: `conflict=order_id` under `queue`: each order at the open and inside the bar, in ascending number."""
    for number in range(len(world.orders)):
        order = world.orders[number]
        if not may_match(world, order):
            continue
        order.opens = reducible(world, order) == 0.0
        had = len(world.fills)
        if would_take(world, order):
            cancel(world, order, Reason.POST_ONLY_WOULD_TAKE)
        elif is_reached_at_open(world, order):
            judge_open(world, order)
        if len(world.fills) == had and may_match(world, order):
            alone_inside(world, order)
        if len(world.fills) > had and order.request.oco != 0:
            rest(world, [other for other in world.live() if other.request.oco == order.request.oco])


def alone_inside(world: World, order: Order) -> None:
    """C-05: P3 for one order, of no group but its own children's."""
    scene = scene_of(world, order)
    if not is_reached_inside(world, order, scene):
        return
    if is_entry(order):
        enter(world, order, *judge_entry(world, order, scene))
    else:
        leave(world, order, [order], scene)
