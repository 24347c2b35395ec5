"""`BacktestCoordinator`: makes containers, runs them one by one or side by side, and tears every one of them down."""

import os
import queue
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from admf.config import Config
from admf.config.document import Source
from admf.container import ComponentRegistry, ContainerFactory, ScopedContainer
from admf.coordinate.guards import CircuitBreaker, Deadline, HungError, Slots, check_memory, read_bytes
from admf.coordinate.modes import ExecutionMode, ThreadModel
from admf.coordinate.playing import play
from admf.coordinate.recipe import Recipe
from admf.coordinate.results import BacktestResults
from admf.errors import AdmfError, ConfigError
from admf.models import Number
from admf.run.loop import Progress

GRACE_S = 1.0  # after its time a container has this long to come to the end of its chunk
THREADED = (ThreadModel.MULTI_THREADED, ThreadModel.MIXED)
Status = Literal["done", "failed", "timeout", "hung", "not started"]


@dataclass(frozen=True)
class Outcome:
    """What became of one of several configurations: a result, or the error that ended it."""

    status: Status
    container_id: str
    result: BacktestResults | None = None
    error: BaseException | None = None


@dataclass(frozen=True)
class Job:
    """One container to come."""

    recipe: Recipe
    container_id: str
    timeout_s: float | None
    stop_on_error: bool
    progress: Progress | None = None


