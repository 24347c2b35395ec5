"""P3 along one assumed path: the orders of a symbol meet the prices as the path reaches them (X rules)."""

from admf_kernels._jit import law
from admf_kernels.codes import (
    Conflict,
    Liquidity,
    OrderFlag,
    OrderType,
    Path,
    Reason,
    SlipOn,
    StopLimitRule,
)
from admf_kernels.entering import fills_at_stop
from admf_kernels.execution import execute
from admf_kernels.exits import stop_exit_price
from admf_kernels.inside import acts_inside
from admf_kernels.laws.lifecycle import is_active
from admf_kernels.laws.prices import limit_base, limit_path_price
from admf_kernels.laws.trails import see_price
from admf_kernels.touch import (
    follows_path,
    is_judged,
    latch,
    left_this_bar,
    reaches_limit,
    settle_stop,
    stop_limit_rule,
    trigger_reached,
)

TRIGGERED, TRAIL, IF_TOUCHED = OrderFlag.TRIGGERED.value, OrderFlag.TRAIL.value, OrderFlag.IF_TOUCHED.value
SEEN, ABLE, EXIT = OrderFlag.SEEN.value, OrderFlag.ABLE.value, OrderFlag.EXIT.value
FRESH = OrderFlag.FRESH.value
STOP, STOP_LIMIT = OrderType.STOP.value, OrderType.STOP_LIMIT.value
TAKER, MAKER = Liquidity.TAKER.value, Liquidity.MAKER.value
SLIP_STOP, SLIP_LIMIT = SlipOn.STOP.value, SlipOn.LIMIT.value
SLIP_MARKETABLE = SlipOn.LIMIT_MARKETABLE.value
LIMIT_INSIDE, STOP_INSIDE, TOUCHED = Reason.LIMIT_REACHED.value, Reason.STOP_REACHED.value, Reason.TOUCHED.value
BEYOND_EXIT = Reason.ENTRY_BEYOND_EXIT.value


@law
def high_first(path: int, open_: float, high: float, low: float, close: float) -> bool:
    """X-01: whether the path visits the high before the low."""
    if path == Path.OHLC:
        return True
    if path == Path.ADAPTIVE:
        return abs(high - open_) < abs(open_ - low)
    if path == Path.CANDLE:
        return close < open_
    return False  # Path.OLHC


@law
def waits_for_trigger(order) -> bool:
    """X-02: whether the next thing an order meets is its trigger."""
    return order.form == STOP or (order.form == STOP_LIMIT and not order.bits & TRIGGERED)


@law
def holds_at(config, state, order, price: float) -> bool:
    """X-02: whether an order's trigger or limit is reached at a price of the path."""
    if waits_for_trigger(order):
        return trigger_reached(config, order, price)
    return reaches_limit(config, state.instruments[order.symbol], order, price)


@law
def level_of(config, state, order) -> float:
    """X-02: the price at which an order acts that the path reaches."""
    if waits_for_trigger(order):
        return order.stop_price
    return limit_path_price(
        order.side,
        order.limit_price,
        config.limit_trigger,
        config.limit_through_ticks,
        state.instruments[order.symbol].tick_inverse,
    )


@law
def can_act(state, order, symbol: int, bar: int) -> bool:
    """X-02: whether an order may still act on the path of this bar."""
    if order.symbol != symbol or order.eligible_bar > bar or is_judged(order) or not acts_inside(order):
        return False
    return not left_this_bar(state, order)


@law
def fill_on_path(market, state, order, bar: int, price: float, base: float, takes: bool, reason: int, slip_bit: int):
    """X-03: fills at a point of the path; children act from there on. Returns the units filled."""
    order.bits |= SEEN
    liquidity = TAKER if takes else MAKER
    return execute(market, state, order, bar, base, liquidity, reason, slip_bit, False, True, bar, price, False)


@law
def is_new_exit(order) -> bool:
    """W-03, X-03: whether an order is an exit whose parent filled first in this bar."""
    return order.bits & EXIT != 0 and order.bits & FRESH != 0


@law
def act_at_limit(market, state, order, bar: int, price: float, at_once: bool) -> None:
    """X-03: a limit that the path reaches, or whose condition held when it became active."""
    if at_once:
        reason = BEYOND_EXIT if is_new_exit(order) else LIMIT_INSIDE
        fill_on_path(market, state, order, bar, price, price, True, reason, SLIP_MARKETABLE)
        return
    symbol = order.symbol
    high, low = market.high[bar, symbol], market.low[bar, symbol]
    base = limit_base(order.side, order.limit_price, order.limit_price, high, low, state.config[0].limit_gap)
    fill_on_path(market, state, order, bar, price, base, False, LIMIT_INSIDE, SLIP_LIMIT)


