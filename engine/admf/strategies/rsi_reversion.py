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
        """SPEC I-03; nothing while an order waits for volume."""
        self._gain = ctx.average_gain(self._gain, self.period)
        self._loss = ctx.average_loss(self._loss, self.period)
        if ctx.bar < self.period or ctx.working() > 0:
            return
        strength = ctx.rsi(self._gain, self._loss)
        if strength < self.lower and ctx.position() == 0.0:
            ctx.buy_equity(self.fraction)
        elif strength > self.upper and ctx.position() > 0.0:
            ctx.close_position()
