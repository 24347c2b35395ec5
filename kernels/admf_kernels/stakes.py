"""What a risk manager sizes orders by, and what a portfolio may lose until its stops."""

import numpy as np

from admf_kernels._jit import kernel, law
from admf_kernels.codes import OrderFlag, OrderType, SizeKind, SizingModel
from admf_kernels.laws.accounting import available_cash
from admf_kernels.laws.lifecycle import is_alive
from admf_kernels.laws.volume import floor_lot
from admf_kernels.links import find_row
from admf_kernels.views import as_market, as_state

REDUCE_ONLY, EXIT = OrderFlag.REDUCE_ONLY.value, OrderFlag.EXIT.value
WAITS, IF_TOUCHED = OrderFlag.WAITS.value, OrderFlag.IF_TOUCHED.value
QUANTITY = SizeKind.QUANTITY.value


@law
def price_of(state, symbol: int, limit_price: float, stop_price: float) -> float:
    """K-01: L where there is one, else S, else the mark."""
    if not np.isnan(limit_price):
        return limit_price
    if not np.isnan(stop_price):
        return stop_price
    return state.positions[symbol].mark


@law
def units_of(state, quantity: float, size_kind: int, size: float, unit_value: float) -> float:
    """K-01: the units of an order at one price, before costs."""
    if size_kind == SizeKind.QUANTITY:
        return quantity
    money = size  # SizeKind.VALUE
    if size_kind == SizeKind.EQUITY_FRACTION:
        money = size * state.account[0].equity
    elif size_kind == SizeKind.CASH_FRACTION:
        money = size * available_cash(state)
    return money / unit_value


@law
def units_left(state, order) -> float:
    """K-02: what an order may still fill, at its price; 0 for a child whose parent has not filled."""
    unit_value = price_of(state, order.symbol, order.limit_price, order.stop_price)
    unit_value *= state.instruments[order.symbol].multiplier
    units = units_of(state, order.quantity, order.size_kind, order.size_amount, unit_value) - order.filled_quantity
    return max(0.0, units) if units == units else 0.0


@law
def is_exit(state, side: int, parent: int) -> bool:
    """K-01: whether an order is on the opposite side of its parent."""
    if parent < 0:
        return False
    row = find_row(state.orders, state.account[0].order_count, parent)
    return row >= 0 and state.orders[row].side != side


@law
def return_deviation(market, bar: int, symbol: int, window: int) -> float:
    """K-07: standard deviation (ddof 1) of the last `window` returns up to a bar, splits taken out; 0 without two."""
    first, count, total, squares, mean = max(1, bar - window + 1), 0, 0.0, 0.0, 0.0
    for turn in range(2):
        for index in range(first, bar + 1):
            before, after = market.close[index - 1, symbol], market.close[index, symbol]
            if not (before > 0.0 and after > 0.0 and np.isfinite(before) and np.isfinite(after)):
                continue
            ratio = after / before
            if len(market.splits) > 0:
                ratio = ratio * (market.splits[index, symbol] / market.splits[index - 1, symbol])
            if turn == 0:
                total += ratio - 1.0
                count += 1
            else:
                squares += (ratio - 1.0 - mean) * (ratio - 1.0 - mean)
        if count < 2:
            return 0.0
        mean = total / count
    return np.sqrt(squares / (count - 1))


@law
def kelly_share(config, account) -> float:
    """K-07: share of the equity that Kelly's rule would bet, times the fraction of it that is dared, up to a cap."""
    won, payoff = config.sizing_0, config.sizing_1
    if config.sizing_4 > 0.0 and account.trips >= config.sizing_4:
        lost = account.trips - account.trips_won
        if account.trips_won == 0:
            return 0.0
        won, payoff = account.trips_won / account.trips, np.inf
        if account.loss_sum > 0.0:
            payoff = (account.profit_sum / account.trips_won) / (account.loss_sum / lost)
    return min(config.sizing_3, config.sizing_2 * (won - (1.0 - won) / payoff))


