"""`Monitor`: looks at the health at an interval and leaves what it sees in a file."""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from admf.errors import ConfigError

STATUS_FILE, METRICS_FILE = "status.json", "metrics.prom"
GAUGES = {"bars": "bars taken", "errors": "failures", "heartbeat_age_s": "seconds since the last bar was taken",
          "cash": "cash of the book", "position": "units held, signed"}  # fmt: skip


class Monitor:
    """Writes `status()` to a file of JSON and one of Prometheus text, every `interval_s` seconds and at the end."""

    def __init__(self, status: Callable[[], Mapping[str, Any]], interval_s: float, folder: Path | None) -> None:
        self._status, self._interval_s, self._folder = status, interval_s, folder
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins, where there is a folder to write to."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write()
        self._thread = threading.Thread(target=self._work, name="admf-monitor", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._over.wait(self._interval_s):
            self._write()

    def close(self) -> None:
        """The last look."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._write()

    def _write(self) -> None:
        assert self._folder is not None
        seen = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "over": self._over.is_set(), **self._status()}
        path = self._folder / STATUS_FILE
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(seen, indent=1), encoding="utf-8")
        temporary.replace(path)
        metrics = self._folder / METRICS_FILE
        temporary.write_text(prometheus(seen), encoding="utf-8")
        temporary.replace(metrics)


def prometheus(seen: Mapping[str, Any]) -> str:
    """A status in the text format of Prometheus, as its collector of text files reads it."""
    lines = []
    for name, meaning in GAUGES.items():
        lines += [f"# HELP admf_{name} {meaning}", f"# TYPE admf_{name} gauge"]
        lines += [f'admf_{name}{{strategy="{own}"}} {health[name]}' for own, health in seen["strategies"].items()]
    lines += ["# HELP admf_killed whether the kill switch was thrown", "# TYPE admf_killed gauge"]
    return "\n".join([*lines, f"admf_killed {int(bool(seen['killed']))}", ""])


def read_status(folder: Path) -> dict[str, Any]:
    """What the monitor of a folder saw last; ConfigError where there is nothing."""
    path = folder / STATUS_FILE if folder.is_dir() else folder
    try:
        seen: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        remedy = "give the folder of output.folder, or of --out"
        raise ConfigError(f"no status: {error}", field="folder", found=str(folder), remedy=remedy) from None
    return seen
