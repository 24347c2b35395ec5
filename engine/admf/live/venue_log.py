"""What a venue answered, in the event log: so a live session runs again without its venue.

Two kinds of rows: JOURNAL, the journal as the session found it, and VENUE, one call with its answer. A replay opens a
copy of the journal and asks the log in place of the venue; a call that was not made then is a difference.
"""

import base64
import json
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from admf.live.journal import Journal
from admf.live.making import Venue
from admf.live.router import RefusedError, Report, RouterError
from admf.replay import Recorder, Row

JOURNAL, VENUE = "JOURNAL", "VENUE"
DONE, REFUSED, AWAY = "done", "refused", "away"  # how a call ended
ERRORS = {REFUSED: RefusedError, AWAY: RouterError}
ATTRIBUTES = ("has_reduce_only", "reconnects")  # of a router; all else are calls
READ: dict[str, Callable[[Any], Any]] = {"reports": lambda rows: [Report(*row) for row in rows], "open_orders": set}


class PlacedRecorder(Recorder, Protocol):
    """A recorder that knows where it is."""

    @property
    def at(self) -> tuple[int, int]:
        """Time and bar of the last row."""
        ...


def recorded(venue: Venue, strategy_id: str, recorder: PlacedRecorder) -> Venue:
    """The venue of one strategy, with its journal and all that is said to it in the log."""
    path = venue.folder / f"{strategy_id}.journal"
    Journal(path, strategy_id).close()  # there is one now, with the name that the client ids have
    recorder.note(JOURNAL, *recorder.at, [image_of(path)])
    return Venue(RecordedRouter(venue.router, recorder), venue.folder)


def replayed(rows: Sequence[Row], strategy_id: str, recorder: PlacedRecorder, folder: Path) -> Venue:
    """The venue that the rows of a log are; `folder` gets the journal. Without one the first row is a difference."""
    first = rows[0]
    recorder.note(JOURNAL, first.time_ns, first.bar, json.loads(first.payload))
    (image,) = json.loads(first.payload)
    (folder / f"{strategy_id}.journal").write_bytes(zlib.decompress(base64.b64decode(image)))
    return Venue(ReplayedRouter(rows, recorder), folder)


def image_of(path: Path) -> str:
    """A journal as text, with what is still in its write-ahead log."""
    with closing(sqlite3.connect(path)) as base, closing(sqlite3.connect(":memory:")) as copy:
        base.backup(copy)
        return base64.b64encode(zlib.compress(copy.serialize())).decode()


class RecordedRouter:
    """A router that notes each call and its answer; attributes count as calls."""

    def __init__(self, router: Any, recorder: PlacedRecorder) -> None:
        self._router, self._recorder = router, recorder

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._router, name)
        if name not in ATTRIBUTES:
            return partial(self._ask, name, found)
        self._note(name, (), DONE, found)
        return found

    def _ask(self, name: str, method: Callable[..., Any], *arguments: Any) -> Any:
        try:
            answer = method(*arguments)
        except RouterError as error:
            self._note(name, arguments, REFUSED if isinstance(error, RefusedError) else AWAY, str(error))
            raise
        self._note(name, arguments, DONE, sorted(answer) if isinstance(answer, set) else answer)
        return answer

    def _note(self, name: str, arguments: Sequence[Any], how: str, answer: Any) -> None:
        self._recorder.note(VENUE, *self._recorder.at, (name, list(arguments), how, answer))


class ReplayedRouter:
    """Answers as the rows of a log do; `rows` are gone through as the recorder takes them."""

    def __init__(self, rows: Sequence[Row], recorder: PlacedRecorder) -> None:
        calls = (row for row in rows if row.kind == VENUE)
        self._calls, self._recorder = map(json.loads, (row.payload for row in calls)), recorder

    def __getattr__(self, name: str) -> Any:
        return self._ask(name) if name in ATTRIBUTES else partial(self._ask, name)

    def _ask(self, name: str, *arguments: Any) -> Any:
        asked, how = [name, list(arguments)], ""
        answer: Any = None
        call = next(self._calls, None)
        if call is not None and json.dumps(call[:2]) == json.dumps(asked):
            how, answer = call[2:]
        self._recorder.note(VENUE, *self._recorder.at, (*asked, how, answer))  # stops the replay where it differs
        if how in ERRORS:
            raise ERRORS[how](answer)
        return READ.get(name, lambda value: value)(answer)
