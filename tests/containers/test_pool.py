"""Containers used again, forked, in any order of life, and what thousands of them leave behind: nothing."""

import gc
import logging
import os
import threading
from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from admf.components import EventStrategy
from admf.container import (
    ContainerFactory,
    ContainerPool,
    ContainerState,
    ScopedContainer,
)
from admf.errors import CapacityError, ConfigError
from admf.events import BarEvent
from admf.results import Result
from admf.strategies import TrendFollowingEvents
from containers.parts import Part, three
from containers.support import market, run, run_strategy, specs

BARS = market(120)
FACTORY = ContainerFactory({"market_data": BARS})
PARAMS = {"fast_period": 3, "slow_period": 8}


def trace(box: ScopedContainer) -> str:
    run(box)
    return Result(box.resolve("broker").records(box.resolve("strategy"))).trace_hash


def alone() -> str:
    return run_strategy(BARS, TrendFollowingEvents, params=PARAMS).trace_hash


def test_a_pooled_container_is_as_new() -> None:
    with ContainerPool(FACTORY, specs(TrendFollowingEvents, params=PARAMS), 2, poison=True) as pool:
        for _ in range(6):
            with pool.lease() as box:
                box.start()
                assert trace(box) == alone()
        assert pool.used_again == 6
        assert pool.replaced == 0


def test_results_of_a_pooled_container_stay() -> None:
    with ContainerPool(FACTORY, specs(TrendFollowingEvents, params=PARAMS), 1, poison=True) as pool:
        with pool.lease() as box:
            box.start()
            run(box)
            result = Result(box.resolve("broker").records(box.resolve("strategy")))
        with pool.lease() as box:
            box.start()
            run(box)
    again = run_strategy(BARS, TrendFollowingEvents, params=PARAMS)
    assert result.fills.equals(again.fills)
    assert result.equity.equals(again.equity)
    assert result.trace_hash == again.trace_hash


def test_a_container_that_cannot_be_reset_is_replaced() -> None:
    parts = [{"name": "first", "class": Part, "params": {"name": "first", "fails": "reset"}}]
    with ContainerPool(ContainerFactory(), parts, 1) as pool:
        with pool.lease() as box:
            box.start()
        with pool.lease() as other:
            assert other is not box
        assert box.state is ContainerState.TORN_DOWN
        assert pool.replaced == 2


def test_a_container_that_was_written_to_while_it_was_free_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    with ContainerPool(FACTORY, specs(TrendFollowingEvents, params=PARAMS), 1, poison=True) as pool:
        with pool.lease() as box:
            box.start()
            trace(box)
            kept = box.resolve("broker").stepper.state.fills
        with pool.lease() as other:
            assert other is box
        kept["price"][3] = 1.0  # somebody has kept a reference and goes on
        with pool.lease() as other:
            assert other is not box
            other.start()
            assert trace(other) == alone()
        assert pool.replaced == 1
    assert "broker.fills was written to while the container was free" in caplog.text


def test_a_pool_says_when_it_is_empty_or_given_a_stranger() -> None:
    with ContainerPool(ContainerFactory(), [], 1) as pool:
        pool.acquire()
        with pytest.raises(CapacityError, match=r"all containers are in use; found 1; allowed: 1"):
            pool.acquire()
        with pytest.raises(ConfigError, match="not from this pool"):
            pool.release(ScopedContainer("stranger"))


@pytest.mark.parametrize("bars", [0, 1, 9, 60, 119])
def test_a_fork_goes_on_as_its_original(bars: int) -> None:
    """A copy made at any bar comes to the same end; the original is not touched."""
    with FACTORY.create(specs(TrendFollowingEvents, params=PARAMS)) as box:
        box.initialize_scope()
        box.start()
        until(box, bars)
        with box.fork("fork") as fork:
            assert trace(fork) == alone()
        assert trace(box) == alone()


def test_restoring_goes_back() -> None:
    with FACTORY.create(specs(TrendFollowingEvents, params=PARAMS)) as box:
        box.initialize_scope()
        box.start()
        until(box, 50)
        saved = box.snapshot()
        first = trace(box)
        box.restore(saved)
        assert box.resolve("data_handler").bar == 49
        assert trace(box) == first == alone()


