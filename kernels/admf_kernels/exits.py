"""Which exit a position takes inside a bar, held from before or entered in it (W-01 to W-05, W-07)."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    ChildActivation,
    EntryBarExits,
    OrderFlag,
    OrderType,
    Path,
    Reason,
    StopTrigger,
    TrailEval,
    TrailFill,
    TrailReference,
)
from admf_kernels.entering import HIGH_TO_COME, LOW_TO_COME, UNCERTAIN
from admf_kernels.laws.lifecycle import is_alive
from admf_kernels.laws.outcomes import STOP, decide, may_hold
from admf_kernels.laws.prices import TICK_SLACK, limit_base, limit_path_price, round_stop, stop_base, stop_reached
from admf_kernels.laws.trails import better_peak, move_trail, peak_for, start_trail, trail_level
from admf_kernels.touch import LONE, reaches_limit

TRAIL, PARENT, WAITS = OrderFlag.TRAIL.value, OrderFlag.PARENT.value, OrderFlag.WAITS.value
LIMIT_INSIDE, STOP_INSIDE = Reason.LIMIT_REACHED.value, Reason.STOP_REACHED.value
BEYOND_EXIT = Reason.ENTRY_BEYOND_EXIT.value
BOTH_TO_COME = HIGH_TO_COME | LOW_TO_COME


@law
def moves_inside(config) -> bool:
    """R-05: whether trails move inside the bar."""
    if (config.path != Path.WORST and config.path != Path.BEST) or config.trail_ref == TrailReference.CLOSE:
        return False
    return config.trail_eval == TrailEval.WORST or config.trail_eval == TrailEval.PATH


@law
def nearer(side: int, candidate: float, level: float) -> bool:
    """W-07: whether an exit level of a position of `side` comes before another one; NaN is no level."""
    return not np.isnan(candidate) and (np.isnan(level) or side * (candidate - level) > 0.0)


@law
def stop_exit_price(config, order, worse: float, level: float, close: float) -> float:
    """P-07, P-08, R-08: base price of a stop or a trail; `worse` is o at the open and the level inside the bar."""
    if order.bits & TRAIL and config.trail_fill == TrailFill.WORSE_OF_STOP_AND_CLOSE:
        return max(level, close) if order.side > 0 else min(level, close)
    return stop_base(order.side, worse, level, close, config.stop_gap)  # TrailFill.STOP


@law
def levels(config, state, stop_row: int, trail_row: int, side: int, favourable: float, highest: float):
    """W-07, R-05: (σ₀, its row, σₜ, its row) of the stop and the trail; NaN and -1 where there is none.

    `highest` is t, the best price that leaves the target alone.
    """
    low_level, low_row = np.nan, -1
    if stop_row >= 0:
        low_level, low_row = state.orders[stop_row].stop_price, stop_row
    high_level, high_row = low_level, low_row
    if trail_row >= 0:
        trail = state.orders[trail_row]
        tick_inverse = state.instruments[trail.symbol].tick_inverse
        now = trail.stop_price
        if config.trail_eval == TrailEval.HIGH_FIRST:
            now = trail_level(trail, better_peak(trail, trail.peak, favourable), tick_inverse)
        top = now  # TrailEval.LAGGED
        if moves_inside(config):
            top = trail_level(trail, better_peak(trail, trail.peak, highest), tick_inverse)
        if nearer(side, now, low_level):
            low_level, low_row = now, trail_row
        if nearer(side, top, high_level):
            high_level, high_row = top, trail_row
    return low_level, low_row, high_level, high_row


@law
def lowest_trigger(trigger: int, side: int, adverse: float, tick_inverse: float) -> float:
    """W-07: y, the lowest stop of a position of `side` that the bar's bad extreme triggers."""
    if tick_inverse == 0.0:
        return adverse
    if trigger == StopTrigger.THROUGH:
        return (np.floor(side * adverse * tick_inverse + TICK_SLACK) + 1.0) / tick_inverse * side
    return round_stop(side, adverse, tick_inverse)


@law
def highest_price(config, instrument, target) -> float:
    """W-07: t, the best price of the bar that leaves a target alone which the bar reaches."""
    price = limit_path_price(
        target.side, target.limit_price, config.limit_trigger, config.limit_through_ticks, instrument.tick_inverse
    )
    return price if instrument.tick_inverse == 0.0 else price + target.side / instrument.tick_inverse


@law
def lowest_trail_exit(config, state, trail_row: int, limit_row: int, side: int, adverse: float, favourable: float):
    """W-07: the lowest price a moving trail can leave at after its peak has moved; NaN where it cannot."""
    trail = state.orders[trail_row]
    instrument = state.instruments[trail.symbol]
    level = lowest_trigger(config.stop_trigger, side, adverse, instrument.tick_inverse)
    reaching = peak_for(trail, level, instrument.tick_inverse)
    peak = better_peak(trail, reaching, trail.activation)
    unreached = config.stop_trigger == StopTrigger.THROUGH and instrument.tick_inverse == 0.0  # only beyond the extreme
    if side * (favourable - peak) < 0.0 or (unreached and favourable == reaching):
        return np.nan
    if limit_row >= 0 and reaches_limit(config, instrument, state.orders[limit_row], peak):
        return np.nan
    lifted = trail_level(trail, peak, instrument.tick_inverse)
    return lifted if nearer(side, lifted, level) else level


