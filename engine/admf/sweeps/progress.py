"""How far a sweep is: a bar on a terminal with rate and remaining time, or a function of the user's."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

SHOWN_AFTER_S = 1.0  # what takes less needs no bar
EVERY_S = 0.1


class Progress(Protocol):
    """What a sweep tells; used as a context."""

    def __enter__(self) -> Self:
        """Begins."""
        ...

    def __exit__(self, *_: object) -> None:
        """Ends."""
        ...

    def update(self, done: int, total: int) -> None:
        """Trials done, trials in all."""
        ...


class Silent:
    """Tells nobody."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, done: int, total: int) -> None:
        """Nothing."""


class Told(Silent):
    """Calls a function of the user's."""

    def __init__(self, call: Callable[[int, int], None]) -> None:
        self._call = call
        self._last = -1

    def update(self, done: int, total: int) -> None:
        """Only what has changed."""
        if done != self._last:
            self._last = done
            self._call(done, total)


class Bar(Silent):
    """A bar on standard error after a second, where that is a terminal."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._next = self._start + SHOWN_AFTER_S
        self._shown: RichProgress | None = None

    def update(self, done: int, total: int) -> None:
        """Draws the bar some times a second."""
        now = time.perf_counter()
        if now < self._next:
            return
        self._next = now + EVERY_S
        if self._shown is None:
            self._shown = self._begin(total)
        rate = done / (now - self._start)
        self._shown.update(self._shown.task_ids[0], completed=done, total=total, rate=f"{rate:,.0f} trials/s")

    def _begin(self, total: int) -> "RichProgress":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
        shown = Progress(*columns, console=Console(stderr=True), transient=True)
        shown.add_task("sweep", total=total, rate="")
        shown.start()
        return shown

    def __exit__(self, *_: object) -> None:
        if self._shown is not None:
            self._shown.stop()


def make_progress(*, progress: bool | Callable[[int, int], None]) -> Progress:
    """A bar, nothing, or the function."""
    if callable(progress):
        return Told(progress)
    return Bar() if progress and sys.stderr.isatty() else Silent()
