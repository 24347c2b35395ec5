"""Any venue of ccxt (`pip install admf-engine[ccxt]`) as a `VenueClient`: the proof that a venue is one small class.

There is no stream: the router looks every few seconds. Orders are market and limit orders, good till cancelled. ccxt
venues differ in whether they refuse a client id the second time, so each is looked for before it is sent.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any

from admf.errors import ConfigError, DataError
from admf.events import Ticket
from admf.live.ledger import OrderState
from admf.live.router import RefusedError, RouterError
from admf.live.venue import Heard
from admf_kernels.codes import OrderStatus, OrderType, TimeInForce

STATUSES = {
    "open": OrderStatus.ROUTED,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "canceling": OrderStatus.ROUTED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
KINDS = {OrderType.MARKET: "market", OrderType.LIMIT: "limit"}
ORDERS_MAX = 100  # of one look, by symbol


class CcxtClient:
    """An account at a venue of ccxt; `symbols` are ours, with what the venue calls them."""

    def __init__(self, exchange: Any, symbols: Mapping[str, str]) -> None:
        """`exchange`: an instance of ccxt with its keys. ConfigError for a symbol that the venue has not."""
        self._exchange, self._symbols = exchange, dict(symbols)
        self._lock = threading.Lock()  # ccxt is for one thread
        self._ids: dict[str, tuple[str, str]] = {}  # venue's id and symbol by client id
        markets = self._ask(exchange.load_markets)
        for name in self._symbols.values():
            if name not in markets:
                raise ConfigError("no such market", field="venue.symbols", found=name, remedy="see exchange.symbols")

    def _ask(self, call: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        import ccxt

        try:
            with self._lock:
                return call(*arguments, **more)
        except ccxt.NetworkError as error:
            raise RouterError(type(error).__name__, field="venue") from None
        except ccxt.BaseError as error:
            raise RefusedError(f"{type(error).__name__}: {error}", field="venue") from None

    def submit(self, client_id: str, symbol: str, ticket: Ticket) -> OrderState:
        """Sends an order that the venue has not yet."""
        known = self.look_up(client_id)
        if known is not None:
            return known
        kind = KINDS.get(ticket.type)
        if kind is None or ticket.time_in_force is not TimeInForce.GTC or ticket.parent >= 0 or ticket.oco:
            found = f"{ticket.type.name} {ticket.time_in_force.name}"
            raise RefusedError("not an order of this venue", field="venue", found=found, allowed="MARKET, LIMIT, GTC")
        side, price = "buy" if ticket.side > 0 else "sell", ticket.limit_price if kind == "limit" else None
        more = {"params": {"clientOrderId": client_id}}
        create = self._exchange.create_order
        row = self._ask(create, self._symbols[symbol], kind, side, ticket.quantity, price, **more)
        return self._state(
            {"clientOrderId": client_id, "side": side, **{k: v for k, v in row.items() if v is not None}}
        )

    def cancel(self, client_id: str) -> None:
        """Asks for a cancel."""
        if client_id not in self._ids and self.look_up(client_id) is None:
            raise RefusedError("unknown order", field="venue", found=client_id)
        self._ask(self._exchange.cancel_order, *self._ids[client_id])

    def look_up(self, client_id: str) -> OrderState | None:
        """One order: by the venue's id where it is known, else among all of them."""
        if client_id in self._ids:
            return self._state(self._ask(self._exchange.fetch_order, *self._ids[client_id]))
        return next((state for state in self.orders() if state.client_id == client_id), None)

    def orders(self) -> list[OrderState]:
        """The open orders and the latest of those that have ended."""
        rows: list[Mapping[str, Any]] = []
        for symbol in self._symbols.values():
            rows += self._ask(self._exchange.fetch_closed_orders, symbol, None, ORDERS_MAX)
            rows += self._ask(self._exchange.fetch_open_orders, symbol)
        return [self._state(row) for row in rows if row.get("clientOrderId")]

    def account(self) -> Mapping[str, Any]:
        """Cash is that of the currency that the symbols are paid in; positions are what is held of the others."""
        balance = self._ask(self._exchange.fetch_balance)
        markets = {ours: self._exchange.market(name) for ours, name in self._symbols.items()}
        (currency,) = {market["quote"] for market in markets.values()}
        held = {ours: float(balance["total"].get(market["base"]) or 0.0) for ours, market in markets.items()}
        if self._exchange.has.get("fetchPositions"):
            rows: Sequence[Mapping[str, Any]] = self._ask(self._exchange.fetch_positions, list(self._symbols.values()))
            signed = {row["symbol"]: (-1 if row["side"] == "short" else 1) * float(row["contracts"]) for row in rows}
            held = {ours: signed.get(name, 0.0) for ours, name in self._symbols.items()}
        time_ns = int(self._ask(self._exchange.fetch_time)) * 1_000_000
        cash = float(balance["total"].get(currency) or 0.0)
        positions = {ours: units for ours, units in held.items() if units}
        return {"currency": currency, "cash": cash, "positions": positions, "time_ns": time_ns}

    def listen(self, hear: Heard, back: Callable[[], None]) -> None:
        """Nothing: the router looks."""

    def close(self) -> None:
        """Nothing is held open."""

    def _state(self, row: Mapping[str, Any]) -> OrderState:
        try:
            client_id, side = str(row["clientOrderId"]), {"buy": 1, "sell": -1}[row["side"]]
            status = STATUSES[row.get("status") or "open"]
            filled = float(row.get("filled") or 0.0)
            average = row.get("average")
            self._ids[client_id] = str(row["id"]), str(row["symbol"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("not an order", field="venue", found=f"{type(error).__name__} {error}") from None
        if filled and status is OrderStatus.ROUTED:
            status = OrderStatus.PARTIAL
        return OrderState(client_id, side, status, filled, nan if average is None else float(average))
