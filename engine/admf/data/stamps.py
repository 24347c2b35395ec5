"""Stamps and frequencies: everything a table may call a time becomes int64 nanoseconds UTC."""

import re
from collections import Counter
from datetime import UTC, date, datetime, time
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.errors import DataError

StampArray = NDArray[np.int64]

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
UNIT_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000}
FREQUENCY_NS = {"d": DAY_NS, "h": 3_600 * SECOND_NS, "min": 60 * SECOND_NS, "s": SECOND_NS, "ms": 1_000_000}
FREQUENCY_WORDS = {"day": "d", "m": "min", "t": "min", "minute": "min", "hour": "h", "sec": "s", "second": "s"}
FREQUENCY_FORM = "a whole number and a unit: 1s, 1min, 15min, 1h, 1d"
STAMP_FORM = "datetimes, dates, ISO text, or Unix seconds, ms, us or ns"
BLOCK_ROWS = 1 << 20
TEXT_SAMPLE_ROWS = 100

# Unix numbers name no unit: below 1e11 they are seconds (until the year 5138), and so on in steps of a thousand.
UNIX_STEPS = ((1e11, SECOND_NS), (1e14, 1_000_000), (1e17, 1_000), (float("inf"), 1))
TEXT_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M%z",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y%m%d",
)


def parse_frequency(text: str) -> int:
    """Nanoseconds of a frequency such as `1min`."""
    match = re.fullmatch(r"\s*(\d*)\s*([a-z]+)\s*", str(text).lower())
    count = int(match[1] or 1) if match else 0
    unit_ns = FREQUENCY_NS.get(FREQUENCY_WORDS.get(match[2], match[2]), 0) if match else 0
    if count * unit_ns <= 0:
        raise DataError("not a frequency", field="frequency", found=text, allowed=FREQUENCY_FORM)
    return count * unit_ns


def frequency_text(frequency_ns: int | None) -> str:
    """The shortest text of a frequency; empty where there is none."""
    if not frequency_ns:
        return ""
    for unit, unit_ns in FREQUENCY_NS.items():
        if frequency_ns % unit_ns == 0:
            return f"{frequency_ns // unit_ns}{unit}"
    return f"{frequency_ns}ns"


def infer_frequency_ns(stamps: StampArray) -> int | None:
    """The most common difference between neighbours; None below two different stamps. Ties go to the smaller one."""
    counts: Counter[int] = Counter()
    for start in range(0, len(stamps) - 1, BLOCK_ROWS):
        steps = np.abs(np.diff(stamps[start : start + BLOCK_ROWS + 1]))
        values, times = np.unique(steps[steps > 0], return_counts=True)
        counts.update(dict(zip(values.tolist(), times.tolist(), strict=True)))
    return min(counts, key=lambda step: (-counts[step], step)) if counts else None


def stamp_text(stamp_ns: int) -> str:
    """A stamp as people read it: a date where it is midnight UTC."""
    whole = stamp_ns % SECOND_NS == 0
    text = str(np.datetime64(stamp_ns, "ns").astype("datetime64[s]" if whole else "datetime64[ns]"))
    return text.removesuffix("T00:00:00").replace("T", " ")


def parse_bound(value: date | datetime | str, *, field: str, tz: str, last: bool) -> int:
    """Nanoseconds of an inclusive bound; a date stands for its first, or with `last` its last nanosecond."""
    moment: date | None = value if isinstance(value, date) else None
    if isinstance(value, str):
        try:
            moment = date.fromisoformat(value) if len(value) <= len("2024-01-02") else datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if moment is None:
        raise DataError("not a date", field=field, found=value, allowed="a date, a datetime or ISO text: 2024-01-31")
    whole_day = not isinstance(moment, datetime)
    instant = moment if isinstance(moment, datetime) else datetime.combine(moment, time.min)
    since = (instant if instant.tzinfo else instant.replace(tzinfo=zone(tz))) - datetime(1970, 1, 1, tzinfo=UTC)
    stamp_ns = (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1_000
    return stamp_ns + (DAY_NS - 1 if whole_day and last else 0)


def zone(tz: str) -> ZoneInfo:
    """A time zone by its name."""
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError, TypeError):
        allowed = "an IANA name such as UTC or America/New_York"
        raise DataError("unknown time zone", field="tz", found=tz, allowed=allowed) from None


def to_stamps(series: pl.Series, tz: str, source: str) -> StampArray:
    """A column of times as int64 ns UTC, shape (rows,); naive times are in `tz`."""
    zone(tz)
    if series.null_count():
        row = int(series.is_null().arg_true()[0])
        message = f"{source}: rows without a stamp: {series.null_count()}, the first is row {row}"
        raise DataError(message, field=series.name, remedy="remove the rows or fill in their stamps")
    dtype = series.dtype
    if dtype == pl.String:
        series = parse_text(series, source)
    if series.dtype.is_integer():
        series = from_yyyymmdd(series)
    if series.dtype.is_decimal():
        series = series.cast(pl.Float64)
    if series.dtype.is_numeric():
        return from_unix(series, source)
    if not isinstance(series.dtype, pl.Datetime | pl.Date):
        raise DataError(f"{source}: not a column of times", field=series.name, found=str(dtype), allowed=STAMP_FORM)
    return from_datetime(series, tz, source)


