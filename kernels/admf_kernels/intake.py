"""P6: orders of the bar are checked, funded and listed; cancels and amendments wait for the next bar."""

import numpy as np
from numba import types

from admf_kernels._jit import kernel, law
from admf_kernels.closing import market_at_close
from admf_kernels.codes import (
    BadBar,
    BarFlag,
    CashSubmit,
    MarketFill,
    OrderEvent,
    OrderFlag,
    OrderStatus,
    OrderType,
    Reason,
    RunStatus,
    SizeKind,
    Unfilled,
)
from admf_kernels.funding import funding_reason
from admf_kernels.laws.accounting import equity_of
from admf_kernels.laws.lifecycle import is_alive, move
from admf_kernels.laws.prices import round_limit
from admf_kernels.laws.trails import peak_of, round_trigger, start_trail
from admf_kernels.laws.validation import form_and_bits, has_stop, needs_limit, static_reason
from admf_kernels.laws.volume import floor_lot
from admf_kernels.limits import limit_new_orders
from admf_kernels.links import end_immediate, find_row, route, set_life, sweep_ended
from admf_kernels.views import MARKET, STATE

TRAIL = OrderFlag.TRAIL.value
AT_OPEN, AT_CLOSE = OrderFlag.AT_OPEN.value, OrderFlag.AT_CLOSE.value
EXIT, REDUCE_ONLY, CHILD, PARENT, WAITS = (
    OrderFlag.EXIT.value,
    OrderFlag.REDUCE_ONLY.value,
    OrderFlag.CHILD.value,
    OrderFlag.PARENT.value,
    OrderFlag.WAITS.value,
)
VALID = BarFlag.VALID.value
ENDED = 2  # of `barred` (D-04)
SUBMIT_ROW = -1


@law
def new_order(state, bar: int) -> int:
    """C-01: a cleared row for an order submitted at `bar`; -1 where the bar has no rows left (ORDERS_FULL)."""
    account = state.account[0]
    row = account.order_count
    if row >= account.row_limit:
        account.status = RunStatus.ORDERS_FULL.value
        return -1
    order = state.orders[row]
    order.limit_price = np.nan
    order.stop_price = np.nan
    order.trail_distance = np.nan
    order.trail_offset = np.nan
    order.limit_offset = np.nan
    order.activation = np.nan
    order.peak = np.nan
    order.protected_at = np.nan
    order.quantity = np.nan
    order.size_amount = np.nan
    order.filled_quantity = 0.0
    order.filled_value = 0.0
    order.tier_fee = 0.0
    order.commission = 0.0
    order.reserved = 0.0
    order.number = account.next_number
    order.parent = -1
    order.oco = 0
    order.symbol = 0
    order.submitted_bar = bar
    order.eligible_bar = bar + 1
    order.expires_bar = 0
    order.closed_bar = -1
    order.bits = 0
    order.expiry = 0
    order.tag = -1
    order.fill_count = 0
    order.side = 0
    order.type = OrderType.MARKET.value
    order.time_in_force = 0
    order.form = OrderType.MARKET.value
    order.unfilled = Unfilled.FILLED.value
    order.unfilled_not_touched = 0
    order.unfilled_capped = 0
    order.unfilled_no_volume = 0
    order.unfilled_funds = 0
    order.unfilled_bad_bar = 0
    order.unfilled_clamp = 0
    order.size_kind = SizeKind.QUANTITY.value
    order.status = OrderStatus.NONE.value
    order.reason = Reason.NONE.value
    account.next_number += 1
    account.order_count += 1
    return row


@law
def take_fields(order, source) -> None:
    """C-01: what an order that was written elsewhere asks for; its parent's number is for the caller to find."""
    order.limit_price = source.limit_price
    order.stop_price = source.stop_price
    order.trail_distance = source.trail_distance
    order.trail_offset = source.trail_offset
    order.limit_offset = source.limit_offset
    order.protected_at = source.protected_at
    order.quantity = source.quantity
    order.size_amount = source.size_amount
    order.oco = source.oco
    order.symbol = source.symbol
    order.bits = source.bits
    order.expiry = source.expiry
    order.tag = source.tag
    order.side = source.side
    order.type = source.type
    order.time_in_force = source.time_in_force
    order.size_kind = source.size_kind


