"""The one door for files and tables: whatever comes in becomes named polars columns, or a DataError in plain words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from admf.data.columns import SPELLINGS, Recognised, plain, recognise
from admf.errors import DataError

DEFAULT_SYMBOL = "SYM"
FILE_TYPES = ".parquet, .csv, .arrow, .feather"
TABLE_TYPES = f"a polars, pandas or pyarrow table, a dict of arrays, a list of dicts, or a path to {FILE_TYPES}"
READ_ERRORS = (pl.exceptions.PolarsError, OSError, ValueError, TypeError, OverflowError, AttributeError)


class RawTable(NamedTuple):
    """Columns as they came, each read when it is asked for: a large file is never in memory twice."""

    source: str  # how messages call it
    symbol: str
    recognised: Recognised
    column: Callable[[str], pl.Series]  # by our name


def open_table(table: object, symbol: str | None) -> RawTable:
    """Recognise the columns of a table or file; of several symbols the one that is asked for."""
    path = Path(table) if isinstance(table, str | PathLike) else None
    source = path.name if path else "table"
    if path and path.suffix.lower() == ".parquet":
        return open_parquet(check_file(path), symbol)
    frame = read_file(check_file(path)) if path else to_frame(table)
    require_rows(frame.height, source)
    recognised = recognise(frame.columns, source)
    name = recognised.names.get("symbol")
    if name is not None:
        symbol = choose_symbol(frame[name], symbol, source)
        frame = frame.filter(pl.col(name).cast(pl.String) == symbol) if frame[name].n_unique() > 1 else frame
    return frame_table(frame, source, symbol or default_symbol(path), recognised)


def frame_table(frame: pl.DataFrame, source: str, symbol: str, recognised: Recognised) -> RawTable:
    """Columns of a frame that is in memory."""
    return RawTable(source, symbol, recognised, lambda field: frame[recognised.names[field]])


def open_parquet(path: Path, symbol: str | None) -> RawTable:
    """A Parquet file, read column by column; with a symbol column only the rows of one symbol."""
    with reading(path, "Parquet"):
        found = list(pl.read_parquet_schema(path))
        rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
    require_rows(rows, path.name)
    recognised = recognise(found, path.name)
    name = recognised.names.get("symbol")

    def column(field: str) -> pl.Series:
        with reading(path, "Parquet"):
            wanted = recognised.names[field]
            return pl.read_parquet(path, columns=[wanted], glob=False).get_column(wanted)

    if name is None:
        return RawTable(path.name, symbol or default_symbol(path), recognised, column)
    symbols = column("symbol")
    symbol = choose_symbol(symbols, symbol, path.name)
    if symbols.n_unique() == 1:
        return RawTable(path.name, symbol, recognised, column)
    with reading(path, "Parquet"):
        frame = pl.scan_parquet(path, glob=False).filter(pl.col(name).cast(pl.String) == symbol).collect()
    return frame_table(frame, path.name, symbol, recognised)


def require_rows(count: int, source: str) -> None:
    """An empty table is an error."""
    if not count:
        raise DataError(f"{source}: no rows", remedy="give at least one bar")


def choose_symbol(symbols: pl.Series, symbol: str | None, source: str) -> str:
    """The symbol to take from a symbol column; several without a choice are an error that says how to choose."""
    found = sorted(symbols.unique().drop_nulls().cast(pl.String).to_list())
    if symbol in found:
        return str(symbol)
    if symbol is None and len(found) == 1:
        return str(found[0])
    if symbol is None:
        remedy = f"choose one: admf.load(…, symbol={found[0]!r})" if found else "fill in the symbols"
        raise DataError(f"{source}: {len(found)} symbols: {shortened(found)}", field="symbol", remedy=remedy)
    allowed = shortened(get_close_matches(symbol, found) or found)
    raise DataError(f"{source}: no such symbol among {len(found)}", field="symbol", found=symbol, allowed=allowed)


def shortened(words: Sequence[str]) -> str:
    """The first few of many words."""
    return ", ".join(words[:5]) + (" …" if len(words) > 5 else "")


def default_symbol(path: Path | None) -> str:
    """What a table without a symbol column is called: the first part of the file name."""
    return (path.stem.split("_")[0] or path.stem) if path else DEFAULT_SYMBOL


def check_file(path: Path) -> Path:
    """A path that holds something to read."""
    if not path.exists():
        raise DataError(f"no such file: {path}", remedy="check the path")
    if not path.is_file():
        raise DataError(f"not a file: {path}", allowed=f"a path to {FILE_TYPES}")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name}: the file is empty")
    return path


@contextmanager
def reading(path: Path, format_name: str) -> Iterator[None]:
    """Turns what a reader raises into a DataError that names the file and the format it should have."""
    try:
        yield
    except READ_ERRORS as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = f"{path.name}: cannot be read as {format_name}: {first}"
        remedy = "the ending of the name must say what the file is, and the file must be whole"
        raise DataError(message, remedy=remedy) from None


def read_file(path: Path) -> pl.DataFrame:
    """A CSV or Arrow file."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        with reading(path, "CSV"):
            return read_csv(path)
    if suffix in (".arrow", ".feather"):
        with reading(path, "Arrow"):
            return read_arrow(path)
    raise DataError(f"{path.name}: this type of file is not read", found=suffix or "no ending", allowed=FILE_TYPES)


def read_csv(path: Path) -> pl.DataFrame:
    """Prices are floats whatever the first rows look like; where one is text, all is read as text to name it."""
    header = pl.read_csv(path, n_rows=0).columns
    times = {plain(name) for name in header} & set(SPELLINGS["timestamp"])
    floats = {name: pl.Float64 for name in header if plain(name) not in times and is_number(name)}
    try:
        return pl.read_csv(path, schema_overrides=floats)
    except pl.exceptions.ComputeError:
        return pl.read_csv(path, infer_schema=False)


def is_number(name: str) -> bool:
    """Whether a column of this name holds prices or volumes."""
    return any(plain(name) in words for field, words in SPELLINGS.items() if field not in ("timestamp", "symbol"))


def read_arrow(path: Path) -> pl.DataFrame:
    """The Arrow file format, or its stream."""
    try:
        return pl.read_ipc(path)
    except pl.exceptions.PolarsError:
        return pl.read_ipc_stream(path)


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
        if isinstance(table, Sequence) and table and all(isinstance(row, Mapping) for row in table):
            return pl.DataFrame(table, strict=False, infer_schema_length=None)
    except READ_ERRORS as error:
        raise DataError(f"table: cannot be read: {error}", allowed=TABLE_TYPES) from None
    raise DataError("not a table", found=type(table).__name__, allowed=TABLE_TYPES)


def copied(values: Any) -> Any:
    """Arrays are copied, as polars would share their memory."""
    return values.copy() if isinstance(values, np.ndarray) else values


def from_pandas(table: Any) -> pl.DataFrame:
    """A pandas frame; an index of times becomes the stamp."""
    if any(not isinstance(name, str) for name in table.columns):
        remedy = "flatten them first: frame.columns = [name[0] for name in frame.columns]"
        raise DataError("table: column names that are not text", found=list(table.columns)[:3], remedy=remedy)
    if hasattr(table.index, "tz_localize"):
        table = table.rename_axis(index=table.index.name or "timestamp").reset_index()
    return pl.from_pandas(table.copy())
