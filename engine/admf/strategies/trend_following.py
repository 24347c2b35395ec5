"""Trend following, written twice: compiled, and on the bus. Same decisions, same fills."""

from admf.events import BarEvent, EventStrategy
from admf.strategy import CompiledStrategy


class TrendFollowingStrategy(CompiledStrategy):
    """Long while the fast average of the closes is above the slow one, else flat. Periods in bars.

    It asks for all equity; the risk manager cuts that to its limits.
    """

    fast_period: int = 10
    slow_period: int = 30
    _fast_sum: float = 0.0
    _slow_sum: float = 0.0
    _order: int = -1

    def check(self):
        """Parameters that make sense together."""
        if not 1 <= self.fast_period < self.slow_period:
            raise ValueError("allowed: 1 <= fast_period < slow_period")

    def on_bar(self, ctx):
        """Orders at the close where the position differs from what the averages say."""
        self._fast_sum = ctx.rolling_sum(self._fast_sum, self.fast_period)
        self._slow_sum = ctx.rolling_sum(self._slow_sum, self.slow_period)
        if ctx.bar < self.slow_period - 1:
            return
        above = self._fast_sum / self.fast_period > self._slow_sum / self.slow_period
        held = ctx.position() > 0.0
        if above != held and not ctx.is_working(self._order):
            self._order = ctx.buy_equity(1.0) if above else ctx.close_position()


class TrendFollowingEvents(EventStrategy):
    """`TrendFollowingStrategy` as plain Python on the bus."""

    fast_period: int = 10
    slow_period: int = 30

    def check(self) -> None:
        """Parameters that make sense together."""
        if not 1 <= self.fast_period < self.slow_period:
            raise ValueError("allowed: 1 <= fast_period < slow_period")

    def on_start(self) -> None:
        """Nothing summed, nothing ordered."""
        self.fast_sum = self.slow_sum = 0.0
        self.order = -1

    def on_bar(self, bar: BarEvent) -> None:
        """Orders at the close where the position differs from what the averages say."""
        self.fast_sum = self.rolling_sum(self.fast_sum, self.fast_period)
        self.slow_sum = self.rolling_sum(self.slow_sum, self.slow_period)
        if bar.bar < self.slow_period - 1:
            return
        above = self.fast_sum / self.fast_period > self.slow_sum / self.slow_period
        held = self.position() > 0.0
        if above != held and not self.is_working(self.order):
            self.order = self.buy_equity(1.0) if above else self.close_position()
