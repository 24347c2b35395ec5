"""One order meets one price: size, volume, slippage, clamp, funds, booking, and what follows for linked orders."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    CashFill,
    ClampFail,
    CommissionModel,
    OrderEvent,
    OrderFlag,
    Reason,
    Remainder,
    RunStatus,
    Short,
    SizeKind,
    SlipOn,
    TimeInForce,
    Unfilled,
    VolumeScope,
)
from admf_kernels.laws.accounting import (
    QUANTITY_SLACK,
    available_cash,
    book,
    buying_power,
    cash_weight,
    closing_quantity,
    equity_of,
    free_cash,
    money_tolerance,
)
from admf_kernels.laws.commission import fill_fee, is_listed, set_fee_time
from admf_kernels.laws.lifecycle import move
from admf_kernels.laws.sizing import affordable, fill_price
from admf_kernels.laws.slippage import Bar, has_factor, slippage_factor
from admf_kernels.laws.volume import basis_volume, clean_volume, floor_lot
from admf_kernels.limits import within_limits
from admf_kernels.links import end, grow_children, is_unresolved, parent_lives, reduce_siblings

REDUCE_ONLY, PARENT, CHILD = OrderFlag.REDUCE_ONLY.value, OrderFlag.PARENT.value, OrderFlag.CHILD.value
CANCEL, FILL, COMPLETE = OrderEvent.CANCEL.value, OrderEvent.FILL.value, OrderEvent.COMPLETE.value
OPENING_ONLY, INSIDE_ONLY = SlipOn.OPENING_ONLY.value, SlipOn.INSIDE_ONLY.value
NOTHING_LEFT = 0.0


@law
def bar_of(config, market, order, bar: int):
    """The bar a fill of an order happens in; volume cleaned (B-02)."""
    symbol = order.symbol
    return Bar(
        market.open[bar, symbol],
        market.high[bar, symbol],
        market.low[bar, symbol],
        market.close[bar, symbol],
        clean_volume(market.volume[bar, symbol]),
        slippage_factor(config, market, order, bar) if has_factor(config) else 0.0,
    )


@law
def volume_used(position, bar: int) -> float:
    """V-02: units of the symbol already filled in this bar."""
    return position.volume_used if position.volume_bar == bar else 0.0


@law
def note(order, cause: int) -> None:
    """U-01: why an order that could fill when the bar began has not."""
    if order.unfilled != Unfilled.FILLED:
        order.unfilled = cause


@law
def is_at_open(reason: int) -> bool:
    """S-01 `inside_only`: whether a fill is one at the open."""
    return (
        reason == Reason.FILL_AT_OPEN
        or reason == Reason.LIMIT_AT_OPEN
        or reason == Reason.STOP_AT_OPEN
        or reason == Reason.TOUCHED_AT_OPEN
    )


@law
def resolve_size(state, order, liquidity: int, base_price, used, slips, bar) -> None:
    """A-06: turns money or a share into a quantity, once."""
    account, instruments, symbol = state.account[0], state.instruments, order.symbol
    budget = order.size_amount
    if order.size_kind == SizeKind.EQUITY_FRACTION:
        budget = order.size_amount * equity_of(account.cash, instruments, state.positions, symbol, base_price)
    elif order.size_kind == SizeKind.CASH_FRACTION:
        budget = order.size_amount * available_cash(state)
    quantity = affordable(state, order, liquidity, base_price, used, slips, bar, 1.0, budget, 0.0, 0.0, 0.0)
    order.quantity = 0.0 if quantity < instruments[symbol].min_quantity else quantity


@law
def fail_law(account, order) -> None:
    """S-05, F-04: a user's law gave a value that is not allowed; the run ends."""
    account.status = RunStatus.LAW_FAILED.value
    account.failed_order = order.number


