"""The door for tables and files: what comes in, under which names, and what is said where it cannot be used."""

import gzip
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from admf.data import Bars, load
from data_support import PRICES, columns_of, damaged_arrow, refusal, renamed, table

CSV = "Date,Open,High,Low,Close,Volume\n2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n"


# ------------------------------------------------------------------------------------------------------------ tables


def naive():
    return table(timestamp=[stamp.replace(tzinfo=None) for stamp in table()["timestamp"]])


FORMS = {
    "polars": lambda: pl.DataFrame(table()),
    "lazy": lambda: pl.DataFrame(table()).lazy(),
    "pandas": lambda: pd.DataFrame(table()),
    "pandas with an index of times": lambda: pd.DataFrame(table()).set_index("timestamp"),
    "pandas with an index without a zone": lambda: pd.DataFrame(naive()).set_index("timestamp").rename_axis(None),
    "pyarrow": lambda: pa.table(table()),
    "arrays": lambda: {name: np.array(values) for name, values in naive().items()},
    "arrays with datetime64": lambda: table(timestamp=np.array(naive()["timestamp"], dtype="datetime64[us]")),
    "rows": lambda: [dict(zip(table(), row, strict=True)) for row in zip(*table().values(), strict=True)],
    "float32": lambda: pl.DataFrame(table()).with_columns(pl.col(pl.Float64).cast(pl.Float32)),
    "integers": lambda: pl.DataFrame(table()).with_columns(pl.col(pl.Float64).cast(pl.Int32)),
    "unsigned": lambda: pl.DataFrame(table()).with_columns(pl.col("volume").cast(pl.UInt64)),
    "decimals": lambda: table(close=[Decimal(11 + row) for row in range(4)]),
    "text": lambda: table(close=["11", " 12.0", "1.3e1", "14 "]),
    "chunks": lambda: pl.concat([pl.DataFrame(table())[:1], pl.DataFrame(table())[1:]], rechunk=False),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_gives_the_same_bars(form):
    bars = load(FORMS[form](), "AAPL")
    assert columns_of(bars) == columns_of(Bars(table(), "AAPL"))
    assert (bars.symbol, bars.dated, bars.has_volume, bars.frequency) == ("AAPL", True, True, "1d")
    for values in (*(bars.column(name) for name in PRICES), bars.volume):
        assert values.dtype == np.float64
        assert values.flags.c_contiguous
        assert not values.flags.writeable


def test_a_missing_value_is_nan_and_an_empty_column_counts_as_absent():
    bars = load(table(volume=[100.0, None, 300.0, 400.0], vwap=[None] * 4))
    assert np.isnan(bars.volume[1])
    assert bars.volume[2] == 300.0
    assert bars.column("vwap") is None
    assert not load(table(volume=[None] * 4)).has_volume


def test_arrays_of_the_caller_are_not_shared():
    close = np.array([11.0, 12.0, 13.0, 14.0])
    bars = load(table(close=close))
    close[:] = -1.0
    assert bars.close.tolist() == [11.0, 12.0, 13.0, 14.0]


def test_a_pandas_frame_is_not_shared():
    frame = pd.DataFrame(table())
    bars = load(frame)
    frame.loc[:, "close"] = -1.0
    assert bars.close.tolist() == [11.0, 12.0, 13.0, 14.0]


def test_without_stamps_the_bar_index_is_the_clock():
    bars = load(table(timestamp=None))
    assert not bars.dated
    assert bars.timestamp.tolist() == [0, 1, 2, 3]
    assert bars.frequency == ""
    assert bars.frame["timestamp"].to_list() == [0, 1, 2, 3]


def test_the_frame_loads_back_to_the_same_bars():
    bars = load(table(spread=[0.1, 0.2, 0.1, 0.2]))
    assert columns_of(load(bars.frame)) == columns_of(bars)


# ------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "names",
    [
        {"timestamp": "Date", "open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"},
        {"timestamp": "time", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"},
        {"timestamp": "Open Time", "open": "OPEN", "high": "HIGH", "low": "LOW", "close": "CLOSE", "volume": "VOL"},
        {"timestamp": "datetime", "close": "Close/Last", "volume": "tick_volume"},
        {"timestamp": "Unix Timestamp", "open": "1. open", "high": "2. high", "low": "3. low", "close": "4. close"},
        {"timestamp": "t", "open": "open_price", "close": "close_price"},
    ],
)
def test_common_spellings_are_recognised_and_reported(names):
    bars = load(renamed(names))
    assert columns_of(bars) == columns_of(load(table()))
    assert bars.renamed == {theirs: ours for ours, theirs in names.items()}
    assert bars.defects.renamed == bars.renamed


def test_what_nothing_reads_is_reported():
    bars = load(table(adj_close=[1.0] * 4, note=["x"] * 4))
    assert bars.ignored == ("adj_close", "note")
    assert bars.defects.ignored == bars.ignored


def test_an_exact_name_goes_before_a_spelling_of_it():
    for columns in (table(Close=[99.0] * 4), {"Close": [99.0] * 4} | table()):
        bars = load(columns)
        assert bars.close.tolist() == [11.0, 12.0, 13.0, 14.0]
        assert bars.ignored == ("Close",)


def test_a_misspelt_column_is_guessed():
    text = refusal(renamed({"open": "Opne", "high": "hihg"}))
    assert "no column open, high" in text
    assert "found 'timestamp, Opne, hihg, low, close, volume'" in text
    assert "did you mean 'Opne' for open, 'hihg' for high?" in text
    assert "needed are open, high, low, close" in text


def test_a_missing_column_without_a_likeness_is_named():
    text = refusal(table(close=None))
    assert "no column close" in text
    assert "did you mean" not in text


def test_a_date_beside_a_time_is_not_guessed_at():
    text = refusal(renamed({"timestamp": "Date"}) | {"Time": ["09:30"] * 4})
    assert "the columns Date and Time share the stamp" in text
    assert "join them" in text


# ----------------------------------------------------------------------------------------------------------- symbols


def test_of_several_symbols_one_is_chosen():
    several = table(symbol=["A", "B", "A", "B"])
    bars = load(several, "B")
    assert bars.symbol == "B"
    assert bars.close.tolist() == [12.0, 14.0]
    assert "2 symbols: A, B; choose one: symbol='A', or --symbol A" in refusal(several)


def test_an_unknown_symbol_is_refused_with_what_is_there():
    text = refusal(table(symbol=["AAPL", "AAPL", "MSFT", "MSFT"]), "APPL")
    assert "no such symbol; found 'APPL'; allowed: AAPL, MSFT; did you mean 'AAPL'?" in text


def test_the_only_symbol_of_a_table_names_the_bars():
    assert load(table(ticker=["IBM"] * 4)).symbol == "IBM"
    assert load(table(symbol=pl.Series(["IBM"] * 4, dtype=pl.Categorical))).symbol == "IBM"
    assert "fill in the symbols" in refusal(table(symbol=[None] * 4))


# ------------------------------------------------------------------------------------------------------------- files

WRITERS = {
    "parquet": lambda frame, path: frame.write_parquet(path, row_group_size=2),
    "csv": lambda frame, path: frame.write_csv(path),
    "csv.gz": lambda frame, path: path.write_bytes(gzip.compress(frame.write_csv().encode())),
    "arrow": lambda frame, path: frame.write_ipc(path),
    "feather": lambda frame, path: frame.write_ipc(path, compression="zstd"),
    "stream.arrow": lambda frame, path: frame.write_ipc_stream(path),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_every_type_of_file_gives_the_same_bars(ending, tmp_path):
    path = tmp_path / f"AAPL_1d.{ending}"
    WRITERS[ending](pl.DataFrame(table() | {"note": ["x"] * 4}), path)
    bars = load(path)
    assert columns_of(bars) == columns_of(load(table()))
    assert columns_of(load(str(path))) == columns_of(bars)
    assert (bars.symbol, bars.ignored) == ("AAPL", ("note",))
    assert load(path, "MSFT").symbol == "MSFT"


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_of_several_symbols(ending, tmp_path):
    path = tmp_path / f"universe.{ending}"
    WRITERS[ending](pl.DataFrame(table(symbol=["A", "B", "A", "B"])), path)
    assert load(path, "A").close.tolist() == [11.0, 13.0]
    assert "2 symbols: A, B" in refusal(path)


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_without_rows(ending, tmp_path):
    path = tmp_path / f"none.{ending}"
    WRITERS[ending](pl.DataFrame(table()).clear(), path)
    assert f"none.{ending}: no rows; give at least one bar" in refusal(path)


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "arrow", "feather"])
def test_an_empty_file(ending, tmp_path):
    path = tmp_path / f"empty.{ending}"
    path.touch()
    assert f"empty.{ending}: the file is empty" in refusal(path)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather"])
