"""Buying once."""

from admf.strategy import CompiledStrategy


class BuyAndHold(CompiledStrategy):
    """Buys every symbol with an equal share of `fraction` of the equity on the first bar, and keeps it."""

    orders_per_bar_max = 4_096
    fraction: float = 1.0  # of the equity
    _bought: bool = False

    def check(self):
        """Parameters that make sense together."""
        if not self.fraction > 0.0:
            raise ValueError("allowed: fraction > 0; above 1 with account.leverage")

    def on_bar(self, ctx):
        """One order for each symbol that has a price; with one symbol its size is settled at the fill."""
        if self._bought:
            return
        self._bought = True
        count = 0
        for symbol in range(ctx.symbols()):
            if ctx.trades(symbol):
                count += 1
        for symbol in range(ctx.symbols()):
            if ctx.trades(symbol):
                ctx.buy_equity(self.fraction / count, symbol)
        self._bought = count > 0
