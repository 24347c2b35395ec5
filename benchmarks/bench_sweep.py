"""Sweeps; the targets are in the `extra_info` of each."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.sweeping import SWEEPS, TINY, Sweep


@pytest.mark.parametrize("sweep", [pytest.param(sweep, id=sweep.name) for sweep in (*SWEEPS, TINY)])
def bench_sweep(sweep: Sweep, benchmark: BenchmarkFixture) -> None:
    sweep.require_agreement()
    benchmark.extra_info |= {"target_ns": sweep.target_ns, "bars": sweep.bars}
    study = benchmark.pedantic(sweep.run, rounds=3, warmup_rounds=1)
    assert study.complete
