"""The limits of `admf.Risk` on an order: one law, lent to the compiled run and to the risk manager of the event path.

An order is judged after the close on which it was submitted, before the engine takes it: at the prices and with the
positions of that close and with every earlier order that is still alive. What is too much is cut off; an order of
which nothing is left has the quantity 0 and is REJECTED. Orders that can only reduce a position pass.
"""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from admf_kernels._jit import kernel, law, specialise
from admf_kernels.codes import OrderFlag, SizeKind
from admf_kernels.laws.accounting import available_cash
from admf_kernels.laws.lifecycle import is_alive
from admf_kernels.links import find_row
from admf_kernels.views import as_state

REDUCE_ONLY, EXIT = OrderFlag.REDUCE_ONLY.value, OrderFlag.EXIT.value
QUANTITY = SizeKind.QUANTITY.value


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
def opening_units(state, order) -> float:
    """A-02: the units of a live order that may still open or add to a position; 0 for an exit."""
    if order.bits & (REDUCE_ONLY | EXIT):
        return 0.0
    unit_value = price_of(state, order.symbol, order.limit_price, order.stop_price)
    unit_value *= state.instruments[order.symbol].multiplier
    units = units_of(state, order.quantity, order.size_kind, order.size_amount, unit_value) - order.filled_quantity
    held = max(0.0, -order.side * state.positions[order.symbol].quantity)
    return max(0.0, units - held)  # NaN, a child whose parent has not filled, counts as 0


@law
def waiting_units(state, row_end: int, symbol: int, side: int) -> float:
    """Units that earlier orders of one symbol and side may still open."""
    account, total = state.account[0], 0.0
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if order.symbol == symbol and order.side == side and is_alive(order):
            total += opening_units(state, order)
    for row in range(account.checked_count, row_end):
        order = state.orders[row]
        if order.symbol == symbol and order.side == side:
            total += opening_units(state, order)
    return total


@law
def money_at_stake(state, row_end: int) -> float:
    """Value of all positions at their marks and of what earlier orders may still open."""
    account, total = state.account[0], 0.0
    for symbol in range(len(state.positions)):
        position = state.positions[symbol]
        if position.quantity != 0.0:
            total += abs(position.quantity) * position.mark * state.instruments[symbol].multiplier
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if is_alive(order):
            total += money_of(state, order)
    for row in range(account.checked_count, row_end):
        total += money_of(state, state.orders[row])
    return total


@law
def money_of(state, order) -> float:
    """Value of what an order may still open, at its price."""
    units = opening_units(state, order)
    if units == 0.0:
        return 0.0
    price = price_of(state, order.symbol, order.limit_price, order.stop_price)
    return units * price * state.instruments[order.symbol].multiplier


@law
def is_exit(state, side: int, parent: int) -> bool:
    """L-05: whether an order is on the opposite side of its parent."""
    if parent < 0:
        return False
    row = find_row(state.orders, state.account[0].order_count, parent)
    return row >= 0 and state.orders[row].side != side


@law
def allowed_units(
    state, row_end: int, symbol: int, side: int, units: float, unit_value: float, size_max: float, heat_max: float
) -> float:
    """What the limits leave of an order of `units`; `row_end` is the first row of orders that came after it."""
    position = side * state.positions[symbol].quantity
    if not np.isnan(size_max):
        units = min(units, size_max - position - waiting_units(state, row_end, symbol, side))
    if not np.isnan(heat_max):
        if np.isnan(unit_value):
            return 0.0  # at what price it would fill is not known before the first bar
        free = heat_max * state.account[0].equity - money_at_stake(state, row_end)
        units = min(units, max(0.0, -position) + max(0.0, free) / unit_value)
    return max(0.0, units)


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
