"""One account on one bar: phases P0 to P5 as SPEC.md states them (C-02). Groups of linked orders are priced together.

The step works on the orders the bar can touch (`hits`), gathered in one pass over the live orders: an order that the bar
does not reach costs a few comparisons.
"""

import numpy as np

from admf_kernels._jit import kernel, law
from admf_kernels.codes import (
    BadBar,
    BarFlag,
    CommandKind,
    Liquidity,
    MarketFill,
    OrderEvent,
    OrderFlag,
    OrderStatus,
    OrderType,
    Path,
    PriceReference,
    Reason,
    SizeKind,
    SlipOn,
    StopLimitRule,
    TimeInForce,
)
from admf_kernels.execution import execute
from admf_kernels.laws.accounting import equity_of
from admf_kernels.laws.lifecycle import is_active, is_alive, move
from admf_kernels.laws.outcomes import HOLD, NO_FILL, STOP, TARGET, after_entry, decide
from admf_kernels.laws.prices import (
    limit_base,
    limit_path_price,
    limit_reached,
    market_price,
    round_limit,
    round_stop,
    stop_base,
    stop_reached,
)
from admf_kernels.laws.validation import is_positive
from admf_kernels.links import end, find_row

VALID = BarFlag.VALID.value
REDUCE_ONLY, TRIGGERED, WAITS = OrderFlag.REDUCE_ONLY.value, OrderFlag.TRIGGERED.value, OrderFlag.WAITS.value
OPENING, SEEN, PARENT, CHILD = (
    OrderFlag.OPENING.value,
    OrderFlag.SEEN.value,
    OrderFlag.PARENT.value,
    OrderFlag.CHILD.value,
)
TAKER, MAKER = Liquidity.TAKER.value, Liquidity.MAKER.value
SLIP_MARKET, SLIP_STOP = SlipOn.MARKET.value, SlipOn.STOP.value
SLIP_MARKETABLE, SLIP_GAP, SLIP_LIMIT = SlipOn.LIMIT_MARKETABLE.value, SlipOn.LIMIT_GAP.value, SlipOn.LIMIT.value
AT_OPEN, AT_CLOSE, AT_AVERAGE = Reason.FILL_AT_OPEN.value, Reason.FILL_AT_CLOSE.value, Reason.FILL_AT_AVERAGE.value
LIMIT_AT_OPEN, LIMIT_INSIDE = Reason.LIMIT_AT_OPEN.value, Reason.LIMIT_REACHED.value
STOP_AT_OPEN, STOP_INSIDE = Reason.STOP_AT_OPEN.value, Reason.STOP_REACHED.value
BEYOND_EXIT = Reason.ENTRY_BEYOND_EXIT.value


# P1 ------------------------------------------------------------------------------------------------------------------


@law
def amend(state, order, command, bar: int) -> None:
    """L-04: replaces quantity or prices of a live order."""
    config, account = state.config[0], state.account[0]
    tick_inverse = state.instruments[order.symbol].tick_inverse
    reason = Reason.NONE.value
    if not (np.isnan(command.quantity) or is_positive(command.quantity)):
        reason = Reason.QUANTITY_NOT_POSITIVE.value
    elif not (np.isnan(command.limit_price) or is_positive(command.limit_price)):
        reason = Reason.LIMIT_PRICE_MISSING.value
    elif not (np.isnan(command.stop_price) or is_positive(command.stop_price)):
        reason = Reason.STOP_PRICE_MISSING.value
    else:
        if not np.isnan(command.quantity):
            order.quantity = command.quantity
        if not np.isnan(command.limit_price):
            order.limit_price = round_limit(order.side, command.limit_price, tick_inverse)
        if not np.isnan(command.stop_price):
            order.stop_price = round_stop(order.side, command.stop_price, tick_inverse)
    move(config, account, state.transitions, order, bar, OrderEvent.AMEND.value, reason)
    if order.quantity <= order.filled_quantity:
        end(state, order, bar, OrderEvent.CANCEL.value, Reason.USER_CANCEL.value)


