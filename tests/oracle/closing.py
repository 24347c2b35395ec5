"""P4 and what else happens at a close: on-close orders, closes as prices, same_close, the end of the data."""

from admf_kernels.codes import Liquidity, OrderStatus, OrderType, Reason, TimeInForce
from oracle.filling import execute
from oracle.linked import cancel, last_bar, parent_lives, reducible, route
from oracle.prices import far_extreme, limit_reached, market_price, trigger_reached
from oracle.records import BECOMES_LIMIT, BECOMES_MARKET, STOP_LIMITS, Order, Price
from oracle.trails import set_limit, start_at_open
from oracle.turns import in_order_of_work, latch, left_this_bar, may_match, stop_limit_rule
from oracle.world import World


def judge_close(world: World, order: Order) -> None:
    """P-10: an order against the close alone."""
    rules, instrument, close = world.rules, world.instruments[order.symbol], world.now(order.symbol).close
    if order.type in (*BECOMES_MARKET, *BECOMES_LIMIT) and not order.triggered:
        if not trigger_reached(order, close, order.stop_price, rules):
            return
        if order.type in BECOMES_LIMIT:
            if order.type == OrderType.TRAILING_STOP_LIMIT:
                set_limit(world, order, order.stop_price)
            latch(world, order, 0.0, Reason.FILL_AT_CLOSE)
            if order.type in STOP_LIMITS and rules.stop_limit == "next_bar_only":
                return
    slip, liquidity = "market", Liquidity.TAKER
    if order.type in BECOMES_MARKET:
        slip = "stop"
    elif order.type == OrderType.LIMIT_ON_OPEN:
        if order.side * (close - order.limit_price) > 0.0:
            return
        slip = "limit_marketable"
    elif order.type not in (OrderType.MARKET, OrderType.MARKET_ON_OPEN, OrderType.MARKET_ON_CLOSE):
        if not limit_reached(order.side, close, order.limit_price, rules, instrument):
            return
        slip, liquidity = "limit", Liquidity.MAKER
        if order.type == OrderType.LIMIT_ON_CLOSE:
            slip, liquidity = "limit_marketable", Liquidity.TAKER
    filled = execute(world, order, Price(close, slip, liquidity, Reason.FILL_AT_CLOSE), first=world.bar + 1)
    if order.type in BECOMES_MARKET:
        latch(world, order, filled, Reason.FILL_AT_CLOSE)


def close_phase(world: World) -> None:
    """C-02, C-04, C-06, P-10, P-13, P-15: P4."""
    if world.rules.price_ref == "close":
        start_at_open(world)
    for order in in_order_of_work(world):
        if not may_match(world, order):
            continue
        if world.rules.price_ref == "close":
            judge_close(world, order)
            continue
        found = price_at_close(world, order)
        if found is not None:
            execute(world, order, found, first=world.bar + 1)


def price_at_close(world: World, order: Order) -> Price | None:
    """C-04, P-13, P-15: P4 where opens, highs and lows are prices too."""
    rules, instrument, bar = world.rules, world.instruments[order.symbol], world.now(order.symbol)
    if order.type == OrderType.MARKET and rules.market_fill != "next_open":
        at_close = rules.market_fill in ("next_close", "same_close")
        reason = Reason.FILL_AT_CLOSE if at_close else Reason.FILL_AT_AVERAGE
        return Price(market_price(rules, bar), "market", Liquidity.TAKER, reason)
    if order.type == OrderType.MARKET_ON_CLOSE:
        return Price(bar.close, "market", Liquidity.TAKER, Reason.FILL_AT_CLOSE)
    if order.type == OrderType.LIMIT_ON_CLOSE:
        reached = limit_reached(order.side, bar.close, order.limit_price, rules, instrument)
        return Price(bar.close, "limit_marketable", Liquidity.TAKER, Reason.FILL_AT_CLOSE) if reached else None
    through = order.side * (bar.close - order.limit_price) < 0.0
    if through and order.triggered and stop_limit_rule(order, rules) == "close_test":
        base = far_extreme(order.side, bar, order.limit_price)
        return Price(base, "limit_marketable", Liquidity.TAKER, Reason.FILL_AT_CLOSE)
    return None


def fill_at_this_close(world: World, order: Order) -> None:
    """C-02, T-03: a market order fills at the close of the bar that is over."""
    if order.status == OrderStatus.VALIDATED:
        route(world, order)
    if order.active and world.matches(order.symbol):
        close = world.now(order.symbol).close
        found = Price(close, "market", Liquidity.TAKER, Reason.FILL_AT_CLOSE)
        execute(world, order, found, first=world.bar + 1)


def end_immediate(world: World, order: Order) -> None:
    """T-02: remainders that may not wait."""
    word = order.request.time_in_force
    if order.active and order.expires_bar == world.bar and word in (TimeInForce.IOC, TimeInForce.FOK):
        cancel(world, order, Reason.IOC_REMAINDER if word == TimeInForce.IOC else Reason.FOK_NOT_COMPLETE)


def same_close(world: World, order: Order) -> None:
    """C-01, C-02: after its check."""
    waits = order.parent is not None and order.parent.filled == 0.0
    if world.rules.market_fill != "same_close" or order.type != OrderType.MARKET or waits or world.bar < 0:
        return
    if order.status == OrderStatus.VALIDATED and world.matches(order.symbol):
        order.eligible_bar, order.expires_bar = world.bar, last_bar(world, order, world.bar)  # T-01
        fill_at_this_close(world, order)
        end_immediate(world, order)


def fill_at_last_close(world: World) -> None:
    """T-03: live market orders without a living parent, in order of work (C-03)."""
    live = [order for order in world.live() if order.type == OrderType.MARKET and not parent_lives(order)]
    reducing = [order for order in live if reducible(world, order) > 0.0]
    for order in reducing + [order for order in live if order not in reducing]:
        if order.alive and not left_this_bar(world, order):
            fill_at_this_close(world, order)
