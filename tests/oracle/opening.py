"""P2: the open."""

from admf_kernels.codes import Liquidity, OrderType, Reason
from oracle.filling import execute
from oracle.linked import cancel, reducible
from oracle.prices import market_price, stop_base_at_open
from oracle.records import BECOMES_LIMIT, BECOMES_MARKET, ON_OPEN, PROTECTIVE, Order, Price
from oracle.trails import see_open, set_limit, start_at_open
from oracle.turns import (
    fills_at_stop,
    group_of,
    in_order_of_work,
    is_reached_at_open,
    latch,
    may_match,
    offer_to_limit,
    rest,
    stop_limit_rule,
    trigger_reason,
    would_take,
)
from oracle.world import World


def judge_open(world: World, order: Order) -> None:
    """P-04, P-05, P-07, P-09, P-12, P-13: P2 for one order that the open reaches."""
    found = open_price(world, order)
    if found is None:
        return
    rest(world, [order])
    filled = execute(world, order, found, first=world.bar)
    if order.type in BECOMES_MARKET:
        latch(world, order, filled, trigger_reason(order, at_open=True))


def open_price(world: World, order: Order) -> Price | None:
    """The price of an order at the open; None where its limit still waits, or rests until the next bar."""
    bar, rules = world.now(order.symbol), world.rules
    if order.type == OrderType.MARKET:
        return Price(market_price(rules, bar), "market", Liquidity.TAKER, Reason.FILL_AT_OPEN)
    if order.type in ON_OPEN:
        limited = order.type == OrderType.LIMIT_ON_OPEN
        slip, reason = ("limit_marketable", Reason.LIMIT_AT_OPEN) if limited else ("market", Reason.FILL_AT_OPEN)
        return Price(bar.open, slip, Liquidity.TAKER, reason)
    if order.type in BECOMES_MARKET:
        base = bar.open if order.triggered else stop_base_at_open(order, bar, rules)
        reason = Reason.FILL_AT_OPEN if order.triggered else trigger_reason(order, at_open=True)
        return Price(base, "stop", Liquidity.TAKER, reason)
    if order.type in BECOMES_LIMIT and not order.triggered:
        return trigger_at_open(world, order)
    return offer_to_limit(world, order)


def trigger_at_open(world: World, order: Order) -> Price | None:
    """P-09, P-12, P-15: the open is at or beyond the trigger of an order that becomes a limit."""
    if order.type == OrderType.TRAILING_STOP_LIMIT:
        set_limit(world, order, order.stop_price)
    latch(world, order, 0.0, trigger_reason(order, at_open=True))
    order.triggered_at_open = world.bar
    rule = stop_limit_rule(order, world.rules)
    if rule == "close_test":
        return None
    if rule == "next_bar_only" or (rule == "marketable_at_stop" and not fills_at_stop(order, world.now(order.symbol))):
        rest(world, [order])
        return None
    if rule == "marketable_at_stop":
        return Price(order.stop_price, "limit_marketable", Liquidity.TAKER, Reason.STOP_AT_OPEN)
    return offer_to_limit(world, order)


def open_turn(world: World, order: Order) -> None:
    """W-02, W-06: the turn of a group at the open: the first stop reached, else the order; then its children."""
    queue = [order]
    while queue:
        current = queue.pop(0)
        if may_match(world, current) and would_take(world, current):
            cancel(world, current, Reason.POST_ONLY_WOULD_TAKE)
        if not may_match(world, current) or not is_reached_at_open(world, current):
            continue
        group = group_of(world, current)
        stops = [member for member in group if member.type in PROTECTIVE and is_reached_at_open(world, member)]
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
        queue += sorted(grown, key=lambda child: (child.type not in PROTECTIVE, child.number))


def open_phase(world: World) -> None:
    """C-02, R-02, R-04: P2."""
    start_at_open(world)
    for order in in_order_of_work(world):
        open_turn(world, order)
    see_open(world)
