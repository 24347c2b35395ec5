"""The coordinator: results, limits, failures, timeouts, hangs; isolation that is proved, and a leak that is caught."""

import threading
import time
from typing import Any, ClassVar

import numpy as np
import pytest

import admf
from admf.components import EventStrategy
from admf.coordinate import BacktestCoordinator, BreakerOpenError, ContainerTimeoutError, HungError, Recipe
from admf.coordinate.isolation import Verifier
from admf.coordinate.modes import ExecutionMode, ThreadModel
from admf.errors import CapacityError, ConfigError, DataError
from admf.events import BarEvent, HandlerError
from containers.support import market

BARS = market(400, symbol="AAA")
FLAT = {
    "strategy_class": "TrendFollowingEvents",
    "strategy_params": {"fast_period": 3, "slow_period": 9},
    "initial_cash": 50_000,
    "risk_params": {"max_position_size": 100},
    "slippage_model": "fixed",
    "commission_model": "per_share",
}
HERE = "containers.test_coordinator"


def coordinator(**more: Any) -> BacktestCoordinator:
    return BacktestCoordinator({"market_data": BARS, "config": {"version": 1}}, **more)


def config(kind: str, **params: Any) -> dict[str, Any]:
    return {**FLAT, "strategy_class": f"{HERE}:{kind}", "strategy_params": params}


class Failing(EventStrategy):
    at: int = 5

    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar == self.at:
            raise ValueError("boom")
        if bar.bar == 10:
            self.buy(1.0)


class Greedy(EventStrategy):
    """More orders on a bar than it said."""

    orders_per_bar_max: ClassVar[int] = 3

    def on_bar(self, bar: BarEvent) -> None:
        for _ in range(4):
            self.buy(1.0)


class Endless(EventStrategy):
    release: ClassVar[threading.Event] = threading.Event()

    def on_bar(self, bar: BarEvent) -> None:
        self.release.wait(20.0)


class Slow(EventStrategy):
    def on_bar(self, bar: BarEvent) -> None:
        time.sleep(0.0005)


class Leaky(EventStrategy):
    """Remembers on its class what belongs to its run."""

    seen: ClassVar[list[int]] = []

    def on_bar(self, bar: BarEvent) -> None:
        self.seen.append(bar.bar)
        if len(self.seen) % 100 == 7:
            self.buy(1.0)


# ----------------------------------------------------------------------------------------------------------- results


def test_flat_keys_and_sections_are_the_same_backtest() -> None:
    flat = coordinator().run_backtest(FLAT)
    sections = coordinator().run_backtest({
        "backtest": {"components": {
            "strategy": {"class": "TrendFollowingEvents", "params": FLAT["strategy_params"]},
            "portfolio": {"params": {"initial_cash": 50_000}},
            "risk_manager": {"params": FLAT["risk_params"]},
            "broker": {"params": {"slippage_model": {"model": "fixed"}, "commission_model": "per_share"}},
        }},
    })  # fmt: skip
    assert flat.trace_hash == sections.trace_hash
    assert flat["bars_processed"] == 400
    assert flat["fills_executed"] == flat.metrics["fills"] > 10
    assert flat["events_processed"] > 400
    assert flat["sharpe"] == flat.metrics["sharpe"]
    assert flat.get("nonsense", 3) == 3
    assert "orders_generated" in flat
    with pytest.raises(ConfigError, match="results: unknown name; found 'shape'"):
        _ = flat["shape"]


def test_positions_are_closed_and_metrics_collected() -> None:
    found = coordinator()
    result = found.run_backtest({**FLAT, "strategy_class": "TrendFollowingStrategy"}, container_id="mine")
    assert result.positions["quantity"].to_list() == [0.0]
    metrics = result.container
    assert metrics.container_id == "mine"
    assert metrics.final_portfolio_value == result.metrics["final_equity"]
    assert metrics.max_drawdown == result.metrics["max_drawdown"]
    assert metrics.orders_generated == result.metrics["orders"]
    assert metrics.events_processed == 400 + result.metrics["orders"] + result.metrics["fills"]
    assert metrics.execution_time is not None
    assert 0.0 < metrics.execution_time < 60.0
    assert metrics.peak_bytes > 10_000
    assert found.active_containers == {}


