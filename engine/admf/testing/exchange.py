"""`LocalExchange`: a venue on loopback over HTTP, which matches with the compiled step and makes scripted mistakes.

`faults` maps the number of a request (0 for the first one) to what goes wrong with it:

    drop_before      the connection breaks before the request is looked at
    drop_after       the request is done, and the connection breaks before the answer
    unavailable      503
    rate_limit       429
    twice            reports come twice and in the wrong order
    delayed_ack      the answer comes late
    fill_before_ack  the next bar is played between the request and its answer
    reject           the venue says no, and does nothing
    late_cancel      a cancel is taken after the next bar, which may fill the order first
    restart          the venue goes down before it looks at the request, and comes back

Partial fills are those of `Execution.volume_limit`, a clock that is off is `clock_skew_ns`.
"""

import contextlib
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import unquote

from admf.container import ScopedContainer
from admf.errors import AdmfError
from admf.events import EventKind, FillEvent, OrderEvent, OrderStatusEvent
from admf.execution import Account, Execution
from admf.live.bars import Facts, FeedBar
from admf.live.components import MARKET_FACTS, LiveDataHandler, PaperBroker, VirtualPortfolio
from admf.live.feed import MarketDataFeed
from admf.live.journal import read_ticket
from admf.live.router import Report
from admf.models import unknown_name

FAULTS = (
    "drop_before", "drop_after", "unavailable", "rate_limit", "twice", "delayed_ack", "fill_before_ack", "reject",
    "late_cancel", "restart",
)  # fmt: skip
WIRE_FAULTS = (*FAULTS[:5], "delayed_ack")  # that change nothing of what happens at the venue
TOKEN = "local"
DELAY_S = 0.03  # of a late answer; longer than the way there and back


class Members:
    """Stands where the engine looks for a strategy, and says how many orders a bar may bring."""

    orders_per_bar_max: ClassVar[int] = 1_024


