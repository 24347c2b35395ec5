"""Chunks of trials on worker processes that share one market in memory and are started again when they die."""

import multiprocessing
import pickle
import shutil
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.errors import AdmfError, ConfigError, RunError
from admf.sweeps.arena import Done
from admf.sweeps.serving import Task, open_cursor, serve, write_job
from admf.sweeps.store import hold
from admf.sweeps.trials import Chunk, Trials
from admf_kernels.batch import BAR, NOT_OPENED, STOP, TRIAL
from admf_kernels.records import account_dt

POLL_S = 0.05
KILLS_MAX = 3  # of workers by one trial
LANE_STOP = 3  # place of the lanes' stop in the shared cursor
SHARED_MEMORY = Path("/dev/shm")
PREFIX, OWNER = "admf-", "owner.lock"  # of the folder that workers map; its lock says whether the sweep is alive
Sink = Callable[[Chunk, Done], None]


@dataclass(eq=False)
class Seat:
    """One worker and what it is at."""

    number: int
    process: BaseProcess
    connection: Connection
    cursor: NDArray[np.int64]
    chunk: Chunk | None = None


class ProcessPool:
    """Workers that are started again when they die."""

    def __init__(self, trials: Trials, workers: int) -> None:
        self._trials, self._count = trials, workers
        methods = multiprocessing.get_all_start_methods()
        # a fork of this process would take over threads that do not exist in it
        self._context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        self._seats: list[Seat] = []
        self._again: deque[Chunk] = deque()
        self._kills: Counter[int] = Counter()
        self._failures = 0  # workers in a row that ended by themselves

    def run(self, chunks: Iterator[Chunk], sink: Sink, tick: Callable[[], None]) -> None:
        """As `ThreadPool.run`. A trial that has killed three workers is given up with an error."""
        place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir())
        remove_left(place)
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        owner = (self._folder / OWNER).open("w", encoding="utf-8")
        hold(owner)
        try:
            self._write()
            self._seats = [self._start(number) for number in range(self._count)]
            try:
                self._loop(chunks, sink, tick)
            except BaseException:
                self._stop(sink)
                raise
        finally:
            for seat in self._seats:
                seat.connection.close()
            for seat in self._seats:
                seat.process.join()
            owner.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def trials_done(self) -> int:
        """Trials that are done in the chunks in work, for the progress."""
        return sum(min(int(seat.cursor[TRIAL]), len(seat.chunk.rows)) for seat in self._seats if seat.chunk)

    def _write(self) -> None:
        try:
            write_job(self._folder, self._trials)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigError(
                "a worker process cannot import it",
                field="strategy",
                found=type(self._trials.strategy).__qualname__,
                allowed="a class at the top level of a module",
                remedy='put it into a module of its own, or use executor="thread"',
            ) from error

    def _start(self, number: int) -> Seat:
        cursor = open_cursor(self._folder, number, "w+")
        cursor[BAR] = NOT_OPENED
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, str(self._folder), number), daemon=True)
        process.start()
        theirs.close()
        return Seat(number, process, ours, cursor)

    def _loop(self, chunks: Iterator[Chunk], sink: Sink, tick: Callable[[], None]) -> None:
        more = True
        while True:
            for seat in self._seats:
                if seat.chunk is None and (more or self._again):
                    chunk = self._again.popleft() if self._again else next(chunks, None)
                    more = more and chunk is not None
                    if chunk is not None:
                        self._send(seat, chunk)
            busy = [seat for seat in self._seats if seat.chunk is not None]
            if not busy:
                return
            tick()
            ready = wait([seat.connection for seat in busy], timeout=POLL_S)
            for seat in busy:
                if seat.connection in ready:
                    self._receive(seat, sink)

    def _send(self, seat: Seat, chunk: Chunk) -> None:
        seat.cursor[TRIAL], seat.cursor[BAR] = 0, NOT_OPENED
        seat.chunk = chunk
        try:
            seat.connection.send(Task(chunk.rows, chunk.lanes))
        except (BrokenPipeError, ConnectionResetError):  # it died between two chunks
            self._replace(seat)
            self._send(self._seats[seat.number], chunk)

    def _receive(self, seat: Seat, sink: Sink) -> None:
        chunk = seat.chunk
        assert chunk is not None
        try:
            answer = seat.connection.recv()
        except (EOFError, ConnectionResetError):
            self._killed(seat, chunk, sink)
            return
        seat.chunk, self._failures = None, 0
        if isinstance(answer, BaseException):
            if isinstance(answer, AdmfError):
                raise answer
            raise RunError(f"a worker failed: {type(answer).__name__}: {answer}") from answer
        sink(chunk, answer)

    def _killed(self, seat: Seat, chunk: Chunk, sink: Sink) -> None:
        """Starts another worker; the chunk goes on without the trial that has killed three of them."""
        place = min(int(seat.cursor[TRIAL]), len(chunk.rows) - 1)
        in_lanes, code = chunk.lanes, self._replace(seat)
        if code is not None and code > 0:  # an error of the process itself, most likely as it started: no trial's fault
            self._failures += 1
            if self._failures >= KILLS_MAX:
                message = f"{KILLS_MAX} worker processes in a row failed as they started (exit code {code})"
                raise RunError(message, remedy='their error is above; executor="thread" needs no processes')
            self._again.append(chunk)
            return
        if in_lanes:
            chunk.lanes = False  # one by one it shows which trial it is
            self._again.append(chunk)
            return
        row = int(chunk.rows[place])
        self._kills[row] += 1
        if self._kills[row] < KILLS_MAX:
            self._again.append(chunk)
            return
        error = f"it has killed {KILLS_MAX} workers (exit code {code})"
        nothing = Done(1, np.zeros(1, account_dt), np.zeros((1, self._trials.market.symbol_count)), {0: error})
        one, rest = np.array([place]), np.delete(np.arange(len(chunk.rows)), place)
        sink(chunk.part(one, chunk.strategies), nothing)
        if len(rest):
            self._again.append(chunk.part(rest, chunk.strategies))

    def _replace(self, seat: Seat) -> int | None:
        seat.connection.close()
        seat.process.join()
        self._seats[seat.number] = self._start(seat.number)
        return seat.process.exitcode

    def _stop(self, sink: Sink) -> None:
        """Asks all workers to stop and takes what they have finished."""
        busy = [seat for seat in self._seats if seat.chunk is not None]
        for seat in busy:
            seat.cursor[STOP] = seat.cursor[LANE_STOP] = 1
        for seat in busy:
            try:
                answer = seat.connection.recv()
            except (EOFError, OSError):
                continue
            if isinstance(answer, Done) and answer.count and seat.chunk is not None:
                sink(seat.chunk, answer)


def remove_left(place: Path) -> None:
    """Removes the folders of sweeps that were killed: shared memory stays taken until somebody does."""
    for owner in place.glob(f"{PREFIX}*/{OWNER}"):
        with suppress(OSError), owner.open("a", encoding="utf-8") as file:
            hold(file)
            shutil.rmtree(owner.parent, ignore_errors=True)
