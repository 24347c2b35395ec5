"""The columns of an orders table: their names, and the arrays behind them, checked cell by cell."""

from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data.stamps import STAMP_FORM, to_stamps
from admf.errors import DataError
from admf.orders.faults import Faults, Mask
from admf_kernels.codes import Code, OrderType, Side, SizeKind, TimeInForce

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Codes = NDArray[np.int8]

WHOLE_MAX = 2.0**62
UNREAD = 127  # stands in an array of codes for a word that is none; it is listed as a fault

# The code behind each column of words, and what a missing word means; None where every row needs one.
WORDS: dict[str, tuple[type[Code], Code | None]] = {
    "side": (Side, None),
    "type": (OrderType, OrderType.MARKET),
    "time_in_force": (TimeInForce, TimeInForce.GTC),
    "size_kind": (SizeKind, SizeKind.QUANTITY),
}
NAMES = ("id", "symbol", "parent", "oco")
NUMBERS = (
    "quantity",
    "size",
    "limit_price",
    "stop_price",
    "replace_quantity",
    "replace_limit_price",
    "replace_stop_price",
)
INTEGERS = ("bar", "expires_bar", "expires_after_bars", "cancel_bar", "replace_bar")
STAMPS = ("timestamp", "expires_at")
FLAGS = ("oco_reduce", "reduce_only", "post_only")
TRAILS = ("trail_amount", "trail_percent", "trail_activation_offset", "limit_offset")
COLUMNS = (*NAMES, *INTEGERS, *STAMPS, *WORDS, *NUMBERS, *FLAGS, *TRAILS)

# What people call our columns elsewhere: only for suggestions.
OTHER_NAMES = {
    "qty": "quantity",
    "amount": "quantity",
    "units": "quantity",
    "price": "limit_price",
    "limit": "limit_price",
    "stop": "stop_price",
    "trigger": "stop_price",
    "tif": "time_in_force",
    "ticker": "symbol",
    "submit_bar": "bar",
    "index": "bar",
    "time": "timestamp",
    "datetime": "timestamp",
    "date": "timestamp",
    "direction": "side",
    "action": "side",
    "order_id": "id",
    "order_type": "type",
    "parent_id": "parent",
    "expiry": "expires_bar",
}
TRUE_WORDS = {"true": 1, "1": 1, "yes": 1, "false": 0, "0": 0, "no": 0}

LIMIT_TYPES = (
    OrderType.LIMIT,
    OrderType.STOP_LIMIT,
    OrderType.LIMIT_IF_TOUCHED,
    OrderType.LIMIT_ON_OPEN,
    OrderType.LIMIT_ON_CLOSE,
)
TRAIL_TYPES = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
STOP_TYPES = (
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.MARKET_IF_TOUCHED,
    OrderType.LIMIT_IF_TOUCHED,
    *TRAIL_TYPES,
)


class Optional(NamedTuple):
    """Whole numbers of which some are missing."""

    values: Integers  # 0 where missing
    given: Mask
    wrong: Mask  # not readable, already listed


