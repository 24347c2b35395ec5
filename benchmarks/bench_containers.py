"""Containers: what one costs, the event path per bar, several on threads; targets stand in `extra_info`."""

import importlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import admf
from admf.components import EventStrategy
from admf.container import ContainerFactory, ContainerPool
from admf.coordinate import BacktestCoordinator, ExecutionMode, Recipe
from admf.events import BarEvent
from benchmarks.timing import medians_s

EVENT_BARS = 200_000
THREAD_BARS = 2_000_000
PROCESSOR = pytest.mark.benchmark(timer=time.process_time)  # others may use the machine as well
RULES = admf.Execution(slippage=admf.slippage.fixed(0.01), commission=admf.commission.per_share(0.005, minimum=1.0))


class Watching(EventStrategy):
    """Two averages and no order: what a bar costs on which nothing happens."""

    fast: int = 10
    slow: int = 50

    def on_start(self) -> None:
        self.fast_sum = self.slow_sum = 0.0
        self.above = 0

    def on_bar(self, bar: BarEvent) -> None:
        self.fast_sum = self.rolling_sum(self.fast_sum, self.fast)
        self.slow_sum = self.rolling_sum(self.slow_sum, self.slow)
        if self.fast_sum / self.fast > self.slow_sum / self.slow:
            self.above += 1


class Crossing(Watching):
    """backtesting.py's own SMA example: all equity while the fast average is above the slow one."""

    def on_start(self) -> None:
        super().on_start()
        self.order = -1

    def on_bar(self, bar: BarEvent) -> None:
        self.fast_sum = self.rolling_sum(self.fast_sum, self.fast)
        self.slow_sum = self.rolling_sum(self.slow_sum, self.slow)
        if bar.bar < self.slow - 1:
            return
        above = self.fast_sum / self.fast > self.slow_sum / self.slow
        if above != (self.position() > 0.0) and not self.is_working(self.order):
            self.order = self.buy_equity(1.0) if above else self.close_position()


def parts(strategy: type[EventStrategy]) -> list[dict[str, Any]]:
    """The components of MODULE.md's backtest."""
    return [
        {"name": "data_handler", "class": "HistoricalDataHandler"},
        {"name": "strategy", "class": strategy},
        {"name": "portfolio", "class": "Portfolio"},
        {"name": "risk_manager", "class": "RiskManager", "params": {"max_position_size": 1_000.0}},
        {"name": "broker", "class": "SimulatedBroker", "params": {"execution": RULES}},
    ]


def market(bars: int) -> admf.Market:
    """Made-up minute bars."""
    return admf.Market([admf.generate(bars=bars, seed=7, frequency="1min")])


def timed(benchmark: BenchmarkFixture, action: Callable[[], object], target_us: float, times: int) -> None:
    """Processor time of one action, of `times` in a row."""
    benchmark.extra_info |= {"target_us": target_us, "times": times}

    def many() -> None:
        for _ in range(times):
            action()

    benchmark.pedantic(many, rounds=15, warmup_rounds=2)
    benchmark.extra_info["us"] = benchmark.stats.stats.median / times * 1e6


@PROCESSOR
def bench_container(benchmark: BenchmarkFixture) -> None:
    """Create, initialise, reset, tear down; the arena is made with the first order."""
    factory = ContainerFactory({"market_data": market(1_000), "config": {"version": 1}})
    specs = parts(Watching)

    def cycle() -> None:
        made = factory.create(specs)
        made.initialize_scope()
        made.reset()
        made.teardown_scope()

    timed(benchmark, cycle, 60.0, 200)


@PROCESSOR
def bench_pooled_container(benchmark: BenchmarkFixture) -> None:
    """Acquire and release, with an arena that has been used."""
    factory = ContainerFactory({"market_data": market(1_000)})
    with ContainerPool(factory, parts(Watching), 1) as pool:
        with pool.lease() as made:
            made.resolve("broker").begin_bar(0)
        timed(benchmark, lambda: pool.release(pool.acquire()), 15.0, 500)


