"""Many runs of one signal strategy side by side: quiet bars in vectors, everything else by the order engine's own step.

A lane is one trial with its own account and position. Without exits orders live only from a decision to the next open,
so all lanes share one table of them; with exits each has its own (`waiting`). What happens on every bar (equity, mean,
peak, drawdown, sampled returns) is a loop over `LANES` lanes in one flat buffer, whose distances are literal: that is
what lets the compiler vectorise it. On a bar on which a lane wants another position than it has, or the next one may
fill an exit, the hook, the intake and the match of the order engine run for it. A lane in which another order outlives
its open is given up, and its trial goes to the order engine.
"""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import BarFlag, RunStatus
from admf_kernels.context import make_context
from admf_kernels.intake import take_orders
from admf_kernels.meeting import meet
from admf_kernels.run import close_out, is_exposed, mark, take_row
from admf_kernels.series import fill_column
from admf_kernels.views import as_market, as_state
from admf_kernels.waiting import as_book, first_touch, keep_exits, open_book

LANES = 64
BLOCK_BARS = 1_024  # bars between two looks at the signals; rolling sums begin afresh there (I-01)
SESSION_LAST, RUNNING = BarFlag.SESSION_LAST.value, RunStatus.RUNNING.value
DONE, NEVER = RunStatus.DONE.value, 2**31 - 1
# fields of a group's flat buffer
CASH, QUANTITY, EQUITY_SUM, PEAK, BOUND, DRAWDOWN, SAMPLE, RETURNS, SQUARES, DOWNSIDE, EXPOSED, SINCE = range(12)
FIELDS = 12
INPUTS = 4  # columns that a rule may read
STOP, BLOCK = 0, 1  # places of the cursor
STAYS = 3  # a rule that changes nothing, or has no indicators yet
ONES, LOW_BITS, HIGH_BITS = 0x0101010101010101, 0x7F7F7F7F7F7F7F7F, 0x8080808080808080  # eight bars at once
SLACK = 1.0 - 1e-12  # a drawdown may round up to the largest so far


def want_side(strategy, first: float, second: float, third: float, fourth: float) -> int:
    """The slot of a rule: 1 long, 0 flat, -1 short, 2 as it is, from the values of its columns."""
    return 0


def change_side(strategy, ctx, side: int) -> None:
    """The slot of what a strategy sends where it wants the side that it has not."""


def left_side(strategy) -> int:
    """The slot of the side of a trade that an exit has ended, while the rule has wanted nothing else."""
    return 0


def after_fill(strategy, ctx, fill) -> None:
    """The slot of a strategy's `on_fill`."""


@law
def review(group, price: float, multiplier: float, given_up, first_lane: int) -> None:
    """M-03: the lanes whose drawdown may be the largest so far; a lane without equity is given up (A-08)."""
    for lane in range(LANES):
        equity = group[CASH * LANES + lane] + group[QUANTITY * LANES + lane] * price * multiplier
        peak = group[PEAK * LANES + lane]
        if not peak - equity > group[BOUND * LANES + lane] * peak:
            continue
        drawdown = (peak - equity) / peak
        if drawdown > group[DRAWDOWN * LANES + lane]:
            group[DRAWDOWN * LANES + lane] = drawdown
            group[BOUND * LANES + lane] = drawdown * SLACK
        if equity <= 0.0:
            given_up[first_lane + lane] = 1


@law(forceinline=True)
def observe_lanes(group, price: float, multiplier: float) -> int:
    """M-03, M-05 of one bar; the number of lanes whose drawdown has to be looked at."""
    found = 0
    for lane in range(LANES):
        equity = group[CASH * LANES + lane] + group[QUANTITY * LANES + lane] * price * multiplier
        group[EQUITY_SUM * LANES + lane] += equity
        peak = group[PEAK * LANES + lane]
        # + 0.0: what is stored where it was loaded becomes a masked store, which some processors emulate
        peak = (equity if equity > peak else peak) + 0.0
        group[PEAK * LANES + lane] = peak
        found += 1 if peak - equity > group[BOUND * LANES + lane] * peak else 0
    return found


@law(forceinline=True)
def sample_lanes(group, price: float, multiplier: float) -> None:
    """M-01, M-02: the returns since the last sample."""
    for lane in range(LANES):
        equity = group[CASH * LANES + lane] + group[QUANTITY * LANES + lane] * price * multiplier
        change = equity / group[SAMPLE * LANES + lane] - 1.0
        loss = change if change < 0.0 else 0.0
        group[SAMPLE * LANES + lane] = equity
        group[RETURNS * LANES + lane] += change
        group[SQUARES * LANES + lane] += change * change
        group[DOWNSIDE * LANES + lane] += loss * loss


