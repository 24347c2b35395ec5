"""The orders door: what a table may hold, and in which order it is sent."""

import math

import numpy as np
import pytest

from admf.data import Market
from admf_kernels.codes import CommandKind, OrderFlag, OrderType, Side, SizeKind, TimeInForce
from orders_support import PLAIN, SUBMIT, bars_of, one_market, orders_of, read, refusal

CANCEL, REPLACE = CommandKind.CANCEL, CommandKind.REPLACE


# ---------------------------------------------------------------------------------------------------------- defaults


def test_a_plain_table_takes_the_defaults():
    script = read(PLAIN)
    orders = orders_of(script)
    assert list(script.ids) == [0, 1]
    assert orders["side"].tolist() == [Side.BUY, Side.SELL]
    assert set(orders["type"]) == {OrderType.MARKET}
    assert set(orders["time_in_force"]) == {TimeInForce.GTC}
    assert set(orders["size_kind"]) == {SizeKind.QUANTITY}
    assert orders["quantity"].tolist() == [1.0, 2.0]
    assert set(orders["bits"]) == {OrderFlag.OCO_REDUCE}
    assert set(orders["symbol"]) == {0}
    assert set(orders["parent"]) == {-1}
    assert set(orders["oco"]) == {0}
    assert set(orders["expiry"]) == {0}
    assert np.isnan(orders["limit_price"]).all()
    assert np.isnan(orders["stop_price"]).all()
    assert np.isnan(orders["size_amount"]).all()
    assert script.commands["bar"].tolist() == [0, 1]
    assert script.commands["kind"].tolist() == [SUBMIT, SUBMIT]
    assert script.faults(one_market().instrument_records) == []


@pytest.mark.parametrize(
    ("column", "code"), [("side", Side), ("type", OrderType), ("time_in_force", TimeInForce), ("size_kind", SizeKind)]
)
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title, lambda word: f"  {word} "])
def test_every_word_is_read_in_any_case(column, code, spell):
    words = code.words()
    table = {"bar": [0] * len(words), "side": "buy", "quantity": None, column: [spell(word) for word in words]}
    for name, needed in {"size": column == "size_kind", "expires_bar": 0, "expires_after_bars": 0}.items():
        if needed:
            table[name] = [None if word == "quantity" else 0.5 for word in words]
    if column == "time_in_force":
        table["expires_bar"] = [9 if word == "gtd" else None for word in words]
        table["expires_after_bars"] = [3 if word == "gtb" else None for word in words]
    script = read(table)
    assert orders_of(script)[column].tolist() == [member.value for member in code]
    assert script.table[column].to_list() == words


def test_trails_reach_their_fields():
    """A percent of 5 is a share of 0.05; of two distances none counts; other types have none of it."""
    script = read(
        {
            "bar": 0,
            "side": "sell",
            "type": ["trailing_stop", "trailing_stop", "trailing_stop_limit", "market", "limit"],
            "quantity": 1.0,
            "trail_amount": [2.0, 3.0, None, None, None],
            "trail_percent": [None, 4.0, 5.0, None, None],
            "trail_activation_offset": [0.5, None, None, None, None],
            "limit_offset": [None, None, 0.1, None, None],
            "limit_price": [None, None, None, None, 9.0],
            "stop_price": [95.0, None, None, None, None],
            "post_only": [False, False, False, False, True],
        }
    )
    orders = orders_of(script)
    nan = math.nan
    np.testing.assert_array_equal(orders["trail_distance"], [2.0, nan, 0.05, nan, nan])
    np.testing.assert_array_equal(orders["trail_offset"], [0.5, nan, nan, nan, nan])
    np.testing.assert_array_equal(orders["limit_offset"], [nan, nan, 0.1, nan, nan])
    np.testing.assert_array_equal(orders["stop_price"], [95.0, nan, nan, nan, nan])
    bits = orders["bits"] & ~OrderFlag.OCO_REDUCE
    assert bits.tolist() == [0, 0, OrderFlag.TRAIL_PERCENT, 0, OrderFlag.POST_ONLY]
    assert script.table["trail_percent"].to_list() == [None, 4.0, 5.0, None, None]


def test_numbers_reach_their_fields():
    script = read(
        {
            "id": ["a", "b", "c"],
            "bar": [-1, 3, 9],
            "symbol": "AAPL",
            "side": ["buy", "sell", "buy"],
            "type": ["limit", "stop", "stop_limit"],
            "limit_price": [99.0, None, 101.0],
            "stop_price": [None, 98.0, 102.0],
            "quantity": [1, 2, 3],
            "reduce_only": [True, None, False],
            "oco_reduce": [None, False, True],
            "post_only": False,
        }
    )
    orders = orders_of(script)
    np.testing.assert_array_equal(orders["limit_price"], [99.0, math.nan, 101.0])
    np.testing.assert_array_equal(orders["stop_price"], [math.nan, 98.0, 102.0])
    assert orders["bits"].tolist() == [OrderFlag.OCO_REDUCE | OrderFlag.REDUCE_ONLY, 0, OrderFlag.OCO_REDUCE]
    assert orders["submitted_bar"].tolist() == [-1, 3, 9]


