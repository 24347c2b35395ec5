"""Money: reserves at submission, sizes given as money or share, what free cash can pay."""

from collections.abc import Callable
from math import floor, isfinite

from admf_kernels.codes import OrderType, SizeKind
from oracle.costs import fee, slippage
from oracle.records import Instrument, Order
from oracle.world import World

LOT_SLACK = 1e-9


def tolerance(money: float) -> float:
    """A-04: what a sum of money may be overdrawn by rounding."""
    return max(1e-12, 1e-9 * money)


def floored(quantity: float, instrument: Instrument) -> float:
    """V-03: down to the lot."""
    if instrument.lot == 0.0:
        return quantity
    return floor(quantity / instrument.lot + LOT_SLACK) * instrument.lot


def weight(world: World, side: int) -> float:
    """A-02: the share w of an opening's value that it needs in free cash."""
    if side > 0 or world.rules.short == "forbidden":
        return 1.0
    return world.rules.margin_initial if world.rules.short == "margin" else 0.0


def opposite(world: World, order: Order) -> bool:
    """Whether the order is on the other side of a position."""
    return order.side * world.positions[order.symbol].quantity < 0.0


def opening_quantity(world: World, order: Order) -> float:
    """A-02: q₀."""
    if order.reduce_only:
        return 0.0
    if not opposite(world, order):
        return order.quantity
    return order.quantity - min(order.quantity, abs(world.positions[order.symbol].quantity))


def reference_price(world: World, order: Order, quantity: float) -> float | None:
    """A-02: r, None for a market order before the first bar."""
    if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        return order.limit_price
    bar = world.now(order.symbol) if world.bar >= 0 else None
    if order.type == OrderType.STOP:
        base, word = order.stop_price, "stop"
    elif bar is None:
        return None
    else:
        base, word = world.positions[order.symbol].mark, "market"
    used = world.used(order.symbol) if bar is not None else 0.0
    instrument = world.instruments[order.symbol]
    return base + order.side * slippage(world.rules, instrument, bar, word, base, quantity, used)


def sized_money(world: World, order: Order, equity: float) -> float:
    """A-06, A-02: the money that a size means."""
    if order.request.size_kind == SizeKind.VALUE:
        return order.request.size_amount
    if order.request.size_kind == SizeKind.EQUITY_FRACTION:
        return order.request.size_amount * equity
    return order.request.size_amount * world.free


def reserves(world: World) -> float:
    """A-02: what live orders hold back, ascending number."""
    total = 0.0
    for order in world.live():
        if order.reserve != 0.0:
            sized = order.quantity != order.quantity
            total += order.reserve if sized else order.reserve * order.remaining
    return total


def reserve(world: World, order: Order) -> bool:
    """A-02: whether free cash covers the order, and the reserve that it makes."""
    if order.parent is not None or world.rules.cash_submit == "none":
        return True
    if order.request.size_kind != SizeKind.QUANTITY:
        if opposite(world, order):
            return True
        need = sized_money(world, order, world.equity())
        held = need
    else:
        opening = opening_quantity(world, order)
        if opening <= 0.0:
            return True
        price = reference_price(world, order, opening)
        if price is None:
            return True
        value = opening * price * world.instruments[order.symbol].multiplier
        need = value * weight(world, order.side) + fee(world.rules, opening, value)
        held = need / order.quantity
    if not need <= world.free - reserves(world) + tolerance(need):
        return False
    order.reserve = held
    return True


def fitted(
    budget: float, start: float, cost_of: Callable[[float], float], money_of: Callable[[float], float], lot: Instrument
) -> float:
    """A-06: the largest quantity whose cost is within the budget, found as the rule says."""
    quantity = start
    for _ in range(32):
        cost = cost_of(quantity)
        if abs(cost - budget) <= 1e-12 * budget:
            break
        quantity = quantity * (budget / cost)
    quantity = floored(quantity, lot)
    for _ in range(4):
        if quantity <= 0.0 or cost_of(quantity) <= budget + tolerance(money_of(quantity)):
            return max(quantity, 0.0)
        quantity = quantity - lot.lot if lot.lot > 0.0 else 0.0
    return 0.0 if not isfinite(quantity) or cost_of(quantity) > budget + tolerance(money_of(quantity)) else quantity
