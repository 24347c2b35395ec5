"""P3: orders meet the range of the bar, alone and linked."""

from admf_kernels._jit import law
from admf_kernels.codes import Liquidity, OrderFlag, OrderType, Path, Reason, SlipOn, StopLimitRule
from admf_kernels.execution import execute
from admf_kernels.laws.lifecycle import is_active, is_alive
from admf_kernels.laws.outcomes import HOLD, NO_FILL, STOP, after_entry, decide
from admf_kernels.laws.prices import limit_base, limit_path_price, stop_base, stop_reached
from admf_kernels.touch import count_ambiguous, latch, reaches_limit, sibling

TRIGGERED = OrderFlag.TRIGGERED.value
SEEN, PARENT = OrderFlag.SEEN.value, OrderFlag.PARENT.value
TAKER, MAKER = Liquidity.TAKER.value, Liquidity.MAKER.value
SLIP_STOP = SlipOn.STOP.value
SLIP_MARKETABLE, SLIP_LIMIT = SlipOn.LIMIT_MARKETABLE.value, SlipOn.LIMIT.value
LIMIT_INSIDE = Reason.LIMIT_REACHED.value
STOP_INSIDE = Reason.STOP_REACHED.value
BEYOND_EXIT = Reason.ENTRY_BEYOND_EXIT.value


@law
def fill_exit(market, state, row: int, bar: int, base: float, reason: int, ambiguous: bool) -> None:
    """W-02 to W-05: executes the exit an outcome chose; a target beyond which the entry happened takes (W-03)."""
    order = state.orders[row]
    order.bits |= SEEN
    if order.type == OrderType.LIMIT:
        beyond = reason == BEYOND_EXIT
        liquidity, slip_bit = (TAKER, SLIP_MARKETABLE) if beyond else (MAKER, SLIP_LIMIT)
        execute(market, state, order, bar, base, liquidity, reason, slip_bit, ambiguous, True, bar + 1)
        return
    filled = execute(market, state, order, bar, base, TAKER, reason, SLIP_STOP, ambiguous, True, bar + 1)
    if filled == 0.0 and is_active(order):
        latch(state, order, bar, reason)
    elif is_active(order):
        order.bits |= TRIGGERED


@law
def inside_exit(market, state, stop_row: int, limit_row: int, bar: int) -> None:
    """W-02 in P3: an OCO pair or a single leg of an order without children; -1 for a leg that is not there."""
    config = state.config[0]
    symbol = state.orders[max(stop_row, limit_row)].symbol
    instrument = state.instruments[symbol]
    high, low, close = market.high[bar, symbol], market.low[bar, symbol], market.close[bar, symbol]
    stop_can, stop_price, target_can, target_price, side = False, 0.0, False, 0.0, 1
    if stop_row >= 0:
        order = state.orders[stop_row]
        side = -order.side
        adverse = high if order.side > 0 else low
        stop_can = stop_reached(order.side, adverse, order.stop_price, config.stop_trigger)
        stop_price = stop_base(order.side, order.stop_price, order.stop_price, close, config.stop_gap)
    if limit_row >= 0:
        order = state.orders[limit_row]
        side = -order.side
        target_can = reaches_limit(config, instrument, order, low if order.side > 0 else high)
        target_price = limit_base(order.side, order.limit_price, order.limit_price, high, low, config.limit_gap)
    if not stop_can and not target_can:
        return
    outcome, ambiguous = decide(
        config.path, side, 0.0, close, stop_can, stop_price, target_can, target_price, False, False
    )
    count_ambiguous(state, ambiguous)
    if stop_can and target_can:
        state.orders[stop_row].bits |= SEEN
        state.orders[limit_row].bits |= SEEN
    if outcome == STOP:
        fill_exit(market, state, stop_row, bar, stop_price, STOP_INSIDE, ambiguous)
    else:
        fill_exit(market, state, limit_row, bar, target_price, LIMIT_INSIDE, ambiguous)


