"""Money: reserves at submission, sizes given as money or share, what free cash can pay."""

from collections.abc import Callable
from math import floor, inf, isfinite, isnan, nan

from admf_kernels.codes import Liquidity, SizeKind
from oracle.costs import fill_fee, slippage
from oracle.prices import order_prices
from oracle.records import TRAILS, Instrument, Order
from oracle.world import World

LOT_SLACK = 1e-9


def tolerance(money: float) -> float:
    """A-04: what a sum of money may be overdrawn by rounding."""
    return max(1e-12, 1e-9 * money)


def floored(quantity: float, instrument: Instrument) -> float:
    """V-03: down to the lot."""
    if instrument.lot == 0.0 or not isfinite(quantity):
        return quantity
    return floor(quantity / instrument.lot + LOT_SLACK) * instrument.lot


def weight(world: World, side: int) -> float:
    """A-02: the share w of an opening's value that it needs in free cash."""
    if world.rules.leverage > 1.0:
        return 1.0 / world.rules.leverage
    if side > 0:
        return 1.0
    return world.rules.margin_initial if world.rules.short == "margin" else 0.0


def is_opposite(world: World, order: Order) -> bool:
    """Whether the order is on the other side of a position."""
    return order.side * world.positions[order.symbol].quantity < 0.0


def opening_quantity(world: World, order: Order) -> float:
    """A-02: q₀."""
    if order.reduce_only:
        return 0.0
    if not is_opposite(world, order):
        return order.quantity
    return order.quantity - min(order.quantity, abs(world.positions[order.symbol].quantity))


def reference_price(world: World, order: Order, quantity: float) -> float | None:
    """A-02: r, None for what goes by the market before the first bar or before the first valid close."""
    if not isnan(order.limit_price):
        return order.limit_price
    trigger = trigger_price(world, order)
    word = "market" if isnan(trigger) and order.type not in TRAILS else "stop"
    base = world.positions[order.symbol].mark if isnan(trigger) else trigger
    if world.bar < 0:
        return None if isnan(trigger) else base
    if isnan(base):
        return None
    return base + order.side * slippage(world, order, word, base, quantity)


def trigger_price(world: World, order: Order) -> float:
    """A-02: S of an order without a limit, NaN without one; a trail has the one that it was sent with."""
    if order.type not in TRAILS:
        return order.stop_price
    _, stop = order_prices(order, nan, order.request.stop_price, world.instruments[order.symbol])
    return stop if order.parent is None else nan


def sized_money(world: World, order: Order, equity: float) -> float:
    """A-06, A-02: the money that a size means."""
    if order.request.size_kind == SizeKind.VALUE:
        return order.request.size_amount
    if order.request.size_kind == SizeKind.EQUITY_FRACTION:
        return order.request.size_amount * equity
    return order.request.size_amount * world.free


def needed(world: World, order: Order) -> float:
    """A-02: the free cash that an order needs at submission."""
    if order.request.size_kind != SizeKind.QUANTITY:
        if order.reduce_only or is_opposite(world, order):
            return 0.0
        return sized_money(world, order, world.equity()) * weight(world, order.side)
    opening = opening_quantity(world, order)
    if opening <= 0.0:
        return 0.0
    price = reference_price(world, order, opening)
    if price is None:
        return 0.0
    value = opening * price * world.instruments[order.symbol].multiplier
    return value * weight(world, order.side) + fill_fee(world, order, Liquidity.TAKER, opening, value)


def reserves(world: World) -> float:
    """A-02: what live orders hold back, ascending number; a filled share has released its share."""
    total = 0.0
    for order in world.live():
        if order.reserve == 0.0:
            continue
        total += order.reserve * (order.remaining / order.quantity) if order.filled > 0.0 else order.reserve
    return total


def reserve(world: World, order: Order) -> bool:
    """A-02: whether free cash covers the order; notes its reserve."""
    if world.rules.cash_submit == "none":
        return True
    need = needed(world, order)
    if need == inf and world.rules.commission[0] != "law":
        return False
    if need > 0.0 and not need <= world.free - reserves(world) + tolerance(need):
        return False
    order.reserve = need
    return True


def is_covered(world: World, order: Order, quantity: float) -> bool:
    """A-02: `cumulative_check`: whether the cash that this bar's orders before it left covers the order."""
    if world.submission_cash[0] != world.bar:
        world.submission_cash = (world.bar, world.cash)
    prices = (trigger_price(world, order), order.limit_price, world.positions[order.symbol].mark)
    base = next((price for price in prices if not isnan(price)), nan)
    left = world.submission_cash[1]
    value = quantity * base * world.instruments[order.symbol].multiplier
    if not isnan(value):
        left -= order.side * value + fill_fee(world, order, Liquidity.TAKER, quantity, value)
    world.submission_cash = (world.bar, left)
    return left >= -tolerance(0.0 if isnan(value) else value)


def affordable(
    instrument: Instrument,
    budget: float,
    base: float,
    share: float,
    price_of: Callable[[float], float],
    fee_of: Callable[[float, float], float],
) -> float:
    """A-06: the largest quantity whose cost, `share` of its value and the fee, is within the budget."""
    if not budget > 0.0:
        return 0.0

    def value_of(units: float) -> float:
        return units * price_of(units) * instrument.multiplier

    def cost_of(units: float) -> float:
        return share * value_of(units) + fee_of(units, price_of(units))

    quantity = budget / (base * instrument.multiplier)
    within = 0.0
    for _ in range(32):
        cost = cost_of(quantity)
        if cost <= budget:
            within = max(within, quantity)
        if not isfinite(cost) or cost <= 0.0 or abs(cost - budget) <= 1e-12 * budget:
            break
        quantity = quantity * (budget / cost)
    quantity = floored(quantity, instrument)
    for _ in range(4):
        if cost_of(quantity) <= budget + tolerance(value_of(quantity)):
            return quantity
        quantity = max(0.0, quantity - instrument.lot) if instrument.lot > 0.0 else 0.0
        if quantity <= 0.0:
            break
    return floored(within, instrument)
