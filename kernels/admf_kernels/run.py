"""The loop of one container: resumable, in chunks; the step is `match`, the hooks are the user's compiled strategy.

`init`, `on_bar` and `on_fill` are slots: `specialise` puts the strategy's functions there.
"""

from numba import types

from admf_kernels._jit import kernel, law
from admf_kernels.actions import begin_actions, play, settle_bar
from admf_kernels.closing import fill_at_close
from admf_kernels.codes import (
    BadBar,
    BarFlag,
    LastBar,
    Liquidity,
    OrderEvent,
    OrderFlag,
    OrderStatus,
    OrderType,
    Reason,
    Record,
    RunStatus,
    SlipOn,
)
from admf_kernels.context import make_context
from admf_kernels.intake import read_script, take_orders
from admf_kernels.laws.accounting import equity_of
from admf_kernels.laws.lifecycle import is_alive, move
from admf_kernels.laws.statistics import observe, sample
from admf_kernels.limits import watch_losses
from admf_kernels.links import parent_lives, route
from admf_kernels.margin import flatten
from admf_kernels.touch import left_this_bar, set_class
from admf_kernels.views import MARKET, STATE, as_market, as_state

VALID, SESSION_LAST = BarFlag.VALID.value, BarFlag.SESSION_LAST.value
TAKER, RUNNING = Liquidity.TAKER.value, RunStatus.RUNNING.value
SLIP_MARKET, AT_CLOSE = SlipOn.MARKET.value, Reason.FILL_AT_CLOSE.value
WAITS, OPENING, ABLE = OrderFlag.WAITS.value, OrderFlag.OPENING.value, OrderFlag.ABLE.value
# rows one live order can write on one bar, at most: an entry with its two exits, each split by a reversal
FILLS_PER_ORDER, TRANSITIONS_PER_ORDER = 4, 8


def init(strategy, ctx) -> None:
    """The slot of a strategy's `init`."""


def on_bar(strategy, ctx) -> None:
    """The slot of a strategy's `on_bar`."""


def on_fill(strategy, ctx, fill) -> None:
    """The slot of a strategy's `on_fill`."""


@law
def has_room(state, row_count_max: int) -> bool:
    """A-05, W-06: whether the logs can take all that one more bar with `row_count_max` new orders may write."""
    account = state.account[0]
    own = 2 * len(state.positions)  # orders of the engine: a position that was called and opened again may be closed
    orders = account.working_count + row_count_max + own
    if account.order_count + row_count_max + own > len(state.orders):
        return False
    if account.fill_count + FILLS_PER_ORDER * orders > len(state.fills):
        return False
    if state.config[0].record == Record.SUMMARY:
        return True
    if account.trade_count + FILLS_PER_ORDER * orders > len(state.trades):
        return False
    rows = account.transition_count + TRANSITIONS_PER_ORDER * orders + account.command_count
    return state.config[0].record != Record.FULL or rows <= len(state.transitions)


@law
def end_all(state, bar: int, event: int, reason: int) -> None:
    """A-08, T-03: ends every live order with one reason."""
    config, account = state.config[0], state.account[0]
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if is_alive(order):
            move(config, account, state.transitions, order, bar, event, reason)
    account.working_count = 0


@law
def flatten_all(market, state, bar: int, bankrupt: bool) -> None:
    """A-08, A-10: closes every position, at the close or, bankrupt, the bar's worst price; at the mark on a bad bar."""
    for symbol in range(len(state.positions)):
        quantity = state.positions[symbol].quantity
        if quantity == 0.0:
            continue
        price = state.positions[symbol].mark
        if not bankrupt:
            flatten(market, state, symbol, bar, price, SLIP_MARKET, Reason.CLOSE_POSITIONS.value)
            continue
        if market.flags[bar, symbol] & VALID:
            price = market.low[bar, symbol] if quantity > 0.0 else market.high[bar, symbol]
        flatten(market, state, symbol, bar, price, 0, Reason.BANKRUPT.value)


