"""Many runs in one call: each trial opens the same arena afresh, runs to its end, and leaves its account behind.

Rows of records are copied as 64-bit words, so that nothing here knows their fields. `run` calls the hooks: `specialise`
binds a strategy into it.
"""

from typing import NamedTuple

import numpy as np
from numba.core import types
from numba.extending import overload
from numpy.typing import NDArray

from admf_kernels._jit import law
from admf_kernels._views import view_type
from admf_kernels.codes import RunStatus
from admf_kernels.run import run
from admf_kernels.views import as_market, as_state, behind

NEED_ROOM, RUNNING = RunStatus.NEED_ROOM.value, RunStatus.RUNNING.value
CHUNK_BARS = 65_536  # about a millisecond of a simple strategy: how soon a stop is seen
NOT_OPENED = -1  # as the next bar of a trial
# places of Batch.cursor
TRIAL, BAR, STOP = 0, 1, 2
CURSOR_SIZE = 3

Words = NDArray[np.uint64]


class Batch(NamedTuple):
    """The trials of one call, and the arena's records as words. Row widths are those of the records in words."""

    config: Words  # of the arena, shared with its state: (words,)
    account: Words
    positions: Words
    orders: Words  # (rows, words)
    fills: Words
    configs: Words  # (settings, words): the records with which a trial begins
    accounts: Words
    opening: Words  # positions by setting
    setting: NDArray[np.int32]  # (trials,) row of the three above
    done_accounts: Words  # (trials, words): the account as the trial left it
    done_quantities: NDArray[np.float64]  # (trials, symbols): the positions
    cursor: NDArray[np.int64]  # trial in work, its next bar or NOT_OPENED, 1 where somebody wants a stop


_U8, _F8, _I8, _I4 = (np.dtype(kind) for kind in (np.uint64, np.float64, np.int64, np.int32))
BATCH = view_type(
    "batch",
    {
        "config": ("", _U8, 1),
        "account": ("", _U8, 1),
        "positions": ("", _U8, 1),
        "orders": ("", _U8, 2),
        "fills": ("", _U8, 2),
        "configs": ("", _U8, 2),
        "accounts": ("", _U8, 2),
        "opening": ("", _U8, 2),
        "setting": ("", _I4, 1),
        "done_accounts": ("", _U8, 2),
        "done_quantities": ("", _F8, 2),
        "cursor": ("", _I8, 1),
    },
)
assert tuple(BATCH.tables) == Batch._fields


def as_batch(batch):
    """The batch a kernel was given: the named tuple itself, or the view behind its `handles`."""
    return batch


batch_behind = behind(BATCH)


@overload(as_batch)
def _as_batch(batch):
    if isinstance(batch, types.Array):
        return lambda batch: batch_behind(batch)
    return None


@law
def open_trial(batch, trial: int) -> None:
    """A-08: the account, its positions and its rules as they are before the first bar."""
    setting = batch.setting[trial]
    for word in range(len(batch.config)):
        batch.config[word] = batch.configs[setting, word]
    for word in range(len(batch.account)):
        batch.account[word] = batch.accounts[setting, word]
    for word in range(len(batch.positions)):
        batch.positions[word] = batch.opening[setting, word]


@law
def keep_trial(state, batch, trial: int) -> None:
    """H-01: what a trial leaves behind."""
    for word in range(len(batch.account)):
        batch.done_accounts[trial, word] = batch.account[word]
    for symbol in range(len(state.positions)):
        batch.done_quantities[trial, symbol] = state.positions[symbol].quantity


@law
def make_room(state, batch, orders_per_bar_max: int, order_words: int, fill_words: int) -> bool:
    """W-06: takes what has ended off the tables; False where the live orders alone need larger ones."""
    account = state.account[0]
    live = account.working_count
    if 4 * (live + orders_per_bar_max + len(state.positions)) > len(state.orders):
        return False
    for index in range(live):  # rows ascend, so each goes to a place that has been read
        row = state.working[index]
        for word in range(order_words):
            batch.orders[index, word] = batch.orders[row, word]
        state.working[index] = index
    told = account.hooked_count
    untold = account.fill_count - told
    for index in range(untold):
        for word in range(fill_words):
            batch.fills[index, word] = batch.fills[told + index, word]
    account.fill_count = untold
    account.hooked_count = 0
    account.order_count = live
    account.checked_count = live
    return True


def run_many(market, state, batch, strategies, orders_per_bar_max: int, order_words: int, fill_words: int) -> int:
    """Runs the trials from `cursor` on at record=summary; returns the number that are done.

    It returns before the last one where a stop is wanted, and with the status NEED_ROOM where live orders need larger
    tables: called again it goes on. A trial that fails leaves its status in its account. `strategies` are record rows,
    one a trial. An exception of a hook passes through, `cursor` says in which trial.
    """
    market_table, state_table = market, state
    state, batch = as_state(state), as_batch(batch)
    account, bars = state.account[0], len(as_market(market).timestamp)
    trials, cursor = len(batch.setting), batch.cursor
    while cursor[TRIAL] < trials:
        if cursor[STOP] != 0:
            return cursor[TRIAL]
        trial = cursor[TRIAL]
        if cursor[BAR] == NOT_OPENED:
            open_trial(batch, trial)
            cursor[BAR] = 0
        first = cursor[BAR]
        cursor[BAR] = run(
            market_table,
            state_table,
            strategies[trial : trial + 1],
            first,
            min(first + CHUNK_BARS, bars),
            orders_per_bar_max,
        )
        if account.status == NEED_ROOM:
            if not make_room(state, batch, orders_per_bar_max, order_words, fill_words):
                return cursor[TRIAL]
        elif account.status != RUNNING:
            keep_trial(state, batch, trial)
            cursor[BAR] = NOT_OPENED
            cursor[TRIAL] = trial + 1
    return cursor[TRIAL]
