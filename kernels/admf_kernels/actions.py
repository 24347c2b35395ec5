"""What happens to an account on a bar beside its orders: splits, dividends, delistings, funding, rates, settlement.

Everything is known before the run: rows of `state.actions`, ascending by bar, which the account goes through with a
cursor. A bar without a row costs one comparison in P0 and one in P5. Rows of bar -1 are the account's before the first
bar: where conversions change multipliers the table of instruments is the run's own.
"""

import numpy as np

from admf_kernels._jit import kernel, law
from admf_kernels.codes import ActionKind, OrderEvent, OrderFlag, Reason
from admf_kernels.intake import ENDED
from admf_kernels.laws.accounting import lock_unsettled
from admf_kernels.laws.lifecycle import is_alive, move
from admf_kernels.laws.prices import round_limit, round_stop
from admf_kernels.laws.trails import move_trail, round_trigger
from admf_kernels.laws.volume import floor_lot
from admf_kernels.links import NEVER, end, find_row, sweep_ended
from admf_kernels.margin import check_margin, flatten
from admf_kernels.step import match

DIVIDEND, SPLIT, DELISTED = Reason.DIVIDEND.value, Reason.SPLIT.value, Reason.DELISTED.value
TRAIL, TRAIL_PERCENT = OrderFlag.TRAIL.value, OrderFlag.TRAIL_PERCENT.value
IF_TOUCHED, TRIGGERED = OrderFlag.IF_TOUCHED.value, OrderFlag.TRIGGERED.value
DAYS_PER_YEAR = 365.0


@law
def split_order(state, order, ratio: float, bar: int) -> None:
    """D-02: more units at lower prices; an order of which no lot is left ends."""
    instrument, had_left = state.instruments[order.symbol], order.quantity > order.filled_quantity
    order.quantity = floor_lot(order.quantity * ratio, instrument.lot_size)
    order.filled_quantity = order.filled_quantity * ratio
    order.limit_price = round_limit(order.side, order.limit_price / ratio, instrument.tick_inverse)
    order.stop_price = round_trigger(order, order.stop_price / ratio, instrument.tick_inverse)
    order.peak /= ratio
    order.activation /= ratio
    order.trail_offset /= ratio
    order.limit_offset /= ratio
    order.protected_at /= ratio
    if not order.bits & TRAIL_PERCENT:
        order.trail_distance /= ratio
    if order.bits & TRAIL and not order.bits & TRIGGERED:
        move_trail(order, order.peak, instrument.tick_inverse)
    move(state.config[0], state.account[0], state.transitions, order, bar, OrderEvent.AMEND.value, SPLIT)
    if had_left and order.quantity <= order.filled_quantity:
        end(state, order, bar, OrderEvent.CANCEL.value, Reason.BELOW_LOT.value)


@law
def split(state, symbol: int, ratio: float, bar: int) -> None:
    """D-02: `ratio` units for each one, at 1/ratio of the price; money stays as it is."""
    account, position = state.account[0], state.positions[symbol]
    position.quantity *= ratio
    position.entry_quantity *= ratio
    position.average_price /= ratio
    position.mark /= ratio
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if order.symbol == symbol and is_alive(order):
            split_order(state, order, ratio, bar)
    for index in range(account.command_count):
        command = state.commands[index]
        row = find_row(state.orders, account.order_count, command.number)
        if row >= 0 and state.orders[row].symbol == symbol:
            command.quantity *= ratio
            command.limit_price /= ratio
            command.stop_price /= ratio
    sweep_ended(state)


@law
def pay_dividend(state, symbol: int, amount: float, bar: int) -> None:
    """D-03: cash for what is held; resting buy limits and sell stops come down with the price."""
    account, tick_inverse = state.account[0], state.instruments[symbol].tick_inverse
    money = state.positions[symbol].quantity * amount * state.instruments[symbol].multiplier
    account.cash += money
    account.dividends += money
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if order.symbol != symbol or not is_alive(order):
            continue
        price = order.limit_price if order.side > 0 else order.stop_price
        if not price > amount or order.bits & (TRAIL | IF_TOUCHED):
            continue
        if order.side > 0:
            order.limit_price = round_limit(1, price - amount, tick_inverse)
        else:
            order.stop_price = round_stop(-1, price - amount, tick_inverse)
        move(state.config[0], account, state.transitions, order, bar, OrderEvent.AMEND.value, DIVIDEND)


@law
def delist(market, state, symbol: int, price: float, bar: int) -> None:
    """D-04: the symbol's orders end, its position is closed, and nothing is sent any more."""
    account, position = state.account[0], state.positions[symbol]
    position.barred = ENDED
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if order.symbol == symbol and is_alive(order):
            move(state.config[0], account, state.transitions, order, bar, OrderEvent.CANCEL.value, DELISTED)
    sweep_ended(state)
    if position.quantity != 0.0:
        row_limit = account.row_limit
        flatten(market, state, symbol, bar, position.mark if np.isnan(price) else price, 0, DELISTED)
        account.row_limit = row_limit + 1
        account.delistings += 1