@law
def read_rule(strategies, lane: int, columns, inputs, wanted, row: int, ready: int, first: int, last: int) -> None:
    """C-01: what the rule of a lane wants on the bars of a block: 0 short, 1 flat, 2 long, STAYS."""
    own = strategies[lane]
    a, b, c, d = inputs[lane, 0], inputs[lane, 1], inputs[lane, 2], inputs[lane, 3]
    for place in range(last - first):  # from 0 on: an index that may be negative is not vectorised
        side = want_side(own, columns[a, place], columns[b, place], columns[c, place], columns[d, place])
        wanted[row, place] = np.uint8(1 + side)
    for place in range(min(ready - first, last - first)):
        wanted[row, place] = STAYS


@law
def next_event(words, wanted, row: int, place: int, count: int, kept: int, other: int) -> int:
    """C-01: the first place from `place` on at which a lane wants neither of two sides; `count` without."""
    pattern, second = np.uint64(kept) * np.uint64(ONES), np.uint64(other) * np.uint64(ONES)
    low_bits, high_bits = np.uint64(LOW_BITS), np.uint64(HIGH_BITS)
    while place < count:
        if place & 7 == 0:
            word = words[row, place >> 3]
            # a byte that is neither leaves its high bit in both sums
            if ((word ^ pattern) + low_bits) & ((word ^ second) + low_bits) & high_bits == 0:
                place += 8
                continue
        side = wanted[row, place]
        if side != kept and side != other:
            return place
        place += 1
    return count


@law
def kept_sides(own, quantity: float):
    """A-01: what a lane may want, as in `wanted`, without a change: the side it holds and STAYS, or the one it left."""
    left = left_side(own)
    if left != 0:
        return 1 + left, 1 + left
    return (2 if quantity > 0.0 else 0 if quantity < 0.0 else 1), STAYS


@law
def decide(market, state, own, bar: int, wanted: int, orders_per_bar_max: int) -> None:
    """C-02: the mark of a bar, and the hook and P6 where a lane wants another side."""
    account = state.account[0]
    account.bar = bar
    mark(market, state, bar)
    kept, other = kept_sides(own, state.positions[0].quantity)
    if wanted == kept or wanted == other:
        return
    account.row_limit = account.order_count + orders_per_bar_max
    change_side(own, make_context(bar, market, state), wanted - 1)
    if account.order_count > account.checked_count:
        take_orders(market, state, bar)


@law
def settle(market, state, book, own, lane: int, bar: int) -> bool:
    """C-02: P1 to P5 of the bar after it; False where something is left that the lanes cannot go on with."""
    account = state.account[0]
    account.bar = bar
    account.bar_fill_start = 0
    meet(market, state, bar)
    clean = account.command_count == 0 and account.status == RUNNING
    if len(book.watch) > 0:
        ctx = make_context(bar, market, state)
        for index in range(account.fill_count):
            after_fill(own, ctx, state.fills[index])
        clean = keep_exits(state, book, lane, bar) and clean
    else:
        clean = clean and account.working_count == 0
        account.order_count = 0
        account.checked_count = 0
    account.fill_count = 0
    account.hooked_count = 0
    return clean


@law
def begin_lane(state, group, lane: int) -> None:
    """M-01: the statistics of a lane from its account as it is opened."""
    account = state.account[0]
    account.status = RUNNING
    group[CASH * LANES + lane] = account.cash
    group[QUANTITY * LANES + lane] = state.positions[0].quantity
    group[EQUITY_SUM * LANES + lane] = account.equity_sum
    group[PEAK * LANES + lane] = account.equity_peak
    group[DRAWDOWN * LANES + lane] = account.drawdown_max
    group[BOUND * LANES + lane] = account.drawdown_max * SLACK
    group[SAMPLE * LANES + lane] = account.sample_equity
    group[RETURNS * LANES + lane] = 0.0
    group[SQUARES * LANES + lane] = 0.0
    group[DOWNSIDE * LANES + lane] = 0.0
    group[EXPOSED * LANES + lane] = 0.0
    group[SINCE * LANES + lane] = 0.0


@law
def count_exposed(group, lane: int, bar: int) -> None:
    """M-05: the bars before `bar` that ended with the position that is held."""
    if group[QUANTITY * LANES + lane] != 0.0:
        group[EXPOSED * LANES + lane] += bar - group[SINCE * LANES + lane]
    group[SINCE * LANES + lane] = bar


@law
def end_lane(market, state, own, group, lane: int, wanted: int, samples: int, orders_per_bar_max: int) -> None:
    """C-02: the last bar, as the loop of the order engine has it."""
    account, bar = state.account[0], state.config[0].bar_count - 1
    count_exposed(group, lane, bar)
    account.equity_sum = group[EQUITY_SUM * LANES + lane]
    account.equity_peak = group[PEAK * LANES + lane]
    account.equity_trough = group[PEAK * LANES + lane]  # no lower one can be a larger drawdown
    account.drawdown_max = group[DRAWDOWN * LANES + lane]
    account.sample_equity = group[SAMPLE * LANES + lane]
    account.return_sum = group[RETURNS * LANES + lane]
    account.return_square_sum = group[SQUARES * LANES + lane]
    account.downside_square_sum = group[DOWNSIDE * LANES + lane]
    account.exposed_bars = int(group[EXPOSED * LANES + lane])
    account.sample_count = samples
    open_book(state)
    decide(market, state, own, bar, wanted, orders_per_bar_max)
    is_last = bar == state.config[0].bar_count - 1
    close_out(market, state, bar, not is_last)
    take_row(market, state, bar, is_last, is_exposed(state.positions))
    account.status = DONE


