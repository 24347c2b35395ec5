"""`sweep`: one strategy over a grid of parameters and rules, each trial the same as its single run."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data.instrument import Instruments
from admf.errors import ConfigError
from admf.execution import Account, Execution
from admf.execution.risk import Risk
from admf.models import unknown_name
from admf.run.arguments import read_market, read_value
from admf.strategy import CompiledStrategy
from admf.sweeps.arena import Done
from admf.sweeps.frames import Framer
from admf.sweeps.plan import TRIALS_MAX, Plan, calibrated, check_count, check_plan, make_plan, read_size
from admf.sweeps.progress import Progress, make_progress
from admf.sweeps.settings import Rules
from admf.sweeps.space import Places, Space, read_grid
from admf.sweeps.store import Store, fact
from admf.sweeps.study import Study
from admf.sweeps.threads import ThreadPool
from admf.sweeps.trials import Chunk, Refused, Trials

EXECUTORS = ("thread", "process")
PART_S = 1.0  # seconds of results that a kill may cost
PART_TRIALS = 50_000


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep; `study` holds the trials that were done."""

    def __init__(self, study: Study) -> None:
        super().__init__("interrupted")
        self.study = study


def sweep(
    market: Any,
    strategy: CompiledStrategy,
    grid: Any,
    *,
    execution: Execution | None = None,
    account: Account | None = None,
    risk: Risk | None = None,
    instruments: Instruments = None,
    metrics: Sequence[str] | None = None,
    workers: int | None = None,
    executor: Literal["thread", "process"] = "thread",
    out: str | Path | None = None,
    resume: bool = True,
    memory_limit: int | str | None = None,
    memory_limit_per_container: int | str | None = None,
    limit: int | None = None,
    progress: bool | Callable[[int, int], None] = True,
) -> Study:
    """Runs every trial of a grid; a trial has the bits of `admf.backtest` with the same values.

    `strategy` gives the parameters that the grid does not name. `grid`: a mapping of parameter to values (their
    product), a table of rows, or a sampler of `admf.samplers`; keys `execution.*`, `account.*` and `risk.*` stand for
    fields of the rules. `metrics` keeps only these key figures. `workers` defaults to the cores, `limit` to all trials.
    With `out` the results go to that folder as they come, and a trial that is there already is not run again unless
    `resume=False`. Memory limits are bytes or text such as 512MB. `progress`: a bar on a terminal, nothing, or a
    function called with (trials done, trials in all). A trial that fails is a row with its error. Raises ConfigError
    before anything runs, OutputError where the disk refuses, SweepInterrupted after Ctrl-C.
    """
    job = prepare(
        market, strategy, grid, execution=execution, account=account, risk=risk, instruments=instruments,
        metrics=metrics, workers=workers, executor=executor, limit=limit, calibrate=False,
    )  # fmt: skip
    check_plan(
        job.plan,
        read_size(memory_limit, "memory_limit"),
        read_size(memory_limit_per_container, "memory_limit_per_container"),
    )
    return job.run(None if out is None else Path(out), resume=resume, progress=make_progress(progress=progress))


class Job:
    """A sweep that is checked and planned."""

    def __init__(self, trials: Trials, framer: Framer, plan: Plan, metrics: list[str]) -> None:
        self.trials, self.framer, self.plan = trials, framer, plan
        self.metrics = metrics
        self.notes: dict[str, str] = {}
        self._frames: list[pl.DataFrame] = []
        self._pending: list[pl.DataFrame] = []
        self._store: Store | None = None
        self._written_at = 0.0
        self._done = 0

    def run(self, folder: Path | None, *, resume: bool, progress: Progress) -> Study:
        """Runs what is not done yet."""
        if folder is None:
            rows = np.arange(self.plan.trials)
            self._go(rows, progress)
            return self.study(None)
        with Store(folder, self.facts(), resume=resume) as store:
            self._store = store
            keys = self._all_keys()
            rows = missing_rows(keys, store)
            self._done = self.plan.trials - len(rows)
            self._go(rows, progress)
        return self.study(folder)

    def study(self, folder: Path | None) -> Study:
        """What there is now."""
        frame = pl.concat(self._frames) if self._frames and folder is None else None
        return Study(self.trials, self.framer, self.plan, self.metrics, frame=frame, folder=folder)

    def facts(self) -> dict[str, str]:
        """What makes a study, where another value is another study, and notes beside it."""
        return self.notes | {
            "data": self.trials.market.fingerprint,
            "strategy": type(self.trials.strategy).__name__,
            "code": self.trials.code_digest,
            "names": fact(self.framer.names),
            "columns": fact(self.metrics),
        }

    def _go(self, rows: Places, progress: Progress) -> None:
        pool = self._pool()
        self._written_at = time.perf_counter()

        def tick() -> None:
            progress.update(self._done + pool.trials_done(), self.plan.trials)
            self._flush(PART_S)

        try:
            with progress:
                pool.run(self._chunks(rows), self._take, tick)
                progress.update(self._done, self.plan.trials)
        except KeyboardInterrupt:
            self._flush(0.0)
            raise SweepInterrupted(self.study(self._store.folder if self._store else None)) from None
        self._flush(0.0)

    def _pool(self) -> Any:
        if self.plan.executor == "process":
            from admf.sweeps.processes import ProcessPool

            return ProcessPool(self.trials, self.plan.workers)
        return ThreadPool(self.trials.settings, self.plan.workers)

    def _chunks(self, rows: Places) -> Iterator[Chunk]:
        step = self.plan.batch_trials
        for start in range(0, len(rows), step):
            for part in self.trials.parts(rows[start : start + step]):
                if isinstance(part, Refused):
                    self._keep(self.framer.refused(part))
                else:
                    yield part

    def _take(self, chunk: Chunk, done: Done) -> None:
        self._keep(self.framer.done(chunk, done))

    def _keep(self, frame: pl.DataFrame) -> None:
        self._done += frame.height
        wanted = [*self.framer.names, "status", "error", "path", *self.metrics, "trace_hash"]
        frame = frame.select("row", *wanted, "key")
        if self._store is None:
            self._frames.append(frame)
        else:
            self._pending.append(frame)

    def _flush(self, age_s: float) -> None:
        """Writes what has gathered, once it is old or large enough."""
        if self._store is None or not self._pending:
            return
        large = sum(frame.height for frame in self._pending) >= PART_TRIALS
        if large or time.perf_counter() - self._written_at >= age_s:
            part = pl.concat(self._pending)
            self._pending = []
            self._store.add(part)
            self._written_at = time.perf_counter()

    def _all_keys(self) -> list[bytes]:
        step, found = 65_536, []
        for start in range(0, self.plan.trials, step):
            found += self.trials.keys(np.arange(start, min(start + step, self.plan.trials)))
        return found


