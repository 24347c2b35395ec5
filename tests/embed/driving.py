"""Orders at random, sent the same way to whatever is driven."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

import admf
from admf.embed import Core

BARS = 2_000
COLUMNS = ("open", "high", "low", "close", "volume")


def market(bars: int = BARS, seed: int = 7) -> admf.Market:
    return admf.Market(admf.generate(bars=bars, seed=seed))


def undated(given: admf.Market) -> dict[str, np.ndarray]:
    """The columns alone."""
    return {name: getattr(given.arrays, name)[:, 0] for name in COLUMNS}


def some_orders(given: admf.Market, count: int = 150, seed: int = 1) -> list[dict[str, Any]]:
    """Markets, limits, stops and stop-limits around the price, ascending by bar."""
    random, close = np.random.default_rng(seed), given.arrays.close[:, 0]
    orders = []
    for bar in sorted(random.integers(-1, len(close) - 50, count).tolist()):
        side, kind = random.choice(("buy", "sell")), random.choice(("market", "limit", "stop", "stop_limit"))
        price, sign = float(close[max(bar, 0)]), 1 if side == "buy" else -1
        order = {"bar": bar, "side": str(side), "quantity": float(random.integers(1, 60)), "type": str(kind)}
        order["limit_price"] = price * (1 - sign * 0.002) if kind == "limit" else None
        order["stop_price"] = price * (1 + sign * 0.002) if kind.startswith("stop") else None
        if kind == "stop_limit":
            order["limit_price"] = price * (1 + sign * 0.003)
        orders.append(order)
    return orders


def simulated(given: admf.Market, orders: list[dict[str, Any]], execution: admf.Execution) -> admf.Result:
    table = pl.DataFrame(orders, infer_schema_length=None)
    return admf.simulate(given, table, execution=execution)


def drive(core: Core, orders: list[dict[str, Any]], go_to: Callable[[int], object], last: int) -> Core:
    """Sends each order at its bar; `go_to(bar)` brings the core there."""
    for order in orders:
        if order["bar"] > core.bar:
            go_to(order["bar"])
        core.submit(**{name: value for name, value in order.items() if name != "bar"})
    go_to(last)
    core.close(close_positions=False)
    return core


# what the counters of buffers and of the script say depends on who drives
COUNTERS = {"status", "fill_count", "transition_count", "trade_count", "script_cursor", "row_limit"}


def different_fields(one: np.ndarray, other: np.ndarray, but: set[str] = COUNTERS) -> list[str]:
    """Fields of two account rows whose bits differ."""
    names = set(one.dtype.names) - but
    return sorted(name for name in names if one[name].tobytes() != other[name].tobytes())
