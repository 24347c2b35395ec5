"""Trading as time goes by: the containers of the backtest on a moving clock."""

from admf.live.bars import Door, Facts, FeedBar
from admf.live.broker import LiveBroker
from admf.live.components import LiveDataHandler, LiveRiskManager, PaperBroker, VirtualPortfolio
from admf.live.feed import HistoricalFeed, MarketDataFeed
from admf.live.manager import LiveTradingManager
from admf.live.router import HttpRouter, OrderRouter
from admf.live.settings import Care, StrategySettings
from admf.live.strategy_container import LiveState, LiveStrategyContainer
from admf.live.tick_files import HistoricalTicks
from admf.live.ticks import Tick, TickBars, TickFeed, TimePassed
from admf.live.websocket import WebSocketFeed

__all__ = [
    "Care",
    "Door",
    "Facts",
    "FeedBar",
    "HistoricalFeed",
    "HistoricalTicks",
    "HttpRouter",
    "LiveBroker",
    "LiveDataHandler",
    "LiveRiskManager",
    "LiveState",
    "LiveStrategyContainer",
    "LiveTradingManager",
    "MarketDataFeed",
    "OrderRouter",
    "PaperBroker",
    "StrategySettings",
    "Tick",
    "TickBars",
    "TickFeed",
    "TimePassed",
    "VirtualPortfolio",
    "WebSocketFeed",
]
