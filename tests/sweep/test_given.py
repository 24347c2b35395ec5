"""Decisions as arrays: the same fills as a strategy that makes them bar by bar."""

from typing import Any

import numpy as np
import pytest

import admf
from admf.errors import ConfigError, DataError
from sweep_support import Channel, Guarded, market, sweep

BARS, SHARE = 600, 0.003


def averages(fast: int, slow: int) -> np.ndarray:
    """Whether the fast mean is above the slow one, from the rolling sums of the engine's own rule (I-01)."""
    close = market().arrays.close[:, 0]
    sums = []
    for period in (fast, slow):
        total, found = 0.0, []
        for bar, price in enumerate(close.tolist()):
            total += price
            total -= close[bar - period] if bar >= period else 0.0
            found.append(total / period)
        sums.append(np.array(found))
    above = sums[0] > sums[1]
    above[: slow - 1] = False
    return above


def test_signals_are_the_strategy_that_makes_them() -> None:
    above = averages(5, 21)
    result = admf.simulate_signals(market(), above, ~above)
    alone = admf.backtest(market(), admf.strategies.SmaCross(fast=5, slow=21))
    assert result.trace_hash == alone.trace_hash
    assert result.fingerprint != alone.fingerprint
    plain = admf.simulate_signals(market(), above, ~above, debug=True)
    assert plain.trace_hash == alone.trace_hash


def test_columns_are_runs_of_their_own() -> None:
    above = np.stack([averages(3, 13), averages(5, 21)], axis=1)
    results = admf.simulate_signals(market(), above, ~above)
    for column, result in enumerate(results):
        alone = admf.simulate_signals(market(), above[:, column], ~above[:, column])
        assert (result.trace_hash, result.fingerprint) == (alone.trace_hash, alone.fingerprint)
        assert result.orders.equals(alone.orders)
        assert result.equity.equals(alone.equity)
    stepped = admf.simulate_signals(market(), above, ~above, record="summary", debug=True)
    assert [result.trace_hash for result in stepped] == [result.trace_hash for result in results]


def _signals(**bars: list[int]) -> dict[str, np.ndarray]:
    made = {}
    for name in ("entries", "exits", "short_entries", "short_exits"):
        made[name] = np.zeros(BARS, np.bool_)
        made[name][bars.get(name, [])] = True
    return made


def test_short_and_reversal() -> None:
    result = admf.simulate_signals(market(), **_signals(short_entries=[10], entries=[20], exits=[30]), size=0.5)
    fills = result.fills
    assert fills["bar"].to_list() == [11, 21, 21, 31]
    assert fills["side"].to_list() == ["sell", "buy", "buy", "sell"]
    assert fills["quantity"][0] == fills["quantity"][1]


@pytest.mark.parametrize("bars", [{"entries": [10], "exits": [10]}, {"entries": [10], "short_entries": [10]}], ids=str)
def test_contradictions_are_no_entry(bars: dict[str, list[int]]) -> None:
    assert admf.simulate_signals(market(), **_signals(**bars)).fills.height == 0


@pytest.mark.parametrize("name", ["stop_loss", "take_profit", "trailing_stop"])
def test_exits_end_the_trade(name: str) -> None:
    result = admf.simulate_signals(market(), **_signals(entries=[10]), size=10.0, size_kind="quantity", **{name: SHARE})
    entry, leave = result.fills.iter_rows(named=True)
    close = market().arrays.close[10, 0]
    assert entry["bar"] == 11
    assert leave["bar"] < BARS - 1
    if name == "take_profit":
        assert leave["base_price"] == pytest.approx(close * (1.0 + SHARE))
    if name == "stop_loss":
        assert leave["base_price"] <= close * (1.0 - SHARE)


def test_the_first_exit_cancels_the_others() -> None:
    exits = {"stop_loss": 0.01, "take_profit": 0.01, "trailing_stop": 0.02}
    result = admf.simulate_signals(market(), **_signals(entries=[10, 300]), size=0.5, **exits)
    assert result.metrics["trades"] == 2
    assert result.metrics["orders_working"] == 0
    assert result.metrics["fills"] == 4


class Counted(Guarded):
    quantity: float = 7.0