@law
def takes_last_close(market, state, order, bar: int) -> bool:
    """T-03: whether an order meets the last close; it is put to work where it is not yet."""
    if not order.bits & ABLE or not is_alive(order) or left_this_bar(state, order):
        return False
    if order.status == OrderStatus.VALIDATED and not route(state, order, bar):
        return False
    return state.config[0].bad_bar == BadBar.NONE or market.flags[bar, order.symbol] & VALID != 0


@law
def fill_last_orders(market, state, bar: int) -> None:
    """T-03 `fill_at_close`: market orders that are still alive meet the last close, reducing ones first (C-03)."""
    for index in range(state.account[0].working_count):
        order = state.orders[state.working[index]]
        set_class(state, order)
        order.bits &= ~ABLE
        if order.type == OrderType.MARKET and not order.bits & WAITS and not parent_lives(state, order):
            order.bits |= ABLE
    for opening in range(2):
        for index in range(state.account[0].working_count):
            order = state.orders[state.working[index]]
            if (order.bits & OPENING != 0) == (opening == 1) and takes_last_close(market, state, order, bar):
                close = market.close[bar, order.symbol]
                fill_at_close(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_MARKET)


@kernel(takes=(MARKET, STATE, types.int64, types.boolean))
def close_out(market, state, bar: int, bankrupt: bool) -> None:
    """A-08 in P5 where `bankrupt`, else P7: T-03 and A-10. Ends the live orders, closes positions, sets the equity."""
    config, account = state.config[0], state.account[0]
    if bankrupt:
        account.bankrupt_bar = bar
        end_all(state, bar, OrderEvent.CANCEL.value, Reason.BANKRUPT.value)
    elif config.last_bar != LastBar.LEAVE_WORKING:  # LastBar.EXPIRE_UNFILLED
        if config.last_bar == LastBar.FILL_AT_CLOSE:
            fill_last_orders(market, state, bar)
        end_all(state, bar, OrderEvent.EXPIRE.value, Reason.END_OF_DATA.value)
    if bankrupt or config.close_positions:
        flatten_all(market, state, bar, bankrupt)
    account.equity = equity_of(account.cash, state.instruments, state.positions, -1, 0.0)


@law(forceinline=True)
def mark(market, state, bar: int) -> bool:
    """P5: A-01 marks at the last valid close, B-01 counts, K-05 watches the equity; True where a position is held."""
    account = state.account[0]
    total, exposed = account.cash, False
    for symbol in range(len(state.positions)):
        position = state.positions[symbol]
        if market.flags[bar, symbol] & VALID:
            position.mark = market.close[bar, symbol]
        else:
            account.bad_bars += 1
            if account.bad_bar_first < 0:
                account.bad_bar_first = bar
        if position.quantity != 0.0:
            exposed = True
            total += position.quantity * position.mark * state.instruments[symbol].multiplier
    account.equity = total
    if state.config[0].watched:
        watch_losses(market, state, bar)
    return exposed


@law
def is_exposed(positions) -> bool:
    """M-05: whether any position is held."""
    for symbol in range(len(positions)):
        if positions[symbol].quantity != 0.0:
            return True
    return False


@law(forceinline=True)
def take_row(market, state, bar: int, is_last: bool, exposed: bool) -> None:
    """C-02: the row of the equity curve and the statistics of the bar."""
    config, account = state.config[0], state.account[0]
    observe(account, account.equity, exposed)
    account.bars_processed = bar + 1
    if not config.sample_sessions or is_last or market.flags[bar, 0] & SESSION_LAST:
        sample(account, account.equity)
    if config.record != Record.SUMMARY:  # Record.FILLS and Record.FULL keep the curve
        row = state.curve[bar]
        row.cash = account.cash
        row.equity = account.equity


@law
def was_quiet(account, fill_start: int, order_start: int) -> bool:
    """C-02: whether no order lived or came on a bar; the next one has as much room as it had."""
    if account.working_count > 0 or account.command_count > 0:
        return False
    return account.fill_count == fill_start and account.order_count == order_start


@law
def glides(state) -> bool:
    """C-02: whether a bar without orders is the mark of one symbol and the hook: no rule looks at every bar."""
    config, account = state.config[0], state.account[0]
    if len(state.positions) != 1 or account.bankrupt_bar >= 0 or config.watched:
        return False
    return not config.margin_maintenance > 0.0


