"""Alpaca's protocol on loopback through its client library: whatever goes wrong, the venue's books are ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import admf
from admf.errors import ConfigError
from admf.live import Care, HistoricalFeed
from admf.live.making import Venue, make_container
from admf.live.router import RefusedError, check_account
from admf.live.strategy_container import LiveStrategyContainer
from admf.live.venue import VenueRouter
from admf_kernels.codes import OrderStatus
from live_support import RULES, BuysOnce, Scatters, market, no_pause, settings

pytest.importorskip("alpaca", reason="Alpaca's client library is an extra")

from admf.live.alpaca import AlpacaClient
from admf.live.alpaca_streams import AlpacaFeed, Keys
from admf.testing.alpaca import KEYS, STREAM_FAULTS, AlpacaExchange
from admf.testing.exchange import FAULTS

LIMIT = admf.Risk(max_position_size=40.0)
BARS = market(45)


def exchange(**more: Any) -> AlpacaExchange:
    return AlpacaExchange(HistoricalFeed(BARS), RULES, **more)


@contextmanager
def session(
    venue: AlpacaExchange, folder: Path, strategy: Any, look_interval_s: float = 0.02
) -> Iterator[LiveStrategyContainer]:
    client = AlpacaClient(KEYS, venue.url, venue.stream_url, no_pause, reconnect_s=0.01)
    with VenueRouter(client, folder, look_interval_s) as router:
        one = make_container(settings("one", strategy, risk=LIMIT), venue.facts, Care(), venue=Venue(router, folder))
        one.start()
        yield one
        one.teardown()


def play(one: LiveStrategyContainer, venue: AlpacaExchange, bars: int | None = None) -> None:
    while (bars is None or bars > 0) and (bar := venue.step()) is not None:
        one.take([bar])
        bars = None if bars is None else bars - 1


def assert_agree(one: LiveStrategyContainer, venue: AlpacaExchange) -> None:
    """Positions and open orders are the venue's, each order is there once, each fill is counted once."""
    venue.faults.clear()
    venue.stream_faults.clear()
    broker = one.container.resolve("broker")
    for _ in range(2):
        broker._send()
        broker._router.settle()
        broker.hear()
    assert not broker._router.problem
    assert not broker.unreachable
    assert broker.position(0) == venue.position
    assert broker.sent == broker._router.open_orders()
    assert set(venue.orders.values()) <= {1}
    filled: dict[str, float] = {}
    for fill in broker.told:
        name = broker._journal.client_id(fill.order)
        filled[name] = filled.get(name, 0.0) + fill.quantity
    assert filled == {name: float(row["filled_qty"]) for name, row in venue.rows.items() if row["filled_avg_price"]}
    assert abs(venue.position) <= 40.0
    assert not one.errors


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_requests(tmp_path: Path, fault: str) -> None:
    faults = dict.fromkeys(range(9, 400, {"restart": 50, "reject": 2}.get(fault, 7)), fault)
    with exchange(faults=faults) as venue, session(venue, tmp_path, Scatters()) as one:
        play(one, venue)
        assert len(venue.faults) < len(faults)
        assert_agree(one, venue)
        assert len(venue.orders) > 10
        if fault == "reject":
            refusals = one.container.resolve("broker").refusals.values()
            assert sum("403: insufficient buying power" in words for words in refusals) > 2


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_faults_of_the_stream(tmp_path: Path, fault: str) -> None:
    numbers = range(5, 400, 40 if fault in ("storm", "hang_up", "half_open") else 5)
    with exchange(stream_faults=dict.fromkeys(numbers, fault)) as venue, session(venue, tmp_path, Scatters()) as one:
        play(one, venue)
        assert venue.messages > 20
        assert_agree(one, venue)


def test_the_look_alone_is_enough(tmp_path: Path) -> None:
    """Nothing comes on the stream: what happened is found out all the same, at its average price."""
    lost = dict.fromkeys(range(900), "lose")
    with exchange(stream_faults=lost) as venue, session(venue, tmp_path, Scatters()) as one:
        play(one, venue)
        assert_agree(one, venue)
        broker, stepper = one.container.resolve("broker"), venue._broker.stepper
        costs = float(stepper.state.fills["commission"][: stepper._told[0]].sum())  # of which the protocol says nothing
        assert broker.cash == pytest.approx(venue._broker.cash + costs, rel=1e-12)


def test_the_next_session_takes_up_what_is_open(tmp_path: Path) -> None:
    with exchange() as venue:
        with session(venue, tmp_path, BuysOnce()) as one:
            play(one, venue, 6)
            assert len(one.container.resolve("broker").sent) == 2
        play_on = [venue.step() for _ in range(5)]
        assert None not in play_on
        with session(venue, tmp_path, BuysOnce()) as one:
            assert_agree(one, venue)
            broker = one.container.resolve("broker")
            assert broker.position(0) == 10.0
            (left,) = broker.orders.open
            assert broker.orders.status(left) is OrderStatus.ROUTED
            one.container.resolve("strategy").cancel(left)
            one._drain()
            venue.step()
            assert_agree(one, venue)
            assert not broker.orders.open


def test_bars_of_the_data_stream() -> None:
    with exchange() as venue:
        feed = AlpacaFeed(KEYS, [venue.facts.instrument], venue.data_url, reconnect_s=0.01)
        while not venue._sockets.listeners("/v2/iex"):
            pass
        played = [venue.step() for _ in range(20)]
        found = [bar for _, bar in zip(played, feed, strict=False)]
        feed.close()
        assert [bar[:7] for bar in found] == [bar[:7] for bar in played if bar is not None]
        assert list(feed) == []


def test_wrong_keys_are_refused_before_anything_is_sent_and_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exchange() as venue:
        wrong = AlpacaClient(Keys("local", "a-secret"), venue.url, venue.stream_url, no_pause)
        with pytest.raises(RefusedError, match="401: wrong key") as caught:
            wrong.account()
        assert "a-secret" not in f"{caught.value}{wrong._keys}{wrong.__dict__}"
        assert not venue.orders
    for variable in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ConfigError, match="no key; found 'APCA_API_KEY_ID'"):
        Keys.read()
    place = tmp_path / "keys"
    place.write_text("one\n")
    place.chmod(0o600)
    with pytest.raises(ConfigError, match="not a key and a secret"):
        Keys.read(place)
    place.write_text("one\ntwo\n")
    assert Keys.read(place) == Keys("one", "two")
    with pytest.raises(ConfigError, match="not a safe address"):
        AlpacaClient(KEYS, "http://venue.example")
    with pytest.raises(ConfigError, match="not a safe address"):
        AlpacaClient(KEYS, stream_url="ws://venue.example/stream")


def test_another_clock_and_another_currency_are_refused() -> None:
    with exchange(clock_skew_ns=10**10) as venue:
        client: Any = AlpacaClient(KEYS, venue.url, venue.stream_url, no_pause)
        bar = venue.step()
        assert bar is not None
        with pytest.raises(ConfigError, match=r"clock is far from ours; found '\+10.0 s'"):
            check_account(client, "USD", bar.time_ns)
        with pytest.raises(ConfigError, match="another currency"):
            check_account(client, "EUR", bar.time_ns)
