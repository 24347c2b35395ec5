"""Buying weakness."""

from admf.strategy import CompiledStrategy


class RsiReversion(CompiledStrategy):
    """Buys with a share of the equity when Wilder's RSI falls below `lower`, sells when it is above `upper`."""

    period: int = 14
    lower: float = 30.0
    upper: float = 55.0
    fraction: float = 1.0  # of the equity
    _gain: float = 0.0
    _loss: float = 0.0

    def check(self):
        """Parameters that make sense together."""
        if self.period < 2:
            raise ValueError("allowed: period >= 2")
        if not 0.0 <= self.lower < self.upper <= 100.0:
            raise ValueError("allowed: 0 <= lower < upper <= 100")

    def on_bar(self, ctx):
        """SPEC I-03: plain means of the first changes, then Wilder's smoothing."""
        if ctx.bar == 0:
            return
        change = ctx.close() - ctx.close(1)
        gain, loss = max(change, 0.0), max(-change, 0.0)
        if ctx.bar <= self.period:
            self._gain += gain / self.period
            self._loss += loss / self.period
            if ctx.bar < self.period:
                return
        else:
            self._gain = (self._gain * (self.period - 1) + gain) / self.period
            self._loss = (self._loss * (self.period - 1) + loss) / self.period
        strength = 50.0
        if self._gain + self._loss > 0.0:
            strength = 100.0 * self._gain / (self._gain + self._loss)
        if ctx.working() > 0:  # an order that waits for volume
            return
        if strength < self.lower and ctx.position() == 0.0:
            ctx.buy_equity(self.fraction)
        elif strength > self.upper and ctx.position() > 0.0:
            ctx.close_position()
