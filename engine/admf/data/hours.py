"""Sessions from trading hours: a table of opens and closes, or an exchange's calendar."""

import warnings
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from admf.data.files import find_format, reading
from admf.data.stamps import DAY_NS, StampArray, stamp_text, to_stamps
from admf.data.tables import to_frame
from admf.errors import DataError, counted

CALENDARS = "exchange_calendars"
MARGIN_DAYS = 7  # a calendar is asked for some days more than the bars have: it wants at least one session
# Column names in lower case; the second pair is what calendar packages call them.
OPENS, CLOSES = ("open", "market_open", "start"), ("close", "market_close", "end")
FORM = "a table with the columns open and close: one row for each session, in UTC"


class Hours(NamedTuple):
    """Opens and closes of sessions in ns UTC, ascending, shape (sessions,); a session holds open <= stamp < close."""

    opens: StampArray
    closes: StampArray


def read_hours(table: Any) -> Hours:
    """A table of opens and closes, in memory or a file; DataError where sessions overlap or go backwards."""
    frame = read_file(Path(table)) if isinstance(table, str | PathLike) else to_frame(table)
    opens, closes = (hour_stamps(frame, names) for names in (OPENS, CLOSES))
    wrong = np.flatnonzero(closes <= opens)
    if len(wrong):
        refuse_row(int(wrong[0]), opens, closes, "a session that closes before it opens")
    wrong = np.flatnonzero(opens[1:] < closes[:-1])
    if len(wrong):
        refuse_row(int(wrong[0]) + 1, opens, closes, "a session that opens before the one above it closes")
    return Hours(opens, closes)


def read_file(path: Path) -> pl.DataFrame:
    """All columns of a file of hours."""
    form = find_format(path)
    with reading(path, form):
        return form.read(path, form.names(path))


def hour_stamps(frame: pl.DataFrame, names: tuple[str, ...]) -> StampArray:
    """One column of the table."""
    found = {name.strip().lower(): name for name in frame.columns}
    name = next((found[name] for name in names if name in found), None)
    if name is None:
        raise DataError(f"no column {names[0]}", field="sessions", found=frame.columns, allowed=FORM)
    if not frame.height:
        raise DataError("no rows", field="sessions", allowed=FORM)
    return to_stamps(frame[name], "UTC", "sessions")


def refuse_row(row: int, opens: StampArray, closes: StampArray, what: str) -> None:
    """One row of the table that makes no sense."""
    found = f"{stamp_text(int(opens[row]))} to {stamp_text(int(closes[row]))}"
    raise DataError(f"row {row} is {what}", field="sessions", found=found, allowed=FORM)


def calendar_hours(name: str, stamps: StampArray) -> Hours:
    """Hours of an exchange on the days of the bars, by the name that `exchange_calendars` has for it, such as XNYS."""
    words = "'date' (one session for each UTC date), 'gaps' (a long pause starts a new one)"
    if find_spec(CALENDARS) is None:
        message = "unknown rule, or the name of a calendar, which needs exchange_calendars, and that is not installed"
        remedy = "for calendars: pip install 'admf-engine[calendars]', or pip install exchange_calendars"
        raise DataError(message, field="sessions", found=name, allowed=f"{words}, a table of hours", remedy=remedy)
    calendars = import_module(CALENDARS)
    known = calendars.get_calendar_names(include_aliases=True)
    if name not in known:
        close = get_close_matches(name.upper(), known, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else ""
        allowed = f"{words}, a table of hours, or a calendar such as 'XNYS'"
        raise DataError("unknown rule", field="sessions", found=name, allowed=allowed, remedy=remedy)
    first, last = (np.datetime64(int(stamp) // DAY_NS, "D") for stamp in (stamps[0], stamps[-1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its own use of pandas
        try:
            asked = {"start": str(first - MARGIN_DAYS), "end": str(last + MARGIN_DAYS)}
            schedule = calendars.get_calendar(name, **asked).schedule
        except Exception as error:
            message = f"exchange_calendars has no hours of {name} for {first} to {last}: {error}"
            raise DataError(message, field="sessions", found=name, remedy="give a table of opens and closes") from None
    return read_hours({"open": schedule["open"].to_list(), "close": schedule["close"].to_list()})


def hour_starts(stamps: StampArray, hours: Hours) -> tuple[StampArray, StampArray]:
    """First and last bar of each session that has bars; DataError for bars outside all of them."""
    session = np.searchsorted(hours.opens, stamps, side="right") - 1
    outside = (session < 0) | (stamps >= hours.closes[np.maximum(session, 0)])
    if outside.any():
        bar, count = int(outside.argmax()), int(np.count_nonzero(outside))
        message = f"{count:,} of {counted(len(stamps), 'bar')} are outside the sessions, the first is bar {bar}"
        remedy = "leave these bars out of the data, or give longer hours"
        found, allowed = stamp_text(int(stamps[bar])), "open <= stamp < close of one session"
        raise DataError(message, field="sessions", found=found, allowed=allowed, remedy=remedy)
    firsts = np.flatnonzero(np.diff(session, prepend=-1))
    return firsts, np.append(firsts[1:], len(stamps)) - 1
