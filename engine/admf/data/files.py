"""Files of bars: which columns a file has, and the columns that are asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl

from admf.data.columns import SPELLINGS, plain
from admf.errors import DataError

READ_ERRORS = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,  # of polars for some damaged files, and no Exception
    OSError,
    ValueError,
    TypeError,
    OverflowError,
    AttributeError,
)


class FileFormat(NamedTuple):
    """How one type of file is read."""

    name: str
    names: Callable[[Path], list[str]]
    read: Callable[[Path, list[str]], pl.DataFrame]  # only these columns
    by_column: bool  # whether one column costs less than all: then a large file is never in memory twice


def read_parquet(path: Path, names: list[str]) -> pl.DataFrame:
    """Columns of a Parquet file."""
    return pl.read_parquet(path, columns=names, glob=False)


def parquet_names(path: Path) -> list[str]:
    """Column names of a Parquet file."""
    return list(pl.read_parquet_schema(path))


def csv_names(path: Path) -> list[str]:
    """The header of a CSV file."""
    return pl.read_csv(path, n_rows=0, glob=False, infer_schema=False).columns


def read_csv(path: Path, names: list[str]) -> pl.DataFrame:
    """Prices are floats whatever the first rows look like; where one is text, all is read as text to name it."""
    floats = {name: pl.Float64 for name in names if is_number(name)}
    try:
        return pl.read_csv(path, columns=names, schema_overrides=floats, glob=False, low_memory=True)
    except pl.exceptions.ComputeError:
        return pl.read_csv(path, columns=names, infer_schema=False, glob=False)


def is_number(name: str) -> bool:
    """Whether a column of this name holds prices or volumes."""
    return any(plain(name) in words for field, words in SPELLINGS.items() if field not in ("timestamp", "symbol"))


def arrow_names(path: Path) -> list[str]:
    """Column names of an Arrow file or stream."""
    try:
        return list(pl.read_ipc_schema(path))
    except pl.exceptions.PolarsError:
        return pl.read_ipc_stream(path, n_rows=0).columns


def read_arrow(path: Path, names: list[str]) -> pl.DataFrame:
    """Columns of the Arrow file format, or of its stream."""
    try:
        return pl.read_ipc(path, columns=names)
    except pl.exceptions.PolarsError:
        return pl.read_ipc_stream(path, columns=names)


PARQUET = FileFormat("Parquet", parquet_names, read_parquet, by_column=True)
CSV = FileFormat("CSV", csv_names, read_csv, by_column=False)
ARROW = FileFormat("Arrow", arrow_names, read_arrow, by_column=True)
FORMATS = {".parquet": PARQUET, ".csv": CSV, ".csv.gz": CSV, ".arrow": ARROW, ".feather": ARROW}
FILE_TYPES = ", ".join(FORMATS)


def find_format(path: Path) -> FileFormat:
    """The format that the ending of the name says. Raises DataError where there is nothing to read."""
    if not path.exists():
        raise DataError(f"no such file: {path}", remedy="check the path")
    if not path.is_file():
        raise DataError(f"not a file: {path}", allowed=f"a path to {FILE_TYPES}")
    name = path.name.lower()
    form = next((form for ending, form in FORMATS.items() if name.endswith(ending)), None)
    if form is None:
        found = path.suffix or "no ending"
        raise DataError(f"{path.name}: this type of file is not read", found=found, allowed=FILE_TYPES)
    if path.stat().st_size == 0:
        raise DataError(f"{path.name}: the file is empty", remedy="give at least one bar")
    return form


def bare_name(path: Path) -> str:
    """The name of a file without its ending."""
    ending = next((ending for ending in FORMATS if path.name.lower().endswith(ending)), "")
    return path.name[: len(path.name) - len(ending)]


def reason_of(error: BaseException) -> str:
    """What a reader said, in one line."""
    if isinstance(error, pl.exceptions.PanicException):
        return "its contents are damaged"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def reading(path: Path, form: FileFormat) -> Iterator[None]:
    """Turns what a reader raises into a DataError that names the file and the format it should have."""
    try:
        yield
    except READ_ERRORS as error:
        message = f"{path.name}: cannot be read as {form.name}: {reason_of(error)}"
        remedy = "the ending of the name must say what the file is, and the file must be whole"
        raise DataError(message, remedy=remedy) from None
