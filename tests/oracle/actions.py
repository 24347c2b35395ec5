"""What a bar brings beside the orders: the D rules."""

from collections.abc import Callable
from dataclasses import replace

from admf_kernels.codes import ActionKind, Liquidity, OrderEvent, Reason
from oracle.funds import floored
from oracle.linked import cancel
from oracle.prices import is_valid, order_prices, rounded_down
from oracle.records import TOUCHED, TRAILS, Command, Order, Price
from oracle.trails import set_peak
from oracle.world import World

CloseOut = Callable[[int, Price], None]


def split_order(world: World, order: Order, ratio: float) -> None:
    """D-02: an order in new units."""
    instrument, had_left = world.instruments[order.symbol], order.remaining > 0.0
    if order.quantity == order.quantity:
        order.quantity = floored(order.quantity * ratio, instrument)
    order.filled *= ratio
    limit, stop = order.limit_price / ratio, order.stop_price / ratio
    order.limit_price, order.stop_price = order_prices(order, limit, stop, instrument)
    asked = order.request
    order.request = replace(
        asked,
        trail_amount=asked.trail_amount / ratio,
        trail_activation_offset=asked.trail_activation_offset / ratio,
        limit_offset=asked.limit_offset / ratio,
    )
    order.peak, order.start = order.peak / ratio, order.start / ratio
    order.protected_at /= ratio
    if order.type in TRAILS and not order.triggered:
        set_peak(world, order, order.peak)
    world.move(order, OrderEvent.AMEND, Reason.SPLIT)
    if had_left and order.quantity <= order.filled:
        cancel(world, order, Reason.BELOW_LOT)


def split(world: World, symbol: int, ratio: float) -> None:
    """D-02: more units at lower prices."""
    position = world.positions[symbol]
    position.quantity *= ratio
    position.entry_quantity *= ratio
    position.average_price /= ratio
    position.mark /= ratio
    for order in world.live():
        if order.symbol == symbol:
            split_order(world, order, ratio)


def split_command(command: Command, ratio: float) -> Command:
    """D-02: an amendment that is on its way."""
    return replace(
        command,
        quantity=command.quantity * ratio,
        limit_price=command.limit_price / ratio,
        stop_price=command.stop_price / ratio,
    )


def pay(world: World, symbol: int, amount: float) -> None:
    """D-03: a dividend."""
    instrument = world.instruments[symbol]
    money = world.positions[symbol].quantity * amount * instrument.multiplier
    world.cash += money
    world.statistics.dividends += money
    for order in world.live():
        if order.symbol != symbol or order.type in (*TRAILS, *TOUCHED):
            continue
        price = order.limit_price if order.side > 0 else order.stop_price
        if price > amount:
            lower = rounded_down(price - amount, instrument)
            if order.side > 0:
                order.limit_price = lower
            else:
                order.stop_price = lower
            world.move(order, OrderEvent.AMEND, Reason.DIVIDEND)


def delist(world: World, symbol: int, value: float, close_out: CloseOut) -> None:
    """D-04: the end of a symbol."""
    world.ended.add(symbol)
    for order in world.live():
        if order.symbol == symbol:
            world.move(order, OrderEvent.CANCEL, Reason.DELISTED)
    position = world.positions[symbol]
    if position.quantity != 0.0:
        price = position.mark if value != value else value
        close_out(symbol, Price(price, "", Liquidity.TAKER, Reason.DELISTED))
        world.statistics.delistings += 1


def worth(world: World, symbol: int) -> float:
    """D-05, D-06: the position at the close of the bar, at the mark on an invalid one; signed."""
    position, bar = world.positions[symbol], world.now(symbol)
    if position.quantity == 0.0:
        return 0.0
    return position.quantity * (bar.close if is_valid(bar) else position.mark) * world.instruments[symbol].multiplier


def fund(world: World, symbol: int, rate: float) -> None:
    """D-05: funding of a perpetual."""
    money = worth(world, symbol) * rate
    if money != 0.0:
        world.cash -= money
        world.statistics.funding += money


def accrue(world: World, days: float) -> None:
    """D-06: interest and borrow fees of some days, at the rates in force (D-10)."""
    rules, rates, borrowed, charged = world.rules, world.rates, 0.0, 0.0
    for symbol in range(len(world.positions)):
        lent = -min(worth(world, symbol), 0.0)
        borrowed += lent
        charged += lent * rates.get((ActionKind.BORROW_RATE, symbol), rules.borrow_rate)
    own = world.cash - borrowed
    if own > 0.0:
        rate = rates.get((ActionKind.CASH_RATE, 0), rules.cash_rate)
    else:
        rate = rates.get((ActionKind.DEBIT_RATE, 0), rules.debit_rate)
    interest = own * rate * days / 365.0
    fee = charged * days / 365.0
    world.cash += interest
    world.cash -= fee
    world.statistics.interest += interest
    world.statistics.borrow_fees += fee


def convert(world: World, symbol: int, money: float) -> None:
    """D-11: a new rate; what the fills of a round trip were worth stays."""
    position, before = world.positions[symbol], world.instruments[symbol]
    if position.quantity != 0.0:
        gained = position.exit_value - position.entry_value
        side = 1 if position.quantity > 0.0 else -1
        position.currency_profit += side * gained * (before.multiplier - money)
    world.instruments[symbol] = replace(before, multiplier=money)


def begin_session(world: World) -> None:
    """A-14: what waited for this session is settled."""
    world.session += 1
    world.unsettled = [(session, money) for session, money in world.unsettled if session > world.session]


def take(world: World, close_out: CloseOut, *, late: bool) -> list[tuple[int, float]]:
    """D-01: the rows of the bar, early or late ones; returns the splits, for what is on its way."""
    splits: list[tuple[int, float]] = []
    for bar, symbol, kind, value in world.actions:
        if bar != world.bar or (kind >= ActionKind.FUNDING) != late or world.bankrupt:
            continue
        if kind == ActionKind.SETTLEMENT:
            begin_session(world)
        elif kind == ActionKind.CONVERSION:
            convert(world, symbol, value)
        elif kind in (ActionKind.CASH_RATE, ActionKind.DEBIT_RATE, ActionKind.BORROW_RATE):
            world.rates[kind, symbol] = value
        elif kind == ActionKind.SPLIT:
            split(world, symbol, value)
            splits.append((symbol, value))
        elif kind == ActionKind.DIVIDEND:
            pay(world, symbol, value)
        elif kind == ActionKind.DELISTING:
            delist(world, symbol, value, close_out)
        elif kind == ActionKind.FUNDING:
            fund(world, symbol, value)
        else:
            accrue(world, value)
    return splits
