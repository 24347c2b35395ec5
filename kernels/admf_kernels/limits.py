"""The limits of a run on its orders: at submission, at each fill that opens, and the halts that losses begin."""

import numpy as np

from admf_kernels._jit import kernel, law
from admf_kernels.codes import OrderEvent, OrderFlag, Reason, SizeKind, TimeInForce
from admf_kernels.laws.accounting import QUANTITY_SLACK, closing_quantity, equity_of
from admf_kernels.laws.lifecycle import is_alive, move
from admf_kernels.laws.volume import floor_lot
from admf_kernels.links import NEVER, end
from admf_kernels.stakes import (
    is_exit,
    is_unsized,
    loss_of_orders,
    loss_of_position,
    loss_of_positions,
    loss_of_unit,
    price_of,
    sized_units,
    units_left,
    units_of,
)
from admf_kernels.views import as_state

REDUCE_ONLY, EXIT = OrderFlag.REDUCE_ONLY.value, OrderFlag.EXIT.value
QUANTITY = SizeKind.QUANTITY.value
RISK_LIMIT = Reason.RISK_LIMIT.value


@law
def reach(state, row_end: int, symbol: int, side: int) -> float:
    """K-02: how far a position can get to one side; below 0 where it cannot leave the other."""
    account, exits, others = state.account[0], 0.0, 0.0
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if order.symbol == symbol and order.side == side and is_alive(order):
            if order.bits & (REDUCE_ONLY | EXIT):
                exits += units_left(state, order)
            else:
                others += units_left(state, order)
    for row in range(account.checked_count, row_end):
        order = state.orders[row]
        if order.symbol == symbol and order.side == side:
            if order.bits & REDUCE_ONLY or is_exit(state, side, order.parent):
                exits += units_left(state, order)
            else:
                others += units_left(state, order)
    position = side * state.positions[symbol].quantity
    if position < 0.0:
        position = min(0.0, position + exits)
    return position + others


@law
def gross_reach(state, row_end: int, but: int) -> float:
    """K-03: value at the marks of what every symbol but one can reach to either side."""
    total = 0.0
    for symbol in range(len(state.positions)):
        mark = state.positions[symbol].mark
        if symbol == but or np.isnan(mark):
            continue
        units = max(0.0, max(reach(state, row_end, symbol, 1), reach(state, row_end, symbol, -1)))
        if units > 0.0:
            total += units * mark * state.instruments[symbol].multiplier
    return total


@law
def net_reach(state, row_end: int, but: int, side: int) -> float:
    """K-03: value at the marks, counted to one side, of what every symbol but one can reach to it."""
    total = 0.0
    for symbol in range(len(state.positions)):
        mark = state.positions[symbol].mark
        if symbol != but and not np.isnan(mark):
            total += reach(state, row_end, symbol, side) * mark * state.instruments[symbol].multiplier
    return total


@law
def may_not_open(state, symbol: int, side: int, bar: int) -> bool:
    """K-05: whether nothing may be opened: a side or a symbol that is not allowed, or a halt."""
    config = state.config[0]
    if config.limit_sides != 0 and config.limit_sides != side:
        return True
    return state.positions[symbol].barred != 0 or bar <= state.account[0].halted_until


@law
def has_exposure_limit(config) -> bool:
    """K-03: whether a limit asks what positions are worth."""
    return not (np.isnan(config.limit_gross) and np.isnan(config.limit_net) and np.isnan(config.limit_concentration))


@law
def most_units(config, equity: float, gross: float, net: float, unit_value: float) -> float:
    """K-02, K-03: units that a position may have; `gross` and `net` are what the other symbols count for."""
    most = np.inf
    if not np.isnan(config.limit_position):
        most = config.limit_position
    if not np.isnan(config.limit_gross):
        most = min(most, (config.limit_gross * equity - gross) / unit_value)
    if not np.isnan(config.limit_net):
        most = min(most, (config.limit_net * equity - net) / unit_value)
    if not np.isnan(config.limit_concentration):
        most = min(most, config.limit_concentration * equity / unit_value)
    return max(0.0, most)


