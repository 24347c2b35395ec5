"""What holds orders: every kind of table and file reads the same, and what is no table is refused by its name."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from admf.data import Market
from admf.errors import OrderError
from admf.orders import read_orders
from data_support import damaged_arrow
from orders_support import PLAIN, bars_of, one_market, orders_of, read, refusal


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


# -------------------------------------------------------------------------------------------------------- what is named


def test_a_damaged_file_is_named(tmp_path):
    pl.DataFrame(PLAIN).write_ipc(tmp_path / "o.arrow")
    damaged_arrow(tmp_path / "o.arrow")
    text = refusal(tmp_path / "o.arrow")
    assert "the file cannot be read as .arrow: its contents are damaged" in text
    assert "o.arrow" in text


def test_a_lazy_frame_that_cannot_be_read(tmp_path):
    assert "the columns do not make a table" in refusal(pl.scan_parquet(tmp_path / "no.parquet"))


@pytest.mark.parametrize("write", [lambda frame, path: frame.write_csv(path), None], ids=["file", "table"])
def test_orders_that_would_be_rejected_name_their_file_and_the_symbols_there_are(tmp_path, write):
    market = Market([bars_of("AAPL"), bars_of("MSFT")])
    table = pl.DataFrame({"bar": [0, 1], "symbol": ["APPL", "MSFT"], "side": "buy", "quantity": 1.0})
    if write is not None:
        write(table, tmp_path / "mine.csv")
    script = read_orders(table if write is None else tmp_path / "mine.csv", market)
    with pytest.raises(OrderError) as caught:
        script.refuse_faults(market.instrument_records)
    text = str(caught.value)
    assert text.startswith("orders: 1 of 2 orders" if write is None else "mine.csv: 1 of 2 orders would be rejected")
    assert "row 0 (id 0), symbol: found 'APPL'; " in text
    assert "(SYMBOL_UNKNOWN); allowed: AAPL, MSFT\n" in text
