"""A checked script of orders: what the kernel runs, and what is wrong with single orders of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data.tables import shortened
from admf.errors import OrderError, counted
from admf.orders.columns import LIMIT_TYPES, STOP_TYPES, TRAIL_TYPES
from admf.orders.faults import SHOWN_COUNT, Mask, listing
from admf.orders.links import UNKNOWN
from admf_kernels.codes import OrderFlag, OrderType, Reason, SizeKind, TimeInForce
from admf_kernels.records import NO_INDEX

SUBMIT = -1  # `kind` of a script row that submits the order of the same row
LOT_SLACK = 1e-9

# The column that shows what was wrong, by reason.
COLUMN_OF_REASON = {
    Reason.SIZE_UNKNOWN: "size",
    Reason.QUANTITY_NOT_POSITIVE: "quantity",
    Reason.BELOW_LOT: "quantity",
    Reason.LIMIT_PRICE_MISSING: "limit_price",
    Reason.STOP_PRICE_MISSING: "stop_price",
    Reason.TIME_IN_FORCE_UNKNOWN: "expires_after_bars",
    Reason.SYMBOL_UNKNOWN: "symbol",
    Reason.PARENT_UNKNOWN: "parent",
    Reason.POST_ONLY_TYPE: "post_only",
}


class BadOrder(NamedTuple):
    """An order that the static checks will refuse (L-02)."""

    row: int  # of the input table
    id: object
    column: str
    found: object
    reason: Reason


@dataclass(frozen=True, eq=False, repr=False)
class Script:
    """Submissions, cancels and amendments in the order in which they are sent.

    `commands` is command_dt[script rows], ascending by bar, on a bar by input row with submissions first; `orders` is
    order_dt[script rows], what the order of each row asks for, with `tag` its input row and `parent` the script row of
    its parent (negative: links.NONE, links.UNKNOWN). `ids` and `table` go by input row. `source` is how messages call
    the table, `symbols` are those of its market.
    """

    commands: NDArray[np.record]
    orders: NDArray[np.record]
    ids: Sequence[object]
    table: pl.DataFrame
    source: str
    symbols: Sequence[str]

    def __len__(self) -> int:
        """Number of orders."""
        return len(self.ids)

    def numbers_by_input(self, script_numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Order number of each input row, -1 where it was not submitted, from the numbers by script row."""
        numbers = np.full(len(self.ids), NO_INDEX, np.int32)
        submits = self.commands["kind"] == SUBMIT
        numbers[self.orders["tag"][submits]] = script_numbers[submits]
        return numbers

    def faults(self, instruments: NDArray[np.record], *, sizes: bool = False) -> list[BadOrder]:
        """Orders that L-02 will refuse, by input row; `instruments` is instrument_dt[symbols].

        With `sizes` a risk manager gives units to orders without any. An order whose parent is refused is not listed
        for that alone.
        """
        orders = self.orders[self.commands["kind"] == SUBMIT]
        reasons = static_reasons(orders, self._parents(), instruments, sizes=sizes)
        bad = np.flatnonzero(reasons)
        bad = bad[np.argsort(orders["tag"][bad], kind="stable")]
        return [self._bad_order(orders[row], Reason(int(reasons[row]))) for row in bad]

    def refuse_faults(self, instruments: NDArray[np.record], *, sizes: bool = False) -> None:
        """Raise one OrderError that lists the orders of `faults`, if there are any."""
        bad = self.faults(instruments, sizes=sizes)
        if not bad:
            return
        lines = [self._line(order) for order in bad[:SHOWN_COUNT]]
        remedy = '  correct them, or let them be REJECTED: --on-bad-order reject, on_bad_order="reject" in Python'
        title = f"{len(bad):,} of {counted(len(self), 'order')} would be rejected"
        raise OrderError(f"{listing(title, lines, len(bad))}\n{remedy}", field=self.source)

    def _line(self, order: BadOrder) -> str:
        """What is wrong with one order, as people read it."""
        allowed = f"; allowed: {shortened(self.symbols)}" if order.reason == Reason.SYMBOL_UNKNOWN else ""
        where = f"row {order.row} (id {order.id}), {order.column}"
        return f"  {where}: found {order.found!r}; {order.reason.text} ({order.reason.name}){allowed}"

    def _parents(self) -> NDArray[np.record]:
        """The parent's record for each submitted order, itself where it has none."""
        submits = np.flatnonzero(self.commands["kind"] == SUBMIT)
        parents = self.orders["parent"][submits]
        return self.orders[np.where(parents >= 0, parents, submits)]

    def _bad_order(self, order: np.record, reason: Reason) -> BadOrder:
        row = int(order["tag"])
        column = trail_column(order) if reason == Reason.TRAIL_MISSING else COLUMN_OF_REASON[reason]
        found = self.table[column][row] if column in self.table.columns else None
        return BadOrder(row, self.ids[row], column, found, reason)


