"""What a live strategy is made of, read from a section `live_trading` or from the mapping of `add_strategy`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from admf.config import Config
from admf.config.document import make_strategy
from admf.errors import ConfigError
from admf.events import EventStrategy
from admf.execution import Account, Execution, Risk
from admf.models import Number, Problems, Text, unknown_name
from admf.strategy import CompiledStrategy

MAIN = "main"  # id of the strategy that stands under `components`
LIMITS = ("max_position_size", "max_portfolio_risk", "max_portfolio_heat")  # of one strategy, as in `risk`
KEYS = ("strategy_class", "strategy_params", "allocated_capital", *LIMITS, "symbol", "thread_group")
OnFailure = Literal["hold", "flatten"]


@dataclass(frozen=True)
class Care:
    """What is done about a strategy that fails; alike for all strategies of a manager.

    graceful: it is taken off the bars for 1, 2, 4, … bars, then starts afresh with the positions it has; after
    `failures_max` failures with fewer than `clean_bars` bars between them it stays off, and `on_failure` says what
    becomes of its positions. stop: it stays off after the first one.
    """

    error_handling: str = "graceful"
    failures_max: int = 3
    on_failure: str = "hold"
    clean_bars: int = 100
    stall_timeout_s: float = 30.0  # without taking a bar, after which a strategy is left behind


@dataclass(frozen=True)
class StrategySettings:
    """One live strategy: its class, its capital, its limits."""

    strategy_id: str
    strategy: CompiledStrategy | EventStrategy
    account: Account = field(default_factory=Account)  # its cash is the allocated capital
    risk: Risk = field(default_factory=Risk)
    execution: Execution = field(default_factory=Execution)  # how paper orders fill
    symbol: str | None = None  # None: the only one of the feed
    thread_group: str | None = None  # under MIXED: strategies of a group share an event loop
    record: str = "full"
    class_name: str = ""  # of the strategy, as it was written

    @property
    def is_compiled(self) -> bool:
        """Whether it is a compiled strategy, which has no events."""
        return isinstance(self.strategy, CompiledStrategy)


@dataclass(frozen=True)
class Shared:
    """What the strategies of one configuration have in common."""

    execution: Execution = field(default_factory=Execution)
    account: Account = field(default_factory=Account)
    risk: Risk = field(default_factory=Risk)
    folder: Path = Path()
    record: str = "full"


def read_strategy(strategy_id: str, given: Mapping[str, Any], shared: Shared) -> StrategySettings:
    """Settings from the keys of MODULE.md; ConfigError that lists every fault."""
    problems, where = Problems(), f"strategies.{strategy_id}"
    for name in given:
        if name not in KEYS:
            problems.add(unknown_name(name, KEYS, field=f"{where}.{name}", what="key"))
    if "strategy_class" not in given:
        problems.add(ConfigError("missing", field=f"{where}.strategy_class", remedy="name its class"))
    strategy: Any = None
    if "strategy_class" in given:
        with problems.collect():
            strategy = make_strategy(given["strategy_class"], given.get("strategy_params") or {}, shared.folder)
    numbers: dict[str, float | None] = {}
    for name in ("allocated_capital", *LIMITS):
        with problems.collect():
            value = given.get(name)
            numbers[name] = None if value is None else Number(above=0.0).read(value, f"{where}.{name}")
    for name in ("symbol", "thread_group"):
        with problems.collect():
            if given.get(name) is not None:
                Text().read(given[name], f"{where}.{name}")
    problems.raise_any(where)
    capital = numbers["allocated_capital"] or shared.account.cash
    limits = {name: numbers[name] for name in LIMITS if numbers[name] is not None}
    return StrategySettings(
        strategy_id=strategy_id,
        strategy=strategy,
        account=shared.account.replace(cash=capital),
        risk=shared.risk.replace(**limits),
        execution=shared.execution,
        symbol=given.get("symbol"),
        thread_group=given.get("thread_group"),
        record=shared.record,
        class_name=given["strategy_class"],
    )


def read_care(section: Any) -> Care:
    """What is done about failures, from a section `live_trading`; `graceful` where nothing is said."""
    component = (section.components.get("strategy") or {}).get("error_handling")
    if None not in (component, section.error_handling) and component != section.error_handling:
        message = f"differs from live_trading.error_handling, which is {section.error_handling!r}"
        field = "live_trading.components.strategy.error_handling"
        raise ConfigError(message, field=field, found=component, remedy="give one of them")
    chosen = component or section.error_handling or "graceful"
    if chosen not in ("graceful", "stop"):
        raise unknown_name(chosen, ("graceful", "stop"), field="live_trading.error_handling", what="word")
    return Care(chosen, section.failures_max, section.on_failure, stall_timeout_s=section.stall_timeout_s)


def read_interval(section: Any) -> float:
    """Seconds between two looks at the venue's books: of the section, or of its portfolio; 300 where nobody says."""
    component = (section.components.get("portfolio") or {}).get("reconciliation_interval")
    if None not in (component, section.reconciliation_interval) and component != section.reconciliation_interval:
        message = f"differs from live_trading.reconciliation_interval, which is {section.reconciliation_interval!r}"
        field = "live_trading.components.portfolio.reconciliation_interval"
        raise ConfigError(message, field=field, found=component, remedy="give one of them")
    chosen = section.reconciliation_interval or component or 300.0
    return float(Number(above=0.0).read(chosen, "live_trading.reconciliation_interval") or chosen)


