"""What the phases of a bar share: which orders it can reach, and which have had their turn."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    LimitAtOpen,
    OrderEvent,
    OrderFlag,
    OrderType,
    Path,
    PriceReference,
    StopLatch,
    StopLimitRule,
    TrailReference,
)
from admf_kernels.laws.lifecycle import is_active, move
from admf_kernels.laws.prices import limit_reached, stop_reached
from admf_kernels.links import find_row

TRIGGERED = OrderFlag.TRIGGERED.value
EXIT, OPENING = OrderFlag.EXIT.value, OrderFlag.OPENING.value
SEEN, PARENT = OrderFlag.SEEN.value, OrderFlag.PARENT.value
TRAIL, IF_TOUCHED = OrderFlag.TRAIL.value, OrderFlag.IF_TOUCHED.value
AT_OPEN, AT_CLOSE = OrderFlag.AT_OPEN.value, OrderFlag.AT_CLOSE.value
PATH_RULE = StopLimitRule.PATH.value
LONE = IF_TOUCHED | AT_OPEN | AT_CLOSE  # never judged together with an exit of the other kind


@law
def latch(state, order, bar: int, reason: int) -> None:
    """P-09, V-01: the stop has traded; under `stop_latch=none` only a stop-limit remembers it."""
    if order.form == OrderType.STOP and state.config[0].stop_latch == StopLatch.NONE:
        return  # StopLatch.STICKY goes on
    order.bits |= TRIGGERED
    move(state.config[0], state.account[0], state.transitions, order, bar, OrderEvent.TRIGGER.value, reason)


@law
def settle_stop(state, order, bar: int, filled: float, reason: int) -> None:
    """P-07, V-01: what a stop that traded remembers: without a fill a TRIGGER of its own, with one the fill says it."""
    if not is_active(order) or order.bits & TRIGGERED:
        return
    if filled == 0.0:
        latch(state, order, bar, reason)
    elif state.config[0].stop_latch == StopLatch.STICKY:
        order.bits |= TRIGGERED


@law
def reaches_limit(config, instrument, order, price: float) -> bool:
    """P-03 for an order."""
    return limit_reached(
        order.side,
        price,
        order.limit_price,
        config.limit_trigger,
        config.limit_through_ticks,
        instrument.tick_inverse,
    )


@law
def has_path(config) -> bool:
    """X-01: whether one assumed path takes the place of all admissible ones."""
    return config.path >= Path.OHLC


@law
def follows_path(config) -> bool:
    """X-03: whether trails follow the one assumed path, which takes the range of the bar."""
    return has_path(config) and config.price_ref == PriceReference.RANGE and config.trail_ref != TrailReference.CLOSE


@law
def set_class(state, order) -> bool:
    """C-03: classes an order by the position its symbol has now; True where it reduces that."""
    reduces: bool = order.side * state.positions[order.symbol].quantity < 0.0
    if reduces:
        order.bits &= ~OPENING
    else:
        order.bits |= OPENING
    return reduces


@law
def rest_group(state, order, of_bits: int, hit_count: int) -> None:
    """C-05, W-08: the hits of an order's OCO group that have all of `of_bits` do nothing more on this bar."""
    for index in range(hit_count):
        other = state.orders[state.hits[index]]
        if other.oco == order.oco and other.bits & of_bits == of_bits:
            other.bits |= SEEN


@law
def stop_limit_rule(config, order) -> int:
    """P-09, P-15, X-03: the StopLimitRule that applies to an order of that form."""
    rule = config.stop_limit
    if order.bits & IF_TOUCHED:
        return PATH_RULE
    if has_path(config) and rule != StopLimitRule.NEXT_BAR_ONLY and rule != StopLimitRule.MARKETABLE_AT_STOP:
        return PATH_RULE
    return rule


@law
def trigger_reached(config, order, price: float) -> bool:
    """P-02, P-12: whether the trigger of an order is reached at a price; False while a trail is inactive."""
    if order.bits & IF_TOUCHED:
        return order.side * (price - order.stop_price) <= 0.0
    trigger = config.stop_trigger if order.form == OrderType.STOP else config.stop_limit_trigger
    return stop_reached(order.side, price, order.stop_price, trigger)


