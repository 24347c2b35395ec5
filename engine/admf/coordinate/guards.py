"""What keeps one container from taking all: time, memory, how many at once, and a stop after repeated failures."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from admf.config.kinds import SIZE, Size
from admf.errors import CapacityError, ConfigError, RunError
from admf.models import Number

UNITS = {"B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000}


class ContainerTimeoutError(RunError):
    """A container's time is over; it was ended between two chunks and torn down."""


class HungError(RunError):
    """A container's time is over and a hook of it does not return: it cannot be ended, nothing of it is used again."""


class BreakerOpenError(RunError):
    """Nothing is started after repeated failures."""


def read_bytes(limit: str | int | None, field: str) -> int | None:
    """A limit in bytes from a number or a text such as 512MB."""
    if limit is None or isinstance(limit, int):
        return None if limit is None else int(Number(minimum=1, whole=True).read(limit, field) or 0)
    text = Size().read(limit, field)
    match = re.fullmatch(SIZE, text)
    assert match is not None
    return int(float(match[1]) * UNITS[match[2].upper()])


def check_memory(needed: int, limit: int | None, container_id: str) -> None:
    """CapacityError where the arena of a container would be larger than its limit; nothing has been allocated."""
    if limit is not None and needed > limit:
        raise CapacityError(
            "the container needs more memory than it may have",
            field=f"{container_id}.memory_limit_per_container",
            found=f"{needed:,} bytes",
            allowed=f"{limit:,} bytes",
            remedy="raise the limit, use fewer bars, or record='summary'",
        )


class Deadline:
    """The time of one container; looked at between chunks of bars."""

    def __init__(self, timeout_s: float | None, container_id: str) -> None:
        if timeout_s is not None:
            Number(above=0.0).read(timeout_s, "timeout_s")
        self.timeout_s = timeout_s
        self._container_id = container_id
        self._end_s = None if timeout_s is None else time.monotonic() + timeout_s

    def check(self, bar: int) -> None:
        """ContainerTimeoutError after the end."""
        if self._end_s is not None and time.monotonic() > self._end_s:
            raise ContainerTimeoutError(
                f"stopped at bar {bar} after {self.timeout_s:g} s",
                field=f"{self._container_id}.timeout_s",
                remedy="raise timeout_s, or give it fewer bars",
            )


class Slots:
    """How many containers may live at one time; the others wait."""

    def __init__(self, count: int | None) -> None:
        if count is not None and (isinstance(count, bool) or count < 1):
            raise ConfigError("out of range", field="max_containers", found=count, allowed="1 or more, or None")
        self._slots = None if count is None else threading.BoundedSemaphore(count)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One of them, for as long as the block lasts."""
        if self._slots is None:
            yield
            return
        with self._slots:
            yield


class CircuitBreaker:
    """Opens after a number of failures in a row; closed again by `reset`."""

    def __init__(self, failures_max: int | None) -> None:
        if failures_max is not None and (isinstance(failures_max, bool) or failures_max < 1):
            raise ConfigError("out of range", field="failures_max", found=failures_max, allowed="1 or more, or None")
        self.failures_max = failures_max
        self._failures = 0
        self._last: BaseException | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """BreakerOpenError while it is open."""
        with self._lock:
            if self.failures_max is not None and self._failures >= self.failures_max:
                raise BreakerOpenError(
                    f"not started: {self._failures} containers failed in a row, the last one with "
                    f"{type(self._last).__name__}: {self._last}",
                    field="circuit_breaker",
                    remedy="mend what fails, then reset() the coordinator's breaker",
                ) from self._last

    def note(self, error: BaseException | None) -> None:
        """A container has ended, with an error or without."""
        with self._lock:
            self._failures = 0 if error is None else self._failures + 1
            self._last = error

    def reset(self) -> None:
        """Closed, as at first."""
        with self._lock:
            self._failures, self._last = 0, None