def test_a_rule_with_exits_is_the_signals_of_its_changes() -> None:
    """An exit that fills keeps the strategy out until the rule has changed its mind."""
    above = averages(5, 21)
    entries = above & ~np.concatenate([[False], above[:-1]])
    exits = {"stop_loss": 0.004, "take_profit": 0.006, "trailing_stop": 0.005}
    result = admf.backtest(market(), Guarded())
    assert result.trace_hash == admf.simulate_signals(market(), entries, ~above, **exits).trace_hash
    kinds = result.orders.filter(status="FILLED")["type"].value_counts().sort("type")
    assert dict(kinds.iter_rows()).keys() == {"limit", "market", "stop", "trailing_stop"}
    counted = admf.backtest(market(), Counted())
    given = admf.simulate_signals(market(), entries, ~above, size=7.0, size_kind="quantity", **exits)
    assert counted.trace_hash == given.trace_hash


def test_a_rule_that_keeps_what_is_held_comes_back_after_an_exit() -> None:
    close = np.concatenate([np.full(20, 100.0), [102.0, 102.0, 97.0, 98.0, 103.0, 103.0, 90.0, 90.0]])
    bars = admf.Market([admf.load({"open": close, "high": close, "low": close, "close": close})])
    fills = admf.backtest(bars, Channel(stop_loss=0.03)).fills
    assert fills["bar"].to_list() == [21, 22, 25, 26]
    assert fills["side"].to_list() == ["buy", "sell"] * 2


def test_exits_of_a_rule_are_axes() -> None:
    study = sweep(strategy=Guarded(), grid={"stop_loss": [0.0, 0.004, 1.5]})
    assert study.results["status"].to_list() == ["done", "done", "failed"]
    assert "allowed: 0 <= stop_loss < 1" in study.results["error"][2]
    assert study.results["path"].to_list()[:2] == ["lanes", "lanes"]
    assert study.results["trace_hash"][1] == admf.backtest(market(), Guarded()).trace_hash
    with pytest.raises(ConfigError, match="no parameter 'fraction'"):
        Counted(fraction=0.5)


def test_an_exit_signal_takes_the_waiting_exits_along() -> None:
    exits = {"stop_loss": 0.2, "take_profit": 0.2}
    result = admf.simulate_signals(market(), **_signals(entries=[10, 30], exits=[20]), size=0.5, **exits)
    waiting = result.orders.filter(submitted_bar=10)
    assert waiting["status"].to_list() == ["FILLED", "CANCELLED", "CANCELLED"]


def test_targets() -> None:
    target = np.full(BARS, np.nan)
    target[[10, 20, 30, 40]] = [10.0, 4.0, -3.0, 0.0]
    result = admf.simulate_targets(market(), target)
    signed = result.fills.select("bar", quantity=admf_signed(result)).rows()
    assert [bar for bar, _ in signed] == [11, 21, 31, 31, 41]
    assert np.cumsum([quantity for _, quantity in signed]).tolist() == [10.0, 4.0, 0.0, -3.0, 0.0]


def admf_signed(result: admf.Result) -> Any:
    import polars as pl

    return pl.when(pl.col("side") == "buy").then(pl.col("quantity")).otherwise(-pl.col("quantity"))


@pytest.mark.parametrize(("kind", "target"), [("weight", 0.5), ("value", 50_000.0)])
def test_shares_and_values(kind: Any, target: float) -> None:
    given = np.full(BARS, np.nan)
    given[10], given[100] = target, -target
    result = admf.simulate_targets(market(), given, kind, close_positions=False)
    price, quantity = result.fills["price"][0], result.fills["quantity"][0]
    assert price * quantity == pytest.approx(50_000.0, rel=1e-6)
    held = result.positions["quantity"][0]
    assert held < 0.0


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"entries": np.zeros(5, np.bool_)}, DataError, "entries: not one value a bar"),
    ({"entries": np.full(BARS, 0.5)}, DataError, "entries: not truth values"),
    ({"entries": np.zeros((BARS, 2), np.bool_), "exits": np.zeros((BARS, 3), np.bool_)}, DataError, "columns"),
    ({"stop_loss": 1.5}, ConfigError, "stop_loss: out of range"),
    ({"size": 0.0}, ConfigError, "size: out of range"),
    ({"size_kind": "equity_share"}, ConfigError, "size_kind: unknown kind of size"),
]


@pytest.mark.parametrize(("change", "kind", "message"), BAD, ids=[message for _, _, message in BAD])
def test_bad_input(change: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        admf.simulate_signals(market(), **(_signals() | change))
    assert message in str(caught.value)


def test_bad_targets() -> None:
    with pytest.raises(DataError, match="target: not numbers"):
        admf.simulate_targets(market(), np.full(BARS, np.inf))
    with pytest.raises(ConfigError, match="did you mean 'weight'"):
        admf.simulate_targets(market(), np.zeros(BARS), "wieght")  # type: ignore[arg-type]
