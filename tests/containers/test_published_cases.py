"""Every worked case gives the same fills on the bus as in the compiled loop."""

from pathlib import Path
from typing import Any

import pytest

import admf
from admf.cases import freqtrade, play
from admf.cases.runner import run_paths
from admf.orders import read_orders
from containers.support import player, run_strategy
from repo.checkout import ROOT

CASES = ROOT / "tests" / "cases"


@pytest.fixture
def twice(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every `simulate` of a case also runs on the bus; the list has what differs, and how many were compared."""
    found: list[str] = []

    def both(bars: Any, orders: Any, **rules: Any) -> admf.Result:
        result = admf.simulate(bars, orders, **rules)
        market, execution = result.records.market, result.records.execution
        broker = {
            "execution": execution,
            "close_positions": rules.get("close_positions", False),
            "debug": bool(execution.user_laws()),  # plain Python: the law of one case is not worth a kernel of its own
        }
        events = run_strategy(
            market,
            player(read_orders(orders, market)),
            broker=broker,
            portfolio={"account": result.records.account_value},
        )
        same = events.trace_hash == result.trace_hash or result.metrics["bankrupt_bar"] is not None
        found.append("" if same else f"{orders}")
        return result

    for module in (play, freqtrade):
        monkeypatch.setattr(module, "simulate", both)
    return found


def test_our_cases(twice: list[str]) -> None:
    run_paths([CASES])
    assert len(twice) > 100
    assert [difference for difference in twice if difference] == []


def test_shared_cases(shared_cases: Path, twice: list[str]) -> None:
    ours = {path.name for path in CASES.glob("*.json")}
    others = [path for path in sorted(shared_cases.glob("*.json")) if path.name not in ours]
    run_paths(others)
    assert all(difference == "" for difference in twice)