class BacktestCoordinator:
    """Runs backtests in containers of their own: create → initialise → run → close positions → collect → tear down.

    `shared_services`: read-only for all containers; `market_data` is a Market, Bars, or Bars by symbol. `mode` is
    BACKTEST_SINGLE or BACKTEST_PARALLEL (`max_workers` threads, the number of cores by default; compiled code runs
    beside compiled code, Python takes turns). `timeout_s` per container acts between chunks of bars; a hook that does
    not return by then is reported HUNG: nobody can end it, and nothing of its container is used again.
    `memory_limit_per_container` ("512MB" or bytes) is checked by arithmetic before a container starts,
    `max_containers` may live at one time, after `failures_max` failures in a row none is started any more.
    """

    def __init__(
        self,
        shared_services: Mapping[str, Any] | None = None,
        *,
        mode: ExecutionMode = ExecutionMode.BACKTEST_SINGLE,
        thread_model: ThreadModel | None = None,
        max_workers: int | None = None,
        max_containers: int | None = None,
        timeout_s: float | None = None,
        memory_limit_per_container: str | int | None = None,
        failures_max: int | None = None,
        registry: ComponentRegistry | None = None,
    ) -> None:
        """Raises ConfigError for a mode that has another executor, and for limits out of range."""
        if mode not in (ExecutionMode.BACKTEST_SINGLE, ExecutionMode.BACKTEST_PARALLEL):
            allowed = "BACKTEST_SINGLE, BACKTEST_PARALLEL"
            raise ConfigError("not a mode of backtests", field="mode", found=mode, allowed=allowed)
        self.mode = mode
        self.thread_model = thread_model or mode.thread_model
        if self.thread_model not in (ThreadModel.SINGLE_THREADED, *THREADED):
            allowed = "SINGLE_THREADED, MULTI_THREADED, MIXED"
            raise ConfigError("not for backtests", field="thread_model", found=self.thread_model, allowed=allowed)
        workers = max_workers or os.cpu_count() or 1
        self.max_workers = int(Number(minimum=1, whole=True).read(workers, "max_workers") or 1)
        self.shared_services = dict(shared_services or {})
        self.timeout_s = Deadline(timeout_s, "coordinator").timeout_s
        self.memory_limit = read_bytes(memory_limit_per_container, "memory_limit_per_container")
        self.breaker = CircuitBreaker(failures_max)
        self.container_factory = ContainerFactory(
            {name: service for name, service in self.shared_services.items() if name != "market_data"}, registry
        )
        self.active_containers: dict[str, ScopedContainer] = {}
        self.hung_containers: dict[str, ScopedContainer] = {}
        self._slots = Slots(max_containers)
        self._lock = threading.RLock()

    # ------------------------------------------------------------------------------------------------------ backtests

    def run_backtest(
        self,
        backtest_config: Source | Config | Recipe,
        *,
        folder: str | Path | None = None,
        record: str | None = None,
        progress: Progress | None = None,
        container_id: str | None = None,
    ) -> BacktestResults:
        """Runs one configuration (a YAML file, its mapping, or the flat keys) in a container of its own.

        Raises what ended the run: ConfigError and DataError before anything is made, HandlerError or StrategyError for
        a component, ContainerTimeoutError, HungError, CapacityError, BreakerOpenError.
        """
        job = self._job(backtest_config, folder, record, container_id, progress)
        if job.timeout_s is None:
            return self._run(job)
        outcome = self._run_threads([job], 1)[0]
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        return outcome.result

    def run_backtests(
        self,
        configs: Sequence[Source | Config | Recipe],
        *,
        folder: str | Path | None = None,
        record: str | None = None,
    ) -> list[Outcome]:
        """Runs several configurations; one outcome each, in their order. One that fails does not stop the others."""
        jobs: list[Job | Outcome] = []
        for number, config in enumerate(configs):
            name = f"backtest_{uuid.uuid4().hex[:8]}_{number}"
            try:
                jobs.append(self._job(config, folder, record, name, None))
            except AdmfError as error:
                jobs.append(Outcome("failed", name, error=error))
        ready = [job for job in jobs if isinstance(job, Job)]
        threaded = self.thread_model in THREADED
        if threaded or any(job.timeout_s is not None for job in ready):
            ran = iter(self._run_threads(ready, self.max_workers if threaded else 1))
        else:
            ran = iter([self._attempt(job) for job in ready])
        return [next(ran) if isinstance(job, Job) else job for job in jobs]

    def _job(
        self,
        config: Source | Config | Recipe,
        folder: str | Path | None,
        record: str | None,
        container_id: str | None,
        progress: Progress | None,
    ) -> Job:
        config, going_on = without_going_on(config)
        recipe = (
            config
            if isinstance(config, Recipe)
            else Recipe.read(config, self.shared_services, folder=folder, record=record)
        )
        section = recipe.config.root.backtest
        assert section is not None
        name = container_id or f"backtest_{uuid.uuid4().hex[:8]}"
        limits = [self.memory_limit, read_bytes(section.memory_limit_per_container, "memory_limit_per_container")]
        check_memory(recipe.arena_bytes(), min((limit for limit in limits if limit), default=None), name)
        return Job(recipe, name, section.timeout_s or self.timeout_s, not going_on, progress)

    def _attempt(self, job: Job) -> Outcome:
        """One job and what became of it; an interrupt passes."""
        try:
            return Outcome("done", job.container_id, result=self._run(job))
        except Exception as error:
            return Outcome(status_of(error), job.container_id, error=error)

    def _run(self, job: Job) -> BacktestResults:
        self.breaker.check()
        result: BacktestResults | None = None
        try:
            with self._slots.taken():
                result = self._run_once(job)
                if job.recipe.config.execution.bounds and result.records.other is None:
                    result = self._with_other_path(job, result)
        except Exception as error:
            self.breaker.note(error)
            raise
        self.breaker.note(None)
        return result

    def _run_once(self, job: Job) -> BacktestResults:
        """One container from its creation to its teardown."""
        deadline = Deadline(job.timeout_s, job.container_id)
        container = self._create(job)
        try:
            container.initialize_scope()
            container.start()
            result = play(container, job.recipe, deadline, stop_on_error=job.stop_on_error, progress=job.progress)
        except BaseException as error:
            container.abandon(error)
            raise
        else:
            container.teardown_scope()
        finally:
            with self._lock:
                self.active_containers.pop(job.container_id, None)
        return result

    def _create(self, job: Job) -> ScopedContainer:
        container = self.container_factory.create(container_id=job.container_id)
        with self._lock:
            if job.container_id in self.active_containers:
                raise ConfigError("a container with this name runs", field="container_id", found=job.container_id)
            self.active_containers[job.container_id] = container
        try:
            for name, service in job.recipe.services().items():
                container.register_shared_service(name, service)
            for component in job.recipe.specs:
                container.create_component(component)
        except BaseException as error:
            with self._lock:
                self.active_containers.pop(job.container_id, None)
            container.abandon(error)
            raise
        return container

    def _with_other_path(self, job: Job, result: BacktestResults) -> BacktestResults:
        """`execution.bounds` on the bus: the strategy runs again on the other one of the paths worst and best."""
        execution = job.recipe.config.execution
        path = "best" if execution.path == "worst" else "worst"
        config = replace(job.recipe.config, execution=execution.replace(path=path, bounds=False))
        other = self._run_once(
            replace(job, recipe=replace(job.recipe, config=config), container_id=f"{job.container_id}_{path}")
        )
        result.records = replace(result.records, other=other.records)
        return result

    # -------------------------------------------------------------------------------------------------------- threads

    def _run_threads(self, jobs: Sequence[Job], workers: int) -> list[Outcome]:
        """Jobs on threads of their own kind: one that hangs is left behind, and another thread takes its place."""
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for index in range(len(jobs)):
            waiting.put(index)
        crew = Crew(jobs, waiting, self._attempt)
        for _ in range(min(workers, len(jobs))):
            crew.hire()
        while (late := crew.overdue()) is not None:
            crew.outcomes[late] = self._report_hung(jobs[late])
            crew.hire()
        return [outcome for _, outcome in sorted(crew.outcomes.items())]

    def _report_hung(self, job: Job) -> Outcome:
        with self._lock:
            container = self.active_containers.pop(job.container_id, None)
            if container is not None:
                self.hung_containers[job.container_id] = container
        error = HungError(
            f"HUNG: a hook did not return within {job.timeout_s:g} s and the {GRACE_S:g} s after it",
            field=job.container_id,
            remedy="only a process can be ended; under threads the hook runs on and the container is lost",
        )
        self.breaker.note(error)
        return Outcome("hung", job.container_id, error=error)


