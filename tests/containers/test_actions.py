"""Splits, dividends, funding, interest and a delisting on the bus are those of the compiled run (D-01 to D-06)."""

import numpy as np
import pytest

import admf
from admf.coordinate.eventlog import event_hash, rows_of_records
from admf.events import BarEvent, EventStrategy
from containers.support import run_strategy
from containers.test_event_path import assert_same

BARS = 400
ACCOUNT = admf.Account(cash=50_000.0, cash_rate=0.05, borrow_rate=0.03, debit_rate=0.06)


class Seldom(admf.CompiledStrategy):
    """Orders long before anything happens, and once in between."""

    def on_bar(self, ctx):
        if ctx.bar == 3:
            ctx.buy(60.0)
            ctx.sell(10.0, symbol=1)
        if ctx.bar == 250:
            ctx.buy(5.0, limit=ctx.close() * 0.5)


class SeldomEvents(EventStrategy):
    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar == 3:
            self.buy(60.0)
            self.sell(10.0, symbol=1)
        if bar.bar == 250:
            self.buy(5.0, limit=self.close() * 0.5)


def market() -> admf.Market:
    """Two symbols by the day, the second one ends after 300 of them."""
    first = admf.generate(bars=BARS, seed=1, frequency="1d", symbol="A")
    second = admf.generate(bars=BARS, seed=2, frequency="1d", symbol="B")
    short = admf.Bars(second.frame.head(300), "B")
    stamps = first.timestamp.astype("datetime64[ns]")
    actions = [
        {"symbol": "A", "timestamp": stamps[100], "split_ratio": 2.0, "dividend": 0.25, "funding_rate": 0.0},
        {"symbol": "B", "timestamp": stamps[200], "split_ratio": 1.0, "dividend": 0.5, "funding_rate": 0.0},
        {"symbol": "A", "timestamp": stamps[320], "split_ratio": 3.0, "dividend": 0.0, "funding_rate": 0.01},
    ]
    return admf.Market([first, short], actions=actions)


@pytest.mark.parametrize("account", [ACCOUNT, admf.Account(cash=50_000.0)])
def test_the_bus_gives_what_the_compiled_run_gives(account: admf.Account) -> None:
    bars = market()
    compiled = admf.backtest(bars, Seldom(), account=account)
    events = run_strategy(bars, SeldomEvents, portfolio={"account": account})
    assert compiled.metrics["delistings"] == 1
    assert compiled.metrics["dividends"] == pytest.approx(120.0 * 0.25 - 10.0 * 0.5)
    assert (compiled.metrics["interest"] != 0.0) == account.accrues
    assert_same(compiled, events)
    assert np.array_equal(compiled.equity["cash"], events.equity["cash"])


def test_the_event_log_knows_the_order_of_a_delisting() -> None:
    rows = rows_of_records(admf.backtest(market(), Seldom(), account=ACCOUNT).records)
    assert len(event_hash(rows)) == 64
    assert set(rows[rows["reason"] == 43]["order"].tolist()) == {-1}
