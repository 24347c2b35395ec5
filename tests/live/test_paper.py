"""A paper session is the backtest of the same bars, bit for bit, under every thread model and at every speed."""

import time
from typing import Any

import pytest

import admf
from admf.coordinate import ThreadModel
from admf.live import HistoricalFeed, LiveTradingManager
from admf.results import Result
from admf.strategies import DonchianBreakout, TrendFollowingEvents, TrendFollowingStrategy
from containers.support import specs
from live_support import RISK, RULES, DayOrders, manager, market, settings

THREADS = (ThreadModel.ASYNC_SINGLE, ThreadModel.ASYNC_MULTI, ThreadModel.MULTI_THREADED, ThreadModel.MIXED)


def backtest_of_events(bars: admf.Market, strategy: Any) -> Result:
    from admf.container import ContainerFactory
    from containers.support import run

    given = {"broker": {"execution": RULES, "close_positions": False}, "risk_manager": RISK.to_dict()}
    with ContainerFactory({"market_data": bars}).create(specs(strategy, **given)) as container:
        container.initialize_scope()
        container.start()
        run(container)
        container.stop()
        return Result(container.resolve("broker").records(container.resolve("strategy")))


def backtest_of_compiled(bars: admf.Market, strategy: admf.CompiledStrategy) -> Result:
    return admf.backtest(bars, strategy, execution=RULES, risk=RISK, close_positions=False)


def assert_same(paper: Result, backtest: Result) -> None:
    assert paper.trace_hash == backtest.trace_hash
    for name in ("fills", "orders", "transitions", "trades", "equity"):
        assert getattr(paper, name).equals(getattr(backtest, name)), name
    assert {k: v for k, v in paper.metrics.items() if v == v} == {k: v for k, v in backtest.metrics.items() if v == v}


@pytest.mark.parametrize("model", THREADS, ids=lambda model: model.name)
def test_paper_is_the_backtest(model: ThreadModel) -> None:
    bars = market()
    compiled = {"compiled": TrendFollowingStrategy(), "breakout": DonchianBreakout()}
    made = manager(
        bars,
        settings("events", thread_group="together"),
        settings("sessions", DayOrders(), thread_group="together"),
        *(settings(name, strategy) for name, strategy in compiled.items()),
        thread_model=model,
    )
    results = made.run()
    assert_same(results["events"], backtest_of_events(bars, TrendFollowingEvents))
    assert_same(results["sessions"], backtest_of_events(bars, DayOrders))
    for name, strategy in compiled.items():
        assert_same(results[name], backtest_of_compiled(bars, strategy))
    assert len(results["events"].fills) > 50
    assert len(results["sessions"].fills) > 50
    assert not made.active_strategies


def test_results_know_the_bars_they_came_from() -> None:
    bars = market(500)
    result = manager(bars, settings("compiled", TrendFollowingStrategy())).run()["compiled"]
    assert result.records.market.fingerprint == bars.fingerprint
    assert result.fingerprint == backtest_of_compiled(bars, TrendFollowingStrategy()).fingerprint


def test_the_clock_makes_bars_wait_for_their_close() -> None:
    bars = market(20)
    feed = HistoricalFeed(bars, speed=6_000.0)  # a minute takes 10 ms
    made = LiveTradingManager({"market_data_feed": feed})
    made.add_strategy("events", settings("events"))
    started_s = time.monotonic()
    result = made.run()["events"]
    assert time.monotonic() - started_s >= 20 * 0.010
    assert result["bars_processed"] == 20


def test_stop_ends_a_session_in_good_order() -> None:
    bars = market(400)
    feed = HistoricalFeed(bars, speed=6_000.0)
    made = LiveTradingManager({"market_data_feed": feed})

    class StopsAt30(TrendFollowingEvents):
        def on_bar(self, bar: Any) -> None:
            super().on_bar(bar)
            if bar.bar == 30:
                made.stop()

    made.add_strategy("events", settings("events", StopsAt30()))
    result = made.run()["events"]
    assert 31 <= result["bars_processed"] < 400
    assert result.records.market.bar_count == result["bars_processed"]


def test_a_feed_is_faster_than_twenty_thousand_bars_a_second() -> None:
    """The feed and the door alone: half the figure asked for of whole sessions, as this machine may be shared."""
    from admf.live import Door

    bars = market(20_000)
    feed = HistoricalFeed(bars)
    door = Door(feed.facts["SYM"].frequency_ns)
    started_s = time.process_time()
    taken = sum(door.takes(bar) for bar in feed)
    assert taken == 20_000
    assert time.process_time() - started_s < 1.0