def test_a_file_that_is_not_what_its_name_says(ending, tmp_path):
    path = tmp_path / f"wrong.{ending}"
    path.write_text(CSV)
    text = refusal(path)
    assert text.startswith(f"wrong.{ending}: cannot be read as ")
    assert "\n" not in text


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_file_that_is_cut_off(ending, tmp_path):
    path = tmp_path / f"cut.{ending}"
    WRITERS[ending](pl.DataFrame(table(count=1000)), path)
    path.write_bytes(path.read_bytes()[:-100])
    assert "the file must be whole" in refusal(path)


@pytest.mark.parametrize("ending", ["arrow", "feather"])
def test_a_file_that_is_damaged_inside(ending, tmp_path):
    path = tmp_path / f"bad.{ending}"
    pl.DataFrame(table()).write_ipc(path)
    damaged_arrow(path)
    with pytest.raises(pl.exceptions.PanicException):  # which is no Exception
        pl.read_ipc(path)
    text = refusal(path)
    assert text.startswith("bad." + ending + ": cannot be read as Arrow: its contents are damaged; ")
    assert "the file must be whole" in text


def test_an_interrupt_while_reading_is_none_of_the_file(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    path = tmp_path / "a.arrow"
    pl.DataFrame(table()).write_ipc(path)
    monkeypatch.setattr(pl, "read_ipc", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(path)


def test_paths_that_hold_no_bars(tmp_path):
    assert "no such file" in refusal(tmp_path / "nothing.csv")
    assert "not a file" in refusal(tmp_path)
    (tmp_path / "bars.xlsx").write_text(CSV)
    text = refusal(tmp_path / "bars.xlsx")
    assert "this type of file is not read; found '.xlsx'; allowed: .parquet, .csv, .csv.gz, .arrow, .feather" in text


def test_csv_as_people_write_it(tmp_path):
    path = tmp_path / "a[1].csv"
    path.write_text("\ufeff" + CSV)
    bars = load(path)
    assert bars.close.tolist() == [11.0, 12.0]
    assert bars.volume.tolist() == [100.0, 200.0]
    assert bars.frequency == "1d"


def test_csv_with_prices_that_begin_whole(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"{1_704_153_600 + 60 * row},10,12,9,11,{row}" for row in range(500)]
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows, "1704243600,10.5,12,9,11.25,1.5"]))
    bars = load(path)
    assert (bars.open[-1], bars.close[-1], bars.volume[-1]) == (10.5, 11.25, 1.5)
    assert bars.frequency == "1min"


