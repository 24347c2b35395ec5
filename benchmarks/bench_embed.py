"""The core under other front ends: a step from Python, thousands of cores in one call; targets in `extra_info`."""

import time
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import admf
from admf.embed import Core, Cores, requests
from benchmarks.timing import medians_s
from embed.test_c import run_page

PROCESSOR = pytest.mark.benchmark(timer=time.process_time)  # others may use the machine as well
CORES = 10_000
STEPS = 20_000


def market(bars: int) -> admf.Market:
    """Made-up minute bars."""
    return admf.Market([admf.generate(bars=bars, seed=7, frequency="1min")])


@PROCESSOR
@pytest.mark.parametrize("busy", ["flat", "position and a working limit order"])
def bench_step(benchmark: BenchmarkFixture, busy: str) -> None:
    """`Core.step()`: one bar, one call."""
    core = Core(market(STEPS + 1))
    core.step()
    if busy != "flat":
        core.submit("buy", 10)
        core.submit("buy", 10, "limit", limit_price=1.0)
    start = core.snapshot()
    benchmark.extra_info |= {"target_us": 2.0, "bars": STEPS}

    def steps() -> None:
        for _ in range(STEPS - 1):
            core.step()

    benchmark.pedantic(steps, setup=lambda: core.restore(start), rounds=9)
    benchmark.extra_info["us"] = benchmark.stats.stats.median / STEPS * 1e6


@PROCESSOR
@pytest.mark.parametrize("busy", ["flat", "position and a working limit order"])
def bench_ten_thousand_cores(benchmark: BenchmarkFixture, busy: str) -> None:
    """`Cores.step()`: one bar of 10,000 accounts in one call."""
    cores = Cores(market(1_000), CORES)
    cores.step()
    if busy != "flat":
        for kind in (0, 1):
            rows = requests(CORES)
            rows["side"], rows["quantity"], rows["type"], rows["limit_price"] = 1, 10.0, kind, 1.0
            cores.submit(rows)
        cores.step()
    benchmark.extra_info |= {"target_ms": 1.0, "cores": CORES}
    benchmark.pedantic(cores.step, rounds=300, warmup_rounds=20)
    benchmark.extra_info["ms"] = benchmark.stats.stats.median * 1e3
    assert (cores.bars == cores.bars[0]).all()
    assert (cores.positions["quantity"] > 0.0).all() == (busy != "flat")
    assert np.isfinite(cores.accounts["equity"]).all()


def bench_c_program(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The program of engine/embed/c.md: a million bars made, pushed and stepped one by one, in C; it counts itself."""
    done = benchmark.pedantic(run_page, (tmp_path,), rounds=3)
    benchmark.extra_info |= {"target_ns": 100.0, "ns": float(done.stderr.split()[0])}


def bench_beside_backtesting_py(benchmark: BenchmarkFixture) -> None:
    """Its SMA example on ten times its own bars, by the package and by the adapter in turns, statistics included."""
    theirs = pytest.importorskip("backtesting")
    import pandas as pd
    from backtesting.test import GOOG

    from adapters.test_backtesting import SmaCross
    from admf.adapters.backtesting import Backtest

    bars = pd.concat([GOOG] * 10, ignore_index=True)
    runs = {"theirs": theirs.Backtest(bars, SmaCross, commission=0.002).run}
    runs["ours"] = Backtest(bars, SmaCross, commission=0.002).run
    assert runs["ours"]()._trades["ExitPrice"].equals(runs["theirs"]()._trades["ExitPrice"])
    taken = benchmark.pedantic(medians_s, (runs, 5), rounds=1)
    benchmark.extra_info |= {name: seconds / len(bars) * 1e6 for name, seconds in taken.items()}
    benchmark.extra_info |= {"unit": "µs a bar", "target_ratio": 3.0, "ratio": taken["theirs"] / taken["ours"]}


@PROCESSOR
@pytest.mark.parametrize("policy", ["keeps its position", "wants another on two of three bars"])
def bench_vector_environment(benchmark: BenchmarkFixture, policy: str) -> None:
    """4,096 environments of gymnasium, stepped in one call; episodes end and begin on the way."""
    pytest.importorskip("gymnasium")
    from admf.adapters.gymnasium import TradingVectorEnv

    count, steps = 4_096, 100
    env = TradingVectorEnv(market(20_000), count)
    env.reset(seed=1)
    actions = np.random.default_rng(0).integers(0, 3, (steps, count))
    if policy == "keeps its position":
        actions[:] = 2

    def played() -> None:
        for row in actions:
            env.step(row)

    benchmark.pedantic(played, rounds=7, warmup_rounds=3)
    rate = steps * count / benchmark.stats.stats.median
    benchmark.extra_info |= {"target_steps_per_second": 2e6, "cores": 1, "steps_per_second": rate}
