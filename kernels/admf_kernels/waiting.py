"""What waits in the book of a lane: the exits of its position, and the first bar that can reach one of them.

A lane whose strategy has exits owns a table of orders. Between two events only exits live in it, in its first rows, and
they meet no bar whose range does not come to them: such bars are counted (U-01) and their trails followed (R-06), and
the step runs on the first bar that may fill one. `SPAN_BARS` bars at once are passed by their extremes.
"""

from typing import NamedTuple

import numpy as np
from numba.core import types
from numba.extending import overload
from numpy.typing import NDArray

from admf_kernels._jit import law
from admf_kernels._views import view_type
from admf_kernels.codes import OrderFlag, OrderType
from admf_kernels.laws.lifecycle import is_active
from admf_kernels.laws.trails import better_peak, trail_level
from admf_kernels.records import order_dt
from admf_kernels.step import follow_bar
from admf_kernels.touch import has_path
from admf_kernels.views import behind

SPAN_BARS, SPAN_SHIFT = 16, 4
ORDER_WORDS = order_dt.itemsize // 8
STOP, LIMIT = OrderType.STOP.value, OrderType.LIMIT.value
TRAIL, ENTERED_INSIDE = OrderFlag.TRAIL.value, OrderFlag.ENTERED_INSIDE.value
NOT_RESTING = OrderFlag.TRIGGERED.value | OrderFlag.WAITS.value | OrderFlag.IF_TOUCHED.value
NO_TRAIL = -1
BELOW, ABOVE = 0, 1  # of Book.bounds: a low at or below the one, a high at or above the other may fill an exit
SEEN_BAR, TRAIL_ROW = 0, 1  # of Book.watch: the last bar that the exits have met, and which of them is a trail


class Book(NamedTuple):
    """The orders of all lanes; with no lanes where the strategy has no exits."""

    lows: NDArray[np.float64]  # of each SPAN_BARS bars from the first one on
    highs: NDArray[np.float64]
    orders: NDArray[np.uint64]  # (lanes · rows of each, words)
    bounds: NDArray[np.float64]  # (lanes, 2)
    watch: NDArray[np.int64]  # (lanes, 2)


_F8, _U8, _I8 = (np.dtype(kind) for kind in (np.float64, np.uint64, np.int64))
BOOK = view_type(
    "book",
    {
        "lows": ("", _F8, 1),
        "highs": ("", _F8, 1),
        "orders": ("", _U8, 2),
        "bounds": ("", _F8, 2),
        "watch": ("", _I8, 2),
    },
)
assert tuple(BOOK.tables) == Book._fields


def as_book(book):
    """The book a kernel was given: the named tuple itself, or the view behind its `handles`."""
    return book


book_behind = behind(BOOK)


@overload(as_book)
def _as_book(book):
    if isinstance(book, types.Array):
        return lambda book: book_behind(book)
    return None


@law
def open_book(state) -> None:
    """C-03: the list of live orders as `keep_exits` left it; the lanes share the list, not the orders."""
    for index in range(state.account[0].working_count):
        state.working[index] = index


@law
def keep_exits(state, book, lane: int, bar: int) -> bool:
    """C-03: takes what has ended off the table and notes what reaches the rest; False where more than exits rest."""
    account = state.account[0]
    live = account.working_count
    first_row = lane * len(state.orders)
    below, above, trail_row = 0.0, np.inf, NO_TRAIL
    for index in range(live):
        row = state.working[index]
        order = state.orders[row]
        if not is_active(order) or order.filled_quantity > 0.0 or order.bits & NOT_RESTING:
            return False
        if order.bits & TRAIL:
            if has_path(state.config[0]):
                return False  # the path moves it inside the bar
            order.bits &= ~ENTERED_INSIDE
            trail_row = index
        elif order.form == STOP or order.form == LIMIT:
            if (order.form == STOP) == (order.side < 0):
                below = max(below, order.stop_price if order.form == STOP else order.limit_price)
            else:
                above = min(above, order.stop_price if order.form == STOP else order.limit_price)
        else:
            return False
        if row != index:  # rows ascend, so each goes to a place that has been read
            for word in range(ORDER_WORDS):
                book.orders[first_row + index, word] = book.orders[first_row + row, word]
    account.order_count = live
    account.checked_count = live
    book.bounds[lane, BELOW] = below
    book.bounds[lane, ABOVE] = above
    book.watch[lane, SEEN_BAR] = bar
    book.watch[lane, TRAIL_ROW] = trail_row
    return True


@law
def reaches_trail(market, state, order, bar: int) -> bool:
    """R-05: whether some path of the bar can reach a trail, wherever the bar takes its peak."""
    low, high = market.low[bar, 0], market.high[bar, 0]
    best = better_peak(order, order.peak, low if order.side > 0 else high)
    level = trail_level(order, best, state.instruments[0].tick_inverse)
    return high >= level if order.side > 0 else low <= level


@law
def first_reached(market, book, below: float, above: float, bar: int, last_bar: int) -> int:
    """C-03: the first bar up to `last_bar` whose range comes to one of two prices, `last_bar` + 1 without."""
    while bar <= last_bar:
        if bar & (SPAN_BARS - 1) == 0:
            span = bar >> SPAN_SHIFT
            if book.lows[span] > below and book.highs[span] < above:
                bar += SPAN_BARS
                continue
        if market.low[bar, 0] <= below or market.high[bar, 0] >= above:
            return bar
        bar += 1
    return last_bar + 1


@law
def first_trailed(market, state, book, order, below: float, above: float, bar: int, last_bar: int) -> int:
    """R-06: as `first_reached`, with a trail that follows the bars before."""
    while bar <= last_bar:
        if bar & (SPAN_BARS - 1) == 0 and bar + SPAN_BARS - 1 <= last_bar:
            low, high = book.lows[bar >> SPAN_SHIFT], book.highs[bar >> SPAN_SHIFT]
            still = low >= order.peak if order.side > 0 else high <= order.peak
            apart = high < order.stop_price if order.side > 0 else low > order.stop_price
            if still and apart and low > below and high < above:
                bar += SPAN_BARS
                continue
        if market.low[bar, 0] <= below or market.high[bar, 0] >= above or reaches_trail(market, state, order, bar):
            return bar
        follow_bar(market, state, order, bar)
        bar += 1
    return last_bar + 1


@law
def first_touch(market, state, book, lane: int, last_bar: int) -> int:
    """C-03: the first bar up to `last_bar` that can reach an exit of a lane, `last_bar` + 1 without.

    The bars before it are counted for the exits (U-01), each once: the next call goes on from there.
    """
    account = state.account[0]
    if account.working_count == 0:
        return last_bar + 1
    next_bar = book.watch[lane, SEEN_BAR] + 1
    below, above, row = book.bounds[lane, BELOW], book.bounds[lane, ABOVE], book.watch[lane, TRAIL_ROW]
    if row == NO_TRAIL:
        found = first_reached(market, book, below, above, next_bar, last_bar)
    else:
        found = first_trailed(market, state, book, state.orders[row], below, above, next_bar, last_bar)
    account.unfilled_not_touched += account.working_count * (found - next_bar)
    book.watch[lane, SEEN_BAR] = found - 1
    return found