@law
def run_commands(state, bar: int) -> None:
    """L-04: cancels and amendments of the bar before, in order of sending."""
    account = state.account[0]
    for index in range(account.command_count):
        command = state.commands[index]
        row = find_row(state.orders, account.order_count, command.number)
        if row < 0 or not is_alive(state.orders[row]):
            continue
        if command.kind == CommandKind.CANCEL:
            end(state, state.orders[row], bar, OrderEvent.CANCEL.value, Reason.USER_CANCEL.value)
        else:
            amend(state, state.orders[row], command, bar)
    account.command_count = 0


@law
def may_touch(config, instrument, order, bar: int, open_, high, low, close) -> bool:
    """C-03: whether the bar can reach the order in any phase; never says no to an order that can act."""
    if order.type == OrderType.MARKET:
        return True
    if config.price_ref == PriceReference.CLOSE:
        return True
    side = order.side
    if order.type != OrderType.LIMIT and not order.bits & TRIGGERED:
        adverse = high if side > 0 else low
        return side * (adverse - order.stop_price) >= 0.0 or side * (open_ - order.stop_price) >= 0.0
    if order.type == OrderType.STOP:
        return True
    favourable = low if side > 0 else high
    return side * (favourable - order.limit_price) <= 0.0 or side * (open_ - order.limit_price) <= 0.0


@law
def gather(market, state, bar: int) -> int:
    """P1 and C-03: routes and expires live orders in ascending number and lists those the bar can touch."""
    config, account = state.config[0], state.account[0]
    hit_count = 0
    for index in range(account.working_count):
        row = state.working[index]
        order = state.orders[row]
        if not is_alive(order) or order.bits & WAITS:
            continue
        order.bits &= ~SEEN
        symbol = order.symbol
        if order.status == OrderStatus.VALIDATED and order.eligible_bar <= bar:
            position = state.positions[symbol].quantity
            if order.bits & REDUCE_ONLY and order.side * position >= 0.0:
                end(state, order, bar, OrderEvent.CANCEL.value, Reason.NOTHING_TO_REDUCE.value)
                continue
            move(config, account, state.transitions, order, bar, OrderEvent.ROUTE.value, Reason.ELIGIBLE.value)
        if bar > order.expires_bar:
            end(state, order, bar, OrderEvent.EXPIRE.value, Reason.TIME_IN_FORCE.value)
            continue
        if config.bad_bar != BadBar.NONE and not market.flags[bar, symbol] & VALID:
            continue
        if may_touch(
            config, state.instruments[symbol], order, bar, market.open[bar, symbol], market.high[bar, symbol],
            market.low[bar, symbol], market.close[bar, symbol],
        ):  # fmt: skip
            state.hits[hit_count] = row
            hit_count += 1
    return hit_count


# one order in one phase ----------------------------------------------------------------------------------------------


@law
def latch(state, order, bar: int, reason: int) -> None:
    """P-09, V-01: the stop has traded."""
    order.bits |= TRIGGERED
    move(state.config[0], state.account[0], state.transitions, order, bar, OrderEvent.TRIGGER.value, reason)


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


# groups --------------------------------------------------------------------------------------------------------------


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
    """Whether a hit has nothing more to do in this bar."""
    return order.bits & SEEN != 0 or not is_active(order) or order.quantity - order.filled_quantity <= 0.0


@law
def sibling_stop(state, order, hit_count: int) -> int:
    """W-02: row of the lowest stop of the same OCO group that the bar can touch and that is not judged, -1 without."""
    if order.oco == 0 or order.type == OrderType.STOP:
        return -1
    for index in range(hit_count):
        row = state.hits[index]
        other = state.orders[row]
        if other.oco == order.oco and other.type == OrderType.STOP and not is_judged(other):
            return row
    return -1


