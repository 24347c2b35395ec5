"""`WebSocketFeed`: bars, ticks and the time from a WebSocket, over as many connections as it takes.

The words of `read_message`, one JSON object a message; another venue's are read by a function of its own:

    {"type": "bar", "symbol": "SPY", "time_ns": 0, "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1}
                    and where there are `vwap bars_left bars_next`, as in `FeedBar`
    {"type": "trade", "symbol": "SPY", "time_ns": 0, "price": 1, "size": 1}      and where there is one, `trade_id`
    {"type": "time", "time_ns": 0}      nothing before it is still to come
    {"type": "end"}                     the feed is over; any other end of a connection is followed by a new one
"""

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from admf.data import Instrument
from admf.data.stamps import SECOND_NS, parse_frequency
from admf.errors import ConfigError, DataError, RunError
from admf.live.bars import Facts, FeedBar
from admf.live.ticks import NO_ID, Tick, TimePassed

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

LOGGER = logging.getLogger("admf.feed")
POLL_S = 0.2  # a wait for a message is cut into pieces, so that `close` is heard and time passes for bars of ticks
QUEUE_FRAMES = 64  # taken from the wire ahead of who reads; beyond them the wire itself is held back
BACK_OFF_S, BACK_OFF_MAX_S = 0.1, 30.0  # before a new connection; doubles until a message has come
CLOSE_TIMEOUT_S = 1.0
AHEAD_MAX_NS = 60 * SECOND_NS  # of our clock: a stamp beyond it would close bars for good
LOOPBACK = ("127.0.0.1", "localhost", "::1")
BAR = ("open", "high", "low", "close", "volume")
BAR_MORE = {"vwap": float, "bars_left": int, "bars_next": int}


class End(NamedTuple):
    """The feed is over."""


Event = FeedBar | Tick | TimePassed | End


def read_message(text: str | bytes) -> Iterable[Event]:
    """The events of one message; ValueError, KeyError, TypeError for what is none."""
    given = json.loads(text)
    kind = given["type"]
    if kind == "bar":
        values = [float(given[name]) for name in BAR]
        more = {name: read(given[name]) for name, read in BAR_MORE.items() if name in given}
        return [FeedBar(str(given["symbol"]), int(given["time_ns"]), *values, **more)]  # type: ignore[arg-type]
    if kind == "trade":
        price, size, trade_id = float(given["price"]), float(given["size"]), int(given.get("trade_id", NO_ID))
        return [Tick(str(given["symbol"]), int(given["time_ns"]), price, size, trade_id)]
    if kind == "time":
        return [TimePassed(int(given["time_ns"]))]
    if kind == "end":
        return [End()]
    raise ValueError(f"unknown type {kind!r}")


