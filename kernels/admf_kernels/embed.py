"""Many accounts in one call, for front ends that own the loop: each at a bar of its own, over one market.

`tables` are the `handles` of the states, one row a core; without the compiler a list of the states themselves.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_kernels._jit import compile_now, kernel, law, specialise
from admf_kernels.advance import advance
from admf_kernels.codes import OrderFlag, Record, RunStatus, SlipOn
from admf_kernels.intake import new_order, send_command, take_fields
from admf_kernels.records import config_dt
from admf_kernels.views import as_state

RUNNING, NEED_ROOM = RunStatus.RUNNING.value, RunStatus.NEED_ROOM.value
ORDERS_FULL, COMMANDS_FULL = RunStatus.ORDERS_FULL.value, RunStatus.COMMANDS_FULL.value
STAYS = -2  # as a target: the core is not stepped
NO_CORE = -2  # as the number of a request whose core does not exist
REQUEST_BITS = sum(
    int(flag) for flag in (OrderFlag.OCO_REDUCE, OrderFlag.REDUCE_ONLY, OrderFlag.POST_ONLY, OrderFlag.TRAIL_PERCENT)
)  # of an order that somebody sends; the others are the engine's own
BARS_MAX = 2**31 - 2  # as bar_count of a core whose data has no known end


def default_config(bar_count: int, cash: float) -> NDArray[np.record]:
    """config_dt of shape (1,) with the default of every rule: nearly all are code 0, and no limit is NaN."""
    config: NDArray[np.record] = np.zeros(1, config_dt)
    row = config[0]
    for name in config_dt.names or ():
        if name.startswith("limit_") and config_dt[name] == np.float64:
            row[name] = np.nan
    row.bar_count = bar_count
    row.initial_cash = cash
    row.limit_through_ticks = row.leverage = row.margin_initial = 1.0
    row.volume_limit = row.margin_maintenance = np.nan
    row.volume_window = 20
    row.slip_on = SlipOn.MARKET | SlipOn.STOP | SlipOn.LIMIT_MARKETABLE
    row.has_volume = row.dated = row.close_positions = 1
    row.record = Record.FULL
    return config


def compiled(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """A kernel ready for arguments of these types: from the cache on disk, else compiled, which takes seconds."""
    made = specialise(function)
    compile_now(made, arguments)
    return made


@law
def compact(state, order_words, fill_words, orders_per_bar_max: int) -> bool:
    """W-06: takes orders that have ended and fills off the tables; False where the live orders need larger ones.

    The two tables are given once more as 64-bit words, shape (rows, words of a row).
    """
    account = state.account[0]
    live = account.working_count
    if 4 * (live + orders_per_bar_max + len(state.positions)) > len(state.orders):
        return False
    for index in range(live):  # rows ascend, so each goes to a place that has been read
        row = state.working[index]
        for word in range(order_words.shape[1]):
            order_words[index, word] = order_words[row, word]
        state.working[index] = index
    untold = account.fill_count - account.hooked_count
    for index in range(untold):
        for word in range(fill_words.shape[1]):
            fill_words[index, word] = fill_words[account.hooked_count + index, word]
    account.fill_count = untold
    account.hooked_count = 0
    account.order_count = live
    account.checked_count = live
    return True


@kernel
def advance_all(market, tables, targets, order_words, fill_words, orders_per_bar_max: int) -> int:
    """C-02: brings each core to its bar of `targets`, STAYS leaves it; returns the cores that stopped before theirs.

    The fills in the buffers afterwards are those of this call. A core that stopped says why in `account.status`;
    NEED_ROOM: its live orders need larger tables.
    """
    stopped = 0
    for core in range(len(targets)):
        target = targets[core]
        if target == STAYS:
            continue
        table = tables[core]
        state = as_state(table)
        account = state.account[0]
        account.fill_count = 0
        account.hooked_count = 0
        status = advance(market, table, target, orders_per_bar_max)
        while status == NEED_ROOM and compact(state, order_words[core], fill_words[core], orders_per_bar_max):
            status = advance(market, table, target, orders_per_bar_max)
        if status != RUNNING:
            stopped += 1
    return stopped


@kernel
def submit_all(tables, requests) -> int:
    """C-01: puts orders into the books; returns how many found no row.

    `requests` are order_dt rows: `number` says which core, and is the number of the order afterwards, -1 where its bar
    has no rows left, NO_CORE where there is no such core. Rows with side 0 are left out.
    """
    refused = 0
    for index in range(len(requests)):
        source = requests[index]
        if source.side == 0:
            continue
        if source.number < 0 or source.number >= len(tables):
            source.number = NO_CORE
            refused += 1
            continue
        state = as_state(tables[source.number])
        row = new_order(state, state.account[0].bar)
        if row < 0:
            source.number = -1
            refused += 1
            continue
        order = state.orders[row]
        take_fields(order, source)
        order.parent = source.parent
        source.number = order.number
    return refused


@kernel
def command_all(tables, cores, commands) -> int:
    """L-04: sends cancels and amendments, `commands` are command_dt rows; returns how many found no room or no core."""
    refused = 0
    for index in range(len(commands)):
        source = commands[index]
        if cores[index] < 0 or cores[index] >= len(tables):
            refused += 1
            continue
        state = as_state(tables[cores[index]])
        if state.account[0].command_count >= len(state.commands):
            refused += 1
            continue
        send_command(state, source.kind, source.number, source.quantity, source.limit_price, source.stop_price)
    return refused