@law
def sibling_limit(state, order, hit_count: int) -> int:
    """W-02: row of the lowest limit of the same OCO group that the bar can touch and that is not judged, -1 without."""
    if order.oco == 0 or order.type == OrderType.LIMIT:
        return -1
    for index in range(hit_count):
        row = state.hits[index]
        other = state.orders[row]
        if other.oco == order.oco and other.type == OrderType.LIMIT and not is_judged(other):
            return row
    return -1


@law
def activated_children(state, parent, bar: int):
    """W-06: rows of the lowest stop and the lowest limit exit that a fill of this bar activated, -1 without."""
    stop_row, limit_row = -1, -1
    if not parent.bits & PARENT:
        return stop_row, limit_row
    for index in range(state.account[0].working_count):
        row = state.working[index]
        child = state.orders[row]
        if child.parent != parent.number or not is_active(child) or child.side == parent.side:
            continue
        if child.type == OrderType.STOP and stop_row < 0:
            stop_row = row
        elif child.type == OrderType.LIMIT and limit_row < 0:
            limit_row = row
    return stop_row, limit_row


@law
def open_group(market, state, row: int, bar: int, hit_count: int) -> int:
    """P2 for the group of one hit, its stop first (W-02); children of a fill join the hits (W-06)."""
    order = state.orders[row]
    stop_row = sibling_stop(state, order, hit_count)
    if stop_row >= 0 and open_order(market, state, state.orders[stop_row], bar):
        state.orders[stop_row].bits |= SEEN
        return hit_count
    filled_before = order.filled_quantity
    if not open_order(market, state, order, bar):
        return hit_count
    if order.type != OrderType.STOP_LIMIT or order.filled_quantity > filled_before:
        order.bits |= SEEN
    if order.filled_quantity > filled_before:
        stop_row, limit_row = activated_children(state, order, bar)
        for child_row in (stop_row, limit_row):
            if child_row < 0:
                continue
            child = state.orders[child_row]
            if is_judged(child) or child.eligible_bar != bar:
                continue
            child.bits &= ~OPENING
            if open_order(market, state, child, bar):
                child.bits |= SEEN
            else:
                state.hits[hit_count] = child_row
                hit_count += 1
    return hit_count


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
def count_ambiguous(state, ambiguous: bool) -> None:
    """W-01: groups and bars where worst and best differ."""
    if ambiguous:
        state.account[0].ambiguous_groups += 1


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
def exit_of_entry(market, state, order, stop_row, limit_row, bar, path_price, by_limit, certain, triggered_inside, base):
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
def enter_inside(market, state, order, bar: int, path_price, base, by_limit: bool, certain: bool, triggered_inside: bool):
    """W-03 to W-06: an entry inside the bar with what its exits do in the rest of it."""
    config = state.config[0]
    order.bits |= SEEN
    stop_row, limit_row = waiting_exits(state, order)
    outcome, exit_price, exit_reason, ambiguous = exit_of_entry(
        market, state, order, stop_row, limit_row, bar, path_price, by_limit, certain, triggered_inside, base
    )
    count_ambiguous(state, ambiguous)
    if outcome == NO_FILL:
        return
    if by_limit:
        filled = execute(
            market, state, order, bar, base, MAKER, LIMIT_INSIDE, SLIP_LIMIT, ambiguous, True, bar + 1
        )
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
    """P3 for the group of one hit."""
    config = state.config[0]
    order = state.orders[row]
    if order.type == OrderType.MARKET:
        return
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
        inside_exit(market, state, row, sibling_limit(state, order, hit_count), bar)
    else:
        inside_exit(market, state, sibling_stop(state, order, hit_count), row, bar)


