"""Limits under orders that try to break them: every path agrees, and no moment between two fills is beyond one."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

import admf
from fuzzing.making import make_case
from paths_support import Case, first_difference

SEEDS = 3
CASES = 40  # a seed


def drawn_limits(rng: Random, dated: bool, symbols: int) -> dict[str, Any]:
    """Some limits of those there are."""
    chances = {
        "max_position_size": [3.0, 7.5, 40.0],
        "max_portfolio_heat": [0.05, 0.5, 1.5],
        "max_concentration": [0.03, 0.3],
        "max_order_size": [2.0, 15.0],
        "max_order_value": [150.0, 2_000.0],
        "price_collar": [0.01, 0.1],
        "max_drawdown": [0.001, 0.02],
        "symbols": [tuple(f"S{place}" for place in range(rng.randint(1, symbols)))],
    }
    if dated:
        chances |= {"max_daily_loss": [0.001, 0.02], "max_session_orders": [1, 4]}
    found = {name: rng.choice(values) for name, values in chances.items() if rng.random() < 0.3}
    if rng.random() < 0.3:
        found["max_net_exposure"] = 0.04
    if "max_drawdown" in found and rng.random() < 0.5:
        found["cool_down_bars"] = rng.randint(1, 4)
    if rng.random() < 0.2:
        found[rng.choice(("long", "short"))] = False
    return found


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(SEEDS))
def test_oracle_and_compiled_agree_under_limits(seed: int) -> None:
    """K-01 to K-06: whatever orders and rules come."""
    rng, limited = Random(seed), 0
    for place in range(CASES):
        case = make_case(f"limits {seed} {place}")
        case = replace(case, risk=drawn_limits(rng, case.bars_per_day > 0, len(case.bars)))
        try:
            difference = first_difference(case)
        except admf.AdmfError:
            continue  # rules that the door refuses
        assert difference == "", f"make_case('limits {seed} {place}') under {case.risk}"
        limited += bool(case.risk)
    assert limited > CASES / 2


@pytest.mark.parametrize("seed", range(3))
def test_plain_python_agrees(seed: int) -> None:
    """K-01 to K-06, without the compiler."""
    case = make_case(f"limits {seed} 0")
    case = replace(case, risk={"max_position_size": 5.0, "max_portfolio_heat": 0.2, "max_drawdown": 0.01})
    assert first_difference(case, ("oracle", "stepped")) == ""


def breaking_orders(rng: Random, bars: int) -> list[dict[str, Any]]:
    """Market, limit and stop orders of both sides, brackets and amendments, much larger than what is allowed."""
    orders = []
    for place in range(3 * bars):
        order: dict[str, Any] = {
            "id": f"o{place}", "bar": rng.randrange(-1, bars - 1), "symbol": f"S{rng.randrange(2)}",
            "side": rng.choice(("buy", "sell")), "quantity": float(rng.randint(1, 60)),
        }  # fmt: skip
        kind = rng.choice(("market", "market", "limit", "stop"))
        order["type"] = kind
        if kind != "market":
            order[f"{kind}_price"] = 100.0 + rng.randint(-6, 6)
            if rng.random() < 0.3:
                order |= {"replace_bar": order["bar"] + 1, "replace_quantity": 90.0}
        orders.append(order)
    return sorted(orders, key=lambda order: order["bar"])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("risk", [{"max_position_size": 25.0}, {"max_portfolio_heat": 0.4}, {"max_net_exposure": 0.2}])
def test_no_moment_is_beyond_a_limit(seed: int, risk: dict[str, float]) -> None:
    """K-02, K-03, K-06: after every fill, also between two of one bar, at the prices at which limits are judged."""
    rng = Random(seed)
    steps = np.round(np.cumsum([[rng.choice((-2.0, 0.0, 2.0)) for _ in range(2)] for _ in range(60)], axis=0) / 2)
    closes = np.maximum(100.0 + steps, 60.0)
    bars = [
        [(c[0], max(c) + 2.0, min(c) - 2.0, c[1], 1e6) for c in zip([100.0, *column[:-1]], column, strict=True)]
        for column in closes.T.tolist()
    ]
    case = Case(bars=bars, orders=breaking_orders(rng, 60), risk=risk, account={"cash": 20_000.0})
    result = admf.simulate(case.market(), case.orders, account=admf.Account(**case.account), risk=admf.Risk(**risk))
    held, marks, cash, beyond = np.zeros(2), [100.0, 100.0], 20_000.0, 0
    bar_before = 0
    for fill in result.records.fills:
        if fill["bar"] != bar_before:
            marks = closes[fill["bar"] - 1].tolist() if fill["bar"] > 0 else marks
            bar_before = fill["bar"]
        symbol, units = int(fill["symbol"]), float(fill["side"] * fill["quantity"])
        opens = held[symbol] * units >= 0.0
        prices = np.array(marks)
        prices[symbol] = fill["base_price"]
        equity = cash + float(held @ prices)
        held[symbol] += units
        cash -= units * float(fill["price"])
        if not opens:
            continue
        values = held * prices
        assert abs(held).max() <= risk.get("max_position_size", np.inf) * (1.0 + 1e-9)
        assert abs(values).sum() <= risk.get("max_portfolio_heat", np.inf) * equity * (1.0 + 1e-9)
        signed = values.sum() * np.sign(units)
        assert signed <= risk.get("max_net_exposure", np.inf) * equity * (1.0 + 1e-9)
        beyond += 1
    assert beyond >= 5
    reasons = result.transitions.filter(reason="RISK_LIMIT")
    assert set(reasons["event"].to_list()) >= {"SUBMIT", "REFUSE"}
