"""A campaign: cases by number from one seed, shared out to processes, until enough order-bars agreed."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from fuzzing.comparing import Comparison, compare
from fuzzing.files import written
from fuzzing.making import make_case
from fuzzing.shrinking import shrink

ROUND = 200  # cases between two lines of progress
SHRINK_LIMIT_S = 60.0
Report = Callable[[str], None]


class Task(NamedTuple):
    """One case; every path is compared with the oracle."""

    seed: str
    paths: tuple[str, ...]


@dataclass
class Tally:
    """What a campaign has done so far."""

    cases: int = 0
    order_bars: int = 0
    stepped_order_bars: int = 0  # of these, un-jitted as well
    refused: int = 0

    def add(self, task: Task, found: Comparison) -> None:
        self.cases += 1
        self.refused += bool(found.refused)
        self.order_bars += found.order_bars
        self.stepped_order_bars += found.order_bars * ("stepped" in task.paths)

    def text(self) -> str:
        return (
            f"{self.order_bars:,} order-bars, {self.stepped_order_bars:,} of them un-jitted too, "
            f"{self.cases:,} cases, {self.refused} refused"
        )


@dataclass(frozen=True)
class Divergence:
    """The first case, by number, on which paths part."""

    task: Task
    comparison: Comparison


def run_task(task: Task) -> Comparison:
    return compare(make_case(task.seed), task.paths)


def tasks(seed: str, first: int, stepped_every: int) -> list[Task]:
    """A round; every n-th case runs un-jitted too, 0: none."""
    return [
        Task(
            f"{seed}/{index}",
            ("compiled", "stepped") if stepped_every and index % stepped_every == 0 else ("compiled",),
        )
        for index in range(first, first + ROUND)
    ]


@contextmanager
def workers(count: int) -> Iterator[Callable[[list[Task]], Iterator[Comparison]]]:
    """A function that compares tasks in order: here for one process, else in so many of their own."""
    if count == 1:
        yield lambda todo: map(run_task, todo)
        return
    context = get_context("spawn")
    with context.Pool(
        count, signal.signal, (signal.SIGINT, signal.SIG_IGN)
    ) as pool:  # Ctrl-C is for the one that waits
        yield lambda todo: pool.imap(run_task, todo)


def campaign(
    seed: str, order_bars: int, *, processes: int = 1, stepped_every: int = 0, report: Report = lambda line: None
) -> tuple[Tally, Divergence | None]:
    """Compares cases until `order_bars` agreed, or two paths part; the same cases for the same seed."""
    tally, start = Tally(), monotonic()
    run_task(Task(f"{seed}/0", ("compiled",)))  # compiles, so that not every process does
    with workers(processes) as compare_all:
        while tally.order_bars < order_bars:
            todo = tasks(seed, tally.cases, stepped_every)
            for task, found in zip(todo, compare_all(todo), strict=True):
                if found.difference:
                    return tally, Divergence(task, found)
                tally.add(task, found)
                if tally.order_bars >= order_bars:
                    break
            report(f"{monotonic() - start:5.0f} s  {tally.text()}")
    return tally, None
    return tally, None


def write_reproducer(found: Divergence, folder: Path, *, limit_s: float = SHRINK_LIMIT_S) -> Path:
    """The case file of a divergence, shrunk as far as the time allows."""
    paths, kind = found.task.paths, found.comparison.kind
    case = shrink(make_case(found.task.seed), lambda case: compare(case, paths).kind == kind, limit_s=limit_s)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed_{found.task.seed.replace('/', '_')}.json"
    text = written(case, source=f"seed {found.task.seed}", difference=compare(case, paths).difference)
    path.write_text(text, encoding="utf-8")
    return path
