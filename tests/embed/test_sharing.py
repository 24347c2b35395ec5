"""`share`: bars are used where they lie, and what cannot be shared is refused with words."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import admf
from admf.embed import Core, share
from admf.errors import DataError
from embed.driving import COLUMNS, market

ARRAYS = {name: getattr(market(500).arrays, name)[:, 0].copy() for name in COLUMNS}
STAMPS = market(500).arrays.timestamp.copy()
for _values in (*ARRAYS.values(), STAMPS):
    _values.flags.writeable = False


def addresses(columns: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: values.__array_interface__["data"][0] for name, values in columns.items()}


def of_market(given: admf.Market) -> dict[str, int]:
    return addresses({name: getattr(given.arrays, name) for name in COLUMNS} | {"timestamp": given.arrays.timestamp})


class Exporter:
    """What another library would be that knows DLPack and nothing of NumPy."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def __dlpack__(self, **options: Any) -> Any:
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._values.__dlpack_device__()


class Capsule:
    """What another library would be that knows the Arrow C interface alone."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


def test_numpy_is_used_where_it_lies() -> None:
    given = share(ARRAYS | {"timestamp": STAMPS})
    assert of_market(given) == addresses(ARRAYS | {"timestamp": STAMPS})
    given = share(ARRAYS | {"timestamp": STAMPS.view("datetime64[ns]")})
    assert of_market(given) == addresses(ARRAYS | {"timestamp": STAMPS})


def test_memory_maps_are_used_where_they_lie(tmp_path: Path) -> None:
    for name, values in ARRAYS.items():
        np.save(tmp_path / f"{name}.npy", values)
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in COLUMNS}
    given = share(mapped)
    assert {name: place for name, place in of_market(given).items() if name in COLUMNS} == addresses(mapped)


def test_dlpack_is_used_where_it_lies() -> None:
    given = share({name: Exporter(values) for name, values in ARRAYS.items()} | {"timestamp": STAMPS})
    assert of_market(given) == addresses(ARRAYS | {"timestamp": STAMPS})


def test_arrow_is_used_where_it_lies() -> None:
    table = pa.table({name: pa.array(values) for name, values in ARRAYS.items()} | {"timestamp": pa.array(STAMPS)})
    buffers = {name: table.column(name).chunk(0).buffers()[1].address for name in table.column_names}
    assert of_market(share(table)) == of_market(share(Capsule(table))) == buffers
    dated = table.set_column(5, "timestamp", table.column("timestamp").cast(pa.timestamp("ns")))
    assert of_market(share(dated))["timestamp"] == dated.column("timestamp").chunk(0).buffers()[1].address


def test_polars_is_used_where_it_lies() -> None:
    frame = pl.DataFrame(ARRAYS | {"timestamp": STAMPS}).with_columns(pl.col("timestamp").cast(pl.Datetime("ns")))
    places = addresses({name: frame[name].to_physical().to_numpy(allow_copy=False) for name in frame.columns})
    assert of_market(share(frame)) == places
    assert of_market(share({name: frame[name] for name in frame.columns})) == places


def test_pandas_is_used_where_it_lies() -> None:
    frame = pd.DataFrame(ARRAYS)
    places = addresses({name: frame[name].to_numpy() for name in COLUMNS})
    if frame["close"].to_numpy().flags.writeable:
        pytest.skip("this pandas hands out writable memory")
    given = of_market(share(frame))
    assert {name: given[name] for name in COLUMNS} == places


def test_a_core_reads_shared_bars_and_its_arrays_go_out_without_a_copy() -> None:
    given = share(ARRAYS)
    core = Core(given)
    assert of_market(given)["close"] == addresses({"close": core.market.close})["close"]
    core.submit("buy", 5)
    core.step(10)
    for rows in (core.fills, core.orders, core.transitions, core.curve, core.account, core.positions):
        own = {name: getattr(core._state, name) for name in core._state._fields}
        assert any(np.shares_memory(rows.view(np.uint8), array.view(np.uint8)) for array in own.values())
        assert not rows.flags.writeable
    price = core.fills["price"]
    out = np.from_dlpack(price)
    assert addresses({"price": out}) == addresses({"price": price})
    arrow = pa.array(core.market.close[:, 0])
    assert arrow.buffers()[1].address == of_market(given)["close"]
    account = core.account
    core.step()
    assert account["bar"][0] == 10  # it shows the moment


def test_the_same_bits_as_from_the_copying_door() -> None:
    orders = [{"bar": 3, "side": "buy", "quantity": 5}, {"bar": 90, "side": "sell", "quantity": 9}]
    shared, copied = (admf.simulate(bars, orders) for bars in (share(ARRAYS), admf.Bars(ARRAYS)))
    assert shared.trace_hash == copied.trace_hash
    assert shared.fingerprint == copied.fingerprint


def changed(name: str, values: Any) -> dict[str, Any]:
    return ARRAYS | {name: values}


REFUSED: list[tuple[Any, str]] = [
    (changed("close", ARRAYS["close"].astype(">f8")), "close: in the byte order of another machine"),
    (changed("close", ARRAYS["close"].astype(np.float32)), "close: not a column that can be shared"),
    (changed("close", np.repeat(ARRAYS["close"], 2)[::2]), "close: not contiguous"),
    (changed("close", ARRAYS["close"].copy()), "close: writable"),
    (changed("close", ARRAYS["close"].reshape(-1, 1)), "close: not one column"),
    (changed("close", ARRAYS["close"][:-1]), "columns of different lengths"),
    (changed("close", ARRAYS["close"].tolist()), "close: cannot be shared"),
    (changed("close", pa.array([None, *ARRAYS["close"][1:]])), "close: has nulls"),
    (changed("close", pa.chunked_array([ARRAYS["close"][:5], ARRAYS["close"][5:]])), "close: in several pieces"),
    (changed("close", pa.array(ARRAYS["close"].astype(np.float32))), "close: not a column that can be shared"),
    (changed("timestamp", STAMPS.astype("datetime64[us]")), "timestamp: not stamps that can be shared"),
    (changed("timestamp", STAMPS.astype(">i8")), "timestamp: not stamps that can be shared"),
    ({name: values for name, values in ARRAYS.items() if name != "low"}, "low"),
    ([ARRAYS], "table: cannot be shared"),
    (changed("high", ARRAYS["low"]), "outside_range|high"),
]


@pytest.mark.parametrize(("table", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_cannot_be_shared_is_refused_with_words(table: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        share(table)
