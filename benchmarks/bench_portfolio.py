"""The real daily panel of 2,000 symbols: monthly rank and rebalance into 100 names, alone and 200 sets of it.

`python -m benchmarks.bench_portfolio` prints the figures; it needs the shared data beside the checkout.
"""

import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import admf
from benchmarks import ROOT
from benchmarks.timing import cpu_s

FOLDER = ROOT.parent / "shared" / "data" / "us_universe_daily"
STRATEGY = admf.strategies.MomentumRotation(lookback=126, skip=21, top=100)
RULES = admf.Execution(
    cash_submit="none",
    cash_fill="resize_down",
    slippage=admf.slippage.bps(2.0),
    commission=admf.commission.per_share(0.005, minimum=1.0),
)
ACCOUNT = admf.Account(cash=1_000_000)
GRID = {"lookback": list(range(60, 160, 10)), "skip": [0, 5, 10, 21], "top": [20, 50, 100, 150, 200]}
TARGET_NS, TARGET_SWEEP_S = 60.0, 12.0


def load(folder: Path = FOLDER) -> admf.Market:
    """The panel with its adjustment factors as splits."""
    bars = admf.load_panel(folder / "us2000_1d.parquet", on_defect="repair")
    return admf.Market(bars, actions=folder / "us2000_adjustment_factors.parquet")


def run(market: admf.Market) -> admf.Result:
    """One backtest with all records."""
    return admf.backtest(market, STRATEGY, execution=RULES, account=ACCOUNT)


def sweep(market: admf.Market) -> admf.Study:
    """200 sets on two workers."""
    return admf.sweep(market, STRATEGY, GRID, execution=RULES, account=ACCOUNT, workers=2, progress=False)


def require_agreement() -> None:
    """Compiled and plain Python give the same bits on a small panel."""
    parts = [admf.generate(bars=200, seed=seed, frequency="1d", symbol=f"S{seed}") for seed in range(8)]
    market, small = admf.Market(parts), STRATEGY.__class__(lookback=20, skip=2, top=3)
    results = [admf.backtest(market, small, execution=RULES, account=ACCOUNT, debug=debug) for debug in (False, True)]
    assert results[0].trace_hash == results[1].trace_hash


@pytest.mark.parametrize("work", [run, sweep], ids=["run", "sweep_200"])
def bench_panel(work: Callable[[admf.Market], object], benchmark: BenchmarkFixture) -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"no {FOLDER}")
    require_agreement()
    market = load()
    benchmark.extra_info |= {"target_ns": TARGET_NS, "target_sweep_s": TARGET_SWEEP_S}
    benchmark.pedantic(work, (market,), rounds=3, warmup_rounds=1)


def main() -> None:
    start = time.process_time()
    market = load()
    loaded = time.process_time()
    str(run(market).summary())
    done = time.process_time()
    print(f"load {loaded - start:.2f} s, first run with its summary {done - loaded:.2f} s (cpu)")
    best = min(cpu_s(lambda: run(market)) for _ in range(7))
    places = market.bar_count * market.symbol_count
    print(f"a run: {best * 1e3:.1f} ms, {best / places * 1e9:.1f} ns a symbol and bar; target {TARGET_NS:g}")
    wall = time.perf_counter()
    study = sweep(market)
    print(f"{len(study.results)} sets on 2 workers: {time.perf_counter() - wall:.1f} s; target {TARGET_SWEEP_S:g} s")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB; target 700 MB")


if __name__ == "__main__":
    main()
