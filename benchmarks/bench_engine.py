"""The engine's own workloads; the targets are in the `extra_info` of each."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.agreement import require_agreement
from benchmarks.workloads import MILLION, WATCH, WORKLOADS, Workload, market


@pytest.mark.parametrize("workload", [pytest.param(workload, id=workload.name) for workload in WORKLOADS])
def bench_workload(workload: Workload, benchmark: BenchmarkFixture) -> None:
    require_agreement(workload)
    bars = market(MILLION)
    benchmark.extra_info |= {"target_ns": workload.target_ns, "expected_ns": workload.expected_ns, "bars": MILLION}
    result = benchmark.pedantic(workload.run, (bars,), rounds=7, warmup_rounds=1)
    assert (result.metrics["orders"] > 0) == (workload is not WATCH)
