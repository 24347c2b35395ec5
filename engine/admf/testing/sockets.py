"""`Sockets`: WebSocket doors of the exchange for tests."""

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from admf.errors import ConfigError

Begin = Callable[[Callable[[], Any], Callable[[Any], None]], bool]  # (ask, say) -> whether the stream goes on


class Sockets:
    """One WebSocket server on loopback with a stream on each path; what is told goes to all who listen to it."""

    def __init__(self, streams: Mapping[str, Begin]) -> None:
        """`streams`: by path, the first words between a client and the server. ConfigError without the library."""
        try:
            from websockets.exceptions import ConnectionClosed
            from websockets.sync.server import serve
        except ImportError:
            remedy = "pip install 'admf-engine[alpaca]'"
            raise ConfigError(
                "websockets is not installed", field="venue.kind", found="alpaca", remedy=remedy
            ) from None
        self._make, self._closed, self._streams = serve, ConnectionClosed, streams
        self._port = 0
        self._lock = threading.Lock()
        self._listening: dict[str, list[Any]] = {path: [] for path in streams}
        self._mute: set[int] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"ws://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Opens the door, at the same place as before."""
        self._server = self._make(self._meet, "127.0.0.1", self._port, compression=None)
        self._port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="sockets", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Closes the door and every connection."""
        for path in self._streams:
            self.hang_up(path)
        self._server.shutdown()
        self._thread.join()

    def _meet(self, connection: Any) -> None:
        path = connection.request.path
        begin = self._streams.get(path)
        with contextlib.suppress(self._closed, json.JSONDecodeError, KeyError):
            if begin is None or not begin(connection.recv, connection.send):
                return
            with self._lock:
                self._listening[path].append(connection)
            try:
                for _ in connection:
                    pass
            finally:
                with self._lock:
                    self._listening[path] = [other for other in self._listening[path] if other is not connection]
                    self._mute.discard(id(connection))

    def tell(self, path: str, message: Any, *, packed: bool = False) -> None:
        """To all who listen, in binary frames."""
        with self._lock:
            listening = [other for other in self._listening[path] if id(other) not in self._mute]
        if not listening:
            return
        data = pack(message) if packed else message.encode()
        for connection in listening:
            with contextlib.suppress(self._closed, OSError):
                connection.send(data)

    def listeners(self, path: str) -> int:
        """How many there are."""
        with self._lock:
            return len(self._listening[path])

    def mute(self, path: str) -> None:
        """Nothing more is sent to those who listen now, and they stay connected."""
        with self._lock:
            self._mute |= {id(connection) for connection in self._listening[path]}

    def hang_up(self, path: str) -> None:
        """Closes the connections of a stream."""
        with self._lock:
            listening = list(self._listening[path])
        for connection in listening:
            with contextlib.suppress(OSError):
                connection.close()


def pack(messages: Any) -> bytes:
    """As MessagePack, stamps in its own type."""
    import msgpack

    rows = [{**row, "t": msgpack.Timestamp.from_unix_nano(row["t"])} for row in messages]
    packed: bytes = msgpack.packb(rows)
    return packed