@law
def sized_units(
    market, state, symbol: int, side: int, limit_price: float, stop_price: float, protected_at: float, bar: int
) -> float:
    """K-07: the units of an order that was sent without any; 0 where the sizing knows none."""
    config, account, instrument = state.config[0], state.account[0], state.instruments[symbol]
    price = price_of(state, symbol, limit_price, stop_price)
    unit_value = price * instrument.multiplier
    units = config.sizing_0  # SizingModel.FIXED_QUANTITY
    if config.sizing_model == SizingModel.FIXED_VALUE:
        units = config.sizing_0 / unit_value
    elif config.sizing_model == SizingModel.EQUITY_SHARE:
        units = config.sizing_0 * account.equity / unit_value
    elif config.sizing_model == SizingModel.VOLATILITY_TARGET:
        deviation = return_deviation(market, bar, symbol, int(config.sizing_1))
        units = config.sizing_0 * account.equity / (deviation * unit_value)
    elif config.sizing_model == SizingModel.STOP_RISK:
        units = config.sizing_0 * account.equity / (side * (price - protected_at) * instrument.multiplier)
    elif config.sizing_model == SizingModel.KELLY:
        units = kelly_share(config, account) * account.equity / unit_value
    if not np.isfinite(units) or units <= 0.0:
        return 0.0
    return floor_lot(units, instrument.lot_size)


@law
def is_unsized(state, symbol: int, side: int, parent: int, quantity: float, size_kind: int, reduces: bool) -> bool:
    """K-07: whether an order leaves its size to the risk manager."""
    if state.config[0].sizing_model == SizingModel.NONE or parent != -1 or reduces:
        return False
    known = 0 <= symbol < len(state.instruments) and (side == 1 or side == -1)
    return known and size_kind == QUANTITY and np.isnan(quantity)


@law
def loss_of_unit(side: int, price: float, protected_at: float) -> float:
    """K-08: what a unit loses in price from here to its stop, all of it without one."""
    if np.isnan(protected_at):
        return price
    return max(0.0, side * (price - protected_at))


@law
def loss_of_position(state, symbol: int, price: float) -> float:
    """K-08: what a position loses until its live stops, in ascending number, and the rest of it without them; money."""
    quantity = state.positions[symbol].quantity
    if quantity == 0.0:
        return 0.0
    side, left, total = 1 if quantity > 0.0 else -1, abs(quantity), 0.0
    for index in range(state.account[0].working_count):
        order = state.orders[state.working[index]]
        if order.symbol != symbol or order.side != -side or order.form != OrderType.STOP or not is_alive(order):
            continue
        units = order.quantity - order.filled_quantity
        if order.bits & (WAITS | IF_TOUCHED) or not units > 0.0:
            continue
        units = min(left, units)
        total += units * loss_of_unit(side, price, order.stop_price)
        left -= units
    return (total + left * price) * state.instruments[symbol].multiplier


@law
def loss_of_positions(state, but: int) -> float:
    """K-08: what all positions but one may lose at their marks."""
    total = 0.0
    for symbol in range(len(state.positions)):
        if symbol != but:
            total += loss_of_position(state, symbol, state.positions[symbol].mark)
    return total


@law
def loss_of_order(state, order) -> float:
    """K-08: what the units that an order may open beyond the position would lose."""
    units = units_left(state, order) - max(0.0, -order.side * state.positions[order.symbol].quantity)
    if not units > 0.0:
        return 0.0
    price = price_of(state, order.symbol, order.limit_price, order.stop_price)
    return units * loss_of_unit(order.side, price, order.protected_at) * state.instruments[order.symbol].multiplier


@law
def loss_of_orders(state, row_end: int) -> float:
    """K-08: what the live orders and the earlier ones of the bar would add."""
    account, total = state.account[0], 0.0
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if is_alive(order) and not order.bits & (REDUCE_ONLY | EXIT):
            total += loss_of_order(state, order)
    for row in range(account.checked_count, row_end):
        order = state.orders[row]
        known = 0 <= order.symbol < len(state.instruments)
        if known and not order.bits & REDUCE_ONLY and not is_exit(state, order.side, order.parent):
            total += loss_of_order(state, order)
    return total


@kernel
def size_one(
    market, state, symbol: int, side: int, parent: int, quantity: float, size_kind: int, limit_price: float,
    stop_price: float, protected_at: float,
) -> float:  # fmt: skip
    """K-07: `sized_units` of an order that is not in the book yet, NaN for one that has a size; tables as for `run`."""
    market, state = as_market(market), as_state(state)
    if not is_unsized(state, symbol, side, parent, quantity, size_kind, False):
        return np.nan
    return sized_units(
        market, state, symbol, side, limit_price, stop_price, protected_at, state.account[0].bar
    )  # fmt: skip