def until(box: ScopedContainer, bars: int) -> None:
    bus, data = box.event_bus, box.resolve("data_handler")
    while data.bar + 1 < bars or bus.pending:
        if bus.get_next_event() is None:
            data.update_bars()


def test_a_component_without_a_snapshot_is_named() -> None:
    box = three()
    box.initialize_scope()
    with pytest.raises(ConfigError, match=r"box.first: Part has no snapshot\(\)"):
        box.snapshot()


class Nothing(EventStrategy):
    """Trades once, so that every component has something to let go of."""

    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar == 2:
            self.buy(1.0)


def used() -> dict[str, int]:
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH208, PTH112
    loggers = len(logging.getLogger().manager.loggerDict)
    return {
        "objects": len(gc.get_objects()),
        "threads": threading.active_count(),
        "descriptors": descriptors,
        "loggers": loggers,
    }


@pytest.mark.parametrize("count", [int(os.environ.get("ADMF_LEAK_CONTAINERS", "400"))])
def test_containers_leave_nothing_behind(count: int) -> None:
    """ADMF_LEAK_CONTAINERS=10000 for the long one: no growth beyond a constant."""
    factory = ContainerFactory({"market_data": market(6)})

    def cycle() -> None:
        with factory.create(specs(Nothing)) as box:
            box.initialize_scope()
            box.start()
            run(box)
            box.stop()

    for _ in range(20):
        cycle()
    before = used()
    for _ in range(count):
        cycle()
    after = used()
    grown = {name: after[name] - before[name] for name in before}
    assert all(value <= 50 for value in grown.values()), grown


class Life(RuleBasedStateMachine):
    """A container through its life in any order: what is allowed works, what is not is refused by name."""

    def __init__(self) -> None:
        super().__init__()
        self.box = ScopedContainer("box")
        self.parts: list[str] = []

    def expect(self, allowed: bool, act: Callable[[], object]) -> bool:
        if allowed:
            act()
        else:
            with pytest.raises(ConfigError, match="box"):
                act()
        return allowed

    @property
    def state(self) -> ContainerState:
        return self.box.state

    @rule(name=st.sampled_from("abcd"))
    def create(self, name: str) -> None:
        spec = {"name": name, "class": Part, "params": {"name": name}}
        free = self.state is ContainerState.CREATED and name not in self.parts
        if self.expect(free, lambda: self.box.create_component(spec)):
            self.parts.append(name)

    @rule()
    def initialize(self) -> None:
        self.expect(self.state is ContainerState.CREATED, self.box.initialize_scope)

    @rule()
    def start(self) -> None:
        self.expect(self.state is ContainerState.INITIALIZED, self.box.start)

    @rule()
    def stop(self) -> None:
        running = self.state is ContainerState.RUNNING
        if self.expect(self.state is not ContainerState.TORN_DOWN, self.box.stop) and running:
            assert self.state is ContainerState.STOPPED

    @rule()
    def reset(self) -> None:
        created = self.state is ContainerState.CREATED
        if self.expect(self.state is not ContainerState.TORN_DOWN, self.box.reset):
            assert self.state is (ContainerState.CREATED if created else ContainerState.INITIALIZED)

    @rule(name=st.sampled_from("abcd"))
    def resolve(self, name: str) -> None:
        there = self.state is not ContainerState.TORN_DOWN and name in self.parts
        self.expect(there, lambda: self.box.resolve(name))

    @rule()
    def teardown(self) -> None:
        torn_down = self.state is ContainerState.TORN_DOWN
        Part.calls.clear()
        self.box.teardown_scope()
        assert sum(call.endswith("teardown") for call in Part.calls) == (0 if torn_down else len(self.parts))
        assert self.state is ContainerState.TORN_DOWN

    @invariant()
    def running_has_started(self) -> None:
        assert (self.box.metrics.start_time is not None) or self.state is not ContainerState.RUNNING


TestLife = Life.TestCase
