"""Who runs what, when: containers one by one or side by side, with limits on time, memory and failures."""

from admf.coordinate.coordinator import BacktestCoordinator, Outcome
from admf.coordinate.guards import BreakerOpenError, CircuitBreaker, ContainerTimeoutError, HungError
from admf.coordinate.modes import ExecutionMode, ThreadModel
from admf.coordinate.recipe import Recipe
from admf.coordinate.results import BacktestResults

__all__ = [
    "BacktestCoordinator",
    "BacktestResults",
    "BreakerOpenError",
    "CircuitBreaker",
    "ContainerTimeoutError",
    "ExecutionMode",
    "HungError",
    "Outcome",
    "Recipe",
    "ThreadModel",
]