def test_sizes_as_money_and_share():
    script = read(
        {
            "bar": [0, 0, 0, 0],
            "side": "buy",
            "quantity": [None, None, None, 5.0],
            "size_kind": ["value", "equity_fraction", "cash_fraction", None],
            "size": [1000.0, 1.0, 0.5, None],
        }
    )
    orders = orders_of(script)
    assert orders["size_kind"].tolist() == [SizeKind.VALUE, SizeKind.EQUITY_FRACTION, SizeKind.CASH_FRACTION, 0]
    np.testing.assert_array_equal(orders["size_amount"], [1000.0, 1.0, 0.5, math.nan])


# --------------------------------------------------------------------------------------------------------------- ids


@pytest.mark.parametrize(
    ("ids", "read_as"),
    [
        ([7, 3], [7, 3]),
        (["x", "7"], ["x", "7"]),
        ([7.0, 3.0], ["7", "3"]),  # pandas holds integers as floats where one is missing elsewhere
        ([" x ", "y"], ["x", "y"]),
    ],
)
def test_ids_are_text_or_integers(ids, read_as):
    script = read({**PLAIN, "id": ids})
    assert list(script.ids) == read_as
    assert script.table["id"].to_list() == read_as


def test_ids_are_unique_and_complete():
    assert "row 1 (id a), id: found 'a'; allowed: an id that no earlier row has" in refusal({**PLAIN, "id": ["a", "a"]})
    assert "row 0" in refusal({**PLAIN, "id": [None, "a"]})
    assert "row 1" in refusal({**PLAIN, "id": ["a", " "]})


# ------------------------------------------------------------------------------------------------------------ clocks


def test_a_timestamp_names_the_bar_it_falls_into():
    stamps = ["2024-01-01T12:00:00", "2024-01-02T00:00:00", "2024-01-04T23:59:00"]
    script = read({"timestamp": stamps, "side": "buy", "quantity": [1, 1, 1]})
    assert orders_of(script)["submitted_bar"].tolist() == [-1, 0, 2]


def test_rows_may_mix_bars_and_timestamps():
    script = read({"bar": [4, None], "timestamp": [None, "2024-01-03"], "side": "buy", "quantity": 1.0})
    assert orders_of(script)["submitted_bar"].tolist() == [4, 1]


@pytest.mark.parametrize("bar", [-2, 10, 2**40])
def test_a_bar_out_of_range_is_refused(bar):
    text = refusal({"bar": [0, bar], "side": "buy", "quantity": 1.0})
    assert f"row 1, bar: found {bar}; allowed: -1 to 9" in text


@pytest.mark.parametrize("column", ["cancel_bar", "replace_bar"])
@pytest.mark.parametrize(("bar", "allowed"), [(-2, "-1 to 9"), (10, "-1 to 9"), (2, "or a later one")])
def test_changes_lie_between_submission_and_end(column, bar, allowed):
    table = {"bar": [3], "side": ["buy"], "quantity": [1.0], column: [bar], "replace_quantity": [2.0]}
    if column == "cancel_bar":
        del table["replace_quantity"]
    assert f"row 0, {column}: found {bar}; allowed: " in refusal(table)
    assert allowed in refusal(table)


def test_each_row_has_one_clock():
    assert "bar: found nothing" in refusal({"bar": [0, None], "side": "buy", "quantity": 1.0})
    both = {"bar": [0], "timestamp": ["2024-01-02"], "side": ["buy"], "quantity": [1.0]}
    assert "either bar or timestamp, not both" in refusal(both)
    assert "column bar: missing" in refusal({"side": ["buy"], "quantity": [1.0]})
    assert "the bars have no timestamps" in refusal(
        {"timestamp": ["2024-01-02"], "side": ["buy"], "quantity": [1.0]}, one_market(dated=False)
    )
    assert "column timestamp" in refusal({"timestamp": ["soon"], "side": ["buy"], "quantity": [1.0]})


# ----------------------------------------------------------------------------------------------------- time in force


def test_expiry_by_bar_stamp_and_count():
    script = read(
        {
            "bar": [0, 0, 0, 0],
            "side": "buy",
            "quantity": 1.0,
            "time_in_force": ["gtd", "gtd", "gtb", "gtc"],
            "expires_bar": [5, None, None, None],
            "expires_at": [None, "2024-01-04T15:00:00", None, None],
            "expires_after_bars": [None, None, 3, None],
        }
    )
    assert orders_of(script)["expiry"].tolist() == [5, 2, 3, 0]


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"time_in_force": ["gtd"]}, "expires_bar: found nothing"),
        ({"time_in_force": ["gtb"]}, "expires_after_bars: found nothing"),
        (
            {"time_in_force": ["gtc"], "expires_bar": [3]},
            "expires_bar: found 3; allowed: nothing, or time_in_force gtd",
        ),
        ({"time_in_force": ["gtd"], "expires_bar": [3], "expires_at": ["2024-01-04"]}, "not both"),
        ({"time_in_force": ["ioc"], "expires_after_bars": [3]}, "nothing, or time_in_force gtb"),
    ],
)
def test_expiry_and_time_in_force_go_together(columns, text):
    assert text in refusal({"bar": [0], "side": ["buy"], "quantity": [1.0], **columns})