@law
def fillable(config, market, position, instrument, order, bar_index: int, wanted: float, capped: bool) -> float:
    """V-02, V-03, V-04: units of `wanted` that the bar's volume lets through."""
    quantity = wanted
    if capped and not np.isnan(config.volume_limit):
        basis = basis_volume(market.volume, bar_index, order.symbol, config.volume_basis, config.volume_window)
        room = config.volume_limit * basis
        if config.volume_scope == VolumeScope.BAR_SHARED:
            room -= volume_used(position, bar_index)  # VolumeScope.PER_ORDER shares nothing
        if room < wanted:
            quantity = floor_lot(max(room, 0.0), instrument.lot_size)
    if capped and quantity < config.min_fill:
        return NOTHING_LEFT
    if order.time_in_force == TimeInForce.FOK and quantity < wanted:
        return NOTHING_LEFT
    return quantity


@law
def affordable_opening(state, order, liquidity, base, price, closing_price, closing, opening, used, slips, bar):
    """A-04, A-06, A-07: the part of the opening quantity that funds and rules allow at the fill."""
    config, account, side = state.config[0], state.account[0], order.side
    instrument, position = state.instruments[order.symbol], state.positions[order.symbol]
    if side < 0 and config.short == Short.FORBIDDEN:
        return NOTHING_LEFT
    if config.cash_fill == CashFill.NONE and order.size_kind == SizeKind.QUANTITY:
        return opening
    closed_value = closing * closing_price * instrument.multiplier
    closing_fee = fill_fee(state, order, liquidity, closing, closed_value) if closing > 0.0 else 0.0
    unlocked = 0.0
    if closing > 0.0:
        unlocked = (
            position.locked * (closing / abs(position.quantity))
            if closing < abs(position.quantity)
            else position.locked
        )
    paid = side * closing * closing_price * instrument.multiplier + closing_fee
    free = (account.cash - paid) - (account.locked - unlocked)
    if config.leverage > 1.0:
        held = position.quantity + side * closing
        free = buying_power(
            config.leverage, account.cash - paid, state.instruments, state.positions, order.symbol, held, base
        )
    value = opening * price * instrument.multiplier
    fee = fill_fee(state, order, liquidity, closing + opening, closed_value + value) - closing_fee
    weight = cash_weight(config, side)
    if weight * value + fee <= free + money_tolerance(value):
        return opening
    if cuts_to_funds(config, order):
        return affordable(
            state, order, liquidity, base, used, slips, bar, weight, free, closing, closed_value, closing_fee
        )
    return NOTHING_LEFT


@law
def cuts_to_funds(config, order) -> bool:
    """A-04, A-06: whether an opening part that funds cannot pay is cut to what they can."""
    return config.cash_fill == CashFill.RESIZE_DOWN or order.size_kind != SizeKind.QUANTITY


@law
def snap_dust(account, value: float) -> None:
    """A-04: free cash just below zero becomes zero."""
    free = free_cash(account)
    if free < 0.0 and -free <= money_tolerance(value):
        account.cash = account.locked


@law
def fee_is_finite(state, order, liquidity: int, quantity: float, value: float) -> bool:
    """F-04: whether a user's commission law gave a fee; our own always do."""
    if state.config[0].commission_model != CommissionModel.USER:
        return True
    return np.isfinite(fill_fee(state, order, liquidity, quantity, value))


@law
def conclude(state, order, bar: int, reason: int, event_only_fill: bool) -> None:
    """L-01, L-05, L-07: the transition after a fill."""
    config, account = state.config[0], state.account[0]
    left = order.quantity - order.filled_quantity
    complete = left <= QUANTITY_SLACK * order.filled_quantity
    if order.bits & REDUCE_ONLY and state.positions[order.symbol].quantity == 0.0:
        complete = True
        order.quantity = order.filled_quantity
    if event_only_fill or not complete or (order.bits & CHILD and parent_lives(state, order)):
        move(config, account, state.transitions, order, bar, FILL, reason)
    else:
        move(config, account, state.transitions, order, bar, COMPLETE, reason)