@law
def left_this_bar(state, order) -> bool:
    """W-06: whether an exit of this entry has filled in this bar: no group re-enters in the bar it left."""
    if not order.bits & PARENT or order.filled_quantity == 0.0:
        return False
    account = state.account[0]
    for index in range(account.bar_fill_start, account.fill_count):
        row = find_row(state.orders, account.order_count, state.fills[index].order)
        if row >= 0 and state.orders[row].parent == order.number:
            return True
    return False


@law
def is_judged(order) -> bool:
    """W-02, L-05: whether a hit has nothing more to do in this bar."""
    return order.bits & SEEN != 0 or not is_active(order) or order.quantity - order.filled_quantity <= 0.0


@law
def is_sibling(order, other) -> bool:
    """W-02: exits judged together: of one OCO group, or without one of the same parent and of its other side."""
    if other.number == order.number or (other.form != OrderType.STOP and other.form != OrderType.LIMIT):
        return False
    if (order.bits | other.bits) & LONE:
        return False
    if order.oco != 0 or other.oco != 0:
        return other.oco == order.oco
    return order.parent >= 0 and other.parent == order.parent and order.bits & other.bits & EXIT != 0


@law
def takes_at_open(config, order) -> bool:
    """P-05: whether an order takes at its first open wherever that is no worse than its limit."""
    return order.bits & OPENING != 0 and config.limit_at_open == LimitAtOpen.MARKETABLE  # LimitAtOpen.TRIGGER: never


@law
def reached_at_open(market, state, order, bar: int) -> bool:
    """P-05, P-07, P-12, P-13: whether the open is a price for a stop or a limit."""
    config, open_ = state.config[0], market.open[bar, order.symbol]
    if order.bits & AT_CLOSE:
        return False
    if order.form == OrderType.STOP:
        return order.bits & TRIGGERED != 0 or trigger_reached(config, order, open_)
    may_take = order.bits & AT_OPEN != 0 or takes_at_open(config, order)
    if order.eligible_bar == bar and may_take and order.side * (open_ - order.limit_price) <= 0.0:
        return True
    return order.bits & AT_OPEN == 0 and reaches_limit(config, state.instruments[order.symbol], order, open_)


@law
def reached_inside(market, state, order, bar: int) -> bool:
    """P-06, P-08: whether the range of the bar has a price for an order; any may have one for a trail."""
    config, symbol = state.config[0], order.symbol
    high, low = market.high[bar, symbol], market.low[bar, symbol]
    if order.form == OrderType.STOP:
        if order.bits & TRIGGERED:
            return False
        return order.bits & TRAIL != 0 or trigger_reached(config, order, high if order.side > 0 else low)
    return reaches_limit(config, state.instruments[symbol], order, low if order.side > 0 else high)


@law
def sibling(market, state, order, form: int, trail: int, bar: int, hit_count: int, at_open: bool) -> int:
    """W-02: row of the lowest sibling of a form that the open or the range of the bar reaches, -1 without.

    `trail` asks for trails (TRAIL), for what is no trail (0), or does not ask (-1).
    """
    if order.oco == 0 and order.parent < 0:
        return -1
    for index in range(hit_count):
        row = state.hits[index]
        other = state.orders[row]
        if other.form != form or not is_sibling(order, other) or is_judged(other):
            continue
        if trail >= 0 and other.bits & TRAIL != trail:
            continue
        if at_open and reached_at_open(market, state, other, bar):
            return row
        if at_open or other.side != order.side or other.bits & PARENT:
            continue
        if reached_inside(market, state, other, bar):
            return row
    return -1


@law
def count_ambiguous(state, order, spread: float, units: float) -> None:
    """W-01, W-10: groups and bars where worst and best differ, and what lies between; units NaN: not known yet."""
    account = state.account[0]
    if spread == 0.0:
        return
    account.ambiguous_groups += 1
    if account.ambiguous_bar != account.bar:
        account.ambiguous_bar = account.bar
        account.ambiguous_bars += 1
    if not np.isnan(units):
        account.at_stake += spread * units * state.instruments[order.symbol].multiplier


@law
def units_at_stake(state, order) -> float:
    """W-10: what an order has left, of one that reduces at most the position."""
    left = order.quantity - order.filled_quantity
    held = -order.side * state.positions[order.symbol].quantity
    return held if 0.0 < held < left else left
