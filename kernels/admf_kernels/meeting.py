"""P1 to P5 of a bar of one lane: the short ways for what lanes do most, else the step of the order engine.

A short way leaves phases out in which nothing can happen, and calls the laws of the others; what it comes to is what
`match` comes to. They take a third of its time off a trade.
"""

from admf_kernels._jit import kernel, law
from admf_kernels.begin import run_commands
from admf_kernels.codes import (
    Liquidity,
    OrderEvent,
    OrderFlag,
    OrderStatus,
    OrderType,
    Path,
    Reason,
    SlipOn,
    StopLimitRule,
    TimeInForce,
    Unfilled,
)
from admf_kernels.execution import execute
from admf_kernels.inside import inside_exit
from admf_kernels.laws.lifecycle import is_alive, move
from admf_kernels.links import sweep_ended
from admf_kernels.step import count_unfilled, end_bar, match
from admf_kernels.touch import has_path, reached_inside

MARKET, STOP, LIMIT = OrderType.MARKET.value, OrderType.STOP.value, OrderType.LIMIT.value
GTC, VALIDATED, QUEUE = TimeInForce.GTC.value, OrderStatus.VALIDATED.value, Path.QUEUE.value
ROUTE, ELIGIBLE, FILL_AT_OPEN = OrderEvent.ROUTE.value, Reason.ELIGIBLE.value, Reason.FILL_AT_OPEN.value
TAKER, SLIP_MARKET = Liquidity.TAKER.value, SlipOn.MARKET.value
NOT_TOUCHED, FILLED = Unfilled.NOT_TOUCHED.value, Unfilled.FILLED.value
REDUCE_ONLY, CHILD, WAITS = OrderFlag.REDUCE_ONLY.value, OrderFlag.CHILD.value, OrderFlag.WAITS.value
EXIT, OF_ONE_BAR = OrderFlag.EXIT.value, OrderFlag.SEEN.value | OrderFlag.FRESH.value
NOT_PLAIN = OrderFlag.TRAIL.value | OrderFlag.IF_TOUCHED.value | OrderFlag.TRIGGERED.value


@law
def comes_to(order, low: float, high: float) -> bool:
    """P-06, P-08: whether a range comes to the price of a plain stop or limit."""
    if order.form == STOP:
        return high >= order.stop_price if order.side > 0 else low <= order.stop_price
    return low <= order.limit_price if order.side > 0 else high >= order.limit_price


@law
def is_plain(state, order) -> bool:
    """C-03: whether an order is a market order that no rule but P-04 is about."""
    if order.type != MARKET or order.status != VALIDATED or order.time_in_force != GTC or order.oco != 0:
        return False
    if order.bits & CHILD:
        return False
    return not order.bits & REDUCE_ONLY or order.side * state.positions[0].quantity < 0.0


@law
def exits_rest(market, state, entry, bar: int) -> bool:
    """W-06: whether all others that live are exits that wait for an entry, and no price of its bar comes to one."""
    low, high = market.low[bar, 0], market.high[bar, 0]
    for index in range(1, state.account[0].working_count):
        child = state.orders[state.working[index]]
        if not child.bits & WAITS or not child.bits & EXIT or child.parent != entry.number or child.bits & NOT_PLAIN:
            return False
        if (child.form != STOP and child.form != LIMIT) or comes_to(child, low, high):
            return False
    return state.account[0].working_count == 1 or not has_path(state.config[0])


@law
def exits_alone(market, state, bar: int) -> bool:
    """W-02: whether only plain exits live, none for the open, so that P3 alone is about them."""
    config, open_ = state.config[0], market.open[bar, 0]
    if has_path(config) or config.path == QUEUE or config.stop_limit == StopLimitRule.CLOSE_TEST:
        return False
    for index in range(state.account[0].working_count):
        order = state.orders[state.working[index]]
        if not order.bits & EXIT or order.bits & (WAITS | NOT_PLAIN) or (order.form != STOP and order.form != LIMIT):
            return False
        if comes_to(order, open_, open_):
            return False
    return state.account[0].working_count <= 2


@kernel
def fill_at_open(market, state, bar: int) -> None:
    """P1, P2 and P5 for a plain market order and the exits that its fill puts to work."""
    config, account = state.config[0], state.account[0]
    order = state.orders[state.working[0]]
    open_ = market.open[bar, 0]
    move(config, account, state.transitions, order, bar, ROUTE, ELIGIBLE)
    order.unfilled = NOT_TOUCHED
    execute(market, state, order, bar, open_, TAKER, FILL_AT_OPEN, SLIP_MARKET, False, True, bar, open_, False)
    if order.unfilled != FILLED:
        count_unfilled(account, order)
    if account.working_count > 1:
        sweep_ended(state)
    elif not is_alive(order):
        account.working_count = 0


@kernel
def meet_exits(market, state, bar: int) -> None:
    """P1, P3 and P5 for plain exits that the open does not come to (W-02)."""
    stop_row, limit_row, first_row = -1, -1, -1
    for index in range(state.account[0].working_count):
        row = state.working[index]
        order = state.orders[row]
        order.bits &= ~OF_ONE_BAR
        order.unfilled = NOT_TOUCHED
        if not reached_inside(market, state, order, bar):
            continue
        if first_row < 0:
            first_row = row
        if order.form == STOP:
            stop_row = row
        else:
            limit_row = row
    if first_row >= 0:
        inside_exit(market, state, state.orders[first_row], stop_row, -1, limit_row, bar)
    end_bar(market, state, bar)
    sweep_ended(state)


@law
def meet(market, state, bar: int) -> None:
    """C-02: P1 to P5 of a bar."""
    account = state.account[0]
    if account.command_count > 0:
        run_commands(state, bar)
        sweep_ended(state)
    if account.working_count == 0:
        return
    order = state.orders[state.working[0]]
    if is_plain(state, order):
        if exits_rest(market, state, order, bar):
            fill_at_open(market, state, bar)
            return
    elif exits_alone(market, state, bar):
        meet_exits(market, state, bar)
        return
    match(market, state, bar)
