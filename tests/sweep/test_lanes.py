"""Lanes and the order engine give the same bits, and the study says which one it was."""

import platform
import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import admf
from admf.strategies import SmaCross
from admf.sweeps import allowed
from admf_kernels._jit import compile_now, specialise
from admf_kernels.lanes import FIELDS, LANES, observe_lanes, sample_lanes
from sweep_support import Breakout, Channel, Guarded, Swing, market, single, sweep
from user_laws import LAWS

COSTS = {"slippage": admf.slippage.bps(1.0), "commission": admf.commission.bps(1.0)}


def _both(monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    lanes = sweep(**options).results
    with monkeypatch.context() as patched:
        patched.setattr("admf.sweeps.settings.strategy_allows", lambda _: False)
        engine = sweep(**options).results
    assert set(engine["path"]) == {"engine"}
    return lanes, engine


CASES: dict[str, dict[str, Any]] = {
    "sma": {"strategy": SmaCross(), "grid": {"fast": range(2, 12), "slow": range(13, 33)}},
    "costs": {
        "grid": {"fast": [3, 5], "execution.slippage.amount": [0.5, 2.0, 30.0], "account.cash": [1_000.0, 1e6]},
        "execution": admf.Execution(**COSTS),
    },
    "short": {"strategy": Swing(), "grid": {"period": range(3, 20), "band": [0.0, 4.0, 12.0]}},
    "short with costs": {
        "strategy": Swing(),
        "grid": {
            "period": [5, 9],
            "band": [0.0, 4.0],
            "fraction": [0.3, 1.0],
            "execution.short": ["margin", "proceeds_as_cash"],
        },
        "execution": admf.Execution(**COSTS),
    },
    "breakout": {"strategy": Breakout(), "grid": {"period": range(2, 40)}},
    "leverage": {"grid": {"fast": [3, 5], "fraction": [0.5, 1.0], "account.leverage": [1.0, 3.0]}},
    "exits": {
        "strategy": Guarded(),
        "grid": {
            "fast": [3, 8],
            "lowest_side": [-1, 0],
            "stop_loss": [0.0, 0.002, 0.02],
            "take_profit": [0.0, 0.003],
            "trailing_stop": [0.0, 0.002, 0.01],
        },
    },
    "exits with costs": {
        "strategy": Guarded(lowest_side=-1),
        "grid": {
            "stop_loss": [0.002, 0.02],
            "trailing_stop": [0.0, 0.004],
            "execution.path": ["worst", "best", "queue"],
            "execution.trail_ref": ["extreme", "close"],
            "execution.limit_trigger": ["touch", "through_ticks"],
            "execution.child_activation": ["same_bar", "next_bar"],
        },
        "execution": admf.Execution(**COSTS),
    },
    "exits along a path": {
        "strategy": Guarded(trailing_stop=0.0),
        "grid": {"take_profit": [0.002, 0.01], "execution.path": ["ohlc", "olhc", "adaptive", "candle"]},
    },
    "exits over blocks": {
        "market": market(9_000),
        "strategy": Guarded(stop_loss=0.02, take_profit=0.03),
        "grid": {"slow": [50, 700], "trailing_stop": [0.0, 0.02]},
    },
    "as it is": {"strategy": Channel(), "grid": {"period": range(5, 40, 5), "stop_loss": [0.0, 0.003, 0.01]}},
    "positions": {"grid": {"fast": [3, 5]}, "account": admf.Account(positions={"SYM": (10.0, 90.0)})},
    "long": {"market": market(9_000), "grid": {"fast": [3, 30], "slow": [50, 700]}},
    "one block": {"market": market(1_024), "grid": {"fast": [3, 5]}},
    "one block and a bar": {"market": market(1_025), "grid": {"fast": [3, 5]}},
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_lanes_are_the_order_engine(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lanes, engine = _both(monkeypatch, **{"market": market(3_000)} | CASES[name])
    assert (lanes["path"] == "lanes").all()
    assert (lanes["status"] == "done").all()
    assert lanes.drop("path").equals(engine.drop("path"))
    assert lanes["fills"].sum() > 0


@pytest.mark.parametrize("intraday", [False, True])
def test_returns_are_sampled_alike(intraday: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    frequency = "1h" if intraday else "1d"
    bars = admf.Market([admf.generate(bars=2_500, seed=3, frequency=frequency)])
    assert bars.intraday is intraday
    lanes, engine = _both(monkeypatch, market=bars, grid={"fast": [3, 5, 8]})
    assert lanes.drop("path").equals(engine.drop("path"))
    assert lanes["sharpe"].is_finite().all()


def test_a_trail_along_a_path_goes_to_the_order_engine() -> None:
    """X-03: the path moves it inside the bar, where lanes do not look."""
    study = sweep(strategy=Guarded(), grid={"trailing_stop": [0.0, 0.005], "execution.path": ["worst", "ohlc"]})
    assert study.results["path"].to_list() == ["lanes", "lanes", "lanes", "engine"]
    for row in range(4):
        assert study.results["trace_hash"][row] == single(study, row).trace_hash


class Short(admf.SignalStrategy):
    """Short from the start."""

    average = admf.signals.sma(5)

    def rule(self, average):
        return -1


def test_ruin_goes_to_the_order_engine() -> None:
    close = np.concatenate([np.linspace(100.0, 101.0, 60), np.full(60, 400.0)])
    bars = admf.Market([admf.load({"open": close, "high": close, "low": close, "close": close})])
    study = sweep(market=bars, strategy=Short(), grid={"fraction": [0.1, 0.9]})
    assert study.results["bankrupt"].to_list() == [False, True]
    assert study.results["path"].to_list() == ["lanes", "engine"]
    for row in range(2):
        assert study.results["trace_hash"][row] == single(study, row).trace_hash


def test_a_maintenance_ratio_goes_to_the_order_engine() -> None:
    """A-12: a lane looks at closes alone; the high of bar 80 calls the short of the larger fraction."""
    close = np.full(120, 100.0)
    high = close.copy()
    high[80] = 180.0
    bars = admf.Market([admf.load({"open": close, "high": high, "low": close, "close": close})])
    grid = {"fraction": [0.1, 0.9], "account.margin_maintenance": [None, 0.5]}
    study = sweep(market=bars, strategy=Short(), grid=grid)
    assert study.results["path"].to_list() == ["lanes", "engine"] * 2
    assert study.results["margin_calls"].to_list() == [0, 0, 0, 1]
    for row in range(4):
        assert study.results["trace_hash"][row] == single(study, row).trace_hash


def test_a_law_that_fails_is_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = admf.Market(
        [admf.generate(bars=200, seed=3, frequency="1h")], instruments=[admf.Instrument("SYM", lot_size=1.0)]
    )
    options = {"market": whole, "account": admf.Account(cash=250.0)}  # 2 units: no number
    lanes, engine = _both(monkeypatch, execution=admf.Execution(**LAWS), **options)
    assert set(lanes["status"]) == {"failed"}
    assert lanes.equals(engine)


def every_bar(group, price, multiplier):
    """What each bar costs each lane."""
    sample_lanes(group, price, multiplier)
    return observe_lanes(group, price, multiplier)


@pytest.mark.filterwarnings("ignore:.*compiles again in every process")
def test_the_loops_over_lanes_are_vectorised() -> None:
    """Scalar arithmetic or a masked store there costs two to five times as much."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("reads x86 assembly")
    kernel = specialise(every_bar, extra=(object(),))  # what has no content is not stored, so there is assembly to read
    compile_now(kernel, (np.zeros(FIELDS * LANES), 1.0, 1.0))
    (text,) = kernel.inspect_asm().values()
    for operation in ("mul", "add", "div"):
        assert len(re.findall(rf"\bv?{operation}pd\b", text)) >= 4, operation
        assert not re.findall(rf"\bv?{operation}sd\b", text), operation
    assert "maskmov" not in text


class Noted(Guarded):
    """What an exit leaves behind is another thing than the base class remembers."""

    def on_bar(self, ctx):
        if ctx.bar == 5:
            ctx.buy(1.0)


def test_hooks_of_its_own_run_in_the_order_engine() -> None:
    assert allowed.strategy_allows(Guarded())
    assert not allowed.strategy_allows(Noted())


NOT_ALLOWED: dict[str, dict[str, Any]] = {
    "volume": {"execution": admf.Execution(volume_limit=0.1)},
    "close": {"execution": admf.Execution(market_fill="next_close")},
    "latency": {"execution": admf.Execution(latency_bars=1)},
}


@pytest.mark.parametrize("name", ["volume", "close", "latency"])
def test_rules_that_lanes_cannot_have_run_in_the_order_engine(name: str) -> None:
    study = sweep(grid={"fast": [3, 5]}, **NOT_ALLOWED[name])
    assert set(study.results["path"]) == {"engine"}
    for row in range(2):
        assert study.results["trace_hash"][row] == single(study, row).trace_hash


def test_one_study_may_have_both_paths() -> None:
    study = sweep(grid={"fast": [3, 5], "execution.volume_limit": [None, 0.5]})
    assert study.results["path"].to_list() == ["lanes", "engine"] * 2


def test_a_market_with_bars_without_trades_is_not_for_lanes() -> None:
    table = market().arrays
    volume = table.volume[:, 0].copy()
    volume[5] = 0.0
    columns = {name: getattr(table, name)[:, 0] for name in ("open", "high", "low", "close")}
    assert not allowed.market_allows(admf.Market([admf.load(columns | {"volume": volume})]))
    assert allowed.market_allows(admf.Market([admf.load(columns)]))


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000),
    bars=st.integers(40, 1_500),
    fast=st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True),
    slow=st.lists(st.integers(13, 60), min_size=1, max_size=4, unique=True),
    amount=st.sampled_from([0.0, 1.0, 250.0]),
    path=st.sampled_from(["worst", "best", "ohlc", "queue"]),
    cash=st.sampled_from([150.0, 1e5]),
    lot=st.sampled_from([None, 1.0]),
)
def test_any_market_and_any_grid(
    seed: int, bars: int, fast: list[int], slow: list[int], amount: float, path: str, cash: float, lot: float | None
) -> None:
    rules = admf.Execution(slippage=admf.slippage.bps(amount), commission=admf.commission.per_order(1.0), path=path)
    made = admf.Market(
        [admf.generate(bars=bars, seed=seed, frequency="1h")],
        instruments=[admf.Instrument("SYM", lot_size=lot)],
    )
    study = sweep(market=made, grid={"fast": fast, "slow": slow}, execution=rules, account=admf.Account(cash=cash))
    for row in range(0, study.plan.trials, 3):
        alone = single(study, row)
        assert study.results["trace_hash"][row] == alone.trace_hash
        assert study.results["max_drawdown"][row] == alone.metrics["max_drawdown"]
        assert study.results["exposure"][row] == alone.metrics["exposure"]


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000),
    bars=st.integers(40, 1_500),
    lowest_side=st.sampled_from([-1, 0]),
    stops=st.lists(st.sampled_from([0.0, 0.001, 0.004, 0.02]), min_size=1, max_size=3, unique=True),
    targets=st.lists(st.sampled_from([0.0, 0.002, 0.01]), min_size=1, max_size=2, unique=True),
    trails=st.lists(st.sampled_from([0.0, 0.003, 0.015]), min_size=1, max_size=2, unique=True),
    path=st.sampled_from(["worst", "best", "queue", "candle"]),
    tick=st.sampled_from([None, 0.05]),
    cash=st.sampled_from([150.0, 1e5]),
)
def test_any_market_and_any_exits(
    seed: int, bars: int, lowest_side: int, stops: list[float], targets: list[float], trails: list[float], path: str,
    tick: float | None, cash: float,
) -> None:  # fmt: skip
    rules = admf.Execution(slippage=admf.slippage.bps(2.0), commission=admf.commission.per_order(0.1), path=path)
    made = admf.Market(
        [admf.generate(bars=bars, seed=seed, frequency="1h")],
        instruments=[admf.Instrument("SYM", tick_size=tick)],
    )
    study = sweep(
        market=made,
        strategy=Guarded(lowest_side=lowest_side),
        grid={"stop_loss": stops, "take_profit": targets, "trailing_stop": trails},
        execution=rules,
        account=admf.Account(cash=cash),
    )
    for row in range(study.plan.trials):
        alone, kept = single(study, row), study.results.row(row, named=True)
        assert kept["trace_hash"] == alone.trace_hash
        for name in ("max_drawdown", "exposure", "unfilled_not_touched", "final_equity"):
            assert kept[name] == alone.metrics[name], name