@law
def most_of_order(state, symbol: int, limit_price: float, stop_price: float, unit_value: float) -> float:
    """K-04: units that one order may ask for."""
    config, mark = state.config[0], state.positions[symbol].mark
    for price in (limit_price, stop_price):
        if abs(price - mark) > config.limit_collar * mark:  # False where one of them is NaN
            return 0.0
    most = np.inf
    if not np.isnan(config.limit_order):
        most = config.limit_order
    if not np.isnan(config.limit_order_value):
        if np.isnan(unit_value):
            return 0.0
        most = min(most, config.limit_order_value / unit_value)
    return most


@law
def units_at_risk(state, row_end: int, symbol: int, side: int, price: float, protected_at: float) -> float:
    """K-08: units that may be opened at a price; `row_end`: the first row that came after their order."""
    loss = loss_of_unit(side, price, protected_at) * state.instruments[symbol].multiplier
    if np.isnan(loss):
        return 0.0  # at what price it would fill is not known before the first bar
    if loss == 0.0:
        return np.inf
    taken = loss_of_positions(state, -1) + loss_of_orders(state, row_end)
    return max(0.0, (state.config[0].limit_risk * state.account[0].equity - taken) / loss)


@law
def allowed_units(state, row_end: int, symbol: int, side: int, units: float, unit_value: float, bar: int) -> float:
    """K-02, K-03, K-05: what the limits on positions leave of an order; `row_end`: the first row that came after it."""
    config, most = state.config[0], 0.0
    if not may_not_open(state, symbol, side, bar):
        gross, net = 0.0, 0.0
        if has_exposure_limit(config):
            if np.isnan(unit_value):
                return 0.0  # at what price it would fill is not known before the first bar
            if not np.isnan(config.limit_gross):
                gross = gross_reach(state, row_end, symbol)
            if not np.isnan(config.limit_net):
                net = net_reach(state, row_end, symbol, side)
        most = most_units(config, state.account[0].equity, gross, net, unit_value)
    return max(0.0, min(units, most - reach(state, row_end, symbol, side)))


@law
def limited_quantity(
    state,
    row_end: int,
    symbol: int,
    side: int,
    quantity: float,
    size_kind: int,
    size: float,
    limit_price: float,
    stop_price: float,
    protected_at: float,
) -> float:
    """K-01: the quantity that the limits leave of an order; NaN where they leave it as it is."""
    if not 0 <= symbol < len(state.instruments) or (side != 1 and side != -1):
        return np.nan  # the engine refuses it
    price = price_of(state, symbol, limit_price, stop_price)
    unit_value = price * state.instruments[symbol].multiplier
    units = units_of(state, quantity, size_kind, size, unit_value)
    if np.isnan(units):
        return np.nan if size_kind == QUANTITY else 0.0  # a child with the quantity of its parent; a size without price
    most = min(units, most_of_order(state, symbol, limit_price, stop_price, unit_value))
    allowed = allowed_units(state, row_end, symbol, side, most, unit_value, state.account[0].bar)
    if not np.isnan(state.config[0].limit_risk):
        closing = max(0.0, -side * state.positions[symbol].quantity)
        allowed = min(allowed, closing + units_at_risk(state, row_end, symbol, side, price, protected_at))
    return np.nan if allowed >= units else allowed


@law
def counts_too_many(market, state, bar: int) -> bool:
    """K-04: counts one more order of the session; whether that is one too many."""
    config, account, place = state.config[0], state.account[0], max(bar, 0)
    if place > account.orders_until:
        account.orders_until = market.session_end[place]
        account.session_orders = 0
    account.session_orders += 1
    return 0 < config.limit_session_orders < account.session_orders


