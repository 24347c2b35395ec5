"""Strategies are added, paused, resumed and removed; one that fails, hangs or is killed disturbs nobody else."""

from pathlib import Path
from typing import Any

import pytest

from admf.coordinate import ExecutionMode, ThreadModel
from admf.errors import ConfigError, RunError
from admf.events import BarEvent
from admf.live import HistoricalFeed, LiveState, LiveTradingManager
from admf.live.monitor import prometheus, read_status
from admf.strategies import TrendFollowingEvents, TrendFollowingStrategy
from live_support import BuysEveryBar, BuysOnce, FailsOn, Hangs, manager, market, settings

THREADS = (ThreadModel.ASYNC_SINGLE, ThreadModel.ASYNC_MULTI, ThreadModel.MULTI_THREADED, ThreadModel.MIXED)


def pull(made: LiveTradingManager, bars: int) -> list[Any]:
    """Hands some bars over and waits until they are taken."""
    source = iter(made.feed)
    made._hand_over([next(source) for _ in range(bars)])
    return list(source)


def settle(made: LiveTradingManager) -> None:
    """Waits until the work that was handed over is done."""
    import threading

    for container in made.active_strategies.values():
        done = threading.Event()
        made._put(container, done.set)
        assert done.wait(10.0)


@pytest.mark.parametrize("model", THREADS, ids=lambda model: model.name)
def test_one_that_fails_disturbs_nobody(model: ThreadModel) -> None:
    bars = market(1_000)
    alone = manager(bars, settings("good")).run()["good"].trace_hash
    made = manager(bars, settings("bad", FailsOn(times=1_000)), settings("good"), thread_model=model, failures_max=3)
    bad = made.active_strategies["bad"]
    results = made.run()
    assert results["good"].trace_hash == alone
    assert bad.error_count == 3
    assert len(results["bad"].errors) == 3
    assert "no idea what to do" in str(results["bad"].errors[0])


@pytest.mark.parametrize("model", [ThreadModel.ASYNC_MULTI, ThreadModel.MULTI_THREADED, ThreadModel.MIXED])
def test_one_that_hangs_is_left_behind(model: ThreadModel) -> None:
    Hangs.gate.clear()
    bars = market(20_000)  # more than its inbox takes
    made = manager(
        bars,
        settings("hangs", Hangs()),
        settings("good", TrendFollowingStrategy()),
        thread_model=model,
        stall_timeout_s=0.2,
    )
    hangs = made.active_strategies["hangs"]
    try:
        with pytest.raises(RunError, match="does not return; found 'hangs'"):
            made.run()
    finally:
        Hangs.gate.set()
    assert hangs.state is LiveState.STALLED
    assert made.results["good"]["bars_processed"] == 20_000


def test_a_failure_is_followed_by_a_back_off_and_a_fresh_start() -> None:
    made = manager(market(300), settings("bad", FailsOn(first=100, times=1)))
    bad = made.active_strategies["bad"]
    result = made.run()["bad"]
    assert bad.error_count == 1
    assert len(result.errors) == 1
    assert result["bars_processed"] == 300
    assert result["orders_generated"] > 0


@pytest.mark.parametrize(("policy", "held"), [("hold", 10.0), ("flatten", 0.0)])
def test_what_becomes_of_positions_after_the_last_failure(policy: str, held: float) -> None:
    class BuysThenFails(BuysOnce):
        def on_bar(self, bar: BarEvent) -> None:
            super().on_bar(bar)
            if bar.bar >= 20:
                raise ValueError("enough")

    made = manager(market(100), settings("bad", BuysThenFails()), failures_max=1, on_failure=policy)
    result = made.run()["bad"]
    assert float(result.records.positions[0].quantity) == held
    cancelled = result.orders.filter(result.orders["status"] == "CANCELLED")
    assert len(cancelled) == (1 if policy == "flatten" else 0)


def test_stop_takes_it_off_at_the_first_failure() -> None:
    made = manager(market(200), settings("bad", FailsOn(times=5)), error_handling="stop")
    bad = made.active_strategies["bad"]
    made.run()
    assert bad.error_count == 1


def test_pause_opens_nothing_and_resume_opens_again() -> None:
    made = manager(market(100), settings("buys", BuysEveryBar()))
    rest = pull(made, 10)
    settle(made)
    made.pause("buys")
    assert made.health()["buys"]["state"] == "paused"
    made._hand_over(rest[:20])
    settle(made)
    made.resume("buys")
    made._hand_over(rest[20:30])
    made.close()
    orders = made.results["buys"].orders
    refused = orders.filter(orders["status"] == "REJECTED")
    assert refused["submitted_bar"].to_list() == list(range(10, 30))
    assert set(refused["reason"]) == {"RISK_LIMIT"}
    assert len(orders) == 40


