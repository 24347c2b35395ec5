"""The phases that match orders: open, inside the bar, close."""

from collections.abc import Callable
from dataclasses import replace

from admf_kernels.codes import Liquidity, OrderEvent, OrderStatus, OrderType, Reason
from oracle.filling import execute
from oracle.linked import reducible
from oracle.outcomes import Exits, Outcome, Scene, choose, inside, limit_price_inside, stop_price_inside
from oracle.prices import (
    adv,
    fav,
    limit_at_open,
    limit_reached,
    market_price,
    stop_base_at_open,
    stop_reached,
)
from oracle.records import Bar, Order, Price
from oracle.world import World

STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
Judge = Callable[[World, Order], None]


def may_match(world: World, order: Order) -> bool:
    """C-01, B-01: an active order on an eligible bar that is matched and on which it is not done yet."""
    eligible = order.active and order.eligible_bar <= world.bar and order.rests_on != world.bar
    return eligible and world.matches(order.symbol)


def in_order_of_work(world: World) -> list[Order]:
    """C-03: reducing orders first, then opening ones, each in ascending number."""
    able = [order for order in world.live() if may_match(world, order)]
    reducing = [order for order in able if reducible(world, order) > 0.0]
    return reducing + [order for order in able if reducible(world, order) == 0.0]


def first_bar(world: World, order: Order) -> bool:
    """P-05: whether this is the first eligible bar, or the one at whose open the order's stop traded."""
    return world.bar in (order.eligible_bar, order.triggered_at_open)


def trigger(world: World, order: Order, reason: Reason) -> None:
    """P-07 to P-09: the stop trades; it stays triggered."""
    order.triggered = True
    if reason == Reason.STOP_AT_OPEN:
        order.triggered_at_open = world.bar
    world.move(order, OrderEvent.TRIGGER, reason)


def price_at_open(world: World, order: Order, bar: Bar) -> Price | None:
    """P-04, P-05, P-07, P-09: what an order is offered at the open; a stop that is reached triggers on the way."""
    rules, instrument = world.rules, world.instruments[order.symbol]
    opening = reducible(world, order) == 0.0
    if order.type == OrderType.MARKET:
        return Price(market_price(rules, bar), "market", Liquidity.TAKER, Reason.FILL_AT_OPEN)
    if order.type == OrderType.STOP and order.triggered:
        return Price(bar.open, "stop", Liquidity.TAKER, Reason.STOP_AT_OPEN)
    if order.type in STOPS and not order.triggered:
        if not stop_reached(order.side, bar.open, order.stop_price, rules):
            return None
        trigger(world, order, Reason.STOP_AT_OPEN)
        if order.type == OrderType.STOP:
            return Price(stop_base_at_open(order, bar, rules), "stop", Liquidity.TAKER, Reason.STOP_AT_OPEN)
        if rules.stop_limit == "next_bar_only":
            order.triggered_at_open = -1
            order.rests_on = world.bar
            return None
    return limit_at_open(order, bar, rules, instrument, opening=opening, first=first_bar(world, order))


def reached_at_open(world: World, order: Order, bar: Bar) -> bool:
    """C-03: whether the open is a price for the order."""
    if order.type == OrderType.MARKET:
        return world.rules.market_fill == "next_open" or world.rules.price_ref == "close"
    if order.type in STOPS and not order.triggered:
        return stop_reached(order.side, bar.open, order.stop_price, world.rules)
    if order.type == OrderType.STOP:
        return True
    instrument = world.instruments[order.symbol]
    beyond = order.side * (bar.open - order.limit_price) <= 0.0
    if first_bar(world, order) and reducible(world, order) == 0.0 and beyond:
        return True
    return limit_reached(order.side, bar.open, order.limit_price, world.rules, instrument)


def group_of(world: World, order: Order) -> list[Order]:
    """C-03, W-02: the orders judged together with this one: its OCO group, or the other exits of its parent."""
    if order.request.oco != 0:
        return [other for other in world.live() if other.request.oco == order.request.oco and may_match(world, other)]
    return [order]


def stops_first(orders: list[Order]) -> list[Order]:
    """W-02: stops before the others, each in ascending number."""
    return sorted(orders, key=lambda order: (order.type not in STOPS, order.number))


def rest(world: World, orders: list[Order]) -> None:
    """W-02: nothing more happens to these on this bar."""
    for order in orders:
        order.rests_on = world.bar


def judge_open(world: World, order: Order, bar: Bar) -> None:
    """P2: the first of the group that the open reaches fills, a stop before a target; then its children are judged."""
    members = [member for member in stops_first(group_of(world, order)) if reached_at_open(world, member, bar)]
    if not members:
        return
    taken = members[0]
    found = price_at_open(world, taken, bar)
    if found is None:
        return
    if len(members) > 1:
        rest(world, [member for member in group_of(world, order) if member is not taken])
    if world.rules.price_ref == "close":
        found = replace(found, base=bar.close, reason=Reason.FILL_AT_CLOSE)
    if execute(world, taken, found) > 0.0 and world.rules.price_ref == "range":
        for child in taken.children:  # W-06: at the open at once
            if may_match(world, child):
                judge_open(world, child, bar)


