"""`replay_log`: a recorded container runs again from its log, event by event, and must do what it did."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from admf.coordinate import BacktestResults
from admf.errors import ConfigError
from admf.live.bars import FeedBar
from admf.live.making import make_container
from admf.live.recording import read_header
from admf.live.strategy_container import LiveStrategyContainer
from admf.live.venue_log import VENUE, replayed
from admf.replay import Difference, EventLog, Row

Watch = Callable[[Row, LiveStrategyContainer], bool]  # sees each event before its handlers; False stops


@dataclass(frozen=True)
class Replay:
    """What a replay has found. `stopped_at` is the event before whose handlers it was stopped."""

    log: EventLog
    events: int  # that were equal
    difference: Difference | None
    stopped_at: Row | None
    container: LiveStrategyContainer | None  # None where its making differs
    result: BacktestResults | None

    @property
    def equal(self) -> bool:
        """Whether every event up to the end, or the stop, was as recorded."""
        return self.difference is None


class StoppedError(BaseException):
    """Ends a replay from inside an event; no Exception, so that no handler takes it for its own."""


class Checker:
    """A recorder that holds what happens against what happened."""

    def __init__(self, log: EventLog, watch: Watch | None) -> None:
        self.place = 0
        self.difference: Difference | None = None
        self.stopped_at: Row | None = None
        self.container: LiveStrategyContainer | None = None
        self.at = (0, -1)  # time and bar of the last row
        self._rows, self._watch = log.rows, watch

    def note(self, kind: str, time_ns: int, bar: int, payload: Sequence[Any]) -> None:
        """Compares one row; StoppedError at the first that differs, and where the watcher has seen enough."""
        found = Row(self.place, time_ns, kind, bar, json.dumps(payload))
        expected = self._rows[self.place] if self.place < len(self._rows) else None
        if found != expected:
            self.difference = Difference(self.place, expected, found)
            raise StoppedError
        if self._watch is not None and self.container is not None and not self._watch(found, self.container):
            self.stopped_at = found
            raise StoppedError
        self.place += 1
        self.at = time_ns, bar

    def flush(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is kept."""


def replay_log(log: EventLog, *, folder: str | Path = ".", watch: Watch | None = None, shadow: bool = False) -> Replay:
    """Runs the container of a log again; `folder` is where a strategy in a file is looked for.

    With `shadow` the backtest of the same bars goes beside it; `container.drift` says what differs. Raises DataError
    for a log that is none of a session, ConfigError for a strategy that is not there.
    """
    settings, facts, care = read_header(log, Path(folder))
    if not log.rows:
        raise ConfigError("nothing was recorded", field=str(log.path), found=0, allowed="1 event or more")
    checker = Checker(log, watch)
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        try:
            venue = None
            if log.header.get("live"):
                venue = replayed(log.rows, settings.strategy_id, checker, Path(scratch))
            checker.container = make_container(settings, facts, care, checker, venue=venue)
            if shadow:
                own = replace(settings, strategy_id=f"{settings.strategy_id}.shadow")
                checker.container.attach(make_container(own, facts, care))
            checker.container.start()
            play_rows(log, checker, checker.container)
        except StoppedError:
            pass
    if checker.difference is None and checker.stopped_at is None and checker.place < len(log.rows):
        checker.difference = Difference(checker.place, log.rows[checker.place], None)
    container = checker.container
    result = None if container is None else container.result
    return Replay(log, checker.place, checker.difference, checker.stopped_at, container, result)


def play_rows(log: EventLog, checker: Checker, container: LiveStrategyContainer) -> None:
    """Everything that came from outside, at its place among what came of it."""
    while checker.place < len(log.rows):
        row, place = log.rows[checker.place], checker.place
        values = json.loads(row.payload)
        if row.kind == "IN":
            container.take([FeedBar(*values)])
        elif row.kind == "CONTROL" and values[0] == "finish":
            container.finish()
        elif row.kind == "CONTROL":
            container.control(*values)
        elif row.kind == VENUE:  # the manager had the broker listen between two bars
            container.container.resolve("broker").hear()
        if checker.place == place:  # an event that nothing from outside caused: it did not come this time
            return
