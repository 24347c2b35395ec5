"""Live trading against the local exchange: the backtest's fills, whatever the wire does, and after every crash."""

import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import admf
from admf.cli.trading import stopped_by_signals
from admf.coordinate import ExecutionMode
from admf.errors import ConfigError, DataError
from admf.events import BarEvent, Ticket
from admf.live import Care, HistoricalFeed, HttpRouter, LiveTradingManager
from admf.live.journal import Journal
from admf.live.making import Venue, make_container
from admf.live.router import OrderRouter, Report, check_account, read_token
from admf.live.strategy_container import LiveStrategyContainer
from admf.strategies import ProductionStrategy, TrendFollowingStrategy
from admf.testing import ExchangeFeed, LocalExchange
from admf.testing.exchange import WIRE_FAULTS
from live_support import BuysEveryBar, BuysOnce, DayOrders, connect, local_exchange, manager, market, settings

LIMIT = admf.Risk(max_position_size=10_000)


def container_of(venue: LocalExchange, folder: Path, strategy: Any) -> LiveStrategyContainer:
    router = connect(venue)
    assert isinstance(router, OrderRouter)
    made = make_container(settings("one", strategy, risk=LIMIT), venue.facts, Care(), venue=Venue(router, folder))
    made.start()
    return made


def paper(bars: admf.Market, strategy: Any) -> Any:
    return manager(bars, settings("one", strategy, risk=LIMIT)).run()["one"].fills


COMPARED = ["bar", "side", "quantity", "price", "commission", "base_price", "liquidity", "ambiguous"]


def assert_books(one: LiveStrategyContainer, venue: LocalExchange, fills: Any) -> None:
    """The venue's books and ours are those of the paper session, each order there once, each fill once."""
    broker = one.container.resolve("broker")
    found = [(fill.bar, fill.side, fill.quantity, fill.price) for fill in broker.told]
    assert [row[1:] for row in found] == [row[1:] for row in fills.select(COMPARED[:4]).with_columns(
        side=admf_sides(fills)).rows()]  # fmt: skip
    assert broker.reconcile() == {"ours": venue.position, "venue": venue.position}
    assert broker.cash == venue._broker.cash


def admf_sides(fills: Any) -> Any:
    return (fills["side"] == "buy").cast(int) * 2 - 1


@pytest.mark.parametrize("strategy", [ProductionStrategy, DayOrders, BuysOnce], ids=lambda kind: kind.__name__)
def test_without_faults_live_is_paper(tmp_path: Path, strategy: Any) -> None:
    bars = market(420)
    with local_exchange(bars) as venue:
        one = container_of(venue, tmp_path, strategy())
        while (bar := venue.step()) is not None:
            one.take([bar])
        one.container.resolve("broker").hear()
        fills = paper(bars, strategy())
        assert len(fills) > 0
        assert_books(one, venue, fills)
        assert set(venue.orders.values()) == {1}
        assert not one.errors
        one.finish()
        one.teardown()