def test_bars_are_chosen_from_the_shared_ones() -> None:
    both = admf.Market([admf.generate(bars=50, seed=1, symbol="A"), admf.generate(bars=50, seed=2, symbol="B")])
    shared = BacktestCoordinator({"market_data": both})
    start = both.timestamps[10]
    result = shared.run_backtest({**FLAT, "symbols": ["B"], "start_date": start})
    assert result.records.market.symbols == ("B",)
    assert result["bars_processed"] == 40
    with pytest.raises(DataError, match="no bars of this symbol; found 'C'; allowed: A, B"):
        shared.run_backtest({**FLAT, "symbols": ["C"]})


def test_the_passthrough_broker_fills_at_once() -> None:
    broker = {"class": "PassthroughBroker"}
    parts = {"strategy": {"class": f"{HERE}:Buyer"}, "broker": broker}
    result = coordinator().run_backtest({"backtest": {"components": parts}})
    fills = result.records.fills
    assert fills["price"].tolist() == [BARS.arrays.close[4, 0], 12.5, BARS.arrays.close[399, 0]]
    assert fills["bar"].tolist() == [4, 6, 399]
    assert result.metrics["commission"] == 0.0
    compiled = {"strategy": {"class": "SmaCross"}, "broker": broker}
    with pytest.raises(ConfigError, match=r"broker.class: cannot run a compiled strategy; found 'PassthroughBroker'"):
        coordinator().run_backtest({"backtest": {"components": compiled}})


class Buyer(EventStrategy):
    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar == 4:
            self.buy(2.0)
        if bar.bar == 6:
            self.sell(1.0, limit=12.5)


def test_bounds_run_both_paths_on_the_bus() -> None:
    parts = {**FLAT, "strategy_class": f"{HERE}:Bracketed", "strategy_params": {}, "execution": {"bounds": True}}
    result = coordinator().run_backtest(parts)
    assert result.bounds is not None
    assert result.records.other is not None
    assert result.records.other.execution.path == "best"


class Bracketed(EventStrategy):
    def on_bar(self, bar: BarEvent) -> None:
        if self.position() == 0.0 and self.working() == 0:
            self.bracket(1, 5.0, bar.close * 0.9995, bar.close * 1.0005)


# ---------------------------------------------------------------------------------------------------------- failures


def test_a_failing_strategy_names_container_and_bar() -> None:
    found = coordinator()
    with pytest.raises(HandlerError, match=r"c1: Failing.on_bar failed on BAR of bar 5: ValueError: boom"):
        found.run_backtest(config("Failing"), container_id="c1")
    assert found.active_containers == {}


def test_stop_on_error_false_goes_on_with_the_next_event() -> None:
    result = coordinator().run_backtest({**config("Failing"), "stop_on_error": False})
    assert [str(error.__cause__) for error in result.errors] == ["boom"]
    assert result["bars_processed"] == 400
    assert result.metrics["fills"] == 2
    with pytest.raises(ConfigError, match="a compiled run always stops at an error"):
        coordinator().run_backtest({**FLAT, "strategy_class": "TrendFollowingStrategy", "stop_on_error": False})


def test_more_orders_than_announced_is_an_error() -> None:
    with pytest.raises(HandlerError, match="more orders at bar 0 than a bar may bring; allowed: 3 orders a bar"):
        coordinator().run_backtest(config("Greedy"))


def test_a_container_over_its_time_is_stopped_between_chunks() -> None:
    with pytest.raises(ContainerTimeoutError, match=r"stopped at bar 1024 after 0.05 s"):
        BacktestCoordinator({"market_data": market(3_000)}, timeout_s=0.05).run_backtest(config("Slow"))


def test_a_hook_that_never_returns_is_reported_hung() -> None:
    found = coordinator(mode=ExecutionMode.BACKTEST_PARALLEL, max_workers=1, timeout_s=0.1)
    try:
        outcomes = found.run_backtests([config("Endless"), FLAT])
    finally:
        Endless.release.set()
    assert [outcome.status for outcome in outcomes] == ["hung", "done"]  # the one worker was replaced
    assert isinstance(outcomes[0].error, HungError)
    assert list(found.hung_containers) == [outcomes[0].container_id]
    assert "HUNG: a hook did not return within 0.1 s" in str(outcomes[0].error)