@law
def judge(market, state, side, bar, symbol, stop_row, trail_row, limit_row, moment, entry, how):
    """W-01 to W-07: (outcome, value, row of the exit, its base price, Reason, spread) of one position in one bar.

    `side` of the position; rows are -1 for legs that are not there; `moment` is the path's price at an entry in this
    bar, NaN for a position held at its start; `entry` the base price of the entry; `how` says what is to come.
    """
    config = state.config[0]
    instrument, trigger = state.instruments[symbol], config.stop_trigger
    high, low, close = market.high[bar, symbol], market.low[bar, symbol], market.close[bar, symbol]
    adverse, favourable = (low, high) if side > 0 else (high, low)
    target_price, target_now, target_touched, target_at_close = 0.0, False, False, False
    if limit_row >= 0:
        leg = state.orders[limit_row]
        target_price = limit_base(leg.side, leg.limit_price, leg.limit_price, high, low, config.limit_gap)
        target_now = reaches_limit(config, instrument, leg, moment)
        target_touched = reaches_limit(config, instrument, leg, favourable)
        target_at_close = reaches_limit(config, instrument, leg, close)
    highest = favourable
    if target_touched and trail_row >= 0:
        highest = highest_price(config, instrument, state.orders[limit_row])
    low_level, low_row, high_level, high_row = levels(config, state, stop_row, trail_row, side, favourable, highest)
    stop_now = stop_reached(-side, moment, low_level, trigger)
    if stop_now or target_now:
        outcome, value, spread = decide(
            config.path, side, entry, close, stop_now, moment, stop_now, moment, not stop_now, moment, False,
            how & UNCERTAIN != 0,
        )  # fmt: skip
        return outcome, value, low_row if stop_now else limit_row, moment, BEYOND_EXIT, spread
    stop_touched = stop_reached(-side, adverse, low_level, trigger)
    hold_can = may_hold(
        how & HIGH_TO_COME != 0,
        how & LOW_TO_COME != 0,
        target_touched,
        target_at_close,
        stop_touched,
        not stop_reached(-side, close, low_level, trigger),
        not stop_reached(-side, close, high_level, trigger),
    )
    low_can, high_can = stop_touched, stop_reached(-side, adverse, high_level, trigger)
    if not stop_touched and trail_row >= 0 and moves_inside(config):
        level = lowest_trail_exit(config, state, trail_row, limit_row, side, adverse, favourable)
        if not np.isnan(level):
            low_can, low_level, low_row = True, level, trail_row
        elif high_can:  # on prices off the tick no peak lifts it exactly so far, and the highest exit is the only one
            low_can, low_level, low_row = True, high_level, high_row
    hold_can = hold_can or not (low_can or high_can or target_touched)  # an invalid bar can bar the way to its close
    low_price, high_price = 0.0, 0.0
    if low_can:
        low_price = stop_exit_price(config, state.orders[low_row], low_level, low_level, close)
    if high_can:
        high_price = stop_exit_price(config, state.orders[high_row], high_level, high_level, close)
    outcome, value, spread = decide(
        config.path, side, entry, close, low_can, low_price, high_can, high_price, target_touched, target_price,
        hold_can, how & UNCERTAIN != 0,
    )  # fmt: skip
    if outcome == STOP:
        if config.path == Path.BEST:
            return outcome, value, high_row, high_price, STOP_INSIDE, spread
        return outcome, value, low_row, low_price, STOP_INSIDE, spread
    return outcome, value, limit_row, target_price, LIMIT_INSIDE, spread


@law
def waiting_exits(state, parent):
    """W-06: rows of the lowest stop, trail and limit exit among the children of an entry, -1 without."""
    stop_row, trail_row, limit_row = -1, -1, -1
    if not parent.bits & PARENT:
        return stop_row, trail_row, limit_row
    for index in range(state.account[0].working_count):
        row = state.working[index]
        child = state.orders[row]
        if child.parent != parent.number or not is_alive(child) or child.side == parent.side or child.bits & LONE:
            continue
        if child.form == OrderType.LIMIT:
            limit_row = row if limit_row < 0 else limit_row
        elif child.form == OrderType.STOP and child.bits & TRAIL:
            trail_row = row if trail_row < 0 else trail_row
        elif child.form == OrderType.STOP:
            stop_row = row if stop_row < 0 else stop_row
    return stop_row, trail_row, limit_row


@law
def exits_may_follow(config, order) -> bool:
    """W-09: whether exits may act in the bar in which `order` enters inside it; that is never a market order."""
    rule = config.entry_bar_exits
    if config.child_activation == ChildActivation.NEXT_BAR or rule == EntryBarExits.NONE:
        return False
    if rule == EntryBarExits.MARKET_ENTRY_ONLY:
        return False
    return rule != EntryBarExits.MARKET_OR_STOP_TARGET or order.type == OrderType.STOP


@law
def judge_entry(market, state, order, bar: int, moment: float, base: float, how: int):
    """W-03 to W-07: `judge` for an entry inside the bar with its waiting exits."""
    stop_row, trail_row, limit_row = -1, -1, -1
    if exits_may_follow(state.config[0], order):
        stop_row, trail_row, limit_row = waiting_exits(state, order)
    if trail_row >= 0:
        trail = state.orders[trail_row]
        tick_inverse = state.instruments[order.symbol].tick_inverse
        peak = better_peak(trail, base, moment)
        if trail.bits & WAITS:
            start_trail(trail, base, peak, tick_inverse)
        else:  # the entry fills on
            move_trail(trail, better_peak(trail, trail.peak, peak), tick_inverse)
    side = int(order.side)  # as it comes from a held position: one version of `judge` to compile, 6 % of a cold start
    return judge(market, state, side, bar, order.symbol, stop_row, trail_row, limit_row, moment, base, how)
