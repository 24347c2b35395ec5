"""Bands of the standard deviation."""

from math import sqrt

from admf.strategy import CompiledStrategy


class Bollinger(CompiledStrategy):
    """Buys below the lower band of Bollinger, sells at the average. The band is `width` deviations (ddof 0) away."""

    period: int = 20
    width: float = 2.0
    fraction: float = 1.0  # of the equity

    def check(self):
        """Parameters that make sense together."""
        if self.period < 2 or not self.width > 0.0:
            raise ValueError("allowed: period >= 2, width > 0")
        if not self.fraction > 0.0:
            raise ValueError("allowed: fraction > 0; above 1 with account.leverage")

    def on_bar(self, ctx):
        """Nothing while an order waits for volume."""
        if ctx.bar < self.period - 1 or ctx.working() > 0:
            return
        total = 0.0
        for ago in range(self.period):
            total += ctx.close(ago)
        mean, squares = total / self.period, 0.0
        for ago in range(self.period):
            squares += (ctx.close(ago) - mean) ** 2
        close, held = ctx.close(), ctx.position()
        if held == 0.0 and close < mean - self.width * sqrt(squares / self.period):
            ctx.buy_equity(self.fraction)
        elif held > 0.0 and close >= mean:
            ctx.close_position()