def read_strategies(config: Config) -> list[StrategySettings]:
    """The strategies of a configuration, those under `strategies` or the one under `components`."""
    section = config.root.live_trading
    if section is None:
        remedy = "give it a section live_trading with strategies"
        raise ConfigError("is not for trading as time goes by", field="config", allowed="live_trading", remedy=remedy)
    shared = Shared(config.execution, config.account, config.risk, config.folder, config.root.output.record)
    given = {name: strategy.model_dump(exclude_none=True) for name, strategy in section.strategies.items()}
    problems = Problems()
    with problems.collect():
        given |= of_components(section.components)
    if not given and not problems.errors:
        problems.add(ConfigError("no strategy", field="live_trading.strategies", remedy="name at least one"))
    made = []
    for name, keys in given.items():
        with problems.collect():
            made.append(read_strategy(name, keys, shared))
    problems.raise_any("live_trading")
    return made


PARTS = {
    "strategy": {"class": "strategy_class", "params": "strategy_params"},
    "portfolio": {"initial_capital": "allocated_capital"},
    "risk_manager": {name: name for name in LIMITS},
}
CLASSES = {
    "data_handler": ("LiveDataHandler",),
    "portfolio": ("VirtualPortfolio",),
    "risk_manager": ("RiskManager", "LiveRiskManager"),
    "broker": ("LiveBroker", "PaperBroker", "SimulatedBroker"),
}


def of_components(components: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The section `components` of MODULE.md as one strategy; empty where there is none."""
    made: dict[str, Any] = {}
    problems, field = Problems(), "live_trading.components"
    for name, part in components.items():
        if name not in ("strategy", *CLASSES):
            problems.add(unknown_name(name, ("strategy", *CLASSES), field=field, what="component"))
            continue
        kind = part.get("class") if isinstance(part, Mapping) else None
        if not isinstance(kind, str):
            problems.add(ConfigError("missing", field=f"{field}.{name}.class", remedy="name a class"))
            continue
        if name in CLASSES and kind not in CLASSES[name]:
            problems.add(unknown_name(kind, CLASSES[name], field=f"{field}.{name}.class", what="class"))
        values = part if name == "strategy" else part.get("params") or {}
        made |= {key: values[old] for old, key in PARTS.get(name, {}).items() if old in values}
    problems.raise_any(field)
    return {MAIN: made} if made else {}