class LocalExchange:
    """One account at one symbol; a context manager. `step` plays the next bar and returns it, None at the end."""

    def __init__(
        self,
        feed: MarketDataFeed,
        execution: Execution | None = None,
        account: Account | None = None,
        faults: Mapping[int, str] | None = None,
        clock_skew_ns: int = 0,
    ) -> None:
        """`feed` has the bars to come."""
        self.faults = checked(faults, FAULTS, "venue.faults")
        self.orders: dict[str, int] = {}  # by client id, as often as the venue took it
        self.requests = 0
        self.clock_skew_ns = clock_skew_ns
        self._ids: dict[int, str] = {}
        self._reports: list[Report] = []
        self._bars: Iterator[FeedBar] = iter(feed)
        self._played: deque[FeedBar] = deque()  # before they were asked for
        self._late: list[OrderEvent] = []  # cancels that are taken after the next bar
        self._connections: set[socket.socket] = set()
        self._lock = threading.RLock()
        self._door = threading.Lock()  # one at a time opens and closes it
        self._over = False
        (self.facts,) = feed.facts.values()
        self._container = ScopedContainer("exchange")
        self._container.register_shared_service(MARKET_FACTS, self.facts)
        account = account or Account()
        parts: dict[str, tuple[Any, dict[str, Any]]] = {
            "strategy": (Members, {}),
            "data_handler": (LiveDataHandler, {}),
            "portfolio": (VirtualPortfolio, {"strategy_id": "exchange", "initial_capital": account.cash}),
            "broker": (PaperBroker, {"execution": execution}),
        }
        for name, (kind, params) in parts.items():
            self._container.create_component({"name": name, "class": kind, "params": params})
        self._container.initialize_scope()
        self._container.start()
        bus = self._container.event_bus
        bus.subscribe(EventKind.FILL, self._on_fill)
        bus.subscribe(EventKind.ORDER_STATUS, self._on_status)
        self._broker: Any = self._container.resolve("broker")
        self._port = 0

    def __enter__(self) -> Self:
        self._serve()
        return self

    def __exit__(self, *_: object) -> None:
        with self._door:
            self._over = True
            self._go_down()
        self._container.teardown_scope()

    def _serve(self) -> None:
        """Opens the doors, at the same place as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler_of(self))
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="exchange", daemon=True)
        self._thread.start()

    def _go_down(self) -> None:
        """Closes the doors and every connection; books and orders stay."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def restart(self) -> None:
        """Goes down and comes back with the same books."""
        with self._door:
            if not self._over:
                self._go_down()
                self._serve()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def position(self) -> float:
        """Units in the account, signed."""
        return float(self._broker.position(0))

    def step(self) -> FeedBar | None:
        """Plays the next bar with the orders that have come, and returns it."""
        with self._lock:
            return self._played.popleft() if self._played else self._play()

    def _play(self) -> FeedBar | None:
        bar = next(self._bars, None)
        if bar is not None:
            self._container.resolve("data_handler").take(bar)
            self._drain()
            while self._late:
                self._broker.on_order(self._late.pop())
        return bar

    def play_ahead(self) -> None:
        """Plays the next bar now; `step` returns it when it is asked for."""
        with self._lock:
            bar = self._play()
            if bar is not None:
                self._played.append(bar)

    def _drain(self) -> None:
        while self._container.event_bus.get_next_event() is not None:
            pass

    # --------------------------------------------------------------------------------------------------------- reports

    def _on_fill(self, fill: FillEvent) -> None:
        self._report(
            fill.order, (0, 0, int(fill.reason), 0), fill.side, fill.quantity, fill.price, fill.commission,
            fill.base_price, int(fill.liquidity), fill.ambiguous,
        )  # fmt: skip

    def _on_status(self, status: OrderStatusEvent) -> None:
        self._report(
            status.order, (int(status.to_status), int(status.event), int(status.reason), int(status.from_status))
        )

    def _report(self, order: int, codes: tuple[int, ...], *fill: Any) -> None:
        values: tuple[Any, ...] = (len(self._reports) + 1, self._ids.get(order, ""), *codes, *fill)
        self._reports.append(Report(*values))

    # -------------------------------------------------------------------------------------------------------- requests

    def admits(self, headers: Any) -> bool:
        """Whether a request has the key."""
        return bool(headers.get("Authorization") == f"Bearer {TOKEN}")

    def error(self, words: str) -> dict[str, Any]:
        """How it says no."""
        return {"error": words}

    def answer(self, method: str, path: str, body: Any, fault: str) -> Any:
        """What a request gets; KeyError for one that is none."""
        with self._lock:
            if (method, path) == ("POST", "/orders"):
                return self._submit(body["client_id"], body["ticket"])
            if (method, path) == ("POST", "/step"):
                return {"bar": self.step()}
            if method == "PATCH" and path.startswith("/orders/"):
                return self._change(unquote(path.removeprefix("/orders/")), body["ticket"], late=fault == "late_cancel")
            if (method, path) == ("GET", "/orders"):
                return {"open": [self._ids[number] for number in self._broker.orders.open if number in self._ids]}
            if method == "GET" and path.startswith("/reports?after="):
                rows = self._reports[int(path.partition("=")[2]) :]
                return {"reports": rows + rows[::-1] if fault == "twice" else rows}
            if (method, path) == ("GET", "/account"):
                return self._account()
        raise KeyError(path)

    def _submit(self, client_id: str, values: list[Any]) -> dict[str, Any]:
        if client_id not in self.orders:
            number = self._broker.orders.new_id()
            ticket = read_ticket(values)
            parent = ticket.parent
            if parent >= 0:
                prefix = client_id.removesuffix(str(ticket.order))
                parent = next((mine for mine, name in self._ids.items() if name == f"{prefix}{parent}"), -2)
            self._ids[number] = client_id
            self._broker.on_order(self._event(ticket._replace(order=number, parent=parent)))
            self.orders[client_id] = 0
        self.orders[client_id] += 1
        return {"client_id": client_id}

    def _change(self, client_id: str, values: list[Any], *, late: bool) -> dict[str, Any]:
        number = next((mine for mine, name in self._ids.items() if name == client_id), None)
        if number is not None:
            event = self._event(read_ticket(values)._replace(order=number))
            if late:
                self._late.append(event)
            else:
                self._broker.on_order(event)
        return {"client_id": client_id}

    def _event(self, ticket: Any) -> OrderEvent:
        data = self._container.resolve("data_handler")
        return OrderEvent(data.time_ns, data.bar, ticket)

    def _account(self) -> dict[str, Any]:
        data, portfolio = self._container.resolve("data_handler"), self._container.resolve("portfolio")
        symbol = self.facts.instrument.symbol
        positions = {symbol: self.position} if self.position else {}
        time_ns = data.time_ns + self.clock_skew_ns
        return {
            "currency": portfolio.account.currency,
            "cash": self._broker.cash,
            "positions": positions,
            "time_ns": time_ns,
        }


