"""The one door for files and tables: whatever comes in becomes named polars columns, or a DataError in plain words."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from admf.data.columns import Recognised, recognise
from admf.data.files import FILE_TYPES, READ_ERRORS, FileFormat, bare_name, find_format, reading, reason_of
from admf.errors import DataError

DEFAULT_SYMBOL = "SYM"
TABLE_TYPES = f"a polars, pandas or pyarrow table, a dict of arrays, a list of dicts, or a path to {FILE_TYPES}"


class RawTable(NamedTuple):
    """Columns as they came, each to be asked for once: what was read is let go with its conversion."""

    source: str  # how messages call it
    symbol: str
    recognised: Recognised
    column: Callable[[str], pl.Series]  # by our name


def open_table(table: object, symbol: str | None) -> RawTable:
    """Recognise the columns of a table or file; of several symbols the one that is asked for."""
    if isinstance(table, str | PathLike):
        path = Path(table)
        return open_file(path, find_format(path), symbol)
    frame = to_frame(table)
    return frame_table(frame, "table", recognise(frame.columns, "table"), symbol, DEFAULT_SYMBOL)


def open_file(path: Path, form: FileFormat, symbol: str | None) -> RawTable:
    """Only the columns that are recognised are read, one by one where the format allows and there is one symbol."""

    def read(*fields: str) -> pl.DataFrame:
        with reading(path, form):
            return form.read(path, [recognised.names[field] for field in fields])

    with reading(path, form):
        found = form.names(path)
    recognised = recognise(found, path.name)
    default = bare_name(path).split("_")[0] or bare_name(path)
    if "symbol" in recognised.names and form.by_column:
        symbols = read("symbol").to_series()
        symbol = choose_symbol(symbols, symbol, path.name)
        several = symbols.n_unique() > 1
    else:
        several = not form.by_column
    if several:
        return frame_table(read(*recognised.names), path.name, recognised, symbol, default)

    def column(field: str) -> pl.Series:
        series = read(field).to_series()
        require_rows(len(series), path.name)
        return series

    return RawTable(path.name, symbol or default, recognised, column)


def frame_table(frame: pl.DataFrame, source: str, recognised: Recognised, symbol: str | None, default: str) -> RawTable:
    """Columns of a frame that is in memory; of several symbols the rows of one."""
    require_rows(frame.height, source)
    name = recognised.names.get("symbol")
    if name is not None:
        symbol = choose_symbol(frame[name], symbol, source)
        frame = frame.filter(pl.col(name).cast(pl.String) == symbol) if frame[name].n_unique() > 1 else frame
    columns = {field: frame.get_column(name) for field, name in recognised.names.items()}
    return RawTable(source, symbol or default, recognised, columns.pop)


def require_rows(count: int, source: str) -> None:
    """An empty table is an error."""
    if not count:
        raise DataError(f"{source}: no rows", remedy="give at least one bar")


def choose_symbol(symbols: pl.Series, symbol: str | None, source: str) -> str:
    """The symbol to take from a symbol column; several without a choice are an error that says how to choose."""
    require_rows(len(symbols), source)
    found = sorted(symbols.unique().drop_nulls().cast(pl.String).to_list())
    if symbol in found:
        return str(symbol)
    if symbol is None and len(found) == 1:
        return str(found[0])
    if symbol is None:
        remedy = f"choose one: symbol={found[0]!r}, or --symbol {found[0]}" if found else "fill in the symbols"
        raise DataError(f"{source}: {len(found)} symbols: {shortened(found)}", field="symbol", remedy=remedy)
    close = get_close_matches(symbol, found, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else ""
    raise DataError(f"{source}: no such symbol", field="symbol", found=symbol, allowed=shortened(found), remedy=remedy)


def shortened(words: Sequence[str]) -> str:
    """The first few of many words."""
    return ", ".join(words[:5]) + (" …" if len(words) > 5 else "")


def to_frame(table: Any) -> pl.DataFrame:
    """Any table in memory as a polars frame that shares no memory its owner may change."""
    library = type(table).__module__.partition(".")[0]
    try:
        if isinstance(table, pl.LazyFrame):
            return table.collect()
        if isinstance(table, pl.DataFrame):
            return table
        if library == "pandas":
            return from_pandas(table)
        if library == "pyarrow":
            return pl.DataFrame(pl.from_arrow(table))
        if isinstance(table, Mapping):
            return pl.DataFrame({str(name): copied(values) for name, values in table.items()}, strict=False)
        if isinstance(table, Sequence) and all(isinstance(row, Mapping) for row in table):
            return pl.DataFrame(table, strict=False, infer_schema_length=None)
    except READ_ERRORS as error:
        raise DataError(f"table: cannot be read: {reason_of(error)}", allowed=TABLE_TYPES) from None
    raise DataError("not a table", found=type(table).__name__, allowed=TABLE_TYPES)


def copied(values: Any) -> Any:
    """Arrays are copied, as polars would share their memory; those of Python objects are read like lists."""
    if not isinstance(values, np.ndarray):
        return values
    return values.tolist() if values.dtype == object else values.copy()


def from_pandas(table: Any) -> pl.DataFrame:
    """A pandas frame; an index of times becomes the stamp."""
    if any(not isinstance(name, str) for name in table.columns):
        remedy = "flatten them first: frame.columns = [name[0] for name in frame.columns]"
        raise DataError("table: column names that are not text", found=list(table.columns)[:3], remedy=remedy)
    if hasattr(table.index, "tz_localize"):
        table = table.rename_axis(index=table.index.name or "timestamp").reset_index()
    return pl.from_pandas(table.copy())