@law
def wanted_units(state, order, bar_index: int, liquidity: int, base_price, used, slips: bool, bar) -> float:
    """A-06, K-06, L-07: units that are left to fill; 0 where the order ends instead, or a user's law fails."""
    if is_unresolved(order):
        resolve_size(state, order, liquidity, base_price, used, slips, bar)
        if is_unresolved(order):
            fail_law(state.account[0], order)
            return NOTHING_LEFT
        if order.quantity <= 0.0:
            order.quantity = 0.0
            end(state, order, bar_index, CANCEL, Reason.BELOW_LOT.value)
            return NOTHING_LEFT
    wanted = order.quantity - order.filled_quantity
    if order.bits & REDUCE_ONLY:
        held = -order.side * state.positions[order.symbol].quantity
        if held <= 0.0:
            end(state, order, bar_index, CANCEL, Reason.NOTHING_TO_REDUCE.value)
            return NOTHING_LEFT
        return min(wanted, held)
    if state.config[0].limited:
        return within_limits(state, order, bar_index, base_price, wanted)
    return wanted


@law
def execute(
    market,
    state,
    order,
    bar_index: int,
    base_price: float,
    liquidity: int,
    reason: int,
    slip_bit: int,
    ambiguous: bool,
    capped: bool,
    children_bar: int,
    moment: float,
    entered_inside: bool,
) -> float:
    """Fills what can be filled of one order at one base price; returns the units filled (A, F, L, P-11, S, V rules).

    `capped` is False for the engine's own orders, which no volume holds back (A-08, A-10); `children_bar` is the first
    bar on which children activated by this fill may fill (W-06), `moment` where the path is then and `entered_inside`
    whether the bar's good extreme may have been before (R-02, R-06). What keeps the order from filling is noted (U-01).
    """
    config, account = state.config[0], state.account[0]
    symbol = order.symbol
    instrument, position = state.instruments[symbol], state.positions[symbol]
    bar = bar_of(config, market, order, bar_index)
    if not np.isfinite(base_price):
        return NOTHING_LEFT
    if capped and config.has_volume and bar.volume == 0.0:
        note(order, Unfilled.NO_VOLUME.value)
        return NOTHING_LEFT
    if is_listed(config):
        set_fee_time(config, account, market, bar_index)
    used = volume_used(position, bar_index)
    slips = (config.slip_on & slip_bit) != 0 and not (config.slip_on & INSIDE_ONLY and is_at_open(reason))
    wanted = wanted_units(state, order, bar_index, liquidity, base_price, used, slips, bar)
    if wanted <= 0.0:
        return NOTHING_LEFT
    quantity = fillable(config, market, position, instrument, order, bar_index, wanted, capped)
    if quantity <= 0.0:
        note(order, Unfilled.CAPPED.value)
        return NOTHING_LEFT
    closing = closing_quantity(position.quantity, order.side, quantity)
    opening = quantity - closing
    spares_closing = (config.slip_on & OPENING_ONLY) != 0
    slips_now = slips and not (spares_closing and opening == 0.0)
    price, raw = fill_price(config, instrument, order, base_price, quantity, used, slips_now, bar)
    if np.isnan(price) or not fee_is_finite(
        state, order, liquidity, quantity, quantity * price * instrument.multiplier
    ):
        fail_law(account, order)
        return NOTHING_LEFT
    if price != raw and capped and config.clamp_fail == ClampFail.SKIP_BAR:
        note(order, Unfilled.CLAMP.value)
        return NOTHING_LEFT  # ClampFail.FILL_AT_CLAMP goes on
    closing_price = price
    if spares_closing and closing > 0.0 and opening > 0.0:
        closing_price, _raw = fill_price(config, instrument, order, base_price, closing, used, False, bar)

    short_of_funds = False
    if opening > 0.0 and capped:
        allowed = affordable_opening(
            state, order, liquidity, base_price, price, closing_price, closing, opening, used, slips, bar
        )  # fmt: skip
        if np.isnan(allowed):
            fail_law(account, order)
            return NOTHING_LEFT
        if allowed < opening:
            note(order, Unfilled.FUNDS.value)
            if order.time_in_force == TimeInForce.FOK:
                return NOTHING_LEFT
            opening = allowed
            short_of_funds = True
            if cuts_to_funds(config, order) and closing + opening > 0.0:
                # a smaller quantity may slip less, and the order is cut to it
                short_of_funds = False
                slips_now = slips and not (spares_closing and opening == 0.0)
                price, raw = fill_price(config, instrument, order, base_price, closing + opening, used, slips_now, bar)
                closing_price = closing_price if spares_closing else price
                order.quantity = order.filled_quantity + closing + opening
    if price != raw:
        account.clamps += 1
        account.clamp_saving += order.side * (raw - price) * (closing + opening) * instrument.multiplier
    return settle(
        market, state, order, bar_index, price, closing_price, base_price, liquidity, reason, ambiguous, closing,
        opening, short_of_funds, children_bar, moment, entered_inside,
    )  # fmt: skip


