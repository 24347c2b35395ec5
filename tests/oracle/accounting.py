"""One fill on the books: the A rules."""

from oracle.costs import fill_fee
from oracle.linked import DUST
from oracle.records import Fill, Order, Position, Price, Trade
from oracle.world import World


def order_fee(world: World, order: Order, found: Price, quantity: float, price: float) -> float:
    """F-01: what one more fill of the order costs."""
    value = quantity * price * world.instruments[order.symbol].multiplier
    return fill_fee(world, order, found.liquidity, quantity, value)


def book(
    world: World, order: Order, found: Price, price: float, quantity: float, *, ambiguous: bool, closing: bool
) -> None:
    """A-01: cash, position, statistics and trace of a fill that only opens or only closes."""
    multiplier = world.instruments[order.symbol].multiplier
    position = world.positions[order.symbol]
    cost = order_fee(world, order, found, quantity, price)
    fill = Fill(
        order.number, world.bar, order.symbol, order.side, price, quantity, cost, found.base, found.liquidity,
        ambiguous, found.reason,
    )  # fmt: skip
    world.cash -= order.side * quantity * price * multiplier + cost
    order.filled += quantity
    order.value += quantity * price * multiplier
    order.commission += cost
    if position.mark != position.mark:
        position.mark = price
    if closing:
        close_part(world, position, fill, multiplier)
        hold_back(world, fill, multiplier)
    else:
        open_part(world, position, fill, multiplier)
    count(world, fill, multiplier)


def open_part(world: World, position: Position, fill: Fill, multiplier: float) -> None:
    """A-01, A-03, A-09: more of a position; a short locks its proceeds and margin."""
    if position.quantity == 0.0:
        position.entry_bar = fill.bar
    held = abs(position.quantity)
    position.average_price = (held * position.average_price + fill.quantity * fill.price) / (held + fill.quantity)
    position.quantity += fill.side * fill.quantity
    position.entry_quantity += fill.quantity
    position.entry_value += fill.quantity * fill.price
    position.commission += fill.commission
    position.ambiguous |= fill.ambiguous
    if fill.side < 0 and world.rules.short == "margin":
        position.locked += fill.quantity * fill.price * multiplier * (1.0 + world.rules.margin_initial)


def close_part(world: World, position: Position, fill: Fill, multiplier: float) -> None:
    """A-01, A-03, A-09: less of a position; the last unit, but for dust, ends the round trip."""
    held = abs(position.quantity)
    position.exit_value += fill.quantity * fill.price
    position.commission += fill.commission
    position.ambiguous |= fill.ambiguous
    position.quantity += fill.side * fill.quantity
    if abs(position.quantity) <= DUST * fill.quantity:
        end_trip(world, position, fill, multiplier)
    else:
        position.locked -= position.locked * (fill.quantity / held)


def hold_back(world: World, fill: Fill, multiplier: float) -> None:
    """A-14: what a sale brings can be spent some sessions later."""
    proceeds = fill.quantity * fill.price * multiplier - fill.commission
    if world.rules.settlement_days and fill.side < 0 and proceeds > 0.0:
        world.unsettled.append((world.session + world.rules.settlement_days, proceeds))


def end_trip(world: World, position: Position, fill: Fill, multiplier: float) -> None:
    """A-09, D-11: a round trip from flat to flat."""
    quantity, side = position.entry_quantity, -fill.side
    entry, leave = position.entry_value / quantity, position.exit_value / quantity
    pnl = side * (position.exit_value - position.entry_value) * multiplier - position.commission
    pnl += position.currency_profit
    bars = (position.entry_bar, fill.bar)
    world.trades.append(
        Trade(quantity, entry, leave, pnl, position.commission, *bars, fill.symbol, side, position.ambiguous)
    )
    if bars[0] == bars[1] and pnl > 0.0:
        world.statistics.entry_bar_profit += pnl  # W-10
    world.statistics.count_trip(pnl)
    position.quantity = position.average_price = position.locked = 0.0
    position.entry_quantity = position.entry_value = position.exit_value = position.commission = 0.0
    position.currency_profit = 0.0
    position.entry_bar = -1
    position.ambiguous = False


def count(world: World, fill: Fill, multiplier: float) -> None:
    """H-01, M-05: trace and sums of a fill."""
    world.fills.append(fill)
    world.digest.add_fill(fill.bar, fill.symbol, fill.side, (fill.quantity, fill.price, fill.commission))
    statistics = world.statistics
    statistics.fills += 1
    statistics.commission += fill.commission
    statistics.traded_value += fill.quantity * fill.price * multiplier
    statistics.slippage_cost += (fill.price - fill.base_price) * fill.side * fill.quantity * multiplier