class ExchangeFeed:
    """The bars of an exchange, each after the exchange has played it."""

    batch_bars = 1

    def __init__(self, exchange: LocalExchange) -> None:
        self.facts: Mapping[str, Facts] = {exchange.facts.instrument.symbol: exchange.facts}
        self._exchange = exchange
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[FeedBar]:
        while not self._closed.is_set() and (bar := self._exchange.step()) is not None:
            yield bar

    def close(self) -> None:
        """Ends the iteration."""
        self._closed.set()


def checked(faults: Mapping[int, str] | None, allowed: Sequence[str], field: str) -> dict[int, str]:
    """Faults by number; ConfigError for one that is none."""
    for number, fault in (faults or {}).items():
        if fault not in allowed:
            raise unknown_name(fault, allowed, field=f"{field}.{number}", what="fault")
    return dict(faults or {})


class NotFoundError(Exception):
    """There is nothing of that name."""


class RejectError(Exception):
    """The venue says no."""


STATUS_OF = {NotFoundError: 404, RejectError: 403}


class Handler(BaseHTTPRequestHandler):
    """The HTTP side of an exchange, which makes mistakes where it is told to."""

    exchange: ClassVar[LocalExchange]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Notes the connection."""
        super().setup()
        self.exchange._connections.add(self.connection)

    def finish(self) -> None:
        """Forgets it."""
        self.exchange._connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle_one_request(self) -> None:
        """One request; nobody minds who hangs up."""
        try:
            super().handle_one_request()
        except OSError:  # somebody hung up
            self.close_connection = True

    def handle_any(self) -> None:
        """What goes wrong with it, or its answer."""
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        fault = self.exchange.faults.pop(self.exchange.requests, "")
        self.exchange.requests += 1
        if fault == "restart":
            threading.Thread(target=self.exchange.restart, name="restart", daemon=True).start()
        if fault in ("drop_before", "restart"):
            self.close_connection = True
            return
        if fault in ("unavailable", "rate_limit"):
            self.reply(503 if fault == "unavailable" else 429, self.exchange.error(fault))
            return
        if not self.exchange.admits(self.headers):
            self.reply(401, self.exchange.error("wrong key"))
            return
        try:
            if fault == "reject" and self.command != "GET":
                raise RejectError("insufficient buying power")
            answer = self.exchange.answer(self.command, self.path, body, fault)
        except (AdmfError, NotFoundError, RejectError, KeyError, ValueError, TypeError) as error:
            self.reply(STATUS_OF.get(type(error), 422), self.exchange.error(str(error)))
            return
        if fault == "fill_before_ack":
            self.exchange.play_ahead()
        if fault in ("delayed_ack", "fill_before_ack"):
            time.sleep(DELAY_S)
        if fault == "drop_after":
            self.close_connection = True
            return
        self.reply(200, answer)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 -- names of http.server

    def reply(self, status: int, answer: Any) -> None:
        """Writes an answer."""
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status if data else 204)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as it is called
        """Nothing: requests hold keys."""


def handler_of(exchange: LocalExchange) -> type[Handler]:
    """The HTTP side of one exchange."""
    return type("Handler", (Handler,), {"exchange": exchange})
