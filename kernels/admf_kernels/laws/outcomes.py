"""What linked orders do inside a bar: the set of admissible outcomes and the choice among them.

An outcome is one of STOP, TARGET, HOLD, NO_FILL, ordered as W-01 breaks ties; a set of them is told by its conditions.
"""

from admf_kernels._jit import law
from admf_kernels.codes import Path

STOP, TARGET, HOLD, NO_FILL = 0, 1, 2, 3


@law
def pick(code: int, value: float, possible: bool, chosen: int, chosen_value: float, lowest: bool):
    """W-01: the better of a candidate and the choice so far; ties keep the earlier one."""
    if not possible:
        return chosen, chosen_value
    if chosen < 0 or (value < chosen_value if lowest else value > chosen_value):
        return code, value
    return chosen, chosen_value


@law
def extreme(
    side: int,
    entry: float,
    close: float,
    stop_can: bool,
    stop_price: float,
    target_can: bool,
    target_price: float,
    hold_can: bool,
    none_can: bool,
    lowest: bool,
):
    """W-01: (outcome, value per unit) with the lowest or highest equity at the close, relative to no fill.

    `side` is that of the position, `entry` its base price; without an entry in this bar any constant serves.
    """
    chosen, value = -1, 0.0
    chosen, value = pick(STOP, side * (stop_price - entry), stop_can, chosen, value, lowest)
    chosen, value = pick(TARGET, side * (target_price - entry), target_can, chosen, value, lowest)
    chosen, value = pick(HOLD, side * (close - entry), hold_can, chosen, value, lowest)
    return pick(NO_FILL, 0.0, none_can, chosen, value, lowest)


@law
def decide(
    path: int,
    side: int,
    entry: float,
    close: float,
    stop_can: bool,
    stop_price: float,
    target_can: bool,
    target_price: float,
    hold_can: bool,
    none_can: bool,
):
    """W-01: (outcome, ambiguous) for the path; `queue` takes the first possible in the order of the codes."""
    if path == Path.QUEUE:
        if stop_can:
            return STOP, False
        if target_can:
            return TARGET, False
        return HOLD, False
    worst, worst_value = extreme(
        side, entry, close, stop_can, stop_price, target_can, target_price, hold_can, none_can, True
    )
    best, best_value = extreme(
        side, entry, close, stop_can, stop_price, target_can, target_price, hold_can, none_can, False
    )
    if path == Path.BEST:
        return best, worst_value != best_value
    return worst, worst_value != best_value  # Path.WORST


@law
def after_entry(
    entered_by_limit: bool,
    certain: bool,
    triggered_inside: bool,
    stop_touched: bool,
    target_touched: bool,
    target_at_close: bool,
    close_beyond_stop: bool,
):
    """W-04, W-05: (stop_can, target_can, hold_can) after an entry inside the bar that is not beyond an exit (W-03).

    stop_touched l <= SL · target_touched reach(h) · target_at_close reach(c) · close_beyond_stop no SL or c > SL.
    """
    if not entered_by_limit:  # a stop entry: the high is still to come
        return stop_touched, target_touched, (not target_touched) and close_beyond_stop
    if not triggered_inside:  # a limit that was working before the bar: the low is still to come
        if stop_touched:
            return True, target_touched, False
        return False, target_touched or target_at_close, not target_at_close
    # a stop-limit triggered inside the bar with its limit on the near side: neither extreme is certainly to come
    if certain:
        return stop_touched, target_touched, (not target_at_close) and close_beyond_stop
    return stop_touched, target_touched, not target_at_close
