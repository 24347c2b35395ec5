"""The limits of `admf.Risk` on an order: one law, lent to the compiled run and to the risk manager of the event path.

An order is judged after the close on which it was submitted, before the engine takes it: at the prices and with the
positions of that close and as if every earlier order that is still alive filled. What is too much is cut off, and the
order's submission has the reason RISK_LIMIT; one of which nothing is left (or less than a lot) is REJECTED with it.
Orders that can only reduce a position pass, and so do amendments. Nothing is judged at the fill: an exit that comes
after a waiting reversal lets that open more.
"""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from admf_kernels._jit import kernel, law, specialise
from admf_kernels.codes import OrderFlag, Reason, SizeKind
from admf_kernels.laws.accounting import available_cash
from admf_kernels.laws.lifecycle import is_alive
from admf_kernels.links import find_row
from admf_kernels.views import as_state

REDUCE_ONLY, EXIT = OrderFlag.REDUCE_ONLY.value, OrderFlag.EXIT.value
QUANTITY = SizeKind.QUANTITY.value
RISK_LIMIT = Reason.RISK_LIMIT.value


@law
def price_of(state, symbol: int, limit_price: float, stop_price: float) -> float:
    """A-02: L where there is one, else S, else the mark."""
    if not np.isnan(limit_price):
        return limit_price
    if not np.isnan(stop_price):
        return stop_price
    return state.positions[symbol].mark


@law
def units_of(state, quantity: float, size_kind: int, size: float, unit_value: float) -> float:
    """A-06: the units of an order at one price, before costs."""
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
    """A-06: what an order may still fill, at its price; 0 for a child whose parent has not filled."""
    unit_value = price_of(state, order.symbol, order.limit_price, order.stop_price)
    unit_value *= state.instruments[order.symbol].multiplier
    units = units_of(state, order.quantity, order.size_kind, order.size_amount, unit_value) - order.filled_quantity
    return max(0.0, units) if units == units else 0.0


@law
def is_exit(state, side: int, parent: int) -> bool:
    """L-05: whether an order is on the opposite side of its parent."""
    if parent < 0:
        return False
    row = find_row(state.orders, state.account[0].order_count, parent)
    return row >= 0 and state.orders[row].side != side


@law
def reach(state, row_end: int, symbol: int, side: int) -> float:
    """How far a position can get to one side (negative: it cannot leave the other) if every earlier order fills.

    The worst order of events: exits first, as far as they go, then all others.
    """
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
def money_at_stake(state, row_end: int, but: int) -> float:
    """Value at the marks of what every symbol but one can reach to either side."""
    total = 0.0
    for symbol in range(len(state.positions)):
        units = max(0.0, max(reach(state, row_end, symbol, 1), reach(state, row_end, symbol, -1)))
        if symbol != but and units > 0.0:
            total += units * state.positions[symbol].mark * state.instruments[symbol].multiplier
    return total


@law
def allowed_units(
    state, row_end: int, symbol: int, side: int, units: float, unit_value: float, size_max: float, heat_max: float
) -> float:
    """What the limits leave of an order of `units`; `row_end` is the first row of orders that came after it."""
    most = np.inf
    if not np.isnan(size_max):
        most = size_max
    if not np.isnan(heat_max):
        if np.isnan(unit_value):
            return 0.0  # at what price it would fill is not known before the first bar
        free = heat_max * state.account[0].equity - money_at_stake(state, row_end, symbol)
        most = min(most, max(0.0, free) / unit_value)
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
    size_max: float,
    heat_max: float,
) -> float:
    """The quantity that the limits leave; NaN where they leave the order as it is."""
    if not 0 <= symbol < len(state.instruments) or (side != 1 and side != -1):
        return np.nan  # the engine refuses it
    unit_value = price_of(state, symbol, limit_price, stop_price) * state.instruments[symbol].multiplier
    units = units_of(state, quantity, size_kind, size, unit_value)
    if np.isnan(units) and size_kind == QUANTITY:
        return np.nan  # a child with the quantity of its parent
    allowed = allowed_units(state, row_end, symbol, side, units, unit_value, size_max, heat_max)
    return np.nan if allowed >= units else allowed


@law
def limit_new_orders(state, size_max: float, heat_max: float) -> None:
    """Cuts the orders submitted on this bar, each in its turn."""
    account = state.account[0]
    for row in range(account.checked_count, account.order_count):
        order = state.orders[row]
        if order.bits & REDUCE_ONLY or is_exit(state, order.side, order.parent):
            continue
        quantity = limited_quantity(
            state, row, order.symbol, order.side, order.quantity, order.size_kind, order.size_amount,
            order.limit_price, order.stop_price, size_max, heat_max,
        )  # fmt: skip
        if not np.isnan(quantity):
            order.quantity = quantity
            order.size_kind = QUANTITY
            order.reason = RISK_LIMIT


@kernel
def limit_one(
    state, symbol: int, side: int, parent: int, quantity: float, size_kind: int, size: float, limit_price: float,
    stop_price: float, size_max: float, heat_max: float,
) -> float:  # fmt: skip
    """`limited_quantity` of an order that is not in the book yet; `state` as for `run`."""
    state = as_state(state)
    if is_exit(state, side, parent):
        return np.nan
    return limited_quantity(
        state, state.account[0].order_count, symbol, side, quantity, size_kind, size, limit_price, stop_price,
        size_max, heat_max,
    )  # fmt: skip


def strategy_init(strategy, ctx) -> None:
    """The slot of a limited strategy's `init`."""


def strategy_on_bar(strategy, ctx) -> None:
    """The slot of a limited strategy's `on_bar`."""


def init(strategy, ctx) -> None:
    """`init` of a strategy under limits."""
    strategy_init(strategy, ctx)
    limit_new_orders(ctx.hidden_state, strategy.limit_position_size, strategy.limit_portfolio_heat)


def on_bar(strategy, ctx) -> None:
    """`on_bar` of a strategy under limits, and the end of every bar for orders from a table."""
    strategy_on_bar(strategy, ctx)
    limit_new_orders(ctx.hidden_state, strategy.limit_position_size, strategy.limit_portfolio_heat)


def limited_hooks(hooks: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The hooks of a strategy with the limits behind them; the strategy's record needs the two fields `limit_…`."""
    made = dict(hooks)
    for name, limited, slot in (("init", init, "strategy_init"), ("on_bar", on_bar, "strategy_on_bar")):
        own = {slot: hooks[name]} if name in hooks else {}
        bound = specialise(limited, hooks=own, compiled=False)
        assert isinstance(bound, FunctionType)
        made[name] = bound
    return made