def open_phase(world: World) -> None:
    """C-02: P2."""
    for order in in_order_of_work(world):
        if may_match(world, order):
            judge_open(world, order, world.now(order.symbol))


def close_phase(world: World) -> None:
    """C-02, C-04, P-10: P4: market orders at their price, or every order against the close."""
    for order in in_order_of_work(world):
        if not may_match(world, order):
            continue
        bar = world.now(order.symbol)
        if world.rules.price_ref == "close":
            judge_open(world, order, Bar(bar.close, bar.close, bar.close, bar.close, bar.volume, bar.session_end))
        elif order.type == OrderType.MARKET and world.rules.market_fill != "next_open":
            at_close = world.rules.market_fill == "next_close"
            reason = Reason.FILL_AT_CLOSE if at_close else Reason.FILL_AT_AVERAGE
            execute(world, order, Price(market_price(world.rules, bar), "market", Liquidity.TAKER, reason))


def inside_phase(world: World) -> None:
    """C-02: P3."""
    for order in in_order_of_work(world):
        if may_match(world, order):
            judge_inside(world, order)


def exits_of(order: Order) -> Exits:
    """W-06: of the children that wait for the order's first fill the stop and the limit of lowest number."""
    waiting = [child for child in order.children if child.status == OrderStatus.VALIDATED and child.side != order.side]
    stops = [child for child in waiting if child.type == OrderType.STOP]
    limits = [child for child in waiting if child.type == OrderType.LIMIT]
    return Exits(stops[0] if stops else None, limits[0] if limits else None)


def judge_inside(world: World, order: Order) -> None:
    """P3: one order or one group against the rest of the bar's path."""
    group = group_of(world, order)
    if len(group) > 1:
        judge_exits(world, order, group)
        return
    scene = Scene(world.now(order.symbol), world.rules, world.instruments[order.symbol], exits_of(order))
    if order.type == OrderType.STOP_LIMIT and not order.triggered and world.rules.stop_limit == "next_bar_only":
        if reached_inside(order, scene):
            trigger(world, order, Reason.STOP_REACHED)
        return
    enter(world, order, scene)


def enter(world: World, order: Order, scene: Scene) -> None:
    """W-01, W-03 to W-06: the chosen outcome of an order and of the children it activates."""
    outcomes = inside(order, scene)
    if order.type in STOPS and not order.triggered and reached_inside(order, scene):
        trigger(world, order, Reason.STOP_REACHED)
    if not outcomes or world.has_no_volume(order.symbol):
        return
    chosen, ambiguous = choose(outcomes, world.rules)
    world.statistics.ambiguous_groups += ambiguous
    if chosen.entry is None:
        return
    if execute(world, order, chosen.entry, ambiguous=ambiguous) <= 0.0:
        return
    rest(world, order.children)
    leave(world, scene, chosen, ambiguous=ambiguous)


def leave(world: World, scene: Scene, chosen: Outcome, *, ambiguous: bool) -> None:
    """W-04: the exit of an outcome, by the child it belongs to."""
    child = {"stop": scene.exits.stop, "target": scene.exits.target}.get(chosen.word)
    if child is None or chosen.exit is None or not child.active:
        return
    if chosen.word == "stop":
        trigger(world, child, chosen.exit.reason)
    execute(world, child, chosen.exit, ambiguous=ambiguous)


def reached_inside(order: Order, scene: Scene) -> bool:
    """P-02 on adv for a stop that waits, P-03 on fav for a limit."""
    if order.type in STOPS and not order.triggered:
        return stop_reached(order.side, adv(order.side, scene.bar), order.stop_price, scene.rules)
    if order.type == OrderType.MARKET:
        return False
    return order.type != OrderType.STOP and scene.passes(order, fav(order.side, scene.bar))


def judge_exits(world: World, order: Order, group: list[Order]) -> None:
    """W-02: the members of a group that the bar reaches are admissible outcomes, each at its own price."""
    scene = Scene(world.now(order.symbol), world.rules, world.instruments[order.symbol])
    reached = [member for member in stops_first(group) if reached_inside(member, scene)]
    if not reached:
        return
    close = scene.bar.close
    outcomes, owners = [], []
    for member in reached:
        is_stop = member.type in STOPS
        found = stop_price_inside(member, scene) if is_stop else limit_price_inside(member, scene)
        outcomes.append(Outcome("stop" if is_stop else "target", member.side * (close - found.base), found))
        owners.append(member)
    if world.rules.path == "queue":
        outcomes, owners = outcomes[:1], owners[:1]
    chosen, ambiguous = choose(outcomes, world.rules)
    world.statistics.ambiguous_groups += ambiguous
    taken = owners[outcomes.index(chosen)]
    rest(world, [member for member in group if member is not taken])
    if taken.type in STOPS:
        trigger(world, taken, Reason.STOP_REACHED)
    assert chosen.entry is not None
    execute(world, taken, chosen.entry, ambiguous=ambiguous)
