"""P3: orders meet the range of the bar, alone and linked."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    EntryBarExits,
    Liquidity,
    OrderFlag,
    OrderType,
    Path,
    Reason,
    SlipOn,
    StopLimitRule,
    TrailEval,
)
from admf_kernels.entering import ENTERS, HIGH_TO_COME, LATCHES, TAKES, plan_entry
from admf_kernels.execution import execute
from admf_kernels.exits import BOTH_TO_COME, judge, judge_entry
from admf_kernels.laws.lifecycle import is_active
from admf_kernels.laws.outcomes import HOLD, NO_FILL, TARGET
from admf_kernels.laws.trails import move_trail, see_price
from admf_kernels.touch import (
    LONE,
    count_ambiguous,
    is_judged,
    latch,
    reached_inside,
    settle_stop,
    sibling,
    stop_limit_rule,
    units_at_stake,
)

TRIGGERED, TRAIL, IF_TOUCHED = OrderFlag.TRIGGERED.value, OrderFlag.TRAIL.value, OrderFlag.IF_TOUCHED.value
SEEN, PARENT = OrderFlag.SEEN.value, OrderFlag.PARENT.value
OPENING, AT_OPEN, AT_CLOSE = OrderFlag.OPENING.value, OrderFlag.AT_OPEN.value, OrderFlag.AT_CLOSE.value
UNBOUNDED, FRESH = OrderFlag.UNBOUNDED.value, OrderFlag.FRESH.value
TAKER, MAKER = Liquidity.TAKER.value, Liquidity.MAKER.value
LIMIT, STOP, STOP_LIMIT = OrderType.LIMIT.value, OrderType.STOP.value, OrderType.STOP_LIMIT.value
SLIP_STOP = SlipOn.STOP.value
SLIP_MARKETABLE, SLIP_LIMIT = SlipOn.LIMIT_MARKETABLE.value, SlipOn.LIMIT.value
STOP_INSIDE, TOUCHED = Reason.STOP_REACHED.value, Reason.TOUCHED.value
BEYOND_EXIT = Reason.ENTRY_BEYOND_EXIT.value


@law
def fill_exit(market, state, row: int, bar: int, base: float, reason: int, ambiguous: bool) -> None:
    """W-02 to W-07: executes the exit an outcome chose; a target beyond which the entry happened takes (W-03)."""
    order = state.orders[row]
    order.bits |= SEEN
    if order.form == LIMIT:
        beyond = reason == BEYOND_EXIT
        liquidity, slip_bit = (TAKER, SLIP_MARKETABLE) if beyond else (MAKER, SLIP_LIMIT)
        execute(market, state, order, bar, base, liquidity, reason, slip_bit, ambiguous, True, bar + 1, base, True)
        return
    filled = execute(market, state, order, bar, base, TAKER, reason, SLIP_STOP, ambiguous, True, bar + 1, base, True)
    settle_stop(state, order, bar, filled, reason)


@law
def is_fresh(state, stop_row: int, trail_row: int, limit_row: int) -> bool:
    """W-09: whether the parent of one of these exits filled first in this bar."""
    for row in (stop_row, trail_row, limit_row):
        if row >= 0 and state.orders[row].bits & FRESH:
            return True
    return False


@law
def inside_exit(market, state, order, stop_row: int, trail_row: int, limit_row: int, bar: int) -> None:
    """W-02, W-07 in P3: exits judged together in the turn of one, or a single order; -1 for a leg that is not there."""
    outcome, _value, exit_row, price, reason, spread = judge(
        market, state, -order.side, bar, order.symbol, stop_row, trail_row, limit_row, np.nan, 0.0, BOTH_TO_COME
    )
    ambiguous = spread != 0.0
    count_ambiguous(state, order, spread, units_at_stake(state, order))
    proven_only = state.config[0].entry_bar_exits == EntryBarExits.PROVEN
    if outcome != HOLD and ambiguous and proven_only and is_fresh(state, stop_row, trail_row, limit_row):
        outcome = HOLD
    if outcome == HOLD and not ambiguous:
        return
    for leg in (stop_row, trail_row, limit_row):
        if leg >= 0:
            state.orders[leg].bits |= SEEN
    if outcome != HOLD:
        fill_exit(market, state, exit_row, bar, price, reason, ambiguous)


@law
def latch_inside(state, order, bar: int) -> None:
    """P-09, P-12: the trigger of an order trades inside the bar, once."""
    if not order.bits & TRIGGERED:
        latch(state, order, bar, TOUCHED if order.bits & IF_TOUCHED else STOP_INSIDE)


@law
def acts_in_entry_bar(config, outcome: int, ambiguous: bool) -> bool:
    """W-09: whether the exit that an outcome chose is carried out in the bar of the entry."""
    if config.entry_bar_exits == EntryBarExits.MARKET_OR_STOP_TARGET:
        return outcome == TARGET
    return config.entry_bar_exits != EntryBarExits.PROVEN or not ambiguous  # EntryBarExits.WORST, EntryBarExits.PATH


@law
def enter(
    market, state, order, bar: int, moment: float, base: float, how: int, reason: int, slip_bit: int, rival: float
):
    """W-03 to W-10: an order fills inside the bar, and its exits in the rest of it. `rival`: W-08, its span."""
    order.bits |= SEEN
    outcome, _value, exit_row, exit_price, exit_reason, spread = judge_entry(
        market, state, order, bar, moment, base, how
    )
    spread = max(spread, rival)
    ambiguous = spread != 0.0
    units = units_at_stake(state, order)
    count_ambiguous(state, order, spread, units)
    if order.form == STOP_LIMIT:
        latch_inside(state, order, bar)
    if outcome == NO_FILL:
        return
    liquidity = TAKER if how & TAKES else MAKER
    certain_high = how & HIGH_TO_COME != 0
    takes_stop_limit = order.form == STOP_LIMIT and how & TAKES != 0
    if takes_stop_limit and stop_limit_rule(state.config[0], order) == StopLimitRule.BT_HEURISTIC:
        order.bits |= UNBOUNDED
    filled = execute(
        market, state, order, bar, base, liquidity, reason, slip_bit, ambiguous, True,
        bar + 1, moment, not certain_high,
    )  # fmt: skip
    order.bits &= ~UNBOUNDED
    if np.isnan(units):  # known only now
        state.account[0].at_stake += spread * filled * state.instruments[order.symbol].multiplier
    if order.form == STOP:
        settle_stop(state, order, bar, filled, reason)
    if filled == 0.0 or outcome == HOLD or not acts_in_entry_bar(state.config[0], outcome, ambiguous):
        return
    child = state.orders[exit_row]
    if is_active(child) and child.quantity > child.filled_quantity:
        fill_exit(market, state, exit_row, bar, exit_price, exit_reason, ambiguous)


@law
def acts_inside(order) -> bool:
    """P-07, C-06: whether an order can fill inside a bar; market orders and stops that have traded wait for an open."""
    if order.form == OrderType.MARKET or order.bits & (AT_OPEN | AT_CLOSE):
        return False
    return order.form != STOP or not order.bits & TRIGGERED


@law
def has_level(config, order) -> bool:
    """W-08: whether an order that enters does so at one level that is certain."""
    if order.bits & TRIGGERED or order.form == LIMIT or order.bits & IF_TOUCHED:
        return True
    if order.bits & TRAIL:
        return False
    if order.form == STOP:
        return True
    if config.stop_limit == StopLimitRule.MARKETABLE_AT_STOP:
        return True  # it enters only where it fills at its stop
    beyond = order.side * (order.limit_price - order.stop_price) >= 0.0
    return config.stop_limit == StopLimitRule.PATH and beyond


@law
def is_above(order) -> bool:
    """W-08: whether the path rises from the open to the order's level."""
    waits = order.form == STOP or (order.form == STOP_LIMIT and not order.bits & TRIGGERED)
    return (order.side > 0) == (waits and not order.bits & IF_TOUCHED)


