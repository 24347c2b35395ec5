"""`load_panel`: the bars of many symbols from one long table, checked at once."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data.bars import Bars
from admf.data.columns import NUMBERS, PRICES, FloatArray, Recognised, recognise, to_floats
from admf.data.door import Bound, Checked, LoadOptions, OnDefect, all_missing, check, select
from admf.data.files import find_format, reading
from admf.data.stamps import StampArray, to_stamps
from admf.data.tables import RawTable, frame_table, to_frame
from admf.errors import DataError


def load_panel(
    source: object,
    symbols: Sequence[str] | None = None,
    start: Bound = None,
    end: Bound = None,
    on_defect: OnDefect = "error",
    *,
    tz: str = "UTC",
) -> list[Bars]:
    """Load the bars of many symbols, in order of their names, from a table or file with columns symbol and timestamp.

    `symbols` are those that are wanted, None is all. The others are the arguments of `load`, and mean the same for each
    symbol. DataError for a table without these columns, a symbol that it does not have, and defects.
    """
    frame, name, recognised = long_table(source)
    options = LoadOptions(on_defect, start, end, tz=tz)
    column = frame[recognised.names["symbol"]].cast(pl.String)
    if symbols is not None:
        unknown = sorted(set(symbols) - set(column.unique().to_list()))
        if unknown:
            raise DataError(f"{name}: no such symbol", field="symbols", found=", ".join(unknown[:5]))
        frame = frame.filter(column.is_in(list(symbols)))
    names = frame[recognised.names["symbol"]].cast(pl.String)
    if not names.is_sorted():
        frame = frame.with_columns(names.alias(recognised.names["symbol"]))
        frame = frame.sort(recognised.names["symbol"], maintain_order=True)
        names = frame[recognised.names["symbol"]]
    stamps = to_stamps(frame[recognised.names["timestamp"]], tz, name)
    present = [field for field in NUMBERS if field in recognised.names]
    columns = {field: to_floats(frame[recognised.names[field]], name) for field in present}
    columns = {field: values for field, values in columns.items() if field in PRICES or not all_missing(values)}
    mask = select(stamps, options, name)
    if mask is not None:
        names, stamps = names.filter(pl.Series(mask)), stamps[mask]
        columns = {field: values[mask] for field, values in columns.items()}
    for values in (*columns.values(), stamps):
        values.flags.writeable = False
    bounds = np.flatnonzero(np.diff(names.rle_id().to_numpy(), prepend=-1, append=-1))
    found = np.logical_or.reduceat(has_defect(columns) | is_late(stamps, bounds), bounds[:-1])
    made = []
    for symbol, first, last, defective in zip(names.gather(bounds[:-1]), bounds, bounds[1:], found, strict=False):
        if defective:
            made.append(Bars.from_checked(check(one_of(frame, name, recognised, symbol), options)))
            continue
        own = {field: values[first:last] for field, values in columns.items()}
        made.append(Bars.from_checked(checked_slice(symbol, own, stamps[first:last], recognised)))
    return made


def is_late(stamps: StampArray, bounds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows whose stamp is not after that of the row before, of the same symbol."""
    late: NDArray[np.bool_] = np.diff(stamps, prepend=stamps[0]) <= 0
    late[bounds[:-1]] = False
    return late


def long_table(source: object) -> tuple[pl.DataFrame, str, Recognised]:
    """The table, its name for messages, and its columns; DataError where it is not a long one."""
    name = "table"
    if isinstance(source, str | PathLike):
        path = Path(source)
        form, name = find_format(path), path.name
        with reading(path, form):
            source = form.read(path, form.names(path))
    frame = to_frame(source)
    recognised = recognise(frame.columns, name)
    missing = [field for field in ("symbol", "timestamp", *PRICES) if field not in recognised.names]
    if missing:
        allowed = "one row for each symbol and bar, with columns symbol, timestamp, open, high, low, close"
        raise DataError(f"{name}: no column {' and no column '.join(missing)}", field="panel", allowed=allowed)
    return frame, name, recognised


def has_defect(columns: dict[str, FloatArray]) -> NDArray[np.bool_]:
    """Rows that need a closer look: prices that are none, or a volume, vwap or quote that is no number above zero."""
    open_, high, low, close = (columns[field] for field in PRICES)
    good = (low > 0) & (high < np.inf) & (low <= open_) & (low <= close) & (open_ <= high) & (close <= high)
    for field, values in columns.items():
        if field not in PRICES:
            good &= (values >= 0) & (values < np.inf)
    return ~good


def one_of(frame: pl.DataFrame, name: str, recognised: Recognised, symbol: str) -> RawTable:
    """The rows of one symbol, as `load` takes them."""
    return frame_table(frame, name, recognised, symbol, symbol)


def checked_slice(symbol: str, columns: dict[str, FloatArray], stamps: StampArray, recognised: Recognised) -> Checked:
    """Columns in which nothing was found."""
    return Checked(symbol, columns, stamps, None, len(stamps), (), recognised.renamed, recognised.ignored)
