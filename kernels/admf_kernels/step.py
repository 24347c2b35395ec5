"""One bar of one container: the phases P1 to P5 in the order of SPEC C-02 and C-03."""

import numpy as np
from numba import types

from admf_kernels._jit import kernel, law
from admf_kernels.begin import gather, run_commands
from admf_kernels.closing import close_order
from admf_kernels.codes import (
    BarFlag,
    Conflict,
    MarketFill,
    OrderFlag,
    OrderStatus,
    OrderType,
    Path,
    PriceReference,
    StopLimitRule,
    TrailReference,
    Unfilled,
)
from admf_kernels.inside import inside_group
from admf_kernels.laws.lifecycle import is_active
from admf_kernels.laws.trails import see_price, start_trail
from admf_kernels.links import end_immediate, route, sweep_ended
from admf_kernels.opening import open_alone, open_group, open_order
from admf_kernels.touch import follows_path, has_path, is_judged, left_this_bar, rest_group, set_class
from admf_kernels.views import MARKET, STATE
from admf_kernels.walk import walk

OPENING, ABLE = OrderFlag.OPENING.value, OrderFlag.ABLE.value
TRAIL, TRIGGERED = OrderFlag.TRAIL.value, OrderFlag.TRIGGERED.value
AT_CLOSE, ENTERED_INSIDE, FRESH = OrderFlag.AT_CLOSE.value, OrderFlag.ENTERED_INSIDE.value, OrderFlag.FRESH.value
OCO_REDUCE, VALID = OrderFlag.OCO_REDUCE.value, BarFlag.VALID.value


@law
def classify(state, hit_count: int) -> bool:
    """C-03: classes the hits by position and by what they can fill at the beginning of a phase; True if any reduces."""
    any_reducing = False
    for index in range(hit_count):
        order = state.orders[state.hits[index]]
        if is_judged(order):
            order.bits &= ~ABLE
        else:
            order.bits |= ABLE
        any_reducing = set_class(state, order) or any_reducing
    return any_reducing


@law
def has_turn(state, order, opening: int) -> bool:
    """C-03: whether a hit is judged in this round of a phase."""
    if order.bits & ABLE == 0 or (order.bits & OPENING != 0) != (opening == 1):
        return False
    return not is_judged(order) and not left_this_bar(state, order)


@law
def phase_open(market, state, bar: int, hit_count: int) -> int:
    """P2 in the order of C-03, children that join at once (W-06); returns the number of hits, again by number."""
    first_class = 0 if classify(state, hit_count) else 1
    listed = hit_count
    for opening in range(first_class, 2):
        for index in range(listed):
            row = state.hits[index]
            if not has_turn(state, state.orders[row], opening):
                continue
            first_joined = hit_count
            hit_count = open_group(market, state, row, bar, hit_count)
            joined = first_joined
            while joined < hit_count:
                row = state.hits[joined]
                if not is_judged(state.orders[row]):
                    hit_count = open_group(market, state, row, bar, hit_count)
                joined += 1
            hit_count = keep_new(state, first_joined, hit_count)
    for index in range(listed, hit_count):
        insert_hit(state, index)
    return hit_count


@law
def keep_new(state, first: int, hit_count: int) -> int:
    """W-06: of the hits that joined only those stay that were not listed before; returns the number of hits."""
    kept = first
    for index in range(first, hit_count):
        row = state.hits[index]
        known = False
        for place in range(kept):
            known = known or state.hits[place] == row
        if not known:
            state.hits[kept] = row
            kept += 1
    return kept


@law
def insert_hit(state, index: int) -> None:
    """C-03: moves a hit down to its place among those before it; rows ascend with the numbers."""
    row = state.hits[index]
    while index > 0 and state.hits[index - 1] > row:
        state.hits[index] = state.hits[index - 1]
        index -= 1
    state.hits[index] = row


@law
def join_fresh(state, bar: int, hit_count: int) -> int:
    """X-03: children that the path has activated join the hits, for P4; returns the number of hits."""
    listed = hit_count
    for index in range(state.account[0].working_count):
        row = state.working[index]
        order = state.orders[row]
        if order.bits & FRESH and order.eligible_bar <= bar and not is_judged(order):
            state.hits[hit_count] = row
            hit_count += 1
    hit_count = keep_new(state, listed, hit_count)
    for index in range(listed, hit_count):
        insert_hit(state, index)
    return hit_count


@law
def phase_inside(market, state, bar: int, hit_count: int) -> None:
    """P3 in the order of C-03."""
    first_class = 0 if classify(state, hit_count) else 1
    for opening in range(first_class, 2):
        for index in range(hit_count):
            row = state.hits[index]
            order = state.orders[row]
            if has_turn(state, order, opening):
                inside_group(market, state, row, bar, hit_count)


@law
def phase_close(market, state, bar: int, hit_count: int) -> None:
    """P4 in the order of C-03."""
    first_class = 0 if classify(state, hit_count) else 1
    for opening in range(first_class, 2):
        for index in range(hit_count):
            order = state.orders[state.hits[index]]
            if has_turn(state, order, opening):
                close_order(market, state, order, bar)


