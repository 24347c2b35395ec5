"""What the tests of market data share: one small table, and what a refusal says."""

from datetime import UTC, datetime, timedelta

import pytest

from admf.data import Bars, load
from admf.errors import DataError

MINUTE_NS = 60 * 1_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
FIRST_NS = 1_704_153_600 * 1_000_000_000  # 2024-01-02 00:00 UTC, a Tuesday
PRICES = ("open", "high", "low", "close")


def days(count, *, step=timedelta(days=1)):
    """Stamps from 2024-01-02 in UTC."""
    return [datetime(2024, 1, 2, tzinfo=UTC) + step * row for row in range(count)]


def table(count=4, **changes):
    """A clean table of daily bars; a change of None takes the column out."""
    columns = {
        "timestamp": days(count),
        "open": [10.0 + row for row in range(count)],
        "high": [12.0 + row for row in range(count)],
        "low": [9.0 + row for row in range(count)],
        "close": [11.0 + row for row in range(count)],
        "volume": [100.0 * (row + 1) for row in range(count)],
    }
    return {name: values for name, values in (columns | changes).items() if values is not None}


def renamed(names, count=4):
    """The clean table with columns under other names."""
    return {names.get(name, name): values for name, values in table(count).items()}


def refusal(source, *arguments, **options):
    """The text of the one error that `load` raises."""
    with pytest.raises(DataError) as caught:
        load(source, *arguments, **options)
    return str(caught.value)


def columns_of(bars):
    """Every column as bytes, to be compared bit for bit."""
    names = (*PRICES, "volume", "vwap", "spread", "bid", "ask")
    found = {name: bars.column(name) for name in names}
    return {name: values.tobytes() for name, values in found.items() if values is not None} | {
        "timestamp": bars.timestamp.tobytes()
    }


def flat(stamps, symbol="SYM", price=10.0, **columns):
    """Bars at the given stamps, all of one price."""
    prices = {name: [price] * len(stamps) for name in PRICES}
    return Bars({"timestamp": stamps, **prices, **columns}, symbol)


def hourly(*hours):
    """Stamps at hours counted from 2024-01-02 00:00 UTC."""
    return [datetime(2024, 1, 2, tzinfo=UTC) + timedelta(hours=hour) for hour in hours]


def damaged_arrow(path):
    """Changes an Arrow file so that the batch of its footer lies beyond its end: polars panics on it."""
    data = bytearray(path.read_bytes())
    footer = len(data) - 10 - int.from_bytes(data[-10:-6], "little")
    for place in range(footer, len(data) - 34, 4):
        offset, header, body = (int.from_bytes(data[place + 8 * word :][:8], "little") for word in range(3))
        if body and offset + header + body == footer - 8:  # before the end of the stream
            data[place : place + 8] = (2**32 + offset).to_bytes(8, "little")
            path.write_bytes(data)
            return
    raise AssertionError("no batch in the footer")
