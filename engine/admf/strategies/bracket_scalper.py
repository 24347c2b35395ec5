"""Limit entries with a stop and a target."""

from math import nan

from admf.strategy import CompiledStrategy


class BracketScalper(CompiledStrategy):
    """Bids `dip_bps` below the close with a stop and a target that cancel each other; one bracket at a time.

    An entry that did not fill within `patience` bars is cancelled, its children end with it.
    """

    quantity: float = 100.0  # units; 0 leaves them to the risk manager's sizing
    dip_bps: float = 5.0
    stop_bps: float = 25.0
    target_bps: float = 20.0
    patience: int = 5  # bars
    _entry: int = -1
    _placed: int = 0  # bar of the entry

    def check(self):
        """Parameters that make sense together."""
        if self.quantity < 0.0 or self.patience < 1:
            raise ValueError("allowed: quantity >= 0, patience >= 1")
        if not (0.0 <= self.dip_bps < 10_000.0 and self.stop_bps > 0.0 and self.target_bps > 0.0):
            raise ValueError("allowed: 0 <= dip_bps < 10000, stop_bps > 0, target_bps > 0")

    def on_bar(self, ctx):
        """Waits for a running bracket, else places the next one."""
        if ctx.position() != 0.0:
            return
        if self._entry >= 0 and ctx.is_working(self._entry):
            if ctx.bar - self._placed >= self.patience:
                ctx.cancel(self._entry)
            return
        price = ctx.close() * (1.0 - self.dip_bps / 10_000.0)
        stop_loss = price * (1.0 - self.stop_bps / 10_000.0)
        take_profit = price * (1.0 + self.target_bps / 10_000.0)
        units = self.quantity if self.quantity > 0.0 else nan
        self._entry = ctx.bracket(1, units, stop_loss, take_profit, limit=price)
        self._placed = ctx.bar