def test_csv_with_text_among_the_prices(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(CSV + "2024-01-04,10,12,n/a,11,100\n")
    text = refusal(path)
    assert "Low: a.csv: text where numbers are expected, first in row 2 (1 in all); found 'n/a'" in text


def test_csv_with_rows_that_are_too_long_or_short(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(CSV + "2024-01-04,10,12,9,11,100,7,7\n")
    assert "a.csv: cannot be read as CSV" in refusal(path)
    path.write_text(CSV + "2024-01-04,10,12\n")
    assert "1 x not_finite" in refusal(path)


def test_csv_that_is_not_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 20)
    assert "a.csv: " in refusal(path)


def test_a_file_that_changes_afterwards_does_not_change_the_bars(tmp_path):
    path = tmp_path / "a.arrow"
    pl.DataFrame(table()).write_ipc(path)
    bars = load(path)
    path.write_bytes(bytes(path.stat().st_size))
    assert columns_of(bars) == columns_of(load(table()))


# ------------------------------------------------------------------------------------------------------- not a table


@pytest.mark.parametrize("wrong", [5, None, np.zeros((3, 5)), b"bars", object()])
def test_what_is_not_a_table(wrong):
    text = refusal(wrong)
    assert f"not a table; found '{type(wrong).__name__}'; allowed: a polars, pandas or pyarrow table" in text


@pytest.mark.parametrize("empty", [{}, [], pl.DataFrame()])
def test_a_table_without_columns(empty):
    assert "no column open, high, low, close; found 'no columns'" in refusal(empty)


def test_tables_that_do_not_fit_together():
    assert "table: cannot be read" in refusal(table(close=[1.0]))
    assert "column names that are not text" in refusal(pd.DataFrame({("a", "open"): [1.0]}))
    assert "table: no rows" in refusal({name: [] for name in table()})


@pytest.mark.parametrize(
    ("values", "found"), [([True] * 4, "Boolean"), (table()["timestamp"], "Datetime"), ([b"1"] * 4, "Binary")]
)
def test_columns_that_are_not_numbers(values, found):
    text = refusal(table(close=values))
    assert "close: table: not a column of numbers" in text
    assert found in text
