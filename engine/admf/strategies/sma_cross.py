"""Two moving averages."""

from admf.strategy import CompiledStrategy


class SmaCross(CompiledStrategy):
    """Long with all equity while the fast average is above the slow one, else flat. Periods in bars."""

    fast: int = 10
    slow: int = 50
    fraction: float = 1.0  # of the equity
    _fast_sum: float = 0.0
    _slow_sum: float = 0.0
    _order: int = -1

    def check(self):
        """Parameters that make sense together."""
        if not 1 <= self.fast < self.slow:
            raise ValueError("allowed: 1 <= fast < slow")
        if not 0.0 < self.fraction <= 1.0:
            raise ValueError("allowed: 0 < fraction <= 1")

    def on_bar(self, ctx):
        """Orders at the close where the position differs from what the averages say."""
        self._fast_sum = ctx.rolling_sum(self._fast_sum, self.fast)
        self._slow_sum = ctx.rolling_sum(self._slow_sum, self.slow)
        if ctx.bar < self.slow - 1:
            return
        above = self._fast_sum / self.fast > self._slow_sum / self.slow
        held = ctx.position() > 0.0
        if above != held and not ctx.is_working(self._order):
            self._order = ctx.buy_equity(self.fraction) if above else ctx.close_position()
        elif above == held and ctx.working() > 0:  # waits for volume while the averages have crossed back
            ctx.cancel(self._order)
