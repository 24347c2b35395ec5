"""The SMA cross by vectorbt, on the bars and with the costs of ours; its orders are compared first."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import peers
from benchmarks.workloads import MILLION


@pytest.mark.parametrize("name", ["vectorbt Rust", "vectorbt Numba"])
@pytest.mark.filterwarnings("ignore")  # the peer's own
def bench_sma_cross(name: str, benchmark: BenchmarkFixture) -> None:
    engine = peers.engines().get(name)
    if engine is None:
        pytest.skip(peers.NOT_INSTALLED)
    benchmark.extra_info |= {"differs": peers.require_agreement(engine), "bars": MILLION}
    portfolio = benchmark.pedantic(peers.peer(MILLION).run, (engine,), rounds=3, warmup_rounds=1)
    assert portfolio.orders.count() > 0
