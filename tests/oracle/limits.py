"""The limits of a run on its orders: the K rules."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, isnan

from admf_kernels.codes import OrderEvent, Reason, Side, SizeKind, TimeInForce
from oracle.funds import floored
from oracle.linked import DUST, end
from oracle.records import NEVER, Limits, Order
from oracle.stakes import has_no_size, loss, loss_of_all, loss_of_position, size
from oracle.world import World


def limits_of(world: World) -> Limits:
    """The limits of the run; none where it has none."""
    return world.rules.risk or Limits()


def price_of(world: World, order: Order) -> float:
    """K-01: L, else S, else the mark; of an order that has not been checked as it was sent."""
    for price in (order.limit_price, order.stop_price):
        if not isnan(price):
            return price
    return world.positions[order.symbol].mark


def unit_value(world: World, order: Order) -> float:
    """K-01: money a unit at that price."""
    return price_of(world, order) * world.instruments[order.symbol].multiplier


def units_of(world: World, order: Order) -> float:
    """K-01: the units that an order asks for; money at its price. A resolved size is still the money it was."""
    kind, size = order.request.size_kind, order.request.size_amount
    if kind == SizeKind.QUANTITY:
        return order.quantity
    if kind == SizeKind.EQUITY_FRACTION:
        size *= world.equity()
    elif kind == SizeKind.CASH_FRACTION:
        size *= world.free
    return size / unit_value(world, order)


def left(world: World, order: Order) -> float:
    """K-02: what it may still fill; a child waits for its parent."""
    units = units_of(world, order) - order.filled
    return max(units, 0.0) if not isnan(units) else 0.0


def only_reduces(order: Order) -> bool:
    """K-01: reduce-only, or on the other side of its parent."""
    return order.reduce_only or order.request.reduce_only or (
        order.parent is not None and order.parent.side != order.side
    )  # fmt: skip


def reach(world: World, earlier: Sequence[Order], symbol: int, side: int) -> float:
    """K-02: how far a position gets if the live orders and the earlier ones of the bar fill on that side."""
    exits = others = 0.0
    for order in [*world.live(), *earlier]:
        if order.symbol == symbol and order.side == side:
            if only_reduces(order):
                exits += left(world, order)
            else:
                others += left(world, order)
    position = side * world.positions[symbol].quantity
    return (min(position + exits, 0.0) if position < 0.0 else position) + others


def exposures(world: World, earlier: Sequence[Order], but: int, side: int) -> tuple[float, float]:
    """K-03: gross and net value of what the other symbols reach."""
    gross = net = 0.0
    for symbol, position in enumerate(world.positions):
        if symbol == but or isnan(position.mark):
            continue
        worth = position.mark, world.instruments[symbol].multiplier
        units = max(0.0, reach(world, earlier, symbol, 1), reach(world, earlier, symbol, -1))
        gross += units * worth[0] * worth[1]
        net += reach(world, earlier, symbol, side) * worth[0] * worth[1]
    return gross, net


def may_open(world: World, symbol: int, side: int) -> bool:
    """K-05: the side and the symbol are allowed, and there is no halt."""
    limits = limits_of(world)
    allowed = limits.long if side == Side.BUY else limits.short
    return allowed and symbol not in limits.barred and world.bar > world.halted_until


def most(limits: Limits, equity: float, gross: float, net: float, money: float) -> float:
    """K-02, K-03: units that a position may have where a unit is worth so much."""
    bounds = [inf]
    if limits.max_position_size is not None:
        bounds.append(limits.max_position_size)
    if limits.max_portfolio_heat is not None:
        bounds.append((limits.max_portfolio_heat * equity - gross) / money)
    if limits.max_net_exposure is not None:
        bounds.append((limits.max_net_exposure * equity - net) / money)
    if limits.max_concentration is not None:
        bounds.append(limits.max_concentration * equity / money)
    return max(0.0, min(bounds))


def values_positions(limits: Limits) -> bool:
    """K-03: whether a limit needs to know what a unit is worth."""
    shares = (limits.max_portfolio_heat, limits.max_net_exposure, limits.max_concentration)
    return any(share is not None for share in shares)


def most_of_order(world: World, order: Order) -> float:
    """K-04: units that one order may ask for."""
    limits, mark = limits_of(world), world.positions[order.symbol].mark
    if limits.price_collar is not None:
        for price in (order.limit_price, order.stop_price):
            if abs(price - mark) > limits.price_collar * mark:
                return 0.0
    bounds = [inf if limits.max_order_size is None else limits.max_order_size]
    if limits.max_order_value is not None:
        if isnan(unit_value(world, order)):
            return 0.0
        bounds.append(limits.max_order_value / unit_value(world, order))
    return min(bounds)


def allowed_at_submission(world: World, order: Order, earlier: Sequence[Order]) -> float:
    """K-01 to K-05: the units that the limits leave of an order; NaN where they have nothing to say."""
    units, limits = units_of(world, order), limits_of(world)
    if isnan(units):
        return units if order.request.size_kind == SizeKind.QUANTITY else 0.0
    asked = min(units, most_of_order(world, order))
    held = 0.0
    if may_open(world, order.symbol, order.side):
        gross = net = 0.0
        if values_positions(limits):
            if isnan(unit_value(world, order)):
                return 0.0
            gross, net = exposures(world, earlier, order.symbol, order.side)
        held = most(limits, world.equity(), gross, net, unit_value(world, order))
    allowed = max(0.0, min(asked, held - reach(world, earlier, order.symbol, order.side)))
    return min(allowed, covered_by_risk(world, order, earlier))


def covered_by_risk(world: World, order: Order, earlier: Sequence[Order]) -> float:
    """K-08: what the limit on losses leaves of an order: what it closes, and so much beyond."""
    most_risk, symbol = limits_of(world).max_portfolio_risk, order.symbol
    if most_risk is None:
        return inf
    closing = max(0.0, -order.side * world.positions[symbol].quantity)
    lost = loss(order.side, price_of(world, order), order.protected_at) * world.instruments[symbol].multiplier
    if isnan(lost):
        return closing
    if lost == 0.0:
        return inf
    others = [(other, left(world, other)) for other in [*world.live(), *earlier] if not only_reduces(other)]
    taken = loss_of_all(world, others)
    return closing + max(0.0, (most_risk * world.equity() - taken) / lost)


def is_one_too_many(world: World) -> bool:
    """K-04: one more order in the session."""
    place = max(world.bar, 0)
    if place > world.counted[0]:
        world.counted = (world.bars[0][place].session_end, 0)
    world.counted = (world.counted[0], world.counted[1] + 1)
    most_orders = limits_of(world).max_session_orders
    return most_orders is not None and world.counted[1] > most_orders


def limit_all(world: World, arrived: Sequence[Order]) -> None:
    """K-01, K-07: each order of the bar in its turn."""
    if world.rules.risk is None:
        return
    for place, order in enumerate(arrived):
        if only_reduces(order):
            continue
        if has_no_size(world, order):
            order.quantity = size(world, order)
            order.request, order.cut = replace(order.request, quantity=order.quantity), order.quantity == 0.0
        known = 0 <= order.symbol < len(world.positions) and order.side in list(Side)
        allowed = allowed_at_submission(world, order, arrived[:place]) if known else order.quantity
        unlimited = not known or isnan(allowed) or allowed >= units_of(world, order)
        if is_one_too_many(world):
            allowed, unlimited = 0.0, False
        if not unlimited:
            order.quantity, order.cut = allowed, True
            order.request = replace(order.request, quantity=allowed, size_kind=SizeKind.QUANTITY)


def allowed_at_fill(world: World, order: Order, base: float, wanted: float) -> float:
    """K-06: what the limits leave of a fill at a base price; the order is cut to it, or ends."""
    if world.rules.risk is None:
        return wanted
    symbol, side = order.symbol, order.side
    position = world.positions[symbol].quantity
    held = max(0.0, -side * position)
    closing = wanted if held > 0.0 and abs(wanted - held) <= DUST * wanted else min(wanted, held)
    if wanted - closing <= DUST * wanted:
        return wanted
    room = 0.0
    if may_open(world, symbol, side):
        gross = net = 0.0
        for other, its in enumerate(world.positions):
            if other != symbol and its.quantity != 0.0:
                worth = its.quantity * its.mark * world.instruments[other].multiplier
                gross += abs(worth)
                net += side * worth
        money = base * world.instruments[symbol].multiplier
        bound = most(limits_of(world), world.equity((symbol, base)), gross, net, money)
        room = max(0.0, bound - max(0.0, side * position + closing))
        room = min(room, room_for_risk(world, order, base, closing))
    if wanted - closing - room <= DUST * wanted:
        return wanted
    if order.request.time_in_force == TimeInForce.FOK:
        return 0.0
    allowed = closing + floored(room, world.instruments[symbol])
    if allowed <= DUST * wanted:
        end(world, order, OrderEvent.FUNDS_FAIL, Reason.RISK_LIMIT)
        return 0.0
    order.quantity = order.filled + allowed
    world.move(order, OrderEvent.AMEND, Reason.RISK_LIMIT)
    return allowed


def room_for_risk(world: World, order: Order, base: float, closing: float) -> float:
    """K-08: units that a fill may open; a position that it has just closed loses nothing any more."""
    most_risk, symbol = limits_of(world).max_portfolio_risk, order.symbol
    lost = loss(order.side, base, order.protected_at) * world.instruments[symbol].multiplier
    if most_risk is None or not lost > 0.0:
        return inf
    taken = 0.0
    for other, position in enumerate(world.positions):
        if other != symbol:
            taken += loss_of_position(world, other, position.mark)
    if closing == 0.0:
        taken += loss_of_position(world, symbol, base)
    return max(0.0, (most_risk * world.equity((symbol, base)) - taken) / lost)


def watch(world: World) -> None:
    """K-05: after the marks of a bar: a halt for the rest of the session, or for the cool-down of a drawdown."""
    limits, equity = limits_of(world), world.equity()
    world.halt_peak = max(world.halt_peak, equity)
    if limits.max_daily_loss is not None and equity <= world.statistics.sample * (1.0 - limits.max_daily_loss):
        world.halted_until = max(world.halted_until, world.now(0).session_end)
    if limits.max_drawdown is not None and equity <= world.halt_peak * (1.0 - limits.max_drawdown):
        pause = NEVER if limits.cool_down_bars is None else world.bar + limits.cool_down_bars
        world.halted_until, world.halt_peak = max(world.halted_until, pause), equity
