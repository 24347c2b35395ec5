"""Many runs of one strategy: `sweep` over a grid, the `Study` it leaves, the optimisation of containers."""

from admf.sweeps import samplers
from admf.sweeps.entry import SweepInterrupted, sweep
from admf.sweeps.optimization import (
    OptimizationAnalyzer,
    OptimizationExecutor,
    OptimizationResults,
    OptimizationResultsCollector,
)
from admf.sweeps.study import Study

__all__ = [
    "OptimizationAnalyzer",
    "OptimizationExecutor",
    "OptimizationResults",
    "OptimizationResultsCollector",
    "Study",
    "SweepInterrupted",
    "samplers",
    "sweep",
]
