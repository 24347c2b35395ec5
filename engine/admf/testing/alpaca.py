"""`AlpacaExchange`: the exchange on this machine in Alpaca's public protocol, over HTTP and WebSocket.

Orders, account, positions and clock as REST v2; the stream `trade_updates`; minute bars on a data stream. Orders match
by the step of the engine, as at `LocalExchange`. `stream_faults` maps the number of a message on `trade_updates` to
what goes wrong with it:

    lose        it is not sent: a gap
    twice       it is sent twice
    swap        it is sent after the next one
    hang_up     the connection is closed instead
    half_open   nothing is sent on this connection any more, and it stays open
    storm       the connection is closed, and so are the next three as soon as they are there
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import nan
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from admf.errors import ConfigError
from admf.events import Action, FillEvent, OrderStatusEvent, Ticket
from admf.execution import Account, Execution
from admf.live.alpaca import STATUSES
from admf.live.alpaca_streams import Keys
from admf.live.bars import FeedBar
from admf.live.feed import MarketDataFeed
from admf.testing.exchange import FAULTS, LocalExchange, NotFoundError, RejectError, checked
from admf.testing.sockets import Sockets
from admf_kernels.codes import OrderStatus, OrderType, TimeInForce

STREAM_FAULTS = ("lose", "twice", "swap", "hang_up", "half_open", "storm")
STORM_CONNECTIONS = 3
KEYS = Keys("local", "local-secret")
TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stop_limit": OrderType.STOP_LIMIT,
    "trailing_stop": OrderType.TRAILING_STOP,
}
AUCTIONS = {
    ("market", "opg"): OrderType.MARKET_ON_OPEN,
    ("limit", "opg"): OrderType.LIMIT_ON_OPEN,
    ("market", "cls"): OrderType.MARKET_ON_CLOSE,
    ("limit", "cls"): OrderType.LIMIT_ON_CLOSE,
}
TIMES = {"gtc": TimeInForce.GTC, "day": TimeInForce.DAY, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}
WORDS = {
    OrderStatus.VALIDATED: "accepted",
    OrderStatus.ROUTED: "new",
    OrderStatus.PARTIAL: "partially_filled",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELLED: "canceled",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.EXPIRED: "expired",
}
ENDED = ("filled", "canceled", "rejected", "expired")


class AlpacaExchange(LocalExchange):
    """One account at one symbol; a context manager. `url`, `stream_url` and `data_url` are for the client library."""

    def __init__(
        self,
        feed: MarketDataFeed,
        execution: Execution | None = None,
        account: Account | None = None,
        faults: Mapping[int, str] | None = None,
        clock_skew_ns: int = 0,
        stream_faults: Mapping[int, str] | None = None,
    ) -> None:
        """`feed` has the bars to come. ConfigError for a fault that is none."""
        super().__init__(feed, execution, account, checked(faults, FAULTS, "venue.faults"), clock_skew_ns)
        self.stream_faults = checked(stream_faults, STREAM_FAULTS, "venue.stream_faults")
        self.rows: dict[str, dict[str, Any]] = {}  # orders by client id, as they are shown
        self.messages = 0
        self._values: dict[str, float] = {}  # filled times price
        self._held_back: list[str] = []
        self._storm = 0
        self._sockets = Sockets({"/stream": self._begin_trading, "/v2/iex": self._begin_data})

    def _serve(self) -> None:
        super()._serve()
        self._sockets.open()

    def _go_down(self) -> None:
        self._sockets.close()
        super()._go_down()

    @property
    def stream_url(self) -> str:
        """Of the trading stream."""
        return f"{self._sockets.url}/stream"

    @property
    def data_url(self) -> str:
        """Of the data stream."""
        return f"{self._sockets.url}/v2/iex"

    def _play(self) -> FeedBar | None:
        bar = super()._play()
        if bar is not None:
            self._sockets.tell("/v2/iex", bar_message(bar), packed=True)
        return bar

    # ------------------------------------------------------------------------------------------------------- requests

    def admits(self, headers: Any) -> bool:
        """Whether a request has key and secret."""
        return bool((headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")) == (KEYS.key, KEYS.secret))

    def error(self, words: str) -> dict[str, Any]:
        """How it says no."""
        return {"code": 40010001, "message": words}

    def answer(self, method: str, path: str, body: Any, fault: str) -> Any:
        """What a request gets."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        plain: dict[tuple[str, str], Callable[[], Any]] = {
            ("POST", "/v2/orders"): lambda: self._take(body),
            ("GET", "/v2/orders"): lambda: self._list(query),
            ("GET", "/v2/orders:by_client_order_id"): lambda: self._order(query["client_order_id"]),
            ("GET", "/v2/account"): self._money,
            ("GET", "/v2/positions"): self._positions,
            ("GET", "/v2/clock"): self._clock,
            ("GET", "/v2/assets"): self._assets,
        }
        with self._lock:
            if (method, parts.path) in plain:
                return plain[method, parts.path]()
            if method == "DELETE" and parts.path.startswith("/v2/orders/"):
                return self._cancel(unquote(parts.path.removeprefix("/v2/orders/")), late=fault == "late_cancel")
        raise NotFoundError(f"endpoint not found: {method} {parts.path}")

    def _take(self, body: Mapping[str, Any]) -> dict[str, Any]:
        client_id = body.get("client_order_id") or uuid.uuid4().hex
        if client_id in self.rows:
            raise ConfigError("client_order_id must be unique")
        if body["symbol"] != self.facts.instrument.symbol:
            raise NotFoundError(f"asset not found for {body['symbol']}")
        ticket = ticket_of(body)
        self.rows[client_id] = row = row_of(client_id, body, self._now())
        self._values[client_id] = 0.0
        number = self._broker.orders.new_id()
        self._ids[number] = client_id
        self.orders[client_id] = self.orders.get(client_id, 0) + 1
        self._broker.on_order(self._event(ticket._replace(order=number)))
        return dict(row)

    def _order(self, client_id: str) -> dict[str, Any]:
        if client_id not in self.rows:
            raise NotFoundError(f"order not found for {client_id}")
        return dict(self.rows[client_id])

    def _list(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        wanted = query.get("status", "open")
        rows = [
            dict(row)
            for row in reversed(self.rows.values())
            if wanted == "all" or (row["status"] in ENDED) == (wanted == "closed")
        ]
        return rows[: int(query.get("limit", 50))]

    def _cancel(self, order_id: str, *, late: bool) -> None:
        found = [name for name, row in self.rows.items() if row["id"] == order_id]
        if not found:
            raise NotFoundError(f"order not found for {order_id}")
        if self.rows[found[0]]["status"] in ENDED:
            raise RejectError(f"order is already in {self.rows[found[0]]['status']!r} state")
        self._change(found[0], list(Ticket(0, Action.CANCEL)), late=late)

    def _money(self) -> dict[str, Any]:
        account = super()._account()
        return {
            "id": str(uuid.UUID(int=1)), "account_number": "local", "status": "ACTIVE", "currency": account["currency"],
            "cash": repr(account["cash"]), "trading_blocked": False, "account_blocked": False,
        }  # fmt: skip

    def _positions(self) -> list[dict[str, Any]]:
        held = super()._account()["positions"]
        return [
            {"symbol": name, "qty": repr(units), "side": "long" if units > 0.0 else "short"}
            for name, units in held.items()
        ]

    def _assets(self) -> list[dict[str, Any]]:
        symbol = self.facts.instrument.symbol
        return [
            {"id": symbol, "class": "us_equity", "symbol": symbol, "status": "active", "tradable": True,
             "min_order_size": "1", "min_trade_increment": "1", "price_increment": "0.0001"}
        ]  # fmt: skip

    def _clock(self) -> dict[str, Any]:
        stamp = datetime.fromtimestamp(super()._account()["time_ns"] / 1e9, UTC).isoformat()
        return {"timestamp": stamp, "is_open": True, "next_open": stamp, "next_close": stamp}

    def _now(self) -> str:
        return datetime.fromtimestamp(max(0, self._container.resolve("data_handler").time_ns) / 1e9, UTC).isoformat()

    # --------------------------------------------------------------------------------------------------------- reports

    def _on_fill(self, fill: FillEvent) -> None:
        row = self.rows[self._ids[fill.order]]
        name = row["client_order_id"]
        filled = float(row["filled_qty"]) + fill.quantity
        self._values[name] += fill.quantity * fill.price
        row["filled_qty"], row["filled_avg_price"] = repr(filled), repr(self._values[name] / filled)
        over = filled >= float(row["qty"])
        row["status"] = "filled" if over else "partially_filled"
        more = {"qty": repr(fill.quantity), "price": repr(fill.price), "position_qty": repr(self.position)}
        self._tell("fill" if over else "partial_fill", row, **more)

    def _on_status(self, status: OrderStatusEvent) -> None:
        word = WORDS.get(status.to_status)
        row = self.rows.get(self._ids.get(status.order, ""))
        if row is None or word is None or STATUSES[word] <= STATUSES[row["status"]]:  # fills are told first
            return
        row["status"] = word
        if word == "rejected":
            row["reject_reason"] = status.reason.text
        self._tell(word, row)

    def _tell(self, event: str, row: Mapping[str, Any], **more: Any) -> None:
        data = {"event": event, "order": dict(row), "timestamp": self._now(), **more}
        message = json.dumps({"stream": "trade_updates", "data": data})
        fault = self.stream_faults.get(self.messages, "")
        self.messages += 1
        sockets = self._sockets
        if fault == "swap":
            self._held_back.append(message)
            return
        if fault in ("hang_up", "storm"):
            self._storm = STORM_CONNECTIONS if fault == "storm" else 0
            sockets.hang_up("/stream")
        elif fault == "half_open":
            sockets.mute("/stream")
        elif fault != "lose":
            for text in [message] * (1 + (fault == "twice")):
                sockets.tell("/stream", text)
        while self._held_back:
            sockets.tell("/stream", self._held_back.pop())

    # --------------------------------------------------------------------------------------------------------- streams

    def _begin_trading(self, ask: Callable[[], Any], say: Callable[[Any], None]) -> bool:
        """The first words on the trading stream; whether it goes on."""
        given = json.loads(ask())["data"]
        admitted = (given.get("key_id"), given.get("secret_key")) == (KEYS.key, KEYS.secret)
        status = "authorized" if admitted else "unauthorized"
        say(json.dumps({"stream": "authorization", "data": {"status": status, "action": "authenticate"}}).encode())
        if not admitted:
            return False
        json.loads(ask())
        say(json.dumps({"stream": "listening", "data": {"streams": ["trade_updates"]}}).encode())
        if self._storm:
            self._storm -= 1
            return False
        return True

    def _begin_data(self, ask: Callable[[], Any], say: Callable[[Any], None]) -> bool:
        """The first words on the data stream."""
        import msgpack

        say(msgpack.packb([{"T": "success", "msg": "connected"}]))
        given = msgpack.unpackb(ask())
        if (given.get("key"), given.get("secret")) != (KEYS.key, KEYS.secret):
            say(msgpack.packb([{"T": "error", "code": 402, "msg": "auth failed"}]))
            return False
        say(msgpack.packb([{"T": "success", "msg": "authenticated"}]))
        say(msgpack.packb([{"T": "subscription", "bars": msgpack.unpackb(ask()).get("bars", [])}]))
        return True


def bar_message(bar: FeedBar) -> list[dict[str, Any]]:
    """A minute bar as the data stream has it."""
    prices = {"o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close, "v": bar.volume}
    vwap = {"vw": bar.vwap} if bar.vwap == bar.vwap else {}
    return [{"T": "b", "S": bar.symbol, **prices, **vwap, "t": bar.time_ns}]


def ticket_of(body: Mapping[str, Any]) -> Ticket:
    """A ticket of the engine from the body of an order; ValueError and KeyError for one that is none."""
    kind, time_in_force = body["type"], body["time_in_force"]
    trail = body.get("trail_percent") or body.get("trail_price") or nan
    is_percent = body.get("trail_percent") is not None
    return Ticket(
        0,
        side={"buy": 1, "sell": -1}[body["side"]],
        type=AUCTIONS.get((kind, time_in_force)) or TYPES[kind],
        quantity=float(body["qty"]),
        limit_price=float(body.get("limit_price") or nan),
        stop_price=float(body.get("stop_price") or nan),
        time_in_force=TIMES.get(time_in_force, TimeInForce.GTC),
        trail_distance=float(trail) / (100.0 if is_percent else 1.0),
        trail_percent=is_percent,
    )


def row_of(client_id: str, body: Mapping[str, Any], now: str) -> dict[str, Any]:
    """An order as it is shown."""
    given = {
        name: body.get(name) for name in ("symbol", "side", "type", "time_in_force", "qty", "limit_price", "stop_price")
    }
    return {
        **given, "id": str(uuid.uuid5(uuid.NAMESPACE_OID, client_id)), "client_order_id": client_id,
        "created_at": now, "updated_at": now, "submitted_at": now, "order_class": "simple", "order_type": body["type"],
        "filled_qty": "0", "filled_avg_price": None, "extended_hours": False, "status": "pending_new",
    }  # fmt: skip


assert {*WORDS.values()} <= {*STATUSES}
