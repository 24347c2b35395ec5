"""Who works on the containers: threads and event loops, each with bounded inboxes that hold the feed back."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from admf.live.bars import FeedBar
from admf.live.strategy_container import LiveState, LiveStrategyContainer

INBOX_BATCHES = 64  # batches of bars that may wait for one container
Work = Callable[[], None]


class Runner(Protocol):
    """Works on one or several containers."""

    @property
    def is_here(self) -> bool:
        """Whether the caller is one of its containers."""
        ...

    def add(self, container: LiveStrategyContainer) -> None:
        """Takes a container in."""
        ...

    def put(self, container: LiveStrategyContainer, work: Work, timeout_s: float | None) -> bool:
        """Queues work for a container; waits while its inbox is full, False where that took too long."""
        ...

    def ask(self, container: LiveStrategyContainer, work: Work) -> None:
        """Queues work where there is room, and waits for nothing."""
        ...

    def remove(self, container: LiveStrategyContainer, timeout_s: float) -> bool:
        """Lets a container go after the work it has; False where that takes longer, to be asked again or abandoned."""
        ...

    def close(self, timeout_s: float) -> bool:
        """Ends after the work that waits; False where that takes longer, to be asked again or abandoned."""
        ...

    def abandon(self) -> str:
        """Waits no longer; the id of the container whose hook does not return."""
        ...


class ThreadRunner:
    """One container on a thread of its own; a daemon, so that one that hangs does not keep the process."""

    def __init__(self, name: str) -> None:
        self._inbox: queue.Queue[Work | None] = queue.Queue(INBOX_BATCHES)
        self._is_ending = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def is_here(self) -> bool:
        """Whether the caller is its container."""
        return threading.current_thread() is self._thread

    def _work(self) -> None:
        while (work := self._inbox.get()) is not None:
            work()

    def add(self, container: LiveStrategyContainer) -> None:
        """Nothing to do: the thread is the container's own."""

    def put(self, container: LiveStrategyContainer, work: Work, timeout_s: float | None) -> bool:
        """Queues work; False where the inbox stayed full."""
        try:
            self._inbox.put(work, timeout=timeout_s)
        except queue.Full:
            return False
        return True

    def ask(self, container: LiveStrategyContainer, work: Work) -> None:
        """Queues work where there is room."""
        with suppress(queue.Full):
            self._inbox.put_nowait(work)

    def remove(self, container: LiveStrategyContainer, timeout_s: float) -> bool:
        """Ends the thread after its work; False where it has not ended yet."""
        return self.close(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Ends the thread after its work; False where it has not ended yet."""
        end_s = time.monotonic() + timeout_s
        if not self._is_ending:
            try:
                self._inbox.put(None, timeout=timeout_s)
            except queue.Full:
                return False
            self._is_ending = True
        self._thread.join(max(0.0, end_s - time.monotonic()))
        return not self._thread.is_alive()

    def abandon(self) -> str:
        """Leaves the thread, which ends with its hook, or with the process."""
        with suppress(queue.Full):
            self._inbox.put_nowait(None)
        return self._thread.name


class Inbox(NamedTuple):
    """The work that waits for one container of a loop."""

    waiting: "asyncio.Queue[Work | None]"
    room: threading.Semaphore  # places that are left; taken by who queues, given back by who works
    task: "asyncio.Task[None]"


class LoopRunner:
    """An event loop on a thread of its own, with a task for each container that it carries.

    Containers of one loop take turns: a hook that does not return holds up the others of its loop, and nobody else.
    Whoever queues work waits for room in one inbox, never for the loop.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._inboxes: dict[str, Inbox] = {}
        self._endings: dict[str, Future[None]] = {}  # of tasks that were asked to end
        self._busy_with = ""  # id of the container that works now
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_here(self) -> bool:
        """Whether the caller is one of its containers."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def add(self, container: LiveStrategyContainer) -> None:
        """Starts the container's task."""
        asyncio.run_coroutine_threadsafe(self._add(container.container_id), self._loop).result()

    async def _add(self, name: str) -> None:
        waiting: asyncio.Queue[Work | None] = asyncio.Queue()
        room = threading.Semaphore(INBOX_BATCHES)
        self._inboxes[name] = Inbox(waiting, room, self._loop.create_task(self._work(name, waiting, room)))

    async def _work(self, name: str, waiting: "asyncio.Queue[Work | None]", room: threading.Semaphore) -> None:
        while (work := await waiting.get()) is not None:
            room.release()
            self._busy_with = name
            work()
            await asyncio.sleep(0)  # the others' turn

    def put(self, container: LiveStrategyContainer, work: Work, timeout_s: float | None) -> bool:
        """Queues work; False where the inbox stayed full."""
        inbox = self._inboxes[container.container_id]
        if not inbox.room.acquire(timeout=timeout_s):
            return False
        self._loop.call_soon_threadsafe(inbox.waiting.put_nowait, work)
        return True

    def ask(self, container: LiveStrategyContainer, work: Work) -> None:
        """Queues work where there is room."""
        inbox = self._inboxes[container.container_id]
        if inbox.room.acquire(blocking=False):
            self._loop.call_soon_threadsafe(inbox.waiting.put_nowait, work)

    def remove(self, container: LiveStrategyContainer, timeout_s: float) -> bool:
        """Ends the container's task after its work; False where it has not ended yet."""
        _, late = wait([self._ask_to_end(container.container_id)], timeout_s)
        return not late

    def _ask_to_end(self, name: str) -> "Future[None]":
        if name not in self._endings:
            self._endings[name] = asyncio.run_coroutine_threadsafe(self._end(self._inboxes[name]), self._loop)
        return self._endings[name]

    async def _end(self, inbox: Inbox) -> None:
        inbox.waiting.put_nowait(None)
        await inbox.task

    def close(self, timeout_s: float) -> bool:
        """Ends the tasks and the loop; False where a task has not ended yet."""
        _, late = wait([self._ask_to_end(name) for name in self._inboxes], timeout_s)
        if late:
            return False
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        return True

    def abandon(self) -> str:
        """Leaves the loop, which ends with the hook, or with the process."""
        for ending in self._endings.values():
            ending.add_done_callback(lambda _: self._loop.stop())
        return self._busy_with


def bars_for(container: LiveStrategyContainer, bars: Sequence[FeedBar]) -> Work:
    """The work of taking some bars, which says how long they have waited."""
    put_s = container.pulse.came_s = time.monotonic()

    def take() -> None:
        container.pulse.beat(put_s)
        container.take(bars)

    return take


def told(work: Work, done: threading.Event) -> None:
    """Some work, and whoever waits hears of its end."""
    try:
        work()
    finally:
        done.set()


def controlled(container: LiveStrategyContainer, action: Sequence[Any], done: threading.Event) -> None:
    """One action on a container."""
    container.control(*action)
    done.set()


def gets_on(end: Callable[[float], bool], carried: Sequence[LiveStrategyContainer], stall_s: float) -> bool:
    """Asks for an end as long as one of the containers gets on; False where a hook does not return."""
    if any(one.state is LiveState.STALLED for one in carried):
        return False
    while not end(stall_s):
        if all(time.monotonic() - one.pulse.beat_s > stall_s for one in carried):
            return False
    return True
