"""Streams of Alpaca's client library: the thread that one runs on, and minute bars as a feed."""

import asyncio
import contextlib
import queue
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import Any

from admf.data import Instrument
from admf.errors import ConfigError, DataError
from admf.live.bars import Facts, FeedBar
from admf.live.router import TIMEOUT_S, check_address, read_token

KEY_VARIABLE, SECRET_VARIABLE = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"
DATA_URL = "wss://stream.data.alpaca.markets/v2/iex"
MINUTE_NS = 60 * 10**9
BARS_WAITING = 4_096  # from the stream to the reader of the feed
CLOSE_S = 0.5


def library() -> Any:
    """The client library; ConfigError with what to install where it is not there."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of websockets.legacy, which the library uses
            import alpaca.data.live
            import alpaca.trading.client
            import alpaca.trading.requests
            import alpaca.trading.stream
    except ImportError:
        remedy = "pip install 'admf-engine[alpaca]'"
        raise ConfigError(
            "the client library is not installed", field="venue.kind", found="alpaca", remedy=remedy
        ) from None
    return alpaca


@dataclass(frozen=True)
class Keys:
    """Key and secret of an account; shown nowhere."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(…)"

    @classmethod
    def read(cls, file: Path | None = None) -> "Keys":
        """From the environment, or from the two lines of a file that only its owner may read; ConfigError."""
        if file is None:
            return cls(read_token(KEY_VARIABLE), read_token(SECRET_VARIABLE))
        lines = read_token("", file).split()
        if len(lines) != 2:
            allowed = "two lines: the key, the secret"
            raise ConfigError(
                "not a key and a secret", field="venue.token_file", found=f"{len(lines)} words", allowed=allowed
            )
        return cls(*lines)


def number(text: Any, name: str) -> float:
    """A finite number of the venue's; DataError for anything else."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = nan
    if not -inf < value < inf:
        raise DataError("not a number", field=f"venue.{name}", found=str(text)[:40])
    return value


class Stream:
    """A stream of the library on a thread of its own; `back` is called after each connection."""

    def __init__(self, stream: Any, back: Callable[[], None]) -> None:
        start = stream._start_ws

        async def start_and_tell() -> None:
            await start()
            back()

        stream._start_ws = start_and_tell
        self._stream, self._loop = stream, asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="alpaca", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._over = self._loop.create_task(self._stream._run_forever())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._over)
        with contextlib.suppress(Exception):  # a socket that answers nothing any more
            self._loop.run_until_complete(asyncio.wait_for(self._stream.close(), CLOSE_S))
        self._loop.close()

    def close(self) -> None:
        """Ends it at once; the library's own way waits for the next message or 5 s."""
        self._loop.call_soon_threadsafe(lambda: self._over.cancel())
        self._thread.join(TIMEOUT_S)


class AlpacaFeed:
    """Minute bars of Alpaca's data stream, as a `MarketDataFeed`; a reader that is slow holds the stream back."""

    batch_bars = 1

    def __init__(
        self, keys: Keys, instruments: list[Instrument], url: str = DATA_URL, reconnect_s: float = 1.0
    ) -> None:
        """`instruments`: their symbols are subscribed. ConfigError for an address that is not safe."""
        check_address(url, "venue.data_url", ("wss", "ws"))
        self.facts: Mapping[str, Facts] = {
            instrument.symbol: Facts(instrument, MINUTE_NS, has_vwap=True) for instrument in instruments
        }
        self._bars: queue.Queue[FeedBar | None] = queue.Queue(BARS_WAITING)
        self._closed = threading.Event()
        stream = library().data.live.StockDataStream(keys.key, keys.secret, raw_data=True, url_override=url)
        stream._reconnect_min_backoff = reconnect_s

        async def on_bar(row: Any) -> None:
            bar = bar_of(row)
            while not self._closed.is_set():
                try:
                    self._bars.put_nowait(bar)
                except queue.Full:
                    await asyncio.sleep(0.01)
                else:
                    return

        stream.subscribe_bars(on_bar, *self.facts)
        self._stream = Stream(stream, lambda: None)

    def __iter__(self) -> Iterator[FeedBar]:
        while not self._closed.is_set() and (bar := self._bars.get()) is not None:
            yield bar

    def close(self) -> None:
        """Ends the iteration, also from another thread."""
        if not self._closed.is_set():
            self._closed.set()
            self._stream.close()
            while True:
                try:
                    self._bars.put_nowait(None)
                except queue.Full:
                    self._bars.get_nowait()
                else:
                    return


def bar_of(row: Mapping[str, Any]) -> FeedBar:
    """A minute bar; the stamp is that of its open."""
    open_, high, low, close, volume = (number(row[name], name) for name in ("o", "h", "l", "c", "v"))
    vwap = number(row.get("vw", close), "vw")
    return FeedBar(str(row["S"]), int(row["t"].to_unix_nano()), open_, high, low, close, volume, vwap)
