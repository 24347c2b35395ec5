"""P6: what an order needs in cash when it is submitted."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    CashSubmit,
    CommissionModel,
    Liquidity,
    OrderFlag,
    OrderType,
    Reason,
    Short,
    SizeKind,
    SlipOn,
)
from admf_kernels.execution import bar_of, volume_used
from admf_kernels.laws.accounting import available_cash, cash_weight, money_tolerance
from admf_kernels.laws.commission import fill_fee, is_listed, set_fee_time
from admf_kernels.laws.lifecycle import is_alive
from admf_kernels.laws.slippage import slippage_distance
from admf_kernels.laws.validation import needs_limit

REDUCE_ONLY, CHILD = OrderFlag.REDUCE_ONLY.value, OrderFlag.CHILD.value
SLIP_MARKET, SLIP_STOP = SlipOn.MARKET.value, SlipOn.STOP.value
TAKER = Liquidity.TAKER.value


@law
def opening_at_submission(position_quantity: float, order) -> float:
    """A-02: the part of an order that would open or add, judged by the position at submission; units."""
    if order.bits & REDUCE_ONLY:
        return 0.0
    held = -order.side * position_quantity
    if held > 0.0:
        return order.quantity - min(order.quantity, held)
    return order.quantity


@law
def reference_price(market, state, order, bar: int, quantity: float) -> float:
    """A-02: L, else S or c with slippage; NaN before the first bar for orders without a price."""
    config, symbol = state.config[0], order.symbol
    if needs_limit(order):
        return order.limit_price
    base, slip_bit = order.stop_price, SLIP_STOP
    if order.form == OrderType.MARKET or np.isnan(base):
        if bar < 0:
            return np.nan
        base = state.positions[symbol].mark
        slip_bit = SLIP_MARKET if order.form == OrderType.MARKET else SLIP_STOP
    if bar < 0 or not config.slip_on & slip_bit:
        return base
    instrument, position = state.instruments[symbol], state.positions[symbol]
    distance = slippage_distance(
        config,
        base,
        order.side,
        quantity,
        volume_used(position, bar),
        instrument.tick_inverse,
        bar_of(config, market, order, bar),
    )
    return base + order.side * distance


@law
def reserve_needed(market, state, order, bar: int) -> float:
    """A-02: free cash an order needs at submission; account currency."""
    config, account, symbol = state.config[0], state.account[0], order.symbol
    position = state.positions[symbol].quantity
    if order.size_kind != SizeKind.QUANTITY:
        if order.bits & REDUCE_ONLY or order.side * position < 0.0:
            return 0.0
        money = order.size_amount  # SizeKind.VALUE
        if order.size_kind == SizeKind.EQUITY_FRACTION:
            money = order.size_amount * account.equity
        elif order.size_kind == SizeKind.CASH_FRACTION:
            money = order.size_amount * available_cash(state)
        return money * cash_weight(config, order.side)
    quantity = opening_at_submission(position, order)
    if quantity <= 0.0:
        return 0.0
    price = reference_price(market, state, order, bar, quantity)
    if not np.isfinite(price):
        return 0.0
    value = quantity * price * state.instruments[symbol].multiplier
    if is_listed(config):
        set_fee_time(config, account, market, bar)
    return value * cash_weight(config, order.side) + fill_fee(state, order, TAKER, quantity, value)


@law
def reserved_cash(state) -> float:
    """A-02: reserves of the live orders in ascending number; a filled share of an order has released its share."""
    total = 0.0
    for index in range(state.account[0].working_count):
        order = state.orders[state.working[index]]
        if order.reserved == 0.0 or not is_alive(order):
            continue
        if order.filled_quantity > 0.0:
            total += order.reserved * ((order.quantity - order.filled_quantity) / order.quantity)
        else:
            total += order.reserved
    return total


@law
def try_cash(market, state, order, bar: int, quantity: float) -> bool:
    """A-02 `cumulative_check`: takes the order off the cash that those checked before it on this bar would leave."""
    config, account, symbol = state.config[0], state.account[0], order.symbol
    price = order.limit_price if np.isnan(order.stop_price) else order.stop_price
    if np.isnan(price):
        price = state.positions[symbol].mark
    if np.isnan(quantity) or np.isnan(price):
        return account.trial_cash >= -money_tolerance(0.0)
    value = quantity * price * state.instruments[symbol].multiplier
    if is_listed(config):
        set_fee_time(config, account, market, bar)
    account.trial_cash -= order.side * value + fill_fee(state, order, TAKER, quantity, value)
    return account.trial_cash >= -money_tolerance(value)


@law
def funding_reason(market, state, order, bar: int, asked: float) -> int:
    """A-02, A-07: Reason to deny an order at submission, NONE if it is funded; writes its reserve."""
    config = state.config[0]
    position = state.positions[order.symbol].quantity
    if order.side < 0 and config.short == Short.FORBIDDEN and order.size_kind == SizeKind.QUANTITY:
        if not order.bits & CHILD and opening_at_submission(position, order) > 1e-9 * order.quantity:
            return Reason.SHORT_FORBIDDEN.value
    if config.cash_submit == CashSubmit.NONE:
        return Reason.NONE.value
    if config.cash_submit == CashSubmit.CUMULATIVE_CHECK:
        return Reason.NONE.value if try_cash(market, state, order, bar, asked) else Reason.INSUFFICIENT_CASH.value
    # CashSubmit.RESERVE
    needed = reserve_needed(market, state, order, bar)
    if needed == np.inf and config.commission_model != CommissionModel.USER:  # so would be the tolerance; F-04
        return Reason.INSUFFICIENT_CASH.value
    if needed > 0.0 and needed > available_cash(state) - reserved_cash(state) + money_tolerance(needed):
        return Reason.INSUFFICIENT_CASH.value
    order.reserved = needed
    return Reason.NONE.value