@PROCESSOR
@pytest.mark.parametrize(("strategy", "target_us"), [(Watching, 5.0), (Crossing, 6.8)])
def bench_event_bar(benchmark: BenchmarkFixture, strategy: type[EventStrategy], target_us: float) -> None:
    """A bar on the bus with a strategy in Python; 6.8 µs is what backtesting.py takes for its own example."""
    services = {"market_data": market(EVENT_BARS)}
    config = {"strategy_class": f"benchmarks.bench_containers:{strategy.__name__}", "strategy_params": {}}
    recipe = Recipe.read(config, services, record="summary")
    coordinator = BacktestCoordinator(services)
    benchmark.extra_info |= {"target_us": target_us, "bars": EVENT_BARS}
    result = benchmark.pedantic(coordinator.run_backtest, (recipe,), rounds=5, warmup_rounds=1)
    assert (result.metrics["fills"] > 0) == (strategy is Crossing)
    benchmark.extra_info["us"] = benchmark.stats.stats.median / EVENT_BARS * 1e6


def bench_beside_backtesting_py(benchmark: BenchmarkFixture) -> None:
    """Its own SMA example beside `Crossing` on the bus, in one run; skipped where it is not installed."""
    peer = pytest.importorskip("backtesting")
    pandas = pytest.importorskip("pandas")
    bars = market(EVENT_BARS // 4)
    columns = {name.capitalize(): getattr(bars.arrays, name)[:, 0] for name in ("open", "high", "low", "close")}
    frame = pandas.DataFrame(columns, index=pandas.to_datetime(bars.arrays.timestamp))

    class SmaCross(peer.Strategy):  # type: ignore[name-defined]
        def init(self) -> None:
            average = importlib.import_module("backtesting.test").SMA
            self.fast = self.I(average, self.data.Close, 10)
            self.slow = self.I(average, self.data.Close, 50)

        def next(self) -> None:
            crossover = importlib.import_module("backtesting.lib").crossover
            if crossover(self.fast, self.slow):
                self.position.close()
                self.buy()
            elif crossover(self.slow, self.fast):
                self.position.close()

    services = {"market_data": bars}
    config = {"strategy_class": "benchmarks.bench_containers:Crossing", "strategy_params": {}}
    recipe = Recipe.read(config, services, record="summary")
    coordinator = BacktestCoordinator(services)
    taken = medians_s(
        {
            "admf": lambda: coordinator.run_backtest(recipe),
            "backtesting.py": lambda: peer.Backtest(frame, SmaCross, cash=1e8).run(),
        },
        rounds=3,
    )
    benchmark.extra_info |= {name: seconds / len(frame) * 1e6 for name, seconds in taken.items()}
    benchmark.pedantic(coordinator.run_backtest, (recipe,), rounds=1)


def bench_four_containers_on_two_threads(benchmark: BenchmarkFixture) -> None:
    """Four compiled containers on two threads against one after the other: 1.8 times as fast."""
    services = {"market_data": market(THREAD_BARS)}
    recipes = [
        Recipe.read(
            {"strategy_class": "SmaCross", "strategy_params": {"fast": fast, "slow": 50}}, services, record="summary"
        )
        for fast in (8, 10, 12, 14)
    ]
    single = BacktestCoordinator(services)
    double = BacktestCoordinator(services, mode=ExecutionMode.BACKTEST_PARALLEL, max_workers=2)
    single.run_backtests(recipes)
    apart = []
    for _ in range(5):
        start = time.perf_counter()
        single.run_backtests(recipes)
        apart.append(time.perf_counter() - start)
    benchmark.pedantic(double.run_backtests, (recipes,), rounds=5, warmup_rounds=1)
    benchmark.extra_info |= {"target": 1.8, "times_faster": min(apart) / benchmark.stats.stats.min}