class Columns:
    """Reads columns by name, each once; what cannot be read goes to the list of faults."""

    def __init__(self, frame: pl.DataFrame, faults: Faults) -> None:
        self.frame = frame
        self.faults = faults
        self.rows = frame.height
        self._names = set(frame.columns)
        self._read: dict[str, Any] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def check_names(self) -> None:
        """Every column is one of ours."""
        for name in self.frame.columns:
            if name not in COLUMNS:
                plain = name.strip().lower().replace(" ", "_")
                near = [OTHER_NAMES[plain]] if plain in OTHER_NAMES else get_close_matches(plain, COLUMNS, 1)
                advice = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(COLUMNS)}"
                self.faults.add_column(name, "unknown", advice)

    def refuse(self, wrong: Mask, name: str, allowed: str) -> None:
        """List the marked cells of a column; nothing where the table has no such column."""
        if name in self:
            self.faults.add_rows(wrong, name, self.frame[name], allowed)

    def refuse_unused(self, name: str, prices: Floats, types: Codes, allowed: tuple[OrderType, ...]) -> None:
        """List prices on orders whose type has no such price: they would be passed over."""
        if name in self:
            words = " or ".join(member.name.lower() for member in allowed)
            self.refuse((prices > 0.0) & ~np.isin(types, (*allowed, UNREAD)), name, f"nothing, or type {words}")

    def demand(self, missing: Mask, name: str, allowed: str) -> None:
        """List the marked rows as without a value in this column."""
        self.faults.add_rows(missing, name, None, allowed)

    def text(self, name: str) -> pl.Series:
        """A column as text without outer blanks; a missing or empty cell is null, a whole float reads as an integer."""
        key = f"{name} as text"
        if key not in self._read:
            self._read[key] = as_text(self.frame[name]) if name in self else self._missing(name, pl.String)
        text: pl.Series = self._read[key]
        return text

    def given(self, name: str) -> Mask:
        """Which cells of a column of text hold something."""
        return ~nulls(self.text(name))

    def words(self, name: str) -> Codes:
        """Codes of a column of `WORDS`."""
        if name not in self._read:
            self._read[name] = self._parse_words(name, *WORDS[name])
        found: Codes = self._read[name]
        return found

    def _parse_words(self, name: str, code: type[Code], default: Code | None) -> Codes:
        codes = {member.name.lower(): member.value for member in code}
        if name not in self and default is not None:
            return np.full(self.rows, default.value, np.int8)
        text = self.frame[name] if name in self else self._missing(name, pl.String)
        text = text if text.dtype == pl.String else as_text(text)
        missing = nulls(text)
        found = np.full(self.rows, UNREAD, np.int8)
        for spelling in text.unique().drop_nulls().to_list():
            word = spelling.strip().lower()
            if word in codes:
                found[equals(text, spelling)] = codes[word]
            elif not word:
                missing |= equals(text, spelling)
        if default is not None:
            found[missing] = default.value
        self.refuse((found == UNREAD) & ~missing, name, ", ".join(codes))
        if default is None:
            self.demand(missing, name, ", ".join(codes))
        return found

    def numbers(self, name: str) -> Floats:
        """Floats of a column, shape (rows,); NaN where missing."""
        if name not in self:
            return np.full(self.rows, np.nan)
        if name not in self._read:
            numbers, wrong = self._parse_numbers(name)
            self.refuse(wrong, name, "a number")
            self._read[name] = numbers
        found: Floats = self._read[name]
        return found

    def integers(self, name: str) -> Optional:
        """Whole numbers of a column."""
        if name not in self:
            return self._nothing()
        if name not in self._read:
            self._read[name] = self._parse_integers(name)
            self.refuse(self._read[name].wrong, name, "a whole number")
        found: Optional = self._read[name]
        return found

    def _parse_integers(self, name: str) -> Optional:
        series = self.frame[name]
        if series.dtype.is_integer():
            values = series.cast(pl.Int64, strict=False)
            given = ~nulls(values)
            filled = values if given.all() else values.fill_null(0)
            return Optional(filled.to_numpy(), given, ~given & ~nulls(series))
        numbers, wrong = self._parse_numbers(name)
        given = ~np.isnan(numbers)
        whole = given & (np.abs(numbers) < WHOLE_MAX) & (np.floor(numbers) == numbers)
        return Optional(np.where(whole, numbers, 0.0).astype(np.int64), whole, wrong | (given & ~whole))

    def flags(self, name: str, *, default: bool) -> Mask:
        """Truth values of a column."""
        if name not in self:
            return np.full(self.rows, default)
        if name not in self._read:
            self._read[name] = self._parse_flags(name, default=default)
        found: Mask = self._read[name]
        return found

    def _parse_flags(self, name: str, *, default: bool) -> Mask:
        if self.frame[name].dtype == pl.Boolean:
            return self.frame[name].fill_null(default).to_numpy()
        text = self.text(name).str.to_lowercase()
        found = text.replace_strict(TRUE_WORDS, default=None, return_dtype=pl.Int8)
        self.faults.add_rows(nulls(found) & ~nulls(text), name, text, "true, false")
        return found.fill_null(int(default)).cast(pl.Boolean).to_numpy()

    def stamps(self, name: str) -> Optional:
        """Times of a column as ns UTC; naive times are UTC."""
        if name not in self or self.frame[name].null_count() == self.rows:
            return self._nothing()
        if name not in self._read:
            self._read[name] = self._parse_stamps(name)
        found: Optional = self._read[name]
        return found

    def _parse_stamps(self, name: str) -> Optional:
        series = self.frame[name]
        given = ~nulls(series)
        try:
            found = to_stamps(series.drop_nulls(), "UTC", "orders")
        except DataError as error:
            self.faults.add_column(name, str(error.args[0]), f"allowed: {STAMP_FORM}")
            return self._nothing()._replace(wrong=given)
        values = np.zeros(self.rows, np.int64)
        values[given] = found
        return Optional(values, given, np.zeros(self.rows, np.bool_))

    def _nothing(self) -> Optional:
        mask = np.zeros(self.rows, np.bool_)
        return Optional(np.zeros(self.rows, np.int64), mask, mask)

    def _parse_numbers(self, name: str) -> tuple[Floats, Mask]:
        """A column as floats with NaN for nothing, and which of its cells are no numbers."""
        series = self.frame[name]
        if series.dtype == pl.String:
            text = self.text(name)
            found = text.cast(pl.Float64, strict=False)
            return found.to_numpy(), nulls(found) & ~nulls(text)
        if series.dtype.is_numeric() or series.dtype == pl.Null:
            return series.cast(pl.Float64).to_numpy(), np.zeros(self.rows, np.bool_)
        return np.full(self.rows, np.nan), ~nulls(series)

    def _missing(self, name: str, dtype: type[pl.DataType]) -> pl.Series:
        return pl.Series(name, [None], dtype=dtype).new_from_index(0, self.rows)


def nulls(series: pl.Series) -> Mask:
    """Which cells are missing."""
    if not series.null_count():
        return np.zeros(len(series), np.bool_)
    return series.is_null().to_numpy()


def equals(text: pl.Series, value: str) -> Mask:
    """Which cells hold a text; a missing cell holds none."""
    same = text == value
    return same.fill_null(value=False).to_numpy() if same.null_count() else same.to_numpy()


def as_text(series: pl.Series) -> pl.Series:
    """Cells as text; whole floats as integers: pandas holds integers with a gap as floats."""
    if series.dtype.is_float():
        series = series.fill_nan(None)
        whole = series.cast(pl.Int64, strict=False)
        series = whole if (whole == series).all() else series
    if series.dtype != pl.String:
        return series.cast(pl.String, strict=False)
    stripped = series.str.strip_chars()
    empty = stripped == ""
    return stripped.set(empty, None) if empty.any() else stripped
