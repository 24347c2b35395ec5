"""Defects of bars: found, counted, named with their first rows, and repaired, dropped or refused."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf.data.columns import PRICES, FloatArray
from admf.data.stamps import StampArray, stamp_text
from admf.errors import DataError, counted

Columns = dict[str, FloatArray]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

MODES = ("error", "repair", "drop", "keep")
ROWS_SHOWN = 3


class Kind(NamedTuple):
    """One kind of defect: what is wrong, and what `repair` does about it."""

    text: str
    repair: str
    shown: tuple[str, ...]  # columns whose values an example row shows


WHOLE_BAR = (*PRICES, "volume")
QUOTES = ("spread", "bid", "ask")
DROPPED = "rows dropped"
STAMP_KINDS = {
    "unsorted": Kind("the stamp is earlier than the one of the row before", "sorted", ()),
    "duplicate": Kind("the same stamp and values as an earlier row", "one row kept", WHOLE_BAR),
    # Files append their corrections, and live recordings the finished bar after the forming one.
    "revised": Kind("the same stamp as an earlier row with other values", "the last revision kept", WHOLE_BAR),
}
BAR_KINDS = {
    "not_finite": Kind("open, high, low or close is missing, NaN or infinite", DROPPED, PRICES),
    "price_not_positive": Kind("a price is zero or negative", DROPPED, PRICES),
    "high_below_low": Kind("high is below low", "high and low widened to hold all four prices", PRICES),
    "outside_range": Kind("open or close lies outside low to high", "high or low widened to hold it", PRICES),
    "volume_invalid": Kind("the volume is negative or infinite", "set to 0", ("volume",)),
    "quotes_crossed": Kind("bid is above ask, or the spread negative", "quotes set to missing", QUOTES),
}
KINDS = STAMP_KINDS | BAR_KINDS


class ExampleRow(NamedTuple):
    """A row that shows a defect: its 0-based number in the input (of its symbol), stamp and values."""

    row: int
    stamp: str
    values: dict[str, float]

    def __str__(self) -> str:
        values = ", ".join(f"{name} {value:.12g}" for name, value in self.values.items())
        return f"row {self.row}" + (f" ({self.stamp})" if self.stamp else "") + (f": {values}" if values else "")


@dataclass(frozen=True)
class Defect:
    """All rows of one kind of defect."""

    kind: str
    text: str
    count: int
    rows: tuple[ExampleRow, ...]  # the first few
    action: str  # what was done about it

    def __str__(self) -> str:
        examples = "".join(f"\n      {row}" for row in self.rows)
        more = f"\n      and {self.count - len(self.rows)} more" if self.count > len(self.rows) else ""
        return f"  {self.count} x {self.kind}: {self.text}{examples}{more}"


class Examined(NamedTuple):
    """Bars after the door: stamps strictly ascending, and what was wrong."""

    columns: Columns
    stamps: StampArray | None
    defects: tuple[Defect, ...]


def examine(columns: Columns, stamps: StampArray | None, mode: str, source: str, selected: Mask | None) -> Examined:
    """Find all defects and deal with them as `mode` says; without any nothing is copied.

    `columns` is taken over and changed. `selected` marks the rows of the input that `columns` were taken from (all
    where None), so that messages count rows as the input does. Raises one DataError that lists everything `mode` does
    not let pass.
    """
    masks = bar_masks(columns)
    order, found = (None, {}) if stamps is None else stamp_rows(columns, stamps)
    found |= {kind: np.flatnonzero(mask) for kind, mask in masks.items()}
    numbers = np.flatnonzero(selected) if found and selected is not None else None
    defects = tuple(describe(kind, rows, columns, stamps, mode, numbers) for kind, rows in found.items())
    refused = [defect for defect in defects if mode == "error" or (mode == "keep" and defect.kind in STAMP_KINDS)]
    if refused:
        raise refusal(refused, len(columns["close"]), mode, source)
    if not defects or mode == "keep":
        return Examined(columns, stamps, defects)
    rows = surviving_rows(masks, order, stamps, mode, len(columns["close"]))
    if not len(rows):
        lines = [f"{source}: no rows left after on_defect={mode!r}", *map(str, defects)]
        raise DataError("\n".join(lines), remedy="look at the file: nothing in it can be used")
    for name in columns:  # one after the other, so that the old columns are let go
        columns[name] = columns[name][rows]
    if mode == "repair":
        mend(columns, {kind: np.flatnonzero(mask[rows]) for kind, mask in masks.items()})
    return Examined(columns, None if stamps is None else stamps[rows], defects)


def bar_masks(columns: Columns) -> dict[str, Mask]:
    """The rows of each kind of defect that one bar shows alone; only kinds that occur."""
    open_, high, low, close = (columns[name] for name in PRICES)
    masks = {
        "not_finite": ~(np.isfinite(open_) & np.isfinite(high) & np.isfinite(low) & np.isfinite(close)),
        "price_not_positive": (open_ <= 0) | (high <= 0) | (low <= 0) | (close <= 0),
        "high_below_low": high < low,
        "outside_range": ((open_ < low) | (open_ > high) | (close < low) | (close > high)) & (high >= low),
    }
    if "volume" in columns:
        masks["volume_invalid"] = (columns["volume"] < 0) | np.isinf(columns["volume"])
    crossed = crossed_quotes(columns)
    if crossed is not None:
        masks["quotes_crossed"] = crossed
    return {kind: mask for kind, mask in masks.items() if mask.any()}


def crossed_quotes(columns: Columns) -> Mask | None:
    """Rows with a negative spread or bid above ask; None without quotes."""
    spread = columns["spread"] < 0 if "spread" in columns else None
    both = columns["bid"] > columns["ask"] if {"bid", "ask"} <= columns.keys() else None
    return both if spread is None else spread if both is None else spread | both


def stamp_rows(columns: Columns, stamps: StampArray) -> tuple[Rows | None, dict[str, Rows]]:
    """A stable order by stamp (None where it is one already, without repeats) and the rows of each stamp defect."""
    if (stamps[1:] > stamps[:-1]).all():
        return None, {}
    order = np.argsort(stamps, kind="stable")
    ordered = stamps[order]
    repeats = np.flatnonzero(ordered[1:] == ordered[:-1])
    earlier, later = order[repeats], order[repeats + 1]
    identical = np.ones(len(repeats), dtype=np.bool_)
    for values in columns.values():
        first, second = values[earlier], values[later]
        identical &= (first == second) | (np.isnan(first) & np.isnan(second))
    found = {
        "unsorted": np.flatnonzero(stamps[1:] < stamps[:-1]) + 1,
        "duplicate": np.sort(later[identical]),
        "revised": np.sort(later[~identical]),
    }
    return order, {kind: rows for kind, rows in found.items() if len(rows)}


def describe(
    kind: str, rows: Rows, columns: Columns, stamps: StampArray | None, mode: str, numbers: Rows | None
) -> Defect:
    """A defect with its first rows."""
    examples = tuple(
        ExampleRow(
            int(row if numbers is None else numbers[row]),
            "" if stamps is None else stamp_text(int(stamps[row])),
            {name: float(columns[name][row]) for name in KINDS[kind].shown if name in columns},
        )
        for row in rows[:ROWS_SHOWN]
    )
    dropped = mode == "drop" and kind in BAR_KINDS
    action = "kept" if mode == "keep" else DROPPED if dropped else KINDS[kind].repair
    return Defect(kind, KINDS[kind].text, len(rows), examples, action)


def refusal(defects: list[Defect], row_count: int, mode: str, source: str) -> DataError:
    """One error that lists every defect."""
    count = sum(defect.count for defect in defects)
    lines = [f"{source}: {counted(count, 'defect')} in {counted(row_count, 'row')}", *map(str, defects)]
    remedy = "correct the file, or load it with on_defect='repair' (says what it changed) or 'drop'"
    keep = "; 'keep' leaves invalid bars to the rule bad_bar" if mode == "error" else " ('keep' needs ascending stamps)"
    return DataError("\n".join(lines), remedy=remedy + keep)


def surviving_rows(
    masks: dict[str, Mask], order: Rows | None, stamps: StampArray | None, mode: str, row_count: int
) -> Rows:
    """The rows that stay, by stamp: invalid rows go first, then all but the last of each stamp."""
    dropped = np.zeros(row_count, dtype=np.bool_)
    for kind, mask in masks.items():
        if mode == "drop" or BAR_KINDS[kind].repair == DROPPED:
            dropped |= mask
    rows = np.flatnonzero(~dropped) if order is None else order[~dropped[order]]
    if stamps is None or order is None:
        return rows
    ordered = stamps[rows]
    last = np.ones(len(rows), dtype=np.bool_)
    last[:-1] = ordered[1:] != ordered[:-1]
    return np.asarray(rows[last])


def mend(columns: Columns, rows: dict[str, Rows]) -> None:
    """Repair in place what can be: ranges widened, volume to 0, crossed quotes to missing."""
    for kind in ("high_below_low", "outside_range"):
        if kind in rows:
            prices = np.stack([columns[name][rows[kind]] for name in PRICES])
            columns["high"][rows[kind]] = prices.max(axis=0)
            columns["low"][rows[kind]] = prices.min(axis=0)
    if "volume_invalid" in rows:
        columns["volume"][rows["volume_invalid"]] = 0.0
    if "quotes_crossed" in rows:
        for name in columns.keys() & set(QUOTES):
            columns[name][rows["quotes_crossed"]] = np.nan
