"""Live sessions for tests: a market, strategies that fail or hang, a manager with some of them."""

import json
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import admf
from admf.coordinate import ThreadModel
from admf.events import BarEvent, EventStrategy
from admf.live import Care, HistoricalFeed, HttpRouter, LiveTradingManager
from admf.live.settings import Shared, StrategySettings
from admf.replay import EventLog, LogWriter
from admf.strategies import TrendFollowingEvents
from admf.testing import LocalExchange
from admf.testing.exchange import TOKEN

RULES = admf.Execution(
    slippage=admf.slippage.fixed(0.01), commission=admf.commission.per_share(0.005), volume_limit=0.1
)
RISK = admf.Risk(max_position_size=1_000)
ROUTERS: list[HttpRouter] = []  # to hang up after a test


def market(bars: int = 3_000, seed: int = 7) -> admf.Market:
    return admf.Market([admf.generate(bars=bars, seed=seed)])


def settings(name: str, strategy: Any = None, **more: Any) -> StrategySettings:
    given = TrendFollowingEvents() if strategy is None else strategy
    return StrategySettings(name, given, **{"risk": RISK, "execution": RULES, **more})


def local_exchange(bars: admf.Market, **more: Any) -> LocalExchange:
    return LocalExchange(HistoricalFeed(bars), RULES, **more)


def no_pause(_: float) -> None:
    """The local exchange needs no rest."""


def connect(venue: LocalExchange) -> HttpRouter:
    ROUTERS.append(HttpRouter(venue.url, TOKEN, no_pause))
    return ROUTERS[-1]


def manager(
    bars: admf.Market, *strategies: StrategySettings, thread_model: ThreadModel = ThreadModel.ASYNC_SINGLE, **care: Any
) -> LiveTradingManager:
    made = LiveTradingManager(
        {"market_data_feed": HistoricalFeed(bars)},
        thread_model=thread_model,
        care=Care(**care),
        shared=Shared(execution=RULES, risk=RISK),
    )
    for strategy in strategies:
        made.add_strategy(strategy.strategy_id, strategy)
    return made


class FailsOn(TrendFollowingEvents):
    """Raises on some bars, as often as it is asked to."""

    first: int = 100
    times: int = 1

    failed: ClassVar[dict[int, int]] = {}

    def on_bar(self, bar: BarEvent) -> None:
        key = id(self)
        if bar.bar >= self.first and self.failed.get(key, 0) < self.times:
            self.failed[key] = self.failed.get(key, 0) + 1
            raise ValueError("no idea what to do")
        super().on_bar(bar)


class BuysOnce(EventStrategy):
    """Buys 10 on bar 5 and holds; sends a limit order far away too."""

    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar == 5:
            self.buy(10.0)
            self.buy(10.0, limit=bar.close * 0.5)


class BuysEveryBar(EventStrategy):
    """Buys one unit on each bar."""

    def on_bar(self, bar: BarEvent) -> None:
        self.buy(1.0)


class BuysAndCancels(EventStrategy):
    """Buys and sells a unit at market on each bar, and keeps a limit order away from the price, a new one each bar."""

    def on_start(self) -> None:
        self.count = 0

    def on_bar(self, bar: BarEvent) -> None:
        self.count += 1
        self.submit(1 if self.count % 3 else -1, "market", 1.0)
        self.cancel_all()
        self.buy(2.0, limit=bar.close * 0.98)


class Scatters(EventStrategy):
    """Orders of all sizes on both sides, near the price and far from it, some of them cancelled."""

    def on_start(self) -> None:
        self.count = 0

    def on_bar(self, bar: BarEvent) -> None:
        self.count += 1
        side = 1 if self.count // 20 % 2 else -1
        self.submit(side, "market", float(1 + self.count % 7))
        if self.count % 3 == 0:
            far = 1.0 - side * 0.0007 * (self.count % 5)
            self.submit(side, "limit", float(1 + self.count % 4), limit_price=bar.close * far)
        if self.count % 11 == 0:
            self.cancel_all()


class Hangs(EventStrategy):
    """Does not come back from bar 10 until it is let go."""

    gate: ClassVar[threading.Event] = threading.Event()

    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar == 10:
            self.gate.wait(20.0)


class DayOrders(EventStrategy):
    """Orders that live for a session, and orders for its open and close."""

    def on_start(self) -> None:
        self.count = 0

    def on_bar(self, bar: BarEvent) -> None:
        self.count += 1
        if self.count % 7 == 0 and self.position() < 50.0:
            self.buy(10.0, limit=bar.close * 0.999, time_in_force="day")
        if self.count % 97 == 0:
            self.submit(1, "market_on_close", 5.0)
        if self.count % 101 == 0 and self.position() > 0.0:
            self.submit(-1, "market_on_open", self.position())
        if self.count % 53 == 0:
            self.bracket(1, 5.0, stop_loss=bar.close * 0.99, take_profit=bar.close * 1.01)


def changed(log: EventLog, path: Path, place: int) -> EventLog:
    """A copy of a log in which the price of one fill differs in its last bit."""
    writer = LogWriter(path, {name: value for name, value in log.header.items() if name != "version"})
    for row in log.rows:
        payload = json.loads(row.payload)
        if row.sequence == place:
            payload[6] = payload[6] * (1 + 2**-52)
        writer.note(row.kind, row.time_ns, row.bar, payload)
    writer.close()
    return EventLog(path)


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    """Until something is so that other threads make so."""
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "did not come"
        time.sleep(0.01)