@law
def last_price(market, state, symbol: int, bar: int) -> float:
    """D-05, D-06: the close of the bar, the mark on an invalid one."""
    if market.flags[bar, symbol] & 1:
        return market.close[bar, symbol]
    return state.positions[symbol].mark


@law
def fund(market, state, symbol: int, rate: float, bar: int) -> None:
    """D-05: what holders of a perpetual pay each other: long pays short where the rate is above 0."""
    quantity = state.positions[symbol].quantity
    if quantity != 0.0:
        money = quantity * last_price(market, state, symbol, bar) * state.instruments[symbol].multiplier * rate
        state.account[0].cash -= money
        state.account[0].funding += money


@law
def rate_of(given: float, constant: float) -> float:
    """D-10: the rate in force."""
    return constant if np.isnan(given) else given


@law
def accrue(market, state, days: float, bar: int) -> None:
    """D-06: interest on cash and fees for what is lent to shorts, over the days to the next session."""
    config, account, borrowed, charged = state.config[0], state.account[0], 0.0, 0.0
    for symbol in range(len(state.positions)):
        position = state.positions[symbol]
        if position.quantity < 0.0:
            lent = position.quantity * last_price(market, state, symbol, bar) * state.instruments[symbol].multiplier
            borrowed -= lent
            charged -= lent * rate_of(position.borrow_rate, config.borrow_rate)
    own, rate = account.cash - borrowed, rate_of(account.debit_rate, config.debit_rate)
    if own > 0.0:
        rate = rate_of(account.cash_rate, config.cash_rate)
    interest = own * rate * days / DAYS_PER_YEAR
    fee = charged * days / DAYS_PER_YEAR
    account.cash += interest
    account.cash -= fee
    account.interest += interest
    account.borrow_fees += fee


@law
def convert(state, symbol: int, money: float) -> None:
    """D-11: what a unit of price and quantity is worth from now on; a round trip keeps what its fills were worth."""
    instrument, position = state.instruments[symbol], state.positions[symbol]
    if position.quantity != 0.0:
        side = 1 if position.quantity > 0.0 else -1
        moved = instrument.multiplier - money
        position.currency_profit += side * (position.exit_value - position.entry_value) * moved
    instrument.multiplier = money


@law
def settle_proceeds(account) -> None:
    """A-14: a session begins: proceeds come one nearer, those that waited for it can be spent."""
    account.unsettled_1 = account.unsettled_2
    account.unsettled_2 = account.unsettled_3
    account.unsettled_3 = 0.0
    lock_unsettled(account)


@law
def act(market, state, action, bar: int) -> None:
    """D-01: one row."""
    if action.kind == ActionKind.SETTLEMENT:
        settle_proceeds(state.account[0])
    elif action.kind == ActionKind.CONVERSION:
        convert(state, action.symbol, action.value)
    elif action.kind == ActionKind.CASH_RATE:
        state.account[0].cash_rate = action.value
    elif action.kind == ActionKind.DEBIT_RATE:
        state.account[0].debit_rate = action.value
    elif action.kind == ActionKind.BORROW_RATE:
        state.positions[action.symbol].borrow_rate = action.value
    elif action.kind == ActionKind.SPLIT:
        split(state, action.symbol, action.value, bar)
    elif action.kind == ActionKind.DIVIDEND:
        pay_dividend(state, action.symbol, action.value, bar)
    elif action.kind == ActionKind.DELISTING:
        delist(market, state, action.symbol, action.value, bar)
    elif action.kind == ActionKind.FUNDING:
        fund(market, state, action.symbol, action.value, bar)
    else:
        accrue(market, state, action.value, bar)  # ActionKind.ACCRUAL


@kernel
def take_actions(market, state, bar: int, late: bool) -> None:
    """D-01: the rows of a bar that come in P0, or the `late` ones of P5."""
    account = state.account[0]
    while account.action_bar == bar:
        action = state.actions[account.action_cursor]
        if (action.kind >= ActionKind.FUNDING) != late:
            return
        if account.bankrupt_bar < 0:
            act(market, state, action, bar)
        account.action_cursor += 1
        more = account.action_cursor < len(state.actions)
        account.action_bar = state.actions[account.action_cursor].bar if more else NEVER


@law
def begin_actions(market, state) -> None:
    """D-10, D-11: what holds before the first bar."""
    bar = state.account[0].bar
    if state.account[0].action_bar == bar:
        take_actions(market, state, bar, state.account[0].action_bar != bar)  # as in `play`


@law(forceinline=True)
def play(market, state, bar: int) -> None:
    """C-02, D-01: P0 to P5 but for the margin and the marks."""
    account = state.account[0]
    if account.action_bar == bar:
        take_actions(market, state, bar, account.action_bar != bar)  # a literal False would compile it twice
    if account.working_count > 0 or account.command_count > 0:
        match(market, state, bar)


@law(forceinline=True)
def settle_bar(market, state, bar: int) -> None:
    """D-01, A-12: P5 before the marks: what is due, then the margin."""
    account = state.account[0]
    if account.action_bar == bar:
        take_actions(market, state, bar, account.action_bar == bar)
    check_margin(market, state, bar)