def test_strategies_come_and_go() -> None:
    made = manager(market(100), settings("first", BuysEveryBar()))
    rest = pull(made, 50)
    settle(made)
    made.add_strategy("second", {"strategy_class": "TrendFollowingEvents", "allocated_capital": 5_000})
    first = made.remove_strategy("first")
    made._hand_over(rest)
    made.close()
    assert first["bars_processed"] == 50
    assert made.results["second"]["bars_processed"] == 50
    assert made.results["second"].records.account_value.cash == 5_000


def test_the_kill_switch_cancels_and_opens_nothing() -> None:
    made = manager(market(60), settings("buys", BuysOnce()), settings("busy", BuysEveryBar()))
    rest = pull(made, 20)
    settle(made)
    made.kill("drill", flatten=True)
    made._hand_over(rest)
    made.add_strategy("late", settings("late", BuysEveryBar()))
    assert made.health()["late"]["state"] == "paused"
    made.close()
    buys, busy = made.results["buys"], made.results["busy"]
    assert float(buys.records.positions[0].quantity) == 0.0
    assert float(busy.records.positions[0].quantity) == 0.0
    assert "CANCELLED" in buys.orders["status"].to_list()
    assert set(busy.orders.filter(busy.orders["submitted_bar"] > 20)["status"]) == {"REJECTED"}


def test_the_status_of_a_session_is_left_in_its_folder(tmp_path: Path) -> None:
    made = LiveTradingManager({"market_data_feed": HistoricalFeed(market(50))}, status_folder=tmp_path / "session")
    made.add_strategy("trend", settings("trend"))
    made.run()
    seen = read_status(tmp_path / "session")
    assert seen["over"] is True
    assert seen["ended"] == ["trend"]
    assert seen["mode"] == "PAPER_TRADING"
    assert seen["strategies"]["trend"]["state"] == "stopped"
    assert seen["strategies"]["trend"]["bars"] == 50
    with pytest.raises(ConfigError, match="no status"):
        read_status(tmp_path / "elsewhere")


def test_metrics_are_text_that_prometheus_reads() -> None:
    made = manager(market(100), settings("trend"), settings("buys", BuysOnce()))
    pull(made, 20)
    settle(made)
    text = prometheus(made.status())
    assert 'admf_bars_total{strategy="trend"} 20' in text.splitlines()
    assert 'admf_healthy{strategy="trend"} 1' in text.splitlines()
    assert 'admf_door_bars_total{strategy="buys",what="taken"} 20' in text.splitlines()
    assert 'admf_position{strategy="buys"} 10.0' in text.splitlines()
    assert text.endswith("admf_killed 0\n")
    made.close()


def test_bad_input_is_refused() -> None:
    feed = HistoricalFeed(market(50))
    with pytest.raises(ConfigError, match="no feed"):
        LiveTradingManager({})
    with pytest.raises(ConfigError, match="not a mode of trading"):
        LiveTradingManager({"market_data_feed": feed}, mode=ExecutionMode.OPTIMIZATION)
    with pytest.raises(ConfigError, match="not for trading"):
        LiveTradingManager({"market_data_feed": feed}, thread_model=ThreadModel.PROCESS_PARALLEL)
    made = manager(market(50), settings("trend"), settings("compiled", TrendFollowingStrategy()))
    with pytest.raises(ConfigError, match="the id is taken"):
        made.add_strategy("trend", settings("trend"))
    with pytest.raises(ConfigError, match="unknown strategy; found 'tend'"):
        made.pause("tend")
    with pytest.raises(ConfigError, match="cannot be paused"):
        made.pause("compiled")
    with pytest.raises(ConfigError, match="unknown symbol"):
        made.add_strategy("other", settings("other", TrendFollowingEvents(), symbol="OTHER"))
    with pytest.raises(ConfigError, match="did you mean 'TrendFollowingEvents'"):
        made.add_strategy("misspelt", {"strategy_class": "TrendFollowingEvent"})
    with pytest.raises(ConfigError, match="max_position_size") as caught:
        made.add_strategy("bad", {"strategy_class": "SmaCross", "max_position_size": -1, "capital": 3})
    assert "unknown key" in str(caught.value)
    made.close()
