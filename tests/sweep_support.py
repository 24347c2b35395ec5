"""What the tests of sweeps share: a small market, strategies, and the single run of a row."""

from functools import cache
from typing import Any

import admf
from admf.strategies import SmaCross

BARS = 600


class Buyer(admf.CompiledStrategy):
    """Buys now and then and holds for a while."""

    every: int = 20
    hold: int = 5
    quantity: float = 10.0
    _bought: int = -1000

    def check(self):
        """Parameters that make sense."""
        if self.hold >= self.every:
            raise ValueError("allowed: hold < every")

    def on_bar(self, ctx):
        if ctx.position() > 0.0 and ctx.bar - self._bought >= self.hold:
            ctx.close_position()
        elif ctx.bar % self.every == 0:
            ctx.buy(self.quantity)
            self._bought = ctx.bar


class OrderEveryBar(admf.CompiledStrategy):
    """A market order at every close: buys when flat, else sells."""

    quantity: float = 1.0

    def on_bar(self, ctx):
        if ctx.position() > 0.0:
            ctx.sell(self.quantity)
        else:
            ctx.buy(self.quantity)


class Swing(admf.SignalStrategy):
    """Long above, short below, flat in between: three inputs and a parameter of the rule."""

    period: int = 14
    band: float = 5.0
    strength = admf.signals.rsi("period")
    average = admf.signals.ema(30)
    close = admf.signals.close()

    def rule(self, strength, average, close):
        if strength > 50.0 + self.band and close > average:
            return 1
        if strength < 50.0 - self.band and close < average:
            return -1
        return 0


class Breakout(admf.SignalStrategy):
    """The range of the bars before."""

    period: int = 20
    high = admf.signals.highest("period")
    low = admf.signals.lowest(10)
    close = admf.signals.close()

    def rule(self, high, low, close):
        return close > high or close > 2.0 * low


class Guarded(admf.SignalStrategy):
    """An average above another, with all exits that a rule can have; the slower one may ask for the other side."""

    fast: int = 5
    slow: int = 21
    lowest_side: int = 0
    stop_loss: float = 0.004
    take_profit: float = 0.006
    trailing_stop: float = 0.005
    fast_average = admf.signals.sma("fast")
    slow_average = admf.signals.sma("slow")

    def rule(self, fast_average, slow_average):
        return 1 if fast_average > slow_average else self.lowest_side


class Channel(admf.SignalStrategy):
    """In at a new high, out at a new low or by an exit, and in between as it is."""

    period: int = 20
    stop_loss: float = 0.01
    high = admf.signals.highest("period")
    low = admf.signals.lowest(10)
    close = admf.signals.close()

    def rule(self, high, low, close):
        return 1 if close > high else 0 if close < low else admf.signals.KEEP


@cache
def market(bars: int = BARS, seed: int = 7) -> admf.Market:
    return admf.Market([admf.generate(bars=bars, seed=seed, frequency="1h")])


def single(study: admf.Study, row: int) -> admf.Result:
    """The single run of a row, from its values alone."""
    rules = study.trials.rules_of(row)
    return admf.backtest(
        study.trials.market,
        study.trials.strategy_of(row),
        execution=rules.execution,
        account=rules.account,
        risk=rules.risk,
    )


GRID: dict[str, Any] = {"fast": [3, 5, 8], "slow": [13, 21, 34]}


def sweep(**options: Any) -> admf.Study:
    """A small sweep without progress."""
    given = {"market": market(), "strategy": SmaCross(), "grid": GRID, "progress": False} | options
    return admf.sweep(given.pop("market"), given.pop("strategy"), given.pop("grid"), **given)
