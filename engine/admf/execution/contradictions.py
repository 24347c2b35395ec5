"""Rules that contradict each other, the account or the data: refused before a run, never ignored in it."""

from typing import TYPE_CHECKING

from admf.errors import ConfigError
from admf.models import Problems

if TYPE_CHECKING:
    from admf.execution.account import Account
    from admf.execution.rules import Execution


def refuse_contradictions(
    execution: "Execution", account: "Account", *, has_volume: bool | None, has_ticks: bool | None
) -> None:
    """ConfigError with every contradiction; None for a fact about the data that is not known yet."""
    problems = Problems()
    for error in [*_volume(execution, has_volume), *_prices(execution, has_ticks), *_shorts(execution, account)]:
        problems.add(error)
    problems.raise_any("execution")


def _volume(execution: "Execution", has_volume: bool | None) -> list[ConfigError]:
    if has_volume is not False:
        return []
    needing: dict[str, object] = {}
    if execution.volume_limit is not None:
        needing["execution.volume_limit"] = execution.volume_limit
    if execution.slippage.model == "volume_share":
        needing["execution.slippage"] = execution.slippage
    message, remedy = "the data has no volume", "use data with volume, or leave this out"
    return [ConfigError(message, field=field, found=found, remedy=remedy) for field, found in needing.items()]


def _prices(execution: "Execution", has_ticks: bool | None) -> list[ConfigError]:
    errors = []
    if execution.clamp == "none" and execution.clamp_fail == "skip_bar":
        message = "clamp=none clamps nothing, so there is no bar to skip"
        allowed, remedy = "fill_at_clamp", "or set clamp to bar, limit or bar_and_limit"
        field, found = "execution.clamp_fail", execution.clamp_fail
        errors.append(ConfigError(message, field=field, found=found, allowed=allowed, remedy=remedy))
    if execution.slippage.model == "ticks" and has_ticks is False:
        message, remedy = "an instrument has no tick size", "give its tick_size, or use slippage.fixed(amount)"
        errors.append(ConfigError(message, field="execution.slippage", found=execution.slippage, remedy=remedy))
    return errors


def _shorts(execution: "Execution", account: "Account") -> list[ConfigError]:
    if execution.short != "forbidden":
        return []
    return [
        ConfigError(
            "short=forbidden with an initial short position",
            field=f"account.positions.{symbol}",
            found=quantity,
            allowed="a quantity above 0",
            remedy="or set execution.short to margin",
        )
        for symbol, (quantity, _) in (account.positions or {}).items()
        if quantity < 0.0
    ]
