"""`bounds=True`: both paths, what lies between them (W-10); and why orders did not fill (U-01)."""

import math

import polars as pl
import pytest

import admf
from admf.results.bounds import FIGURES
from admf.strategies import BracketScalper
from records_support import differing_fields

FLAT = (10.0, 10.0, 10.0, 10.0)
WIDE = (10.0, 12.0, 8.0, 10.0)
BOTH = admf.Execution(bounds=True)
UNFILLED = ("not_touched", "capped", "no_volume", "funds", "bad_bar", "clamp")


def market(*bars, volume=1_000.0, **instrument):
    table = dict(zip(("open", "high", "low", "close"), zip(*bars, strict=True), strict=True))
    loaded = admf.load({**table, "volume": [volume] * len(bars)}, on_defect="keep")
    return admf.Market(loaded, instruments=[admf.Instrument("SYM", **instrument)])


def bracket(name="in", bar=0, **more):
    """A buy at the next open with a stop at 9 and a target at 11 that cancel each other."""
    exits = {"bar": bar, "side": "sell", "parent": name, "oco": f"exits of {name}"}
    return [
        {"id": name, "bar": bar, "side": "buy", "quantity": 5.0} | more,
        {"id": f"stop of {name}", "type": "stop", "stop_price": 9.0} | exits,
        {"id": f"target of {name}", "type": "limit", "limit_price": 11.0} | exits,
    ]


@pytest.mark.parametrize("path", ["worst", "best"])
def test_a_bracket_that_one_bar_reaches_on_both_sides(path):
    """W-10: out at 9 or at 11: 2 a unit are at stake, for 5 units of 3 money each."""
    bars = market(FLAT, WIDE, FLAT, FLAT, multiplier=3.0)
    result = admf.simulate(bars, bracket(), execution=BOTH.replace(path=path))
    assert result.bounds is not None
    figures = result.bounds.to_dict()
    assert figures["worst"]["final_equity"] == 100_000.0 - 15.0
    assert figures["best"]["final_equity"] == 100_000.0 + 15.0
    assert result.bounds.money_between == 30.0
    for run in figures.values():
        found = [run[name] for name in ("ambiguous_groups", "ambiguous_bars", "ambiguous_share", "at_stake")]
        assert found == [1, 1, 0.25, 30.0]
    assert math.isnan(figures["worst"]["entry_bar_profit_share"])
    assert figures["best"]["entry_bar_profit_share"] == 1.0
    own = getattr(result.bounds, path)
    assert own is result
    assert result.fills["ambiguous"].to_list() == [False, True]
    assert result.trades["ambiguous"].to_list() == [True]
    assert result.trades_fifo["ambiguous"].to_list() == [True]


def test_what_is_certain_is_not_at_stake():
    """W-10: a stop in one bar, a target in another; only the last trade can go both ways."""
    bars = market(FLAT, FLAT, (10.0, 10.5, 8.5, 10.0), FLAT, FLAT, WIDE, FLAT)
    result = admf.simulate(bars, bracket() + bracket("again", 3), execution=BOTH)
    assert result.bounds is not None
    assert result.trades["ambiguous"].to_list() == [False, True]
    assert result.metrics["at_stake"] == 10.0
    assert result.bounds.best.metrics["entry_bar_profit_share"] == 0.0


def test_what_is_at_stake_for_sized_and_opening_orders():
    """W-10, W-08, A-06: the units are known only at the fill; of two rivals the difference counts too."""
    sized = bracket(size_kind="value", size=50.0, type="stop", stop_price=11.0)
    del sized[0]["quantity"]
    sized[2]["limit_price"] = 11.5
    bars = market(FLAT, WIDE, FLAT)
    found = admf.simulate(bars, sized, execution=BOTH)
    units = found.fills["quantity"][0]
    assert units == 50.0 / 11.0
    assert found.metrics["at_stake"] == (11.5 - 9.0) * units
    rivals = [
        {"bar": 0, "side": "buy", "type": "stop", "stop_price": 11.0, "quantity": 4.0, "oco": "g"},
        {"bar": 0, "side": "buy", "type": "limit", "limit_price": 9.0, "quantity": 4.0, "oco": "g"},
    ]
    result = admf.simulate(bars, rivals, execution=BOTH)
    assert result.bounds is not None
    worst, best = result.bounds.worst, result.bounds.best
    assert (worst.fills["price"][0], best.fills["price"][0]) == (11.0, 9.0)
    assert worst.metrics["at_stake"] == best.metrics["at_stake"] == 8.0