@law
def whole_quantity(state, order) -> float:
    """L-05: what an order will have filled in the end if all it depends on fills; NaN where that is not known yet."""
    share = 1.0
    while order.bits & CHILD:
        row = find_row(state.orders, state.account[0].order_count, order.parent)
        if row < 0 or not is_alive(state.orders[row]):
            break
        share *= order.size_amount
        order = state.orders[row]
    return share * order.quantity


@law
def link_to_parent(state, order, parent) -> None:
    """L-05: makes an order a child of a live parent."""
    parent.bits |= PARENT
    order.bits |= CHILD
    if parent.filled_quantity == 0.0:
        order.bits |= WAITS
    if order.side != parent.side:
        order.bits |= REDUCE_ONLY | EXIT
    ratio = 1.0
    whole = whole_quantity(state, parent)
    if order.quantity < whole:  # False where either is NaN
        ratio = order.quantity / whole
    order.size_amount = ratio
    order.quantity = parent.filled_quantity * ratio


@law
def round_order(order, instrument) -> None:
    """P-01, V-03: prices to the tick, the quantity to the lot."""
    if needs_limit(order):
        order.limit_price = round_limit(order.side, order.limit_price, instrument.tick_inverse)
    else:
        order.limit_price = np.nan
    if has_stop(order):
        order.stop_price = round_trigger(order, order.stop_price, instrument.tick_inverse)
    else:
        order.stop_price = np.nan
    if order.size_kind == SizeKind.QUANTITY:
        order.quantity = floor_lot(order.quantity, instrument.lot_size)
    else:
        order.quantity = np.nan


@law
def refusal(state, order) -> int:
    """D-04, L-02: Reason to refuse an order, NONE if it passes; a child is linked to its parent on the way."""
    if state.account[0].bankrupt_bar >= 0:
        return Reason.BANKRUPT.value
    known = 0 <= order.symbol < len(state.instruments)
    instrument = state.instruments[order.symbol if known else 0]
    form, bits = form_and_bits(order.type)
    order.form = form
    order.bits |= bits
    reason = static_reason(order, instrument, order.parent != -1)
    if reason != Reason.NONE:
        return reason
    if bits & (AT_OPEN | AT_CLOSE) and not state.config[0].dated:
        return Reason.SESSION_UNKNOWN.value
    if not known:
        return Reason.SYMBOL_UNKNOWN.value
    if state.positions[order.symbol].barred == ENDED:
        return Reason.DELISTED.value
    if order.parent == -1:
        round_order(order, instrument)
        return Reason.NONE.value
    row = find_row(state.orders, state.account[0].order_count, order.parent)
    if row < 0 or order.parent == order.number:
        return Reason.PARENT_UNKNOWN.value
    if not is_alive(state.orders[row]) or state.orders[row].symbol != order.symbol:
        return Reason.PARENT_UNKNOWN.value
    round_order(order, instrument)
    link_to_parent(state, order, state.orders[row])
    return Reason.NONE.value


@law
def fills_now(market, state, order, bar: int) -> bool:
    """C-02, C-04: whether `same_close` fills a market order at the close of its submission bar."""
    config = state.config[0]
    if config.market_fill != MarketFill.SAME_CLOSE or order.type != OrderType.MARKET or order.bits & WAITS or bar < 0:
        return False
    return config.bad_bar == BadBar.NONE or market.flags[bar, order.symbol] & VALID != 0


@law
def fill_submitted(market, state, first_row: int, bar: int) -> None:
    """C-02 `same_close`: after the checks of a bar its market orders meet the close, in order of submission."""
    for row in range(first_row, state.account[0].order_count):
        order = state.orders[row]
        if order.status != OrderStatus.VALIDATED or not fills_now(market, state, order, bar):
            continue
        if route(state, order, bar):
            market_at_close(market, state, order, bar)
            end_immediate(state, order, bar)


