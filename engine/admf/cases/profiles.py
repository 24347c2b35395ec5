"""Whose rules a case follows: one row per engine, named as the case files name them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from admf.cases.unsupported import Unsupported


class Profile(NamedTuple):
    """What a profile means for us."""

    preset: str | None = None  # of Execution; None: our defaults
    execution: Mapping[str, Any] = {}  # changes to the preset
    has_volume: bool = True  # whether the engine reads the volume of the bars
    lot_size: float | None = None  # units it trades in
    statuses: Mapping[str, str] = {}  # our word -> the engine's, where it has no such state
    types: tuple[str, ...] = ("market", "limit", "stop", "stop_limit")  # order types whose rules the preset holds
    bracket_entries: tuple[str, ...] = ()  # entry types whose `sl` and `tp` behave as children of ours
    fractions: bool = False  # a quantity below 1 is a share of the free cash


# Engines match bars as they stand unless they say otherwise (cases/README.md).
PROFILES: Mapping[str, Profile] = {
    "ours-pessimistic": Profile(),
    "ibkr": Profile(),
    "backtesting.py": Profile(
        preset="backtesting.py",
        has_volume=False,
        lot_size=1.0,
        statuses={"REJECTED": "CANCELLED"},  # an order that funds cannot pay is cancelled: it has no rejected orders
        types=("market", "limit", "stop"),
        bracket_entries=("market",),  # the exits of other entries wait for the next bar
        fractions=True,
    ),
    "zipline-reloaded": Profile(preset="zipline", execution={"bad_bar": "none"}, lot_size=1.0),
}


def choose_profile(name: str) -> Profile:
    """The profile by its name, with or without a version behind it."""
    for known, profile in PROFILES.items():
        if name == known or name.startswith(f"{known}-"):
            return profile
    raise Unsupported(f"profile: no preset for {name!r} yet")
