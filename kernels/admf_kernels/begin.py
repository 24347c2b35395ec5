"""P1: commands of the bar before, routing, expiries, and the list of orders that the bar can touch."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    BadBar,
    BarFlag,
    CommandKind,
    OrderEvent,
    OrderFlag,
    OrderStatus,
    OrderType,
    PriceReference,
    Reason,
    TimeInForce,
    Unfilled,
)
from admf_kernels.laws.lifecycle import is_alive, move
from admf_kernels.laws.prices import round_limit
from admf_kernels.laws.trails import move_trail, peak_of, round_trigger
from admf_kernels.laws.validation import has_stop, is_positive, needs_limit
from admf_kernels.links import end, find_row, route
from admf_kernels.touch import has_path

VALID = BarFlag.VALID.value
TRIGGERED, WAITS = OrderFlag.TRIGGERED.value, OrderFlag.WAITS.value
SEEN, TRAIL, IF_TOUCHED = OrderFlag.SEEN.value, OrderFlag.TRAIL.value, OrderFlag.IF_TOUCHED.value
AT_CLOSE, ENTERED_INSIDE = OrderFlag.AT_CLOSE.value, OrderFlag.ENTERED_INSIDE.value
FRESH = OrderFlag.FRESH.value
NOT_TOUCHED, BAD_BAR = Unfilled.NOT_TOUCHED.value, Unfilled.BAD_BAR.value


@law
def amend_stop(order, price: float, tick_inverse: float) -> None:
    """L-04: a new trigger; for a trail the peak that has it there."""
    if not order.bits & TRAIL:
        order.stop_price = round_trigger(order, price, tick_inverse)
    elif not order.bits & (TRIGGERED | WAITS):
        peak = peak_of(order, round_trigger(order, price, tick_inverse))
        order.activation = peak
        move_trail(order, peak, tick_inverse)


@law
def amend(state, order, command, bar: int) -> None:
    """L-04: replaces quantity of a live order or the prices that its type has."""
    config, account = state.config[0], state.account[0]
    tick_inverse = state.instruments[order.symbol].tick_inverse
    reason = Reason.NONE.value
    if not (np.isnan(command.quantity) or is_positive(command.quantity)):
        reason = Reason.QUANTITY_NOT_POSITIVE.value
    elif not (np.isnan(command.limit_price) or is_positive(command.limit_price)):
        reason = Reason.LIMIT_PRICE_MISSING.value
    elif not (np.isnan(command.stop_price) or is_positive(command.stop_price)):
        reason = Reason.STOP_PRICE_MISSING.value
    else:
        if not np.isnan(command.quantity):
            order.quantity = command.quantity
        if needs_limit(order) and not np.isnan(command.limit_price):
            order.limit_price = round_limit(order.side, command.limit_price, tick_inverse)
        if has_stop(order) and not np.isnan(command.stop_price):
            amend_stop(order, command.stop_price, tick_inverse)
    move(config, account, state.transitions, order, bar, OrderEvent.AMEND.value, reason)
    if reason == Reason.NONE and order.quantity <= order.filled_quantity and not np.isnan(command.quantity):
        end(state, order, bar, OrderEvent.CANCEL.value, Reason.USER_CANCEL.value)


@law
def run_commands(state, bar: int) -> None:
    """L-04: cancels and amendments that are due, in order of sending; with latency the later ones wait (C-01)."""
    account = state.account[0]
    kept = 0
    for index in range(account.command_count):
        command = state.commands[index]
        if command.bar > bar:
            later = state.commands[kept]
            later.bar = command.bar
            later.kind = command.kind
            later.number = command.number
            later.quantity = command.quantity
            later.limit_price = command.limit_price
            later.stop_price = command.stop_price
            kept += 1
            continue
        row = find_row(state.orders, account.order_count, command.number)
        if row < 0 or not is_alive(state.orders[row]):
            continue
        if command.kind == CommandKind.CANCEL:
            end(state, state.orders[row], bar, OrderEvent.CANCEL.value, Reason.USER_CANCEL.value)
        else:
            amend(state, state.orders[row], command, bar)
    account.command_count = kept


@law
def may_touch(config, instrument, order, bar: int, open_, high, low, close) -> bool:
    """C-03: whether the bar can reach the order in any phase; never says no to an order that can act."""
    if order.form == OrderType.MARKET or order.bits & (TRAIL | AT_CLOSE):
        return True
    if config.price_ref == PriceReference.CLOSE or has_path(config):
        return True
    side = order.side
    if order.form != OrderType.LIMIT and not order.bits & TRIGGERED:
        if order.bits & IF_TOUCHED:
            favourable = low if side > 0 else high
            return side * (favourable - order.stop_price) <= 0.0 or side * (open_ - order.stop_price) <= 0.0
        adverse = high if side > 0 else low
        return side * (adverse - order.stop_price) >= 0.0 or side * (open_ - order.stop_price) >= 0.0
    if order.form == OrderType.STOP:
        return True
    favourable = low if side > 0 else high
    for price in (favourable, open_, close):  # of a bar that is not valid any may be the best
        if side * (price - order.limit_price) <= 0.0:
            return True
    return False


@law
def gather(market, state, bar: int) -> int:
    """P1 and C-03: routes and expires live orders in ascending number and lists those the bar can touch."""
    config, account = state.config[0], state.account[0]
    hit_count = 0
    for index in range(account.working_count):
        row = state.working[index]
        order = state.orders[row]
        if not is_alive(order):
            continue
        if order.bits & WAITS:
            if order.time_in_force == TimeInForce.GTD and bar > order.expiry:
                end(state, order, bar, OrderEvent.EXPIRE.value, Reason.TIME_IN_FORCE.value)
            continue
        order.bits &= ~(SEEN | ENTERED_INSIDE | FRESH)
        symbol = order.symbol
        if order.status == OrderStatus.VALIDATED and order.eligible_bar <= bar:
            if not route(state, order, bar):
                continue
        if bar > order.expires_bar:
            end(state, order, bar, OrderEvent.EXPIRE.value, Reason.TIME_IN_FORCE.value)
            continue
        if order.eligible_bar > bar:
            continue  # latency, and orders for a session's open or close that is still to come
        if config.bad_bar != BadBar.NONE and not market.flags[bar, symbol] & VALID:
            order.unfilled = BAD_BAR
            continue  # BadBar.SKIP
        order.unfilled = NOT_TOUCHED
        if may_touch(
            config, state.instruments[symbol], order, bar, market.open[bar, symbol], market.high[bar, symbol],
            market.low[bar, symbol], market.close[bar, symbol],
        ):  # fmt: skip
            state.hits[hit_count] = row
            hit_count += 1
    return hit_count
