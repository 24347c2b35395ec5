"""What a worker process of a sweep does: maps the market, runs the chunks that it is sent, tells where it is."""

import pickle
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf.data import Market
from admf.sweeps.arena import Done, Kernels
from admf.sweeps.settings import Rules
from admf.sweeps.space import Places, Space
from admf.sweeps.trials import Chunk, Trials
from admf.sweeps.worker import Worker
from admf_kernels import records

if TYPE_CHECKING:
    from admf.strategy import CompiledStrategy

MARKET_FILE, JOB_FILE = "market.pickle", "job.pickle"
PLACES = 5  # of the cursor that a worker shares with its parent: three of the order engine, two of the lanes
CURSOR_FILE = "cursor-{}.npy"


class Task(NamedTuple):
    """A chunk for a worker: its trials are made again there."""

    rows: Places
    lanes: bool


def write_job(folder: Path, trials: Trials) -> None:
    """Everything a worker needs: the columns of the market as files to be mapped, the rest pickled.

    What pickle raises for a class that cannot be imported passes through.
    """
    market = trials.market
    for name, array in market.arrays._asdict().items():
        np.save(folder / f"{name}.npy", array)
    _ = market.fingerprint  # kept with it, so that no worker reads all of the data for it
    kept = {name: value for name, value in vars(market).items() if name not in ("arrays", "timestamps")}
    (folder / MARKET_FILE).write_bytes(pickle.dumps(kept))
    job = (trials.strategy, trials.space, trials.rules)
    (folder / JOB_FILE).write_bytes(pickle.dumps(job))


def read_job(folder: Path) -> Trials:
    """The trials over a market whose columns are mapped, read-only, from files that all workers share."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in records.Market._fields}
    market = Market.__new__(Market)
    vars(market).update(pickle.loads((folder / MARKET_FILE).read_bytes()))
    market.arrays = records.Market(**{name: np.asarray(array) for name, array in arrays.items()})
    job: tuple[CompiledStrategy, Space, Rules] = pickle.loads((folder / JOB_FILE).read_bytes())
    return Trials(market, *job)


def open_cursor(folder: Path, number: int, mode: Any) -> NDArray[np.int64]:
    """The cursor of one worker, mapped."""
    made: NDArray[np.int64] = np.lib.format.open_memmap(
        folder / CURSOR_FILE.format(number), mode, dtype=np.int64, shape=(PLACES,)
    )
    return made


def serve(connection: Connection, folder: str, number: int) -> None:
    """Runs tasks until the other end closes; sends back a Done, or the exception that ended a chunk."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    place = Path(folder)
    trials = read_job(place)
    worker = Worker(trials.settings, Kernels(trials.settings), open_cursor(place, number, "r+"))
    while True:
        try:
            task: Task = connection.recv()
        except EOFError:
            return
        try:
            answer: Done | BaseException = run_task(trials, worker, task)
        except Exception as error:
            answer = error
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            return


def run_task(trials: Trials, worker: Worker, task: Task) -> Done:
    """One chunk, as its parent has it."""
    chunk = next(part for part in trials.parts(task.rows) if isinstance(part, Chunk))
    assert len(chunk.rows) == len(task.rows)
    chunk.lanes = chunk.lanes and task.lanes
    return worker.run_chunk(chunk)
