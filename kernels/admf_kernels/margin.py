"""P5: the maintenance margin: when an account is called, which positions end, and at what prices."""

from numba import types

from admf_kernels._jit import kernel, law
from admf_kernels.codes import BarFlag, Liquidity, OrderEvent, Path, Reason, SlipOn
from admf_kernels.execution import execute, is_at_open
from admf_kernels.intake import new_order
from admf_kernels.laws.accounting import money_tolerance
from admf_kernels.laws.lifecycle import is_alive, move
from admf_kernels.links import sweep_ended
from admf_kernels.views import MARKET, STATE

VALID = BarFlag.VALID.value
TAKER, SLIP_STOP = Liquidity.TAKER.value, SlipOn.STOP.value
MARGIN_CALL = Reason.MARGIN_CALL.value


@law
def flatten(market, state, symbol: int, bar: int, price: float, slip_bit: int, reason: int) -> None:
    """A-08, A-10, A-13: closes a position by an order of the engine."""
    config, account = state.config[0], state.account[0]
    quantity = state.positions[symbol].quantity
    account.row_limit = len(state.orders)
    row = new_order(state, bar)
    account.checked_count = account.order_count
    order = state.orders[row]
    order.side = -1 if quantity > 0.0 else 1
    order.quantity = abs(quantity)
    order.symbol = symbol
    order.eligible_bar = bar
    order.expires_bar = bar
    for event in (OrderEvent.SUBMIT.value, OrderEvent.VALIDATE.value, OrderEvent.ROUTE.value):
        move(config, account, state.transitions, order, bar, event, reason)
    execute(market, state, order, bar, price, TAKER, reason, slip_bit, False, False, bar + 1, price, True)


@law
def last_joined(state, symbol: int, quantity: float) -> int:
    """A-12: row of the bar's last fill on the side of a position, -1 without one."""
    account = state.account[0]
    row = account.fill_count - 1
    while row >= account.bar_fill_start:
        if state.fills[row].symbol == symbol and state.fills[row].side * quantity > 0.0:
            return row
        row -= 1
    return -1


@law
def way(market, state, symbol: int, bar: int):
    """A-12: the prices from which to which a position is tested."""
    position = state.positions[symbol]
    if not market.flags[bar, symbol] & VALID:
        return position.mark, position.mark
    open_, close = market.open[bar, symbol], market.close[bar, symbol]
    adverse = market.low[bar, symbol] if position.quantity > 0.0 else market.high[bar, symbol]
    row = last_joined(state, symbol, position.quantity)
    if row < 0 or is_at_open(state.fills[row].reason):
        return open_, adverse
    reason = state.fills[row].reason
    if reason == Reason.FILL_AT_CLOSE or reason == Reason.FILL_AT_AVERAGE:
        return close, close
    path = state.config[0].path
    if path == Path.WORST or path == Path.QUEUE:
        return state.fills[row].base_price, adverse
    return state.fills[row].base_price, close


@law
def balance(market, state, bar: int, at_end: bool):
    """A-12: equity and what has to be there, where all ways begin or where they end."""
    equity, needed = state.account[0].cash, 0.0
    for symbol in range(len(state.positions)):
        quantity = state.positions[symbol].quantity
        if quantity != 0.0:
            begin, end = way(market, state, symbol, bar)
            value = quantity * (end if at_end else begin) * state.instruments[symbol].multiplier
            equity += value
            needed += state.config[0].margin_maintenance * abs(value)
    return equity, needed


@law
def is_short_of(equity: float, needed: float) -> bool:
    """A-12: whether equity is below what has to be there, by more than rounding."""
    return equity < needed - money_tolerance(needed)


@law
def price_at(market, state, symbol: int, bar: int, share: float) -> float:
    """A-13: where a position stands when all have gone a share of their ways."""
    begin, end = way(market, state, symbol, bar)
    return begin + share * (end - begin)


@law
def largest(market, state, bar: int, share: float) -> int:
    """A-13: the position of the largest value, of equal ones the first; -1 where none is held."""
    found, most = -1, -1.0
    for symbol in range(len(state.positions)):
        quantity = abs(state.positions[symbol].quantity)
        if quantity != 0.0:
            value = quantity * price_at(market, state, symbol, bar, share) * state.instruments[symbol].multiplier
            if value > most:
                found, most = symbol, value
    return found


@law
def liquidate(market, state, symbol: int, bar: int, share: float) -> None:
    """A-13: ends the live orders of a symbol, then its position."""
    config, account = state.config[0], state.account[0]
    price = price_at(market, state, symbol, bar, share)
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if order.symbol == symbol and is_alive(order):
            move(config, account, state.transitions, order, bar, OrderEvent.CANCEL.value, MARGIN_CALL)
    sweep_ended(state)
    row_limit = account.row_limit
    flatten(market, state, symbol, bar, price, SLIP_STOP, MARGIN_CALL)
    account.row_limit = row_limit + 1  # the strategy has as many rows as without the engine's order
    account.margin_calls += 1


@kernel(takes=(MARKET, STATE, types.int64))
def call_margin(market, state, bar: int) -> None:
    """A-12, A-13: P5 under a maintenance ratio: positions end, the largest first, until the rest is covered."""
    share = 0.0
    while True:
        equity, needed = balance(market, state, bar, True)
        if not is_short_of(equity, needed):
            return
        left = equity - needed
        equity, needed = balance(market, state, bar, False)
        at_first = equity - needed
        if at_first > 0.0:
            share = max(share, at_first / (at_first - left))
        symbol = largest(market, state, bar, share)
        if symbol < 0:
            return
        liquidate(market, state, symbol, bar, share)
        if state.positions[symbol].quantity != 0.0:  # a user's law failed
            return


@law(forceinline=True)
def check_margin(market, state, bar: int) -> None:
    """A-12: P5, nothing without a maintenance ratio."""
    if state.config[0].margin_maintenance > 0.0:
        call_margin(market, state, bar)