def missing_rows(keys: list[bytes], store: Store) -> NDArray[np.int64]:
    """Rows whose key is not in the store, each key once."""
    there = set(store.read(["key"])["key"].to_list()) if store.names() else set()
    rows = []
    for row, key in enumerate(keys):
        if key not in there:
            there.add(key)
            rows.append(row)
    return np.array(rows, np.int64)


def prepare(
    market: Any,
    strategy: CompiledStrategy,
    grid: Any,
    *,
    execution: Execution | None = None,
    account: Account | None = None,
    risk: Risk | None = None,
    instruments: Instruments = None,
    metrics: Sequence[str] | None = None,
    workers: int | None = None,
    executor: str = "thread",
    limit: int | None = None,
    calibrate: bool = True,
) -> Job:
    """A sweep with its plan; the arguments are those of `sweep`. ConfigError for what could not run.

    `calibrate` tries some trials out for the time; a product of very many is tried out in any case.
    """
    rules = Rules(
        read_value(execution, Execution, "execution"), read_value(account, Account, "account"),
        read_value(risk, Risk, "risk"),
    )  # fmt: skip
    space = limited(read_grid(grid), limit)
    chosen = read_strategy(strategy)
    trials = Trials(read_market(market, instruments), chosen, space, rules)
    plan = make_plan(trials, read_workers(workers), read_executor(executor))
    if calibrate or plan.trials > TRIALS_MAX:
        plan = calibrated(plan, trials)
    check_count(plan, limit)
    made = trials.market
    framer = Framer(space, made.symbol_count, made.periods_per_year, made.years)
    return Job(trials, framer, plan, read_metrics(metrics, framer.figures))


def limited(space: Space, limit: Any) -> Space:
    """The first trials of a space."""
    if limit is None:
        return space
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ConfigError("not a number of trials", field="limit", found=limit, allowed="a whole number above 0")
    return Space(space.axes, min(limit, space.count), space.places)


def read_strategy(strategy: Any) -> CompiledStrategy:
    """A compiled strategy; a class stands for one with its defaults."""
    if isinstance(strategy, type) and issubclass(strategy, CompiledStrategy):
        return strategy()
    if not isinstance(strategy, CompiledStrategy):
        allowed = "an instance of a subclass of admf.CompiledStrategy"
        raise ConfigError("not a strategy", field="strategy", found=type(strategy).__name__, allowed=allowed)
    return strategy


def read_workers(workers: Any) -> int:
    """A number of workers; by default the cores that this process may use."""
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 4_096:
        raise ConfigError("not a number of workers", field="workers", found=workers, allowed="1 to 4096")
    return workers


def read_executor(executor: str) -> str:
    """One of the executors."""
    if executor not in EXECUTORS:
        raise unknown_name(executor, EXECUTORS, field="executor", what="executor")
    return executor


def read_metrics(metrics: Sequence[str] | None, figures: list[str]) -> list[str]:
    """The key figures to keep, in their order; all by default."""
    if metrics is None:
        return figures
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in names:
        if name not in figures:
            raise unknown_name(name, figures, field="metrics", what="key figure")
    return [name for name in figures if name in names]
