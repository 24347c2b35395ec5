"""`LocalSession`: a live session of a configuration against an exchange on this machine."""

from pathlib import Path
from typing import Any, Self

from admf.config import Config
from admf.coordinate import ExecutionMode, ThreadModel
from admf.data import Market
from admf.errors import ConfigError
from admf.live.broker import ORDER_ROUTER
from admf.live.feed import HistoricalFeed
from admf.live.manager import FEED, LiveTradingManager
from admf.live.paper import refuse_ends
from admf.live.router import HttpRouter, check_account
from admf.live.settings import Shared, read_care, read_interval, read_strategies
from admf.testing.exchange import TOKEN, ExchangeFeed, LocalExchange


class LocalSession:
    """An exchange, and the manager of the strategies that trade at it; a context manager."""

    def __init__(self, config: Config, market: Market, folder: Path) -> None:
        """Raises ConfigError for a configuration without a venue or limits, before anything is started."""
        self.settings = read_strategies(config)
        section = config.root.live_trading
        assert section is not None
        if section.venue is None:
            raise ConfigError("no venue", field="live_trading.venue", remedy="name one, or trade with admf paper")
        refuse_ends(config.execution)
        self._config, self._section, self._folder = config, section, folder
        feed = HistoricalFeed(market, None if section.speed == "fast" else float(section.speed))
        self.exchange = LocalExchange(feed, config.execution, config.account, section.venue.faults)

    def __enter__(self) -> Self:
        config, section = self._config, self._section
        self.exchange.__enter__()
        self._router = HttpRouter(self.exchange.url, TOKEN)
        try:
            self.account = check_account(self._router, config.account.currency, None)
            self.manager = LiveTradingManager(
                {FEED: ExchangeFeed(self.exchange), ORDER_ROUTER: self._router},
                mode=ExecutionMode.LIVE_TRADING,
                thread_model=ThreadModel[section.thread_model],
                care=read_care(section),
                shared=Shared(config.execution, config.account, config.risk, config.folder, config.record),
                health_check_interval=section.health_check_interval,
                status_folder=self._folder if section.monitoring_enabled else None,
                log_folder=self._folder if section.event_log else None,
                shadow=section.shadow,
                journal_folder=self._folder,
                reconciliation_interval=read_interval(section),
            )
            for strategy in self.settings:
                self.manager.add_strategy(strategy.strategy_id, strategy)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "manager"):
            self.manager.close()
        self._router.close()
        self.exchange.__exit__()

    def facts(self) -> dict[str, Any]:
        """Account, limits and strategies, for whoever has to say yes."""
        shown: dict[str, Any] = {"venue": self.exchange.url, "account": dict(self.account)}
        for strategy in self.settings:
            limits = {name: value for name, value in strategy.risk.to_dict().items() if value is not None}
            shown[strategy.strategy_id] = {
                "strategy": repr(strategy.strategy), "capital": strategy.account.cash, **limits,
            }  # fmt: skip
        return shown
