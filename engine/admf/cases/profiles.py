"""Whose rules a case follows: one row per engine, named as the case files name them."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from admf.cases.unsupported import Unsupported
from admf.execution import Execution

PLAIN_TYPES = ("market", "limit", "stop", "stop_limit")
TRAILS = ("trailing_stop", "trailing_stop_limit")
TOUCHED = ("market_if_touched", "limit_if_touched")
SESSION_TYPES = ("market_on_open", "limit_on_open", "market_on_close", "limit_on_close")
ALL_TYPES = (*PLAIN_TYPES, *TRAILS, *TOUCHED, *SESSION_TYPES)

# What ends a day order: the last bar of its first session; that bar before it trades; the session in which it was sent.
DayRule = Literal["last_bar", "before_last_bar", "sending_session"]
# Who plays the case: `play.Play`, or a front of the engine's own (see `runner.FRONTS`).
Front = Literal["orders", "backtrader", "nautilus", "tradingview", "vectorbt", "freqtrade"]


class Profile(NamedTuple):
    """What a profile means for us."""

    preset: str | None = None  # of Execution; None: our defaults
    execution: Mapping[str, Any] = {}  # changes to the preset
    front: Front = "orders"
    has_volume: bool = True  # whether the engine reads the volume of the bars
    lot_size: float | None = None  # units it trades in
    statuses: Mapping[str, str] = {}  # our word -> the engine's, where it has no such state
    types: tuple[str, ...] = ALL_TYPES
    fractions: bool = False  # a quantity below 1 is a share of the free cash
    time_in_force: str = "GTC"  # of an order that states none
    day_rule: DayRule = "last_bar"
    daily_bars: bool = False  # bars without sessions are days
    oco_reduces: bool = True  # a partial fill of one leg cuts the other, and does not cancel it
    cancels_groups: bool = False  # cancelling one order of a group cancels all
    slippage_of_close: bool = False  # a share of the price as slippage is one of the close

    def rules(self) -> Execution:
        """The preset with the changes of the profile."""
        start = Execution() if self.preset is None else Execution.preset(self.preset)
        return start.replace(**self.execution)


LEAN = Profile(
    preset="lean",
    has_volume=False,
    statuses={"EXPIRED": "CANCELLED"},  # its expired orders are Canceled
    day_rule="before_last_bar",  # the expiry is tested before the closing bar is matched
    daily_bars=True,
    slippage_of_close=True,
)
NAUTILUS = Profile(preset="nautilus", front="nautilus")

# Engines match bars as they stand unless they say otherwise (cases/README.md).
PROFILES: Mapping[str, Profile] = {
    "ours-pessimistic": Profile(),
    "ibkr": Profile(),
    "backtesting.py": Profile(
        preset="backtesting.py",
        has_volume=False,
        lot_size=1.0,
        statuses={"REJECTED": "CANCELLED"},  # an order that funds cannot pay is cancelled: it has no rejected orders
        types=PLAIN_TYPES,
        fractions=True,
    ),
    "backtrader": Profile(
        preset="backtrader",
        front="backtrader",
        types=(*PLAIN_TYPES, *TRAILS, "close"),
        day_rule="sending_session",
        daily_bars=True,
        oco_reduces=False,
        cancels_groups=True,
    ),
    "freqtrade": Profile(preset="freqtrade", front="freqtrade", has_volume=False),
    "LEAN": LEAN,
    "LEAN-base": LEAN._replace(preset="lean_base"),
    "manifoldbt": Profile(preset="manifoldbt", has_volume=False),
    "nautilus-1.231": NAUTILUS._replace(preset="nautilus_1_231"),
    "nautilus": NAUTILUS,
    "pyalgotrade": Profile(
        preset="pyalgotrade", lot_size=1.0, types=(*PLAIN_TYPES, "market_on_close"), time_in_force="DAY"
    ),
    "tradingview": Profile(preset="tradingview", front="tradingview", has_volume=False),
    "vectorbt": Profile(preset="vectorbt", front="vectorbt", has_volume=False),
    "zipline-reloaded": Profile(preset="zipline", execution={"bad_bar": "none"}, lot_size=1.0, types=PLAIN_TYPES),
}


def choose_profile(name: str) -> Profile:
    """The profile by its name, with or without a version behind it."""
    for known, profile in PROFILES.items():
        if name == known or name.startswith((f"{known}-", f"{known}.")):
            return profile
    raise Unsupported(f"profile: no preset for {name!r} yet")
