"""`Journal`: what a strategy wanted and what the venue said, on disk before anything is sent or believed.

A decision is a row before it is a request, and a report is a row before it is an event. After a crash the rows are all
there is: orders without an acknowledgement are asked for and sent again under the same client id, reports are asked for
from the last number on. SQLite in WAL mode: a commit survives the death of the process, and with `durable` that of the
machine.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from admf.errors import DataError
from admf.events import Action, Ticket
from admf.live.router import Report
from admf_kernels.codes import OrderType, Reason, SizeKind, TimeInForce

TABLES = """
create table if not exists facts (name text primary key, value text not null);
create table if not exists orders (number integer primary key, client_id text unique not null,
    ticket text not null, acknowledged integer not null default 0);
create table if not exists reports (sequence integer primary key, payload text not null);
"""


class Wanted(NamedTuple):
    """An order as it was decided."""

    number: int
    client_id: str
    ticket: Ticket
    acknowledged: bool


class Journal:
    """The journal of one strategy; used by the thread that runs its container."""

    def __init__(self, path: Path, strategy_id: str, *, durable: bool = True) -> None:
        """Opens or makes it; DataError for a file that is none, and for the journal of another strategy."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._base.execute("pragma journal_mode=wal")
            self._base.execute(f"pragma synchronous={'full' if durable else 'normal'}")
            self._base.executescript(TABLES)
        except sqlite3.DatabaseError as error:
            raise DataError(f"not a journal: {error}", field=str(path), remedy="give another output folder") from None
        self._add(
            "insert or ignore into facts values ('strategy', ?), ('session', ?)", strategy_id, uuid.uuid4().hex[:8]
        )
        facts = dict(self._base.execute("select name, value from facts"))
        if facts["strategy"] != strategy_id:
            raise DataError("the journal of another strategy", field=str(path), found=facts["strategy"])
        self.prefix = f"{strategy_id}-{facts['session']}-"  # of the client ids

    def _add(self, statement: str, *values: Any) -> None:
        self._base.execute(statement, values)

    def want(self, ticket: Ticket) -> str:
        """Keeps an order before it is sent; returns its client id, which is the same after a crash."""
        client_id = f"{self.prefix}{ticket.order}"
        text = json.dumps(ticket)
        self._add(
            "insert or ignore into orders (number, client_id, ticket) values (?, ?, ?)", ticket.order, client_id, text
        )
        return client_id

    def acknowledge(self, number: int) -> None:
        """The venue has the order."""
        self._add("update orders set acknowledged = 1 where number = ?", number)

    def believe(self, reports: Iterable[Report]) -> None:
        """Keeps reports, all or none, before anything is done about them."""
        rows = [(report.sequence, json.dumps(report)) for report in reports]
        if rows:
            self._base.execute("begin")
            self._base.executemany("insert or ignore into reports values (?, ?)", rows)
            self._base.execute("commit")

    def wanted(self) -> list[Wanted]:
        """Every order, in order of decision."""
        rows = self._base.execute("select number, client_id, ticket, acknowledged from orders order by number")
        return [Wanted(number, name, read_ticket(json.loads(text)), bool(known)) for number, name, text, known in rows]

    def reports(self) -> list[Report]:
        """Every report, in order."""
        rows = self._base.execute("select payload from reports order by sequence")
        return [Report(*json.loads(text)) for (text,) in rows]

    @property
    def last_sequence(self) -> int:
        """Number of the last report; 0 before the first."""
        (last,) = self._base.execute("select coalesce(max(sequence), 0) from reports").fetchone()
        return int(last)

    def close(self) -> None:
        """Lets go of the file."""
        self._base.close()


def read_ticket(values: list[Any]) -> Ticket:
    """A ticket from its JSON."""
    ticket = Ticket(*values)
    return ticket._replace(
        action=Action(ticket.action),
        type=OrderType(ticket.type),
        time_in_force=TimeInForce(ticket.time_in_force),
        size_kind=SizeKind(ticket.size_kind),
        reason=Reason(ticket.reason),
    )
