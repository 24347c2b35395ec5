"""When the orders of a table are submitted, expire, are cancelled and are amended."""

from typing import NamedTuple

import numpy as np

from admf.data import Market
from admf.orders.columns import LIMIT_TYPES, STOP_TYPES, UNREAD, Codes, Columns, Floats, Integers, Optional
from admf_kernels.codes import TimeInForce

REPLACED = ("replace_quantity", "replace_limit_price", "replace_stop_price")


class Change(NamedTuple):
    """Scripted cancels and amendments; NaN leaves a value as it is."""

    cancel_bar: Optional
    replace_bar: Optional
    quantity: Floats
    limit_price: Floats
    stop_price: Floats


def read_bars(columns: Columns, market: Market) -> Integers:
    """The bar at whose close each order is submitted, -1 before the first."""
    bar, stamp = columns.integers("bar"), columns.stamps("timestamp")
    if "bar" not in columns and "timestamp" not in columns and columns.rows:
        advice = "give bar or timestamp: the bar at whose close the order is submitted"
        columns.faults.add_column("bar", "missing", advice)
        return bar.values
    if stamp.given.any() and not market.dated:
        columns.faults.add_column("timestamp", "the bars have no timestamps", "give bar, the index of the bar")
        return bar.values
    check_range(columns, "bar", bar, market)
    columns.refuse(bar.given & stamp.given, "timestamp", "either bar or timestamp, not both")
    missing = ~bar.given & ~bar.wrong & ~stamp.given & ~stamp.wrong
    columns.demand(missing, "bar", f"-1 to {market.bar_count - 1}, or a timestamp")
    return np.where(stamp.given, bars_at(stamp.values, market), bar.values)


def bars_at(stamps: Integers, market: Market) -> Integers:
    """Last bar whose stamp is at or before each of `stamps` (ns UTC), -1 before the first and where undated."""
    if not market.dated:
        return np.full(len(stamps), -1, np.int64)
    return np.searchsorted(market.arrays.timestamp, stamps, side="right").astype(np.int64) - 1


def check_range(columns: Columns, name: str, bar: Optional, market: Market) -> None:
    """A bar of the market, or -1 for before the first."""
    outside = bar.given & ((bar.values < -1) | (bar.values >= market.bar_count))
    columns.refuse(outside, name, f"-1 to {market.bar_count - 1} (-1: before the first bar)")


def read_expiry(columns: Columns, market: Market, time_in_force: Codes) -> Integers:
    """The last bar of GTD, the number of bars of GTB, 0 otherwise; never beyond what the data can tell apart."""
    bar, stamp = columns.integers("expires_bar"), columns.stamps("expires_at")
    count = columns.integers("expires_after_bars")
    dated, counted = time_in_force == TimeInForce.GTD, time_in_force == TimeInForce.GTB
    if not market.has_sessions:
        day = time_in_force == TimeInForce.DAY
        columns.refuse(day, "time_in_force", "no day orders: the bars have no timestamps, so no sessions")
    if stamp.given.any() and not market.dated:
        columns.faults.add_column("expires_at", "the bars have no timestamps", "give expires_bar, the index of the bar")
    known = time_in_force != UNREAD
    columns.refuse(bar.given & ~dated & known, "expires_bar", "nothing, or time_in_force gtd")
    columns.refuse(stamp.given & ~dated & known, "expires_at", "nothing, or time_in_force gtd")
    columns.refuse(count.given & ~counted & known, "expires_after_bars", "nothing, or time_in_force gtb")
    columns.refuse(dated & bar.given & stamp.given, "expires_at", "either expires_bar or expires_at, not both")
    endless = dated & ~(bar.given | bar.wrong | stamp.given | stamp.wrong)
    columns.demand(endless, "expires_bar", "a bar, or expires_at: gtd needs its last bar")
    countless = counted & ~count.given & ~count.wrong
    columns.demand(countless, "expires_after_bars", "a number of bars: gtb needs it")
    last = np.where(stamp.given, bars_at(stamp.values, market), bar.values)
    expiry = np.where(dated, last, np.where(counted, count.values, 0))
    return np.clip(expiry, -1, market.bar_count + 1)


def read_change(columns: Columns, market: Market, bar: Integers, order_type: Codes) -> Change:
    """Scripted cancels and amendments, sent at or after the close at which the order is submitted."""
    cancel_bar, replace_bar = columns.integers("cancel_bar"), columns.integers("replace_bar")
    for name, when in (("cancel_bar", cancel_bar), ("replace_bar", replace_bar)):
        check_range(columns, name, when, market)
        early = when.given & (when.values >= -1) & (when.values < bar)
        columns.refuse(early, name, "the bar of the order's submission or a later one")
    change = Change(cancel_bar, replace_bar, *(columns.numbers(name) for name in REPLACED))
    changed = ~np.isnan(np.array(change[2:]))
    for name, given in zip(REPLACED, changed, strict=True):
        columns.refuse(given & ~replace_bar.given & ~replace_bar.wrong, name, "nothing, or a replace_bar beside it")
    idle = replace_bar.given & ~changed.any(axis=0)
    columns.refuse(idle, "replace_bar", f"nothing, or beside it one of {', '.join(REPLACED)}")
    columns.refuse_unused("replace_limit_price", change.limit_price, order_type, LIMIT_TYPES)
    columns.refuse_unused("replace_stop_price", change.stop_price, order_type, STOP_TYPES)
    return change
