"""The orders door: what a table may hold, in which order it is sent, and what is said about a wrong one."""

import json
import math
import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from admf.data import Bars, Instrument, Market
from admf.errors import OrderError
from admf.orders import read_orders
from admf_kernels.codes import (
    CommandKind,
    OrderFlag,
    OrderType,
    Reason,
    Side,
    SizeKind,
    TimeInForce,
)

SUBMIT, CANCEL, REPLACE = -1, CommandKind.CANCEL, CommandKind.REPLACE


def bars_of(symbol="AAPL", count=10, *, dated=True):
    table = {name: np.full(count, 100.0) for name in ("open", "high", "low", "close")}
    if dated:
        start = datetime(2024, 1, 2, tzinfo=UTC)
        table["timestamp"] = pl.datetime_range(start, start.replace(day=1 + count), "1d", eager=True, time_unit="us")
    return Bars(table, symbol)


def one_market(*, dated=True):
    return Market(bars_of(dated=dated))


def orders_of(script):
    """The submitted orders by input row."""
    orders = script.orders[script.commands["kind"] == SUBMIT]
    return orders[np.argsort(orders["tag"])]


def read(table, market=None):
    return read_orders(table, one_market() if market is None else market)


def refusal(table, market=None):
    with pytest.raises(OrderError) as caught:
        read(table, market)
    assert caught.value.exit_code == 2
    return str(caught.value)


PLAIN = {"bar": [0, 1], "side": ["buy", "sell"], "quantity": [1.0, 2.0]}


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


# ------------------------------------------------------------------------------------------------ what is refused whole


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"qty": [1.0]}, "column qty: unknown; did you mean quantity?"),
        ({"Limit": [1.0]}, "column Limit: unknown; did you mean limit_price?"),
        ({"sidee": ["buy"]}, "column sidee: unknown; did you mean side?"),
        ({"zzz": [1]}, "column zzz: unknown; allowed: id, symbol, parent"),
        ({"side": ["hold"]}, "row 0, side: found 'hold'; allowed: buy, sell"),
        ({"side": [None]}, "row 0, side: found nothing; allowed: buy, sell"),
        ({"type": ["lmit"]}, "row 0, type: found 'lmit'; allowed: market, limit, stop, stop_limit"),
        (
            {"type": ["trailing_stop"]},
            "found 'trailing_stop'; allowed: market, limit, stop, stop_limit (this type is not",
        ),
        ({"type": ["Market_On_Close"]}, "(this type is not built yet)"),
        ({"trail_amount": [1.0]}, "trail_amount: found 1.0; allowed: nothing: trailing orders are not built yet"),
        ({"post_only": [True]}, "post_only: found True; allowed: false: post-only orders are not built yet"),
        ({"time_in_force": ["gtx"]}, "row 0, time_in_force: found 'gtx'; allowed: gtc, day, ioc, fok, gtd, gtb"),
        ({"quantity": ["many"]}, "row 0, quantity: found 'many'; allowed: a number"),
        ({"bar": [0.5]}, "row 0, bar: found 0.5; allowed: a whole number"),
        ({"bar": ["x"]}, "row 0, bar: found 'x'; allowed: a whole number"),
        ({"reduce_only": ["perhaps"]}, "reduce_only: found 'perhaps'; allowed: true, false"),
        ({"limit_price": [5.0]}, "limit_price: found 5.0; allowed: nothing, or type limit or stop_limit"),
        ({"size_kind": ["value"], "size": [5.0]}, "quantity: found 1.0; allowed: nothing where size_kind"),
        ({"size": [5.0]}, "size: found 5.0; allowed: nothing, or a size_kind beside it: value, equity_fraction, cash"),
    ],
)
def test_a_wrong_table_names_field_value_and_what_is_allowed(columns, text):
    assert text in refusal({"bar": [0], "side": ["buy"], "quantity": [1.0], **columns})


def test_every_fault_is_listed_at_once_by_row():
    text = refusal(
        {
            "id": ["a", "b", "c"],
            "bar": [0, 99, 0],
            "side": ["buy", "hold", "sell"],
            "quantity": ["1", "2", "x"],
            "colour": ["red", "red", "red"],
        }
    )
    assert "4 faults in 3 rows; nothing was run" in text
    rows = re.findall(r"column colour|row \d \(id \w\), \w+", text)
    assert rows == ["column colour", "row 1 (id b), bar", "row 1 (id b), side", "row 2 (id c), quantity"]


def test_a_long_list_is_cut_and_counted():
    text = refusal({"bar": [99] * 1000, "side": "buy", "quantity": 1.0})
    assert text.count("row ") == 20
    assert "1000 faults in 1000 rows" in text
    assert "… and 980 more" in text


