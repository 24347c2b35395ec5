"""Round trips and FIFO lots with their excursions, against naive readings."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import admf
from admf.results.excursions import BLOCK, range_maximum
from results_support import busy_run, market_of, naive_excursions, naive_lots, small_run


@pytest.fixture(scope="module")
def busy():
    return busy_run(close_positions=True)


def test_one_long_round_trip_by_hand():
    """A-09. Bought at 50 and 52 (2 + 2 units), sold at 57: high and low are 1 beyond open and close."""
    orders = [
        {"bar": 0, "side": "buy", "quantity": 2},
        {"bar": 2, "side": "buy", "quantity": 2},
        {"bar": 4, "side": "sell", "quantity": 4},
    ]
    result = small_run(market_of([50, 48, 52, 55, 57, 56], multiplier=10.0), orders)
    (trade,) = result.trades.to_dicts()
    assert (trade["symbol"], trade["side"], trade["quantity"]) == ("AAPL", "long", 4.0)
    assert (trade["entry_bar"], trade["exit_bar"], trade["bars_held"]) == (1, 5, 4)
    assert (trade["entry_price"], trade["exit_price"]) == (51.0, 57.0)
    assert trade["pnl"] == (57.0 - 51.0) * 4 * 10.0
    assert trade["return_ratio"] == trade["pnl"] / (51.0 * 4 * 10.0)
    assert trade["mae"] == 47.0 - 51.0  # low of bar 2; the low of the entry bar may lie before the entry
    assert trade["mfe"] == 58.0 - 51.0  # high of bar 4
    assert trade["entry_timestamp"].isoformat() == "2024-01-02T00:00:00+00:00"


def test_fifo_lots_by_hand():
    orders = [
        {"bar": 0, "side": "buy", "quantity": 2},
        {"bar": 1, "side": "buy", "quantity": 3},
        {"bar": 2, "side": "sell", "quantity": 4},
        {"bar": 3, "side": "sell", "quantity": 5},
    ]
    rules = admf.Execution(commission=admf.commission.per_order(6.0))
    result = small_run(market_of([50, 52, 54, 56, 58]), orders, execution=rules)
    lots = result.trades_fifo.select("side", "quantity", "entry_price", "exit_price", "pnl", "commission").rows()
    assert lots == [
        ("long", 2.0, 50.0, 54.0, 8.0 - 9.0, 9.0),  # all of the first fill's fee, half of the sale's
        ("long", 2.0, 52.0, 54.0, 4.0 - 7.0, 7.0),  # two thirds of 6, half of 6
        ("long", 1.0, 52.0, 56.0, 4.0 - 8.0, 8.0),  # a third of 6, all of the closing fill's 6: a reversal is two fills
    ]
    assert result.trades_fifo["entry_fill"].to_list() == [0, 1, 1]
    assert result.trades_fifo["exit_fill"].to_list() == [2, 2, 3]


def test_fifo_lots_are_those_matched_one_by_one(busy):
    held = busy.records.account_value.positions
    expected = naive_lots(busy.fills, held)
    found = busy.trades_fifo.group_by("symbol", "entry_fill", "exit_fill").agg(pl.col("quantity").sum()).rows()
    assert {row[:3]: round(row[3] * 100) for row in found} == expected
    assert len(expected) > 50
    assert any(entry is None for _, entry, _ in expected)  # the initial short position


def test_fifo_lots_take_prices_and_costs_of_their_fills(busy):
    fills = busy.fills.select("fill_id", "price", "bar", unit_fee=pl.col("commission") / pl.col("quantity"))
    lots = busy.trades_fifo.join(fills, left_on="entry_fill", right_on="fill_id").join(
        fills, left_on="exit_fill", right_on="fill_id", suffix="_exit"
    )
    assert lots["entry_price"].equals(lots["price"])
    assert lots["exit_price"].equals(lots["price_exit"])
    assert lots["entry_bar"].equals(lots["bar"])
    assert lots["exit_bar"].equals(lots["bar_exit"])
    fee = lots["quantity"] * (lots["unit_fee"] + lots["unit_fee_exit"])
    assert lots["commission"].to_list() == pytest.approx(fee.to_list(), rel=1e-12)


def test_lots_and_round_trips_earn_the_same_in_all(busy):
    for column in ("pnl", "commission"):
        total = busy.trades[column].sum()
        assert busy.trades_fifo[column].sum() == pytest.approx(total, abs=1e-9)
    assert busy.trades["commission"].sum() == pytest.approx(busy.metrics["commission"], abs=1e-9)


@pytest.mark.parametrize("frame", ["trades", "trades_fifo"])
def test_excursions_are_those_of_the_prices_in_between(busy, frame):
    trades = getattr(busy, frame)
    for trade in trades.iter_rows(named=True):
        adverse, favourable = naive_excursions(busy.records.market, trade)
        assert (trade["mae"], trade["mfe"]) == (adverse, favourable)
    assert trades["mae"].min() < 0.0 < trades["mfe"].max()
    assert (trades["bars_held"] > 2 * BLOCK).any()


def test_bad_bars_do_not_count_as_excursions():
    market = market_of([50, 51, 52, 53, 54, 55])
    table = {name: getattr(market.arrays, name)[:, 0].copy() for name in ("open", "high", "low", "close")}
    table["low"][3] = -1.0
    spoilt = admf.Market(admf.load(table, "AAPL", on_defect="keep"))
    orders = [{"bar": 0, "side": "buy", "quantity": 1}, {"bar": 4, "side": "sell", "quantity": 1}]
    (trade,) = small_run(spoilt, orders).trades.to_dicts()
    assert trade["mae"] == 0.0
    assert trade["mfe"] == 55.0 - 50.0


@given(
    values=st.lists(st.integers(-50, 50), min_size=1, max_size=6 * BLOCK),
    pairs=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=20),
)
def test_range_maximum_is_the_maximum_of_the_slice(values, pairs):
    bounds = [sorted((a % (len(values) + 1), b % (len(values) + 1))) for a, b in pairs]
    start, stop = (np.array([pair[i] for pair in bounds], dtype=np.intp) for i in (0, 1))
    found = range_maximum(np.array(values, dtype=np.float64), start, stop)
    assert found.tolist() == [max(values[a:b], default=-np.inf) for a, b in bounds]
