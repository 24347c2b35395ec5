"""The columns of an orders table: their names, and the arrays behind them, checked cell by cell."""

from difflib import get_close_matches
from typing import NamedTuple

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

UNREAD = 127  # stands in an array of codes for a word that is none; it is listed as a fault

WORDS: dict[str, type[Code]] = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "size_kind": SizeKind,
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

# Order types of the public surface that the engine does not know yet.
TYPES_TO_COME = (
    "market_if_touched",
    "limit_if_touched",
    "trailing_stop",
    "trailing_stop_limit",
    "market_on_open",
    "limit_on_open",
    "market_on_close",
    "limit_on_close",
)
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

LIMIT_TYPES = (OrderType.LIMIT, OrderType.STOP_LIMIT)
STOP_TYPES = (OrderType.STOP, OrderType.STOP_LIMIT)


class Optional(NamedTuple):
    """Whole numbers of which some are missing."""

    values: Integers  # 0 where missing
    given: Mask
    wrong: Mask  # not readable, already listed


class Columns:
    """Reads columns by name; what cannot be read goes to the list of faults."""

    def __init__(self, frame: pl.DataFrame, faults: Faults) -> None:
        self.frame = frame
        self.faults = faults
        self.rows = frame.height
        self._texts: dict[str, pl.Series] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.frame.columns

    def check_names(self) -> None:
        """Every column is one of ours."""
        for name in self.frame.columns:
            if name not in COLUMNS:
                plain = name.strip().lower().replace(" ", "_")
                near = [OTHER_NAMES[plain]] if plain in OTHER_NAMES else get_close_matches(plain, COLUMNS, 1)
                advice = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(COLUMNS)}"
                self.faults.add_column(name, "unknown", advice)

    def refuse(self, wrong: Mask | pl.Series, name: str, allowed: str) -> None:
        """List the marked cells of a column; nothing where the table has no such column."""
        if name in self:
            self.faults.add_rows(wrong, name, self.frame[name], allowed)

    def refuse_unused(self, name: str, prices: Floats, types: Codes, allowed: tuple[OrderType, ...]) -> None:
        """List prices on orders whose type has no such price: they would be passed over."""
        words = " or ".join(member.name.lower() for member in allowed)
        self.refuse((prices > 0.0) & ~np.isin(types, (*allowed, UNREAD)), name, f"nothing, or type {words}")

    def demand(self, missing: Mask | pl.Series, name: str, allowed: str) -> None:
        """List the marked rows as without a value in this column."""
        self.faults.add_rows(missing, name, None, allowed)

    def text(self, name: str) -> pl.Series:
        """A column as text without outer blanks; a missing or empty cell is null, a whole float reads as an integer."""
        if name not in self._texts:
            self._texts[name] = as_text(self.frame[name]) if name in self else self._missing(name, pl.String)
        return self._texts[name]

    def words(self, name: str, code: type[Code], default: Code | None) -> Codes:
        """Codes of a column of words, `default` where missing; without a default every row needs a word."""
        if name not in self and default is not None:
            return np.full(self.rows, default.value, np.int8)
        text = self.text(name)
        codes = {member.name.lower(): member.value for member in code}
        spellings = {word: codes.get(word.lower(), UNREAD) for word in text.unique().drop_nulls()}
        missing = UNREAD if default is None else default.value
        found = text.replace_strict({**spellings, None: missing}, return_dtype=pl.Int8)
        unknown = (found == UNREAD) & text.is_not_null()
        to_come = unknown & text.str.to_lowercase().is_in(TYPES_TO_COME) if unknown.any() else unknown
        self.refuse(to_come, name, f"{', '.join(codes)} (this type is not built yet)")
        self.refuse(unknown & ~to_come, name, ", ".join(codes))
        if default is None:
            self.demand(text.is_null(), name, ", ".join(codes))
        return found.to_numpy()

    def numbers(self, name: str) -> Floats:
        """Floats of a column, shape (rows,); NaN where missing."""
        if name not in self:
            return np.full(self.rows, np.nan)
        series, wrong = self._parse_numbers(name)
        self.refuse(wrong, name, "a number")
        return series.fill_null(np.nan).to_numpy()

    def integers(self, name: str) -> Optional:
        """Whole numbers of a column."""
        if name not in self:
            return self._nothing()
        if self.frame[name].dtype.is_integer():
            series, wrong = self.frame[name].cast(pl.Int64, strict=False), self._none()
        else:
            numbers, wrong = self._parse_numbers(name)
            numbers = numbers.fill_nan(None)
            series = numbers.cast(pl.Int64, strict=False)
            wrong = wrong | (numbers.is_not_null() & ~series.eq_missing(numbers))
            series = series.set(wrong, None)
        self.refuse(wrong, name, "a whole number")
        return Optional(series.fill_null(0).to_numpy(), series.is_not_null().to_numpy(), wrong.to_numpy())

    def flags(self, name: str, *, default: bool) -> Mask:
        """Truth values of a column."""
        if name not in self:
            return np.full(self.rows, default)
        if self.frame[name].dtype == pl.Boolean:
            return self.frame[name].fill_null(default).to_numpy()
        text = self.text(name).str.to_lowercase()
        found = text.replace_strict(TRUE_WORDS, default=None, return_dtype=pl.Int8)
        self.faults.add_rows(found.is_null() & text.is_not_null(), name, text, "true, false")
        return found.fill_null(int(default)).cast(pl.Boolean).to_numpy()

    def stamps(self, name: str) -> Optional:
        """Times of a column as ns UTC; naive times are UTC."""
        if name not in self or self.frame[name].null_count() == self.rows:
            return self._nothing()
        series = self.frame[name]
        given = series.is_not_null()
        try:
            found = to_stamps(series.drop_nulls(), "UTC", "orders")
        except DataError as error:
            self.faults.add_column(name, str(error.args[0]), f"allowed: {STAMP_FORM}")
            return self._nothing()._replace(wrong=given.to_numpy())
        values = np.zeros(self.rows, np.int64)
        values[given.to_numpy()] = found
        return Optional(values, given.to_numpy(), np.zeros(self.rows, np.bool_))

    def _none(self) -> pl.Series:
        return pl.zeros(self.rows, pl.Boolean, eager=True)

    def _nothing(self) -> Optional:
        mask = np.zeros(self.rows, np.bool_)
        return Optional(np.zeros(self.rows, np.int64), mask, mask)

    def _parse_numbers(self, name: str) -> tuple[pl.Series, pl.Series]:
        """A column as floats with nulls, and which of its cells are no numbers."""
        series = self.frame[name]
        if series.dtype == pl.String:
            text = self.text(name)
            found = text.cast(pl.Float64, strict=False)
            return found, found.is_null() & text.is_not_null()
        if series.dtype.is_numeric() or series.dtype == pl.Null:
            return series.cast(pl.Float64), self._none()
        return self._missing(name, pl.Float64), series.is_not_null()

    def _missing(self, name: str, dtype: type[pl.DataType]) -> pl.Series:
        return pl.Series(name, [None], dtype=dtype).new_from_index(0, self.rows)


def as_text(series: pl.Series) -> pl.Series:
    """Cells as text; whole floats as integers: pandas holds integers with a gap as floats."""
    if series.dtype.is_float():
        series = series.fill_nan(None)
        whole = series.cast(pl.Int64, strict=False)
        series = whole if (whole == series).all() else series
    if series.dtype != pl.String:
        return series.cast(pl.String, strict=False)
    stripped = series.str.strip_chars()
    return stripped.set(stripped == "", None)
