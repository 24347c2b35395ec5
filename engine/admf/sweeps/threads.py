"""Chunks of trials on threads: kernels run without the interpreter's lock."""

import queue
import threading
from collections.abc import Callable, Iterator

from admf.sweeps.arena import Done, Kernels
from admf.sweeps.settings import Settings
from admf.sweeps.trials import Chunk
from admf.sweeps.worker import Worker

POLL_S = 0.05
AHEAD = 2  # chunks that wait for each worker

Sink = Callable[[Chunk, Done], None]


class ThreadPool:
    """Workers that take chunks from one queue."""

    def __init__(self, settings: Settings, workers: int) -> None:
        self._settings, self._kernels = settings, Kernels(settings)
        self._count = workers
        self._workers: list[Worker] = []
        self._stopped = False
        self._lock = threading.Lock()
        self._done: queue.SimpleQueue[tuple[Chunk, Done | BaseException]] = queue.SimpleQueue()
        self._waiting: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()

    def run(self, chunks: Iterator[Chunk], sink: Sink, tick: Callable[[], None]) -> None:
        """Runs all chunks and hands each to `sink`, in this thread, when it is done; `tick` is called in between.

        After KeyboardInterrupt, or whatever else is raised here, the workers stop within some thousand bars, and what
        they have finished goes to `sink` first.
        """
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._count)]
        for thread in threads:
            thread.start()
        flying = 0
        try:
            for chunk in chunks:
                self._waiting.put(chunk)
                flying += 1
                while flying >= self._count * (1 + AHEAD):
                    flying -= self._take(sink, tick)
            while flying:
                flying -= self._take(sink, tick)
        except BaseException:
            self._stop()
            raise
        finally:
            for _ in threads:
                self._waiting.put(None)
            for thread in threads:
                thread.join()
            self._drain(sink)

    def trials_done(self) -> int:
        """Trials that are done in the chunks in work, for the progress."""
        return sum(worker.trials_done for worker in self._workers)

    def _take(self, sink: Sink, tick: Callable[[], None]) -> int:
        tick()
        try:
            chunk, done = self._done.get(timeout=POLL_S)
        except queue.Empty:
            return 0
        if isinstance(done, BaseException):
            raise done
        sink(chunk, done)
        return 1

    def _drain(self, sink: Sink) -> None:
        while not self._done.empty():
            chunk, done = self._done.get()
            if isinstance(done, Done) and done.count:
                sink(chunk, done)

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            for worker in self._workers:
                worker.stop()

    def _work(self) -> None:
        worker = Worker(self._settings, self._kernels)
        with self._lock:
            self._workers.append(worker)
            if self._stopped:
                worker.stop()
        while (chunk := self._waiting.get()) is not None:
            if self._stopped:
                continue
            try:
                self._done.put((chunk, worker.run_chunk(chunk)))
            except BaseException as error:
                self._done.put((chunk, error))