@law
def close_order(market, state, order, bar: int) -> None:
    """P4: C-04, P-10."""
    config, symbol = state.config[0], order.symbol
    close = market.close[bar, symbol]
    if config.price_ref == PriceReference.RANGE:
        if order.type == OrderType.MARKET and config.market_fill != MarketFill.NEXT_OPEN:
            base = market_price(
                config.market_fill, market.open[bar, symbol], market.high[bar, symbol], market.low[bar, symbol], close
            )
            reason = AT_CLOSE if config.market_fill == MarketFill.NEXT_CLOSE else AT_AVERAGE
            execute(market, state, order, bar, base, TAKER, reason, SLIP_MARKET, False, True, bar + 1)
        return
    if order.type == OrderType.MARKET:
        execute(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_MARKET, False, True, bar + 1)
        return
    if order.type != OrderType.LIMIT and not order.bits & TRIGGERED:
        if not stop_reached(order.side, close, order.stop_price, config.stop_trigger):
            return
        if order.type == OrderType.STOP_LIMIT:
            latch(state, order, bar, AT_CLOSE)
            if config.stop_limit == StopLimitRule.NEXT_BAR_ONLY:
                return
    if order.type == OrderType.STOP:
        filled = execute(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_STOP, False, True, bar + 1)
        if order.bits & TRIGGERED or not is_active(order):
            return
        if filled == 0.0:
            latch(state, order, bar, AT_CLOSE)
        else:
            order.bits |= TRIGGERED
        return
    if reaches_limit(config, state.instruments[symbol], order, close):
        execute(market, state, order, bar, close, MAKER, AT_CLOSE, SLIP_LIMIT, False, True, bar + 1)


# phases --------------------------------------------------------------------------------------------------------------


@law
def classify(state, hit_count: int) -> bool:
    """C-03: classes the hits by the position at the beginning of a phase; True if any reduces."""
    any_reducing = False
    for index in range(hit_count):
        order = state.orders[state.hits[index]]
        if order.side * state.positions[order.symbol].quantity < 0.0:
            order.bits &= ~OPENING
            any_reducing = True
        else:
            order.bits |= OPENING
    return any_reducing


@law
def has_turn(state, order, opening: int) -> bool:
    """C-03: whether a hit is judged in this round of a phase."""
    return (order.bits & OPENING != 0) == (opening == 1) and not is_judged(order) and not left_this_bar(state, order)


@law
def phase_open(market, state, bar: int, hit_count: int) -> int:
    """P2 in the order of C-03; returns the number of hits with the children that joined."""
    first_class = 0 if classify(state, hit_count) else 1
    listed = hit_count
    for opening in range(first_class, 2):
        for index in range(listed):
            row = state.hits[index]
            order = state.orders[row]
            if has_turn(state, order, opening):
                hit_count = open_group(market, state, row, bar, hit_count)
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
def end_immediate(state, bar: int) -> None:
    """T-02: IOC and FOK orders do not outlive their first eligible bar."""
    for index in range(state.account[0].working_count):
        order = state.orders[state.working[index]]
        if order.eligible_bar != bar or not is_active(order):
            continue
        if order.time_in_force == TimeInForce.IOC:
            end(state, order, bar, OrderEvent.CANCEL.value, Reason.IOC_REMAINDER.value)
        elif order.time_in_force == TimeInForce.FOK:
            end(state, order, bar, OrderEvent.CANCEL.value, Reason.FOK_NOT_COMPLETE.value)


@law
def sweep_ended(state) -> None:
    """Takes orders that have ended off the list of live orders; keeps their order."""
    account = state.account[0]
    kept = 0
    for index in range(account.working_count):
        row = state.working[index]
        if is_alive(state.orders[row]):
            state.working[kept] = row
            kept += 1
    account.working_count = kept


@kernel
def match(market, state, bar: int) -> None:
    """P1 to P5 of one bar, without the marks: every live order meets the bar (C-02, C-03)."""
    config = state.config[0]
    run_commands(state, bar)
    hit_count = gather(market, state, bar)
    if hit_count > 0:
        if config.price_ref == PriceReference.RANGE:
            hit_count = phase_open(market, state, bar, hit_count)
            phase_inside(market, state, bar, hit_count)
        if config.price_ref == PriceReference.CLOSE or config.market_fill != MarketFill.NEXT_OPEN:
            phase_close(market, state, bar, hit_count)
    end_immediate(state, bar)
    sweep_ended(state)
