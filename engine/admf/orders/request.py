"""What the rows of an orders table ask for, cast to arrays by input row and checked against the market."""

from typing import NamedTuple

import numpy as np
import polars as pl

from admf.data import Market
from admf.orders.columns import LIMIT_TYPES, STOP_TYPES, UNREAD, Codes, Columns, Floats, Integers, nulls
from admf.orders.links import read_groups, read_parents
from admf.orders.timing import Change, read_bars, read_change, read_expiry
from admf.orders.trails import read_trails, refuse_sessions
from admf_kernels.codes import OrderFlag, OrderType, SizeKind


class Request(NamedTuple):
    """The orders of the table; arrays of shape (rows,)."""

    bar: Integers
    symbol: Integers  # column of the market, -1 if it is not there
    side: Codes
    type: Codes
    time_in_force: Codes
    size_kind: Codes
    quantity: Floats
    size_amount: Floats
    limit_price: Floats
    stop_price: Floats
    trail_distance: Floats
    trail_offset: Floats
    limit_offset: Floats
    protected_at: Floats
    expiry: Integers  # bar for GTD, number of bars for GTB
    parent: Integers  # row of the parent, links.NONE without, links.UNKNOWN where it cannot be
    oco: Integers  # group > 0, 0 without
    bits: Integers  # of OrderFlag
    change: Change


def read_request(columns: Columns, market: Market, ids: pl.Series) -> Request:
    """Read and check all columns; faults go to the list of `columns`."""
    bar = read_bars(columns, market)
    symbol = read_symbols(columns, market)
    side = columns.words("side")
    order_type = columns.words("type")
    time_in_force = columns.words("time_in_force")
    quantity, size_kind, size = read_sizes(columns)
    limit_price, stop_price = columns.numbers("limit_price"), columns.numbers("stop_price")
    columns.refuse_unused("limit_price", limit_price, order_type, LIMIT_TYPES)
    columns.refuse_unused("stop_price", stop_price, order_type, STOP_TYPES)
    bits = columns.flags("reduce_only", default=False) * OrderFlag.REDUCE_ONLY.value
    bits = bits | columns.flags("oco_reduce", default=True) * OrderFlag.OCO_REDUCE.value
    bits = bits | columns.flags("post_only", default=False) * OrderFlag.POST_ONLY.value
    trails = read_trails(columns, order_type)
    refuse_sessions(columns, order_type, market.has_sessions)
    parent = read_parents(columns, ids, bar)
    return Request(
        bar=bar,
        symbol=symbol,
        side=side,
        type=order_type,
        time_in_force=time_in_force,
        size_kind=size_kind,
        quantity=quantity,
        size_amount=size,
        limit_price=np.where(np.isin(order_type, LIMIT_TYPES), limit_price, np.nan),
        stop_price=np.where(np.isin(order_type, STOP_TYPES), stop_price, np.nan),
        trail_distance=trails.distance,
        trail_offset=trails.offset,
        limit_offset=trails.limit_offset,
        protected_at=exit_stops(parent, bar, side, order_type, stop_price),
        expiry=read_expiry(columns, market, time_in_force),
        parent=parent,
        oco=read_groups(columns, symbol),
        bits=bits | trails.bits,
        change=read_change(columns, market, bar, order_type),
    )


def exit_stops(parent: Integers, bar: Integers, side: Codes, order_type: Codes, stop_price: Floats) -> Floats:
    """K-07: for each order the price of the first stop among its exits that were sent with it, NaN without."""
    found, parents = np.full(len(parent), np.nan), np.maximum(parent, 0)
    is_exit = (parent >= 0) & (order_type == OrderType.STOP) & (bar == bar[parents]) & (side == -side[parents])
    rows = np.flatnonzero(is_exit)[::-1]  # of several the first is written last
    found[parent[rows]] = stop_price[rows]
    return found


def read_ids(columns: Columns) -> pl.Series:
    """Ids by row, integers or text; the row number where the table has none."""
    if "id" not in columns:
        return pl.int_range(columns.rows, dtype=pl.Int64, eager=True).alias("id")
    ids = columns.frame["id"] if columns.frame["id"].dtype.is_integer() else columns.text("id")
    columns.demand(nulls(ids), "id", "an id, text or a whole number, in every row")
    if ids.n_unique() < columns.rows:
        columns.refuse(~ids.is_first_distinct().to_numpy() & ~nulls(ids), "id", "an id that no earlier row has")
    return ids


def read_symbols(columns: Columns, market: Market) -> Integers:
    """Column of the market for each order, -1 where the market has no such symbol (its own fault, L-02)."""
    single = len(market.symbols) == 1
    if "symbol" not in columns and not single and columns.rows:
        advice = f"the market has {len(market.symbols)} symbols, name one in each row"
        columns.faults.add_column("symbol", "missing", advice)
    if "symbol" not in columns:
        return np.zeros(columns.rows, np.int64)
    text = columns.text("symbol")
    if not single:
        columns.demand(nulls(text), "symbol", "a symbol of the market")
    numbers = {symbol: index for index, symbol in enumerate(market.symbols)}
    found = text.replace_strict(numbers, default=-1, return_dtype=pl.Int64)
    return np.where(nulls(text), 0, found.to_numpy())


def read_sizes(columns: Columns) -> tuple[Floats, Codes, Floats]:
    """Quantity, size kind and size; exactly one of quantity and size counts in a row."""
    quantity, size = columns.numbers("quantity"), columns.numbers("size")
    size_kind = columns.words("size_kind")
    if "quantity" not in columns and "size" not in columns and columns.rows:
        columns.faults.add_column("quantity", "missing", "give quantity, or size with size_kind")
    sized = (size_kind != SizeKind.QUANTITY) & (size_kind != UNREAD)
    words = ", ".join(SizeKind.words()[1:])
    columns.refuse(~sized & ~np.isnan(size), "size", f"nothing, or a size_kind beside it: {words}")
    columns.refuse(sized & ~np.isnan(quantity), "quantity", "nothing where size_kind and size say how much")
    columns.refuse(
        sized & columns.given("parent"), "size_kind", "nothing: the quantity of a child follows its parent's"
    )
    return quantity, size_kind, np.where(sized, size, np.nan)
