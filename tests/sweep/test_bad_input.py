"""What is wrong with a sweep is said before it runs; what is wrong with a trial is said in its row."""

from typing import Any

import pytest

import admf
from admf.errors import ConfigError, StrategyError
from admf.strategies import SmaCross
from sweep_support import Buyer, sweep

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({"grid": {}}, "grid: empty"),
    "no values": ({"grid": {"fast": []}}, "grid.fast: no values"),
    "no rows": ({"grid": []}, "grid: empty"),
    "twice": ({"grid": {"fast": [3, 3]}}, "grid.fast: the same value twice"),
    "unknown": ({"grid": {"fats": [3]}}, "did you mean 'fast'"),
    "type": ({"grid": {"fast": [3.5]}}, "found 3.5; allowed: int"),
    "nan": ({"strategy": Buyer(), "grid": {"quantity": [float("nan")]}}, "allowed: a finite float"),
    "not a grid": ({"grid": 7}, "grid: not a grid; found 'int'"),
    "other names": ({"grid": [{"fast": 3}, {"slow": 3}]}, "other names than the first row"),
    "rules": ({"grid": {"execution.pth": ["worst"]}}, "did you mean 'path'"),
    "rule value": ({"grid": {"execution.path": ["worse"]}}, "did you mean 'worst'"),
    "model": ({"grid": {"execution.slippage.impact": [0.1]}}, "unknown parameter of none"),
    "cash": ({"grid": {"account.cash": [-1.0]}}, "out of range"),
    "bounds": ({"execution": admf.Execution(bounds=True)}, "sweep execution.path over worst and best"),
    "workers": ({"workers": 0}, "workers: not a number of workers"),
    "executor": ({"executor": "tread"}, "did you mean 'thread'"),
    "metric": ({"metrics": ["sharp"]}, "did you mean 'sharpe'"),
    "limit": ({"limit": 0}, "limit: not a number of trials"),
    "memory": ({"memory_limit": 10_000}, "memory_limit: 2 workers would need"),
    "container": ({"memory_limit_per_container": "1KB"}, "a container does not fit"),
    "size": ({"memory_limit": "many"}, "memory_limit: not a size"),
    "strategy": ({"strategy": "SmaCross"}, "strategy: not a strategy"),
}


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_with_its_reason(name: str) -> None:
    options, message = BAD[name]
    with pytest.raises(ConfigError) as caught:
        sweep(**{"workers": 2} | options)
    assert message in str(caught.value)


def test_every_fault_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        sweep(grid={"fats": [3], "slow": ["x"], "execution.path": ["worse"]})
    assert "3 problems" in str(caught.value)


def test_a_billion_trials_want_a_limit() -> None:
    grid = {"fast": range(1, 1001), "slow": range(1001, 2001), "fraction": [share / 2000 for share in range(1, 1001)]}
    with pytest.raises(ConfigError, match=r"1,000,000,000 trials, about .* limit=N"):
        sweep(grid=grid)
    assert sweep(grid=grid, limit=3).complete


def test_a_bad_trial_is_a_row_with_its_error() -> None:
    study = sweep(grid={"fast": [3, 50], "slow": [21]})
    good, bad = study.results.iter_rows(named=True)
    assert good["status"] == "done"
    assert good["error"] is None
    assert bad["status"] == "failed"
    assert "allowed: 1 <= fast < slow" in bad["error"]
    assert bad["sharpe"] is None
    assert bad["trace_hash"] is None
    with pytest.raises(admf.AdmfError, match="row 1 failed: SmaCross: allowed"):
        study.replay(1)


def test_rules_that_contradict_each_other_are_rows_with_their_error() -> None:
    study = sweep(
        grid={"fast": [3], "execution.market_fill": ["next_open", "same_close"], "execution.latency_bars": [0, 1]}
    )
    assert study.results["status"].to_list() == ["done", "done", "done", "failed"]
    assert "latency" in study.results["error"][3]


def test_a_strategy_that_raises_spoils_its_own_trial_alone() -> None:
    class Raises(admf.CompiledStrategy):
        """Raises in the middle where it is told to."""

        at: int = 10

        def on_bar(self, ctx):
            if ctx.bar == self.at:
                raise ValueError("on purpose")
            ctx.buy(1.0)

    study = sweep(strategy=Raises(), grid={"at": [5000, 10, 6000]})
    assert study.results["status"].to_list() == ["done", "failed", "done"]
    assert study.results["error"][1] == "the strategy raised ValueError at bar 10: on purpose"
    assert study.results["trace_hash"][0] == study.results["trace_hash"][2]


def test_too_many_orders_spoil_their_own_trial_alone() -> None:
    class Many(admf.CompiledStrategy):
        """More orders than a bar may bring."""

        count: int = 1

        def on_bar(self, ctx):
            for _ in range(self.count):
                ctx.buy(1.0)

    study = sweep(strategy=Many(), grid={"count": [1, 65, 2]})
    assert study.results["status"].to_list() == ["done", "failed", "done"]
    assert "64 orders a bar" in study.results["error"][1]


def test_a_strategy_that_does_not_compile_ends_the_sweep() -> None:
    class Wrong(admf.CompiledStrategy):
        """Names what is not there."""

        at: int = 10

        def on_bar(self, ctx):
            ctx.by(1.0)

    with pytest.raises(StrategyError, match="did you mean 'buy'"):
        sweep(strategy=Wrong(), grid={"at": [1]})


@pytest.mark.parametrize("row", [-1, 9, "a"])
def test_no_such_row(row: Any) -> None:
    with pytest.raises(ConfigError, match="row: no such row"):
        sweep(strategy=SmaCross(slow=21), grid={"fast": [3]}).replay(row)


def test_a_rule_that_does_not_compile_ends_the_sweep() -> None:
    class Wrong(admf.SignalStrategy):
        """Names what is not there."""

        close = admf.signals.close()

        def rule(self, close):
            return close > self.levle

    with pytest.raises(StrategyError, match=r"rule.*no field 'levle'"):
        sweep(strategy=Wrong(), grid={"fraction": [0.5]})


def test_a_signal_strategy_without_indicators_is_refused() -> None:
    with pytest.raises(StrategyError, match="1 to 4 indicators"):
        type("Empty", (admf.SignalStrategy,), {"rule": lambda self: 1})
