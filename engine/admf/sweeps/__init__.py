"""Many runs of one strategy: `sweep` over a grid and the `Study` it leaves; containers are in `optimization`."""

from admf.sweeps import samplers
from admf.sweeps.entry import SweepInterrupted, sweep
from admf.sweeps.study import Study

__all__ = [
    "Study",
    "SweepInterrupted",
    "samplers",
    "sweep",
]