def is_positive(values: NDArray[np.float64]) -> Mask:
    """L-02: finite and above zero."""
    return np.isfinite(values) & (values > 0.0)


def is_below_lot(quantity: NDArray[np.float64], instruments: NDArray[np.record]) -> Mask:
    """L-02: less than a lot or the minimum quantity of each order's instrument."""
    return (quantity < instruments["lot_size"] * (1.0 - LOT_SLACK)) | (quantity < instruments["min_quantity"])


def is_distance(values: NDArray[np.float64]) -> Mask:
    """L-02: finite and not below zero."""
    return np.isfinite(values) & (values >= 0.0)


def is_trail_missing(orders: NDArray[np.record]) -> Mask:
    """L-02: without one distance of a trail, or with an offset or a first trigger that is none."""
    distance, offset, trigger = orders["trail_distance"], orders["trail_offset"], orders["stop_price"]
    by_percent = orders["bits"] & OrderFlag.TRAIL_PERCENT.value != 0
    missing: Mask = (
        ~is_positive(distance)
        | (by_percent & (distance >= 1.0))
        | ((orders["type"] == OrderType.TRAILING_STOP_LIMIT) & ~is_distance(orders["limit_offset"]))
        | ~(np.isnan(trigger) | is_positive(trigger))
        | ~(np.isnan(offset) | is_distance(offset))
    )
    return missing


def trail_column(order: np.record) -> str:
    """The column at fault of an order that `is_trail_missing` marks."""
    by_percent = bool(order["bits"] & OrderFlag.TRAIL_PERCENT.value)
    if not is_positive(order["trail_distance"]) or (by_percent and order["trail_distance"] >= 1.0):
        return "trail_percent" if by_percent else "trail_amount"
    if order["type"] == OrderType.TRAILING_STOP_LIMIT and not is_distance(order["limit_offset"]):
        return "limit_offset"
    is_offset = np.isnan(order["trail_offset"]) or is_distance(order["trail_offset"])
    return "stop_price" if is_offset else "trail_activation_offset"


def static_reasons(
    orders: NDArray[np.record], parents: NDArray[np.record], instruments: NDArray[np.record], *, sizes: bool
) -> NDArray[np.int64]:
    """L-02: Reason of the first static check that fails, 0 where none does; `parents` as in `Script._parents`."""
    known = orders["symbol"] >= 0
    own = instruments[np.where(known, orders["symbol"], 0)]
    is_child = orders["parent"] != NO_INDEX
    is_orphan = orders["parent"] == UNKNOWN
    sized = orders["size_kind"] != SizeKind.QUANTITY
    quantity = orders["quantity"]
    inherits = ~sized & (is_child | sizes) & np.isnan(quantity)
    has_limit, trails = np.isin(orders["type"], LIMIT_TYPES), np.isin(orders["type"], TRAIL_TYPES)
    has_stop = np.isin(orders["type"], STOP_TYPES) & ~trails
    post_only = orders["bits"] & OrderFlag.POST_ONLY.value != 0
    checks = [
        (Reason.SIZE_UNKNOWN, sized & ~is_positive(orders["size_amount"])),
        (Reason.QUANTITY_NOT_POSITIVE, ~sized & ~inherits & ~is_positive(quantity)),
        (Reason.BELOW_LOT, ~sized & ~inherits & is_below_lot(quantity, own)),
        (Reason.LIMIT_PRICE_MISSING, has_limit & ~is_positive(orders["limit_price"])),
        (Reason.TRAIL_MISSING, trails & is_trail_missing(orders)),
        (Reason.STOP_PRICE_MISSING, has_stop & ~is_positive(orders["stop_price"])),
        (Reason.POST_ONLY_TYPE, post_only & (orders["type"] != OrderType.LIMIT)),
        (Reason.TIME_IN_FORCE_UNKNOWN, (orders["time_in_force"] == TimeInForce.GTB) & (orders["expiry"] < 1)),
        (Reason.SYMBOL_UNKNOWN, ~known),
        (Reason.PARENT_UNKNOWN, is_orphan | (is_child & (parents["symbol"] != orders["symbol"]))),
    ]
    return np.select([wrong for _, wrong in checks], [reason.value for reason, _ in checks], 0)