@law
def exit_of_entry(
    market, state, order, stop_row, limit_row, bar, path_price, by_limit, certain, triggered_inside, base
):
    """W-03 to W-05: (outcome, exit price, reason, ambiguous) of an entry inside the bar at `path_price`."""
    config, symbol = state.config[0], order.symbol
    instrument = state.instruments[symbol]
    side = order.side
    high, low, close = market.high[bar, symbol], market.low[bar, symbol], market.close[bar, symbol]
    adverse, favourable = (low, high) if side > 0 else (high, low)
    has_stop, has_target = stop_row >= 0, limit_row >= 0
    stop_price, target_price = 0.0, 0.0
    stop_now, target_now, stop_touched, target_touched, target_at_close = False, False, False, False, False
    close_beyond_stop = True
    if has_stop:
        leg = state.orders[stop_row]
        stop_price = stop_base(leg.side, leg.stop_price, leg.stop_price, close, config.stop_gap)
        stop_now = stop_reached(leg.side, path_price, leg.stop_price, config.stop_trigger)
        stop_touched = stop_reached(leg.side, adverse, leg.stop_price, config.stop_trigger)
        close_beyond_stop = not stop_reached(leg.side, close, leg.stop_price, config.stop_trigger)
    if has_target:
        leg = state.orders[limit_row]
        target_price = limit_base(leg.side, leg.limit_price, leg.limit_price, high, low, config.limit_gap)
        target_now = reaches_limit(config, instrument, leg, path_price)
        target_touched = reaches_limit(config, instrument, leg, favourable)
        target_at_close = reaches_limit(config, instrument, leg, close)
    reason_stop, reason_target = STOP_INSIDE, LIMIT_INSIDE
    if stop_now or target_now:
        stop_can, target_can, hold_can = stop_now, not stop_now, False
        stop_price, target_price = path_price, path_price
        reason_stop, reason_target = BEYOND_EXIT, BEYOND_EXIT
    elif config.path == Path.QUEUE:
        stop_can, target_can, hold_can = stop_touched, target_touched and not stop_touched, True
    else:
        stop_can, target_can, hold_can = after_entry(
            by_limit, certain, triggered_inside, stop_touched, target_touched, target_at_close, close_beyond_stop
        )
    outcome, ambiguous = decide(
        config.path, side, base, close, stop_can, stop_price, target_can, target_price, hold_can, not certain
    )
    if outcome == STOP:
        return outcome, stop_price, reason_stop, ambiguous
    return outcome, target_price, reason_target, ambiguous


@law
def waiting_exits(state, parent):
    """W-06: rows of the lowest stop and the lowest limit exit among the children of an entry, -1 without."""
    stop_row, limit_row = -1, -1
    if not parent.bits & PARENT:
        return stop_row, limit_row
    for index in range(state.account[0].working_count):
        row = state.working[index]
        child = state.orders[row]
        if child.parent != parent.number or not is_alive(child) or child.side == parent.side:
            continue
        if child.type == OrderType.STOP and stop_row < 0:
            stop_row = row
        elif child.type == OrderType.LIMIT and limit_row < 0:
            limit_row = row
    return stop_row, limit_row


@law
def enter_inside(
    market, state, order, bar: int, path_price, base, by_limit: bool, certain: bool, triggered_inside: bool
):
    """W-03 to W-06: an entry inside the bar with what its exits do in the rest of it."""
    order.bits |= SEEN
    stop_row, limit_row = waiting_exits(state, order)
    outcome, exit_price, exit_reason, ambiguous = exit_of_entry(
        market, state, order, stop_row, limit_row, bar, path_price, by_limit, certain, triggered_inside, base
    )
    count_ambiguous(state, ambiguous)
    if outcome == NO_FILL:
        return
    if by_limit:
        filled = execute(market, state, order, bar, base, MAKER, LIMIT_INSIDE, SLIP_LIMIT, ambiguous, True, bar + 1)
    else:
        filled = execute(market, state, order, bar, base, TAKER, STOP_INSIDE, SLIP_STOP, ambiguous, True, bar + 1)
        if order.type == OrderType.STOP:
            if filled == 0.0 and is_active(order):
                latch(state, order, bar, STOP_INSIDE)
            elif is_active(order):
                order.bits |= TRIGGERED
    if filled == 0.0 or outcome == HOLD:
        return
    exit_row = stop_row if outcome == STOP else limit_row
    child = state.orders[exit_row]
    if is_active(child) and child.quantity > child.filled_quantity:
        fill_exit(market, state, exit_row, bar, exit_price, exit_reason, ambiguous)


