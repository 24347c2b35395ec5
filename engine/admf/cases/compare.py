"""What a case expects, and the same figures of what was found."""

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from itertools import groupby
from typing import Any, Protocol

from admf.cases.lots import Fill
from admf.cases.unsupported import Unsupported, number

TOLERANCE = 1e-9  # absolute or relative (cases/README.md)
ALIVE = ("ROUTED", "VALIDATED", "WORKING")  # different words for one state

Figures = dict[str, Any]

# What is compared; everything else in `expect` documents the source engine.
FIGURES = (
    *("fills", "final_state", "cash", "cash_realised", "position", "open_size", "value", "equity_final", "commission"),
    *("slippage_amount", "equity_change_worst", "equity_change_best", "ambiguous", "total_return", "total_filled"),
    *("total_profit_ratio_rounded3", "limit_buy_or_stop_sell", "limit_sell_or_stop_buy"),
    *("state_after", "error", "reason"),
)
GIVEN = ("input_price",)  # stands in `expect`, but is what the case asks about
# Figures of a single part of the engine, asked without a run: there are no fills to compare.
ALONE = ("slippage_amount", "total_filled")


class Played(Protocol):
    """Anything that has figures."""

    def figures(self) -> Mapping[str, Callable[[], Any]]:
        """A function for each figure it has."""
        ...


def select_expected(expect: Mapping[str, Any]) -> Figures:
    """The compared part; Unsupported for a key that looks like a misspelt figure."""
    for key in expect:
        near = get_close_matches(key, FIGURES, 1, 0.85)
        if near and key not in (*FIGURES, *GIVEN, "native_state"):
            raise Unsupported(f"expect.{key}: did you mean {near[0]}?")
    expected = {key: expect[key] for key in expect if key in FIGURES}
    if not expected:
        raise Unsupported("expect: nothing to compare")
    if "fills" in expected and not expected["fills"] and any(key in expected for key in ALONE):
        del expected["fills"]
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


def find(played: Played, expected: Figures) -> Figures:
    """The figures that stand against the expected ones."""
    known = played.figures()
    for key in expected:
        if key not in known:
            raise Unsupported(f"expect.{key}: no such figure of a case like this")
    found = {key: known[key]() for key in expected}
    if "fills" in found:
        found["fills"] = [fill._asdict() for fill in whole_fills(found["fills"])]
    return found


def differing(expected: Figures, found: Figures, statuses: Mapping[str, str]) -> list[str]:
    """Names of the figures that differ."""
    return [key for key, value in expected.items() if not is_same(key, value, found[key], statuses)]


def is_same(key: str, expected: Any, found: Any, statuses: Mapping[str, str]) -> bool:
    """Whether a figure is as expected."""
    if key == "final_state":
        return all(same_state(state, found.get(name, ""), statuses) for name, state in expected.items())
    if key == "fills":
        return len(expected) == len(found) and all(map(same_fill, expected, found))
    if isinstance(expected, Mapping):
        return all(is_same(name, value, found[name], statuses) for name, value in expected.items())
    if isinstance(expected, bool | str) and expected != "inf":
        return bool(found == expected)
    value = number(expected, f"expect.{key}")
    return (math.isnan(value) and math.isnan(found)) or is_close(value, found)


def same_state(expected: str, found: str, statuses: Mapping[str, str]) -> bool:
    """States of one meaning: `statuses` has the engine's word where it lacks ours."""
    return expected in (found, statuses.get(found)) or (found in ALIVE and expected in ALIVE)


def same_fill(expected: Figures, found: Figures) -> bool:
    """Order and bar alike, numbers close; what the case does not state is not compared."""
    if (expected["order"], expected["bar"]) != (found["order"], found["bar"]):
        return False
    stated = [key for key in ("price", "qty", "commission") if not math.isnan(expected[key])]
    return all(is_close(expected[key], found[key]) for key in stated)


def is_close(expected: float, found: float) -> bool:
    """Equal but for rounding."""
    return math.isclose(expected, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
