"""`Journal`: what a strategy wanted and what the venue said, on disk before anything is sent or believed.

A decision, be it an order, a cancel or an amendment, is a row before it is a request, and a report is a row before it
is an event. After a crash the rows are all there is: what has no acknowledgement is sent again under the same client
id, reports are asked for from the last number on.

SQLite in WAL mode with synchronous=NORMAL: a commit is in the hands of the operating system when it returns (30 us; a
flush to the disk at each commit took 4 ms, more than the way to the venue), so it survives the death of the process.
A loss of power may take the last commits, never the file. What was sent in them is at the venue, whose reports name
the client ids: recovery takes those up, and gives no number again that the venue has seen. The WAL goes into the file
on another thread, every `WRITES_MAX` commits: that flushes, and took 35 ms of the order that happened to come then.
"""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from admf.errors import DataError
from admf.events import Action, Ticket
from admf.live.router import Report
from admf_kernels.codes import OrderType, Reason, SizeKind, TimeInForce

TABLES = """
create table if not exists facts (name text primary key, value text not null);
create table if not exists orders (number integer primary key, client_id text unique not null,
    ticket text not null, acknowledged integer not null default 0, refusal text);
create table if not exists changes (number integer primary key, ticket text not null,
    state integer not null default 0);
create table if not exists reports (sequence integer primary key, payload text not null);
"""
TAKEN, REFUSED = 1, 2  # of a change
WRITES_MAX = 1_000  # about 4 MB of WAL


class Wanted(NamedTuple):
    """An order as it was decided; `refusal` are the venue's words where it said no."""

    number: int
    client_id: str
    ticket: Ticket
    acknowledged: bool
    refusal: str | None


class Journal:
    """The journal of one strategy; used by the thread that runs its container."""

    def __init__(self, path: Path, strategy_id: str) -> None:
        """Opens or makes it; DataError for a file that is none, and for the journal of another strategy."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._writes, self._moving = path, 0, threading.Thread()
        try:
            self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._base.execute("pragma journal_mode=wal")
            self._base.execute("pragma synchronous=normal")
            self._base.execute("pragma wal_autocheckpoint=0")
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
        (last,) = self._base.execute("select coalesce(max(sequence), 0) from reports").fetchone()
        self.last_sequence = int(last)  # number of the last report; 0 before the first

    def _add(self, statement: str, *values: Any) -> int:
        row = self._base.execute(statement, values).lastrowid
        self._written()
        return row or 0

    def _written(self) -> None:
        self._writes += 1
        if self._writes % WRITES_MAX == 0 and not self._moving.is_alive():
            self._moving = threading.Thread(target=move_wal, args=(self._path,), name="journal", daemon=True)
            self._moving.start()

    # ------------------------------------------------------------------------------------------------------- decisions

    def client_id(self, number: int) -> str:
        """By which the venue knows an order; the same after a crash."""
        return f"{self.prefix}{number}"

    def number(self, client_id: str) -> int:
        """Of an order of this strategy; -1 for another's."""
        number = client_id.removeprefix(self.prefix)
        return int(number) if client_id.startswith(self.prefix) and number.isdecimal() else -1

    def want(self, ticket: Ticket) -> str:
        """Keeps an order before it is sent; returns its client id."""
        client_id = self.client_id(ticket.order)
        statement = "insert or ignore into orders (number, client_id, ticket) values (?, ?, ?)"
        self._add(statement, ticket.order, client_id, json.dumps(ticket))
        return client_id

    def acknowledge(self, number: int) -> None:
        """The venue has the order."""
        self._add("update orders set acknowledged = 1 where number = ?", number)

    def refuse(self, number: int, words: str) -> None:
        """The venue has said no to the order."""
        self._add("update orders set acknowledged = 1, refusal = ? where number = ?", words, number)

    def want_change(self, ticket: Ticket) -> int:
        """Keeps a cancel or an amendment before it is sent; returns its number."""
        return self._add("insert into changes (ticket) values (?)", json.dumps(ticket))

    def acknowledge_change(self, number: int, *, taken: bool) -> None:
        """The venue has it, or has said no to it."""
        self._add("update changes set state = ? where number = ?", TAKEN if taken else REFUSED, number)

    def wanted(self) -> list[Wanted]:
        """Every order, in order of decision."""
        rows = self._base.execute("select number, client_id, ticket, acknowledged, refusal from orders order by number")
        return [
            Wanted(number, name, read_ticket(json.loads(text)), bool(known), refusal)
            for number, name, text, known, refusal in rows
        ]

    def changes(self) -> list[tuple[int, Ticket, int]]:
        """Every cancel and amendment with its number and its state, 0 before the venue's answer, in order."""
        rows = self._base.execute("select number, ticket, state from changes order by number")
        return [(number, read_ticket(json.loads(text)), state) for number, text, state in rows]

    # --------------------------------------------------------------------------------------------------------- reports

    def believe(self, reports: Iterable[Report]) -> None:
        """Keeps reports, all or none, before anything is done about them."""
        rows = [(report.sequence, json.dumps(report)) for report in reports]
        if rows:
            self._base.execute("begin")
            self._base.executemany("insert or ignore into reports values (?, ?)", rows)
            self._base.execute("commit")
            self._written()
            self.last_sequence = max(self.last_sequence, rows[-1][0])

    def reports(self) -> list[Report]:
        """Every report, in order."""
        rows = self._base.execute("select payload from reports order by sequence")
        return [Report(*json.loads(text)) for (text,) in rows]

    # ---------------------------------------------------------------------------------------------------------- limits

    def keep_limits(self, values: Iterable[float]) -> None:
        """Where the limits on losses and on the orders of a session stand."""
        self._add("insert or replace into facts values ('limits', ?)", json.dumps(list(values)))

    def limits(self) -> list[float] | None:
        """What was kept last; None where nothing was."""
        row = self._base.execute("select value from facts where name = 'limits'").fetchone()
        return None if row is None else json.loads(row[0])

    def close(self) -> None:
        """Lets go of the file."""
        if self._moving.is_alive():
            self._moving.join()
        self._base.close()


def move_wal(path: Path) -> None:
    """Moves what is in the WAL into the file, beside whoever writes."""
    with closing(sqlite3.connect(path)) as base:
        base.execute("pragma wal_checkpoint(passive)")


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
