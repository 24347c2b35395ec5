"""`Bars`: the checked bars of one symbol."""

from functools import cached_property

import numpy as np
import polars as pl

from admf.data.columns import PRICES, FloatArray
from admf.data.door import Checked, Label, LoadOptions, check
from admf.data.report import DataReport, describe_bars
from admf.data.stamps import StampArray, frequency_text, infer_frequency_ns, to_series
from admf.data.tables import DEFAULT_SYMBOL, open_table
from admf.errors import counted


class Bars:
    """Bars of one symbol: read-only float64 columns of shape (bars,), stamps strictly ascending at the bars' opens.

    Any defect of the table is an error here; `admf.load` can repair, drop or keep.
    """

    symbol: str
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray | None  # units traded, NaN where missing; None where the data has no volume
    has_volume: bool
    dated: bool  # whether the bars have stamps; else the bar index is the clock
    given_frequency_ns: int | None  # None where nobody gave one
    renamed: dict[str, str]  # columns recognised under another name: the table's name -> ours
    ignored: tuple[str, ...]  # columns of the table that nothing reads

    def __init__(
        self,
        table: object,
        symbol: str = DEFAULT_SYMBOL,
        *,
        frequency: str | None = None,
        label: Label = "open",
        tz: str = "UTC",
    ) -> None:
        """Take any table or path; `label` says whether stamps are the bars' opens or closes, `tz` where naive ones are.

        Raises DataError where a column is missing, is not numbers, or a bar is defective.
        """
        raw = open_table(table, None if symbol == DEFAULT_SYMBOL else symbol)
        self._take(check(raw, LoadOptions(frequency=frequency, label=label, tz=tz)))

    @classmethod
    def from_checked(cls, checked: Checked) -> "Bars":
        """Bars of columns that have passed the door."""
        bars = cls.__new__(cls)
        bars._take(checked)
        return bars

    def _take(self, checked: Checked) -> None:
        self._checked = checked
        self.symbol = checked.symbol
        self.open, self.high, self.low, self.close = (checked.columns[name] for name in PRICES)
        self.volume = checked.columns.get("volume")
        self.has_volume = self.volume is not None
        self.dated = checked.stamps is not None
        self.given_frequency_ns = checked.frequency_ns
        self.renamed, self.ignored = checked.renamed, checked.ignored

    @property
    def checked(self) -> Checked:
        """The columns with what is known of them."""
        return self._checked

    def column(self, name: str) -> FloatArray | None:
        """Any column by its name (`vwap`, `spread`, `bid` and `ask` too); None where the data lacks it."""
        return self._checked.columns.get(name)

    @cached_property
    def timestamp(self) -> StampArray:
        """Stamps in ns UTC at the bar's open, shape (bars,); the bar index where undated."""
        if self._checked.stamps is not None:
            return self._checked.stamps
        index = np.arange(len(self), dtype=np.int64)
        index.flags.writeable = False
        return index

    @cached_property
    def frequency_ns(self) -> int | None:
        """Time from bar to bar in ns: as given, or the most common difference; None where undated or of one bar."""
        if self._checked.stamps is None:
            return None
        return self._checked.frequency_ns or infer_frequency_ns(self._checked.stamps)

    @property
    def frequency(self) -> str:
        """The frequency as text, such as `1min`; empty where there is none."""
        return frequency_text(self.frequency_ns)

    @cached_property
    def defects(self) -> DataReport:
        """What is in the data and what was wrong with it; prints as a table."""
        return describe_bars(self._checked, self.frequency_ns)

    @property
    def frame(self) -> pl.DataFrame:
        """The bars as a polars frame: `timestamp` (UTC, us; the index where undated) and the columns."""
        columns = [pl.Series(name, values) for name, values in self._checked.columns.items()]
        return pl.DataFrame([to_series(self.timestamp, self.dated), *columns])

    def __len__(self) -> int:
        return len(self._checked.columns["close"])

    def __repr__(self) -> str:
        clock = (self.frequency or "one stamp") if self.dated else "undated"
        return f"Bars({self.symbol!r}, {counted(len(self), 'bar')}, {clock})"
