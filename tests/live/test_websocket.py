"""Bars and ticks from a real WebSocket on loopback: reconnects, back-pressure, messages that are none."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import admf
from admf.cli import run
from admf.errors import ConfigError, DataError, RunError
from admf.live import FeedBar, HistoricalFeed, LiveTradingManager, TickBars, WebSocketFeed
from admf.live.websocket import QUEUE_FRAMES, read_message
from live.test_ticks import trades_of
from live_support import market, settings

pytest.importorskip("websockets")

Handler = Callable[[Any], None]
END = '{"type": "end"}'
SYMBOL = [admf.Instrument("SYM")]


@contextmanager
def serving(handler: Handler, **more: Any) -> Iterator[str]:
    """The address of a server that gives each connection to `handler`."""
    from websockets.sync.server import serve

    with serve(handler, "127.0.0.1", 0, compression=None, **more) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def message(bar: FeedBar) -> str:
    values = {name: getattr(bar, name) for name in ("symbol", "time_ns", "open", "high", "low", "close", "volume")}
    return json.dumps({"type": "bar", **values, "bars_left": bar.bars_left, "bars_next": bar.bars_next})


def test_bars_of_a_socket_are_the_bars_that_were_sent() -> None:
    sent = list(HistoricalFeed(market(500)))

    def handler(socket: Any) -> None:
        for bar in sent:
            socket.send(message(bar))
        socket.send(END)

    with serving(handler) as url:
        feed = WebSocketFeed(url, SYMBOL, frequency="1min")
        got = list(feed)
    assert [bar[:7] + bar[8:] for bar in got] == [bar[:7] + bar[8:] for bar in sent]
    assert feed.health() == {"connected": False, "connections": 1, "trouble": ""}


def test_a_connection_that_breaks_is_followed_by_a_new_one() -> None:
    sent = list(HistoricalFeed(market(60)))
    greeted: list[str] = []

    def handler(socket: Any) -> None:
        greeted.append(socket.recv())
        start = 20 * (len(greeted) - 1)
        for bar in sent[max(0, start - 5) : start + 20]:  # five bars come twice
            socket.send(message(bar))
        if len(greeted) < 3:
            socket.socket.shutdown(2)  # no closing handshake
        else:
            socket.send(END)

    with serving(handler) as url:
        made = LiveTradingManager(
            {"market_data_feed": WebSocketFeed(url, SYMBOL, frequency="1min", hello=["bars of SYM"])}
        )
        made.add_strategy("trend", settings("trend"))
        container = made.active_strategies["trend"]
        result = made.run()["trend"]
    assert greeted == ["bars of SYM"] * 3
    assert result["bars_processed"] == 60
    assert container.door.counts == {"taken": 60, "late": 8, "duplicate": 2, "missing": 0}


def test_a_slow_reader_holds_the_wire_back() -> None:
    sent = 0
    padding = "x" * 20_000
    bar = next(iter(HistoricalFeed(market(10))))

    def handler(socket: Any) -> None:
        nonlocal sent
        for minute in range(2_000):
            text = json.loads(message(bar._replace(time_ns=bar.time_ns + minute * 60_000_000_000)))
            socket.send(json.dumps({**text, "padding": padding}))
            sent += 1
        socket.send(END)

    with serving(handler) as url:
        feed = iter(WebSocketFeed(url, SYMBOL))
        next(feed)
        before, stalled_at = -1, 0
        while before != sent:  # until nothing more goes into the wire
            before, stalled_at = sent, sent
            time.sleep(0.2)
        assert QUEUE_FRAMES <= stalled_at < 1_500
        assert sum(1 for _ in feed) == 1_999


def test_messages_that_are_none_are_dropped_and_counted() -> None:
    good = message(next(iter(HistoricalFeed(market(10)))))
    ahead = json.loads(good) | {"time_ns": time.time_ns() + 3_600_000_000_000}
    other = json.loads(good) | {"symbol": "OTHER"}
    wrong = [
        "",
        "[1, 2]",
        '{"type": "bar"}',
        '{"type": "news"}',
        '{"type": "bar", "symbol": "SYM", "open": []}',
        "\x00",
    ]

    def handler(socket: Any) -> None:
        for text in (*wrong, json.dumps(ahead), json.dumps(other), good, END):
            socket.send(text)
        socket.send(b"\xff\xfe")

    with serving(handler) as url:
        feed = WebSocketFeed(url, SYMBOL)
        assert len(list(feed)) == 1
    assert feed.counts == {"connections": 1, "refused": 6, "ahead": 1, "unknown_symbol": 1}
    assert "ValueError" in feed.trouble or "JSONDecodeError" in feed.trouble


def test_ticks_of_a_socket_become_bars_and_time_closes_them() -> None:
    start_ns = 1_700_000_040_000_000_000  # a full minute
    closed = threading.Event()

    def handler(socket: Any) -> None:
        for second, price in ((0, 10.0), (30, 12.0), (59.9, 11.0)):
            time_ns = start_ns + round(second * 1e9)
            socket.send(json.dumps({"type": "trade", "symbol": "SYM", "time_ns": time_ns, "price": price, "size": 2}))
        closed.wait(10.0)  # no further tick: 0.1 s later the minute is over
        socket.send(END)

    with serving(handler) as url:
        bars = iter(TickBars(WebSocketFeed(url, SYMBOL), "1min"))
        assert next(bars) == FeedBar("SYM", start_ns, 10.0, 12.0, 10.0, 11.0, 6.0, 11.0)
        closed.set()
        assert list(bars) == []


def test_close_ends_a_feed_that_waits() -> None:
    with serving(lambda socket: socket.recv()) as url:
        feed = WebSocketFeed(url, SYMBOL)
        timer = threading.Timer(0.1, feed.close)
        timer.start()
        started_s = time.monotonic()
        assert list(feed) == []
        assert time.monotonic() - started_s < 3.0


def test_a_feed_that_refuses_us_is_an_error_and_one_that_is_busy_is_asked_again() -> None:
    asked: list[int] = []

    def refuse(connection: Any, request: Any) -> Any:
        asked.append(429 if len(asked) == 0 else 403)
        return connection.respond(asked[-1], "no\n")

    with serving(lambda socket: None, process_request=refuse) as url, pytest.raises(RunError, match=r"refuses us.*403"):
        list(WebSocketFeed(url, SYMBOL))
    assert asked == [429, 403]


SESSION = """live_trading:
  strategies: {trend: {strategy_class: TrendFollowingEvents, allocated_capital: 50000}}
