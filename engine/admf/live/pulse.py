"""`Pulse`: when a container last answered, how long its bars wait, and how often it failed of late."""

import time
from collections import deque
from typing import Any

ERRORS_KEPT = 20
ERROR_WINDOW_BARS = 100  # recent errors are those of so many bars


class Pulse:
    """Written by the thread of the container and by who brings the bars, read from any thread."""

    def __init__(self) -> None:
        self.came_s = self.beat_s = time.monotonic()  # when a bar was last brought, when it last answered
        self._lag_s = 0.0  # that what it took last had waited
        self.bars = 0  # taken
        self.errors: deque[BaseException] = deque(maxlen=ERRORS_KEPT)
        self.error_count = 0
        self._error_bars: deque[int] = deque(maxlen=ERRORS_KEPT)
        self.waits_for_bars = True  # False between two sessions, as far as the feed says so

    def beat(self, asked_s: float) -> None:
        """A sign of life, and how long the question has waited."""
        self.beat_s = time.monotonic()
        self._lag_s = self.beat_s - asked_s

    def take(self) -> None:
        """A bar was taken."""
        self.bars += 1
        self.beat_s = time.monotonic()

    def note(self, error: BaseException) -> None:
        """A failure."""
        self.errors.append(error)
        self.error_count += 1
        self._error_bars.append(self.bars)

    def seen(self) -> dict[str, Any]:
        """Ages in seconds, counts, the last error in words."""
        now_s = time.monotonic()
        return {
            "bars": self.bars,
            "heartbeat_age_s": round(now_s - self.beat_s, 3),
            "lag_s": round(self._lag_s, 6),
            "stale_s": round(now_s - self.came_s, 3) if self.waits_for_bars else None,
            "errors": self.error_count,
            "recent_errors": sum(bar > self.bars - ERROR_WINDOW_BARS for bar in tuple(self._error_bars)),
            "last_error": str(self.errors[-1]) if self.errors else "",
        }
