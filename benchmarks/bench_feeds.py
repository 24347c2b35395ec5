"""Feeds as fast as bars are taken: whole sessions, bars made of trades, a WebSocket; targets in `extra_info`.

pytest benchmarks/bench_feeds.py --benchmark-enable
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import admf
from admf.coordinate import ThreadModel
from admf.live import HistoricalFeed, HistoricalTicks, LiveTradingManager, MarketDataFeed, TickBars, WebSocketFeed
from admf.strategies import SmaCross, TrendFollowingEvents
from live.test_ticks import trades_of
from live.test_websocket import END, message, serving
from live_support import settings

PROCESSOR = pytest.mark.benchmark(timer=time.process_time)  # others may use the machine as well
BARS = 20_000
TARGET = 20_000  # bars a second
STRATEGIES = {"compiled": SmaCross(), "on the bus": TrendFollowingEvents()}


def taken(feed: Iterable[Any]) -> int:
    """Pulls everything out of a feed."""
    return sum(1 for _ in feed)


def session(feed: MarketDataFeed, strategy: Any, folder: Path | None, model: ThreadModel) -> int:
    """Bars of a whole session of one strategy."""
    made = LiveTradingManager({"market_data_feed": feed}, log_folder=folder, thread_model=model)
    made.add_strategy("one", settings("one", strategy))
    return int(made.run()["one"]["bars_processed"])


def report(benchmark: BenchmarkFixture, bars: int, target: int = TARGET) -> None:
    """Bars a second beside the target."""
    benchmark.extra_info |= {"bars_a_second": bars / benchmark.stats.stats.median, "target": target}


@PROCESSOR
def bench_historical_feed(benchmark: BenchmarkFixture) -> None:
    """Bars out of a `HistoricalFeed`."""
    market = admf.Market([admf.generate(bars=BARS, seed=7)])
    assert benchmark.pedantic(lambda: taken(HistoricalFeed(market)), rounds=5) == BARS
    report(benchmark, BARS)


@PROCESSOR
@pytest.mark.parametrize("log", ["log", "no log"])
@pytest.mark.parametrize("model", [ThreadModel.ASYNC_SINGLE, ThreadModel.MULTI_THREADED], ids=lambda model: model.name)
@pytest.mark.parametrize("kind", list(STRATEGIES))
def bench_session(benchmark: BenchmarkFixture, tmp_path: Path, kind: str, model: ThreadModel, log: str) -> None:
    """A paper session from its first bar to its result."""
    market = admf.Market([admf.generate(bars=BARS, seed=7)])
    folder = tmp_path if log == "log" else None

    def run() -> int:
        return session(HistoricalFeed(market), STRATEGIES[kind], folder, model)

    run()
    assert benchmark.pedantic(run, rounds=3) == BARS
    report(benchmark, BARS)


@PROCESSOR
def bench_bars_of_ticks(benchmark: BenchmarkFixture) -> None:
    """Four trades a bar; bars a second."""
    trades: pl.DataFrame = trades_of(admf.generate(bars=BARS, seed=7))
    assert benchmark.pedantic(lambda: taken(TickBars(HistoricalTicks(trades), "1min")), rounds=3) == BARS
    report(benchmark, BARS)


def bench_websocket(benchmark: BenchmarkFixture) -> None:
    """Bars over a WebSocket on loopback, wall clock; the server is in this process, and part of it."""
    messages = [message(bar) for bar in HistoricalFeed(admf.Market([admf.generate(bars=BARS, seed=7)]))]

    def handler(socket: Any) -> None:
        for text in messages:
            socket.send(text)
        socket.send(END)

    with serving(handler) as url:
        run = lambda: taken(WebSocketFeed(url, [admf.Instrument("SYM")], frequency="1min"))  # noqa: E731
        assert benchmark.pedantic(run, rounds=3) == BARS
    report(benchmark, BARS)