@law(forceinline=True)
def glide(market, state, own, bar: int, last_bar: int) -> int:
    """C-02 from a bar at which no order lives until one comes, or a bar needs more than its mark and its hook.

    Returns the next bar. 7 ns a bar with an empty hook, where the loop of all rules takes 12.
    """
    account, position = state.account[0], state.positions[0]
    last_bar = min(last_bar, state.config[0].bar_count - 1, account.action_bar)
    if account.script_cursor < len(state.script):
        last_bar = min(last_bar, state.script[account.script_cursor].bar)
    order_start, cash, quantity = account.order_count, account.cash, position.quantity
    multiplier, exposed = state.instruments[0].multiplier, quantity != 0.0
    while bar < last_bar:
        close = market.close[bar, 0]
        equity = cash + quantity * close * multiplier if exposed else cash
        if not market.flags[bar, 0] & VALID or equity <= 0.0:
            return bar
        account.bar = bar
        account.equity = equity
        position.mark = close
        on_bar(own, make_context(bar, market, state))
        if account.order_count > account.checked_count:
            take_orders(market, state, bar)
            exposed = is_exposed(state.positions)
        take_row(market, state, bar, False, exposed)
        bar += 1
        if account.order_count > order_start or account.command_count > 0 or account.status != RUNNING:
            return bar
    return bar


@kernel
def run(market, state, strategy, first_bar: int, last_bar: int, orders_per_bar_max: int) -> int:
    """Processes bars [first_bar, last_bar); returns the next bar. `account.status` says why it stopped early.

    `market` and `state`: named tuples, or their `handles` for compiled code; `strategy`: a record array of length 1.
    """
    market, state = as_market(market), as_state(state)
    config, account, own = state.config[0], state.account[0], strategy[0]
    account.status = RUNNING
    account.row_limit = account.order_count + orders_per_bar_max
    if first_bar == 0 and account.bar < 0:
        begin_actions(market, state)
        init(own, make_context(-1, market, state))
        read_script(state, -1)
        take_orders(market, state, first_bar - 1)  # -1; as a literal it would compile take_orders twice
    bar, quiet = first_bar, False
    while bar < last_bar and account.status == RUNNING:
        if quiet and glides(state):
            bar = glide(market, state, own, bar, last_bar)
            quiet = False
            continue
        if not quiet and not has_room(state, orders_per_bar_max):
            account.status = RunStatus.NEED_ROOM.value
            break
        account.bar = bar
        order_start = account.order_count
        account.row_limit = order_start + orders_per_bar_max
        if config.record == Record.SUMMARY and account.hooked_count == account.fill_count:
            account.fill_count = 0
            account.hooked_count = 0
        hook_start, fill_start = account.hooked_count, account.fill_count
        account.bar_fill_start = fill_start
        play(market, state, bar)
        settle_bar(market, state, bar)
        exposed = mark(market, state, bar)
        broke = account.equity <= 0.0 and account.bankrupt_bar < 0
        if broke:
            close_out(market, state, bar, broke)
            exposed = is_exposed(state.positions)
        if account.script_cursor < len(state.script):
            read_script(state, bar)
        if account.bankrupt_bar < 0:
            ctx = make_context(bar, market, state)
            for index in range(hook_start, account.fill_count):
                on_fill(own, ctx, state.fills[index])
            on_bar(own, ctx)
        account.hooked_count = account.fill_count
        is_last = bar == config.bar_count - 1
        if account.order_count > account.checked_count:
            take_orders(market, state, bar)
        if is_last:
            close_out(market, state, bar, not is_last)  # a literal False would compile close_out twice
        if is_last or account.fill_count > account.hooked_count:
            exposed = is_exposed(state.positions)
        take_row(market, state, bar, is_last, exposed)
        bar += 1
        quiet = was_quiet(account, fill_start, order_start)
    if account.status == RUNNING and bar == config.bar_count:
        account.status = RunStatus.DONE.value
    return bar
