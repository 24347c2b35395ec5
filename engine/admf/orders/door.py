"""The door for orders: any table becomes a `Script`, or one OrderError that lists everything that is wrong with it."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Market
from admf.orders.brackets import refuse_crossed
from admf.orders.columns import FLAGS, INTEGERS, NAMES, NUMBERS, STAMPS, TRAILS, WORDS, Codes, Columns, Integers
from admf.orders.faults import Faults
from admf.orders.links import sending_order
from admf.orders.request import Request, read_ids, read_request
from admf.orders.script import SUBMIT, Script
from admf.orders.tables import to_frame
from admf_kernels.codes import Code, CommandKind
from admf_kernels.records import NO_INDEX, command_dt, order_dt

PRICES = ("limit_price", "stop_price")
COPIED = (
    "symbol",
    "side",
    "type",
    "time_in_force",
    "size_kind",
    "quantity",
    "size_amount",
    *PRICES,
    "trail_distance",
    "trail_offset",
    "limit_offset",
    "protected_at",
    "expiry",
    "oco",
    "bits",
)


def read_orders(table: Any, market: Market) -> Script:
    """Check a table of orders (API.md, "Orders in, fills out") against a market and put it in the order of sending.

    What makes the table unusable is one OrderError. An order whose own quantity, price, symbol, parent or expiry
    is wrong stays in the script and is REJECTED when it is submitted (L-02); `Script.faults` lists such orders.
    """
    frame, source = to_frame(table)
    faults = Faults(source)
    columns = Columns(frame, faults)
    columns.check_names()
    ids = read_ids(columns)
    request = read_request(columns, market, ids)
    refuse_crossed(columns, request)
    faults.raise_any(frame.height, ids if "id" in columns else None)
    commands, orders = build(request)
    return Script(commands, orders, ids.to_list(), normalised(columns, ids, market), source, market.symbols)


def build(request: Request) -> tuple[NDArray[np.record], NDArray[np.record]]:
    """The commands and orders of a script: ascending by bar; on a bar submissions first, each in input order."""
    rows, bars, kinds = sent(request)
    order = np.argsort(bars, kind="stable")
    rows, bars, kinds = rows[order], bars[order], kinds[order]
    submits = kinds == SUBMIT
    script_rows = np.empty(len(request.bar), np.int64)
    script_rows[rows[submits]] = np.flatnonzero(submits)
    commands = np.zeros(len(rows), command_dt)
    commands["bar"], commands["kind"], commands["number"] = bars, kinds, script_rows[rows]
    replaces = kinds == CommandKind.REPLACE.value
    for name in ("quantity", *PRICES):
        commands[name] = np.where(replaces, getattr(request.change, name)[rows], np.nan)
    orders = np.zeros(len(rows), order_dt)
    for name in COPIED:
        orders[name] = getattr(request, name)[rows]
    parent = request.parent[rows]
    orders["parent"] = np.where(parent >= 0, script_rows[np.maximum(parent, 0)], parent)
    orders["tag"], orders["submitted_bar"] = rows, request.bar[rows]
    orders["number"] = orders["closed_bar"] = NO_INDEX
    return commands, orders


def sent(request: Request) -> tuple[Integers, Integers, NDArray[np.int8]]:
    """Input row, bar and kind of all that is sent, so that a stable sort by bar puts it in the order of sending."""
    submitted = sending_order(request.parent, request.bar)
    change = request.change
    replaced, cancelled = np.flatnonzero(change.replace_bar.given), np.flatnonzero(change.cancel_bar.given)
    changed = np.concatenate([replaced, cancelled])
    bars = np.concatenate([change.replace_bar.values[replaced], change.cancel_bar.values[cancelled]])
    kinds = np.repeat([CommandKind.REPLACE.value, CommandKind.CANCEL.value], [len(replaced), len(cancelled)])
    by_row = np.argsort(changed, kind="stable")
    return (
        np.concatenate([submitted, changed[by_row]]),
        np.concatenate([request.bar[submitted], bars[by_row]]),
        np.concatenate([np.full(len(submitted), SUBMIT), kinds[by_row]]).astype(np.int8),
    )


def normalised(columns: Columns, ids: pl.Series, market: Market) -> pl.DataFrame:
    """The table with words in lower case and one kind of value a column; the defaults of words are filled in."""
    found: dict[str, pl.Series] = {"id": ids}
    for name in columns.frame.columns:
        if name == "id":
            continue
        if name in NAMES:
            found[name] = columns.text(name)
        elif name in WORDS:
            found[name] = as_words(WORDS[name][0], columns.words(name))
        elif name in NUMBERS or name in TRAILS:
            found[name] = pl.Series(columns.numbers(name), nan_to_null=True)
        elif name in INTEGERS or name in STAMPS:
            cells = columns.integers(name) if name in INTEGERS else columns.stamps(name)
            series = pl.Series(cells.values)
            series = series if cells.given.all() else series.set(pl.Series(~cells.given), None)
            found[name] = series.cast(pl.Datetime("ns", "UTC")) if name in STAMPS else series
        elif name in FLAGS:
            found[name] = pl.Series(columns.flags(name, default=name == "oco_reduce"))
    if "symbol" not in found or found["symbol"].null_count():
        found["symbol"] = columns.text("symbol").fill_null(market.symbols[0])
    for name in ("type", "time_in_force"):
        if name not in found:
            found[name] = as_words(WORDS[name][0], columns.words(name))
    return pl.DataFrame(found)


def as_words(code: type[Code], values: Codes) -> pl.Series:
    """Codes as lower-case words."""
    words = {member.value: member.name.lower() for member in code}
    first = min(words)
    table = pl.Series([words.get(value, "") for value in range(first, max(words) + 1)])
    return table.gather(pl.Series(values.astype(np.int64) - first))
