"""`JsonLog`: what containers and feeds say, as lines of JSON; those of a container with its id."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

LOGGER = logging.getLogger("admf")  # containers and feeds are below it


class JsonLines(logging.Formatter):
    """A record as one JSON object: at, level, container, message."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        container = getattr(record, "container_id", "")
        return json.dumps({
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "container": container,
            "message": record.getMessage().removeprefix(f"[{container}] ").removeprefix(f"{container}: "),
        })  # fmt: skip


class JsonLog:
    """While it is open, all is said to a file, and warnings where they were said before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handlers: list[logging.Handler] = []
        self._level = LOGGER.level

    def open(self) -> None:
        """Appends to the file; a second call does nothing."""
        if self._handlers:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        written = logging.FileHandler(self._path, encoding="utf-8")
        written.setFormatter(JsonLines())
        self._handlers, self._level = [written], LOGGER.level
        if not LOGGER.hasHandlers() and logging.lastResort is not None:
            self._handlers.append(logging.lastResort)
        for handler in self._handlers:
            LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)

    def close(self) -> None:
        """Nothing more is written."""
        for handler in self._handlers:
            LOGGER.removeHandler(handler)
        if self._handlers:
            self._handlers[0].close()
            LOGGER.setLevel(self._level)
        self._handlers = []
