"""`LiveSession`: a live session of a configuration, at a venue or against an exchange on this machine."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import time_ns
from typing import Any, Self

from admf.config import Config
from admf.coordinate import ExecutionMode, ThreadModel
from admf.data import Instrument, Market
from admf.errors import ConfigError
from admf.live.alpaca import STREAM_URL, TRADING_URL, AlpacaClient
from admf.live.alpaca_streams import DATA_URL, AlpacaFeed, Keys
from admf.live.bars import Facts, FeedBar
from admf.live.broker import ORDER_ROUTER
from admf.live.feed import HistoricalFeed, MarketDataFeed
from admf.live.manager import FEED, LiveTradingManager
from admf.live.paper import refuse_ends
from admf.live.router import HttpRouter, OrderRouter, check_account
from admf.live.settings import Shared, read_care, read_interval, read_strategies
from admf.live.venue import VenueRouter
from admf.testing.alpaca import KEYS, AlpacaExchange
from admf.testing.exchange import TOKEN, ExchangeFeed, LocalExchange

LOCAL = ("local", "local_alpaca")


class LiveSession:
    """A venue, and the manager of the strategies that trade at it; a context manager."""

    def __init__(self, config: Config, market: Callable[[], Market], folder: Path) -> None:
        """`market`: the bars of an exchange on this machine. ConfigError without a venue or limits."""
        self.settings = read_strategies(config)
        section = config.root.live_trading
        assert section is not None
        if section.venue is None:
            raise ConfigError("no venue", field="live_trading.venue", remedy="name one, or trade with admf paper")
        if section.venue.currency != config.account.currency:
            message, field = "the account is in another currency", "live_trading.venue.currency"
            allowed = config.account.currency
            raise ConfigError(message, field=field, found=section.venue.currency, allowed=allowed)
        refuse_ends(config.execution)
        self._config, self._section, self._venue, self._folder = config, section, section.venue, folder
        self._make_market = market
        self._open = ExitStack()

    def __enter__(self) -> Self:
        config, section, venue = self._config, self._section, self._venue
        with ExitStack() as opened:
            self.place, router, feed = self._open_local(opened) if venue.kind in LOCAL else self._open_alpaca(opened)
            now_ns = None if venue.kind in LOCAL else time_ns()
            self.account = check_account(router, config.account.currency, now_ns)
            self.manager = LiveTradingManager(
                {FEED: feed, ORDER_ROUTER: router},
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
            opened.callback(self.manager.close)
            for strategy in self.settings:
                self.manager.add_strategy(strategy.strategy_id, strategy)
            if isinstance(router, VenueRouter):
                router.settle()
            fault = self.manager.books_apart()
            if fault:
                message, remedy = "our books are not the venue's", "give the journals of this account, or a new folder"
                raise ConfigError(message, field="output.folder", found=fault, remedy=remedy)
            self._open = opened.pop_all()
        return self

    def _open_local(self, opened: ExitStack) -> tuple[str, OrderRouter, MarketDataFeed]:
        config, venue, speed = self._config, self._venue, self._section.speed
        feed = HistoricalFeed(self._make_market(), None if speed == "fast" else float(speed))
        if venue.kind == "local":
            local = opened.enter_context(LocalExchange(feed, config.execution, config.account, venue.faults))
            router = HttpRouter(local.url, TOKEN)
            opened.callback(router.close)
            return local.url, router, ExchangeFeed(local)
        exchange = opened.enter_context(
            AlpacaExchange(feed, config.execution, config.account, venue.faults, stream_faults=venue.stream_faults)
        )
        client = AlpacaClient(KEYS, exchange.url, exchange.stream_url, reconnect_s=0.05)
        through = opened.enter_context(VenueRouter(client, self._folder))
        return exchange.url, through, SettledFeed(exchange, through)

    def _open_alpaca(self, opened: ExitStack) -> tuple[str, OrderRouter, MarketDataFeed]:
        venue, folder = self._venue, self._config.folder
        keys = Keys.read(None if venue.keys_file is None else folder / venue.keys_file)
        names = {strategy.symbol for strategy in self.settings}
        if None in names:
            message, field = "a venue has many symbols", "live_trading.strategies"
            raise ConfigError(message, field=field, found="no symbol", remedy="give each strategy its symbol")
        instruments = [Instrument(str(name)) for name in sorted(map(str, names))]
        client = AlpacaClient(keys, venue.url or TRADING_URL, venue.stream_url or STREAM_URL)
        check_account(client, venue.currency, None)
        router = opened.enter_context(VenueRouter(client, self._folder))
        feed = AlpacaFeed(keys, instruments, venue.data_url or DATA_URL)
        opened.callback(feed.close)
        return venue.url or TRADING_URL, router, feed

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def facts(self) -> dict[str, Any]:
        """Account, limits and strategies, for whoever has to say yes."""
        shown: dict[str, Any] = {"venue": self.place, "account": dict(self.account)}
        for strategy in self.settings:
            limits = {name: value for name, value in strategy.risk.to_dict().items() if value is not None}
            shown[strategy.strategy_id] = {
                "strategy": repr(strategy.strategy), "capital": strategy.account.cash, **limits,
            }  # fmt: skip
        return shown


class SettledFeed:
    """The bars of an exchange as fast as they are taken, each after all that it has told has come over its stream.

    At a venue a minute lies between two bars; here nothing does.
    """

    batch_bars = 1

    def __init__(self, exchange: LocalExchange, router: VenueRouter) -> None:
        self._feed, self._router = ExchangeFeed(exchange), router
        self.facts: Mapping[str, Facts] = self._feed.facts
        self.close = partial(self._feed.close)

    def __iter__(self) -> Iterator[FeedBar]:
        for bar in self._feed:
            self._router.settle()
            yield bar