def test_memory_is_checked_before_anything_is_made() -> None:
    needed = Recipe.read(FLAT, {"market_data": BARS}).arena_bytes()
    with pytest.raises(CapacityError, match=rf"memory_limit_per_container: .*found '{needed:,} bytes'"):
        coordinator(memory_limit_per_container=needed - 1).run_backtest(FLAT)
    assert coordinator(memory_limit_per_container=needed).run_backtest(FLAT)["bars_processed"] == 400
    small = {"backtest": {"memory_limit_per_container": "1KB", "components": {"strategy": {"class": "SmaCross"}}}}
    with pytest.raises(CapacityError, match="allowed: 1,000 bytes"):
        coordinator().run_backtest(small)


def test_the_breaker_opens_after_failures_in_a_row() -> None:
    found = coordinator(failures_max=2)
    outcomes = found.run_backtests([config("Failing"), FLAT, config("Failing"), config("Failing"), FLAT])
    assert [outcome.status for outcome in outcomes] == ["failed", "done", "failed", "failed", "not started"]
    assert isinstance(outcomes[-1].error, BreakerOpenError)
    assert "2 containers failed in a row" in str(outcomes[-1].error)
    found.breaker.reset()
    assert found.run_backtest(FLAT)["bars_processed"] == 400


def test_no_more_containers_live_than_allowed() -> None:
    found = coordinator(mode=ExecutionMode.BACKTEST_PARALLEL, max_workers=6, max_containers=2)
    most = 0
    create = found._create

    def watched(job: Any) -> Any:
        nonlocal most
        made = create(job)
        most = max(most, len(found.active_containers))
        return made

    found._create = watched  # type: ignore[method-assign]
    outcomes = found.run_backtests([FLAT] * 8)
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert 1 <= most <= 2


def test_parallel_is_as_single() -> None:
    configs = [{**FLAT, "strategy_params": {"fast_period": fast, "slow_period": 20}} for fast in range(2, 10)]
    single = [outcome.result.trace_hash for outcome in coordinator().run_backtests(configs)]
    found = coordinator(mode=ExecutionMode.BACKTEST_PARALLEL, max_workers=4)
    assert [outcome.result.trace_hash for outcome in found.run_backtests(configs)] == single
    assert len(set(single)) > 4


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"mode": ExecutionMode.OPTIMIZATION}, "not a mode of backtests"),
        ({"thread_model": ThreadModel.PROCESS_PARALLEL}, "not for backtests"),
        ({"max_containers": 0}, "max_containers: out of range"),
        ({"failures_max": 0}, "failures_max: out of range"),
        ({"timeout_s": 0.0}, "timeout_s: out of range"),
        ({"memory_limit_per_container": "many"}, "memory_limit_per_container: not a size"),
    ],
)
def test_limits_out_of_range_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        coordinator(**more)


# --------------------------------------------------------------------------------------------------------- isolation


def test_isolation_is_verified() -> None:
    services = {"market_data": BARS}
    recipes = [
        Recipe.read({**FLAT, "strategy_class": name}, services)
        for name in ("TrendFollowingEvents", "TrendFollowingStrategy")
    ]
    checks = list(Verifier(recipes, 12).checks())
    assert [check.name for check in checks if not check.passed] == []
    assert sum(check.containers for check in checks) > 60


def test_a_leaky_component_is_caught() -> None:
    Leaky.seen.clear()
    recipes = [Recipe.read(config("Leaky"), {"market_data": market(150)})]
    checks = list(Verifier(recipes, 4).checks())
    assert not checks[0].passed
    assert "container 1 (Leaky): fill 0 has bar" in checks[0].difference


def test_a_write_beyond_a_buffer_is_seen() -> None:
    from admf.run.stepping import Guards
    from admf_kernels.arena import Sizes, allocate

    guards = Guards(allocate(Sizes(1, 10, 8, 2)))
    assert guards.broken() == []
    fills = guards.state.fills
    beyond = np.lib.stride_tricks.as_strided(fills, (len(fills) + 1,), fills.strides)
    beyond.view(np.uint8).reshape(len(fills) + 1, -1)[-1, 0] = 1
    assert guards.broken() == ["fills"]


def test_a_write_to_shared_bars_is_caught() -> None:
    class Service:
        def __init__(self) -> None:
            self.values = np.arange(3.0)

    verifier = Verifier([Recipe.read(FLAT, {"market_data": BARS})], 1)
    verifier._services = ["what it was before"]
    assert "shared services" in verifier._check_services().difference