class Crew:
    """Threads that work on jobs, and who of them is overdue."""

    def __init__(
        self, jobs: Sequence[Job], waiting: "queue.SimpleQueue[int]", attempt: Callable[[Job], Outcome]
    ) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._jobs, self._waiting, self._attempt = jobs, waiting, attempt
        self._ends: dict[int, float] = {}
        self._changed = threading.Condition()

    def hire(self) -> None:
        """One more thread; a daemon, so that one that hangs does not keep the process."""
        threading.Thread(target=self._work, name="admf-container", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                index = self._waiting.get_nowait()
            except queue.Empty:
                return
            timeout_s = self._jobs[index].timeout_s
            with self._changed:
                if timeout_s is not None:
                    self._ends[index] = monotonic() + timeout_s + GRACE_S
                self._changed.notify()
            try:
                outcome = self._attempt(self._jobs[index])
            except BaseException as error:  # an interrupt raised inside a hook
                outcome = Outcome("failed", self._jobs[index].container_id, error=error)
            with self._changed:
                if index in self.outcomes:  # reported HUNG: whoever took this one's place goes on
                    return
                self.outcomes[index] = outcome
                self._ends.pop(index, None)
                self._changed.notify()

    def overdue(self) -> int | None:
        """Waits until a job is overdue and returns it; None when all have an outcome."""
        with self._changed:
            while len(self.outcomes) < len(self._jobs):
                now = monotonic()
                late = [index for index, end in self._ends.items() if end <= now]
                if late:
                    del self._ends[late[0]]
                    self.outcomes[late[0]] = Outcome("hung", self._jobs[late[0]].container_id)
                    return late[0]
                next_end = min(self._ends.values(), default=now + 1.0)
                self._changed.wait(max(0.0, min(next_end - now, 1.0)))  # woken now and then, for Ctrl-C
            return None


def status_of(error: BaseException) -> Status:
    """The word for an error."""
    from admf.coordinate.guards import BreakerOpenError, ContainerTimeoutError

    if isinstance(error, ContainerTimeoutError):
        return "timeout"
    return "not started" if isinstance(error, BreakerOpenError) else "failed"


def without_going_on(config: Any) -> tuple[Any, bool]:
    """`stop_on_error: false` of the flat keys, taken out of a mapping; True where a run goes on after a failed hook."""
    if not isinstance(config, Mapping) or config.get("stop_on_error") is not False:
        return config, False
    return {name: value for name, value in config.items() if name != "stop_on_error"}, True
