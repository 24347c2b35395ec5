"""In which ways containers run: execution modes, and the thread models that carry them."""

from enum import Enum


class ThreadModel(Enum):
    """Who works on the containers of a mode."""

    SINGLE_THREADED = "everything in one thread"
    MULTI_THREADED = "several threads, each with its own container"
    PROCESS_PARALLEL = "several processes, each with its own containers"
    ASYNC_SINGLE = "one event loop in one container"
    ASYNC_MULTI = "event loops across containers"
    MIXED = "threads and containers as somebody arranges them"


class ExecutionMode(Enum):
    """What is run, with the thread model it has unless another one is asked for."""

    BACKTEST_SINGLE = ThreadModel.SINGLE_THREADED
    BACKTEST_PARALLEL = ThreadModel.MULTI_THREADED
    OPTIMIZATION = ThreadModel.PROCESS_PARALLEL
    LIVE_TRADING = ThreadModel.ASYNC_MULTI
    PAPER_TRADING = ThreadModel.ASYNC_SINGLE
    REPLAY = ThreadModel.MIXED

    @property
    def thread_model(self) -> ThreadModel:
        """Who works on its containers."""
        return self.value
