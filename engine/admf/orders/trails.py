"""The columns of trailing orders."""

from typing import NamedTuple

import numpy as np

from admf.orders.columns import TRAIL_TYPES, TRAILS, UNREAD, Codes, Columns, Floats, Integers
from admf_kernels.codes import OrderFlag, OrderType


class Trails(NamedTuple):
    """Arrays of shape (rows,); NaN where a row has none."""

    distance: Floats  # in price, or as a share of the price where `bits` says so; NaN is REJECTED (TRAIL_MISSING)
    offset: Floats
    limit_offset: Floats
    bits: Integers  # OrderFlag.TRAIL_PERCENT or 0


def read_trails(columns: Columns, order_type: Codes) -> Trails:
    """Distances and offsets; a row with both distances has none, which is its own fault (L-02)."""
    amount, percent, offset, limit_offset = (columns.numbers(name) for name in TRAILS)
    for name, values in zip(TRAILS[:3], (amount, percent, offset), strict=True):
        columns.refuse_unused(name, values, order_type, TRAIL_TYPES)
    columns.refuse_unused("limit_offset", limit_offset, order_type, (OrderType.TRAILING_STOP_LIMIT,))
    is_trail = np.isin(order_type, TRAIL_TYPES)
    by_percent = np.isnan(amount) & ~np.isnan(percent)
    distance = np.where(by_percent, percent / 100.0, np.where(np.isnan(percent), amount, np.nan))
    return Trails(
        distance=np.where(is_trail, distance, np.nan),
        offset=np.where(is_trail, offset, np.nan),
        limit_offset=np.where(order_type == OrderType.TRAILING_STOP_LIMIT, limit_offset, np.nan),
        bits=(by_percent & is_trail) * OrderFlag.TRAIL_PERCENT.value,
    )


def refuse_sessions(columns: Columns, order_type: Codes, has_sessions: bool) -> None:
    """C-06: on-open and on-close orders need sessions; a word that could not be read is listed already."""
    if not has_sessions:
        needing = (order_type >= OrderType.MARKET_ON_OPEN) & (order_type != UNREAD)
        columns.refuse(needing, "type", "no on-open or on-close types: the bars have no timestamps, so no sessions")