def from_datetime(series: pl.Series, tz: str, source: str) -> StampArray:
    """Datetimes or dates of any unit to ns UTC."""
    if isinstance(series.dtype, pl.Date):
        series = series.cast(pl.Datetime("ms"))
    dtype = series.dtype
    assert isinstance(dtype, pl.Datetime)
    if dtype.time_zone is None and tz != "UTC":
        try:
            series = series.dt.replace_time_zone(tz)
        except pl.exceptions.PolarsError as error:
            first_line = str(error).partition(". ")[0].partition("\n")[0]
            message = (
                f"{source}: a stamp is ambiguous or missing in {tz} (a change to or from summer time): {first_line}"
            )
            raise DataError(message, field=series.name, remedy="store the stamps in UTC") from None
    return scale(series.to_physical().rechunk().to_numpy(), UNIT_NS[dtype.time_unit], series.name, source)


def scale(values: NDArray[np.integer[Any]], unit_ns: int, name: str, source: str) -> StampArray:
    """Integers in a unit of time to ns, refused where they leave the years that ns can hold."""
    if len(values) and max(abs(int(values.min())), abs(int(values.max()))) > np.iinfo(np.int64).max // unit_ns:
        row = int(np.argmax(np.abs(values)))
        message = f"{source}: row {row} is outside the years 1678 to 2261"
        raise DataError(message, field=name, found=int(values[row]), allowed=STAMP_FORM)
    stamps = values.astype(np.int64, copy=False)
    return stamps if unit_ns == 1 else stamps * np.int64(unit_ns)


def from_unix(series: pl.Series, source: str) -> StampArray:
    """Unix numbers, whole or with decimals, to ns; the unit follows from their size."""
    values = series.rechunk().to_numpy()
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise DataError(f"{source}: row {row} has no stamp", field=series.name, found=float(values[row]))
    largest = max(abs(float(values.min())), abs(float(values.max()))) if len(values) else 0.0
    unit_ns = next(unit for bound, unit in UNIX_STEPS if largest < bound)
    if not series.dtype.is_float():
        return scale(values, unit_ns, series.name, source)
    whole = np.floor(values)
    # A float64 holds Unix seconds to a quarter of a microsecond: what lies below is noise.
    decimals = np.rint((values - whole) * (unit_ns / 1_000)).astype(np.int64) * 1_000
    return np.asarray(scale(whole.astype(np.int64), unit_ns, series.name, source) + decimals)


def from_yyyymmdd(series: pl.Series) -> pl.Series:
    """Integers such as 20240131 are dates where every one is; as Unix seconds they would all lie in August 1970."""
    if not series.is_between(19000101, 21001231).all():
        return series
    dates = series.cast(pl.String).str.to_date("%Y%m%d", strict=False)
    return series if dates.null_count() else dates


def parse_text(series: pl.Series, source: str) -> pl.Series:
    """ISO text, or integers written as text, to datetimes or integers; the first rows tell the format of all."""
    sample = series.head(TEXT_SAMPLE_ROWS)
    form = min((None, *TEXT_FORMATS), key=lambda form: parse_form(sample, form).null_count())
    blocks = range(0, max(len(series), 1), BLOCK_ROWS)  # text is larger than what it says: never all of it twice
    parsed = pl.concat([parse_form(series.slice(start, BLOCK_ROWS), form) for start in blocks])
    return parsed if not parsed.null_count() else refuse_text(series, parsed, source)


def parse_form(text: pl.Series, form: str | None) -> pl.Series:
    """Datetimes of text in one format, integers where it is None; null where the text is not in that format."""
    text = text.str.strip_chars()
    if form is None:
        return text.cast(pl.Int64, strict=False)
    text = text.str.replace("T", " ", literal=True).str.replace(r"Z$", "+00:00")
    return text.str.to_datetime(form, strict=False, time_unit="ns")


def refuse_text(series: pl.Series, parsed: pl.Series, source: str) -> NoReturn:
    """Name the first text that is no time."""
    row = int(parsed.is_null().arg_true()[0])
    message = f"{source}: row {row} is not a time, or not written like the others"
    raise DataError(message, field=series.name, found=series[row], allowed=STAMP_FORM)


def to_series(stamps: StampArray, dated: bool) -> pl.Series:
    """Stamps as a polars series named `timestamp`: Datetime (us, UTC), or the bar index where undated."""
    if not dated:
        return pl.Series("timestamp", stamps)
    return pl.Series("timestamp", stamps // 1_000).cast(pl.Datetime("us", "UTC"))
