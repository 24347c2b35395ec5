"""Chunks of trials through the compiled loop: one kernel for each group, one arena for each worker and group."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba.core import config
from numpy.typing import NDArray

from admf.errors import AdmfError, StrategyError
from admf.run.compiled import CONTEXT, HOOKS, advice, stepped
from admf.run.loop import Loop
from admf.sweeps.settings import Group, Settings, Words, words_of
from admf.sweeps.trials import Chunk
from admf_kernels._jit import CompileError, allocates, compile_now, specialise
from admf_kernels.arena import Sizes, allocate
from admf_kernels.batch import BAR, NOT_OPENED, STOP, TRIAL, Batch, run_many
from admf_kernels.codes import Record, RunStatus
from admf_kernels.records import account_dt
from admf_kernels.views import handles

ROWS = 1_024  # of the first table of orders: it stays in the processor's cache
FINE = (RunStatus.DONE.value,)

Kernel = Callable[..., int]


@dataclass(eq=False)
class Done:
    """What a chunk left behind, one row for each trial that has run: all of them unless a stop was asked for."""

    count: int
    accounts: NDArray[np.record]  # account_dt
    quantities: NDArray[np.float64]  # (trials, symbols)
    errors: dict[int, str] = field(default_factory=dict)
    lanes: NDArray[np.bool_] | None = None  # which of them ran in lanes


class Kernels:
    """The compiled loops of a sweep, one for each group, made when the first chunk of a group comes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[int, Kernel] = {}
        self._lock = threading.Lock()
        self.plain = bool(config.DISABLE_JIT)

    def of(self, group: int, arguments: tuple[Any, ...]) -> Kernel:
        """The loop of a group; StrategyError for code that does not compile or allocates memory."""
        with self._lock:
            if group not in self._made:
                self._made[group] = self._make(self._settings.groups[group], arguments)
            return self._made[group]

    def _make(self, group: Group, arguments: tuple[Any, ...]) -> Kernel:
        hooks = group.run.hooks()
        if self.plain:
            plain = {name: stepped(hook) if name in HOOKS else hook for name, hook in hooks.items()}
            return specialise(run_many, hooks=plain, compiled=False)
        return compiled(run_many, hooks, arguments, group.strategy.dtype.names or ())


def compiled(
    template: Kernel, hooks: dict[str, Callable[..., Any]], arguments: tuple[Any, ...], fields: tuple[str, ...]
) -> Kernel:
    """The template with its hooks; StrategyError for code that does not compile or allocates memory."""
    kernel = specialise(template, hooks=hooks, extra=(CONTEXT,))
    try:
        compile_now(kernel, arguments)
    except CompileError as error:
        raise StrategyError(str(error), remedy=advice(error.problem, fields)) from error
    if guilty := allocates(kernel):
        raise StrategyError(
            f"{guilty[0]} allocates memory",
            allowed="numbers, comparisons, ctx and self",
            remedy="lists, arrays, strings, dicts and sets cannot be made inside the loop; keep numbers on self",
        )
    return kernel


