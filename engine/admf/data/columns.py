"""Which column of a table is which: the spellings people use, and the numbers behind them."""

from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.errors import DataError

FloatArray = NDArray[np.float64]

PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume", "vwap", "spread", "bid", "ask")

# Spellings without case, blanks and punctuation; where a table has two of them the one further left is taken.
SPELLINGS = {
    "timestamp": ("timestamp", "datetime", "unixtimestamp", "unixtime", "unix", "opentime", "ts", "t", "time", "date"),
    "open": ("open", "openprice", "o", "1open"),
    "high": ("high", "highprice", "h", "2high"),
    "low": ("low", "lowprice", "l", "3low"),
    "close": ("close", "closeprice", "c", "4close", "closelast"),
    "volume": ("volume", "vol", "v", "5volume", "tickvolume", "basevolume"),
    "vwap": ("vwap", "vw", "weightedprice"),
    "spread": ("spread",),
    "bid": ("bid", "bidprice", "bidclose"),
    "ask": ("ask", "askprice", "askclose", "offer"),
    "symbol": ("symbol", "ticker", "sym"),
}


class Recognised(NamedTuple):
    """What the columns of a table are."""

    names: dict[str, str]  # our name -> the table's name
    renamed: dict[str, str]  # the table's name -> our name, where they differ
    ignored: tuple[str, ...]  # the table's columns that nothing reads


def plain(name: str) -> str:
    """A column name without case, blanks and punctuation."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def recognise(found: list[str], source: str) -> Recognised:
    """Match the columns of a table with ours; the four prices are needed, all else is optional."""
    spelled = {plain(name): name for name in reversed(found)}
    names = {}
    for field, spellings in SPELLINGS.items():
        match = field if field in found else next((spelled[word] for word in spellings if word in spelled), None)
        if match is not None:
            names[field] = match
    missing = [field for field in PRICES if field not in names]
    if missing:
        raise missing_columns(missing, [name for name in found if name not in names.values()], found, source)
    if {"date", "time"} <= spelled.keys() and names["timestamp"] in (spelled["date"], spelled["time"]):
        message = f"{source}: the columns {spelled['date']} and {spelled['time']} share the stamp"
        raise DataError(message, field="timestamp", remedy="join them into one column named timestamp")
    renamed = {name: field for field, name in names.items() if name != field}
    return Recognised(names, renamed, tuple(name for name in found if name not in names.values()))


def missing_columns(missing: list[str], unread: list[str], found: list[str], source: str) -> DataError:
    """What is missing, what is there, and which of the columns that nothing reads may be meant."""
    words = {plain(name): name for name in unread}
    likely = {field: get_close_matches(field, words, n=1, cutoff=0.6) for field in missing}
    meant = [f"{words[match[0]]!r} for {field}" for field, match in likely.items() if match]
    guess = f"did you mean {', '.join(meant)}? " if meant else ""
    remedy = f"{guess}rename the columns; needed are {', '.join(PRICES)}"
    return DataError(f"{source}: no column {', '.join(missing)}", found=", ".join(found) or "no columns", remedy=remedy)


def to_floats(series: pl.Series, source: str) -> FloatArray:
    """A column as contiguous float64, shape (rows,); a missing value is NaN. Copies only where it must."""
    dtype = series.dtype
    if dtype == pl.String:
        series = parse_numbers(series, source)
    elif not (dtype.is_numeric() or dtype == pl.Null):
        raise DataError(f"{source}: not a column of numbers", field=series.name, found=str(dtype), allowed="numbers")
    series = series.cast(pl.Float64).rechunk()
    return (series.fill_null(np.nan) if series.null_count() else series).to_numpy()


def parse_numbers(series: pl.Series, source: str) -> pl.Series:
    """Numbers written as text; the first text that is none is named."""
    numbers = series.str.strip_chars().cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & series.is_not_null()).arg_true()
    if len(wrong):
        row = int(wrong[0])
        message = f"{source}: text where numbers are expected, first in row {row} ({len(wrong)} in all)"
        remedy = "use plain decimals such as 1234.5; leave a missing value empty"
        raise DataError(message, field=series.name, found=series[row], allowed="numbers", remedy=remedy)
    return numbers
