"""The doors of `simulate` and `backtest`, and the loop around the compiled loop."""

import numpy as np
import polars as pl
import pytest

import admf
from admf.errors import ConfigError, DataError, OrderError
from admf.run import loop as loop_module
from admf.strategies import BracketScalper, SmaCross
from records_support import differing_fields

FULL = ("orders", "fills", "transitions", "trades", "curve")


@pytest.fixture(scope="module")
def bars() -> admf.Bars:
    return admf.generate(bars=3_000, seed=5)


class EveryBar(admf.CompiledStrategy):
    """An order on every bar, and one that rests for ever on every hundredth."""

    def on_bar(self, ctx):
        if ctx.bar % 100 == 0:
            ctx.buy(1.0, limit=1.0)
        if ctx.position() > 0.0:
            ctx.sell(1.0)
        else:
            ctx.buy(1.0)


def test_market_may_be_given_in_many_ways(bars: admf.Bars) -> None:
    frame = bars.frame
    expected = admf.backtest(admf.Market([bars]), SmaCross()).trace_hash
    for given in (bars, [bars], frame, frame.to_pandas(), frame.to_arrow(), frame.to_dict(as_series=False)):
        assert admf.backtest(given, SmaCross()).trace_hash == expected


def test_instruments_reach_a_market_that_has_none(bars: admf.Bars) -> None:
    market = admf.Market([bars])
    ticked = admf.backtest(market, SmaCross(), instruments=[admf.Instrument("SYM", tick_size=0.5, lot_size=1.0)])
    assert ((ticked.fills["quantity"] % 1.0) == 0.0).all()
    assert ticked.fingerprint != admf.backtest(market, SmaCross()).fingerprint
    assert market.instruments[0].tick_size is None or market.instruments[0].tick_size != 0.5


@pytest.mark.parametrize("record", ["summary", "fills", "full"])
def test_the_record_level_changes_nothing_but_what_is_kept(record: str, bars: admf.Bars) -> None:
    full = admf.backtest(bars, BracketScalper())
    other = admf.backtest(bars, BracketScalper(), record=record)
    assert other.trace_hash == full.trace_hash
    assert other.metrics == {name: full.metrics[name] for name in other.metrics}
    assert other.fingerprint == full.fingerprint


def test_full_logs_are_drained_without_a_trace(bars: admf.Bars, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables fill up dozens of times; nothing is lost, repeated or out of order."""
    expected = admf.backtest(bars, EveryBar())
    monkeypatch.setattr(loop_module, "first_rows", lambda *_: 700)
    monkeypatch.setattr("admf.run.entry.first_rows", lambda *_: 700)
    drained = admf.backtest(bars, EveryBar())
    for name in FULL:
        assert differing_fields(getattr(drained.records, name), getattr(expected.records, name)) == [], name
    assert drained.records.account.hash_0 == expected.records.account.hash_0
    assert drained.metrics == expected.metrics


def test_chunks_leave_no_trace(bars: admf.Bars, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = admf.backtest(bars, BracketScalper())
    monkeypatch.setattr(loop_module, "CHUNK_BARS", 17)
    seen: list[tuple[int, int]] = []
    chunked = admf.backtest(bars, BracketScalper(), progress=lambda done, total: seen.append((done, total)))
    for name in FULL:
        assert differing_fields(getattr(chunked.records, name), getattr(expected.records, name)) == [], name
    assert seen[0] == (17, 3_000)
    assert seen[-1] == (3_000, 3_000)


def test_later_bars_change_nothing_before_them(bars: admf.Bars) -> None:
    """What happened up to a bar does not depend on what follows: cut or replaced."""
    cut = 1_500
    frame = bars.frame
    other = frame.with_columns(
        [pl.when(pl.int_range(pl.len()) >= cut).then(pl.col(name) * 1.5).otherwise(pl.col(name)).alias(name)
         for name in ("open", "high", "low", "close")]
    )  # fmt: skip
    for strategy in (SmaCross(), BracketScalper()):
        full = admf.backtest(frame, strategy, close_positions=False)
        for changed in (admf.backtest(frame.head(cut), strategy, close_positions=False),
                        admf.backtest(other, strategy, close_positions=False)):  # fmt: skip
            fills, curve = full.records.fills, full.records.curve
            mine = changed.records.fills
            assert differing_fields(mine[mine["bar"] < cut], fills[fills["bar"] < cut]) == []
            assert changed.records.curve[:cut].tobytes() == curve[:cut].tobytes()


def test_bad_bar_raise_refuses_the_data_before_the_run() -> None:
    table = {"open": [10.0, 10.0], "high": [11.0, 9.0], "low": [9.0, 8.0], "close": [10.0, 8.5], "volume": [1.0, 1.0]}
    kept = admf.load(table, on_defect="keep")
    with pytest.raises(DataError, match="bar 1"):
        admf.backtest(kept, SmaCross(), execution=admf.Execution(bad_bar="raise"))
    admf.backtest(kept, SmaCross(), execution=admf.Execution(bad_bar="skip"))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"record": "everything"}, "record"),
        ({"execution": "fast"}, "execution"),
        ({"account": {"cash": -5.0}}, "account.cash"),
        ({"account": admf.Account(positions={"OTHER": (1.0, 5.0)})}, "account.positions"),
    ],
)
def test_wrong_arguments_are_config_errors(arguments: dict[str, object], word: str, bars: admf.Bars) -> None:
    with pytest.raises(ConfigError, match=word):
        admf.backtest(bars, SmaCross(), **arguments)  # type: ignore[arg-type]


def test_bad_orders_are_rejected_or_refused(bars: admf.Bars) -> None:
    orders = {"bar": [0, 1, 2], "side": ["buy"] * 3, "quantity": [1.0, -1.0, 5.0]}
    result = admf.simulate(bars, orders)
    assert result.orders["status"].to_list() == ["FILLED", "REJECTED", "FILLED"]
    assert result.orders["reason"][1] == "QUANTITY_NOT_POSITIVE"
    with pytest.raises(OrderError, match="1 of 3 orders"):
        admf.simulate(bars, orders, on_bad_order="error")
    with pytest.raises(ConfigError, match="on_bad_order"):
        admf.simulate(bars, orders, on_bad_order="ignore")  # type: ignore[arg-type]


def test_a_market_with_several_symbols_runs_on_one_clock(bars: admf.Bars) -> None:
    second = admf.Bars(bars.frame.with_columns(pl.col("open", "high", "low", "close") * 2.0), symbol="TWO")
    market = admf.Market([bars, second])
    symbols, sides = ["SYM", "TWO", "TWO"], ["buy", "buy", "sell"]
    orders = {"bar": [5, 5, 9], "symbol": symbols, "side": sides, "quantity": [3.0, 2.0, 2.0]}
    result = admf.simulate(market, orders)
    alone = admf.simulate(bars, {"bar": [5], "side": ["buy"], "quantity": [3.0]})
    assert result.fills["price"][0] == alone.fills["price"][0]
    assert result.fills["price"][1] == 2.0 * alone.fills["price"][0]
    assert np.isclose(result.equity["equity"][-1], result.metrics["final_equity"])
