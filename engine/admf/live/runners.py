"""Who works on the containers: threads and event loops, each with bounded inboxes that hold the feed back."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from admf.live.bars import FeedBar
from admf.live.strategy_container import LiveStrategyContainer

INBOX_BATCHES = 64  # batches of bars that may wait for one container
Work = Callable[[], None]


class Runner(Protocol):
    """Works on one or several containers."""

    def add(self, container: LiveStrategyContainer) -> None:
        """Takes a container in."""
        ...

    def put(self, container: LiveStrategyContainer, work: Work, timeout_s: float | None) -> bool:
        """Queues work for a container; waits while its inbox is full, False where that took too long."""
        ...

    def remove(self, container: LiveStrategyContainer) -> None:
        """Lets a container go after the work it has."""
        ...

    def close(self, timeout_s: float) -> None:
        """Ends after the work that waits."""
        ...


class ThreadRunner:
    """One container on a thread of its own; a daemon, so that one that hangs does not keep the process."""

    def __init__(self, name: str) -> None:
        self._inbox: queue.Queue[Work | None] = queue.Queue(INBOX_BATCHES)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

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

    def remove(self, container: LiveStrategyContainer) -> None:
        """Ends the thread after its work."""
        self._inbox.put(None)
        self._thread.join()

    def close(self, timeout_s: float) -> None:
        """Ends the thread after its work."""
        try:
            self._inbox.put(None, timeout=timeout_s)
        except queue.Full:  # it hangs; a daemon
            return
        self._thread.join(timeout_s)


class LoopRunner:
    """An event loop on a thread of its own, with a task for each container that it carries.

    Containers of one loop take turns: a hook that does not return holds up the others of its loop, and nobody else.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._inboxes: dict[str, asyncio.Queue[Work | None]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def add(self, container: LiveStrategyContainer) -> None:
        """Starts the container's task."""
        asyncio.run_coroutine_threadsafe(self._add(container.container_id), self._loop).result()

    async def _add(self, name: str) -> None:
        self._inboxes[name] = asyncio.Queue(INBOX_BATCHES)
        self._tasks[name] = self._loop.create_task(self._work(self._inboxes[name]), name=name)

    async def _work(self, inbox: "asyncio.Queue[Work | None]") -> None:
        while (work := await inbox.get()) is not None:
            work()
            await asyncio.sleep(0)  # the others' turn

    def put(self, container: LiveStrategyContainer, work: Work, timeout_s: float | None) -> bool:
        """Queues work; False where the inbox stayed full."""
        waiting = asyncio.run_coroutine_threadsafe(self._inboxes[container.container_id].put(work), self._loop)
        try:
            waiting.result(timeout_s)
        except TimeoutError:
            waiting.cancel()
            return False
        return True

    def remove(self, container: LiveStrategyContainer) -> None:
        """Ends the container's task after its work."""
        name = container.container_id
        asyncio.run_coroutine_threadsafe(self._remove(name), self._loop).result()

    async def _remove(self, name: str) -> None:
        await self._inboxes.pop(name).put(None)
        await self._tasks.pop(name)

    def close(self, timeout_s: float) -> None:
        """Ends the tasks and the loop."""
        ending = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            ending.result(timeout_s)
        except TimeoutError:  # a hook hangs; a daemon
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout_s)

    async def _end(self) -> None:
        for name in list(self._tasks):
            await self._remove(name)


def bars_for(container: LiveStrategyContainer, bars: Sequence[FeedBar]) -> Work:
    """The work of taking some bars."""
    return lambda: container.take(bars)
