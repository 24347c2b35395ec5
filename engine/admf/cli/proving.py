"""The command that proves isolation."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.cli.options import Json, OnDefect, Sets
from admf.cli.running import changes
from admf.cli.show import print_json

if TYPE_CHECKING:
    from admf.coordinate.isolation import Check
    from admf.coordinate.recipe import Recipe

COSTS = {"slippage": {"model": "random", "maximum": 5.0}, "commission": "per_share"}
MEMBERS: dict[str, dict[str, Any]] = {
    "SmaCross": {"fast": 5, "slow": 20},
    "BracketScalper": {"quantity": 10.0},
    "DonchianBreakout": {},
    "TrendFollowingStrategy": {"fast_period": 4, "slow_period": 12},
    "TrendFollowingEvents": {"fast_period": 4, "slow_period": 12},
}
LIMITS = {"max_position_size": 500.0, "max_portfolio_heat": 0.5}


def verify_isolation(
    config: Path | None = None,
    /,
    *,
    data: Path | None = None,
    containers: int = 1_000,
    bars: int = 2_000,
    set_: Sets = (),
    on_defect: OnDefect | None = None,
    json: Json = False,
) -> None:
    """Run containers alone, among others, on threads, pooled: every trace must be equal, else exit code 1.

    Parameters
    ----------
    config
        YAML file of your own strategy and rules; without it strategies of the library, compiled and on the bus.
    data
        Bar file (.parquet, .csv, .arrow, .feather); made-up bars without it.
    containers
        Containers of each check.
    bars
        The first bars of the data that each container runs over.
    set_
        Change values of the configuration.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object.
    """
    from admf.coordinate.isolation import Verifier
    from admf.errors import RunError

    verifier = Verifier(recipes(config, data, bars, set_, on_defect), containers)
    checks = []
    for check in verifier.checks():
        checks.append(check)
        if not json:
            print_check(check)
    failed = [check for check in checks if not check.passed]
    if json:
        print_json({"isolated": not failed, "checks": [vars(check) | {"passed": check.passed} for check in checks]})
    if failed:
        raise RunError(f"not isolated: {failed[0].name}: {failed[0].difference}")
    if not json:
        print(f"isolated: every container did what it does alone ({sum(check.containers for check in checks):,} runs)")


def recipes(
    config: Path | None, data: Path | None, bars: int, sets: tuple[str, ...], on_defect: "OnDefect | None"
) -> "list[Recipe]":
    """What the containers are made of."""
    from admf.config import load_config
    from admf.coordinate.recipe import Recipe

    changed = changes(sets, data=data, on_defect=on_defect)
    if config is not None:
        loaded = [load_config(config, changed)]
    else:
        source = {} if data is not None else {"data": {"generate": {"bars": bars, "seed": 11}}}
        loaded = [
            load_config(
                {**source, "execution": COSTS, "risk": LIMITS, "strategy_class": name, "strategy_params": params},
                changed,
            )
            for name, params in MEMBERS.items()
        ]
    market = loaded[0].market()
    if market.bar_count > bars:
        market = market.part(0, bars)
    return [Recipe(one, market, "full") for one in loaded]


def print_check(check: "Check") -> None:
    """One line of the table."""
    result = "equal" if check.passed else f"{check.differing:,} differ: {check.difference}"
    print(f"{check.name:<28}{check.containers:>7,} containers {check.elapsed_s:>8.2f} s  {result}", flush=True)