@law
def act_at_trigger(market, state, order, bar: int, price: float, at_once: bool) -> None:
    """X-03: an order whose trigger the path reaches."""
    config = state.config[0]
    touched = order.bits & IF_TOUCHED != 0
    reason = TOUCHED if touched else STOP_INSIDE
    fill_reason = BEYOND_EXIT if at_once and is_new_exit(order) else reason
    close = market.close[bar, order.symbol]
    base = price
    if not at_once:
        base = order.stop_price
        if not touched:
            base = stop_exit_price(config, order, base, base, close)
    if order.form == STOP:
        filled = fill_on_path(market, state, order, bar, price, base, True, fill_reason, SLIP_STOP)
        settle_stop(state, order, bar, filled, reason)
        return
    latch(state, order, bar, reason)
    rule = stop_limit_rule(config, order)
    if rule == StopLimitRule.NEXT_BAR_ONLY:
        order.bits |= SEEN
    elif rule == StopLimitRule.MARKETABLE_AT_STOP:
        order.bits |= SEEN
        if fills_at_stop(market, order, bar):
            fill_on_path(market, state, order, bar, price, order.stop_price, True, reason, SLIP_MARKETABLE)
    elif order.side * (order.limit_price - price) >= 0.0:
        fill_on_path(market, state, order, bar, price, price, True, reason, SLIP_MARKETABLE)


@law
def act(market, state, order, bar: int, price: float, at_once: bool) -> None:
    """X-03: an order has its turn where the path is."""
    if waits_for_trigger(order):
        act_at_trigger(market, state, order, bar, price, at_once)
    else:
        act_at_limit(market, state, order, bar, price, at_once)


@law
def follow_path(state, symbol: int, bar: int, price: float) -> None:
    """X-03: the peaks of the trails follow the path."""
    if not follows_path(state.config[0]):
        return
    for index in range(state.account[0].working_count):
        order = state.orders[state.working[index]]
        if order.bits & TRAIL == 0 or order.symbol != symbol or not is_active(order) or order.bits & TRIGGERED:
            continue
        if order.eligible_bar <= bar or order.bits & FRESH:  # a child follows from its activation on
            see_price(order, price, state.instruments[symbol].tick_inverse)


@law
def next_on_leg(state, symbol: int, bar: int, price: float, target: float):
    """X-02: (row, its level, whether it holds already) of the order that the path meets next; row -1 without."""
    config = state.config[0]
    found, found_level, found_now, found_stop = -1, target, False, False
    for index in range(state.account[0].working_count):
        row = state.working[index]
        order = state.orders[row]
        if not can_act(state, order, symbol, bar):
            continue
        now = holds_at(config, state, order, price)
        if not now and not holds_at(config, state, order, target):
            continue
        level = price if now else level_of(config, state, order)
        stop = order.form == STOP and order.bits & IF_TOUCHED == 0
        before = abs(level - price) < abs(found_level - price)
        if level == found_level and config.conflict == Conflict.STOP_FIRST:  # Conflict.PATH: the lower number
            before = stop and not found_stop
        if found < 0 or before:
            found, found_level, found_now, found_stop = row, level, now, stop
    return found, found_level, found_now


@law
def walk_leg(market, state, symbol: int, bar: int, price: float, target: float) -> None:
    """X-02: the orders that the path meets on its way from `price` to `target`."""
    while True:
        row, level, now = next_on_leg(state, symbol, bar, price, target)
        if row < 0:
            break
        price = level
        follow_path(state, symbol, bar, price)
        act(market, state, state.orders[row], bar, price, now)
    follow_path(state, symbol, bar, target)


@law
def visit_point(market, state, symbol: int, bar: int, before: float, price: float) -> None:
    """X-04: the orders that are reached at a point, in ascending number; what they activate acts there at once."""
    config, account = state.config[0], state.account[0]
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        order.bits &= ~ABLE
        if can_act(state, order, symbol, bar) and not holds_at(config, state, order, before):
            order.bits |= ABLE
    index = 0
    while index < account.working_count:
        order = state.orders[state.working[index]]
        index += 1
        if can_act(state, order, symbol, bar) and holds_at(config, state, order, price):
            at_once = order.bits & ABLE == 0
            order.bits &= ~ABLE
            act(market, state, order, bar, price, at_once)
            index = 0
    follow_path(state, symbol, bar, price)


@law
def walk_symbol(market, state, symbol: int, bar: int) -> None:
    """X-01 to X-04: the path of one symbol through one bar, from its open on."""
    config = state.config[0]
    open_, close = market.open[bar, symbol], market.close[bar, symbol]
    high, low = market.high[bar, symbol], market.low[bar, symbol]
    first, second = low, high
    if high_first(config.path, open_, high, low, close):
        first, second = high, low
    if config.points_only:
        visit_point(market, state, symbol, bar, open_, first)
        visit_point(market, state, symbol, bar, first, second)
        visit_point(market, state, symbol, bar, second, close)
        return
    walk_leg(market, state, symbol, bar, open_, first)
    walk_leg(market, state, symbol, bar, first, second)
    walk_leg(market, state, symbol, bar, second, close)


@law
def walk(market, state, bar: int, hit_count: int) -> None:
    """X-02: the symbols with an order that the bar can touch, in ascending order."""
    symbol = -1
    while True:
        following = len(state.positions)
        for index in range(hit_count):
            other = state.orders[state.hits[index]].symbol
            if symbol < other < following:
                following = other
        if following == len(state.positions):
            return
        symbol = following
        walk_symbol(market, state, symbol, bar)
