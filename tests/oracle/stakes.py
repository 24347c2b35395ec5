"""Sizes that a risk manager gives, and what a portfolio may lose until its stops: K-07 and K-08."""

from collections.abc import Sequence
from math import inf, isfinite, isnan, sqrt

from admf_kernels.codes import ActionKind, OrderType, SizeKind
from oracle.funds import floored
from oracle.linked import is_waiting
from oracle.records import Order
from oracle.world import World


def asked_price(world: World, order: Order) -> float:
    """K-01: L, else S, else the mark."""
    for price in (order.limit_price, order.stop_price):
        if not isnan(price):
            return price
    return world.positions[order.symbol].mark


def has_no_size(world: World, order: Order) -> bool:
    """K-07: sent without units, on its own, to open."""
    request = order.request
    if world.rules.risk is None or world.rules.risk.sizing[0] == "none" or request.reduce_only:
        return False
    known = 0 <= request.symbol < len(world.positions) and request.side in (1, -1)
    return known and request.parent == -1 and request.size_kind == SizeKind.QUANTITY and isnan(request.quantity)


def returns(world: World, symbol: int, window: int) -> list[float]:
    """K-07: the last returns of a symbol that there are, each in units of its own bar."""
    found = []
    for bar in range(max(1, world.bar - window + 1), world.bar + 1):
        before, after = world.bars[symbol][bar - 1].close, world.bars[symbol][bar].close
        if not (isfinite(before) and isfinite(after) and before > 0.0 and after > 0.0):
            continue
        ratio = after / before
        if any(kind == ActionKind.SPLIT for _, _, kind, _ in world.actions):
            ratio = ratio * (product_of_splits(world, symbol, bar) / product_of_splits(world, symbol, bar - 1))
        found.append(ratio)
    return found


def product_of_splits(world: World, symbol: int, last: int) -> float:
    """D-08: F, in order of the bars."""
    product = 1.0
    for bar in range(last + 1):
        here = 1.0
        for at, which, kind, ratio in world.actions:
            if (at, which, kind) == (bar, symbol, ActionKind.SPLIT):
                here *= ratio
        product *= here
    return product


def deviation(world: World, symbol: int, window: int) -> float:
    """K-07: their standard deviation, ddof 1."""
    ratios = returns(world, symbol, window)
    if len(ratios) < 2:
        return 0.0
    total = squares = 0.0
    for ratio in ratios:
        total += ratio - 1.0
    mean = total / len(ratios)
    for ratio in ratios:
        squares += (ratio - 1.0 - mean) * (ratio - 1.0 - mean)
    return sqrt(squares / (len(ratios) - 1))


def kelly(world: World, won: float, payoff: float, fraction: float, cap: float, trips: float) -> float:
    """K-07: the share of the equity; the account's own figures once it has closed so many round trips."""
    its = world.statistics
    if 0.0 < trips <= its.trips:
        if not its.trips_won:
            return 0.0
        won, payoff = its.trips_won / its.trips, inf
        if its.loss_sum > 0.0:
            payoff = (its.profit_sum / its.trips_won) / (its.loss_sum / (its.trips - its.trips_won))
    return min(cap, fraction * (won - (1.0 - won) / payoff))


def size(world: World, order: Order) -> float:
    """K-07: the units of an order without any, to the lot; 0 where the model knows none."""
    assert world.rules.risk is not None
    word, *numbers = world.rules.risk.sizing
    price, equity = asked_price(world, order), world.equity()
    multiplier = world.instruments[order.symbol].multiplier
    money, unit = numbers[0], price * multiplier
    if word == "fixed_quantity":
        unit = 1.0
    elif word == "equity_share":
        money = numbers[0] * equity
    elif word == "volatility_target":
        money, unit = numbers[0] * equity, deviation(world, order.symbol, int(numbers[1])) * unit
    elif word == "stop_risk":
        money, unit = numbers[0] * equity, order.side * (price - order.request.protected_at) * multiplier
    elif word == "kelly":
        money = kelly(world, *numbers) * equity
    if not unit > 0.0 or not money > 0.0:
        return 0.0
    return floored(money / unit, world.instruments[order.symbol])


def loss(side: int, price: float, protected_at: float) -> float:
    """K-08: of a unit, in price."""
    return price if isnan(protected_at) else max(0.0, side * (price - protected_at))


def loss_of_position(world: World, symbol: int, price: float) -> float:
    """K-08: until its stops in ascending number, what they do not cover whole."""
    held = world.positions[symbol].quantity
    side, left, total = (1 if held > 0.0 else -1), abs(held), 0.0
    if held == 0.0:
        return 0.0
    for order in world.live():
        stops = order.type in (OrderType.STOP, OrderType.TRAILING_STOP)
        if order.symbol == symbol and order.side == -side and stops and not is_waiting(order) and order.remaining > 0.0:
            units = min(left, order.remaining)
            total += units * loss(side, price, order.stop_price)
            left -= units
    return (total + left * price) * world.instruments[symbol].multiplier


def loss_of_order(world: World, order: Order, units: float) -> float:
    """K-08: of what it opens beyond the position."""
    opened = units - max(0.0, -order.side * world.positions[order.symbol].quantity)
    if not opened > 0.0:
        return 0.0
    lost = loss(order.side, asked_price(world, order), order.protected_at)
    return opened * lost * world.instruments[order.symbol].multiplier


def loss_of_all(world: World, orders: Sequence[tuple[Order, float]]) -> float:
    """K-08: positions at their marks, then orders with what they may still fill."""
    positions = orders_too = 0.0
    for symbol, position in enumerate(world.positions):
        positions += loss_of_position(world, symbol, position.mark)
    for order, units in orders:
        orders_too += loss_of_order(world, order, units)
    return positions + orders_too
