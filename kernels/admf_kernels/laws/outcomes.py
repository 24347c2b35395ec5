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
    low_can: bool,
    low_price: float,
    high_can: bool,
    high_price: float,
    target_can: bool,
    target_price: float,
    hold_can: bool,
    none_can: bool,
):
    """W-01, W-07: (outcome, value, spread) for the path; `queue` takes the first possible in the order of the codes.

    low and high: the lowest and the highest price at which a stop or a trail may leave. The spread is what the best
    outcome is worth more than the worst, above 0 where the bar is ambiguous.
    """
    if path == Path.QUEUE:
        if low_can:
            return STOP, side * (low_price - entry), 0.0
        if target_can:
            return TARGET, side * (target_price - entry), 0.0
        return HOLD, side * (close - entry), 0.0
    worst, worst_value = extreme(
        side, entry, close, low_can, low_price, target_can, target_price, hold_can, none_can, True
    )
    best, best_value = extreme(
        side, entry, close, high_can, high_price, target_can, target_price, hold_can, none_can, False
    )
    if path == Path.BEST:
        return best, best_value, best_value - worst_value
    return worst, worst_value, best_value - worst_value  # Path.WORST


@law
def may_hold(
    high_to_come: bool,
    low_to_come: bool,
    target_touched: bool,
    target_at_close: bool,
    stop_touched: bool,
    close_beyond_low_stop: bool,
    close_beyond_high_stop: bool,
) -> bool:
    """W-07 (without a trail W-02, W-04, W-05): whether the position can last to the close.

    target_touched reach(h) · target_at_close reach(c) · stop_touched l <= σ₀ · close_beyond_low_stop c > σ₀ ·
    close_beyond_high_stop c > σₕ.
    """
    if target_touched if high_to_come else target_at_close:
        return False
    if low_to_come and stop_touched:
        return False
    return close_beyond_high_stop if high_to_come else close_beyond_low_stop