def test_day_orders_need_sessions():
    table = {"bar": [0], "side": ["buy"], "quantity": [1.0], "time_in_force": ["day"]}
    assert orders_of(read(table))["time_in_force"].tolist() == [TimeInForce.DAY]
    assert "no day orders: the bars have no timestamps" in refusal(table, one_market(dated=False))


# ------------------------------------------------------------------------------------------------------------- links


def test_parents_and_groups_become_rows_and_numbers():
    script = read(
        {
            "id": ["sl", "tp", "entry", "other"],
            "bar": [0, 0, 0, 0],
            "side": ["sell", "sell", "buy", "buy"],
            "quantity": [None, None, 1.0, 1.0],
            "type": ["stop", "limit", "market", "market"],
            "stop_price": [90.0, None, None, None],
            "limit_price": [None, 110.0, None, None],
            "parent": ["entry", "entry", None, None],
            "oco": ["exits", "exits", None, "else"],
        }
    )
    assert script.orders["tag"].tolist() == [2, 0, 1, 3], "a parent of the same bar is sent before its children"
    assert script.orders["parent"].tolist() == [-1, 0, 0, -1]
    assert script.orders["oco"].tolist() == [0, 1, 1, 2]
    assert script.faults(one_market().instrument_records) == []


def test_parents_by_integer_id():
    script = read(
        {"id": [10, 20], "bar": [0, 1], "side": ["buy", "sell"], "quantity": [1.0, None], "parent": [None, 10]}
    )
    assert script.orders["parent"].tolist() == [-1, 0]


def test_a_group_has_one_symbol():
    market = Market([bars_of("A"), bars_of("B")])
    table = {"bar": [0, 0], "symbol": ["A", "B"], "side": "buy", "quantity": 1.0, "oco": "g"}
    assert "row 1, oco: found 'g'; allowed: orders of one symbol in a group" in refusal(table, market)


def test_deep_chains_are_sent_from_the_root():
    count = 50
    script = read(
        {
            "id": list(range(count)),
            "bar": 0,
            "side": "buy",
            "quantity": 1.0,
            "parent": [*range(1, count), None],
        }
    )
    assert script.orders["tag"].tolist() == list(reversed(range(count)))
    assert script.orders["parent"].tolist() == list(range(-1, count - 1))


# --------------------------------------------------------------------------------------------- cancels and amendments


def test_changes_follow_the_submissions_of_their_bar():
    script = read(
        {
            "bar": [2, 0, 2],
            "side": "buy",
            "type": "limit",
            "limit_price": 99.0,
            "quantity": 1.0,
            "cancel_bar": [None, 2, None],
            "replace_bar": [2, 1, None],
            "replace_limit_price": [98.0, None, None],
            "replace_quantity": [None, 3.0, None],
        }
    )
    commands = script.commands
    assert commands["bar"].tolist() == [0, 1, 2, 2, 2, 2]
    assert commands["kind"].tolist() == [SUBMIT, REPLACE, SUBMIT, SUBMIT, REPLACE, CANCEL]
    assert commands["number"].tolist() == [0, 0, 2, 3, 2, 0], "the script row of the order that is meant"
    np.testing.assert_array_equal(commands["limit_price"], [math.nan] * 4 + [98.0, math.nan])
    np.testing.assert_array_equal(commands["quantity"], [math.nan, 3.0] + [math.nan] * 4)
    assert script.orders["tag"][commands["kind"] == SUBMIT].tolist() == [1, 0, 2]


def test_an_amendment_changes_something():
    table = {"bar": [0], "side": ["buy"], "quantity": [1.0], "replace_bar": [1]}
    assert "beside it one of replace_quantity" in refusal(table)
    table = {"bar": [0], "side": ["buy"], "quantity": [1.0], "replace_quantity": [1.0]}
    assert "nothing, or a replace_bar beside it" in refusal(table)
    table = {"bar": [0], "side": ["buy"], "quantity": [1.0], "replace_bar": [1], "replace_stop_price": [9.0]}
    assert "nothing, or type stop or stop_limit" in refusal(table)


def test_numbers_by_input():
    script = read({**PLAIN, "bar": [1, 0], "cancel_bar": [2, None]})
    assert script.numbers_by_input(np.array([0, 1, -1], np.int32)).tolist() == [1, 0]
    assert script.numbers_by_input(np.array([0, -1, -1], np.int32)).tolist() == [-1, 0]
