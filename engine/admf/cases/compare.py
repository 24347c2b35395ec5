"""What a case expects, and the same figures of a run."""

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from itertools import groupby
from typing import Any

from admf.cases.lots import Fill, open_lots
from admf.cases.play import Play, fills_of, statuses_of
from admf.cases.unsupported import Unsupported, number
from admf.results import Result

TOLERANCE = 1e-9  # absolute or relative (cases/README.md)
ALIVE = ("ROUTED", "VALIDATED", "WORKING")  # different words for one state
# Figures that are compared, but that no run of this engine has yet.
NOT_YET = (
    "slippage_amount",
    "total_profit_ratio_rounded3",
    "input_price",
    "limit_buy_or_stop_sell",
    "limit_sell_or_stop_buy",
    "state_after",
    "error",
    "reason",
    "total_return",
)

Figures = dict[str, Any]


def select_expected(expect: Mapping[str, Any]) -> Figures:
    """The compared part; Unsupported for a figure that we lack and for a key that looks like a misspelt one."""
    for key in expect:
        if key in NOT_YET:
            raise Unsupported(f"expect.{key}: no such figure yet")
        near = get_close_matches(key, FIGURES, 1, 0.85)
        if near and key not in FIGURES:
            raise Unsupported(f"expect.{key}: did you mean {near[0]}?")
    expected = {key: expect[key] for key in expect if key in FIGURES}
    if not expected:
        raise Unsupported("expect: nothing to compare")
    if "fills" in expected:
        expected["fills"] = [fill._asdict() for fill in whole_fills(read_fill(fill) for fill in expected["fills"])]
    return expected


def read_fill(fill: Mapping[str, Any]) -> Fill:
    """A fill of a case file; a commission that it does not state is NaN, and not compared."""
    values = (number(fill.get(key), f"expect.fills.{key}") for key in ("price", "qty", "commission"))
    price, quantity, commission = values
    return Fill(str(fill["order"]), int(fill["bar"]), price, quantity, commission)


def whole_fills(fills: Any) -> list[Fill]:
    """Fills with what a reversal splits in two (A-05) as one: neighbours of one order, bar and price."""
    whole = []
    for _, parts in groupby(fills, key=lambda fill: (fill.order, fill.bar, fill.price)):
        first, *rest = parts
        quantity = first.qty + sum(part.qty for part in rest)
        whole.append(first._replace(qty=quantity, commission=first.commission + sum(part.commission for part in rest)))
    return whole


def find(play: Play, expected: Figures) -> Figures:
    """The figures of a run that stand against the expected ones."""
    result = play.run()
    return {key: FIGURES[key](play, result) for key in expected}


def differing(expected: Figures, found: Figures, statuses: Mapping[str, str]) -> list[str]:
    """Names of the figures that differ."""
    return [key for key, value in expected.items() if not is_same(key, value, found[key], statuses)]


def is_same(key: str, expected: Any, found: Any, statuses: Mapping[str, str]) -> bool:
    """Whether a figure is as expected."""
    if key == "final_state":
        return all(same_state(state, found.get(name, ""), statuses) for name, state in expected.items())
    if key == "fills":
        return len(expected) == len(found) and all(map(same_fill, expected, found))
    if isinstance(expected, bool):
        return bool(found is expected)
    return is_close(number(expected, f"expect.{key}"), found)


def same_state(expected: str, found: str, statuses: Mapping[str, str]) -> bool:
    """States of one meaning: `statuses` has the engine's word where it lacks ours."""
    found = statuses.get(found, found)
    return found == expected or (found in ALIVE and expected in ALIVE)


def same_fill(expected: Figures, found: Figures) -> bool:
    """Order and bar alike, numbers close; what the case does not state is not compared."""
    if (expected["order"], expected["bar"]) != (found["order"], found["bar"]):
        return False
    stated = [key for key in ("price", "qty", "commission") if not math.isnan(expected[key])]
    return all(is_close(expected[key], found[key]) for key in stated)


def is_close(expected: float, found: float) -> bool:
    """Equal but for rounding."""
    return math.isclose(expected, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def cash_realised(play: Play, result: Result) -> float:
    """Cash before the cost of open positions."""
    lots = open_lots(fills_of(result), play.setup.initial_position)
    return cash(play, result) + sum(lot.qty * lot.price for lot in lots) * play.instrument.multiplier


def equity_change(result: Result) -> float:
    """Equity at the last close against the beginning (M-01)."""
    account = result.records.account
    return float(account["equity"] - account["initial_equity"])


def cash(_play: Play, result: Result) -> float:
    """Final cash."""
    return float(result.records.account["cash"])


def equity(_play: Play, result: Result) -> float:
    """Final equity."""
    return float(result.records.account["equity"])


def position(_play: Play, result: Result) -> float:
    """Final position in signed units."""
    return float(result.records.positions["quantity"][0])


FIGURES: Mapping[str, Callable[[Play, Result], Any]] = {
    "fills": lambda _play, result: [fill._asdict() for fill in whole_fills(fills_of(result))],
    "final_state": lambda _play, result: statuses_of(result),
    "cash": cash,
    "cash_realised": cash_realised,
    "position": position,
    "open_size": position,
    "value": equity,
    "equity_final": equity,
    "commission": lambda _play, result: float(result.records.account["commission"]),
    "equity_change_worst": lambda play, _result: equity_change(play.run("worst")),
    "equity_change_best": lambda play, _result: equity_change(play.run("best")),
    "ambiguous": lambda play, _result: bool(play.run("worst").records.account["ambiguous_groups"] > 0),
}
