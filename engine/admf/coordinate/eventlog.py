"""The event log of a run as rows: from its bus, or derived from the records of a compiled run. Both are the same.

A row is a BAR, an ORDER (its submission), a FILL or an ORDER_STATUS, in the order in which the bus delivers them:
before the BAR k what the engine did with the orders submitted at k-1 and on the bar k itself, after it the orders of k.
SIGNALs, cancels and amendments leave no rows; what became of them does.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from admf.events import Action, Event, EventKind
from admf.results.records import RunRecords
from admf_kernels.codes import OrderEvent, Reason

BAR, ORDER, FILL, STATUS = (
    int(kind) for kind in (EventKind.BAR, EventKind.ORDER, EventKind.FILL, EventKind.ORDER_STATUS)
)
# reasons with which the engine submits an order of its own
ENGINE = (Reason.CLOSE_POSITIONS, Reason.BANKRUPT, Reason.MARGIN_CALL, Reason.DELISTED)
ROW = np.dtype(
    [
        ("told_bar", np.int32),  # bar before whose BAR it is told, or that it is; the number of bars after the last one
        ("kind", np.int32),
        ("bar", np.int32),  # of what happened
        ("order", np.int32),  # in order of submission; -1 for a BAR and an order of the engine's own
        ("symbol", np.int32),  # of a fill, else -1
        ("side", np.int32),  # of a fill, else 0
        ("quantity", np.float64),  # of a fill, else 0
        ("price", np.float64),
        ("commission", np.float64),
        ("to_status", np.int32),  # of a status, else -1
        ("event", np.int32),
        ("reason", np.int32),
    ]
)
Rows = NDArray[np.void]


def event_hash(rows: Rows) -> str:
    """SHA-256 over the rows, 64 hexadecimal digits."""
    return hashlib.sha256(rows.tobytes()).hexdigest()


def rows_of_bus(log: Iterable[Event]) -> Rows:
    """The rows of what a bus has delivered."""
    rows: list[tuple[object, ...]] = []
    told = 0
    for event in log:
        kind = event.kind
        if kind is EventKind.BAR:
            rows.append(bar_row(event.bar))
            told = event.bar + 1
        elif kind is EventKind.ORDER:
            if event.ticket.action is Action.SUBMIT:  # type: ignore[union-attr]  # the kind says what it is
                rows.append(order_row(event.bar, event.ticket.order))  # type: ignore[union-attr]
        elif kind is EventKind.FILL:
            _, bar, order, symbol, side, quantity, price, commission, _, _, _, reason = event  # type: ignore[misc]
            rows.append((told, FILL, bar, order, symbol, side, quantity, price, commission, -1, -1, reason))
        elif kind is EventKind.ORDER_STATUS:
            _, bar, order, _, to_status, step, reason = event  # type: ignore[misc]
            rows.append((told, STATUS, bar, order, -1, 0, 0.0, 0.0, 0.0, to_status, step, reason))
    return np.array(rows, ROW)


def rows_of_records(records: RunRecords) -> Rows:
    """The rows of a run that was recorded in full."""
    bars = len(records.market)
    steps, fills = records.transitions, records.fills
    submits = steps[steps["event"] == OrderEvent.SUBMIT]
    own = submits["order"][np.isin(submits["reason"], ENGINE)]
    own_end = submits["order"][submits["reason"] == Reason.CLOSE_POSITIONS]
    late = told_late(steps, bars)
    rows = [np.array([bar_row(bar) for bar in range(bars)], ROW)]
    asked = submits[~np.isin(submits["order"], own)]
    numbers = numbered(asked["order"], own).tolist()
    rows.append(np.array([order_row(*pair) for pair in zip(asked["bar"].tolist(), numbers, strict=True)], ROW))
    rows.append(status_rows(steps, late, own))
    submitted = dict(zip(submits["order"].tolist(), submits["bar"].tolist(), strict=True))
    at_once = np.array([submitted[int(row["order"])] == int(row["bar"]) for row in fills], bool)
    told = fills["bar"] + (at_once & ~np.isin(fills["order"], own) | np.isin(fills["order"], own_end))
    rows.append(fill_rows(fills, told, own))
    made = np.concatenate(rows)
    # a BAR has the told_bar of itself: what is told before it sorts first by kind, its orders after it
    return made[np.argsort(made["told_bar"] * 8 + made["kind"], kind="stable")]


def told_late(steps: NDArray[np.record], bars: int) -> NDArray[np.bool_]:
    """Whether a transition is one of P6 or P7, told before the BAR after its own."""
    late = np.zeros(len(steps), bool)
    ends = (steps["reason"] == Reason.END_OF_DATA) | (steps["reason"] == Reason.CLOSE_POSITIONS)
    late |= ends & (steps["bar"] == bars - 1)
    is_submit = (steps["event"] == OrderEvent.SUBMIT) & ~np.isin(steps["reason"], ENGINE)
    first: dict[int, int] = {}
    for index in np.flatnonzero(is_submit).tolist():
        first.setdefault(int(steps["bar"][index]), index)
    for bar, index in first.items():
        last = np.searchsorted(steps["bar"], bar, side="right")
        late[index:last] = True
    return late


def bar_row(bar: int) -> tuple[object, ...]:
    """A BAR."""
    return (bar, BAR, bar, -1, -1, 0, 0.0, 0.0, 0.0, -1, -1, -1)


def order_row(bar: int, order: int) -> tuple[object, ...]:
    """The submission of an order."""
    return (bar, ORDER, bar, order, -1, 0, 0.0, 0.0, 0.0, -1, -1, -1)


def numbered(orders: NDArray[np.int32], own: NDArray[np.int32]) -> NDArray[np.int64]:
    """Places among the orders that were submitted; -1 for the engine's own, which a bus does not number."""
    own = np.sort(own)
    return np.where(np.isin(orders, own), -1, orders - np.searchsorted(own, orders))


def status_rows(steps: NDArray[np.record], late: NDArray[np.bool_], own: NDArray[np.int32]) -> Rows:
    """Transitions."""
    rows = np.zeros(len(steps), ROW)
    rows["told_bar"], rows["kind"], rows["symbol"] = steps["bar"] + late, STATUS, -1
    rows["order"] = numbered(steps["order"], own)
    for name in ("bar", "to_status", "event", "reason"):
        rows[name] = steps[name]
    return rows


def fill_rows(fills: NDArray[np.record], told: NDArray[np.int32], own: NDArray[np.int32]) -> Rows:
    """Fills."""
    rows = np.zeros(len(fills), ROW)
    rows["told_bar"], rows["kind"], rows["to_status"], rows["event"] = told, FILL, -1, -1
    rows["order"] = numbered(fills["order"], own)
    for name in ("bar", "symbol", "side", "quantity", "price", "commission", "reason"):
        rows[name] = fills[name]
    return rows
