"""The list of everything that is wrong with an orders table, raised as one error."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.errors import OrderError, counted

SHOWN_COUNT = 20
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Fault(NamedTuple):
    """One line of the list; `row` is -1 where a whole column is meant."""

    row: int
    column: str
    found: str
    allowed: str

    def line(self, ids: pl.Series | None) -> str:
        """The fault as people read it."""
        if self.row < 0:
            return f"  column {self.column}: {self.found}; {self.allowed}"
        name = f" (id {ids[self.row]})" if ids is not None else ""
        return f"  row {self.row}{name}, {self.column}: found {self.found}; allowed: {self.allowed}"


class Faults:
    """Collects faults; keeps the first rows of each kind and the count of all."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.count = 0
        self._shown: list[Fault] = []

    def add_column(self, column: str, found: str, allowed: str) -> None:
        """A fault of a whole column."""
        self.count += 1
        self._shown.append(Fault(-1, column, found, allowed))

    def add_rows(self, wrong: Mask, column: str, values: pl.Series | None, allowed: str) -> None:
        """Faults of one column: `wrong` marks the rows, `values` (rows) is what they hold, None for nothing."""
        rows: Rows = np.flatnonzero(wrong)
        self.count += len(rows)
        for row in rows[:SHOWN_COUNT].tolist():
            found = "nothing" if values is None or values[row] is None else repr(values[row])
            self._shown.append(Fault(row, column, found, allowed))

    def raise_any(self, row_count: int, ids: pl.Series | None) -> None:
        """One OrderError with the first faults by row and the count of the rest; nothing if there are none."""
        if not self.count:
            return
        shown = sorted(self._shown, key=lambda fault: fault.row)[:SHOWN_COUNT]
        title = f"{counted(self.count, 'fault')} in {counted(row_count, 'row')}"
        raise OrderError(listing(title, [fault.line(ids) for fault in shown], self.count), field=self.source)


def listing(title: str, lines: list[str], count: int) -> str:
    """A title, the lines, and how many of `count` the lines leave out."""
    rest = [f"  … and {count - len(lines):,} more"] if count > len(lines) else []
    return "\n".join([f"{title}; nothing was run", *lines, *rest])
