"""Whose rules a case follows: one row per engine, named as the case files name them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from admf.cases.unsupported import Unsupported
from admf.execution import Execution


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
    time_in_force: str = "GTC"  # of an order that states none
    idle_keys: tuple[str, ...] = ()  # keys of an order that change nothing under these rules

    def rules(self) -> Execution:
        """The preset with the changes of the profile."""
        start = Execution() if self.preset is None else Execution.preset(self.preset)
        return start.replace(**self.execution)


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
    "pyalgotrade": Profile(
        execution={
            "path": "queue",
            "limit_trigger": "touch",
            "slip_on": ("market", "stop"),
            "clamp": "none",
            "volume_limit": 0.25,
            "cash_submit": "none",
            "cash_fill": "skip_and_retry",
            "short": "proceeds_as_cash",
            "last_bar": "leave_working",
            "bad_bar": "none",
        },
        lot_size=1.0,
        types=("market", "limit", "stop"),  # its stop-limit fills at the better of trigger price and limit
        time_in_force="DAY",
        idle_keys=("submitted_in_event",),  # such an order is eligible from the next bar on, as ours always are
    ),
    "zipline-reloaded": Profile(preset="zipline", execution={"bad_bar": "none"}, lot_size=1.0),
}


def choose_profile(name: str) -> Profile:
    """The profile by its name, with or without a version behind it."""
    for known, profile in PROFILES.items():
        if name == known or name.startswith(f"{known}-"):
            return profile
    raise Unsupported(f"profile: no preset for {name!r} yet")
