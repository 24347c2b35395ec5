"""Alpaca through its own client library (`pip install admf-engine[alpaca]`): orders, trading stream, account, bars.

Nothing here knows an address of its own: each endpoint can be given, so that all of it runs against a server on this
machine (`admf.testing.AlpacaExchange`).
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from math import nan
from typing import Any

from admf.errors import DataError
from admf.events import Ticket
from admf.live.alpaca_streams import Keys, Stream, library, number
from admf.live.ledger import OrderState
from admf.live.router import ATTEMPTS_MAX, BACK_OFF_S, TIMEOUT_S, RefusedError, RouterError, check_address
from admf.live.venue import Heard
from admf_kernels.codes import OrderStatus, OrderType, TimeInForce

TRADING_URL, STREAM_URL = "https://paper-api.alpaca.markets", "wss://paper-api.alpaca.markets/stream"
ORDERS_MAX = 500  # of one look: the most that the venue gives at once
TRY_AGAIN = (429, 500, 502, 503, 504)
TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
    OrderType.MARKET_ON_OPEN: "market",
    OrderType.LIMIT_ON_OPEN: "limit",
    OrderType.MARKET_ON_CLOSE: "market",
    OrderType.LIMIT_ON_CLOSE: "limit",
}
AUCTIONS = {
    OrderType.MARKET_ON_OPEN: "opg",
    OrderType.LIMIT_ON_OPEN: "opg",
    OrderType.MARKET_ON_CLOSE: "cls",
    OrderType.LIMIT_ON_CLOSE: "cls",
}
TIMES = {TimeInForce.GTC: "gtc", TimeInForce.DAY: "day", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}
STATUSES = {
    "pending_new": OrderStatus.RECEIVED,
    "accepted": OrderStatus.VALIDATED,
    "accepted_for_bidding": OrderStatus.VALIDATED,
    "pending_review": OrderStatus.VALIDATED,
    "held": OrderStatus.VALIDATED,
    "new": OrderStatus.ROUTED,
    "pending_cancel": OrderStatus.ROUTED,
    "pending_replace": OrderStatus.ROUTED,
    "stopped": OrderStatus.ROUTED,
    "suspended": OrderStatus.ROUTED,
    "calculated": OrderStatus.ROUTED,
    "done_for_day": OrderStatus.ROUTED,
    "partially_filled": OrderStatus.PARTIAL,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "replaced": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
    "expired": OrderStatus.EXPIRED,
}


class AlpacaClient:
    """An account at Alpaca, as a `VenueClient`; the paper account unless other addresses are given."""

    def __init__(
        self,
        keys: Keys,
        url: str = TRADING_URL,
        stream_url: str = STREAM_URL,
        pause: Callable[[float], None] = time.sleep,
        reconnect_s: float = 1.0,
    ) -> None:
        """`reconnect_s`: the first pause before the stream connects again; doubles. ConfigError for addresses."""
        self._library = library()
        check_address(stream_url, "venue.stream_url", ("wss", "ws"))
        self._keys, self._stream_url, self._pause, self._reconnect_s = keys, stream_url, pause, reconnect_s
        self._local = threading.local()  # a session of `requests` is for one thread
        self._url = check_address(url, "venue.url")
        self._stream: Stream | None = None

    @property
    def _client(self) -> Any:
        if not hasattr(self._local, "client"):
            make, keys = self._library.trading.client.TradingClient, self._keys
            self._local.client = patient(make(keys.key, keys.secret, url_override=self._url, raw_data=True))
        return self._local.client

    def _ask(self, what: str, call: Callable[[Any], Any]) -> Any:
        problem = ""
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                self._pause(BACK_OFF_S * 2**attempt)
            try:
                return call(self._client)
            except self._library.common.exceptions.APIError as error:
                problem = f"{error.status_code}: {message_of(error)}"
                if error.status_code not in TRY_AGAIN:
                    raise RefusedError(f"{what}: {problem}", field="venue") from None
            except (OSError, ValueError) as error:  # those of `requests` are OSErrors
                problem = type(error).__name__
        raise RouterError(f"{what}: {problem}", field="venue")

    # ------------------------------------------------------------------------------------------------------- requests

    def submit(self, client_id: str, symbol: str, ticket: Ticket) -> OrderState:
        """Sends an order."""
        fields = fields_of(client_id, symbol, ticket)
        try:
            return state_of(self._ask("POST orders", lambda client: client.post("/orders", fields)))
        except RefusedError as error:
            if "client_order_id must be unique" not in str(error):
                raise
            state = self.look_up(client_id)
            if state is None:
                raise RouterError("POST orders: known and not to be found", field="venue") from None
            return state

    def cancel(self, client_id: str) -> None:
        """Asks for a cancel."""
        row = self._ask("GET order", lambda client: client.get_order_by_client_id(client_id))
        self._ask("DELETE order", lambda client: client.cancel_order_by_id(row["id"]))

    def look_up(self, client_id: str) -> OrderState | None:
        """One order."""
        try:
            return state_of(self._ask("GET order", lambda client: client.get_order_by_client_id(client_id)))
        except RefusedError as error:
            if str(error).partition("GET order: ")[2].startswith("404"):
                return None
            raise

    def orders(self) -> list[OrderState]:
        """The open orders, and the latest of all."""
        found: dict[str, OrderState] = {}
        for status in ("all", "open"):
            query = {"status": status, "limit": ORDERS_MAX, "direction": "desc"}
            rows = self._ask("GET orders", lambda client: client.get("/orders", query))  # noqa: B023 -- used at once
            found |= {row["client_order_id"]: state_of(row) for row in rows}
            if len(rows) < ORDERS_MAX:
                break
        return list(found.values())

    def account(self) -> Mapping[str, Any]:
        """Currency, cash, positions, time."""
        account = self._ask("GET account", lambda client: client.get_account())
        if account.get("trading_blocked") or account.get("account_blocked"):
            raise RefusedError("the account is blocked", field="venue")
        positions = self._ask("GET positions", lambda client: client.get_all_positions())
        clock = self._ask("GET clock", lambda client: client.get_clock())
        return {
            "currency": str(account["currency"]),
            "cash": number(account["cash"], "cash"),
            "positions": {str(row["symbol"]): number(row["qty"], "qty") for row in positions},
            "time_ns": int(datetime.fromisoformat(clock["timestamp"]).timestamp() * 1e9),
        }

    # --------------------------------------------------------------------------------------------------------- stream

    def listen(self, hear: Heard, back: Callable[[], None]) -> None:
        """Opens the stream of trade updates; it comes back by itself."""
        stream = self._library.trading.stream.TradingStream(
            self._keys.key, self._keys.secret, raw_data=True, url_override=self._stream_url
        )
        stream._reconnect_min_backoff = self._reconnect_s

        async def on_update(message: Any) -> None:
            try:
                hear(update_of(message["data"]))
            except (DataError, KeyError, TypeError, ValueError):
                back()  # not to be believed: a look tells what is

        stream.subscribe_trade_updates(on_update)
        self._stream = Stream(stream, back)

    def close(self) -> None:
        """Hangs up."""
        if self._stream is not None:
            self._stream.close()


def patient(client: Any) -> Any:
    """A client whose requests give up after a while, and which leaves repeating them to its caller."""
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):  # type: ignore[misc]  # read as untyped
        def send(self, request: Any, *arguments: Any, **more: Any) -> Any:
            return super().send(request, *arguments, **more | {"timeout": TIMEOUT_S})

    for scheme in ("https://", "http://"):
        client._session.mount(scheme, Adapter())
    client._session.trust_env = False  # no proxy and no netrc stands between
    client._retry = 0
    return client


def message_of(error: Any) -> str:
    """The venue's words."""
    try:
        return str(error.message)
    except (ValueError, KeyError, TypeError):
        return ""


