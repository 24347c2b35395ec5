"""Seconds of processor time: on a machine that others use as well, the wall clock measures them."""

import gc
import statistics
import time
from collections.abc import Callable


def cpu_s(action: Callable[[], object]) -> float:
    """Processor seconds of this process for one call, time in the kernel and freeing its result included."""
    gc.collect()
    start = time.process_time()
    action()
    return time.process_time() - start


def medians_s(actions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median processor seconds of each action; the rounds take turns, so that a busy minute falls on all alike.

    Each turn begins with a call that does not count: it compiles, and brings back the memory and the processor's caches
    that another action's turn took away.
    """
    taken = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            action()
            taken[name].append(cpu_s(action))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}
