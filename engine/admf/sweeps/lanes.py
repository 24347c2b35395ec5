"""Chunks of trials in lanes: signal strategies under rules whose orders are settled at the next open."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.run.compiled import CONTEXT
from admf.signals import SignalStrategy
from admf.sweeps.settings import Settings
from admf.sweeps.trials import Chunk
from admf_kernels._jit import compile_now, specialise
from admf_kernels._views import WORDS
from admf_kernels.arena import Sizes, allocate
from admf_kernels.codes import Record
from admf_kernels.lanes import (
    BLOCK,
    BLOCK_BARS,
    BOUND,
    CLOSE,
    EMA,
    FIELDS,
    HIGHEST,
    INPUTS,
    LANES,
    LOWEST,
    RSI,
    SMA,
    STOP,
    run_lanes,
)
from admf_kernels.records import State, account_dt, position_dt
from admf_kernels.views import handles

LaneResult = tuple[NDArray[np.record], NDArray[np.float64], NDArray[np.bool_]]
KINDS = {"close": CLOSE, "sma": SMA, "ema": EMA, "rsi": RSI, "highest": HIGHEST, "lowest": LOWEST}
ROWS = 64  # of the table of orders that all lanes share: those of one bar


class LaneArena:
    """The buffers of one worker for one group of settings."""

    def __init__(self, settings: Settings, number: int, cursor: NDArray[np.int64]) -> None:
        self._settings = settings
        self._group = settings.groups[number]
        market = self._group.run.market
        strategy = self._group.run.strategy
        assert isinstance(strategy, SignalStrategy)
        self._strategy = strategy
        state = allocate(Sizes(1, 0, ROWS, Record.SUMMARY.value))
        self._state = state._replace(instruments=self._group.opened.instruments, fees=self._group.opened.fees)
        self._market_table = handles(market.arrays)
        self._bars = market.bar_count
        self._lanes, self.busy = 0, False
        self.cursor = cursor

    @property
    def trials_done(self) -> int:
        """About how many trials would be done if they ran one by one."""
        return int(self._lanes * self.cursor[BLOCK] // self._bars) if self.busy else 0

    def stop(self) -> None:
        """Ends `run_chunk` within a block; any thread may call it."""
        self.cursor[STOP] = 1

    def run_chunk(self, chunk: Chunk) -> LaneResult | None:
        """Accounts, quantities and which lanes were given up; None where a stop was asked for."""
        self.busy = True
        try:
            return self._run(chunk)
        finally:
            self.busy = False

    def _run(self, chunk: Chunk) -> LaneResult | None:
        lanes = len(chunk.rows)
        self._lanes, self.cursor[BLOCK] = lanes, 0
        known = self._settings.known
        configs = np.stack([known[number].config for number in chunk.settings])
        accounts = np.stack([known[number].account for number in chunk.settings])
        positions = np.stack([known[number].opening for number in chunk.settings])
        kinds, periods, inputs, ready = self._columns(chunk)
        groups = np.zeros((-(-lanes // LANES), FIELDS * LANES))
        groups[-1, BOUND * LANES : (BOUND + 1) * LANES] = math.inf  # lanes that nobody has
        wanted = np.zeros((LANES, BLOCK_BARS), np.uint8)
        given_up = np.zeros(len(groups) * LANES, np.uint8)
        arguments: tuple[Any, ...] = (
            self._market_table,
            self._tables(configs, accounts, positions),
            chunk.strategies,
            groups,
            np.zeros((len(kinds), BLOCK_BARS)),
            np.zeros((len(kinds), 2)),
            kinds,
            periods,
            inputs,
            ready,
            wanted,
            wanted.view(np.uint64),
            np.zeros(BLOCK_BARS, np.int64),
            np.zeros(LANES, np.int64),
            given_up,
            np.zeros(lanes, np.uint8),
            self.cursor,
            self._group.run.orders_per_bar_max,
        )
        hooks = {
            "want_side": type(self._strategy).want,
            "change_side": self._act(),
            **self._group.run.execution.user_laws(),
        }
        kernel = specialise(run_lanes, hooks=hooks, extra=(CONTEXT,))
        compile_now(kernel, arguments)
        if not kernel(*arguments):
            return None
        quantities = positions.reshape(-1).view(position_dt)["quantity"].reshape(lanes, 1).copy()
        return accounts.reshape(-1).view(account_dt), quantities, given_up[:lanes].astype(np.bool_)

    def _act(self) -> Any:
        return self._strategy.hooks()["on_bar"].__globals__["act"]

    def _tables(self, configs: NDArray[Any], accounts: NDArray[Any], positions: NDArray[Any]) -> NDArray[np.uint64]:
        """The table of addresses of each lane: config, account and position are its own, the rest is shared."""
        tables = np.tile(handles(self._state), (len(accounts), 1))
        for name, rows in (("config", configs), ("account", accounts), ("positions", positions)):
            address = rows.ctypes.data + np.arange(len(rows), dtype=np.uint64) * np.uint64(rows.strides[0])
            tables[:, State._fields.index(name) * WORDS] = address
        return tables

    def _columns(self, chunk: Chunk) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int32], NDArray[np.int64]]:
        """Each distinct indicator once: kinds, periods; the columns of each lane, and its first bar."""
        lanes, indicators = len(chunk.rows), list(self._strategy.indicators.values())
        inputs = np.zeros((lanes, INPUTS), np.int32)
        ready = np.zeros(lanes, np.int64)
        kinds: list[int] = []
        periods: list[int] = []
        for place, indicator in enumerate(indicators):
            given = np.ones(lanes, np.int64)
            if indicator.kind != "close":
                named = isinstance(indicator.period, str)
                given = chunk.strategies[indicator.period].astype(np.int64) if named else given * int(indicator.period)
                ready = np.maximum(ready, given + (-1 if indicator.kind in ("sma", "ema") else 0))
            distinct, inverse = np.unique(given, return_inverse=True)
            inputs[:, place] = len(kinds) + inverse.reshape(-1)
            kinds += [KINDS[indicator.kind]] * len(distinct)
            periods += distinct.tolist()
        return np.array(kinds, np.int64), np.array(periods, np.int64), inputs, ready