class Arena(Loop):
    """The buffers of one worker for one group, used again by every trial."""

    def __init__(self, settings: Settings, kernels: Kernels, number: int, cursor: NDArray[np.int64]) -> None:
        group = settings.groups[number]
        market, orders_per_bar_max = group.run.market, group.run.orders_per_bar_max
        sizes = arena_sizes(market.symbol_count, orders_per_bar_max)
        shared = {name: getattr(group.opened, name) for name in ("instruments", "fees", "actions")}
        if shared["instruments"].flags.writeable:  # conversions write to it: each trial begins with the rows of bar -1
            shared["instruments"] = shared["instruments"].copy()
        state = allocate(sizes)._replace(**shared)
        super().__init__(market.arrays, state, lambda *_: 0, orders_per_bar_max)
        self._settings, self._kernels, self._number = settings, kernels, number
        self._widths = (state.orders.dtype.itemsize // 8, state.fills.dtype.itemsize // 8)
        self._market_table: Any = self.market if kernels.plain else handles(self.market)
        self.cursor = cursor
        self.busy = False
        self._known = -1  # settings in the tables below
        self._tables: tuple[Words, Words, Words]

    def stop(self) -> None:
        """Ends `run_chunk` within some thousand bars; any thread may call it."""
        self.cursor[STOP] = 1

    def run_chunk(self, chunk: Chunk) -> Done:
        """Runs the trials of a chunk."""
        self.cursor[TRIAL], self.cursor[BAR] = 0, NOT_OPENED
        self.busy = True
        try:
            return self._run(chunk)
        finally:
            self.busy = False

    @property
    def trials_done(self) -> int:
        """Trials that are done in the chunk in work."""
        return int(self.cursor[TRIAL]) if self.busy else 0

    def _run(self, chunk: Chunk) -> Done:
        count = len(chunk.rows)
        account_words = account_dt.itemsize // 8
        accounts = np.zeros((count, account_words), np.uint64)
        quantities = np.zeros((count, len(self.state.positions)))
        errors: dict[int, str] = {}
        done = 0
        kernel = self._kernels.of(self._number, self._arguments(self._batch(chunk, accounts, quantities), chunk))
        while done < count and not self.cursor[STOP]:
            batch = self._batch(chunk, accounts, quantities)
            try:
                with np.errstate(all="ignore"):  # plain Python is as quiet as compiled code
                    done = kernel(*self._arguments(batch, chunk))
                if done < count and not self.cursor[STOP]:
                    self._make_room()
            except AdmfError as error:
                done = self._skip(errors, str(error))
            except Exception as error:
                bar = int(self.state.account[0].bar)
                done = self._skip(errors, f"the strategy raised {type(error).__name__} at bar {bar}: {error}")
        rows: NDArray[np.record] = accounts.reshape(-1).view(account_dt)[:done]
        for trial in np.flatnonzero(~np.isin(rows["status"], FINE)).tolist():
            if trial not in errors:
                errors[trial] = self._failure(rows[trial : trial + 1])
        return Done(done, rows, quantities[:done], errors)

    def _arguments(self, batch: Batch, chunk: Chunk) -> tuple[Any, ...]:
        plain = self._kernels.plain
        return (
            self._market_table,
            self.state if plain else handles(self.state),
            batch if plain else handles(batch),
            chunk.strategies,
            self._orders_per_bar_max,
            *self._widths,
        )

    def _batch(self, chunk: Chunk, accounts: NDArray[np.uint64], quantities: NDArray[np.float64]) -> Batch:
        known = self._settings.known
        if self._known < len(known):
            fitting = [setting if setting.group == self._number else None for setting in known[:]]
            some = next(setting for setting in fitting if setting)
            self._tables = (
                np.stack([(setting or some).config for setting in fitting]),
                np.stack([(setting or some).account for setting in fitting]),
                np.stack([(setting or some).opening for setting in fitting]),
            )
            self._known = len(fitting)
        state, (configs, accounts_opened, opening) = self.state, self._tables
        return Batch(
            words_of(state.config)[0],
            words_of(state.account)[0],
            words_of(state.positions).reshape(-1),
            words_of(state.orders),
            words_of(state.fills),
            configs,
            accounts_opened,
            opening,
            chunk.settings,
            accounts,
            quantities,
            self.cursor,
        )

    def _skip(self, errors: dict[int, str], text: str) -> int:
        """Gives the trial in work up; returns the number of the next one."""
        trial = int(self.cursor[TRIAL])
        errors[trial] = text
        self.cursor[TRIAL], self.cursor[BAR] = trial + 1, NOT_OPENED
        return trial + 1

    def _failure(self, row: NDArray[np.record]) -> str:
        self.state.account[:] = row
        try:
            self._fail(RunStatus(int(row["status"][0])))
        except AdmfError as error:
            return str(error)
        return "the run did not end"

    def bytes(self) -> int:
        """Memory of the buffers."""
        return sum(array.nbytes for array in self.state)


def arena_sizes(symbols: int, orders_per_bar_max: int) -> Sizes:
    """Rows of an arena that keeps metrics only."""
    return Sizes(symbols, 0, max(ROWS, 8 * (orders_per_bar_max + symbols)), Record.SUMMARY.value)
