"""Brackets that cannot be: a stop beyond the target it shares a position with."""

import numpy as np
import polars as pl

from admf.orders.columns import Columns
from admf.orders.faults import Mask
from admf.orders.links import NONE
from admf.orders.request import Request
from admf_kernels.codes import OrderFlag, OrderType

STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
TOUCHES = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)  # targets with a trigger


def refuse_crossed(columns: Columns, request: Request) -> None:
    """List the stops of exits, sent together, that are triggered at their own target (sells: a stop above it)."""
    exits = are_exits(request)
    is_target = exits & np.isin(request.type, (OrderType.LIMIT, *TOUCHES))
    is_stop = exits & np.isin(request.type, STOPS)
    if not is_target.any() or not is_stop.any():
        return
    price = request.side * np.where(request.type == OrderType.LIMIT, request.limit_price, request.stop_price)
    keys = {name: getattr(request, name) for name in ("parent", "oco", "side", "bar")}
    table = pl.DataFrame({**keys, "price": np.where(is_target & ~np.isnan(price), price, -np.inf)})
    nearest = table.select(pl.col("price").max().over(*keys))["price"].to_numpy()
    crossed = is_stop & (request.side * request.stop_price < nearest)
    columns.refuse(crossed, "stop_price", "of a sell at most, of a buy at least the price of the target beside it")


def are_exits(request: Request) -> Mask:
    """Marks the children on the other side of their parent, and the reduce-only orders of a group without one."""
    parent, side = request.parent, request.side
    is_child = (parent >= 0) & (side != side[np.maximum(parent, 0)])
    reduces = request.bits & OrderFlag.REDUCE_ONLY.value != 0
    exits: Mask = is_child | ((parent == NONE) & (request.oco > 0) & reduces)
    return exits