@law
def settle(
    market,
    state,
    order,
    bar_index: int,
    price: float,
    closing_price: float,
    base_price: float,
    liquidity: int,
    reason: int,
    ambiguous: bool,
    closing: float,
    opening: float,
    short_of_funds: bool,
    children_bar: int,
    moment: float,
    entered_inside: bool,
) -> float:
    """A-05: books a decided fill, closing part first, with what follows for the order and those linked to it."""
    config, account = state.config[0], state.account[0]
    symbol = order.symbol
    instrument, position = state.instruments[symbol], state.positions[symbol]
    filled = closing + opening
    had_filled = order.filled_quantity > 0.0
    if closing > 0.0:
        book(
            state, order, bar_index, closing, closing_price, base_price, liquidity, reason, ambiguous, True
        )  # fmt: skip
        conclude(state, order, bar_index, reason, opening > 0.0 or short_of_funds)
    if opening > 0.0:
        book(
            state, order, bar_index, opening, price, base_price, liquidity, reason, ambiguous, False
        )  # fmt: skip
        if config.leverage <= 1.0:
            snap_dust(account, opening * price * instrument.multiplier)
        conclude(state, order, bar_index, reason, False)
    if filled > 0.0:
        order.unfilled = Unfilled.FILLED.value
        position.volume_used = volume_used(position, bar_index) + filled
        position.volume_bar = bar_index
        if order.bits & PARENT:
            grow_children(
                state, order, bar_index, filled, children_bar, base_price, moment, entered_inside, market.session_end
            )
        if order.oco > 0:
            reduce_siblings(state, order, bar_index, filled)
    if short_of_funds and opening == 0.0 and not funds_wait(config, order):
        refuse_funds(config, state, order, bar_index)
    elif filled > 0.0 and config.remainder == Remainder.CANCEL and not had_filled and is_open(order):
        end(state, order, bar_index, CANCEL, Reason.REMAINDER_CANCELLED.value)  # Remainder.CARRY leaves it working
    return filled


@law
def is_open(order) -> bool:
    """V-03: whether a fill left something to fill."""
    return order.closed_bar < 0 and order.quantity - order.filled_quantity > QUANTITY_SLACK * order.filled_quantity


@law
def funds_wait(config, order) -> bool:
    """A-04: whether an order that cannot be paid waits for a later bar."""
    return config.cash_fill == CashFill.SKIP_AND_RETRY and not (order.side < 0 and config.short == Short.FORBIDDEN)


@law
def refuse_funds(config, state, order, bar_index: int) -> None:
    """A-04, A-07: ends an order whose opening part may not fill."""
    if order.size_kind != SizeKind.QUANTITY:
        end(state, order, bar_index, CANCEL, Reason.BELOW_LOT.value)
        return
    reason = Reason.INSUFFICIENT_CASH.value  # CashFill.REJECT
    if order.side < 0 and config.short == Short.FORBIDDEN:
        reason = Reason.SHORT_FORBIDDEN.value
    end(state, order, bar_index, OrderEvent.FUNDS_FAIL.value, reason)