def fields_of(client_id: str, symbol: str, ticket: Ticket) -> dict[str, Any]:
    """The body of an order; RefusedError for what the venue has no words for."""
    kind = TYPES.get(ticket.type)
    time_in_force = AUCTIONS.get(ticket.type) or TIMES.get(ticket.time_in_force)
    if kind is None or time_in_force is None or ticket.post_only:
        found = f"{ticket.type.name} {ticket.time_in_force.name}{' post-only' * ticket.post_only}"
        raise RefusedError("not an order of this venue", field="venue", found=found, allowed=", ".join(TYPES.values()))
    if ticket.parent >= 0 or ticket.oco:
        remedy = "send the exits when the entry has filled"
        raise RefusedError("this venue links no orders", field="venue", found="parent or oco", remedy=remedy)
    side = "buy" if ticket.side > 0 else "sell"
    fields: dict[str, Any] = {
        "symbol": symbol, "qty": text_of(ticket.quantity), "side": side, "type": kind, "time_in_force": time_in_force,
        "client_order_id": client_id,
    }  # fmt: skip
    if kind in ("limit", "stop_limit"):
        fields["limit_price"] = text_of(ticket.limit_price)
    if kind in ("stop", "stop_limit"):
        fields["stop_price"] = text_of(ticket.stop_price)
    if kind == "trailing_stop":
        name, factor = ("trail_percent", 100.0) if ticket.trail_percent else ("trail_price", 1.0)
        fields[name] = text_of(ticket.trail_distance * factor)
    return fields


def text_of(value: float) -> str:
    """A number as the venue writes it: 10, not 10.0."""
    return repr(value).removesuffix(".0")


def state_of(row: Mapping[str, Any], **more: float) -> OrderState:
    """An order of the venue's; DataError for one that is none."""
    try:
        status, side = STATUSES[row["status"]], {"buy": 1, "sell": -1}[row["side"]]
        filled = number(row["filled_qty"] or 0.0, "filled_qty")
        average = nan if row["filled_avg_price"] is None else number(row["filled_avg_price"], "filled_avg_price")
        client_id = str(row["client_order_id"])
    except (KeyError, TypeError) as error:
        raise DataError("not an order", field="venue", found=f"{type(error).__name__} {error}") from None
    words = str(row.get("reject_reason") or "") if status is OrderStatus.REJECTED else ""
    return OrderState(client_id, side, status, filled, average, words=words, **more)


def update_of(message: Mapping[str, Any]) -> OrderState:
    """A trade update: the order, and the fill that it tells of."""
    if message["event"] not in ("fill", "partial_fill"):
        return state_of(message["order"])
    more = {"quantity": number(message["qty"], "qty"), "price": number(message["price"], "price")}
    return state_of(message["order"], **more)