"""


@pytest.mark.parametrize("kind", ["websocket", "websocket_ticks"])
def test_a_configuration_over_a_socket_is_its_session_over_the_bars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    bars = admf.generate(bars=400, seed=11)
    if kind == "websocket":
        messages = [message(bar) for bar in HistoricalFeed(admf.Market([bars]))]
    else:
        rows = trades_of(bars).select(pl.col("time").dt.epoch("ns"), "price", "size").rows()
        names = ("time_ns", "price", "size")
        messages = [
            json.dumps({"type": "trade", "symbol": "SYM", **dict(zip(names, row, strict=True))}) for row in rows
        ]

    def handler(socket: Any) -> None:
        for text in (*messages, END):
            socket.send(text)

    path = tmp_path / "session.yaml"
    path.write_text(SESSION + "data: {generate: {bars: 400, seed: 11}}\n")
    assert run(["paper", str(path), "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)
    with serving(handler) as url:
        path.write_text(f"{SESSION}  feed: {{kind: {kind}, url: '{url}', symbols: [SYM], frequency: 1min}}\n")
        assert run(["paper", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == expected
    assert expected["strategies"]["trend"]["fills_executed"] > 10


def test_what_a_configuration_of_a_socket_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FEED_KEY", raising=False)
    path = tmp_path / "session.yaml"
    for feed, words in (
        ("kind: websocket, url: 'ws://127.0.0.1:1'", "live_trading.feed.symbols: missing"),
        ("kind: websocket_ticks, url: 'ws://127.0.0.1:1', symbols: [SYM]", "live_trading.feed.frequency: missing"),
        ("kind: websocket, url: 'ws://venue.example', symbols: [SYM]", "not a safe address"),
        ("kind: websocket, url: 'ws://127.0.0.1:1', symbols: [SYM], token_variable: FEED_KEY", "set FEED_KEY"),
        ("kind: socket", "did you mean 'websocket'"),
    ):
        path.write_text(f"{SESSION}  feed: {{{feed}}}\n")
        assert run(["paper", str(path)]) == 2
        assert words in capsys.readouterr().err


def test_bad_addresses_and_ticks_without_a_frequency_are_refused() -> None:
    for url in ("ws://example.com/feed", "http://127.0.0.1", "feed"):
        with pytest.raises(ConfigError, match="not a safe address"):
            WebSocketFeed(url, SYMBOL)
    trade = '{"type": "trade", "symbol": "SYM", "time_ns": 5, "price": 1, "size": 1}'
    with (
        serving(lambda socket: socket.send(trade)) as url,
        pytest.raises(DataError, match="put TickBars around the feed"),
    ):
        list(WebSocketFeed(url, SYMBOL))
    assert read_message(trade)
