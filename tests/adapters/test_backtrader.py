"""backtrader's strategies with a core for a broker: the executions of its own broker under its own rules."""

import datetime
from typing import Any

import pandas as pd
import pytest

import admf
from admf.errors import ConfigError

bt = pytest.importorskip("backtrader", reason="pip install admf-engine[backtrader]")

from admf.adapters.backtrader import CoreBroker  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # the package's own
RULES = admf.Execution.preset("backtrader").replace(commission=admf.commission.pct(0.001))


def frame(bars: int = 600, seed: int = 7) -> pd.DataFrame:
    made = admf.generate(bars=bars, seed=seed, frequency="1d").frame.to_pandas().set_index("timestamp")
    made.index = made.index.tz_localize(None)
    return made


class Noting(bt.Strategy):
    """Writes down every notification."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.values: list[float] = []

    def notify_order(self, order: Any) -> None:
        done = order.executed
        row: tuple[Any, ...] = (len(self), order.getstatusname(), order.isbuy(), order.created.size)
        if order.status in (order.Completed, order.Partial):
            row += (round(done.price, 9), done.size, round(done.comm, 9), round(done.pnl, 6))
        self.told.append(row)

    def next(self) -> None:
        self.values.append(self.broker.getvalue())
        self.decide(len(self), self.data.close[0])

    def decide(self, bar: int, price: float) -> None:
        raise NotImplementedError


class SmaCross(Noting):
    """The example of backtrader's quick start, long and flat."""

    def __init__(self) -> None:
        super().__init__()
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=10), bt.ind.SMA(period=30))

    def decide(self, bar: int, price: float) -> None:
        if self.cross > 0:
            self.buy(size=20)
        elif self.cross < 0 and self.position:
            self.close()


class Types(Noting):
    """Limits with an end, stops, stop-limits, both sides."""

    def decide(self, bar: int, price: float) -> None:
        if bar % 9 == 0:
            until = self.data.datetime.date(0) + datetime.timedelta(days=4)
            self.buy(size=3, exectype=bt.Order.Limit, price=price * 0.995, valid=until)
        elif bar % 11 == 0:
            self.sell(size=2, exectype=bt.Order.Stop, price=price * 0.99)
        elif bar % 13 == 0:
            self.buy(size=4, exectype=bt.Order.StopLimit, price=price * 1.005, plimit=price * 1.01)
        elif bar % 17 == 0:
            self.close()


class Brackets(Noting):
    """A bracket at a time; every fifth is taken back."""

    def decide(self, bar: int, price: float) -> None:
        if bar % 10 == 0 and not self.position:
            self.sent = self.buy_bracket(size=5, price=price * 0.998, stopprice=price * 0.98, limitprice=price * 1.02)
        elif bar % 50 == 5 and not self.position and getattr(self, "sent", None):
            self.cancel(self.sent[0])


class Groups(Noting):
    """Two orders of which one cancels the other, and a stop that follows."""

    def decide(self, bar: int, price: float) -> None:
        if bar % 20 == 0:
            first = self.buy(size=2, exectype=bt.Order.Limit, price=price * 0.99)
            self.buy(size=2, exectype=bt.Order.Stop, price=price * 1.01, oco=first)
        elif bar % 20 == 15 and self.position:
            self.sell(size=self.position.size, exectype=bt.Order.StopTrail, trailpercent=0.01)


def run(strategy: type, broker: Any, *frames: pd.DataFrame) -> Any:
    cerebro = bt.Cerebro()
    for columns in frames or (frame(),):
        cerebro.adddata(bt.feeds.PandasData(dataname=columns))
    cerebro.broker = broker
    cerebro.addstrategy(strategy)
    return cerebro.run()[0]


def theirs() -> Any:
    broker = bt.brokers.BackBroker(cash=10_000.0)
    broker.setcommission(commission=0.001)
    return broker


@pytest.mark.parametrize("strategy", [SmaCross, Types, Brackets, Groups])
def test_executions_are_those_of_its_own_broker(strategy: type) -> None:
    expected, found = run(strategy, theirs()), run(strategy, CoreBroker(cash=10_000.0, execution=RULES))
    final = ("Completed", "Margin", "Rejected")
    executed = [row for row in expected.told if row[1] in final]
    assert [row for row in found.told if row[1] in final] == executed
    assert len([row for row in executed if row[1] == "Completed"]) > 10
    assert found.values == pytest.approx(expected.values, rel=1e-12)
    ended = [(row[0], row[1]) for row in expected.told if row[1] in ("Canceled", "Expired")]
    assert sorted((row[0], row[1]) for row in found.told if row[1] in ("Canceled", "Expired")) == sorted(ended)


def test_other_rules_for_the_same_strategy() -> None:
    rules = admf.Execution(slippage=admf.slippage.bps(5.0))
    expected, found = (
        run(SmaCross, CoreBroker(cash=10_000.0)),
        run(SmaCross, CoreBroker(cash=10_000.0, execution=rules)),
    )
    one, other = ([row for row in played.told if row[1] == "Completed"] for played in (expected, found))
    assert len(one) == len(other) > 5
    assert sum(dear[4] > cheap[4] for cheap, dear in zip(one, other, strict=True) if cheap[2]) >= 3


def test_two_feeds_are_two_symbols() -> None:
    class Both(Noting):
        def decide(self, bar: int, price: float) -> None:
            if bar % 30 == 0:
                self.buy(data=self.datas[1], size=5)
            elif bar % 30 == 15:
                self.close(data=self.datas[1])

    frames = frame(seed=1), frame(seed=2)
    expected, found = run(Both, theirs(), *frames), run(Both, CoreBroker(cash=10_000.0, execution=RULES), *frames)
    assert [row for row in found.told if row[1] == "Completed"] == [
        row for row in expected.told if row[1] == "Completed"
    ]
    assert found.values == pytest.approx(expected.values, rel=1e-12)


def test_what_the_core_has_rules_for_is_refused_with_words() -> None:
    with pytest.raises(ConfigError, match="setcommission"):
        CoreBroker().setcommission(commission=0.001)
    with pytest.raises(ConfigError, match="slip_perc"):
        CoreBroker(slip_perc=0.01)

    class AtClose(Noting):
        def decide(self, bar: int, price: float) -> None:
            self.buy(exectype=bt.Order.Close)

    with pytest.raises(ConfigError, match="exectype"):
        run(AtClose, CoreBroker())
