"""The loop of `admf_kernels.run`, taken apart after P5: what it does between the decisions of a strategy in Python.

Bar k *begins* with P1 to P5 and the marks; after the strategy has decided it is *finished* with P6, P7 and its row of
the curve. Everything in between is the same laws and kernels in the same order.
"""

from admf_kernels._jit import kernel, law
from admf_kernels.actions import begin_actions, play, settle_bar
from admf_kernels.codes import BarFlag, OrderFlag, RunStatus
from admf_kernels.intake import send_command, take_orders
from admf_kernels.margin import is_short_of
from admf_kernels.run import close_out, has_room, is_exposed, mark, take_row
from admf_kernels.sending import send_order
from admf_kernels.views import as_market, as_state

VALID = BarFlag.VALID.value
RUNNING = RunStatus.RUNNING.value
OCO_REDUCE, REDUCE_ONLY = OrderFlag.OCO_REDUCE.value, OrderFlag.REDUCE_ONLY.value
POST_ONLY, TRAIL_PERCENT = OrderFlag.POST_ONLY.value, OrderFlag.TRAIL_PERCENT.value


@law
def finish_bar(market, state, bar: int) -> None:
    """C-02: P6 after the decisions, P7 on the last bar, the row of the curve."""
    config, account = state.config[0], state.account[0]
    if account.order_count > account.checked_count:
        take_orders(market, state, bar)
    if bar < 0:
        return
    is_last = bar == config.bar_count - 1
    if is_last:
        close_out(market, state, bar, not is_last)  # a literal False would compile close_out twice
    take_row(market, state, bar, is_last, is_exposed(state.positions))


@law
def begin_bar(market, state, bar: int, orders_per_bar_max: int) -> None:
    """C-02: P1 to P5 and the marks of a bar."""
    account = state.account[0]
    account.bar = bar
    account.row_limit = account.order_count + orders_per_bar_max
    account.bar_fill_start = account.fill_count
    play(market, state, bar)
    settle_bar(market, state, bar)
    mark(market, state, bar)
    broke = account.equity <= 0.0 and account.bankrupt_bar < 0
    if broke:
        close_out(market, state, bar, broke)


@kernel
def advance(market, state, target: int, orders_per_bar_max: int) -> int:
    """Finishes the bar that has begun and begins those after it up to `target`, without a decision in between.

    `target` = number of bars finishes the last one. Returns a RunStatus: RUNNING where the target was reached; can be
    called again after NEED_ROOM.
    """
    market, state = as_market(market), as_state(state)
    account = state.account[0]
    account.status = RUNNING
    if account.bar < 0:
        account.row_limit = account.order_count + orders_per_bar_max
        begin_actions(market, state)
    quiet = False
    for bar in range(account.bar + 1, target + 1):
        if account.bars_processed < bar or bar == 0:  # else it was finished before NEED_ROOM
            finish_bar(market, state, bar - 1)
        if account.status != RUNNING or bar == state.config[0].bar_count:
            return account.status
        if not quiet and not has_room(state, orders_per_bar_max):
            account.status = RunStatus.NEED_ROOM.value
            return account.status
        begin_bar(market, state, bar, orders_per_bar_max)
        if account.status != RUNNING:
            return account.status
        quiet = account.working_count == 0 and account.command_count == 0
    return account.status


@law
def mark_at(market, state, symbol: int, first: int, bar: int) -> float:
    """A-01: the mark of a symbol after a bar, where nothing fills from `first` on."""
    while bar >= first:
        if market.flags[bar, symbol] & VALID:
            return market.close[bar, symbol]
        bar -= 1
    return state.positions[symbol].mark


@kernel
def solvent_until(market, state, first: int, last: int) -> int:
    """A-08, A-12: the first bar of [first, last) on which the engine would close a position if nothing fills.

    `last` where it would not on any: equity stays above zero at the close, and covers the maintenance margin.
    """
    market, state = as_market(market), as_state(state)
    maintenance = state.config[0].margin_maintenance
    for bar in range(first, last):
        total = state.account[0].cash
        lowest, needed = total, 0.0
        for symbol in range(len(state.positions)):
            quantity, multiplier = state.positions[symbol].quantity, state.instruments[symbol].multiplier
            if quantity == 0.0:
                continue
            price = mark_at(market, state, symbol, first, bar)
            total += quantity * price * multiplier
            if market.flags[bar, symbol] & VALID:
                price = market.low[bar, symbol] if quantity > 0.0 else market.high[bar, symbol]
            value = quantity * price * multiplier
            lowest += value
            needed += maintenance * abs(value)
        if total <= 0.0 or (maintenance > 0.0 and is_short_of(lowest, needed)):
            return bar
    return last


@kernel
def submit(
    state, bar: int, side: int, order_type: int, quantity: float, limit_price: float, stop_price: float,
    time_in_force: int, expiry: int, reduce_only: bool, post_only: bool, parent: int, oco: int, oco_reduce: bool,
    size_kind: int, size: float, symbol: int, tag: int, trail_distance: float, trail_percent: bool,
    trail_offset: float, limit_offset: float, protected_at: float,
) -> int:  # fmt: skip
    """C-01: puts an order into the book; returns its number, -1 where the bar has no rows left."""
    state = as_state(state)
    bits = OCO_REDUCE if oco_reduce else 0
    if reduce_only:
        bits |= REDUCE_ONLY
    if post_only:
        bits |= POST_ONLY
    if trail_percent:
        bits |= TRAIL_PERCENT
    number = send_order(
        state, bar, side, order_type, quantity, limit_price, stop_price, time_in_force, expiry, bits, parent, oco,
        size_kind, size, symbol, tag,
    )  # fmt: skip
    if number >= 0:
        order = state.orders[state.account[0].order_count - 1]
        order.trail_distance = trail_distance
        order.trail_offset = trail_offset
        order.limit_offset = limit_offset
        order.protected_at = protected_at
    return number


@kernel
def command(state, kind: int, number: int, quantity: float, limit_price: float, stop_price: float) -> int:
    """L-04: sends a cancel or an amendment; returns a RunStatus."""
    state = as_state(state)
    account = state.account[0]
    account.status = RUNNING
    send_command(state, kind, number, quantity, limit_price, stop_price)
    return account.status
