"""`Ledger`: what a venue has shown of its orders, as numbered reports on disk.

Venues tell of the same thing in several ways, more than once, late and out of order: in the answer to a request, on a
stream, when they are asked. All of it is one kind of fact, an order with its status and the units filled so far, and
facts about one order have an order of their own: units only grow, a status only goes forward. So each fact is taken
for what it adds to those before it, a fill for the units that are new and a report for the status that is new, and one
that adds nothing is dropped. What was missed comes with the next fact, at the average price of what was missed.

Each commit is flushed to the disk (synchronous=FULL): journals believe these numbers and must never be ahead of them.
It is written by the thread that listens to the venue, off the way of an order.
"""

import json
import sqlite3
import threading
from math import inf, nan
from pathlib import Path
from typing import NamedTuple

from admf.errors import DataError
from admf.live.router import Report
from admf_kernels.codes import Liquidity, OrderEvent, OrderStatus, Reason

TABLES = """
create table if not exists orders (client_id text primary key, status integer not null, filled real not null,
    value real not null);
create table if not exists reports (sequence integer primary key, payload text not null);
"""
STEPS = {
    OrderStatus.RECEIVED: OrderEvent.SUBMIT,
    OrderStatus.VALIDATED: OrderEvent.VALIDATE,
    OrderStatus.ROUTED: OrderEvent.ROUTE,
    OrderStatus.PARTIAL: OrderEvent.FILL,
    OrderStatus.FILLED: OrderEvent.COMPLETE,
    OrderStatus.CANCELLED: OrderEvent.CANCEL,
    OrderStatus.REJECTED: OrderEvent.REFUSE,
    OrderStatus.EXPIRED: OrderEvent.EXPIRE,
}


class OrderState(NamedTuple):
    """An order at the venue: its status, and units and average price of all that has filled.

    `quantity` and `price` are those of the fill that brought it here, NaN where nobody says. `words` are the venue's
    own where it said no.
    """

    client_id: str
    side: int
    status: OrderStatus
    filled: float = 0.0
    average_price: float = nan
    quantity: float = nan
    price: float = nan
    words: str = ""

    def check(self) -> None:
        """DataError for what no order can be."""
        sound = (
            self.side in (1, -1) and 0.0 <= self.filled < inf and (not self.filled or 0.0 < self.average_price < inf)
        )
        if not sound or not self.client_id:
            raise DataError("not an order", field="venue", found=self)


class Known(NamedTuple):
    """What the ledger has of an order."""

    status: OrderStatus = OrderStatus.NONE
    filled: float = 0.0
    value: float = 0.0  # filled times price

    @property
    def is_over(self) -> bool:
        """Whether the order has ended."""
        return self.status >= OrderStatus.FILLED


class Ledger:
    """The ledger of one account; one thread observes, any may read."""

    def __init__(self, path: Path) -> None:
        """Opens or makes it; DataError for a file that is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._base.execute("pragma journal_mode=wal")
            self._base.execute("pragma synchronous=full")
            self._base.executescript(TABLES)
            rows = self._base.execute("select client_id, status, filled, value from orders where status < ?", (5,))
            self._live = {name: Known(OrderStatus(status), *rest) for name, status, *rest in rows}
            (last,) = self._base.execute("select coalesce(max(sequence), 0) from reports").fetchone()
        except sqlite3.DatabaseError as error:
            raise DataError(f"not a ledger: {error}", field=str(path), remedy="give another output folder") from None
        self.last_sequence = int(last)

    @property
    def live(self) -> set[str]:
        """Client ids of the orders that have not ended."""
        with self._lock:
            return set(self._live)

    def observe(self, seen: OrderState) -> None:
        """Takes what an order adds to what is known of it. DataError for what no order can be."""
        seen.check()
        with self._lock:
            known = self._live.get(seen.client_id) or self._find(seen.client_id)
            now, rows = self._added(known, seen)
            if not rows:
                return
            self._base.execute("begin")
            self._base.execute("insert or replace into orders values (?, ?, ?, ?)", (seen.client_id, *now))
            numbered = [(report.sequence, json.dumps(report)) for report in rows]
            self._base.executemany("insert into reports values (?, ?)", numbered)
            self._base.execute("commit")
            self.last_sequence = rows[-1].sequence
            self._live[seen.client_id] = now
            if now.is_over:
                del self._live[seen.client_id]

    def _find(self, client_id: str) -> Known:
        query = "select status, filled, value from orders where client_id = ?"
        row = self._base.execute(query, (client_id,)).fetchone()
        return Known() if row is None else Known(OrderStatus(row[0]), *row[1:])

    def _added(self, known: Known, seen: OrderState) -> tuple[Known, list[Report]]:
        rows: list[Report] = []
        status = known.status
        if status < OrderStatus.ROUTED <= seen.status and seen.status is not OrderStatus.REJECTED:
            rows.append(self._step(rows, seen, status, OrderStatus.ROUTED))
            status = OrderStatus.ROUTED
        filled, value = known.filled, known.value
        if seen.filled > filled:
            units = seen.filled - filled
            exact = seen.filled - seen.quantity == filled
            price = seen.price if exact else (seen.filled * seen.average_price - value) / units
            number, client_id = self.last_sequence + len(rows) + 1, seen.client_id
            fill = Report(number, client_id, 0, 0, Reason.NONE, 0, seen.side, units, price, 0.0, price, Liquidity.TAKER)
            rows.append(fill)
            filled, value = seen.filled, value + units * price
        if seen.status > status and not known.is_over:
            rows.append(self._step(rows, seen, status, seen.status))
            status = seen.status
        return Known(status, filled, value), rows

    def _step(self, rows: list[Report], seen: OrderState, before: OrderStatus, after: OrderStatus) -> Report:
        number = self.last_sequence + len(rows) + 1
        words = seen.words if after is seen.status else ""
        return Report(number, seen.client_id, after, STEPS[after], Reason.NONE, before, words=words)

    def reports(self, after: int) -> list[Report]:
        """Everything after a number, in order."""
        if after >= self.last_sequence:
            return []
        with self._lock:
            rows = self._base.execute("select payload from reports where sequence > ? order by sequence", (after,))
            return [Report(*json.loads(text)) for (text,) in rows]

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._base.close()
