"""One worker: its arenas and lanes for each group that it has met."""

import numpy as np
from numpy.typing import NDArray

from admf.sweeps.arena import Arena, Done, Kernels
from admf.sweeps.lanes import LaneArena
from admf.sweeps.settings import Settings
from admf.sweeps.trials import Chunk
from admf_kernels.batch import CURSOR_SIZE
from admf_kernels.records import account_dt

NOTHING = Done(0, np.zeros(0, account_dt), np.zeros((0, 1)))  # of a chunk that was stopped


class Worker:
    """Runs chunks one after another; `stop` may be called from any thread."""

    def __init__(self, settings: Settings, kernels: Kernels, cursor: NDArray[np.int64] | None = None) -> None:
        """`cursor`: where the arenas keep their place, three numbers of the order engine's and two of the lanes."""
        self._cursor = np.zeros(CURSOR_SIZE + 2, np.int64) if cursor is None else cursor
        self._settings, self._kernels = settings, kernels
        self._arenas: dict[int, Arena] = {}
        self._lanes: dict[int, LaneArena] = {}
        self._stopped = False

    def run_chunk(self, chunk: Chunk) -> Done:
        """All trials of a chunk; fewer where a stop was asked for."""
        if chunk.lanes and not self._kernels.plain:
            return self._run_lanes(chunk)
        return self._run_engine(chunk)

    @property
    def trials_done(self) -> int:
        """Trials that are done in the chunk in work."""
        return sum(arena.trials_done for arena in self._all())

    def stop(self) -> None:
        """Ends `run_chunk` within some thousand bars."""
        self._stopped = True
        for arena in self._all():
            arena.stop()

    def _all(self) -> list[Arena | LaneArena]:
        return [*list(self._arenas.values()), *list(self._lanes.values())]

    def _run_engine(self, chunk: Chunk) -> Done:
        if chunk.group not in self._arenas:
            self._arenas[chunk.group] = Arena(self._settings, self._kernels, chunk.group, self._cursor[:CURSOR_SIZE])
        arena = self._arenas[chunk.group]
        if self._stopped:
            arena.stop()
        return arena.run_chunk(chunk)

    def _run_lanes(self, chunk: Chunk) -> Done:
        """In lanes; the order engine runs those that were given up."""
        if chunk.group not in self._lanes:
            self._lanes[chunk.group] = LaneArena(self._settings, chunk.group, self._cursor[CURSOR_SIZE:])
        lanes = self._lanes[chunk.group]
        if self._stopped:
            lanes.stop()
        untouched = chunk.strategies.copy()
        found = lanes.run_chunk(chunk)
        if found is None:
            return NOTHING
        accounts, quantities, given_up = found
        errors: dict[int, str] = {}
        again = np.flatnonzero(given_up)
        if len(again):
            other = self._run_engine(chunk.part(again, untouched))
            if other.count < len(again):
                return NOTHING
            accounts[again], quantities[again] = other.accounts, other.quantities
            errors = {int(again[index]): text for index, text in other.errors.items()}
        return Done(len(chunk.rows), accounts, quantities, errors, ~given_up)
