"""What a manager refuses before anything is sent."""

from collections.abc import Sequence
from typing import Any

from admf.errors import ConfigError
from admf.live.bars import Facts
from admf.live.limits import refuse_learning, refuse_sessions
from admf.live.settings import StrategySettings


def refuse_unfit(settings: StrategySettings, facts: Facts) -> None:
    """ConfigError for a strategy whose orders nobody would hold to limits before they are sent."""
    field = f"strategies.{settings.strategy_id}"
    if settings.is_compiled:
        remedy = "use its twin on the bus (admf.EventStrategy)"
        found = type(settings.strategy).__name__
        raise ConfigError("a compiled strategy trades on paper only", field=field, found=found, remedy=remedy)
    if settings.risk.max_position_size is None:
        message, remedy = "no limit", "give max_position_size, in units"
        raise ConfigError(message, field=f"{field}.max_position_size", remedy=remedy)
    refuse_sessions(settings.risk, facts, f"{field}.risk")
    refuse_learning(settings.risk, f"{field}.risk")


def names_of(members: Sequence[Any]) -> str:
    """Names of members of an enum."""
    return ", ".join(member.name for member in members)
