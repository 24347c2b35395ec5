"""The workloads inside one process: bars, a strategy and rules, with the target and what was expected of each."""

from dataclasses import dataclass
from functools import cache

import admf
from admf.strategies import BracketScalper, SmaCross
from sweep_support import OrderEveryBar

MILLION = 1_000_000
SEED = 7


class Watch(admf.CompiledStrategy):
    """The averages of the SMA cross and no order: what a bar costs on which nothing happens."""

    fast: int = 10
    slow: int = 50
    _fast_sum: float = 0.0
    _slow_sum: float = 0.0
    _above: int = 0

    def on_bar(self, ctx):
        self._fast_sum = ctx.rolling_sum(self._fast_sum, self.fast)
        self._slow_sum = ctx.rolling_sum(self._slow_sum, self.slow)
        if self._fast_sum / self.fast > self._slow_sum / self.slow:
            self._above += 1


class Ladder(admf.CompiledStrategy):
    """Twenty limit orders that the price never comes to."""

    orders_per_bar_max = 20

    def init(self, ctx):
        for step in range(1, 11):
            ctx.buy(1.0, limit=0.01 * step)
            ctx.sell(1.0, limit=100_000.0 + step)

    def on_bar(self, ctx):
        pass


@dataclass(frozen=True, eq=False)
class Workload:
    """One strategy under one set of rules; times are nanoseconds `a` bar, `target_ns` is the project's."""

    name: str
    what: str
    strategy: admf.CompiledStrategy
    execution: admf.Execution
    target_ns: float | None
    expected_ns: float  # written down before the first measurement
    cash: float = 1e8  # what the strategy wants is never refused for lack of it
    working_count: int = 1  # orders on every bar that share its time

    def run(self, market: admf.Market) -> admf.Result:
        """The whole run: every fill, order, transition, trade, the equity of every bar, and all key figures."""
        account = admf.Account(cash=self.cash)
        result = admf.backtest(market, self.strategy, execution=self.execution, account=account)
        assert result.metrics["bars"] == market.bar_count
        return result


COSTS = {"slippage": admf.slippage.bps(1.0), "commission": admf.commission.bps(1.0)}

SMA_CROSS = Workload(
    name="sma_cross",
    what="SMA cross 10/50, all equity, costs, full record, summary",
    strategy=SmaCross(fast=10, slow=50),
    # clamp=none: the peer does not bring a slipped price back into the bar
    execution=admf.Execution(**COSTS, clamp="none"),
    target_ns=12.0,
    expected_ns=20.0,
)
WATCH = Workload(
    name="watch",
    what="  its averages without an order: a quiet bar",
    strategy=Watch(fast=10, slow=50),
    execution=SMA_CROSS.execution,
    target_ns=None,
    expected_ns=9.0,
)
ORDER_EVERY_BAR = Workload(
    name="order_every_bar",
    what="a market order on every bar, complete log",
    strategy=OrderEveryBar(),
    execution=admf.Execution(**COSTS),
    target_ns=60.0,
    expected_ns=140.0,
)
BRACKET = Workload(
    name="bracket",
    what="limit entry, stop, target, volume cap with carried remainders, complete log",
    strategy=BracketScalper(quantity=500.0),
    execution=admf.Execution(
        slippage=admf.slippage.bps(1.0), commission=admf.commission.per_share(0.005, minimum=1.0), volume_limit=0.1
    ),
    target_ns=30.0,
    expected_ns=30.0,
)
LADDER = Workload(
    name="ladder",
    what="20 limit orders at work on every bar",
    strategy=Ladder(),
    execution=admf.Execution(),
    target_ns=20.0,
    expected_ns=15.0,
    working_count=20,
)
WORKLOADS = (SMA_CROSS, WATCH, ORDER_EVERY_BAR, BRACKET, LADDER)


@cache
def market(bar_count: int) -> admf.Market:
    """Made-up minute bars, the same ones for everyone; fewer are a prefix of more."""
    return admf.Market([admf.generate(bars=bar_count, seed=SEED, frequency="1min")])
