"""Linked orders in one bar against all paths through it: the engine's worst and best are the worst and best of all."""

import numpy as np
import pytest

from admf.cases import run_case
from admf.cases.files import Case
from tick_paths import Bar, Orders, values

KINDS = ("position", "market", "limit", "stop", "stop_limit")
BASE, MIRROR = 100, 200  # a short case is the long one at 200 - p


def draw(kind, seed):
    """A bar and the orders of a long case, close enough to each other to meet."""
    random = np.random.default_rng([KINDS.index(kind), seed])
    low, width = BASE, int(random.integers(0, 7))
    open_, close = (int(price) for price in random.integers(low, low + width + 1, 2))
    near = [int(price) for price in random.integers(low - 1, low + width + 2, 4)]
    stop_loss, target = min(near[:2]), max(near[:2])
    if random.random() < 0.5:  # on either side of the open, where both are often reached
        stop_loss, target = int(random.integers(low - 1, open_ + 1)), int(random.integers(open_, low + width + 2))
    return Bar(open_, low + width, low, close), Orders(
        kind,
        limit=near[2] if "limit" in kind else None,
        stop=near[3] if "stop" in kind else None,
        stop_loss=stop_loss if random.random() < 0.7 else None,
        target=target if target > stop_loss and random.random() < 0.7 else None,
        through=int(random.integers(0, 2)),
    )


def case_of(bar, orders, side, held_at):
    """The same as a worked case; side 1 is long, -1 short."""

    def at(price):
        return float(price if side > 0 else MIRROR - price)

    def order(name, order_side, **columns):
        word = "buy" if order_side > 0 else "sell"
        prices = {key: at(price) for key, price in columns.items() if key in ("limit", "stop")}
        return {"id": name, "submit_bar": 0, "side": word, "qty": 1, "tif": "GTC", **columns, **prices}

    o, h, l, c = (at(price) for price in bar)  # noqa: E741 -- the letters of the rules
    entry = {key: value for key, value in {"limit": orders.limit, "stop": orders.stop}.items() if value is not None}
    rows = [] if orders.kind == "position" else [order("E", side, type=orders.kind, **entry)]
    link = {"oco": "X"} if orders.kind == "position" else {"oco": "X", "parent": "E"}
    if orders.stop_loss is not None:
        rows.append(order("SL", -side, type="stop", stop=orders.stop_loss, **link))
    if orders.target is not None:
        rows.append(order("TP", -side, type="limit", limit=orders.target, **link))
    config = {"path": "worst", "limit_through_ticks": orders.through, "tick_size": 1.0}
    if orders.kind == "position":
        config["initial_position"] = {"qty": side, "price": at(held_at)}
    found = values(bar, orders, held_at)
    expect = {
        "equity_change_worst": float(min(found)),
        "equity_change_best": float(max(found)),
        "ambiguous": len(found) > 1,
    }
    bars = [{"o": o, "h": o, "l": o, "c": o, "v": 1e3}, {"o": o, "h": max(h, l), "l": min(h, l), "c": c, "v": 1e3}]
    name = f"{orders} on {bar}, {'long' if side > 0 else 'short'}"
    return Case(name, "ours-pessimistic", bars, rows, config, expect)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("kind", KINDS)
def test_worst_and_best_are_those_of_all_paths(kind, side):
    """W-01 to W-06: W-02 for a position, W-03 and W-04 for an entry, W-05 for a stop-limit."""
    ambiguous = 0
    for seed in range(40):
        bar, orders = draw(kind, seed)
        verdict = run_case(case_of(bar, orders, side, held_at=BASE))
        assert verdict["status"] == "passed", verdict
        ambiguous += verdict["expected"]["ambiguous"]
    assert ambiguous > 0, "no drawn case has two outcomes"
