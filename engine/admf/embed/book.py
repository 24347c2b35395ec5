"""The buffers of one core: they grow when a bar may need more rows, and are read as arrays without a copy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.errors import CapacityError
from admf_kernels.arena import Sizes, allocate
from admf_kernels.codes import Record
from admf_kernels.records import State
from admf_kernels.run import has_room

ROWS_MIN = 256  # of the table of orders at first
ROWS_MAX = 1 << 24  # 2 GB of orders
USED = {
    "orders": "order_count",
    "working": "working_count",
    "commands": "command_count",
    "fills": "fill_count",
    "transitions": "transition_count",
    "trades": "trade_count",
}
GROWING = (*USED, "hits")


def used_rows(state: State, name: str) -> NDArray[Any]:
    """The rows of one buffer that say something, as a view."""
    rows: NDArray[Any] = getattr(state, name)[: int(state.account[0][USED[name]])]
    return rows


def read_only(rows: NDArray[Any]) -> NDArray[Any]:
    """A view that nobody writes through; a plain one, since fields of a recarray shadow its methods."""
    view = rows.view()
    view.flags.writeable = False
    return view


def blank(sizes: Sizes) -> State:
    """An arena whose rows have nothing between their fields, so that equal snapshots have equal bytes."""
    state = allocate(sizes)
    for rows in (state.commands, state.trades):
        rows.view(np.uint8)[:] = 0
    return state


def record_of(state: State) -> int:
    """The record level of its rules."""
    return int(state.config[0].record)


def resized(state: State, rows: int) -> State:
    """The same account with `rows` rows of orders, and logs to match; CapacityError beyond the bound."""
    if rows > ROWS_MAX:
        raise CapacityError(
            "too many orders in one core",
            found=int(state.account[0].order_count),
            allowed=f"{ROWS_MAX:,} rows",
            remedy="call core.forget() when the rows have been read",
        )
    fresh = blank(Sizes(len(state.positions), 0, rows, record_of(state)))
    for name in USED:
        kept = used_rows(state, name)
        getattr(fresh, name)[: len(kept)] = kept
    return state._replace(**{name: getattr(fresh, name) for name in GROWING})


def with_room(state: State, orders_per_bar_max: int) -> State:
    """The state with buffers that take all a bar may write (A-05, W-06)."""
    rows = len(state.orders)
    while not has_room(state, orders_per_bar_max):
        rows *= 2
        state = resized(state, rows)
    return state


def with_curve(state: State, bars: int) -> State:
    """The state with a curve of so many bars, none below record=fills."""
    if record_of(state) == Record.SUMMARY:
        return state
    curve = np.empty(bars, state.curve.dtype)
    kept = state.curve[: int(state.account[0].bars_processed)]
    curve[: len(kept)] = kept
    return state._replace(curve=curve)


def forget(state: State) -> None:
    """Takes off what has been read: fills, transitions, round trips, and the orders that have ended."""
    account = state.account[0]
    live = int(account.working_count)
    unchecked = state.orders[int(account.checked_count) : int(account.order_count)]
    kept = np.concatenate([state.orders[state.working[:live]], unchecked])
    state.orders[: len(kept)] = kept
    state.working[:live] = np.arange(live)
    account.row_limit += len(kept) - account.order_count
    account.order_count, account.checked_count = len(kept), live
    account.fill_count = account.transition_count = account.trade_count = account.hooked_count = 0
