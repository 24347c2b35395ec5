"""P2: orders meet the open."""

from admf_kernels._jit import law
from admf_kernels.codes import Liquidity, MarketFill, OrderFlag, OrderType, Reason, SlipOn, StopLimitRule
from admf_kernels.execution import execute
from admf_kernels.laws.lifecycle import is_active
from admf_kernels.laws.prices import limit_base, stop_base, stop_reached
from admf_kernels.touch import is_judged, is_sibling, latch, reached_at_open, reaches_limit, sibling

TRIGGERED = OrderFlag.TRIGGERED.value
OPENING, SEEN, PARENT = OrderFlag.OPENING.value, OrderFlag.SEEN.value, OrderFlag.PARENT.value
TAKER, MAKER = Liquidity.TAKER.value, Liquidity.MAKER.value
SLIP_MARKET, SLIP_STOP = SlipOn.MARKET.value, SlipOn.STOP.value
SLIP_MARKETABLE, SLIP_GAP = SlipOn.LIMIT_MARKETABLE.value, SlipOn.LIMIT_GAP.value
AT_OPEN = Reason.FILL_AT_OPEN.value
LIMIT_AT_OPEN = Reason.LIMIT_AT_OPEN.value
STOP_AT_OPEN = Reason.STOP_AT_OPEN.value


@law
def stop_at_open(market, state, order, bar: int) -> bool:
    """P-07: judges a stop at the open; True if it was reached."""
    config, symbol = state.config[0], order.symbol
    open_, close = market.open[bar, symbol], market.close[bar, symbol]
    if order.bits & TRIGGERED:
        execute(market, state, order, bar, open_, TAKER, AT_OPEN, SLIP_STOP, False, True, bar)
        return True
    if not stop_reached(order.side, open_, order.stop_price, config.stop_trigger):
        return False
    base = stop_base(order.side, open_, order.stop_price, close, config.stop_gap)
    filled = execute(market, state, order, bar, base, TAKER, STOP_AT_OPEN, SLIP_STOP, False, True, bar)
    if filled == 0.0 and is_active(order):
        latch(state, order, bar, STOP_AT_OPEN)
    elif is_active(order):
        order.bits |= TRIGGERED
    return True


@law
def limit_at_open(market, state, order, bar: int, first: bool) -> bool:
    """P-05: judges a limit at the open; True if it was reached. `first`: its first eligible open."""
    config, symbol = state.config[0], order.symbol
    instrument = state.instruments[symbol]
    open_ = market.open[bar, symbol]
    reached = reaches_limit(config, instrument, order, open_)
    if not reached and first and order.bits & OPENING:
        reached = order.side * (open_ - order.limit_price) <= 0.0
    if not reached:
        return False
    base = limit_base(
        order.side, open_, order.limit_price, market.high[bar, symbol], market.low[bar, symbol], config.limit_gap
    )
    liquidity, slip_bit = (TAKER, SLIP_MARKETABLE) if first else (MAKER, SLIP_GAP)
    execute(market, state, order, bar, base, liquidity, LIMIT_AT_OPEN, slip_bit, False, True, bar)
    return True


@law
def open_order(market, state, order, bar: int) -> bool:
    """P2 for one order: P-04, P-05, P-07, P-09; True if it was reached at the open."""
    config = state.config[0]
    first = order.eligible_bar == bar
    if order.type == OrderType.MARKET:
        if config.market_fill != MarketFill.NEXT_OPEN:
            return False
        base = market.open[bar, order.symbol]
        execute(market, state, order, bar, base, TAKER, AT_OPEN, SLIP_MARKET, False, True, bar)
        return True
    if order.type == OrderType.STOP:
        return stop_at_open(market, state, order, bar)
    if order.type == OrderType.STOP_LIMIT and not order.bits & TRIGGERED:
        open_ = market.open[bar, order.symbol]
        if not stop_reached(order.side, open_, order.stop_price, config.stop_trigger):
            return False
        latch(state, order, bar, STOP_AT_OPEN)
        if config.stop_limit == StopLimitRule.NEXT_BAR_ONLY:
            order.bits |= SEEN
            return True
        first = True
    return limit_at_open(market, state, order, bar, first)


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
            if (child.type == OrderType.STOP) != (stops == 0):
                continue
            child.bits |= OPENING
            if child.side * state.positions[child.symbol].quantity < 0.0:
                child.bits &= ~OPENING
            state.hits[hit_count] = row
            hit_count += 1
    return hit_count


@law
def open_group(market, state, row: int, bar: int, hit_count: int) -> int:
    """P2 for the group of one hit, its stop first (W-02); children of a fill join the hits (W-06)."""
    order = state.orders[row]
    if order.type == OrderType.LIMIT and reached_at_open(market, state, order, bar):
        stop_row = sibling(market, state, order, OrderType.STOP.value, bar, hit_count, True)
        if stop_row >= 0:
            order = state.orders[stop_row]
    if order.type == OrderType.STOP or order.type == OrderType.LIMIT:
        if not reached_at_open(market, state, order, bar):
            return hit_count
        rest_siblings(state, order, hit_count)
    filled_before = order.filled_quantity
    if not open_order(market, state, order, bar):
        return hit_count
    order.bits |= SEEN
    if order.bits & PARENT and order.filled_quantity > filled_before:
        return join_children(state, order, bar, hit_count)
    return hit_count
