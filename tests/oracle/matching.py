"""The phases that match orders: open, inside the bar, close."""

from admf_kernels.codes import Liquidity, OrderEvent, OrderType, Reason
from oracle.filling import execute
from oracle.linked import reducible
from oracle.outcomes import Exits, Outcome, Scene, choose, inside, limit_price_inside, stop_price_inside
from oracle.prices import adv, fav, limit_at_open, limit_reached, market_price, stop_base_at_open, stop_reached
from oracle.records import Bar, Order, Price
from oracle.world import World

STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)


def may_match(world: World, order: Order) -> bool:
    """C-01, B-01, W-02, W-06: an active order on an eligible bar that is matched and on which it is not done yet."""
    if not order.active or order.eligible_bar > world.bar or order.rests_on == world.bar:
        return False
    return world.matches(order.symbol) and not order.remaining <= 0.0 and not left_this_bar(world, order)


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
    """P-07, V-01: a stop that traded without filling completely stays triggered; told where nothing filled."""
    if order.active and not order.triggered:
        order.triggered = True
        if filled == 0.0:
            world.move(order, OrderEvent.TRIGGER, reason)


def group_of(world: World, order: Order) -> list[Order]:
    """C-03, W-02: what is judged with this order: its OCO group, or without one the other exits of its parent."""
    if order.type not in (OrderType.STOP, OrderType.LIMIT):
        return [order]
    able = [other for other in world.live() if may_match(world, other) or other is order]
    able = [other for other in able if other.type in (OrderType.STOP, OrderType.LIMIT)]
    if order.request.oco != 0:
        return [other for other in able if other.request.oco == order.request.oco]
    if order.parent is None or order.side == order.parent.side:
        return [order]
    same = [other for other in able if other.parent is order.parent and other.request.oco == 0]
    return [other for other in same if other.side == order.side]


# P2 ------------------------------------------------------------------------------------------------------------------


def is_first_bar(world: World, order: Order) -> bool:
    """P-05: whether this is the first eligible bar, or the one at whose open the order's stop traded."""
    return world.bar in (order.eligible_bar, order.triggered_at_open)


def is_reached_at_open(world: World, order: Order) -> bool:
    """P-04, P-05, P-07: whether the open is a price for the order."""
    bar, rules = world.now(order.symbol), world.rules
    if order.type == OrderType.MARKET:
        return rules.market_fill == "next_open"
    if order.type in STOPS and not order.triggered:
        return stop_reached(order.side, bar.open, order.stop_price, rules)
    return order.type == OrderType.STOP or offer_to_limit(world, order) is not None


def offer_to_limit(world: World, order: Order) -> Price | None:
    """P-05."""
    bar, instrument = world.now(order.symbol), world.instruments[order.symbol]
    return limit_at_open(order, bar, world.rules, instrument, first=is_first_bar(world, order))


def judge_open(world: World, order: Order) -> None:
    """P-04, P-05, P-07, P-09: P2 for one order that the open reaches."""
    bar, rules = world.now(order.symbol), world.rules
    if order.type == OrderType.MARKET:
        found = Price(market_price(rules, bar), "market", Liquidity.TAKER, Reason.FILL_AT_OPEN)
    elif order.type == OrderType.STOP:
        base = bar.open if order.triggered else stop_base_at_open(order, bar, rules)
        reason = Reason.FILL_AT_OPEN if order.triggered else Reason.STOP_AT_OPEN
        found = Price(base, "stop", Liquidity.TAKER, reason)
    else:
        if order.type == OrderType.STOP_LIMIT and not order.triggered:
            latch(world, order, 0.0, Reason.STOP_AT_OPEN)
            order.triggered_at_open = world.bar
            if rules.stop_limit == "next_bar_only":
                rest(world, [order])
                return
        offer = offer_to_limit(world, order)
        if offer is None:
            return
        found = offer
    rest(world, [order])
    filled = execute(world, order, found, first=world.bar)
    if order.type == OrderType.STOP:
        latch(world, order, filled, Reason.STOP_AT_OPEN)


def open_turn(world: World, order: Order) -> None:
    """W-02, W-06: the turn of a group at the open: the first stop reached, else the order; then its children."""
    queue = [order]
    while queue:
        current = queue.pop(0)
        if not may_match(world, current) or not is_reached_at_open(world, current):
            continue
        group = group_of(world, current)
        stops = [member for member in group if member.type == OrderType.STOP and is_reached_at_open(world, member)]
        taken = stops[0] if stops else current
        if len(group) > 1:
            rest(world, group)
        filled = taken.filled
        judge_open(world, taken)
        if taken.filled == filled:
            continue
        grown = [child for child in taken.children if may_match(world, child)]
        for child in grown:
            child.opens = reducible(world, child) == 0.0
        queue += sorted(grown, key=lambda child: (child.type != OrderType.STOP, child.number))


def open_phase(world: World) -> None:
    """C-02: P2."""
    for order in in_order_of_work(world):
        open_turn(world, order)


# P3 ------------------------------------------------------------------------------------------------------------------


def is_reached_inside(order: Order, scene: Scene) -> bool:
    """P-06, P-08, P-09: P-02 on adv for a stop that waits, P-03 on fav for a limit."""
    if order.type in STOPS and not order.triggered:
        return stop_reached(order.side, adv(order.side, scene.bar), order.stop_price, scene.rules)
    return order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and scene.passes(order, fav(order.side, scene.bar))


