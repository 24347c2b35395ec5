"""Chunks of trials in lanes: signal strategies under rules whose orders are settled at the next open."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.data import Market
from admf.signals import SignalStrategy
from admf.sweeps.arena import compiled
from admf.sweeps.settings import Settings
from admf.sweeps.trials import Chunk
from admf_kernels._views import WORDS
from admf_kernels.arena import Sizes, allocate
from admf_kernels.codes import Record
from admf_kernels.lanes import (
    BLOCK,
    BLOCK_BARS,
    BOUND,
    FIELDS,
    INPUTS,
    LANES,
    STOP,
    run_lanes,
)
from admf_kernels.records import State, account_dt, order_dt, position_dt
from admf_kernels.series import CLOSE, EMA, HIGHEST, LOWEST, RSI, SMA
from admf_kernels.views import handles
from admf_kernels.waiting import ORDER_WORDS, SPAN_BARS, Book

LaneResult = tuple[NDArray[np.record], NDArray[np.float64], NDArray[np.bool_]]
KINDS = {"close": CLOSE, "sma": SMA, "ema": EMA, "rsi": RSI, "highest": HIGHEST, "lowest": LOWEST}
ROWS = 64  # of the table of orders that all lanes share: those of one bar
EXITS_MAX = 3  # live orders of a lane between two events


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
        self._has_exits = has_exits(strategy)
        self._lows, self._highs = extremes(market) if self._has_exits else (np.zeros(0), np.zeros(0))
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
        arguments = self.arguments(chunk)
        kernel = compiled(run_lanes, self.hooks(), arguments, chunk.strategies.dtype.names or ())
        if not kernel(*arguments):
            return None
        positions = self._positions.reshape(-1).view(position_dt)["quantity"]
        lanes = len(chunk.rows)
        return (
            self._accounts.reshape(-1).view(account_dt),
            positions.reshape(lanes, 1).copy(),
            self._given_up[:lanes].astype(np.bool_),
        )

    def hooks(self) -> dict[str, Any]:
        """The slots of the kernel."""
        return self._strategy.lane_hooks | self._group.run.execution.user_laws()

    def arguments(self, chunk: Chunk) -> tuple[Any, ...]:
        """Those of `run_lanes`; what the lanes leave behind is in buffers of this object."""
        lanes = len(chunk.rows)
        self._lanes, self.cursor[BLOCK] = lanes, 0
        known = self._settings.known
        numbers, places = np.unique(chunk.settings, return_inverse=True)
        self._configs = np.stack([known[number].config for number in numbers])  # read only
        self._accounts = np.stack([known[number].account for number in chunk.settings])
        self._positions = np.stack([known[number].opening for number in chunk.settings])
        kinds, periods, inputs, ready = self._columns(chunk)
        groups = np.zeros((-(-lanes // LANES), FIELDS * LANES))
        groups[-1, BOUND * LANES : (BOUND + 1) * LANES] = math.inf  # lanes that nobody has
        wanted = np.zeros((LANES, BLOCK_BARS), np.uint8)
        self._given_up = np.zeros(len(groups) * LANES, np.uint8)
        tables = self._tables(places.reshape(-1))
        self._book_table = self._open_book(tables)
        return (
            self._market_table,
            tables,
            chunk.strategies,
            self._book_table,
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
            self._given_up,
            np.zeros(lanes, np.uint8),
            self.cursor,
            self._group.run.orders_per_bar_max,
        )

    def _tables(self, places: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The table of addresses of each lane: account and position are its own, the rest is shared by some or all."""
        tables = np.tile(handles(self._state), (len(places), 1))
        own = np.arange(len(places))
        for name, rows, chosen in (
            ("config", self._configs, places), ("account", self._accounts, own), ("positions", self._positions, own),
        ):  # fmt: skip
            address = rows.ctypes.data + chosen.astype(np.uint64) * np.uint64(rows.strides[0])
            tables[:, State._fields.index(name) * WORDS] = address
        return tables

    def _open_book(self, tables: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The addresses of the book; with exits each lane has a table of orders of its own."""
        lanes = len(tables) if self._has_exits else 0
        rows = own_rows(self._group.run.orders_per_bar_max)
        orders = np.empty(lanes * rows, order_dt)
        if lanes:
            first, width = State._fields.index("orders") * WORDS, np.uint64(rows * orders.itemsize)
            tables[:, first] = orders.ctypes.data + np.arange(lanes, dtype=np.uint64) * width
            tables[:, first + 1] = rows
        words = orders.view(np.uint64).reshape(-1, ORDER_WORDS)
        self._book = Book(self._lows, self._highs, words, np.zeros((lanes, 2)), np.zeros((lanes, 2), np.int64))
        return handles(self._book)

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


def own_rows(orders_per_bar_max: int) -> int:
    """Rows of the table of orders of a lane with exits; two are the engine's own (W-06)."""
    return EXITS_MAX + orders_per_bar_max + 2


def has_exits(strategy: SignalStrategy) -> bool:
    """Whether orders of a strategy outlive the bar that they are for."""
    return "after_fill" in strategy.lane_hooks


def extremes(market: Market) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest low and the highest high of each `SPAN_BARS` bars."""
    starts = np.arange(0, market.bar_count, SPAN_BARS)
    low, high = market.arrays.low[:, 0], market.arrays.high[:, 0]
    return np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
