"""Two symbols against each other."""

from math import log, sqrt

from admf.strategy import CompiledStrategy


class Pairs(CompiledStrategy):
    """Trades the log ratio of the first two symbols: sells the dear one and buys the cheap one, with equal money.

    In where the ratio is `entry` deviations from its mean over `period` bars, out where it is back within `exit`.
    """

    symbols_min = 2

    period: int = 60
    entry: float = 2.0  # deviations
    exit: float = 0.5
    fraction: float = 0.4  # of the equity, each leg
    _side: int = 0

    def check(self):
        """Parameters that make sense together."""
        if self.period < 3 or not 0.0 <= self.exit < self.entry:
            raise ValueError("allowed: period >= 3, 0 <= exit < entry")
        if not 0.0 < self.fraction <= 1.0:
            raise ValueError("allowed: 0 < fraction <= 1")

    def on_bar(self, ctx):
        """Both legs on one bar, or none; bars on which one of the two has no price are passed over."""
        if ctx.bar < self.period or not (ctx.trades(0) and ctx.trades(1)):
            return
        count, total, squares = 0, 0.0, 0.0
        for ago in range(1, self.period + 1):
            ratio = log(ctx.adjusted_close(ago, 0) / ctx.adjusted_close(ago, 1))
            if ratio == ratio:
                count += 1
                total += ratio
                squares += ratio * ratio
        spread = squares - total * total / max(count, 1)
        if count < 2 or not spread > 0.0:
            return
        distance = (log(ctx.close(0, 0) / ctx.close(0, 1)) - total / count) / sqrt(spread / (count - 1))
        if self._side == 0 and abs(distance) > self.entry:
            self._side = -1 if distance > 0.0 else 1
        elif self._side != 0 and self._side * distance > -self.exit:
            self._side = 0
        else:
            return
        ctx.target_weight(self._side * self.fraction, 0)
        ctx.target_weight(-self._side * self.fraction, 1)
