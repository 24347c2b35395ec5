"""Running one container from its first bar to its last: `simulate` for orders, `backtest` for compiled strategies.

`simulate_signals` and `simulate_targets` are for decisions that are arrays.
"""

from admf.run.entry import backtest, simulate
from admf.run.given import simulate_signals, simulate_targets
from admf.run.warm import warmup

__all__ = ["backtest", "simulate", "simulate_signals", "simulate_targets", "warmup"]