@law
def phase_in_turn(market, state, bar: int, hit_count: int) -> int:
    """C-05 `order_id`: each order meets the open, else the range, in ascending number; children of fills join.

    Returns the number of hits.
    """
    index = 0
    while index < hit_count:
        row = state.hits[index]
        order = state.orders[row]
        index += 1
        if is_judged(order) or left_this_bar(state, order):
            continue
        set_class(state, order)
        before, filled_before = hit_count, order.filled_quantity
        hit_count = open_alone(market, state, row, bar, hit_count)
        hit_count = keep_new(state, before, hit_count)
        for joined in range(before, hit_count):
            insert_hit(state, joined)
        if not is_judged(order):
            inside_group(market, state, row, bar, 0)
        if order.oco != 0 and order.filled_quantity > filled_before:
            rest_group(state, order, 0, hit_count)  # what the fill ended or cut
    return hit_count


@law
def count_unfilled(account, order) -> None:
    """U-01: one bar on which the order could fill and did not, by its cause."""
    cause = order.unfilled
    if cause == Unfilled.NOT_TOUCHED:
        order.unfilled_not_touched += 1
        account.unfilled_not_touched += 1
    elif cause == Unfilled.CAPPED:
        order.unfilled_capped += 1
        account.unfilled_capped += 1
    elif cause == Unfilled.NO_VOLUME:
        order.unfilled_no_volume += 1
        account.unfilled_no_volume += 1
    elif cause == Unfilled.FUNDS:
        order.unfilled_funds += 1
        account.unfilled_funds += 1
    elif cause == Unfilled.BAD_BAR:
        order.unfilled_bad_bar += 1
        account.unfilled_bad_bar += 1
    elif cause == Unfilled.CLAMP:
        order.unfilled_clamp += 1
        account.unfilled_clamp += 1
    order.unfilled = Unfilled.FILLED.value


@law
def follow_bar(market, state, order, bar: int) -> None:
    """R-06: moves the peak of a trail after its bar."""
    config, symbol = state.config[0], order.symbol
    if order.bits & TRIGGERED or follows_path(config) or not market.flags[bar, symbol] & VALID:
        return
    price = market.low[bar, symbol] if order.side > 0 else market.high[bar, symbol]
    if config.trail_ref == TrailReference.CLOSE or order.bits & ENTERED_INSIDE:
        price = market.close[bar, symbol]  # TrailReference.EXTREME, TrailReference.PATH: the extreme
    tick_inverse = state.instruments[symbol].tick_inverse
    if np.isnan(order.peak):
        start_trail(order, price, price, tick_inverse)
    else:
        see_price(order, price, tick_inverse)


@law
def end_bar(market, state, bar: int) -> None:
    """P5: U-01, R-06, T-02 for every live order in ascending number."""
    account = state.account[0]
    for index in range(account.working_count):
        order = state.orders[state.working[index]]
        if order.unfilled != Unfilled.FILLED:
            count_unfilled(account, order)
        if not is_active(order):
            continue
        if order.bits & TRAIL and not order.quantity - order.filled_quantity <= 0.0:  # a size may still be NaN
            follow_bar(market, state, order, bar)
        end_immediate(state, order, bar)


@law
def any_on_close(state, hit_count: int) -> bool:
    """C-06: whether an order waits for the close of this bar."""
    for index in range(hit_count):
        if state.orders[state.hits[index]].bits & AT_CLOSE:
            return True
    return False


@law
def is_lone_market(market, state, bar: int) -> bool:
    """C-02: whether all that lives is one new market order for this open, linked to nothing."""
    config, account = state.config[0], state.account[0]
    if account.working_count != 1 or account.command_count > 0:
        return False
    order = state.orders[state.working[0]]
    if order.type != OrderType.MARKET or order.bits & ~OCO_REDUCE != 0 or order.oco != 0:
        return False
    if config.market_fill != MarketFill.NEXT_OPEN or config.price_ref != PriceReference.RANGE:
        return False
    if order.status != OrderStatus.VALIDATED or order.eligible_bar != bar or bar > order.expires_bar:
        return False
    return market.flags[bar, order.symbol] & VALID != 0


@law
def match_lone_market(market, state, bar: int) -> None:
    """C-02: what the phases come to for a lone market order: a third of their time."""
    order = state.orders[state.working[0]]
    route(state, order, bar)
    order.unfilled = Unfilled.NOT_TOUCHED.value
    open_order(market, state, order, bar)
    if order.unfilled != Unfilled.FILLED:
        count_unfilled(state.account[0], order)
    end_immediate(state, order, bar)
    sweep_ended(state)


@kernel(takes=(MARKET, STATE, types.int64), apart=True)
def match(market, state, bar: int) -> None:
    """P1 to P5 of one bar, without the marks: every live order meets the bar (C-02, C-03)."""
    config = state.config[0]
    if is_lone_market(market, state, bar):
        match_lone_market(market, state, bar)
        return
    run_commands(state, bar)
    hit_count = gather(market, state, bar)
    if hit_count > 0:
        if config.price_ref == PriceReference.RANGE:
            if config.path == Path.QUEUE and config.conflict == Conflict.ORDER_ID:
                hit_count = phase_in_turn(market, state, bar, hit_count)
            else:
                hit_count = phase_open(market, state, bar, hit_count)
                if has_path(config):
                    walk(market, state, bar, hit_count)
                    hit_count = join_fresh(state, bar, hit_count)
                else:
                    phase_inside(market, state, bar, hit_count)
        if (
            config.price_ref == PriceReference.CLOSE
            or config.market_fill != MarketFill.NEXT_OPEN
            or config.stop_limit == StopLimitRule.CLOSE_TEST
            or any_on_close(state, hit_count)
        ):
            phase_close(market, state, bar, hit_count)
    end_bar(market, state, bar)
    sweep_ended(state)
