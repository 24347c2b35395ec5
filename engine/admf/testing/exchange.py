"""`LocalExchange`: a venue on loopback over HTTP, which matches with the compiled step and makes scripted mistakes.

`faults` maps the number of a request (0 for the first one) to what goes wrong with it:

    drop_before    the connection breaks before the request is looked at
    drop_after     the request is done, and the connection breaks before the answer
    unavailable    503
    rate_limit     429
    twice          reports come twice and in the wrong order
"""

import json
import threading
from collections.abc import Iterator, Mapping
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

FAULTS = ("drop_before", "drop_after", "unavailable", "rate_limit", "twice")
TOKEN = "local"


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
        for number, fault in (faults or {}).items():
            if fault not in FAULTS:
                raise unknown_name(fault, FAULTS, field=f"venue.faults.{number}", what="fault")
        self.faults = dict(faults or {})
        self.orders: dict[str, int] = {}  # by client id, as often as the venue took it
        self.requests = 0
        self.clock_skew_ns = clock_skew_ns
        self._ids: dict[int, str] = {}
        self._reports: list[Report] = []
        self._bars: Iterator[FeedBar] = iter(feed)
        self._lock = threading.RLock()
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
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, name="exchange", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._container.teardown_scope()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def position(self) -> float:
        """Units in the account, signed."""
        return float(self._broker.position(0))

    def step(self) -> FeedBar | None:
        """Plays the next bar with the orders that have come, and returns it."""
        with self._lock:
            bar = next(self._bars, None)
            if bar is not None:
                self._container.resolve("data_handler").take(bar)
                self._drain()
            return bar

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

    def answer(self, method: str, path: str, body: Any, fault: str) -> Any:
        """What a request gets; KeyError for one that is none."""
        with self._lock:
            if (method, path) == ("POST", "/orders"):
                return self._submit(body["client_id"], body["ticket"])
            if (method, path) == ("POST", "/step"):
                return {"bar": self.step()}
            if method == "PATCH" and path.startswith("/orders/"):
                return self._change(unquote(path.removeprefix("/orders/")), body["ticket"])
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

    def _change(self, client_id: str, values: list[Any]) -> dict[str, Any]:
        number = next((mine for mine, name in self._ids.items() if name == client_id), None)
        if number is not None:
            self._broker.on_order(self._event(read_ticket(values)._replace(order=number)))
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


def handler_of(exchange: LocalExchange) -> type[BaseHTTPRequestHandler]:
    """The HTTP side of an exchange."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            fault = exchange.faults.get(exchange.requests, "")
            exchange.requests += 1
            if fault == "drop_before":
                self.close_connection = True
                return
            if fault in ("unavailable", "rate_limit"):
                self.reply(503 if fault == "unavailable" else 429, {"error": fault})
                return
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.reply(401, {"error": "wrong key"})
                return
            try:
                answer = exchange.answer(self.command, self.path, body, fault)
            except (AdmfError, KeyError, ValueError, TypeError) as error:
                self.reply(400, {"error": f"{type(error).__name__}: {error}"})
                return
            if fault == "drop_after":
                self.close_connection = True
                return
            self.reply(200, answer)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 -- names of http.server

        def reply(self, status: int, answer: Any) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as it is called
            """Nothing: requests hold keys."""

    return Handler
