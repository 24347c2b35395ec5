"""A paper session from a configuration."""

from pathlib import Path

from admf.config import Config
from admf.coordinate import ThreadModel
from admf.errors import ConfigError
from admf.execution import Execution
from admf.live.feed import MarketDataFeed
from admf.live.manager import FEED, LiveTradingManager
from admf.live.settings import Shared, read_care, read_strategies


def paper_manager(config: Config, feed: MarketDataFeed, folder: Path | None = None) -> LiveTradingManager:
    """The manager of a configuration's session over the bars of a feed, with its strategies; ConfigError for faults."""
    settings = read_strategies(config)
    section = config.root.live_trading
    assert section is not None
    refuse_ends(config.execution)
    manager = LiveTradingManager(
        {FEED: feed},
        thread_model=ThreadModel[section.thread_model],
        care=read_care(section),
        shared=Shared(config.execution, config.account, config.risk, config.folder, config.record),
        health_check_interval=section.health_check_interval,
        status_folder=folder if section.monitoring_enabled else None,
        log_folder=folder if section.event_log else None,
        shadow=section.shadow,
    )
    try:
        for strategy in settings:
            manager.add_strategy(strategy.strategy_id, strategy)
    except BaseException:
        manager.close()
        raise
    return manager


def refuse_ends(execution: Execution) -> None:
    """ConfigError for rules that need to know which bar is the last one, or all bars before the first one."""
    if execution.last_bar == "fill_at_close":
        allowed = "expire_unfilled, leave_working"
        raise ConfigError(
            "nobody knows the last bar", field="execution.last_bar", found="fill_at_close", allowed=allowed
        )
    if execution.bad_bar == "raise":
        message = "bars that are to come cannot be looked through"
        raise ConfigError(message, field="execution.bad_bar", found="raise", allowed="skip, none")
    if execution.bounds:
        remedy = "compare the paths in a backtest"
        raise ConfigError("one path at a time", field="execution.bounds", found=True, allowed="false", remedy=remedy)
