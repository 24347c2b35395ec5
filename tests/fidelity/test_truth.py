"""With a truth whose path is known, bias and coverage come out right."""

import numpy as np
import polars as pl
import pytest

import admf
from admf.errors import ConfigError, DataError
from admf.fidelity.coarser import nest
from admf.fidelity.streams import STREAMS, Stream, likely_tick, orders_of, slots_of
from fidelity.walks import walk


@pytest.fixture(scope="module")
def measured() -> admf.fidelity.Fidelity:
    """Our rules, and one whose market orders pay half a percent."""
    dear = admf.Execution(slippage=admf.slippage.bps(50.0), clamp="none")
    return admf.fill_fidelity(walk(30_000, 3), "1min", {"ours": admf.Execution(), "dear": dear})


def test_the_truth_lies_between_worst_and_best(measured: admf.fidelity.Fidelity) -> None:
    assert measured.coverage["outcome_covered"].to_list() == [1.0] * len(STREAMS)
    fixed = measured.coverage.filter(~pl.col("stream").str.contains("trail"))
    assert fixed["profit_covered"].to_list() == [1.0] * (len(STREAMS) - 1)


def test_entries_without_a_jump_fill_at_the_same_price(measured: admf.fidelity.Fidelity) -> None:
    ours = measured.frame.filter(model="ours").filter(~pl.col("stream").str.contains("trail"))
    assert ours["price_bias_bps"].abs().max() == pytest.approx(0.0, abs=1e-9)
    assert ours["only_model"].to_list() == ours["only_truth"].to_list() == [0.0] * len(ours)


def test_a_planted_bias_is_found(measured: admf.fidelity.Fidelity) -> None:
    dear = measured.frame.filter(model="dear", stream="market")
    assert dear["price_bias_bps"].item() == pytest.approx(50.0, abs=0.2)
    assert dear["profit_high_bps"].item() < -90.0  # in and out


def test_some_brackets_are_open_on_coarse_bars(measured: admf.fidelity.Fidelity) -> None:
    narrow = measured.coverage.filter(stream="bracket of 0.5 ranges")
    assert narrow["open"].item() > 0.0
    assert narrow["width_bps"].item() > 0.0
    right = measured.frame.filter(stream="bracket of 0.5 ranges", model="ours")["decisions_right"].item()
    assert 0.5 < right < 1.0


def test_an_open_slot_is_as_on_one_of_the_two_paths() -> None:
    models = {"worst": admf.Execution(), "best": admf.Execution(path="best")}
    narrow = Stream("narrow", "market", width=0.25)
    frame = admf.fill_fidelity(walk(30_000, 3), "1min", models, streams=[narrow]).frame
    assert frame["open_slots"][0] == frame["open_slots"][1] > 10
    assert sum(frame["open_right"]) == pytest.approx(1.0)
    assert 0.0 < frame["open_right"][0] < 1.0


def test_levels_lie_on_ticks() -> None:
    bars = walk(6_000, 1, step=0.25)
    assert likely_tick(bars.open, bars.high, bars.low, bars.close) == 0.25
    coarse = nest(bars, "1min")
    slots = slots_of(coarse.coarse, coarse.sound, 0.25)
    for stream in STREAMS:
        orders = orders_of(stream, slots, np.arange(len(coarse.coarse)))
        prices = np.concatenate(
            [orders[name].drop_nulls() for name in ("limit_price", "stop_price") if name in orders.columns] or [[]]
        )
        assert not (prices % 0.25).any()


def test_a_touch_fills_where_the_price_turned_at_the_limit() -> None:
    models = {"touch": admf.Execution(limit_trigger="touch"), "through": admf.Execution()}
    frame = admf.fill_fidelity(walk(30_000, 3), "1min", models).frame.filter(stream="limit at 1 range")
    assert frame.filter(model="touch")["only_model"].item() > 0.01
    assert frame.filter(model="through")["only_model"].item() == 0.0


def test_the_same_seed_gives_the_same_intervals() -> None:
    bars, models, streams = walk(20_000, 5), {"best": admf.Execution(path="best")}, (Stream("trail", "trail", 1.0),)
    first, again, other = (admf.fill_fidelity(bars, "1min", models, streams=streams, seed=seed) for seed in (4, 4, 5))
    assert first.frame.equals(again.frame)
    assert not first.frame.equals(other.frame)
    low, bias, high = (first.frame[f"profit_{name}_bps"].item() for name in ("low", "bias", "high"))
    assert low < bias < high


def test_too_few_bars_are_refused() -> None:
    with pytest.raises(DataError, match="too few coarse bars"):
        admf.fill_fidelity(walk(1_000, 1), "1min")


def test_no_models_are_refused() -> None:
    with pytest.raises(ConfigError, match="no models"):
        admf.fill_fidelity(walk(20_000, 1), "1min", {})
