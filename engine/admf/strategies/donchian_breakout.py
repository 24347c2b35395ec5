"""Breakouts of the recent range, with resting stop orders."""

from admf.strategy import CompiledStrategy


class DonchianBreakout(CompiledStrategy):
    """Buys at a stop above the highest high of `entry` bars, leaves at a stop below the lowest low of `exit` bars.

    Both stops rest in the market and follow the range: the breakout itself fills them, inside the bar.
    """

    entry: int = 55
    exit: int = 20
    fraction: float = 0.95  # of the equity, sized at the stop price of the day the order is placed
    _order: int = -1

    def check(self):
        """Parameters that make sense together."""
        if self.entry < 2 or self.exit < 2:
            raise ValueError("allowed: entry >= 2, exit >= 2")
        if not 0.0 < self.fraction <= 1.0:
            raise ValueError("allowed: 0 < fraction <= 1")

    def on_bar(self, ctx):
        """Moves the stop of the side that is wanted next, or places it."""
        held = ctx.position()
        stop = ctx.highest(self.entry) if held == 0.0 else ctx.lowest(self.exit)
        if stop != stop:  # fewer bars than the range needs
            return
        if self._order >= 0 and ctx.is_working(self._order):
            ctx.replace(self._order, stop=stop)
        elif held == 0.0:
            quantity = self.fraction * ctx.equity() / stop
            self._order = ctx.buy(quantity, stop=stop)
        else:
            self._order = ctx.sell(held, stop=stop, reduce_only=True)