@law
def is_rival(market, state, order, other, bar: int) -> bool:
    """W-08: whether an opening order of the group enters at one level that the bar reaches."""
    if other.oco != order.oco or not other.bits & OPENING or is_judged(other):
        return False
    if not acts_inside(other) or not has_level(state.config[0], other):
        return False
    act, _level, _base, _how, _reason, _slip = plan_entry(market, state, other, bar)
    reached: bool = act == ENTERS
    return reached


@law
def has_rival(market, state, order, bar: int, hit_count: int) -> bool:
    """W-08: whether another opening order of the group could be first in the place of this one."""
    config = state.config[0]
    if order.oco == 0 or not order.bits & OPENING or config.path == Path.QUEUE or not has_level(config, order):
        return False
    for index in range(hit_count):
        other = state.orders[state.hits[index]]
        if other.number != order.number and is_rival(market, state, order, other, bar):
            return True
    return False


@law
def rest_rivals(market, state, order, bar: int, hit_count: int) -> None:
    """W-08: those of which one is first do nothing more on this bar."""
    for index in range(hit_count):
        other = state.orders[state.hits[index]]
        if is_rival(market, state, order, other, bar):
            other.bits |= SEEN


@law
def nearest_rival(market, state, order, bar: int, hit_count: int, above: bool) -> int:
    """W-08: row of the opening order of a group that a rising (or falling) path meets first, -1 without."""
    found, found_level = -1, 0.0
    for index in range(hit_count):
        row = state.hits[index]
        other = state.orders[row]
        if is_above(other) != above or not is_rival(market, state, order, other, bar):
            continue
        _act, level, _base, _how, _reason, _slip = plan_entry(market, state, other, bar)
        if found < 0 or (level < found_level if above else level > found_level):
            found, found_level = row, level
    return found