@law
def next_place(market, state, book, own, words, wanted, row: int, lane: int, place: int, count: int, first: int) -> int:
    """C-02: the place from `place` on whose bar has an act or comes before an exit; `count` without."""
    kept, other = kept_sides(own, state.positions[0].quantity)
    place = next_event(words, wanted, row, place, count, kept, other)
    if len(book.watch) > 0:
        place = first_touch(market, state, book, lane, first + place) - 1 - first
    return place


@law
def run_block(
    market, tables, strategies, book, group, wanted, words, heads, links, given_up, first_lane, lanes, first, last,
    samples_all, multiplier, orders_per_bar_max,
) -> None:  # fmt: skip
    """C-02: the bars [first, last) of one group of lanes."""
    count = last - first
    for place in range(count):
        heads[place] = -1
    for row in range(lanes):
        lane = first_lane + row
        if given_up[lane] == 0:
            state = as_state(tables[lane])
            place = next_place(market, state, book, strategies[lane], words, wanted, row, lane, 0, count, first)
            if place < count:
                links[row] = heads[place]
                heads[place] = row
    for place in range(count):
        bar = first + place
        price = market.close[bar, 0]
        if observe_lanes(group, price, multiplier) > 0:
            review(group, price, multiplier, given_up, first_lane)
        if samples_all or market.flags[bar, 0] & SESSION_LAST:
            sample_lanes(group, price, multiplier)
        row = heads[place]
        while row >= 0:
            following, lane = links[row], first_lane + row
            if given_up[lane] == 0:
                state, own = as_state(tables[lane]), strategies[lane]
                open_book(state)
                decide(market, state, own, bar, wanted[row, place], orders_per_bar_max)
                count_exposed(group, row, bar + 1)
                if not settle(market, state, book, own, lane, bar + 1):
                    given_up[lane] = 1
                group[CASH * LANES + row] = state.account[0].cash
                group[QUANTITY * LANES + row] = state.positions[0].quantity
                later = next_place(market, state, book, own, words, wanted, row, lane, place + 1, count, first)
                if later < count:
                    links[row] = heads[later]
                    heads[later] = row
            row = following


def run_lanes(
    market, tables, strategies, book, groups, columns, column_states, kinds, periods, inputs, ready, wanted, words,
    heads, links, given_up, last_sides, cursor, orders_per_bar_max: int,
) -> int:  # fmt: skip
    """Runs all lanes from the first bar to the last; returns 1, or 0 where a stop was wanted.

    `tables` are the `handles` of the lanes' states, `groups` of shape (groups, FIELDS · LANES), `columns` (columns,
    BLOCK_BARS), `inputs` the columns of each lane, `ready` the first bar on which its rule counts, `wanted` and `words`
    the same memory of (LANES, BLOCK_BARS) bytes. `given_up` marks the lanes that the order engine has to run.
    """
    view, book = as_market(market), as_book(book)
    bars, lanes = len(view.timestamp), len(tables)
    opened = as_state(tables[0])
    samples_all, multiplier = opened.config[0].sample_sessions == 0, opened.instruments[0].multiplier
    for lane in range(lanes):
        begin_lane(as_state(tables[lane]), groups[lane // LANES], lane % LANES)
    samples = 0
    for first in range(0, bars, BLOCK_BARS):
        if cursor[STOP] != 0:
            return 0
        cursor[BLOCK] = first
        last = min(first + BLOCK_BARS, bars)
        before_last = min(last, bars - 1)
        for column in range(len(kinds)):
            fill_column(view, columns, column_states, column, kinds[column], periods[column], first, last)
        for bar in range(first, before_last):
            samples += 1 if samples_all or view.flags[bar, 0] & SESSION_LAST else 0
        for number in range(len(groups)):
            first_lane = number * LANES
            count = min(LANES, lanes - first_lane)
            for lane in range(count):
                read_rule(
                    strategies, first_lane + lane, columns, inputs, wanted, lane, ready[first_lane + lane], first, last
                )
                last_sides[first_lane + lane] = wanted[lane, last - 1 - first]
            run_block(
                view, tables, strategies, book, groups[number], wanted, words, heads, links, given_up, first_lane,
                count, first, before_last, samples_all, multiplier, orders_per_bar_max,
            )  # fmt: skip
    for lane in range(lanes):
        if given_up[lane] == 0:
            end_lane(
                view, as_state(tables[lane]), strategies[lane], groups[lane // LANES], lane % LANES, last_sides[lane],
                samples, orders_per_bar_max,
            )  # fmt: skip
    return 1