def exits_of(order: Order) -> Exits:
    """W-06: of the order's live exits the stop and the limit of lowest number."""
    waiting = [child for child in order.children if child.alive and child.side != order.side]
    stops = [child for child in waiting if child.type == OrderType.STOP]
    limits = [child for child in waiting if child.type == OrderType.LIMIT]
    return Exits(stops[0] if stops else None, limits[0] if limits else None)


def inside_turn(world: World, order: Order) -> None:
    """P3 for one order or its group."""
    scene = Scene(world.now(order.symbol), world.rules, world.instruments[order.symbol], exits_of(order))
    if not may_match(world, order) or not is_reached_inside(order, scene):
        return
    if order.type == OrderType.STOP_LIMIT or order.children:
        enter(world, order, scene)
    else:
        leave(world, order, scene)


def enter(world: World, order: Order, scene: Scene) -> None:
    """W-01, W-03 to W-06: the chosen outcome of an order and of the children it activates."""
    outcomes = inside(order, scene)
    if order.type == OrderType.STOP_LIMIT:
        was_triggered = order.triggered
        latch(world, order, 0.0, Reason.STOP_REACHED)
        if not was_triggered and world.rules.stop_limit == "next_bar_only":
            return
    if not outcomes:
        return
    rest(world, [order])
    chosen, ambiguous = choose(outcomes, world.rules)
    world.statistics.ambiguous_groups += ambiguous
    if chosen.entry is None:
        return
    filled = execute(world, order, chosen.entry, ambiguous=ambiguous, first=world.bar + 1)
    if order.type == OrderType.STOP:
        latch(world, order, filled, Reason.STOP_REACHED)
    child = {"stop": scene.exits.stop, "target": scene.exits.target}.get(chosen.word)
    if filled > 0.0 and child is not None and child.active and child.remaining > 0.0:
        assert chosen.exit is not None
        take_exit(world, child, chosen.exit, ambiguous=ambiguous)


def take_exit(world: World, order: Order, found: Price, *, ambiguous: bool) -> None:
    """W-02, W-04: the exit that an outcome chose."""
    rest(world, [order])
    filled = execute(world, order, found, ambiguous=ambiguous, first=world.bar + 1)
    if order.type == OrderType.STOP:
        latch(world, order, filled, found.reason)


def leave(world: World, order: Order, scene: Scene) -> None:
    """W-02: the stop and the target that the bar reaches are admissible outcomes, each at its own price."""
    members = [member for member in group_of(world, order) if not member.children and is_reached_inside(member, scene)]
    pair = [order]
    if order.type == OrderType.STOP:
        pair += [member for member in members if member.type == OrderType.LIMIT][:1]
    else:
        pair = [member for member in members if member.type == OrderType.STOP][:1] + pair
    outcomes = []
    for member in pair:
        is_stop = member.type == OrderType.STOP
        found = stop_price_inside(member, scene) if is_stop else limit_price_inside(member, scene)
        value = member.side * (scene.bar.close - found.base)
        outcomes.append(Outcome("stop" if is_stop else "target", value, found))
    if world.rules.path == "queue":
        outcomes = outcomes[:1]
    chosen, ambiguous = choose(outcomes, world.rules)
    world.statistics.ambiguous_groups += ambiguous
    rest(world, pair)
    assert chosen.entry is not None
    take_exit(world, pair[outcomes.index(chosen)], chosen.entry, ambiguous=ambiguous)


def inside_phase(world: World) -> None:
    """C-02: P3."""
    for order in in_order_of_work(world):
        inside_turn(world, order)


# P4 ------------------------------------------------------------------------------------------------------------------


def judge_close(world: World, order: Order, bar: Bar) -> None:
    """P-10: an order against the close alone."""
    rules, instrument = world.rules, world.instruments[order.symbol]
    if order.type == OrderType.MARKET:
        found = Price(bar.close, "market", Liquidity.TAKER, Reason.FILL_AT_CLOSE)
    elif order.type == OrderType.STOP:
        if not order.triggered and not stop_reached(order.side, bar.close, order.stop_price, rules):
            return
        found = Price(bar.close, "stop", Liquidity.TAKER, Reason.FILL_AT_CLOSE)
    else:
        if order.type == OrderType.STOP_LIMIT and not order.triggered:
            if not stop_reached(order.side, bar.close, order.stop_price, rules):
                return
            latch(world, order, 0.0, Reason.FILL_AT_CLOSE)
            if rules.stop_limit == "next_bar_only":
                return
        if not limit_reached(order.side, bar.close, order.limit_price, rules, instrument):
            return
        found = Price(bar.close, "limit", Liquidity.MAKER, Reason.FILL_AT_CLOSE)
    filled = execute(world, order, found, first=world.bar + 1)
    if order.type == OrderType.STOP:
        latch(world, order, filled, Reason.FILL_AT_CLOSE)


def close_phase(world: World) -> None:
    """C-02, C-04, P-10: P4: market orders at their price, or every order against the close."""
    rules = world.rules
    for order in in_order_of_work(world):
        bar = world.now(order.symbol)
        if not may_match(world, order):
            continue
        if rules.price_ref == "close":
            judge_close(world, order, bar)
        elif order.type == OrderType.MARKET and rules.market_fill != "next_open":
            reason = Reason.FILL_AT_CLOSE if rules.market_fill == "next_close" else Reason.FILL_AT_AVERAGE
            found = Price(market_price(rules, bar), "market", Liquidity.TAKER, reason)
            execute(world, order, found, first=world.bar + 1)