def test_a_missing_column_is_named():
    assert "column quantity: missing" in refusal({"bar": [0], "side": ["buy"]})
    assert "side: found nothing" in refusal({"bar": [0], "quantity": [1.0]})
    market = Market([bars_of("A"), bars_of("B")])
    assert "column symbol: missing" in refusal(PLAIN, market)
    assert "row 1, symbol: found nothing" in refusal({**PLAIN, "symbol": ["A", None]}, market)


def test_an_empty_table_is_no_orders():
    for table in ({}, [], pl.DataFrame(), {"bar": [], "side": [], "quantity": []}):
        script = read(table)
        assert len(script) == 0
        assert len(script.commands) == 0


# ----------------------------------------------------------------------------------- what single orders do wrong (L-02)


@pytest.mark.parametrize(
    ("columns", "column", "found", "reason"),
    [
        ({"quantity": [0.0]}, "quantity", 0.0, Reason.QUANTITY_NOT_POSITIVE),
        ({"quantity": [-1.0]}, "quantity", -1.0, Reason.QUANTITY_NOT_POSITIVE),
        ({"quantity": [None]}, "quantity", None, Reason.QUANTITY_NOT_POSITIVE),
        ({"quantity": [math.inf]}, "quantity", math.inf, Reason.QUANTITY_NOT_POSITIVE),
        ({"quantity": [0.5]}, "quantity", 0.5, Reason.BELOW_LOT),
        ({"type": ["limit"]}, "limit_price", None, Reason.LIMIT_PRICE_MISSING),
        ({"type": ["limit"], "limit_price": [-5.0]}, "limit_price", -5.0, Reason.LIMIT_PRICE_MISSING),
        ({"type": ["stop"], "stop_price": [0.0]}, "stop_price", 0.0, Reason.STOP_PRICE_MISSING),
        ({"type": ["stop_limit"], "limit_price": [9.0]}, "stop_price", None, Reason.STOP_PRICE_MISSING),
        ({"symbol": ["GME"]}, "symbol", "GME", Reason.SYMBOL_UNKNOWN),
        ({"parent": ["nobody"]}, "parent", "nobody", Reason.PARENT_UNKNOWN),
        ({"id": ["me"], "parent": ["me"]}, "parent", "me", Reason.PARENT_UNKNOWN),
        (
            {"time_in_force": ["gtb"], "expires_after_bars": [0]},
            "expires_after_bars",
            0,
            Reason.TIME_IN_FORCE_UNKNOWN,
        ),
        ({"quantity": [None], "size_kind": ["value"], "size": [-1.0]}, "size", -1.0, Reason.SIZE_UNKNOWN),
    ],
)
def test_an_order_at_fault_goes_through_and_is_listed(columns, column, found, reason):
    market = Market(bars_of(), instruments=Instrument("AAPL", lot_size=1.0))
    script = read({"bar": [0], "side": ["buy"], "quantity": [1.0], **columns}, market)
    (bad,) = script.faults(market.instrument_records)
    assert (bad.row, bad.column, bad.found, bad.reason) == (0, column, found, reason)


def test_parents_that_come_too_late_or_never():
    script = read(
        {
            "id": ["child", "late", "ring1", "ring2", "tail"],
            "bar": [0, 1, 0, 0, 0],
            "side": "buy",
            "quantity": 1.0,
            "parent": ["late", None, "ring2", "ring1", "ring1"],
        }
    )
    bad = script.faults(one_market().instrument_records)
    assert [(order.id, order.reason) for order in bad] == [
        (name, Reason.PARENT_UNKNOWN) for name in ("child", "ring1", "ring2", "tail")
    ]


def test_a_child_of_another_symbol_is_at_fault():
    market = Market([bars_of("A"), bars_of("B")])
    table = {
        "id": ["p", "c"],
        "bar": [0, 0],
        "symbol": ["A", "B"],
        "side": "buy",
        "quantity": 1.0,
        "parent": [None, "p"],
    }
    (bad,) = read(table, market).faults(market.instrument_records)
    assert (bad.id, bad.reason) == ("c", Reason.PARENT_UNKNOWN)


def test_bad_orders_as_one_error():
    market = one_market()
    script = read({"id": ["a", "b", "c"], "bar": [2, 1, 0], "side": "buy", "quantity": [0.0, 1.0, -1.0]}, market)
    with pytest.raises(OrderError) as caught:
        script.refuse_faults(market.instrument_records)
    text = str(caught.value)
    assert "2 of 3 orders would be rejected; nothing was run" in text
    assert text.index("row 0 (id a), quantity: found 0.0") < text.index("row 2 (id c), quantity: found -1.0")
    assert "QUANTITY_NOT_POSITIVE" in text
    assert "--on-bad-order reject" in text
    read(PLAIN, market).refuse_faults(market.instrument_records)


