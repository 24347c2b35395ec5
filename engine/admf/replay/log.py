"""The event log of one container on disk: an Arrow IPC stream that is only ever appended to.

A row is what came in or went over the bus, in the order in which it happened:

    IN         a bar of the feed, after the door
    CONTROL    pause, resume, kill: what somebody asked for between two bars
    FILL, ORDER_STATUS, BAR, ORDER, SIGNAL     an event of the bus, before its handlers
    JOURNAL, VENUE      of a live session: its journal as it found it; a call to the venue with its answer
    END        the end of the session: bars taken and the trace hash

`payload` is the tuple itself as JSON: Python writes floats so that they are read back bit for bit. What is needed to
run the container again stands in the metadata of the schema. A batch is written with one call; a file that ends in the
middle of one, after a crash, is read up to the last whole batch, and appended to from there.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from admf.errors import DataError
from admf.replay.words import sentence

SUFFIX = ".events"
HEADER = b"admf"
VERSION = 1
BATCH_ROWS = 4_096
FIELDS = (("sequence", pa.int64()), ("time_ns", pa.int64()), ("kind", pa.string()), ("bar", pa.int32()))
SCHEMA = pa.schema([*FIELDS, ("payload", pa.string())])


class Row(NamedTuple):
    """One row of a log."""

    sequence: int
    time_ns: int
    kind: str
    bar: int
    payload: str

    def __str__(self) -> str:
        return sentence(*self)


class Recorder(Protocol):
    """What a container tells its events to."""

    def note(self, kind: str, time_ns: int, bar: int, payload: Sequence[Any]) -> None:
        """Something has happened."""
        ...

    def flush(self) -> None:
        """What was noted is to survive a crash of this process."""
        ...

    def close(self) -> None:
        """Nothing comes any more."""
        ...


class LogWriter:
    """Appends rows to a log; an existing one is gone on with after its last whole batch."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """DataError where the file is a log of something else, or no log."""
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = SCHEMA.with_metadata({HEADER: json.dumps({"version": VERSION, **header})})
        self._sequence = 0
        self.at = (0, -1)  # time and bar of the last row
        self._rows: list[tuple[int, int, str, int, str]] = []
        if path.exists() and path.stat().st_size > 0:
            known = EventLog(path)
            if known.header != {"version": VERSION, **json.loads(json.dumps(header))}:
                raise DataError("is the log of another session", field=str(path), remedy="give another output folder")
            self._sequence = len(known.rows)
            self._file = path.open("r+b", buffering=0)
            self._file.truncate(known.whole_bytes)
            self._file.seek(0, 2)
        else:
            self._file = path.open("wb", buffering=0)
            self._file.write(schema.serialize())

    def note(self, kind: str, time_ns: int, bar: int, payload: Sequence[Any]) -> None:
        """Adds a row; it is in the file after the next flush."""
        self._rows.append((self._sequence, time_ns, kind, bar, json.dumps(payload)))
        self._sequence += 1
        self.at = time_ns, bar
        if len(self._rows) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes what was noted as one batch."""
        if self._rows:
            columns = [pa.array(column, field.type) for column, field in zip(zip(*self._rows), SCHEMA)]  # noqa: B905
            self._file.write(pa.record_batch(columns, schema=SCHEMA).serialize())
            self._rows = []

    def close(self) -> None:
        """Writes the rest."""
        try:
            self.flush()
        finally:
            self._file.close()


class EventLog:
    """A log as it is on disk. `whole_bytes`: where its last whole batch ends; `torn`: whether something follows it."""

    def __init__(self, path: str | Path) -> None:
        """DataError for a file that is no event log."""
        self.path = Path(path)
        try:
            data = self.path.read_bytes()
            source = pa.BufferReader(data)
            schema = pa.ipc.read_schema(source)
            self.header: dict[str, Any] = json.loads((schema.metadata or {})[HEADER])
        except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
            allowed = f"a file {SUFFIX} of a session's folder"
            raise DataError(f"not an event log: {error}", field=str(path), allowed=allowed) from None
        self.rows: list[Row] = []
        self.whole_bytes = source.tell()
        while self.whole_bytes < len(data):
            try:
                batch = pa.ipc.read_record_batch(pa.ipc.read_message(source), SCHEMA)
            except (pa.ArrowInvalid, EOFError, OSError):
                break
            self.rows += map(Row, *(column.to_pylist() for column in batch.columns))
            self.whole_bytes = source.tell()
        self.torn = self.whole_bytes < len(data)

    @property
    def ended(self) -> bool:
        """Whether the session came to its end."""
        return bool(self.rows) and self.rows[-1].kind == "END"
