"""From the start of a process to its end, and its memory."""

import os
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import ROOT, processes
from benchmarks.workloads import MILLION

CACHE = Path(os.environ.get("ADMF_CACHE_DIR", ROOT / ".jit-cache"))


@pytest.mark.parametrize("startup", [pytest.param(startup, id=startup.name) for startup in processes.STARTUPS])
def bench_start(startup: processes.Startup, benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    benchmark.extra_info |= {"target_s": startup.target_s, "expected_s": startup.expected_s}
    processes.admf_command(*startup.arguments, cache_dir=CACHE)
    rounds = iter(range(startup.rounds))

    def start() -> processes.Finished:
        folder = tmp_path / str(next(rounds)) if startup.cold else CACHE
        return processes.admf_command(*startup.arguments, cache_dir=folder)

    finished = benchmark.pedantic(start, rounds=startup.rounds)
    assert "usage" in finished.output.lower() if startup.name == "help" else "trace" in finished.output


def bench_memory(benchmark: BenchmarkFixture) -> None:
    mib = benchmark.pedantic(processes.memory_mib, (10 * MILLION, CACHE), rounds=1)
    benchmark.extra_info |= {"mib": mib, "target_mib": processes.MEMORY_TARGET_MIB}
