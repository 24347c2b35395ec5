"""A venue of ccxt is one small class: the same session as at Alpaca, through another library and without a stream."""

from pathlib import Path
from typing import Any

import pytest

import admf
from admf.errors import ConfigError
from admf.events import Ticket
from admf.live import Care, HistoricalFeed
from admf.live.making import Venue, make_container
from admf.live.router import RefusedError, RouterError
from admf.live.venue import VenueClient, VenueRouter
from live_support import RULES, BuysAndCancels, market, settings

pytest.importorskip("ccxt", reason="ccxt is an extra")
pytest.importorskip("alpaca", reason="the exchange on this machine speaks Alpaca's protocol")

import ccxt

from admf.live.ccxt import CcxtClient
from admf.testing.alpaca import KEYS, AlpacaExchange

SYMBOLS = {"SYM": "SYM/USD"}


def exchange_of(venue: AlpacaExchange, secret: str = KEYS.secret) -> Any:
    made = ccxt.alpaca({"apiKey": KEYS.key, "secret": secret, "enableRateLimit": False, "timeout": 5_000})
    made.urls["api"] = dict.fromkeys(("broker", "trader", "market"), venue.url)
    return made


def test_a_session_through_ccxt(tmp_path: Path) -> None:
    faults = {20: "drop_after", 40: "rate_limit", 60: "unavailable", 80: "drop_before", 100: "drop_after"}
    with AlpacaExchange(HistoricalFeed(market(14)), RULES, faults=faults) as venue:
        client = CcxtClient(exchange_of(venue), SYMBOLS)
        assert isinstance(client, VenueClient)
        with VenueRouter(client, tmp_path, 60.0) as router:
            limits = settings("one", BuysAndCancels(), risk=admf.Risk(max_position_size=6.0))
            one = make_container(limits, venue.facts, Care(), venue=Venue(router, tmp_path))
            one.start()
            while (bar := venue.step()) is not None:
                router.settle()
                one.take([bar])
            venue.faults.clear()
            broker = one.container.resolve("broker")
            for _ in range(2):
                broker._send()
                router.settle()
                broker.hear()
            assert broker.position(0) == venue.position != 0.0
            assert broker.sent == router.open_orders()
            assert set(venue.orders.values()) == {1}
            assert len(venue.orders) > 10
            one.teardown()


def test_what_ccxt_refuses() -> None:
    with AlpacaExchange(HistoricalFeed(market(5)), RULES) as venue:
        with pytest.raises(ConfigError, match="no such market; found 'SYM/EUR'"):
            CcxtClient(exchange_of(venue), {"SYM": "SYM/EUR"})
        with pytest.raises(RefusedError) as caught:
            CcxtClient(exchange_of(venue, "a-secret"), SYMBOLS)
        assert "a-secret" not in str(caught.value)
        client = CcxtClient(exchange_of(venue), SYMBOLS)
        with pytest.raises(RefusedError, match="not an order of this venue"):
            client.submit("x", "SYM", Ticket(0, side=1, quantity=1.0, parent=1))
        url = venue.url
    client._exchange.urls["api"]["trader"] = url
    with pytest.raises(RouterError, match=r"NetworkError|ExchangeNotAvailable"):
        client.account()
