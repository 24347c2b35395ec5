"""Cash, positions and round trips."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import Short
from admf_kernels.laws.commission import count_fee_volume, fill_fee, is_listed
from admf_kernels.laws.hashing import absorb_fill

QUANTITY_SLACK = 1e-9  # relative: below it a quantity is dust


@law
def free_cash(account) -> float:
    """A-03: cash that is not locked by shorts."""
    return account.cash - account.locked


@law
def buying_power(leverage: float, cash: float, instruments, positions, symbol: int, quantity: float, price: float):
    """A-11: equity less what the positions use, over symbols in order; `symbol` counts with `quantity` at `price`."""
    equity, used = cash, 0.0
    for index in range(len(positions)):
        units, mark = positions[index].quantity, positions[index].mark
        if index == symbol:
            units, mark = quantity, price
        if units != 0.0:
            value = units * mark * instruments[index].multiplier
            equity += value
            used += abs(value) / leverage
    return equity - used


@law
def available_cash(state) -> float:
    """A-03, A-11: money that may open positions, at the marks."""
    config, account = state.config[0], state.account[0]
    if config.leverage > 1.0:
        return buying_power(config.leverage, account.cash, state.instruments, state.positions, -1, 0.0, 0.0)
    return free_cash(account)


@law
def money_tolerance(value: float) -> float:
    """A-04: how far free cash may fall below zero for a fill of this value."""
    return max(1e-12, 1e-9 * value)


@law
def cash_weight(config, side: int) -> float:
    """A-02, A-11: share of its value that an opening fill needs in free cash."""
    if config.leverage > 1.0:
        return 1.0 / config.leverage
    if side > 0:
        return 1.0
    if config.short == Short.MARGIN:
        return config.margin_initial
    return 0.0  # Short.PROCEEDS_AS_CASH; Short.FORBIDDEN never opens


@law
def closing_quantity(position_quantity: float, side: int, quantity: float) -> float:
    """A-05: the part of a fill that closes; all of it where only dust would be left on either side."""
    held = -side * position_quantity
    if held <= 0.0:
        return 0.0
    if abs(quantity - held) <= QUANTITY_SLACK * quantity:
        return quantity
    return min(quantity, held)


@law
def finish_trip(account, instrument, position, trades, bar: int, symbol: int, side: int) -> None:
    """A-09, D-11: counts and writes the round trip that a fill of `side` has just closed."""
    pnl = -side * (position.exit_value - position.entry_value) * instrument.multiplier - position.trip_commission
    pnl += position.currency_profit
    account.trips += 1
    if pnl > 0.0:
        account.trips_won += 1
        account.profit_sum += pnl
        if position.entry_bar == bar:
            account.entry_bar_profit += pnl
    else:
        account.loss_sum -= pnl
    if len(trades) > 0:
        row = trades[account.trade_count]
        row.quantity = position.entry_quantity
        row.entry_price = position.entry_value / position.entry_quantity
        row.exit_price = position.exit_value / position.entry_quantity
        row.pnl = pnl
        row.commission = position.trip_commission
        row.entry_bar = position.entry_bar
        row.exit_bar = bar
        row.symbol = symbol
        row.side = -side
        row.ambiguous = position.ambiguous
        account.trade_count += 1


@law
def open_quantity(config, instrument, position, bar: int, side: int, quantity: float, price: float) -> None:
    """A-01, A-03: adds to a position of the same side, or opens one."""
    held = abs(position.quantity)
    if held == 0.0:
        position.entry_bar = bar
        position.entry_quantity = 0.0
        position.entry_value = 0.0
        position.exit_value = 0.0
        position.trip_commission = 0.0
        position.currency_profit = 0.0
        position.ambiguous = 0
    position.average_price = (held * position.average_price + quantity * price) / (held + quantity)
    position.quantity += side * quantity
    position.entry_quantity += quantity
    position.entry_value += quantity * price
    if side < 0 and config.short == Short.MARGIN and config.leverage <= 1.0:
        position.locked += quantity * price * instrument.multiplier * (1.0 + config.margin_initial)


@law
def close_quantity(position, side: int, quantity: float, price: float) -> None:
    """A-01, A-03: takes off a position of the opposite side; dust is snapped to zero (A-05)."""
    held = abs(position.quantity)
    position.exit_value += quantity * price
    position.quantity += side * quantity
    if abs(position.quantity) <= QUANTITY_SLACK * quantity:
        position.quantity = 0.0
        position.average_price = 0.0
        position.locked = 0.0
    else:
        position.locked -= position.locked * (quantity / held)


@law
def lock(account, positions) -> None:
    """A-03: the locked cash of the account, summed over symbols in order."""
    total = 0.0
    for symbol in range(len(positions)):
        total += positions[symbol].locked
    account.locked = total


@law
def lock_unsettled(account) -> None:
    """A-14: the locked cash of an account without shorts: proceeds by the sessions that they wait for."""
    account.locked = account.unsettled_1 + account.unsettled_2 + account.unsettled_3


@law
def hold_back(config, account, proceeds: float) -> None:
    """A-14: what a sale brings settles some sessions later."""
    if not proceeds > 0.0:
        return
    if config.settlement_days == 1:
        account.unsettled_1 += proceeds
    elif config.settlement_days == 2:
        account.unsettled_2 += proceeds
    else:
        account.unsettled_3 += proceeds
    lock_unsettled(account)


@law
def book(
    state,
    order,
    bar: int,
    quantity: float,
    price: float,
    base_price: float,
    liquidity: int,
    reason: int,
    ambiguous: bool,
    closing: bool,
) -> None:
    """A-01, A-05, A-09, A-14, F-01, H-01: books one fill that only closes or only opens."""
    config, account, side, symbol = state.config[0], state.account[0], order.side, order.symbol
    instrument, position = state.instruments[symbol], state.positions[symbol]
    value = quantity * price * instrument.multiplier
    fee = fill_fee(state, order, liquidity, quantity, value)
    if is_listed(config):
        count_fee_volume(state, order, quantity, value)
    account.cash -= side * quantity * price * instrument.multiplier + fee
    account.commission += fee
    account.traded_value += value
    account.slippage_cost += side * (price - base_price) * quantity * instrument.multiplier
    was_locked = position.locked
    if closing:
        close_quantity(position, side, quantity, price)
        position.trip_commission += fee
        position.ambiguous |= ambiguous
        if position.quantity == 0.0:
            finish_trip(account, instrument, position, state.trades, bar, symbol, side)
        if config.settlement_days > 0 and side < 0:
            hold_back(config, account, value - fee)
    else:
        open_quantity(config, instrument, position, bar, side, quantity, price)
        position.trip_commission += fee
        position.ambiguous |= ambiguous
    if position.locked != was_locked:
        lock(account, state.positions)
    if np.isnan(position.mark):
        position.mark = price
    order.filled_quantity += quantity
    order.filled_value += value
    order.commission += fee
    order.fill_count += 1
    absorb_fill(account, bar, symbol, side, quantity, price, fee)
    row = state.fills[account.fill_count]
    row.price = price
    row.quantity = quantity
    row.commission = fee
    row.base_price = base_price
    row.order = order.number
    row.bar = bar
    row.symbol = symbol
    row.side = side
    row.liquidity = liquidity
    row.ambiguous = ambiguous
    row.reason = reason
    account.fill_count += 1
    account.fills += 1


@law
def equity_of(cash: float, instruments, positions, priced_symbol: int, price: float) -> float:
    """A-01: cash plus the marked positions over symbols in order; `priced_symbol` is marked at `price`, -1: none is."""
    total = cash
    for symbol in range(len(positions)):
        quantity = positions[symbol].quantity
        if quantity != 0.0:
            mark = price if symbol == priced_symbol else positions[symbol].mark
            total += quantity * mark * instruments[symbol].multiplier
    return total
