"""Running one container from its first bar to its last: `simulate` for orders, `backtest` for compiled strategies."""

from admf.run.entry import backtest, simulate
from admf.run.warm import warmup

__all__ = ["backtest", "simulate", "warmup"]