@law
def place_trail(state, order) -> None:
    """R-02: where a trail without a parent begins: its given trigger, else the mark; without one the first open."""
    tick_inverse = state.instruments[order.symbol].tick_inverse
    start = state.positions[order.symbol].mark
    if not np.isnan(order.stop_price):
        start = peak_of(order, order.stop_price)
    if np.isnan(start):
        order.stop_price = np.nan
    else:
        start_trail(order, start, start, tick_inverse)


@law
def check_order(market, state, row: int, bar: int) -> None:
    """L-01, L-02, A-02: takes one submitted order to VALIDATED or REJECTED and lists it if it lives."""
    config, account, order = state.config[0], state.account[0], state.orders[row]
    cut = order.reason  # Reason.RISK_LIMIT where limits have cut the quantity, else NONE
    move(config, account, state.transitions, order, bar, OrderEvent.SUBMIT.value, cut)
    asked = order.quantity  # of a child its own, before it takes what its parent has filled
    reason = refusal(state, order)
    if reason != Reason.NONE:
        if cut != Reason.NONE and (reason == Reason.QUANTITY_NOT_POSITIVE or reason == Reason.BELOW_LOT):
            reason = cut
        move(config, account, state.transitions, order, bar, OrderEvent.REFUSE.value, reason)
        return
    move(config, account, state.transitions, order, bar, OrderEvent.VALIDATE.value, Reason.NONE.value)
    if order.size_kind == SizeKind.QUANTITY:
        asked = floor_lot(asked, state.instruments[order.symbol].lot_size)
    if not order.bits & CHILD or config.cash_submit == CashSubmit.CUMULATIVE_CHECK:
        reason = funding_reason(market, state, order, bar, asked)
        if reason != Reason.NONE:
            move(config, account, state.transitions, order, bar, OrderEvent.DENY.value, reason)
            return
    now = fills_now(market, state, order, bar)
    if not order.bits & WAITS:
        first_bar = bar if now else bar + 1 + config.latency_bars
        set_life(order, first_bar, first_bar, market.session_end)
        if order.bits & TRAIL:
            place_trail(state, order)
    state.working[account.working_count] = row
    account.working_count += 1


@law
def send_command(state, kind: int, number: int, quantity: float, limit_price: float, stop_price: float) -> None:
    """L-04: a cancel or an amendment for P1 of the next bar."""
    account = state.account[0]
    if account.command_count >= len(state.commands):
        account.status = RunStatus.COMMANDS_FULL.value
        return
    command = state.commands[account.command_count]
    command.bar = account.bar + 1 + state.config[0].latency_bars
    command.kind = kind
    command.number = number
    command.quantity = quantity
    command.limit_price = limit_price
    command.stop_price = stop_price
    account.command_count += 1


@law
def read_script(state, bar: int) -> None:
    """C-02: the rows of a scripted run that act at this bar."""
    account = state.account[0]
    while account.script_cursor < len(state.script) and state.script[account.script_cursor].bar <= bar:
        cursor = account.script_cursor
        account.script_cursor += 1
        command = state.script[cursor]
        if command.kind != SUBMIT_ROW:
            number = state.script_numbers[command.number]
            send_command(state, command.kind, number, command.quantity, command.limit_price, command.stop_price)
            continue
        row = new_order(state, bar)
        if row < 0:
            return
        order, source = state.orders[row], state.script_orders[cursor]
        take_fields(order, source)
        order.parent = state.script_numbers[source.parent] if source.parent >= 0 else source.parent
        state.script_numbers[cursor] = order.number


@kernel(takes=(MARKET, STATE, types.int64))
def take_orders(market, state, bar: int) -> None:
    """P6, last part: the script's rows, then the checks of every order submitted on this bar (C-02)."""
    account = state.account[0]
    account.trial_cash = account.cash
    first_row = account.checked_count
    if state.config[0].limited:
        limit_new_orders(market, state, bar)
    for row in range(account.checked_count, account.order_count):
        check_order(market, state, row, bar)
    account.checked_count = account.order_count
    if state.config[0].market_fill == MarketFill.SAME_CLOSE:
        fill_submitted(market, state, first_row, bar)
        sweep_ended(state)
        account.equity = equity_of(account.cash, state.instruments, state.positions, -1, 0.0)
