"""Twelve fill models over one strategy and 100,000 bars, warm; the target is in `extra_info`."""

import time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import admf
from admf.strategies import BracketScalper

PATHS = ("worst", "best", "ohlc", "adaptive")
ENGINES = ("backtesting.py", "backtrader", "freqtrade", "lean", "nautilus", "tradingview", "vectorbt", "zipline")


@pytest.mark.benchmark(timer=time.process_time)  # others may use the machine as well
def bench_twelve_models(benchmark: BenchmarkFixture) -> None:
    """`admf.compare_fills` with its table: the runs and what is compared."""
    bars = admf.Market([admf.generate(bars=100_000, seed=5)])
    models = {path: admf.Execution(path=path) for path in PATHS} | {name: name for name in ENGINES}
    assert len(models) == 12

    def compared() -> int:
        return len(admf.compare_fills(bars, BracketScalper(), models).frame)

    benchmark.extra_info |= {"target_s": 3.0, "models": len(models)}
    assert benchmark.pedantic(compared, rounds=3, warmup_rounds=1) == 12
    benchmark.extra_info["s"] = benchmark.stats.stats.median
