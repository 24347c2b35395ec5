"""`VenueClient`: what has to be written for a venue, and `VenueRouter`, which makes an `OrderRouter` of one."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from admf.errors import DataError
from admf.events import Action, Ticket
from admf.live.journal import read_ticket
from admf.live.ledger import Ledger, OrderState
from admf.live.router import RefusedError, RouterError
from admf_kernels.codes import OrderStatus

LOOK_INTERVAL_S = 5.0  # a stream that is open and mute is found out within it
RETRY_S = 0.5
LEDGER_FILE = "venue.ledger"
Heard = Callable[[OrderState], None]


@runtime_checkable
class VenueClient(Protocol):
    """One account at a venue.

    Calls raise `RouterError` where the venue could not be reached, so that nobody knows whether it has acted, and
    `RefusedError` where it said no. Each may be repeated. They come from several threads.
    """

    def submit(self, client_id: str, symbol: str, ticket: Ticket) -> OrderState:
        """Sends an order; one that the venue has under this client id already is told as it is."""
        ...

    def cancel(self, client_id: str) -> None:
        """Asks for a cancel; what came of it is told like everything else."""
        ...

    def look_up(self, client_id: str) -> OrderState | None:
        """One order; None where the venue has none."""
        ...

    def orders(self) -> list[OrderState]:
        """The orders that are open, and the latest of those that have ended."""
        ...

    def account(self) -> Mapping[str, Any]:
        """`currency`, `cash`, `positions` (signed units by symbol), `time_ns`."""
        ...

    def listen(self, hear: Heard, back: Callable[[], None]) -> None:
        """Begins to tell of orders; `back` after each connection. A venue without a stream does nothing here."""
        ...

    def close(self) -> None:
        """Hangs up."""
        ...


class VenueRouter:
    """An `OrderRouter` over a `VenueClient`, with a ledger in `folder`; a context manager.

    A thread of its own takes what the stream tells and looks at the venue's orders every `look_interval_s` seconds and
    after every connection: the stream makes it fast, the look makes it right.
    """

    has_reduce_only = False

    def __init__(self, client: VenueClient, folder: Path, look_interval_s: float = LOOK_INTERVAL_S) -> None:
        """Raises what the client raises where the venue cannot be reached at all."""
        self.client = client
        self.reconnects = 0
        self.problem = ""  # of the last look, empty where it went well
        self._ledger = Ledger(folder / LEDGER_FILE)
        self._interval_s = look_interval_s
        self._waiting: queue.Queue[OrderState | str | None] = queue.Queue()
        self._connections = 0
        self._look()
        self._thread = threading.Thread(target=self._work, name="venue", daemon=True)
        self._thread.start()
        client.listen(self._waiting.put, lambda: self._waiting.put("back"))

    def __enter__(self) -> "VenueRouter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, client_id: str, ticket: list[Any], symbol: str) -> None:
        """Sends an order."""
        self._waiting.put(self.client.submit(client_id, symbol, read_ticket(ticket)))

    def change(self, client_id: str, ticket: list[Any]) -> None:
        """Sends a cancel; RefusedError for an amendment."""
        if read_ticket(ticket).action is not Action.CANCEL:
            raise RefusedError("orders are not amended here: cancel it and send another one", field="venue")
        self.client.cancel(client_id)

    def open_orders(self) -> set[str]:
        """Client ids of the orders that live at the venue."""
        return {state.client_id for state in self.client.orders() if state.status < OrderStatus.FILLED}

    def reports(self, after: int) -> list[Any]:
        """What the venue has shown after a number."""
        return self._ledger.reports(after)

    def account(self) -> Mapping[str, Any]:
        """Currency, cash, positions, time."""
        return self.client.account()

    def settle(self) -> None:
        """Until all that has been heard is in the ledger, after one more look."""
        self._waiting.put("look")
        self._waiting.join()

    def close(self) -> None:
        """Hangs up."""
        self.client.close()
        self._waiting.put(None)
        self._thread.join()
        self._ledger.close()

    # ------------------------------------------------------------------------------------------------------ listening

    def _work(self) -> None:
        next_s = time.monotonic() + self._interval_s
        while True:
            try:
                heard = self._waiting.get(timeout=max(0.0, next_s - time.monotonic()))
            except queue.Empty:
                self._look()
                next_s = time.monotonic() + (RETRY_S if self.problem else self._interval_s)
                continue
            if heard is None:
                return
            if isinstance(heard, str):
                self.reconnects += heard == "back" and self._connections > 0
                self._connections += heard == "back"
                self._look()
                next_s = time.monotonic() + (RETRY_S if self.problem else self._interval_s)
            else:
                self._observe(heard)
            self._waiting.task_done()

    def _observe(self, state: OrderState) -> None:
        try:
            self._ledger.observe(state)
        except DataError as error:  # what is no order is not believed; the next look asks again
            self.problem = str(error)

    def _look(self) -> None:
        """All that the venue has, and what it does not name of what lives in the ledger."""
        self.problem = ""
        try:
            seen = self.client.orders()
            missing = self._ledger.live - {state.client_id for state in seen}
            seen += [state for name in missing if (state := self.client.look_up(name)) is not None]
        except (RouterError, DataError) as error:
            self.problem = str(error)
            return
        for state in seen:
            self._observe(state)