def test_no_bounds_unless_asked_for():
    assert admf.simulate(market(FLAT, WIDE), bracket()).bounds is None


@pytest.mark.parametrize("record", ["full", "summary"])
def test_each_run_is_the_run_on_its_path(record):
    bars = admf.generate(bars=4_000, seed=3)
    seen = []
    result = admf.backtest(
        bars, BracketScalper(), execution=BOTH, record=record, progress=lambda done, total: seen.append((done, total))
    )
    assert result.bounds is not None
    assert seen == [(4_000, 8_000), (8_000, 8_000)]
    for path in ("worst", "best"):
        alone = admf.backtest(bars, BracketScalper(), execution=admf.Execution(path=path))
        run = getattr(result.bounds, path)
        assert run.trace_hash == alone.trace_hash
        assert {name: run.metrics[name] for name in FIGURES} == {name: alone.metrics[name] for name in FIGURES}
        if record == "full":
            assert differing_fields(run.records.fills, alone.records.fills) == []
    assert result.bounds.worst.metrics["ambiguous_bars"] > 0


def test_the_bounds_are_shown_and_stored(tmp_path):
    account = admf.Account(cash=1_000.0)
    result = admf.simulate(market(FLAT, WIDE, FLAT), bracket(), execution=BOTH, account=account)
    page = str(result.summary())
    assert "Bounds: worst path, best path" in page
    assert "-0.50 %, +0.50 %" in page
    frame = result.bounds.frame
    assert frame.columns == ["metric", "worst", "best"]
    assert frame["metric"].to_list() == list(FIGURES)
    assert frame.row(0) == ("final_equity", 995.0, 1_005.0)
    assert result.to_dict()["bounds"]["best"]["final_equity"] == 1_005.0
    assert '"bounds"' in (result.to_parquet(tmp_path / "run") / "run.json").read_text()
    assert admf.simulate(market(FLAT, WIDE), bracket()).to_dict()["bounds"] is None


# ---------------------------------------------------------------------------------------------------- what did not fill


@pytest.mark.parametrize(
    ("order", "rules", "bars", "volume", "counts"),
    [
        ({"type": "limit", "limit_price": 7.0}, {}, [WIDE, WIDE], 1_000.0, {"not_touched": 2}),
        ({}, {}, [WIDE, WIDE], 0.0, {"no_volume": 2}),
        ({"quantity": 100.0, "time_in_force": "fok"}, {"volume_limit": 0.05}, [WIDE], 1_000.0, {"capped": 1}),
        ({"quantity": 20.0}, {"volume_limit": 0.01, "min_fill": 15.0}, [WIDE, WIDE], 1_000.0, {"capped": 2}),
        ({"quantity": 1e6}, {"cash_submit": "none", "cash_fill": "skip_and_retry"}, [WIDE] * 2, 1e9, {"funds": 2}),
        ({}, {}, [(10.0, 8.0, 12.0, 10.0), FLAT], 1_000.0, {"bad_bar": 1}),
        (
            {},
            {"slippage": admf.slippage.fixed(5.0), "clamp_fail": "skip_bar"},
            [WIDE, WIDE, WIDE],
            1_000.0,
            {"clamp": 3},
        ),
        ({}, {"latency_bars": 1}, [WIDE, WIDE], 1_000.0, {}),
    ],
)
def test_why_an_order_did_not_fill(order, rules, bars, volume, counts):
    """U-01."""
    row = {"bar": 0, "side": "buy", "quantity": 5.0} | order
    execution = admf.Execution(**rules)
    result = admf.simulate(market(FLAT, *bars, volume=volume), [row], execution=execution)
    expected = {f"unfilled_{cause}": counts.get(cause, 0) for cause in UNFILLED}
    assert result.orders.select(pl.col("^unfilled_.*$")).to_dicts() == [expected]
    assert {name: result.metrics[name] for name in expected} == expected
    brief = admf.simulate(market(FLAT, *bars, volume=volume), [row], execution=execution, record="summary")
    assert {name: brief.metrics[name] for name in expected} == expected


def test_the_run_sums_what_its_orders_count():
    """U-01, over a run that has some of each."""
    rules = admf.Execution(volume_limit=0.02, min_fill=60.0)
    result = admf.backtest(admf.generate(bars=3_000, seed=2), BracketScalper(), execution=rules)
    sums = result.orders.select(pl.col("^unfilled_.*$").sum()).to_dicts()[0]
    assert sums == {name: result.metrics[name] for name in sums}
    assert sums["unfilled_not_touched"] > 0
    assert sums["unfilled_capped"] > 0
    assert "bars unfilled: capped" in str(result.summary())
