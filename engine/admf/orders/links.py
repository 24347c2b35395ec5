"""Parents and groups of an orders table: names become rows and numbers, and no order waits for itself."""

import numpy as np
import polars as pl

from admf.orders.columns import Columns, Integers
from admf.orders.faults import Mask

NONE = -1
UNKNOWN = -2  # a parent that the order cannot have: L-02 rejects the order with PARENT_UNKNOWN


def read_parents(columns: Columns, ids: pl.Series, bar: Integers) -> Integers:
    """Row of each order's parent, NONE without, UNKNOWN where no such order exists when the child arrives.

    The latter is a name that no row has, or a parent submitted later than its child. Parents in a circle are a fault
    of the table: none of them could be first.
    """
    text = columns.text("parent")
    if text.null_count() == columns.rows:
        return np.full(columns.rows, NONE, np.int64)
    found = first_rows(text, ids.cast(pl.String)).fill_null(UNKNOWN).to_numpy()
    parent = np.where(columns.given("parent"), found, NONE)
    columns.refuse(in_circles(parent), "parent", "an order that does not itself depend on this one")
    late = (parent >= 0) & (bar[np.maximum(parent, 0)] > bar)
    return np.where(late, UNKNOWN, parent)


def in_circles(parent: Integers) -> Mask:
    """Marks the rows that are their own ancestors, by doubling the step."""
    jump = parent
    for _ in range(len(parent).bit_length() + 1):
        if not (jump >= 0).any():
            break
        jump = np.where(jump >= 0, jump[jump], NONE)
    circles = np.zeros(len(parent), np.bool_)
    circles[jump[jump >= 0]] = True  # after more steps than rows every line that has no end is inside its circle
    return circles


def read_groups(columns: Columns, symbol: Integers) -> Integers:
    """OCO group numbers > 0 in order of first appearance, 0 without; a group has one symbol."""
    text = columns.text("oco")
    if text.null_count() == columns.rows:
        return np.zeros(columns.rows, np.int64)
    first = first_rows(text, text).fill_null(NONE).to_numpy()
    columns.refuse((first >= 0) & (symbol[first] != symbol), "oco", "orders of one symbol in a group")
    opens = (first == np.arange(columns.rows)).astype(np.int64)
    return np.where(first >= 0, np.cumsum(opens)[first], 0)


def first_rows(keys: pl.Series, known: pl.Series) -> pl.Series:
    """First row of `known` that holds each key, null where none does or the key is null."""
    table = pl.DataFrame({"key": known, "row": np.arange(len(known))}).unique("key", keep="first")
    return pl.DataFrame({"key": keys}).join(table, on="key", how="left", maintain_order="left")["row"]


def sending_order(parent: Integers, bar: Integers) -> Integers:
    """Rows so that a parent of the same bar precedes its children; input order wherever that allows."""
    rows = np.arange(len(parent), dtype=np.int64)
    same_bar = np.where((parent >= 0) & (bar[np.maximum(parent, 0)] == bar), parent, NONE)
    if not (same_bar > rows).any():
        return rows
    latest, depth, jump = rows.copy(), np.zeros_like(rows), same_bar
    depth[same_bar >= 0] = 1
    while (jump >= 0).any():
        moving = jump >= 0
        latest[moving] = np.maximum(latest[moving], latest[jump[moving]])
        depth[moving] += depth[jump[moving]]
        jump = np.where(moving, jump[jump], NONE)
    order: Integers = np.lexsort((rows, depth, latest))
    return order