@law
def limit_new_orders(market, state, bar: int) -> None:
    """K-01, K-07: sizes and cuts the orders submitted on this bar, each in its turn, before the engine checks them."""
    account = state.account[0]
    for row in range(account.checked_count, account.order_count):
        order = state.orders[row]
        if order.bits & REDUCE_ONLY or is_exit(state, order.side, order.parent):
            continue
        if is_unsized(state, order.symbol, order.side, order.parent, order.quantity, order.size_kind, False):
            order.quantity = sized_units(
                market, state, order.symbol, order.side, order.limit_price, order.stop_price, order.protected_at, bar
            )
            if order.quantity == 0.0:
                order.reason = RISK_LIMIT
        quantity = limited_quantity(
            state, row, order.symbol, order.side, order.quantity, order.size_kind, order.size_amount,
            order.limit_price, order.stop_price, order.protected_at,
        )  # fmt: skip
        if counts_too_many(market, state, bar):
            quantity = 0.0
        if not np.isnan(quantity):
            order.quantity = quantity
            order.size_kind = QUANTITY
            order.reason = RISK_LIMIT


@law
def openable(state, order, bar: int, base_price: float, closing: float) -> float:
    """K-06, K-08: units that an order may open at a price, once its closing part is done."""
    config, symbol, side = state.config[0], order.symbol, order.side
    if may_not_open(state, symbol, side, bar):
        return 0.0
    gross, net = 0.0, 0.0
    if has_exposure_limit(config):
        for other in range(len(state.positions)):
            quantity = state.positions[other].quantity
            if other != symbol and quantity != 0.0:
                value = quantity * state.positions[other].mark * state.instruments[other].multiplier
                gross += abs(value)
                net += side * value
    equity = equity_of(state.account[0].cash, state.instruments, state.positions, symbol, base_price)
    most = most_units(config, equity, gross, net, base_price * state.instruments[symbol].multiplier)
    most = max(0.0, most - max(0.0, side * state.positions[symbol].quantity + closing))
    loss = loss_of_unit(side, base_price, order.protected_at) * state.instruments[symbol].multiplier
    if not np.isnan(config.limit_risk) and loss > 0.0:
        taken = loss_of_positions(state, symbol)
        if closing == 0.0:
            taken += loss_of_position(state, symbol, base_price)
        most = min(most, max(0.0, (config.limit_risk * equity - taken) / loss))
    return most


@law
def within_limits(state, order, bar: int, base_price: float, wanted: float) -> float:
    """K-06: what the limits leave of a fill; the order is cut to it, or ends where that is nothing."""
    closing = closing_quantity(state.positions[order.symbol].quantity, order.side, wanted)
    opening = wanted - closing
    if opening <= QUANTITY_SLACK * wanted:
        return wanted
    most = openable(state, order, bar, base_price, closing)
    if opening - most <= QUANTITY_SLACK * wanted:
        return wanted
    if order.time_in_force == TimeInForce.FOK:
        return 0.0
    allowed = closing + floor_lot(most, state.instruments[order.symbol].lot_size)
    if allowed <= QUANTITY_SLACK * wanted:
        end(state, order, bar, OrderEvent.FUNDS_FAIL.value, RISK_LIMIT)
        return 0.0
    order.quantity = order.filled_quantity + allowed
    move(state.config[0], state.account[0], state.transitions, order, bar, OrderEvent.AMEND.value, RISK_LIMIT)
    return allowed


@law
def watch_losses(market, state, bar: int) -> None:
    """K-05: begins a halt where the loss of the session or the drawdown has come to its limit."""
    config, account = state.config[0], state.account[0]
    account.halt_peak = max(account.halt_peak, account.equity)
    if account.equity <= account.sample_equity * (1.0 - config.limit_session_loss):  # False for NaN
        account.halted_until = max(account.halted_until, market.session_end[bar])
    if account.equity <= account.halt_peak * (1.0 - config.limit_drawdown):
        pause = bar + config.cool_down_bars if config.cool_down_bars > 0 else NEVER
        account.halted_until = max(account.halted_until, pause)
        account.halt_peak = account.equity


@kernel
def limit_one(
    state, symbol: int, side: int, parent: int, quantity: float, size_kind: int, size: float, limit_price: float,
    stop_price: float, protected_at: float,
) -> float:  # fmt: skip
    """K-01: `limited_quantity` of an order that is not in the book yet; `state` as for `run`."""
    state = as_state(state)
    if not state.config[0].limited or is_exit(state, side, parent):
        return np.nan
    return limited_quantity(
        state, state.account[0].order_count, symbol, side, quantity, size_kind, size, limit_price, stop_price,
        protected_at,
    )  # fmt: skip
