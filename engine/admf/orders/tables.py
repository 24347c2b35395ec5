"""Anything that holds orders as a polars frame: frames, arrays, records, files."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from admf.data.files import READ_ERRORS, reason_of
from admf.errors import OrderError

ALLOWED = "a polars, pandas or pyarrow table, a dict of arrays, a list of dicts, or a path"


def to_frame(table: Any) -> tuple[pl.DataFrame, str]:
    """The table as a polars frame, and its name in messages: the file's, else `orders`."""
    if isinstance(table, str | Path):
        return read_file(Path(table)), Path(table).name
    if isinstance(table, pl.DataFrame):
        return table, "orders"
    try:
        return convert(table), "orders"
    except READ_ERRORS as error:
        message = f"the columns do not make a table: {reason_of(error)}"
        raise OrderError(message, field="orders", allowed=ALLOWED) from None


def convert(table: Any) -> pl.DataFrame:
    """Tables of other libraries and of plain Python; the result shares no memory that its owner may change."""
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    library = type(table).__module__.partition(".")[0]
    if library == "pandas":
        return pl.DataFrame([pandas_series(str(name), table[name]) for name in table.columns])
    if library == "pyarrow":
        return pl.DataFrame(pl.from_arrow(table))
    if isinstance(table, Mapping):
        return pl.DataFrame({str(name): column(str(name), values) for name, values in table.items()})
    if isinstance(table, Sequence) and all(isinstance(row, Mapping) for row in table):
        names = dict.fromkeys(name for row in table for name in row)
        return pl.DataFrame([python_series(str(name), [row.get(name) for row in table]) for name in names])
    raise OrderError("not a table of orders", field="orders", found=type(table).__name__, allowed=ALLOWED)


def column(name: str, values: Any) -> Any:
    """A column of a dict: a sequence, or one value that stands for all rows."""
    if isinstance(values, pl.Series):
        return values.alias(name)
    if type(values).__module__.partition(".")[0] == "pandas":
        return pandas_series(name, values)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return pl.Series(name, values.copy())
    is_sequence = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
    return python_series(name, list(values)) if is_sequence else values


def pandas_series(name: str, values: Any) -> pl.Series:
    """A pandas column; objects of mixed kinds are read one by one."""
    if values.dtype == object:
        return python_series(name, values.tolist())
    return pl.Series(pl.from_pandas(values.reset_index(drop=True).copy())).alias(name)


def python_series(name: str, values: list[Any]) -> pl.Series:
    """A column of Python values. Mixed kinds become numbers where all are numbers, else text, which is parsed later."""
    values = [None if is_missing(value) else value for value in values]
    try:
        series = pl.Series(name, values, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        series = pl.Series(name, [], dtype=pl.Object)
    if series.dtype != pl.Object:
        return series
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)


def is_missing(value: Any) -> bool:
    """None, and the marks of pandas for a missing value; NaN stays a number."""
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def read_file(path: Path) -> pl.DataFrame:
    """A file of orders; its kind follows from the suffix."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        allowed = " ".join(READERS)
        raise OrderError("not a kind of file that holds orders", field="orders", found=str(path), allowed=allowed)
    if not path.is_file():
        raise OrderError("no such file", field="orders", found=str(path), remedy="check the path")
    if not path.stat().st_size:
        raise OrderError("the file is empty", field="orders", found=str(path), remedy="it needs at least a header")
    try:
        return reader(path)
    except READ_ERRORS as error:
        message = f"the file cannot be read as {path.suffix}: {reason_of(error)}"
        remedy = "write it again or correct its suffix"
        raise OrderError(message, field="orders", found=str(path), remedy=remedy) from None


def read_csv(path: Path) -> pl.DataFrame:
    """A CSV file with a header; an empty cell is a missing value."""
    return pl.read_csv(path, infer_schema_length=None)


def read_json(path: Path) -> pl.DataFrame:
    """A JSON list of objects, or an object of lists."""
    return convert(json.loads(path.read_text(encoding="utf-8")))


def read_arrow(path: Path) -> pl.DataFrame:
    """The Arrow file format, or its stream."""
    try:
        return pl.read_ipc(path)
    except pl.exceptions.PolarsError:
        return pl.read_ipc_stream(path)


READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": read_csv,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".json": read_json,
}
