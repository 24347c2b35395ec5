"""`SharedReports`: one look at the venue's reports for all strategies of an account."""

import threading
from collections.abc import Mapping
from typing import Any

from admf.live.router import OrderRouter, Report, RouterError

ROWS_MAX = 4_096  # reports that are kept; who asks for older ones is sent to the venue


class SharedReports:
    """An `OrderRouter` in front of another one, which asks for reports once a turn: 20 strategies cost one request."""

    def __init__(self, router: OrderRouter) -> None:
        self.router = router
        self.has_reduce_only = router.has_reduce_only
        self._lock = threading.Lock()
        self._rows: list[Report] = []
        self._asked = False
        self._problem: RouterError | None = None

    @property
    def reconnects(self) -> int:
        """How often the venue was found again."""
        return self.router.reconnects

    def turn(self) -> None:
        """The next bar: whoever asks first asks the venue."""
        with self._lock:
            self._asked = False

    def submit(self, client_id: str, ticket: list[Any], symbol: str) -> None:
        """Sends an order."""
        self.router.submit(client_id, ticket, symbol)

    def change(self, client_id: str, ticket: list[Any]) -> None:
        """Sends a cancel or an amendment."""
        self.router.change(client_id, ticket)

    def open_orders(self) -> set[str]:
        """Client ids of the orders that live at the venue."""
        return self.router.open_orders()

    def account(self) -> Mapping[str, Any]:
        """Currency, cash, positions, time."""
        return self.router.account()

    def reports(self, after: int) -> list[Report]:
        """What happened after a number; raises the same RouterError to all who ask in one turn."""
        with self._lock:
            rows = self._rows
            if not rows or after < rows[0].sequence - 1:
                found = self.router.reports(after)
                self._rows = rows or found[-ROWS_MAX:]
                return found
            if not self._asked:
                self._ask()
            if self._problem is not None:
                raise self._problem
            first = self._rows[0].sequence
            return [row for row in self._rows[max(0, after - first) :] if row.sequence > after]

    def _ask(self) -> None:
        self._asked, self._problem = True, None
        try:
            self._rows = [*self._rows, *self.router.reports(self._rows[-1].sequence)][-ROWS_MAX:]
        except RouterError as error:
            self._problem = error
