"""`OrderRouter`: what a venue has to offer, and the one that speaks HTTP."""

import json
import os
import stat
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable
from urllib.parse import quote, urlsplit

from admf.errors import ConfigError, RunError

ATTEMPTS_MAX = 6
TIMEOUT_S = 5.0
BACK_OFF_S = 0.02  # doubles with each attempt


class RouterError(RunError):
    """The venue could not be reached, or refused a request; nobody knows more about the order than the venue."""


class RefusedError(RouterError):
    """The venue has understood the request and says no; asking again changes nothing."""


class Report(NamedTuple):
    """What the venue says of an order: a fill (`price` above zero) or a new status. Numbered without gaps.

    `words` are the venue's own, where it says no.
    """

    sequence: int
    client_id: str
    status: int  # OrderStatus
    event: int  # codes.OrderEvent
    reason: int
    from_status: int
    side: int = 0
    quantity: float = 0.0
    price: float = 0.0
    commission: float = 0.0
    base_price: float = 0.0
    liquidity: int = 0
    ambiguous: bool = False
    words: str = ""

    @property
    def is_fill(self) -> bool:
        """Whether it is a fill."""
        return self.price > 0.0


@runtime_checkable
class OrderRouter(Protocol):
    """A venue. Every call may be repeated: an order is known by its client id, a report by its number."""

    has_reduce_only: bool  # else a reduce-only order is cut to what it may reduce before it is sent

    @property
    def reconnects(self) -> int:
        """How often the venue was found again after it was away."""
        ...

    def submit(self, client_id: str, ticket: list[Any], symbol: str) -> None:
        """Sends an order; one that the venue has already changes nothing."""
        ...

    def change(self, client_id: str, ticket: list[Any]) -> None:
        """Sends a cancel or an amendment."""
        ...

    def open_orders(self) -> set[str]:
        """Client ids of the orders that live at the venue."""
        ...

    def reports(self, after: int) -> list[Report]:
        """Everything that happened after a number, in order, each once."""
        ...

    def account(self) -> Mapping[str, Any]:
        """Currency, cash, positions by symbol, the venue's time in ns."""
        ...


class HasAccount(Protocol):
    """Whoever can tell of an account."""

    def account(self) -> Mapping[str, Any]:
        """As `OrderRouter`."""
        ...


def check_account(router: HasAccount, currency: str, now_ns: int | None, skew_max_s: float = 5.0) -> Mapping[str, Any]:
    """The venue's account; ConfigError where it is in another currency, or its clock is far from ours.

    `now_ns` None: the venue's time is that of its bars, and nobody's clock is compared.
    """
    account = router.account()
    if account["currency"] != currency:
        found = account["currency"]
        raise ConfigError("the account is in another currency", field="account.currency", found=found, allowed=currency)
    skew_s = 0.0 if now_ns is None else (float(account["time_ns"]) - now_ns) / 1e9
    if abs(skew_s) > skew_max_s:
        found, allowed = f"{skew_s:+.1f} s", f"within {skew_max_s:g} s"
        message, remedy = "the venue's clock is far from ours", "set this machine's clock"
        raise ConfigError(message, field="venue", found=found, allowed=allowed, remedy=remedy)
    return account


def read_token(variable: str, file: Path | None = None) -> str:
    """The venue's key from the environment, or from a file that only its owner may read; never from a config."""
    if file is not None:
        if not file.is_file() or file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            allowed = "a file that only its owner may read: chmod 600"
            raise ConfigError("not a safe place for a key", field="venue.token_file", found=str(file), allowed=allowed)
        return file.read_text(encoding="utf-8").strip()
    token = os.environ.get(variable, "")
    if not token:
        raise ConfigError("no key", field="venue.token_variable", found=variable, remedy=f"set {variable}")
    return token


def check_address(url: str, field: str, schemes: tuple[str, str] = ("https", "http")) -> str:
    """The address without a slash at its end; ConfigError unless it is encrypted or on this machine."""
    parts = urlsplit(url)
    safe, open_ = schemes
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.hostname is None or parts.scheme not in schemes or (parts.scheme == open_ and not local):
        allowed = f"{safe}://…, or {open_}:// on this machine"
        raise ConfigError("not a safe address", field=field, found=url, allowed=allowed)
    return url.rstrip("/")


class HttpRouter:
    """The venue protocol over HTTP; requests are repeated with growing pauses, which client ids make harmless."""

    has_reduce_only = True

    def __init__(self, url: str, token: str, pause: Callable[[float], None] = time.sleep) -> None:
        """`url`: https, or http on loopback. ConfigError for another one."""
        parts = urlsplit(check_address(url, "venue.url"))
        assert parts.hostname is not None
        self._connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection: HTTPConnection | None = None
        self._pause = pause
        self._lock = threading.Lock()  # one connection, several containers
        self.reconnects = 0
        self._away = False

    def submit(self, client_id: str, ticket: list[Any], symbol: str) -> None:
        """Sends an order; the venue has one symbol."""
        self._ask("POST", "/orders", {"client_id": client_id, "ticket": ticket})

    def change(self, client_id: str, ticket: list[Any]) -> None:
        """Sends a cancel or an amendment."""
        self._ask("PATCH", f"/orders/{quote(client_id)}", {"ticket": ticket})

    def open_orders(self) -> set[str]:
        """Client ids of the orders that live at the venue."""
        return set(self._ask("GET", "/orders")["open"])

    def reports(self, after: int) -> list[Report]:
        """What happened after a number; what comes twice is dropped, a gap is an error and is asked for again."""
        found = {row[0]: Report(*row) for row in self._ask("GET", f"/reports?after={after}")["reports"]}
        made: list[Report] = []
        for sequence in sorted(found):
            if sequence == after + len(made) + 1:
                made.append(found[sequence])
        return made

    def account(self) -> Mapping[str, Any]:
        """Currency, cash, positions, time."""
        answer: Mapping[str, Any] = self._ask("GET", "/account")
        return answer

    def step(self) -> list[Any] | None:
        """Of an exchange for tests: plays the next bar and returns its values, None at the end."""
        answer: list[Any] | None = self._ask("POST", "/step")["bar"]
        return answer

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        problem = ""
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                self._pause(BACK_OFF_S * 2**attempt)
            try:
                status, answer = self._once(method, path, body)
            except (OSError, HTTPException, ValueError) as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if status == 200:
                return answer
            problem = f"{status}: {answer.get('error', '') if isinstance(answer, dict) else ''}"
            if status not in (429, 500, 502, 503, 504):
                raise RefusedError(f"{method} {path}: {problem}", field="venue")
        raise RouterError(f"{method} {path}: {problem}", field="venue")

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, Any]:
        text = None if body is None else json.dumps(body)
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect(self._host, self._port, timeout=TIMEOUT_S)
                self._connection.request(method, self._path + path, text, self._headers)
                response = self._connection.getresponse()
                answer = json.loads(response.read())
            except BaseException:
                self._away = True
                self.close()
                raise
            self.reconnects += self._away
            self._away = False
            return response.status, answer

    def close(self) -> None:
        """Hangs up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