@law
def inside_stop_limit(market, state, order, bar: int) -> None:
    """W-05: a stop-limit inside the bar."""
    config, symbol = state.config[0], order.symbol
    instrument = state.instruments[symbol]
    side = order.side
    high, low, close = market.high[bar, symbol], market.low[bar, symbol], market.close[bar, symbol]
    adverse, favourable = (high, low) if side > 0 else (low, high)
    if order.bits & TRIGGERED:
        inside_limit(market, state, order, bar)
        return
    if not stop_reached(side, adverse, order.stop_price, config.stop_trigger):
        return
    latch(state, order, bar, STOP_INSIDE)
    if config.stop_limit == StopLimitRule.NEXT_BAR_ONLY:
        return
    # StopLimitRule.PATH
    if side * (order.limit_price - order.stop_price) >= 0.0:
        base = stop_base(side, order.stop_price, order.stop_price, close, config.stop_gap)
        enter_inside(market, state, order, bar, order.stop_price, base, False, True, True)
        return
    if not reaches_limit(config, instrument, order, favourable):
        return
    certain = config.path == Path.QUEUE or reaches_limit(config, instrument, order, close)
    enter_limit(market, state, order, bar, certain, True)


@law
def enter_limit(market, state, order, bar: int, certain: bool, triggered_inside: bool) -> None:
    """P-06, W-03: a limit that is reached inside the bar."""
    config, symbol = state.config[0], order.symbol
    path_price = limit_path_price(
        order.side,
        order.limit_price,
        config.limit_trigger,
        config.limit_through_ticks,
        state.instruments[symbol].tick_inverse,
    )
    base = limit_base(
        order.side,
        order.limit_price,
        order.limit_price,
        market.high[bar, symbol],
        market.low[bar, symbol],
        config.limit_gap,
    )
    enter_inside(market, state, order, bar, path_price, base, True, certain, triggered_inside)


@law
def inside_limit(market, state, order, bar: int) -> None:
    """P-06: a working limit inside the bar."""
    symbol = order.symbol
    favourable = market.low[bar, symbol] if order.side > 0 else market.high[bar, symbol]
    if reaches_limit(state.config[0], state.instruments[symbol], order, favourable):
        enter_limit(market, state, order, bar, True, False)


@law
def inside_group(market, state, row: int, bar: int, hit_count: int) -> None:
    """P3 for the group of one hit: W-02 to W-05."""
    config = state.config[0]
    order = state.orders[row]
    if order.type == OrderType.MARKET or (order.type == OrderType.STOP and order.bits & TRIGGERED):
        return  # P-07: a stop that has traded is a market order at the next open
    if order.type == OrderType.STOP_LIMIT:
        inside_stop_limit(market, state, order, bar)
        return
    if order.bits & PARENT:
        if order.type == OrderType.LIMIT:
            inside_limit(market, state, order, bar)
        elif stop_reached(
            order.side,
            market.high[bar, order.symbol] if order.side > 0 else market.low[bar, order.symbol],
            order.stop_price,
            config.stop_trigger,
        ):
            base = stop_base(
                order.side, order.stop_price, order.stop_price, market.close[bar, order.symbol], config.stop_gap
            )
            enter_inside(market, state, order, bar, order.stop_price, base, False, True, False)
        return
    if order.type == OrderType.STOP:
        limit_row = sibling(market, state, order, OrderType.LIMIT.value, bar, hit_count, False)
        inside_exit(market, state, row, limit_row, bar)
    else:
        stop_row = sibling(market, state, order, OrderType.STOP.value, bar, hit_count, False)
        inside_exit(market, state, stop_row, row, bar)