# ------------------------------------------------------------------------------------------------------ kinds of tables


def test_every_kind_of_table_reads_the_same(tmp_path):
    frame = pl.DataFrame(
        {
            "id": ["a", "b"],
            "bar": [0, 1],
            "side": ["buy", "sell"],
            "type": ["limit", "market"],
            "quantity": [1.0, 2.0],
            "limit_price": [99.5, None],
            "parent": [None, "a"],
            "reduce_only": [False, True],
        }
    )
    frame.write_parquet(tmp_path / "o.parquet")
    frame.write_csv(tmp_path / "o.csv")
    frame.write_ipc(tmp_path / "o.arrow")
    frame.write_ipc_stream(tmp_path / "o.feather")
    (tmp_path / "o.json").write_text(json.dumps(frame.to_dicts()))
    tables = [
        frame,
        frame.lazy(),
        frame.to_pandas(),
        frame.to_arrow(),
        frame.to_dict(as_series=False),
        {name: frame[name].to_numpy() for name in frame.columns},
        frame.to_dicts(),
        [{name: value for name, value in row.items() if value is not None} for row in frame.to_dicts()],
        *(tmp_path / f"o.{kind}" for kind in ("parquet", "csv", "arrow", "feather", "json")),
        str(tmp_path / "o.csv"),
    ]
    expected = read(frame)
    for table in tables:
        script = read(table)
        assert script.commands.tobytes() == expected.commands.tobytes(), table
        assert script.orders.tobytes() == expected.orders.tobytes(), table
        assert list(script.ids) == ["a", "b"]


def test_pandas_integers_with_gaps_are_whole():
    frame = pd.DataFrame({"id": [1, 2], "bar": [0, 0], "side": "buy", "quantity": 1.0, "parent": [None, 1]})
    assert read(frame).orders["parent"].tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: path / "no.csv", "no such file"),
        (lambda path: touch(path / "o.csv"), "the file is empty"),
        (lambda path: touch(path / "o.xls", "x"), "not a kind of file that holds orders"),
        (lambda path: touch(path / "o.parquet", "not parquet"), "cannot be read as .parquet"),
        (lambda path: touch(path / "o.json", "{]"), "cannot be read as .json"),
        (lambda _: 5, "not a table of orders"),
        (lambda _: {"bar": [0, 1], "side": ["buy"]}, "the columns do not make a table"),
    ],
)
def test_what_is_no_table(tmp_path, make, text):
    assert text in refusal(make(tmp_path))


def touch(path, content=""):
    path.write_text(content)
    return path


def test_the_callers_arrays_are_neither_kept_nor_changed():
    quantity = np.array([1.0, 2.0])
    script = read({**PLAIN, "quantity": quantity})
    quantity[:] = 7.0
    assert orders_of(script)["quantity"].tolist() == [1.0, 2.0]
    assert script.table["quantity"].to_list() == [1.0, 2.0]


def test_the_normalised_table_has_words_and_defaults():
    table = read({**PLAIN, "type": ["LIMIT", None], "limit_price": ["99.5", ""], "reduce_only": ["yes", "0"]}).table
    assert table["type"].to_list() == ["limit", "market"]
    assert table["time_in_force"].to_list() == ["gtc", "gtc"]
    assert table["symbol"].to_list() == ["AAPL", "AAPL"]
    assert table["limit_price"].to_list() == [99.5, None]
    assert table["reduce_only"].to_list() == [True, False]


def test_a_million_rows_take_seconds():
    """No work per row in Python: ten million steps of it would take longer than this."""
    count = 1_000_000
    market = one_market()
    row = np.arange(count)
    side = pl.Series(["buy", "sell"]).gather(pl.Series(row % 2))
    table = pa.table(
        {
            "id": row,
            "bar": row % 10,
            "side": side.to_arrow(),
            "quantity": np.full(count, 2.0),
            "parent": pl.Series(row - 10).set(pl.Series(row % 20 < 10), None).to_arrow(),
        }
    )
    start = datetime.now(UTC)
    script = read_orders(table, market)
    elapsed_s = (datetime.now(UTC) - start).total_seconds()
    assert len(script) == count
    assert elapsed_s < 8.0
    assert np.all(np.diff(script.commands["bar"]) >= 0)
    children = script.orders["parent"] >= 0
    assert np.array_equal(script.orders["tag"][script.orders["parent"][children]], script.orders["tag"][children] - 10)
