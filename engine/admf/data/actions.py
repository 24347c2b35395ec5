"""Splits, dividends, funding from a table, delistings from the data: rows of `action_dt` on the clock of a market."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data.bars import Bars
from admf.data.files import find_format, reading
from admf.data.instrument import Instrument
from admf.data.stamps import StampArray, stamp_text, to_stamps
from admf.data.tables import to_frame
from admf.errors import DataError
from admf_kernels.codes import ActionKind
from admf_kernels.records import action_dt

FUNDING_NS = 8 * 3_600 * 10**9

# column → kind, and the value that says that there is nothing
COLUMNS = {
    "split_ratio": (ActionKind.SPLIT, 1.0),
    "dividend": (ActionKind.DIVIDEND, 0.0),
    "funding_rate": (ActionKind.FUNDING, 0.0),
}
Rows = NDArray[np.record]


def read_actions(table: Any, symbols: Sequence[str], clock: StampArray, dated: bool) -> Rows:
    """The rows of a table with `symbol`, `timestamp` and any of `split_ratio`, `dividend`, `funding_rate`.

    A table of adjustment factors (`factor`; the stamp may be called `ex_date`) counts as splits of 1/factor: dividends
    in it are reinvested.

    A split or a dividend acts on the first bar that opens at its stamp or later, a funding rate on the last bar that
    opens before it. DataError for a table without these columns, for symbols and stamps that the market does not have,
    and for values that make no sense.
    """
    if table is None:
        return np.zeros(0, action_dt)
    frame = actions_frame(table)
    if not dated:
        raise DataError("bars without stamps have no ex dates", field="actions", remedy="use dated bars")
    names = frame["symbol"].cast(pl.String)
    unknown = sorted(set(names.to_list()) - set(symbols))
    if unknown:
        remedy = "keep the rows of the market's symbols: actions.filter(pl.col('symbol').is_in([…]))"
        raise DataError("no bars for this symbol", field="actions.symbol", found=", ".join(unknown[:5]), remedy=remedy)
    stamps = to_stamps(frame["timestamp"], "UTC", "actions")
    columns = names.replace_strict({name: place for place, name in enumerate(symbols)}, return_dtype=pl.Int32)
    parts = []
    for name, (kind, nothing) in COLUMNS.items():
        if name in frame.columns:
            values = frame[name].cast(pl.Float64, strict=False).fill_null(nothing).to_numpy()
            check_values(name, kind, values, stamps)
            wanted = values != nothing
            bars = bars_of(kind, stamps[wanted], clock)
            parts.append(as_rows(kind, bars, columns.to_numpy()[wanted], values[wanted]))
    return np.concatenate(parts)


def read_table(table: Any) -> pl.DataFrame:
    """A table in memory, or all of its file."""
    if isinstance(table, str | PathLike):
        path = Path(table)
        form = find_format(path)
        with reading(path, form):
            table = form.read(path, form.names(path))
    return to_frame(table)


def actions_frame(table: Any) -> pl.DataFrame:
    """The table with the columns that are needed; DataError where they are not there."""
    frame = read_table(table)
    if "ex_date" in frame.columns and "timestamp" not in frame.columns:
        frame = frame.rename({"ex_date": "timestamp"})
    if "factor" in frame.columns and "split_ratio" not in frame.columns:
        frame = frame.with_columns(split_ratio=1.0 / pl.col("factor"))
    missing = [name for name in ("symbol", "timestamp") if name not in frame.columns]
    if missing or not set(COLUMNS) & set(frame.columns):
        allowed = f"symbol, timestamp, and one or more of {', '.join(COLUMNS)}"
        raise DataError("columns are missing", field="actions", found=", ".join(frame.columns), allowed=allowed)
    return frame


def check_values(name: str, kind: ActionKind, values: NDArray[np.float64], stamps: StampArray) -> None:
    """DataError for the first value that makes no sense."""
    good = np.isfinite(values)
    if kind is ActionKind.SPLIT:
        good &= values > 0.0
    elif kind is ActionKind.DIVIDEND:
        good &= values >= 0.0
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        allowed = {ActionKind.SPLIT: "a number > 0: 2 is two shares for one", ActionKind.DIVIDEND: "a number >= 0"}
        raise DataError(
            f"row {row}, {stamp_text(int(stamps[row]))}",
            field=f"actions.{name}",
            found=float(values[row]),
            allowed=allowed.get(kind, "a finite number"),
        )


def bars_of(kind: ActionKind, stamps: StampArray, clock: StampArray) -> NDArray[np.int64]:
    """The bar of each row; DataError for one that lies outside the data."""
    late = kind is ActionKind.FUNDING
    bars = np.searchsorted(clock, stamps) - (1 if late else 0)
    outside = (bars < 0) | (bars >= len(clock)) | (stamps < clock[0])
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        allowed = f"{stamp_text(int(clock[0]))} to {stamp_text(int(clock[-1]))}"
        remedy = "keep the rows within the dates of the bars"
        found = stamp_text(int(stamps[row]))
        raise DataError("outside the data", field="actions.timestamp", found=found, allowed=allowed, remedy=remedy)
    return bars


def as_rows(kind: ActionKind, bars: Any, symbols: Any, values: Any) -> Rows:
    """Rows of one kind."""
    rows: Rows = np.zeros(len(bars), action_dt)
    rows["kind"], rows["bar"], rows["symbol"], rows["value"] = kind, bars, symbols, values
    return rows


def delistings(last_bars: NDArray[np.int64], bar_count: int, instruments: Sequence[Instrument]) -> Rows:
    """One row for each symbol whose data ends before the clock does, on the bar after its last one."""
    ended = np.flatnonzero(last_bars < bar_count - 1)
    values = [instruments[place].delisting_value for place in ended.tolist()]
    prices = [np.nan if value is None else value for value in values]
    return as_rows(ActionKind.DELISTING, last_bars[ended] + 1, ended, prices)


def split_products(rows: Rows, shape: tuple[int, int]) -> NDArray[np.float64]:
    """D-08: for each bar and symbol the product of the split ratios so far; of no rows where there are no splits."""
    splits = rows[rows["kind"] == ActionKind.SPLIT]
    if not len(splits):
        return np.empty((0, shape[1]))
    products = np.ones(shape)
    np.multiply.at(products, (splits["bar"], splits["symbol"]), splits["value"])
    return np.multiply.accumulate(products, axis=0)


def fundings(instruments: Sequence[Instrument], clock: StampArray) -> Rows:
    """Rows of the instruments with a constant funding rate, at 0, 8 and 16 o'clock UTC within the clock."""
    first, last = int(clock[0]) // FUNDING_NS + 1, int(clock[-1]) // FUNDING_NS
    bars = np.searchsorted(clock, np.arange(first, last + 1) * FUNDING_NS) - 1
    parts = [
        as_rows(ActionKind.FUNDING, bars, np.full(len(bars), place), np.full(len(bars), instrument.funding_rate))
        for place, instrument in enumerate(instruments)
        if instrument.funding_rate
    ]
    return np.concatenate(parts) if parts else np.zeros(0, action_dt)


