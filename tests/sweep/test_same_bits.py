"""A trial of a sweep and its single run are the same thing, however the sweep was made."""

import math
from typing import Any

import polars as pl
import pytest

import admf
from admf.strategies import BracketScalper, SmaCross
from admf.sweeps.frames import comparable
from sweep_support import GRID, Buyer, OrderEveryBar, market, single, sweep

GRIDS: dict[str, dict[str, Any]] = {
    "parameters": {"grid": GRID},
    "rules": {
        "grid": {
            "fast": [3, 5],
            "execution.path": ["worst", "best"],
            "execution.slippage.amount": [0.0, 2.0],
            "account.cash": [10_000.0, 50_000.0],
        },
        "execution": admf.Execution(slippage=admf.slippage.bps(1.0), commission=admf.commission.bps(1.0)),
    },
    "limits": {"grid": {"fast": [3, 5], "risk.max_position_size": [50.0, None]}},
    "orders": {
        "strategy": BracketScalper(quantity=500.0),
        "grid": {"dip_bps": [2.0, 8.0], "patience": [2, 6], "execution.path": ["worst", "best"]},
        "execution": admf.Execution(volume_limit=0.05, commission=admf.commission.per_share(0.005, minimum=1.0)),
    },
    "fees": {
        "strategy": Buyer(),
        "grid": {
            "every": [9, 13],
            "execution.commission": [
                {"model": "bps", "amount": 1.0},
                {"model": "sum", "parts": [{"model": "bps", "amount": 1.0}, {"model": "per_order", "amount": 1.0}]},
            ],
        },
    },
}


def _equal(found: object, expected: object) -> bool:
    return found == expected or (isinstance(expected, float) and math.isnan(expected) and math.isnan(float(str(found))))


@pytest.mark.parametrize("name", GRIDS)
def test_every_figure_of_every_row_is_that_of_the_single_run(name: str) -> None:
    study = sweep(**GRIDS[name])
    assert study.complete
    hashes = study.results["trace_hash"].to_list()
    assert len(set(hashes)) > 1
    for values in study.results.iter_rows(named=True):
        alone = single(study, values["row"])
        assert values["status"] == "done"
        assert values["trace_hash"] == alone.trace_hash
        expected = comparable(alone.metrics)
        assert set(study.metrics) == set(expected)
        wrong = {
            figure: (values[figure], expected[figure])
            for figure in expected
            if not _equal(values[figure], expected[figure])
        }
        assert not wrong


@pytest.mark.parametrize(
    "options",
    [{"workers": 1}, {"workers": 3}, {"limit": 5}],
    ids=str,
)
def test_workers_and_batches_change_nothing(options: dict[str, Any]) -> None:
    base, other = sweep(workers=2).results, sweep(**options).results
    assert other.equals(base.head(other.height))


def test_the_order_of_the_trials_changes_nothing() -> None:
    rows = [{"fast": fast, "slow": slow} for fast in GRID["fast"] for slow in GRID["slow"]]
    base, backwards = sweep().results, sweep(grid=rows[::-1]).results
    assert backwards.sort("fast", "slow").drop("row").equals(base.drop("row"))


def test_tables_full_of_orders_are_emptied_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admf.sweeps.arena.ROWS", 0)
    long = market(40_000)
    study = sweep(market=long, strategy=OrderEveryBar(), grid={"quantity": [1.0, 2.0]})
    for row in range(2):
        assert study.results["trace_hash"][row] == single(study, row).trace_hash
    assert study.results["orders"][0] > 39_000


def test_live_orders_beyond_the_table_double_it() -> None:
    class Piles(admf.CompiledStrategy):
        """Bids that never fill."""

        count: int = 3

        def on_bar(self, ctx):
            for _ in range(self.count):
                ctx.buy(1.0, limit=0.5)

    study = sweep(strategy=Piles(), grid={"count": [1, 3]})
    for row in range(2):
        assert study.results["trace_hash"][row] == single(study, row).trace_hash
    assert study.results["orders"].to_list() == [600, 1800]


def test_metrics_keeps_these_alone() -> None:
    study = sweep(metrics=["sharpe", "trades"])
    assert study.results.columns == ["row", "fast", "slow", "status", "error", "path", "sharpe", "trades", "trace_hash"]
    assert study.results.equals(sweep().results.select(study.results.columns))


def test_random_and_tables_in_any_form() -> None:
    drawn = admf.samplers.random({"fast": (2, 9), "slow": [13, 21]}, trials=7, seed=3)
    study = sweep(grid=drawn)
    again = sweep(grid=pl.DataFrame(study.results.select("fast", "slow")))
    assert again.results.equals(study.results)
    assert sweep(grid=admf.samplers.random({"fast": (2, 9), "slow": [13, 21]}, trials=7, seed=4)).results.height == 7


def test_sobol_covers_the_space_evenly() -> None:
    pytest.importorskip("scipy")
    study = sweep(grid=admf.samplers.sobol({"fast": (2, 9), "slow": (20, 35)}, trials=16))
    assert sorted(study.results["fast"].to_list()) == sorted([*range(2, 10)] * 2)


def test_replay_is_the_row() -> None:
    study = sweep(grid={"fast": [3, 5]}, strategy=SmaCross(slow=21))
    best = study.best("total_return")
    result = study.replay(best)
    assert result.metrics["total_return"] == best["total_return"]
    assert result.fills.height == best["fills"]