@pytest.mark.parametrize("seed", range(2))
def test_faults_of_the_wire_change_nothing(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    faults = {number: draw.choice(WIRE_FAULTS) for number in range(4_000) if draw.random() < 0.25}
    bars = market(70)
    with local_exchange(bars, faults=faults) as venue:
        one = container_of(venue, tmp_path, BuysEveryBar())
        while (bar := venue.step()) is not None:
            one.take([bar])
        venue.faults.clear()
        one.container.resolve("broker").hear()
        assert_books(one, venue, paper(bars, BuysEveryBar()))
        assert not one.errors
        assert any(times > 1 for times in venue.orders.values()), "no request came twice: nothing was tested"
        one.teardown()


class Signals(BuysOnce):
    """Asks its process to end on bar 20."""

    number: int = 0

    def on_bar(self, bar: BarEvent) -> None:
        super().on_bar(bar)
        if bar.bar == 20:
            os.kill(os.getpid(), self.number)


class CrashError(BaseException):
    """The process is gone."""


class Mortal:
    """A router in front of which the process dies after some calls, before or after the call reaches the venue."""

    has_reduce_only, reconnects = True, 0

    def __init__(self, router: HttpRouter, lives: int, *, after: bool) -> None:
        self._router, self._lives, self._after = router, lives, after

    def _call(self, name: str, *arguments: Any) -> Any:
        self._lives -= 1
        if self._lives < 0 and not self._after:
            raise CrashError
        answer = getattr(self._router, name)(*arguments)
        if self._lives < 0:
            raise CrashError
        return answer

    def submit(self, *arguments: Any) -> Any:
        return self._call("submit", *arguments)

    def change(self, *arguments: Any) -> Any:
        return self._call("change", *arguments)

    def open_orders(self) -> set[str]:
        found: set[str] = self._call("open_orders")
        return found

    def reports(self, after: int) -> list[Report]:
        found: list[Report] = self._call("reports", after)
        return found

    def account(self) -> Any:
        return self._call("account")


@pytest.mark.parametrize("after", [False, True], ids=["before the request", "after the request"])
@pytest.mark.parametrize("seed", range(2))
def test_after_any_crash_nothing_is_lost_or_doubled(tmp_path: Path, seed: int, after: bool) -> None:
    """The process dies again and again at a random call; each time a new one takes the journal up."""
    draw = random.Random(seed)
    with local_exchange(market(120)) as venue:
        crashes, bar = 0, venue.step()
        while bar is not None:
            router = Mortal(connect(venue), draw.randrange(3, 60), after=after)
            try:
                one = make_container(
                    settings("one", BuysEveryBar(), risk=admf.Risk(max_position_size=40)),
                    venue.facts, Care(), venue=Venue(router, tmp_path),
                )  # fmt: skip
                one.start()
                while bar is not None:
                    one.take([bar])
                    bar = venue.step()
            except CrashError:
                crashes += 1
                bar = venue.step()
        last = container_of(venue, tmp_path, BuysOnce())
        broker = last.container.resolve("broker")
        assert crashes >= 2
        assert broker.reconcile() == {"ours": venue.position, "venue": venue.position}
        assert 0 < venue.position <= 40
        assert broker.cash == venue._broker.cash
        journal = Journal(tmp_path / "one.journal", "one")
        assert {wanted.client_id for wanted in journal.wanted()} == set(venue.orders)
        fills = [report for report in journal.reports() if report.is_fill]
        assert sum(report.side * report.quantity for report in fills) == venue.position
        journal.close()


def test_another_currency_and_another_clock_are_refused() -> None:
    with local_exchange(market(20), clock_skew_ns=10_000_000_000) as venue:
        router, now_ns = connect(venue), -1  # the exchange has played no bar
        assert check_account(router, "USD", None)["cash"] == 100_000.0
        with pytest.raises(ConfigError, match="another currency; found 'USD'; allowed: EUR"):
            check_account(router, "EUR", None)
        with pytest.raises(ConfigError, match=r"clock is far from ours; found '\+10.0 s'"):
            check_account(router, "USD", now_ns)


def test_limits_hold_before_anything_is_sent(tmp_path: Path) -> None:
    with local_exchange(market(40)) as venue:
        router = connect(venue)
        limits = settings("one", BuysEveryBar(), risk=admf.Risk(max_position_size=7))
        one = make_container(limits, venue.facts, Care(), venue=Venue(router, tmp_path))
        one.start()
        while (bar := venue.step()) is not None:
            one.take([bar])
        assert venue.position == 7
        assert len(venue.orders) == 7
        one.teardown()


def test_what_the_venue_refuses_is_rejected_in_its_words(tmp_path: Path) -> None:
    with local_exchange(market(40)) as venue:
        one = container_of(venue, tmp_path, BuysOnce())
        broker = one.container.resolve("broker")
        broker._router._headers["Authorization"] = "Bearer wrong"
        for _ in range(10):
            bar = venue.step()
            assert bar is not None
            one.take([bar])
        assert "401: wrong key" in broker.refusals[0]
        assert not venue.orders
        assert broker.orders.live_count == 0
        one.teardown()


def test_a_manager_trades_several_strategies_on_one_account(tmp_path: Path) -> None:
    with local_exchange(market(150)) as venue:
        services = {"market_data_feed": ExchangeFeed(venue), "order_router": connect(venue)}
        made = LiveTradingManager(services, mode=ExecutionMode.LIVE_TRADING, journal_folder=tmp_path)
        made.add_strategy("once", settings("once", BuysOnce(), risk=LIMIT))
        made.add_strategy("every", settings("every", BuysEveryBar(), risk=admf.Risk(max_position_size=5)))
        results = made.run()
        assert float(results["once"].records.positions[0].quantity) == 10.0
        assert float(results["every"].records.positions[0].quantity) == 5.0
        assert venue.position == 15.0


def test_books_that_differ_throw_the_kill_switch(tmp_path: Path) -> None:
    with local_exchange(market(60)) as venue:
        router = connect(venue)
        services = {"market_data_feed": ExchangeFeed(venue), "order_router": router}
        made = LiveTradingManager(
            services, mode=ExecutionMode.LIVE_TRADING, journal_folder=tmp_path, reconciliation_interval=1e-9
        )
        made.add_strategy("every", settings("every", BuysEveryBar(), risk=LIMIT))
        bars = iter(made.feed)
        made._hand_over([next(bars) for _ in range(5)])
        assert made.status()["killed"] == ""
        router.submit("by hand", list(Ticket(0, side=1, quantity=3.0)), "SYM")
        for bar in bars:
            made._hand_over([bar])
        assert made.status()["killed"].startswith("reconciliation: SYM: ours ")
        made.close()
        assert venue.position < 20


def test_the_books_are_compared_after_a_reconnect(tmp_path: Path) -> None:
    """The interval is an hour; what differs is seen on the two bars after the venue was away."""
    with local_exchange(market(40)) as venue:
        router = connect(venue)
        services = {"market_data_feed": ExchangeFeed(venue), "order_router": router}
        made = LiveTradingManager(
            services, mode=ExecutionMode.LIVE_TRADING, journal_folder=tmp_path, reconciliation_interval=3_600.0
        )
        made.add_strategy("every", settings("every", BuysEveryBar(), risk=LIMIT))
        router.submit("by hand", list(Ticket(0, side=1, quantity=3.0)), "SYM")
        bars = iter(made.feed)
        for _ in range(10):
            made._hand_over([next(bars)])
        assert made.status()["killed"] == ""
        venue.faults[venue.requests] = "drop_before"
        for _ in range(3):
            made._hand_over([next(bars)])
        assert made.status()["reconnects"] == 1
        assert made.status()["unreachable"] == ""
        assert made.status()["killed"].startswith("reconciliation: SYM: ours ")
        made.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_session_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with local_exchange(market(300)) as venue:
        feed = ExchangeFeed(venue)
        services = {"market_data_feed": feed, "order_router": connect(venue)}
        made = LiveTradingManager(services, mode=ExecutionMode.LIVE_TRADING, journal_folder=tmp_path)
        made.add_strategy("once", settings("once", Signals(number=int(number)), risk=LIMIT))
        with stopped_by_signals(made):
            results = made.run()
        assert signal.getsignal(number) == before
        assert 20 <= results["once"]["bars_processed"] < 300
        assert float(results["once"].records.positions[0].quantity) == venue.position == 10.0
        assert not [thread for thread in threading.enumerate() if thread.name == "one loop for all"]


def test_what_is_not_safe_is_refused_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = HistoricalFeed(market(50))
    router = HttpRouter("http://127.0.0.1:1", "x")
    live = ExecutionMode.LIVE_TRADING
    with pytest.raises(ConfigError, match="no venue"):
        LiveTradingManager({"market_data_feed": feed}, mode=live)
    services = {"market_data_feed": feed, "order_router": router}
    with pytest.raises(ConfigError, match="need a journal"):
        LiveTradingManager(services, mode=live)
    made = LiveTradingManager(services, mode=live, journal_folder=tmp_path)
    with pytest.raises(ConfigError, match="max_position_size: no limit"):
        made.add_strategy("one", settings("one", risk=admf.Risk()))
    with pytest.raises(ConfigError, match="on paper only"):
        made.add_strategy("one", settings("one", TrendFollowingStrategy()))
    with pytest.raises(ConfigError, match="not a safe address"):
        HttpRouter("http://venue.example", "x")
    with pytest.raises(ConfigError, match="no key"):
        read_token("ADMF_TEST_TOKEN")
    monkeypatch.setenv("ADMF_TEST_TOKEN", "secret")
    assert read_token("ADMF_TEST_TOKEN") == "secret"
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o644)
    with pytest.raises(ConfigError, match="not a safe place"):
        read_token("ADMF_TEST_TOKEN", key)
    key.chmod(0o600)
    assert read_token("ADMF_TEST_TOKEN", key) == "secret"
    Journal(tmp_path / "other.journal", "other").close()
    with pytest.raises(DataError, match="another strategy"):
        Journal(tmp_path / "other.journal", "one")
    (tmp_path / "no.journal").write_text("no data base at all, but long enough to be taken for one by its size" * 20)
    with pytest.raises(DataError, match="not a journal"):
        Journal(tmp_path / "no.journal", "one")
