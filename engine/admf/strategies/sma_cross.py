"""Two moving averages."""

from admf.signals import SignalStrategy, sma


class SmaCross(SignalStrategy):
    """Long with `fraction` of the equity while the fast average is above the slow one, else flat. Periods in bars."""

    fast: int = 10
    slow: int = 50
    fast_average = sma("fast")
    slow_average = sma("slow")

    def check(self):
        """Parameters that make sense together."""
        if not 1 <= self.fast < self.slow:
            raise ValueError("allowed: 1 <= fast < slow")
        if not 0.0 < self.fraction <= 1.0:
            raise ValueError("allowed: 0 < fraction <= 1")

    def rule(self, fast_average, slow_average):
        """Above is long."""
        return fast_average > slow_average
