"""A long and a short in a mirrored world earn the same; liquidation leaves what the rules leave; cash adds up."""

from random import Random
from typing import Any

import numpy as np
import pytest

import admf

CENTRE = 1024.0  # prices are mirrored at it: a power of two, and moves of eighths, so that nothing is rounded


def world(seed: int, count: int = 120) -> list[tuple[float, ...]]:
    """Open, high, low, close on a grid of eighths around the centre."""
    rng, rows, close = Random(seed), [], CENTRE
    for _ in range(count):
        open_ = close + rng.randint(-4, 4) / 8.0
        close = open_ + rng.randint(-16, 16) / 8.0
        high, low = max(open_, close) + rng.randint(0, 8) / 8.0, min(open_, close) - rng.randint(0, 8) / 8.0
        rows.append((open_, high, low, close))
    return rows


def mirrored(rows: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    return [tuple(2.0 * CENTRE - price for price in (open_, low, high, close)) for open_, high, low, close in rows]


def sent(seed: int, count: int, *, flipped: bool) -> list[dict[str, Any]]:
    """Market, limit and stop orders with brackets; of the mirrored world the other side at the mirrored price."""
    rng, orders = Random(seed), []
    for place in range(count):
        side, kind = rng.choice((1, -1)), rng.choice(("market", "limit", "stop"))
        row: dict[str, Any] = {"id": f"o{place}", "bar": rng.randrange(118), "quantity": float(rng.randint(1, 8))}
        prices = {f"{kind}_price": CENTRE + rng.randint(-40, 40) / 8.0} if kind != "market" else {}
        sign = -1 if flipped else 1
        row |= {"type": kind, "side": "buy" if side * sign > 0 else "sell"}
        row |= {name: CENTRE + sign * (price - CENTRE) for name, price in prices.items()}
        orders.append(row)
    return sorted(orders, key=lambda order: order["bar"])


def played(rows: list[tuple[float, ...]], orders: list[dict[str, Any]], account: dict[str, Any]) -> Any:
    columns = dict(zip(("open", "high", "low", "close"), np.array(rows).T, strict=True))
    rules = admf.Execution(cash_submit="none", cash_fill="none")
    return admf.simulate(admf.Bars(columns), orders, execution=rules, account=account, close_positions=True)


@pytest.mark.parametrize("seed", range(6))
def test_a_mirrored_world_earns_the_same(seed: int) -> None:
    """Section 12 of the charter: every fill has its mirror image, and the equity after every bar is the same."""
    rows, account = world(seed), {"cash": 2.0**20, "leverage": 4.0}
    there = played(rows, sent(seed, 60, flipped=False), account)
    back = played(mirrored(rows), sent(seed, 60, flipped=True), account)
    assert there.fills.height > 30
    assert back.equity["equity"].to_list() == there.equity["equity"].to_list()
    one, other = there.records.fills, back.records.fills
    assert (one["side"] == -other["side"]).all()
    assert (one["price"] - CENTRE == CENTRE - other["price"]).all()
    assert (one["quantity"] == other["quantity"]).all()


@pytest.mark.parametrize("seed", range(6))
def test_cash_and_positions_add_up(seed: int) -> None:
    """A-01: cash is what fills left of it, equity is cash and positions at their marks, to the last bit of 1e-9."""
    result = played(world(seed), sent(seed, 60, flipped=False), {"cash": 100_000.0})
    fills, closes = result.records.fills, np.array(world(seed))[:, 3]
    moved = np.zeros((2, 120))
    signed = fills["side"] * fills["quantity"]
    np.add.at(moved[0], fills["bar"], -(signed * fills["price"] + fills["commission"]))
    np.add.at(moved[1], fills["bar"], signed)
    cash, units = 100_000.0 + moved[0].cumsum(), moved[1].cumsum()
    assert result.equity["cash"].to_numpy() == pytest.approx(cash, rel=1e-12)
    assert result.equity["equity"].to_numpy() == pytest.approx(cash + units * closes, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_liquidation_leaves_what_the_rules_leave(seed: int, side: str) -> None:
    """A-12, A-13: closed where equity meets the maintenance margin, so that a gap alone leaves less than the ratio."""
    rows = [(open_, high, low, close) for open_, high, low, close in world(seed, 60)]
    fall = 1.0 if side == "sell" else -1.0
    rows += [tuple(price + fall * 8.0 * step for price in rows[-1]) for step in range(1, 60)]
    order = {"bar": 0, "side": side, "size_kind": "equity_fraction", "size": 4.9}
    account = {"cash": 100_000.0, "leverage": 5.0, "margin_maintenance": 0.1}
    columns = dict(zip(("open", "high", "low", "close"), np.array(rows).T, strict=True))
    result = admf.simulate(admf.Bars(columns), [order], account=account)
    assert result.metrics["margin_calls"] == 1
    called = result.records.fills[-1]
    value = float(called["quantity"] * called["price"])
    left = float(result.metrics["final_equity"])
    gap = abs(rows[called["bar"]][0] - rows[called["bar"] - 1][3]) * float(called["quantity"])
    assert 0.1 * value - gap - 1e-6 * value <= left <= 0.1 * value * (1.0 + 1e-9)
