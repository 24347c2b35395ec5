"""`Monitor`: looks at a session at an interval and leaves what it sees in files: status, metrics, log."""

import json
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from admf.errors import ConfigError
from admf.live.logs import JsonLog

STATUS_FILE, METRICS_FILE, LOG_FILE = "status.json", "metrics.prom", "log.jsonl"
LOOK_S = 1.0  # between two looks: for whoever watches; health is checked at the session's own interval
GAUGES = {
    "heartbeat_age_s": ("heartbeat_age_seconds", "since its thread or loop last answered"),
    "lag_s": ("lag_seconds", "that bars waited before they were taken"),
    "stale_s": ("stale_seconds", "since the feed brought a bar"),
    "cash": ("cash", "of the book"),
    "position": ("position", "units held, signed"),
    "equity": ("equity", "cash and the position at the last close"),
}
COUNTERS = {"bars": ("bars_total", "bars taken"), "errors": ("errors_total", "failures")}


class Watched(Protocol):
    """What a monitor looks at."""

    def status(self) -> Mapping[str, Any]:
        """Of the whole session."""
        ...

    def beat(self) -> None:
        """Asks the strategies for a sign of life."""
        ...

    def check_health(self) -> None:
        """Says what is not well."""
        ...


class Monitor:
    """Looks every second, and checks the health every `interval_s`; with a folder it leaves files there.

    `status.json` is the status, `metrics.prom` the same for Prometheus, `log.jsonl` what containers said, a JSON object
    a line.
    """

    def __init__(self, watched: Watched, interval_s: float, folder: Path | None) -> None:
        self._watched, self._interval_s, self._folder = watched, interval_s, folder
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = None if folder is None else JsonLog(folder / LOG_FILE)

    def open_log(self) -> None:
        """Begins to write what containers say, where there is a folder and it has not begun."""
        if self._log is not None:
            self._log.open()

    def start(self) -> None:
        """Begins."""
        self.open_log()
        self._write()
        self._thread = threading.Thread(target=self._work, name="admf-monitor", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        looks_between = max(1, round(self._interval_s / LOOK_S))
        pause_s, looks = min(LOOK_S, self._interval_s), 0
        while not self._over.wait(pause_s):
            self._watched.beat()
            looks += 1
            if looks % looks_between == 0:
                self._watched.check_health()
            self._write()

    def close(self) -> None:
        """The last look."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._write()
        if self._log is not None:
            self._log.close()

    def _write(self) -> None:
        if self._folder is None:
            return
        seen = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "over": self._over.is_set()}
        seen |= self._watched.status()
        for name, text in ((STATUS_FILE, json.dumps(seen, indent=1)), (METRICS_FILE, prometheus(seen))):
            path = self._folder / name
            temporary = path.with_suffix(".tmp")
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)


def prometheus(seen: Mapping[str, Any]) -> str:
    """A status in the text format of Prometheus, as its collector of text files reads it."""
    strategies = {name: {"strategy": name} for name in seen["strategies"]}
    lines: list[str] = []
    for kind, table in (("counter", COUNTERS), ("gauge", GAUGES)):
        for key, (name, meaning) in table.items():
            values = [(labels, seen["strategies"][own].get(key)) for own, labels in strategies.items()]
            lines += family(name, kind, meaning, values)
    well = [(labels, not seen["strategies"][own].get("problems")) for own, labels in strategies.items()]
    lines += family("healthy", "gauge", "whether no limit of the health checks is crossed", well)
    door = [
        ({**labels, "what": what}, count)
        for own, labels in strategies.items()
        for what, count in seen["strategies"][own].get("bars_at_the_door", {}).items()
    ]
    lines += family("door_bars_total", "counter", "bars that came, by what became of them", door)
    counts = [({"what": what}, count) for what, count in seen.get("feed", {}).items() if isinstance(count, int)]
    lines += family("feed", "gauge", "what the feed says of itself", counts)
    lines += family("killed", "gauge", "whether the kill switch was thrown", [({}, bool(seen["killed"]))])
    return "\n".join([*lines, ""])


def family(name: str, kind: str, meaning: str, values: Iterable[tuple[Mapping[str, str], Any]]) -> list[str]:
    """The lines of one metric; a value of None is left out."""
    lines = [f"# HELP admf_{name} {meaning}", f"# TYPE admf_{name} {kind}"]
    for labels, value in values:
        if value is not None:
            inner = ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items())
            number = int(value) if isinstance(value, bool) else value
            lines.append(f"admf_{name}{{{inner}}} {number}" if inner else f"admf_{name} {number}")
    return lines


def escaped(text: str) -> str:
    """A label's value as the format wants it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def read_status(folder: Path) -> dict[str, Any]:
    """What the monitor of a folder saw last; ConfigError where there is nothing."""
    path = folder / STATUS_FILE if folder.is_dir() else folder
    try:
        seen: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        remedy = "give the folder of output.folder, or of --out"
        raise ConfigError(f"no status: {error}", field="folder", found=str(folder), remedy=remedy) from None
    return seen