class WebSocketFeed:
    """A `MarketDataFeed` of the bars of a socket, and a `TickFeed` of its ticks.

    Messages are pulled: a slow reader holds back the wire, and nothing piles up here. A connection that breaks, or
    that answers no ping for 20 s, is followed by a new one after 0.1, 0.2, 0.4, … 30 s; what was missed meanwhile is
    missing at the door, what comes twice is dropped there. A message that cannot be read, an unknown symbol and a
    stamp more than a minute ahead of this machine's clock are dropped and counted.
    """

    batch_bars = 1

    def __init__(
        self,
        url: str,
        instruments: Sequence[Instrument],
        *,
        frequency: str | None = None,
        hello: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        read: Callable[[str | bytes], Iterable[Event]] = read_message,
    ) -> None:
        """`hello` is sent on every connection, `frequency` is that of the bars.

        ConfigError for an address that is not wss, or ws on this machine, and where `websockets` is not installed.
        """
        parts = urlsplit(url)
        self._is_local = parts.hostname in LOOPBACK
        if parts.hostname is None or parts.scheme not in ("ws", "wss") or (parts.scheme == "ws" and not self._is_local):
            allowed = "wss://…, or ws:// on this machine"
            raise ConfigError("not a safe address", field="feed.url", found=url, allowed=allowed)
        try:
            import websockets.sync.client  # noqa: F401
        except ImportError:
            remedy = 'pip install "admf-engine[websocket]"'
            raise ConfigError("needs the package websockets", field="feed", found=url, remedy=remedy) from None
        frequency_ns = None if frequency is None else parse_frequency(frequency)
        self.facts: Mapping[str, Facts] = {
            instrument.symbol: Facts(instrument, frequency_ns=frequency_ns) for instrument in instruments
        }
        self.counts: Counter[str] = Counter()
        self.trouble = ""  # what went wrong last
        self.is_connected = False
        self._url, self._hello, self._headers, self._read = url, tuple(hello), dict(headers or {}), read
        self._over = threading.Event()
        self._clock: tuple[int, float] | None = None  # time of the stream, and when we heard of it

    def __repr__(self) -> str:
        return f"{self._url}: {', '.join(self.facts)}"

    def __iter__(self) -> Iterator[FeedBar]:
        for event in self.events():
            if isinstance(event, FeedBar):
                yield event
            elif isinstance(event, Tick):
                remedy = "put TickBars around the feed; feed.frequency in a configuration"
                raise DataError("ticks, not bars", field="feed", found=event, remedy=remedy)

    def close(self) -> None:
        """Ends the iteration, also from another thread."""
        self._over.set()

    def health(self) -> dict[str, Any]:
        """Whether it is connected, what was counted, and the last trouble."""
        return {"connected": self.is_connected, **self.counts, "trouble": self.trouble}

    # ---------------------------------------------------------------------------------------------------- connections

    def events(self) -> Iterator[Tick | TimePassed | FeedBar]:
        """What comes, over one connection after the other. RunError where the other side refuses us."""
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

        failures = 0
        while not self._over.is_set():
            try:
                with self._connect() as connection:
                    self.is_connected = True
                    self.counts["connections"] += 1
                    for message in self._hello:
                        connection.send(message)
                    for event in self._received(connection):
                        if isinstance(event, End):
                            return
                        failures = 0
                        yield event
            except InvalidStatus as error:
                status = error.response.status_code
                if 400 <= status < 500 and status != 429:
                    raise RunError("the feed refuses us", field="feed.url", found=status) from None
                self.trouble = str(error)
            except (OSError, ConnectionClosed, InvalidHandshake) as error:
                self.trouble = f"{type(error).__name__}: {error}"
            finally:
                self.is_connected, self._clock = False, None
            pause_s = min(BACK_OFF_S * 2**failures, BACK_OFF_MAX_S)
            if not self._over.is_set():
                LOGGER.warning("%s: no connection (%s); again in %g s", self._url, self.trouble or "closed", pause_s)
            self._over.wait(pause_s)
            failures = min(failures + 1, 16)

    def _connect(self) -> "ClientConnection":
        from websockets.sync.client import connect

        return connect(
            self._url, additional_headers=self._headers, max_queue=QUEUE_FRAMES, close_timeout=CLOSE_TIMEOUT_S,
            compression=None, proxy=None if self._is_local else True,
        )  # fmt: skip

    def _received(self, connection: "ClientConnection") -> Iterator[Event]:
        while not self._over.is_set():
            try:
                message = connection.recv(timeout=POLL_S)
            except TimeoutError:
                if self._clock is not None:
                    time_ns, heard_s = self._clock
                    yield TimePassed(time_ns + int((time.monotonic() - heard_s) * SECOND_NS))
                continue
            yield from self._taken(message)

    def _taken(self, message: str | bytes) -> Iterator[Event]:
        try:
            events = list(self._read(message))
        except (ValueError, KeyError, TypeError) as error:
            self.counts["refused"] += 1
            self.trouble = f"{type(error).__name__}: {error} in {message[:80]!r}"
            return
        for event in events:
            if isinstance(event, FeedBar | Tick) and event.symbol not in self.facts:
                self.counts["unknown_symbol"] += 1
                continue
            if not isinstance(event, End):
                if event.time_ns > time.time_ns() + AHEAD_MAX_NS:
                    self.counts["ahead"] += 1
                    continue
                if not isinstance(event, FeedBar):  # a bar has its own clock: its stamp is its open
                    self._clock = event.time_ns, time.monotonic()
            yield event
