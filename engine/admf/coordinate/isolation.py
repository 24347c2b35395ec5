"""`verify_isolation`: containers alone, among others, on threads, pooled, shuffled; every trace must be equal."""

import os
import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from admf.container import ContainerFactory, ContainerPool, ScopedContainer, whole_digest
from admf.coordinate.guards import Deadline
from admf.coordinate.playing import play
from admf.coordinate.recipe import Recipe
from admf.coordinate.results import BacktestResults
from admf.errors import AdmfError
from admf.events import EventStrategy
from admf.results.records import RunRecords

WAVE = 32  # containers that are alive together where they take turns bar by bar
TURN_BARS = 97  # of each turn; no divisor of anything
POOL_SIZE = 4


@dataclass(frozen=True)
class Check:
    """One way to run the containers: how many, how long, and the first that differed, in words."""

    name: str
    containers: int
    elapsed_s: float
    differing: int
    difference: str

    @property
    def passed(self) -> bool:
        """Whether every container did what it does alone."""
        return self.differing == 0


Ran = tuple[int, RunRecords, str]  # recipe, what it left, trace hash


class Verifier:
    """Runs containers of some recipes in many ways and holds each against the same recipe alone."""

    def __init__(self, recipes: Sequence[Recipe], containers: int, threads: int | None = None, seed: int = 0) -> None:
        self.recipes = recipes
        self.containers = max(containers, len(recipes))
        self.threads = threads or os.cpu_count() or 1
        self._random = random.Random(seed)
        self._factories = [ContainerFactory(recipe.services()) for recipe in recipes]
        self._services = [whole_digest(recipe.services()) for recipe in recipes]
        self._alone = [self._fresh(index) for index in range(len(recipes))]

    def checks(self) -> "Iterable[Check]":
        """One after the other, so that a table can grow while they run."""
        order = [index % len(self.recipes) for index in range(self.containers)]
        shuffled = self._random.sample(order, len(order))
        yield self._check("alone, once more", lambda: map(self._fresh, range(len(self.recipes))))
        yield self._check("one after the other", lambda: map(self._fresh, order))
        yield self._check("shuffled", lambda: map(self._fresh, shuffled))
        events = [index for index in order if isinstance(self.recipes[index].strategy, EventStrategy)]
        if events:
            yield self._check("taking turns, bar by bar", lambda: self._in_turns(events))
        for threads in dict.fromkeys((1, 2, self.threads)):
            yield self._check(f"{threads} threads", lambda threads=threads: self._on_threads(shuffled, threads))  # type: ignore[misc]
        yield self._check("pooled, poisoned, guarded", lambda: self._pooled(shuffled))
        yield self._check_services()

    # ------------------------------------------------------------------------------------------------------------ ways

    def _fresh(self, index: int) -> Ran:
        with self._factories[index].create(self.recipes[index].specs) as container:
            container.initialize_scope()
            container.start()
            return self._ran(index, play(container, self.recipes[index], Deadline(None, container.container_id)))

    def _on_threads(self, order: Sequence[int], threads: int) -> Iterable[Ran]:
        with ThreadPoolExecutor(threads, thread_name_prefix="admf-isolation") as executor:
            yield from executor.map(self._fresh, order)

    def _pooled(self, order: Sequence[int]) -> Iterable[Ran]:
        pools = [
            ContainerPool(factory, recipe.specs, POOL_SIZE, poison=True, name=f"pool_{index}")
            for index, (factory, recipe) in enumerate(zip(self._factories, self.recipes, strict=True))
        ]
        try:
            for index in order:
                with pools[index].lease() as container:
                    broker = container.resolve("broker")
                    broker.guarded = True
                    container.start()
                    result = play(container, self.recipes[index], Deadline(None, container.container_id))
                    broken = broker.broken_guards() if hasattr(broker, "broken_guards") else []
                    yield self._ran(index, result, f" written beyond {', '.join(broken)}" if broken else "")
        finally:
            for pool in pools:
                pool.close()

    def _in_turns(self, order: Sequence[int]) -> Iterable[Ran]:
        for first in range(0, len(order), WAVE):
            wave = [(index, self._started(index)) for index in order[first : first + WAVE]]
            left = list(wave)
            while left:
                left = [(index, container) for index, container in left if take_turn(container)]
            for index, container in wave:
                result = play(container, self.recipes[index], Deadline(None, container.container_id))
                container.teardown_scope()
                yield self._ran(index, result)

    def _started(self, index: int) -> ScopedContainer:
        container = self._factories[index].create(self.recipes[index].specs)
        container.initialize_scope()
        container.start()
        return container

    def _ran(self, index: int, result: BacktestResults, fault: str = "") -> Ran:
        return index, result.records, result.trace_hash + fault

    # --------------------------------------------------------------------------------------------------------- compare

    def _check(self, name: str, ran: Callable[[], Iterable[Ran]]) -> Check:
        start, count, differing, difference = time.perf_counter(), 0, 0, ""
        try:
            for index, records, trace in ran():
                count += 1
                if trace != self._alone[index][2]:
                    differing += 1
                    difference = difference or self._difference(index, count, records, trace)
        except AdmfError as error:
            differing += 1
            difference = difference or f"container {count}: {type(error).__name__}: {error}"
        return Check(name, count, time.perf_counter() - start, differing, difference)

    def _difference(self, index: int, count: int, records: RunRecords, trace: str) -> str:
        alone = self._alone[index]
        name = type(self.recipes[index].strategy).__name__
        return f"container {count} ({name}): {first_difference(alone[1], records)}; trace {trace}, alone {alone[2]}"

    def _check_services(self) -> Check:
        start = time.perf_counter()
        now = [whole_digest(recipe.services()) for recipe in self.recipes]
        changed = [
            index for index, (before, after) in enumerate(zip(self._services, now, strict=True)) if before != after
        ]
        difference = f"the shared services of recipe {changed[0]} were written to" if changed else ""
        elapsed_s = time.perf_counter() - start
        return Check("shared services unchanged", len(now), elapsed_s, len(changed), difference)


def take_turn(container: ScopedContainer) -> bool:
    """A few bars of one container; False at the end of its data. `play` does what is left."""
    bus, data = container.event_bus, container.resolve("data_handler")
    last = min(data.bar + TURN_BARS, data.bar_count - 1)
    while data.continue_backtest:
        if bus.get_next_event() is None:
            if data.bar >= last:
                return bool(last < data.bar_count - 1)
            data.update_bars()
    return False


def first_difference(alone: RunRecords, other: RunRecords) -> str:
    """The first fill that differs, or the balance."""
    names = ("bar", "symbol", "side", "quantity", "price", "commission")
    for place, (one, two) in enumerate(zip(alone.fills, other.fills, strict=False)):
        for name in names:
            if not np.array_equal(one[name], two[name]):
                return f"fill {place} has {name} {two[name]!r}, alone {one[name]!r}"
    if len(alone.fills) != len(other.fills):
        return f"{len(other.fills)} fills, alone {len(alone.fills)}"
    return f"cash {float(other.account['cash'])!r}, alone {float(alone.account['cash'])!r}"
