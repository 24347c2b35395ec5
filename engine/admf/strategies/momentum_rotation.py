"""What has risen most."""

from admf.strategy import CompiledStrategy


class MomentumRotation(CompiledStrategy):
    """On the first bar of each month equal weights of the `top` symbols by their return over `lookback` bars.

    The last `skip` bars do not count. Splits are taken out of the returns. Rebalancing sells before it buys (SPEC
    C-03); what it buys is paid by what it sells, so `execution.cash_submit` has to be `none`.
    """

    orders_per_bar_max = 8_192
    lookback: int = 126  # bars
    skip: int = 21  # bars
    top: int = 100
    fraction: float = 0.98  # of the equity; the rest pays costs and gaps
    _month: int = -1

    def check(self):
        """Parameters that make sense together."""
        if not 0 <= self.skip < self.lookback or self.top < 1:
            raise ValueError("allowed: 0 <= skip < lookback, top >= 1")
        if not 0.0 < self.fraction <= 1.0:
            raise ValueError("allowed: 0 < fraction <= 1")

    def on_bar(self, ctx):
        """Ranks, sells what is not among the best, and brings the others to their weight."""
        month = ctx.month()
        if month == self._month or ctx.bar < self.lookback:
            return
        self._month = month
        for symbol in range(ctx.symbols()):
            if ctx.trades(symbol):
                before = ctx.adjusted_close(self.lookback, symbol)
                ctx.score(ctx.adjusted_close(self.skip, symbol) / before - 1.0, symbol)
        count = min(ctx.rank(), self.top)
        for place in range(count):
            ctx.score(self.fraction / count, ctx.ranked(place))
        for symbol in range(ctx.symbols()):
            weight = ctx.scored(symbol)
            if weight == weight:
                ctx.target_weight(weight, symbol)
            elif ctx.position(symbol) != 0.0:
                ctx.close_position(symbol)
        ctx.forget_scores()
