"""From a raw table to checked columns: the one way in, shared by `Bars` and `load`."""

from datetime import date, datetime
from typing import Literal, NamedTuple

import numpy as np

from admf.data.columns import NUMBERS, PRICES, FloatArray, to_floats
from admf.data.defects import MODES, Columns, Defect, Mask, examine
from admf.data.stamps import StampArray, infer_frequency_ns, parse_bound, parse_frequency, stamp_text, to_stamps
from admf.data.tables import RawTable
from admf.errors import DataError

Bound = date | datetime | str | None
OnDefect = Literal["error", "repair", "drop", "keep"]
Label = Literal["open", "close"]


class LoadOptions(NamedTuple):
    """How the user wants a table to be read."""

    on_defect: str = "error"
    start: Bound = None
    end: Bound = None
    frequency: str | None = None
    label: str = "open"
    tz: str = "UTC"


class Checked(NamedTuple):
    """What `Bars` is made of: read-only columns of one length, stamps strictly ascending."""

    symbol: str
    columns: Columns
    stamps: StampArray | None  # ns UTC at the bar's open; None where undated
    frequency_ns: int | None  # None: to be inferred
    row_count: int  # of the input: of its symbol, from start to end
    defects: tuple[Defect, ...]
    renamed: dict[str, str]
    ignored: tuple[str, ...]


def check(raw: RawTable, options: LoadOptions) -> Checked:
    """Convert, select and examine the columns of a table."""
    require_word("on_defect", options.on_defect, MODES)
    require_word("label", options.label, ("open", "close"))
    frequency_ns = parse_frequency(options.frequency) if options.frequency is not None else None
    names = raw.recognised.names
    stamps = to_stamps(raw.column("timestamp"), options.tz, raw.source) if "timestamp" in names else None
    if stamps is not None and options.label == "close":
        stamps = to_open_label(stamps, frequency_ns, raw.source)
    columns = {field: to_floats(raw.column(field), raw.source) for field in NUMBERS if field in names}
    columns = {field: values for field, values in columns.items() if field in PRICES or not all_missing(values)}
    selected = select(stamps, options, raw.source)
    if selected is not None and stamps is not None:
        stamps = stamps[selected]
        for field in columns:
            columns[field] = columns[field][selected]
    row_count = len(columns["close"])
    columns, stamps, defects = examine(columns, stamps, options.on_defect, raw.source, selected)
    for values in (*columns.values(), *(() if stamps is None else (stamps,))):
        values.flags.writeable = False
    _, renamed, ignored = raw.recognised
    return Checked(raw.symbol, columns, stamps, frequency_ns, row_count, defects, renamed, ignored)


def require_word(field: str, found: str, allowed: tuple[str, ...]) -> None:
    """One word out of a few."""
    if found not in allowed:
        raise DataError("unknown word", field=field, found=found, allowed=", ".join(allowed))


def to_open_label(stamps: StampArray, frequency_ns: int | None, source: str) -> StampArray:
    """Stamps of the bars' closes moved to their opens."""
    step_ns = frequency_ns or infer_frequency_ns(stamps)
    if step_ns is None:
        message = f"{source}: label='close' needs the frequency, and it cannot be inferred from one stamp"
        raise DataError(message, field="frequency", remedy="give frequency='1min', '1h', '1d' …")
    return stamps - np.int64(step_ns)


def all_missing(values: FloatArray) -> bool:
    """Whether a column holds nothing: it counts as absent."""
    return bool(np.isnan(values[:1]).all() and np.isnan(values).all())


def select(stamps: StampArray | None, options: LoadOptions, source: str) -> Mask | None:
    """The rows from `start` to `end`, both inclusive; None for all rows."""
    if options.start is None and options.end is None:
        return None
    if stamps is None:
        message = f"{source}: start and end need stamps, and the table has none"
        raise DataError(message, field="start", remedy="add a timestamp column or leave start and end out")
    mask = np.ones(len(stamps), dtype=np.bool_)
    if options.start is not None:
        mask &= stamps >= parse_bound(options.start, field="start", tz=options.tz, last=False)
    if options.end is not None:
        mask &= stamps <= parse_bound(options.end, field="end", tz=options.tz, last=True)
    if not mask.any():
        first, last = stamp_text(int(stamps.min())), stamp_text(int(stamps.max()))
        message = f"{source}: no bar from {options.start or 'the first bar'} to {options.end or 'the last bar'}"
        raise DataError(message, allowed=f"the data runs from {first} to {last} (UTC)")
    return mask