@law
def follow_range(market, state, order, bar: int) -> None:
    """R-07 under `high_first`: the good extreme moves a trailing stop-limit before it is judged."""
    if order.bits & TRIGGERED:
        return
    symbol = order.symbol
    good = market.low[bar, symbol] if order.side > 0 else market.high[bar, symbol]
    see_price(order, good, state.instruments[symbol].tick_inverse)


@law
def span_of_two(path: int, value: float, spread: float, value2: float, spread2: float) -> float:
    """W-08, W-10: what the best outcome of two orders is worth more than the worst; the values are those of `path`."""
    if path == Path.BEST:
        return max(value, value2) - min(value - spread, value2 - spread2)
    return max(value + spread, value2 + spread2) - min(value, value2)


@law
def contest(market, state, order, bar: int, hit_count: int) -> None:
    """W-08: decides which opening order of a group is first."""
    first_row = nearest_rival(market, state, order, bar, hit_count, True)
    second_row = nearest_rival(market, state, order, bar, hit_count, False)
    if first_row < 0 or second_row < 0:
        other = state.orders[max(first_row, second_row)]
        _act, moment, base, how, reason, slip_bit = plan_entry(market, state, other, bar)
        rest_rivals(market, state, order, bar, hit_count)
        enter(market, state, other, bar, moment, base, how, reason, slip_bit, 0.0)
        return
    if first_row > second_row:
        first_row, second_row = second_row, first_row
    first, second = state.orders[first_row], state.orders[second_row]
    _act, moment, base, how, reason, slip_bit = plan_entry(market, state, first, bar)
    _act2, moment2, base2, how2, reason2, slip2 = plan_entry(market, state, second, bar)
    how |= BOTH_TO_COME
    how2 |= BOTH_TO_COME
    _outcome, value, _row, _price, _why, doubt = judge_entry(market, state, first, bar, moment, base, how)
    _outcome, value2, _row, _price, _why, doubt2 = judge_entry(market, state, second, bar, moment2, base2, how2)
    rest_rivals(market, state, order, bar, hit_count)
    rival = span_of_two(state.config[0].path, value, doubt, value2, doubt2)
    if value2 > value if state.config[0].path == Path.BEST else value2 < value:
        enter(market, state, second, bar, moment2, base2, how2, reason2, slip2, rival)
    else:
        enter(market, state, first, bar, moment, base, how, reason, slip_bit, rival)


@law
def inside_entry(market, state, row: int, bar: int, hit_count: int) -> None:
    """W-03 to W-08: an order that is judged for itself, or against the other opening ones of its OCO group."""
    order = state.orders[row]
    peak = order.peak
    if order.bits & TRAIL and state.config[0].trail_eval == TrailEval.HIGH_FIRST:
        follow_range(market, state, order, bar)
    act, moment, base, how, reason, slip_bit = plan_entry(market, state, order, bar)
    if act == LATCHES:
        latch_inside(state, order, bar)
    elif act != ENTERS and order.bits & TRAIL and not order.bits & TRIGGERED:
        move_trail(order, peak, state.instruments[order.symbol].tick_inverse)  # R-06 says what the bar leaves behind
    if act != ENTERS:
        return
    if has_rival(market, state, order, bar, hit_count):
        contest(market, state, order, bar, hit_count)
    else:
        enter(market, state, order, bar, moment, base, how, reason, slip_bit, 0.0)


@law
def inside_group(market, state, row: int, bar: int, hit_count: int) -> None:
    """P3 for the group of one hit: W-02 to W-09."""
    order = state.orders[row]
    if not acts_inside(order):
        return
    alone = not order.bits & TRAIL and order.bits & (LONE | PARENT) != 0
    if order.form == STOP_LIMIT or alone or has_rival(market, state, order, bar, hit_count):
        inside_entry(market, state, row, bar, hit_count)
        return
    if not reached_inside(market, state, order, bar):
        return
    stop_row, trail_row, limit_row = -1, -1, -1
    if order.form == LIMIT:
        limit_row = row
    elif order.bits & TRAIL:
        trail_row = row
    else:
        stop_row = row
    if limit_row < 0:
        limit_row = sibling(market, state, order, LIMIT, -1, bar, hit_count, False)
    if stop_row < 0:
        stop_row = sibling(market, state, order, STOP, 0, bar, hit_count, False)
    if trail_row < 0:
        trail_row = sibling(market, state, order, STOP, TRAIL, bar, hit_count, False)
    inside_exit(market, state, order, stop_row, trail_row, limit_row, bar)
