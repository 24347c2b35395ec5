"""K-07, K-08, A-14, D-10, D-11 on the bus: the same fills as the compiled loop, the same events, books that follow."""

from typing import Any

import numpy as np
import pytest

import admf
from admf.components import EventStrategy
from admf.container import ContainerFactory
from admf.results import Result
from containers.support import run, run_strategy, specs

CLOCK = np.arange("2020-01-01", "2020-09-27", dtype="datetime64[D]")


class Dips(admf.CompiledStrategy):
    """Brackets that leave their size to the risk manager."""

    orders_per_bar_max = 4

    def on_bar(self, ctx):
        close = ctx.close()
        if ctx.position() == 0.0 and ctx.working() == 0 and close < ctx.close(1):
            ctx.bracket(1, stop_loss=0.98 * close, take_profit=1.02 * close)


class DipsOnTheBus(EventStrategy):
    orders_per_bar_max = 4

    def on_bar(self, bar):
        if self.position() == 0.0 and self.working() == 0 and bar.close < self.close(1):
            self.bracket(1, stop_loss=0.98 * bar.close, take_profit=1.02 * bar.close)


def market() -> admf.Market:
    """Daily bars in EUR, with rates and conversions that change, a split and a dividend."""
    bars = admf.generate(bars=len(CLOCK), seed=11, frequency="1d")
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    rates = 1.1 + 0.1 * np.sin(np.arange(len(CLOCK) // 5))
    return admf.Market(
        [admf.Bars({"timestamp": CLOCK, **columns}, symbol="S")],
        instruments=admf.Instrument("S", currency="EUR", lot_size=1.0),
        conversions={"EUR": {"timestamp": CLOCK[: 5 * len(rates) : 5], "rate": rates}},
        rates={"timestamp": CLOCK[[0, 99]], "cash_rate": [0.02, 0.05]},
        actions={"symbol": ["S"], "timestamp": CLOCK[[150]], "dividend": [0.3]},
    )


RISKS = [
    {"sizing": {"model": "stop_risk", "fraction": 0.01}},
    {"sizing": {"model": "volatility_target", "volatility": 0.005}, "max_portfolio_risk": 0.01},
    {"sizing": {"model": "kelly", "win_rate": 0.55, "payoff": 1.1, "trips": 5}},
]


@pytest.mark.parametrize("risk", RISKS, ids=lambda risk: risk["sizing"]["model"])
def test_sizes_of_the_bus_are_those_of_the_loop(risk: dict[str, Any]) -> None:
    compiled = admf.backtest(market(), Dips(), risk=risk)
    events = run_strategy(market(), DipsOnTheBus, risk_manager=risk)
    assert compiled.fills.height >= 10
    assert events.trace_hash == compiled.trace_hash
    assert events.orders["quantity"].to_list() == compiled.orders["quantity"].to_list()
    assert events.equity["equity"].to_list() == compiled.equity["equity"].to_list()


def test_proceeds_settle_on_the_bus() -> None:
    account = admf.Account(cash=2_000.0, settlement_days=2)
    rules = admf.Execution(short="forbidden")
    risk = {"sizing": {"model": "equity_share", "fraction": 0.9}}
    compiled = admf.backtest(market(), Dips(), risk=risk, account=account, execution=rules)
    more = {"risk_manager": risk, "portfolio": {"account": account}, "broker": {"execution": rules}}
    events = run_strategy(market(), DipsOnTheBus, **more)
    assert events.trace_hash == compiled.trace_hash
    assert compiled.orders.filter(reason="INSUFFICIENT_CASH").height > 0


def test_sweeps_of_converted_markets_have_the_bits_of_single_runs() -> None:
    """D-11: each trial begins with the multipliers of the first bar, on threads, and after one another."""
    grid = {"risk.sizing.fraction": [0.005, 0.01, 0.02], "account.cash": [50_000.0, 100_000.0]}
    risk = admf.Risk(sizing=admf.sizing.stop_risk(0.01))
    study = admf.sweep(market(), Dips(), grid, risk=risk, workers=2, progress=False)
    for row in study.results.iter_rows(named=True):
        own = admf.Risk(sizing=admf.sizing.stop_risk(row["risk.sizing.fraction"]))
        alone = admf.backtest(market(), Dips(), risk=own, account=admf.Account(cash=row["account.cash"]))
        assert row["trace_hash"] == alone.trace_hash
        assert row["final_equity"] == alone.metrics["final_equity"]


def test_a_container_used_again_begins_with_the_first_rates() -> None:
    """D-11: `reset` takes multipliers, rates and what was not settled back."""

    with ContainerFactory({"market_data": market()}).create(specs(DipsOnTheBus, risk_manager=RISKS[0])) as box:
        box.initialize_scope()
        hashes = []
        for _ in range(2):
            box.start()
            run(box)
            hashes.append(Result(box.resolve("broker").records(box.resolve("strategy"))).trace_hash)
            box.reset()
    assert hashes[0] == hashes[1]
