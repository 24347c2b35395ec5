"""Rules that contradict each other, the account or the data: refused before a run, never ignored in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from admf.errors import ConfigError
from admf.models import Model, Problems

if TYPE_CHECKING:
    from admf.execution.account import Account
    from admf.execution.risk import Risk
    from admf.execution.rules import Execution


NEEDS_VOLUME = ("volume_share", "power")  # slippage models
WALKED = ("ohlc", "olhc", "adaptive", "candle")  # words of `path` that name one path
AVERAGES = ("next_typical", "next_ohlc4", "next_mid", "next_vwap")  # words of `market_fill` that no single price gives


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the data has; None where it is not known yet."""

    has_volume: bool | None = None
    has_ticks: bool | None = None  # every instrument has a tick size
    has_vwap: bool | None = None  # every symbol has the column
    dated: bool | None = None


def refuse_contradictions(execution: "Execution", account: "Account", facts: Facts, risk: "Risk") -> None:
    """ConfigError with every contradiction between rules, account, limits and data."""
    problems = Problems()
    errors = [*_volume(execution, facts.has_volume), *_prices(execution, facts.has_ticks), *_shorts(execution, account)]
    errors += [*_columns(execution, facts), *_margins(execution, account), *_sessions(account, risk, facts.dated)]
    errors += _settlement(execution, account)
    for error in [*errors, *_paths(execution), *_clock(execution)]:
        problems.add(error)
    problems.raise_any("execution")


def _volume(execution: "Execution", has_volume: bool | None) -> list[ConfigError]:
    if has_volume is not False:
        return []
    needing: dict[str, object] = {}
    if execution.volume_limit is not None:
        needing["execution.volume_limit"] = execution.volume_limit
    if execution.slippage.model in NEEDS_VOLUME:
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


def _paths(execution: "Execution") -> list[ConfigError]:
    """What needs one path, all of them, or none."""
    errors = []
    if execution.points_only and execution.path not in WALKED:
        message = f"only the points of one path are prices, but path={execution.path} has no such path"
        remedy = f"set execution.path to one of {', '.join(WALKED)}"
        errors.append(ConfigError(message, field="execution.points_only", found=True, allowed="false", remedy=remedy))
    if execution.bounds and execution.path not in ("worst", "best"):
        message = f"the bounds are the paths worst and best, but path={execution.path} names the outcome of each bar"
        remedy = "set execution.path to worst or best"
        errors.append(ConfigError(message, field="execution.bounds", found=True, allowed="false", remedy=remedy))
    if execution.price_ref == "close" and execution.path in WALKED:
        message = "orders are judged against the close alone (price_ref=close), so no path is followed"
        allowed, remedy = "worst, best, queue", "or set execution.price_ref to range"
        field, found = "execution.path", execution.path
        errors.append(ConfigError(message, field=field, found=found, allowed=allowed, remedy=remedy))
    return errors


def _clock(execution: "Execution") -> list[ConfigError]:
    """Market orders that would have two times or two prices."""
    field, found = "execution.market_fill", execution.market_fill
    errors = []
    if execution.market_fill == "same_close" and execution.latency_bars > 0:
        message = f"latency_bars={execution.latency_bars} says later, same_close says at once"
        remedy = "or set execution.latency_bars to 0"
        errors.append(ConfigError(message, field=field, found=found, allowed="next_open, next_close, …", remedy=remedy))
    if execution.price_ref == "close" and execution.market_fill in AVERAGES:
        message = "price_ref=close gives every order the close"
        allowed, remedy = "next_open, next_close, same_close", "or set execution.price_ref to range"
        errors.append(ConfigError(message, field=field, found=found, allowed=allowed, remedy=remedy))
    return errors


def is_dated(commission: Model) -> bool:
    """Whether a rate takes effect on a day."""
    if commission.model == "sum":
        return any(is_dated(part) for part in commission.parameters[0])
    is_sale = commission.model in ("sale_value", "sale_shares")
    return is_sale and any(row[0] is not None for row in commission.parameters[0])


def _columns(execution: "Execution", facts: Facts) -> list[ConfigError]:
    errors = []
    if execution.market_fill == "next_vwap" and facts.has_vwap is False:
        message, remedy = "the data has no column vwap", "add the column, or use next_typical or next_ohlc4"
        field, found = "execution.market_fill", execution.market_fill
        errors.append(ConfigError(message, field=field, found=found, remedy=remedy))
    if facts.dated is False and is_dated(execution.commission):
        message, remedy = "rates by date on bars without stamps", "give one rate in the place of the table"
        field = "execution.commission"
        errors.append(ConfigError(message, field=field, found=execution.commission, remedy=remedy))
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


def _margins(execution: "Execution", account: "Account") -> list[ConfigError]:
    """A maintenance ratio above the initial one would end a position where it begins."""
    maintenance = account.margin_maintenance
    if maintenance is None:
        return []
    field = "account.margin_maintenance"
    if account.leverage > 1.0:
        initial, name = 1.0 / account.leverage, f"1/leverage = 1/{account.leverage:g}"
        remedy = "or lower account.leverage"
    elif execution.short == "margin":
        initial, name = account.margin_initial, "margin_initial"
        remedy = "or raise account.margin_initial"
    elif execution.short == "proceeds_as_cash":
        message = "short=proceeds_as_cash has no initial margin that could be maintained"
        remedy = "leave it out, or set execution.short to margin"
        return [ConfigError(message, field=field, found=maintenance, allowed="none", remedy=remedy)]
    else:
        return []
    if maintenance <= initial:
        return []
    message = f"the maintenance ratio is above the initial one ({name})"
    allowed = f"at most {initial:g}"
    return [ConfigError(message, field=field, found=maintenance, allowed=allowed, remedy=remedy)]


def _settlement(execution: "Execution", account: "Account") -> list[ConfigError]:
    """Proceeds that are not settled are what a cash account waits for; a margin account lends against them."""
    if not account.settlement_days:
        return []
    field, found = "account.settlement_days", account.settlement_days
    message, remedy = "proceeds settle later in a cash account", "leave it out, or "
    errors = []
    if account.leverage > 1.0:
        words = f"{message}, and leverage={account.leverage:g} borrows"
        errors.append(ConfigError(words, field=field, found=found, allowed="0", remedy=f"{remedy}set leverage to 1"))
    if execution.short != "forbidden":
        words = f"{message}, which has no shorts (execution.short={execution.short})"
        remedy += "set execution.short to forbidden"
        errors.append(ConfigError(words, field=field, found=found, allowed="0", remedy=remedy))
    return errors


def _sessions(account: "Account", risk: "Risk", dated: bool | None) -> list[ConfigError]:
    """Limits of a session and rates of a day need one."""
    if dated is not False:
        return []
    limits: dict[str, object] = {"risk.max_daily_loss": risk.max_daily_loss}
    limits |= {"risk.max_session_orders": risk.max_session_orders}
    own = ("cash_rate", "debit_rate", "borrow_rate", "settlement_days")
    limits |= {f"account.{name}": getattr(account, name) or None for name in own}
    message, remedy = "bars without stamps have no sessions", "use dated bars, or leave this out"
    return [
        ConfigError(message, field=field, found=found, remedy=remedy)
        for field, found in limits.items()
        if found is not None
    ]