def within(table: Any, bars: Sequence[Bars]) -> pl.DataFrame:
    """The rows of a table of actions that belong to these bars; DataError where it has none of any of their symbols."""
    frame = actions_frame(table)
    stamps = to_stamps(frame["timestamp"], "UTC", "actions")
    first, last = min(int(part.timestamp[0]) for part in bars), max(int(part.timestamp[-1]) for part in bars)
    names = [part.symbol for part in bars]
    known = frame["symbol"].cast(pl.String).unique().sort().to_list()
    if known and not set(known) & set(names):
        remedy = "name the bars as the actions do: symbol=… (data.symbol), or leave the actions out"
        found, allowed = ", ".join(names[:5]), ", ".join(known[:5])
        raise DataError(
            "no action is of a symbol of the bars", field="actions", found=found, allowed=allowed, remedy=remedy
        )
    return frame.filter(pl.Series((stamps >= first) & (stamps <= last)), pl.col("symbol").is_in(names))


def accruals(session_end: NDArray[np.int32], stamps: StampArray, day_ns: int) -> Rows:
    """One row for each session but the last: the days to the next one."""
    ends = np.unique(session_end)[:-1].astype(np.int64)
    days = stamps[ends + 1] // day_ns - stamps[ends] // day_ns
    return as_rows(ActionKind.ACCRUAL, ends, np.zeros(len(ends)), days)


def settlements(session_end: NDArray[np.int32]) -> Rows:
    """One row for the first bar of each session but the first."""
    firsts = np.unique(session_end)[:-1].astype(np.int64) + 1
    return as_rows(ActionKind.SETTLEMENT, firsts, np.zeros(len(firsts)), 1.0)


def in_order(*parts: Rows) -> Rows:
    """All rows as the kernels take them: by bar, kind and symbol; read-only."""
    given = np.concatenate(parts)
    rows: Rows = np.empty(len(given), action_dt)  # concatenated rows are no records any more
    rows[:] = given[np.lexsort((given["symbol"], given["kind"], given["bar"]))]
    rows.flags.writeable = False
    return rows
