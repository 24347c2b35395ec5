"""P2: orders meet the open."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    Liquidity,
    MarketFill,
    OrderEvent,
    OrderFlag,
    OrderType,
    Reason,
    SlipOn,
    StopLimitRule,
)
from admf_kernels.entering import fills_at_stop
from admf_kernels.execution import execute
from admf_kernels.exits import moves_inside, stop_exit_price
from admf_kernels.laws.prices import limit_base
from admf_kernels.laws.trails import see_price, start_trail
from admf_kernels.links import end
from admf_kernels.touch import (
    follows_path,
    is_judged,
    is_sibling,
    latch,
    reached_at_open,
    reaches_limit,
    set_class,
    settle_stop,
    sibling,
    stop_limit_rule,
    takes_at_open,
    trigger_reached,
)

TRIGGERED, TRAIL, IF_TOUCHED = OrderFlag.TRIGGERED.value, OrderFlag.TRAIL.value, OrderFlag.IF_TOUCHED.value
SEEN, PARENT = OrderFlag.SEEN.value, OrderFlag.PARENT.value
AT_OPEN, AT_CLOSE = OrderFlag.AT_OPEN.value, OrderFlag.AT_CLOSE.value
POST_ONLY = OrderFlag.POST_ONLY.value
STOP, LIMIT = OrderType.STOP.value, OrderType.LIMIT.value
TAKER, MAKER = Liquidity.TAKER.value, Liquidity.MAKER.value
SLIP_MARKET, SLIP_STOP = SlipOn.MARKET.value, SlipOn.STOP.value
SLIP_MARKETABLE, SLIP_GAP = SlipOn.LIMIT_MARKETABLE.value, SlipOn.LIMIT_GAP.value
FILL_AT_OPEN = Reason.FILL_AT_OPEN.value
LIMIT_AT_OPEN = Reason.LIMIT_AT_OPEN.value
STOP_AT_OPEN, TOUCHED_AT_OPEN = Reason.STOP_AT_OPEN.value, Reason.TOUCHED_AT_OPEN.value


@law
def stop_at_open(market, state, order, bar: int) -> bool:
    """P-07, P-12, R-04: judges a stop at the open; True if it was reached."""
    config, symbol = state.config[0], order.symbol
    open_, close = market.open[bar, symbol], market.close[bar, symbol]
    if order.bits & TRIGGERED:
        execute(market, state, order, bar, open_, TAKER, FILL_AT_OPEN, SLIP_STOP, False, True, bar, open_, False)
        return True
    if not trigger_reached(config, order, open_):
        return False
    base, reason = order.stop_price, TOUCHED_AT_OPEN
    if not order.bits & IF_TOUCHED:
        reason = STOP_AT_OPEN
        base = stop_exit_price(config, order, open_, order.stop_price, close)
    filled = execute(market, state, order, bar, base, TAKER, reason, SLIP_STOP, False, True, bar, base, False)
    settle_stop(state, order, bar, filled, reason)
    return True


@law
def refuse_taking(market, state, order, bar: int) -> bool:
    """P-14: ends a post-only limit that would take at its first open; True if it did."""
    if not order.bits & POST_ONLY or order.side * (market.open[bar, order.symbol] - order.limit_price) > 0.0:
        return False
    end(state, order, bar, OrderEvent.CANCEL.value, Reason.POST_ONLY_WOULD_TAKE.value)
    return True


@law
def limit_at_open(market, state, order, bar: int, first: bool) -> bool:
    """P-05, P-13, P-14: judges a limit at the open; True if it was reached. `first`: its first eligible open."""
    config, symbol = state.config[0], order.symbol
    instrument = state.instruments[symbol]
    open_ = market.open[bar, symbol]
    marketable = order.side * (open_ - order.limit_price) <= 0.0
    if first and refuse_taking(market, state, order, bar):
        return True
    reached = marketable if order.bits & AT_OPEN else reaches_limit(config, instrument, order, open_)
    if not reached and first and takes_at_open(config, order):
        reached = marketable
    if not reached:
        return False
    base = limit_base(
        order.side, open_, order.limit_price, market.high[bar, symbol], market.low[bar, symbol], config.limit_gap
    )
    if order.bits & AT_OPEN:
        base = open_
    liquidity, slip_bit = (TAKER, SLIP_MARKETABLE) if first else (MAKER, SLIP_GAP)
    execute(market, state, order, bar, base, liquidity, LIMIT_AT_OPEN, slip_bit, False, True, bar, base, False)
    return True


@law
def open_stop_limit(market, state, order, bar: int) -> bool:
    """P-09, P-12, P-15: judges at the open a stop-limit that has not triggered; True if its turn is over."""
    config = state.config[0]
    touched = order.bits & IF_TOUCHED != 0
    if not trigger_reached(config, order, market.open[bar, order.symbol]):
        return False
    latch(state, order, bar, TOUCHED_AT_OPEN if touched else STOP_AT_OPEN)
    if touched:
        return limit_at_open(market, state, order, bar, True)
    rule = stop_limit_rule(config, order)
    if rule == StopLimitRule.MARKETABLE_AT_STOP:
        if fills_at_stop(market, order, bar):
            base = order.stop_price
            execute(
                market, state, order, bar, base, TAKER, STOP_AT_OPEN, SLIP_MARKETABLE, False, True, bar, base, False
            )
        order.bits |= SEEN
        return True
    if rule == StopLimitRule.NEXT_BAR_ONLY:
        order.bits |= SEEN
        return True
    return rule != StopLimitRule.CLOSE_TEST and limit_at_open(market, state, order, bar, True)


@law
def follow_open(market, state, order, bar: int) -> None:
    """R-02, R-04: the open starts a trail that has no peak, and moves one that follows the path."""
    open_, tick_inverse = market.open[bar, order.symbol], state.instruments[order.symbol].tick_inverse
    if np.isnan(order.peak):
        start_trail(order, open_, open_, tick_inverse)
    elif moves_inside(state.config[0]) or follows_path(state.config[0]):
        see_price(order, open_, tick_inverse)


@law
def open_order(market, state, order, bar: int) -> bool:
    """P2 for one order: P-04, P-05, P-07, P-09, P-12, P-13; True if it was reached at the open."""
    config = state.config[0]
    if order.bits & AT_CLOSE:
        return False
    if order.form == OrderType.MARKET:
        if config.market_fill != MarketFill.NEXT_OPEN and not order.bits & AT_OPEN:
            return False
        base = market.open[bar, order.symbol]
        execute(market, state, order, bar, base, TAKER, FILL_AT_OPEN, SLIP_MARKET, False, True, bar, base, False)
        return True
    if order.form == STOP or (order.form == OrderType.STOP_LIMIT and not order.bits & TRIGGERED):
        reached = (
            stop_at_open(market, state, order, bar)
            if order.form == STOP
            else open_stop_limit(market, state, order, bar)
        )
        if not reached and order.bits & TRAIL and not order.bits & TRIGGERED:
            follow_open(market, state, order, bar)
        return reached
    if order.form != LIMIT and stop_limit_rule(config, order) == StopLimitRule.CLOSE_TEST:
        return False
    return limit_at_open(market, state, order, bar, order.eligible_bar == bar)


@law
def rest_siblings(state, order, hit_count: int) -> None:
    """W-02: the legs that were not taken do nothing more on this bar."""
    if order.oco == 0 and order.parent < 0:
        return
    for index in range(hit_count):
        other = state.orders[state.hits[index]]
        if is_sibling(order, other):
            other.bits |= SEEN


@law
def join_children(state, parent, bar: int, hit_count: int) -> int:
    """W-06: children to which a fill at this open gave units join the hits, stops first; returns the number of hits."""
    for stops in range(2):
        for index in range(state.account[0].working_count):
            row = state.working[index]
            child = state.orders[row]
            if child.parent != parent.number or child.eligible_bar > bar or is_judged(child):
                continue
            if (child.form == OrderType.STOP and not child.bits & IF_TOUCHED) != (stops == 0):
                continue
            set_class(state, child)
            state.hits[hit_count] = row
            hit_count += 1
    return hit_count


@law
def open_alone(market, state, row: int, bar: int, hit_count: int) -> int:
    """P2 for one order, without those linked to it; children of a fill join the hits (W-06)."""
    order = state.orders[row]
    filled_before = order.filled_quantity
    if not open_order(market, state, order, bar):
        return hit_count
    order.bits |= SEEN
    if order.bits & PARENT and order.filled_quantity > filled_before:
        return join_children(state, order, bar, hit_count)
    return hit_count


@law
def open_group(market, state, row: int, bar: int, hit_count: int) -> int:
    """P2 for the group of one hit, its stop first (W-02); children of a fill join the hits (W-06)."""
    order = state.orders[row]
    if order.form == LIMIT and order.eligible_bar == bar and refuse_taking(market, state, order, bar):
        return hit_count
    if (order.form == LIMIT or order.form == STOP) and reached_at_open(market, state, order, bar):
        stop_row = sibling(market, state, order, STOP, -1, bar, hit_count, True)
        if stop_row >= 0 and (order.form == LIMIT or stop_row < row):
            row = stop_row
            order = state.orders[row]
    if order.form == STOP or order.form == LIMIT:
        if reached_at_open(market, state, order, bar):
            rest_siblings(state, order, hit_count)
        elif not order.bits & TRAIL:
            return hit_count
    return open_alone(market, state, row, bar, hit_count)
