"""The same decisions give the same fills, bit for bit, whether a strategy is compiled or lives on the bus."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import admf
from admf.coordinate import BacktestCoordinator
from admf.coordinate.eventlog import event_hash, rows_of_bus, rows_of_records
from admf.errors import ConfigError, OrderError
from admf.events import BarEvent, EventStrategy, FillEvent
from admf.orders import read_orders
from admf.strategies import TrendFollowingEvents, TrendFollowingStrategy
from containers.support import market, player, run_strategy
from paths_support import Case, plain
from repo.checkout import ROOT
from scenarios import cases, examples

FIELDS = ("fills", "transitions", "trades", "curve", "orders")
UNSET = ("activation", "peak")  # of orders that never had a trail: what stood in the buffer


def tables(result: admf.Result) -> dict[str, list[Any]]:
    """Every record as plain values; NaN equals NaN."""
    made = {}
    for name in FIELDS:
        rows = getattr(result.records, name)
        columns = [column for column in rows.dtype.names if not (name == "orders" and column in UNSET)]
        made[name] = [plain(*(row[column] for column in columns)) for row in rows]
    made["account"] = [plain(*(result.records.account[name] for name in COUNTED))]
    return made


COUNTED = (
    "cash", "equity", "drawdown_max", "return_sum", "return_square_sum", "equity_sum", "traded_value", "commission",
    "sample_count", "exposed_bars", "trips", "fills", "orders_filled", "orders_cancelled", "orders_rejected",
    "orders_expired", "bad_bars", "clamps", "ambiguous_groups", "bankrupt_bar", "bars_processed", "next_number",
)  # fmt: skip


def assert_same(compiled: admf.Result, events: admf.Result) -> None:
    first, second = tables(compiled), tables(events)
    for name in first:
        assert first[name] == second[name], name
    assert compiled.trace_hash == events.trace_hash
    assert repr(compiled.metrics) == repr(events.metrics)


def by_bus(case: Case, *, debug: bool = False) -> tuple[admf.Result, admf.Result]:
    """A case as a script in the compiled loop, and the same rows sent by a strategy on the bus."""
    bars = case.market()
    execution, account = admf.Execution(**case.execution), admf.Account(**case.account)
    script = read_orders(case.orders, bars)
    compiled = admf.simulate(
        bars, case.orders, execution=execution, account=account, close_positions=case.close_positions
    )
    broker = {"execution": execution, "close_positions": case.close_positions, "debug": debug}
    events = run_strategy(bars, player(script), broker=broker, portfolio={"account": account})
    return compiled, events


@given(case=cases())
@settings(max_examples=examples(60))
def test_random_cases_are_the_same_on_the_bus(case: Case) -> None:
    try:
        compiled, events = by_bus(case)
    except (OrderError, ConfigError) as error:  # the door refused it
        assume(False)
        raise AssertionError from error
    assume(compiled.metrics["bankrupt_bar"] is None)  # a script goes on, a strategy is not called again
    assert_same(compiled, events)


@given(case=cases(bars_max=6))
@settings(max_examples=examples(15))
def test_random_cases_are_the_same_in_plain_python(case: Case) -> None:
    try:
        compiled, events = by_bus(case, debug=True)
    except (OrderError, ConfigError) as error:
        assume(False)
        raise AssertionError from error
    assume(compiled.metrics["bankrupt_bar"] is None)
    assert_same(compiled, events)


# -------------------------------------------------------------------------------------------------- the same strategy


class Trader(admf.CompiledStrategy):
    """Acts by a counter-based draw: buys, sells, brackets, cancels, replaces, and reacts to fills."""

    seed: int = 0
    every: int = 3
    _last: int = -1
    _state: int = 1
    _protect: int = -1

    def on_fill(self, ctx, fill):
        if fill.side > 0 and self._protect < 0:
            self._protect = ctx.sell(fill.quantity, stop=fill.price * 0.99, reduce_only=True)

    def on_bar(self, ctx):
        if self._protect >= 0 and not ctx.is_working(self._protect):
            self._protect = -1
        self._state = (self._state * 1103515245 + 12345 + self.seed) % 2147483648
        draw = (self._state // 65536) % 8
        if ctx.bar % self.every != 0:
            return
        if draw == 0:
            self._last = ctx.buy(5.0)
        elif draw == 1:
            self._last = ctx.sell(4.0, limit=ctx.close() * 1.001)
        elif draw == 2:
            self._last = ctx.bracket(1, 3.0, ctx.close() * 0.995, ctx.close() * 1.004, limit=ctx.close() * 0.999)
        elif draw == 3:
            ctx.close_position()
        elif draw == 4:
            ctx.cancel_all()
        elif draw == 5 and ctx.is_working(self._last):
            ctx.replace(self._last, quantity=2.0)
        elif draw == 6 and ctx.position() == 0.0:
            self._last = ctx.buy_equity(0.25)
        elif ctx.equity() > ctx.highest(5) * 100.0 and ctx.working() < 3:
            self._last = ctx.sell(1.0, stop=ctx.lowest(4) * 0.999)


class TraderEvents(EventStrategy):
    """`Trader` on the bus."""

    seed: int = 0
    every: int = 3

    def on_start(self) -> None:
        self.last = self.protect = -1
        self.state = 1

    def on_fill(self, fill: FillEvent) -> None:
        if fill.side > 0 and self.protect < 0:
            self.protect = self.sell(fill.quantity, stop=fill.price * 0.99, reduce_only=True)

    def on_bar(self, bar: BarEvent) -> None:
        if self.protect >= 0 and not self.is_working(self.protect):
            self.protect = -1
        self.state = (self.state * 1103515245 + 12345 + self.seed) % 2147483648
        draw = (self.state // 65536) % 8
        if bar.bar % self.every != 0:
            return
        close = bar.close
        if draw == 0:
            self.last = self.buy(5.0)
        elif draw == 1:
            self.last = self.sell(4.0, limit=close * 1.001)
        elif draw == 2:
            self.last = self.bracket(1, 3.0, close * 0.995, close * 1.004, limit=close * 0.999)
        elif draw == 3:
            self.close_position()
        elif draw == 4:
            self.cancel_all()
        elif draw == 5 and self.is_working(self.last):
            self.replace(self.last, quantity=2.0)
        elif draw == 6 and self.position() == 0.0:
            self.last = self.buy_equity(0.25)
        elif self.equity() > self.highest(5) * 100.0 and self.working() < 3:
            self.last = self.sell(1.0, stop=self.lowest(4) * 0.999)


LIMITS = st.sampled_from([{}, {"max_position_size": 6.0}, {"max_portfolio_heat": 0.01}, {
    "max_position_size": 4.0, "max_portfolio_heat": 0.02,
}, {
    "max_drawdown": 0.001, "cool_down_bars": 20, "max_session_orders": 9, "price_collar": 0.02, "short": False,
}])  # fmt: skip
RULES = st.sampled_from([
    {},
    {"slippage": admf.slippage.bps(3.0), "commission": admf.commission.per_share(0.01, minimum=1.0)},
    {"market_fill": "same_close"},
    {"market_fill": "next_close", "latency_bars": 2},
    {"volume_limit": 0.001, "path": "best", "cash_fill": "resize_down"},
])  # fmt: skip


@given(
    seed=st.integers(0, 10**6), every=st.integers(1, 40), rules=RULES, limits=LIMITS,
    cash=st.sampled_from([300.0, 5_000.0, 100_000.0]),
)  # fmt: skip
@settings(max_examples=examples(25))
def test_a_strategy_written_twice_trades_the_same(
    seed: int, every: int, rules: dict[str, Any], limits: dict[str, float], cash: float
) -> None:
    bars, execution, account = market(400, seed % 7), admf.Execution(**rules), admf.Account(cash=cash)
    compiled = admf.backtest(
        bars, Trader(seed=seed, every=every), execution=execution, account=account, risk=admf.Risk(**limits)
    )
    events = run_strategy(
        bars,
        TraderEvents,
        params={"seed": seed, "every": every},
        broker={"execution": execution},
        portfolio={"account": account},
        risk_manager=limits,
    )
    assert_same(compiled, events)


class Wild(admf.CompiledStrategy):
    """Market and limit orders of either side, none of which only reduces."""

    seed: int = 0
    _state: int = 1

    def on_bar(self, ctx):
        for _ in range(2):
            self._state = (self._state * 1103515245 + 12345 + self.seed) % 2147483648
            draw = (self._state // 65536) % 6
            size = 1.0 + (self._state // 1024) % 7
            if draw == 0:
                ctx.buy(size)
            elif draw == 1:
                ctx.sell(size)
            elif draw == 2:
                ctx.buy(size, limit=ctx.close() * 0.9995)
            elif draw == 3:
                ctx.sell(size, limit=ctx.close() * 1.0005)
            elif draw == 4:
                ctx.cancel_all()


@pytest.mark.parametrize("seed", range(6))
def test_no_order_of_events_takes_a_position_beyond_its_limit(seed: int) -> None:
    bars = market(500, seed)
    free = admf.backtest(bars, Wild(seed=seed))
    limited = admf.backtest(bars, Wild(seed=seed), risk=admf.Risk(max_position_size=6.0))
    for result, within in ((free, False), (limited, True)):
        held = np.cumsum(result.records.fills["quantity"] * result.records.fills["side"])
        assert (np.abs(held).max() <= 6.0) == within
    assert limited.metrics["fills"] > 50


def test_the_trader_trades() -> None:
    """Idle strategies would make the test above pass."""
    result = admf.backtest(market(400), Trader(every=2))
    assert result.metrics["fills"] > 20
    assert result.metrics["orders_cancelled"] > 5


def test_limits_cut_and_refuse() -> None:
    """What is left of an order, and a REJECTED one of which nothing is."""
    bars = market(60)

    class Piling(admf.CompiledStrategy):
        def on_bar(self, ctx):
            if ctx.bar < 5:
                ctx.buy(4.0)

    result = admf.backtest(bars, Piling(), risk=admf.Risk(max_position_size=10.0), close_positions=False)
    assert result.orders["quantity"].to_list() == [4.0, 4.0, 2.0, 0.0, 0.0]
    assert result.orders["status"].to_list() == ["FILLED", "FILLED", "FILLED", "REJECTED", "REJECTED"]
    assert result.orders["reason"].to_list()[3:] == ["RISK_LIMIT", "RISK_LIMIT"]
    submitted = result.transitions.filter(event="SUBMIT")["reason"].to_list()
    assert submitted == ["NONE", "NONE", "RISK_LIMIT", "RISK_LIMIT", "RISK_LIMIT"]
    events = run_strategy(
        bars, PilingEvents, risk_manager={"max_position_size": 10.0}, broker={"close_positions": False}
    )
    assert events.transitions.equals(result.transitions)
    lots = admf.Instrument("SYM", lot_size=3.0)
    whole = admf.backtest(bars, Piling(), risk=admf.Risk(max_position_size=5.0), instruments=[lots])
    assert whole.orders["reason"].to_list()[1] == "RISK_LIMIT"  # what is left of it is less than a lot
    heat = admf.backtest(bars, Piling(), risk=admf.Risk(max_portfolio_heat=0.01), close_positions=False)
    price = float(bars.arrays.close[0, 0])
    assert heat.orders["quantity"][0] == min(4.0, 0.01 * 100_000.0 / price)
    assert heat.metrics["orders_rejected"] > 0
    worth = heat.positions["quantity"][0] * bars.arrays.close[:6, 0].max()
    assert worth <= 0.0105 * 100_000.0


class PilingEvents(EventStrategy):
    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar < 5:
            self.buy(4.0)


class Plunge(admf.CompiledStrategy):
    """Sells short and waits."""

    def on_bar(self, ctx):
        if ctx.bar == 3:
            ctx.sell(9.0)
        if ctx.bar > 3 and ctx.position() == 0.0:
            ctx.buy(1.0)


class PlungeEvents(EventStrategy):
    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar == 3:
            self.sell(9.0)
        if bar.bar > 3 and self.position() == 0.0:
            self.buy(1.0)


@pytest.mark.parametrize("rise_bar", [6, 70, 400, 3_000])
def test_a_bankruptcy_in_a_quiet_stretch_is_found_on_its_bar(rise_bar: int) -> None:
    """A-08: the engine looks ahead in stretches of 64, 128, … bars; the strategy hears nothing of it."""
    close = np.full(rise_bar + 50, 100.0)
    close[rise_bar:] = 350.0
    bars = admf.Market([admf.Bars({"open": close, "high": close, "low": close, "close": close})])
    account = admf.Account(cash=2_000.0, margin_initial=0.5)
    compiled = admf.backtest(bars, Plunge(), account=account)
    events = run_strategy(bars, PlungeEvents, portfolio={"account": account})
    assert compiled.metrics["bankrupt_bar"] == rise_bar
    assert_same(compiled, events)


# -------------------------------------------------------------------------------------------------------- the example


def test_the_example_trades_the_same_compiled_and_on_the_bus() -> None:
    """MODULE.md's backtest from YAML through the coordinator: equal fills, equal event logs."""
    coordinator = BacktestCoordinator()
    compiled = coordinator.run_backtest(ROOT / "configs" / "trend_following.yaml")
    events = coordinator.run_backtest(ROOT / "configs" / "trend_following_events.yaml")
    assert compiled.metrics["trades"] > 100
    assert_same(compiled, events)
    assert compiled.event_hash == events.event_hash
    assert len(compiled.event_log) > 20_000


CALLED = Case(  # an order of the engine lies between two of the strategy's
    bars=[[(7.0, 7.0, 7.0, 7.0, 0.0)] * 9 + [(7.0, 9.5, 7.0, 7.0, 5.0)]],
    orders=[
        {"bar": 0, "side": "sell", "type": "market", "size_kind": "value", "size": 150.0},
        {"bar": 9, "side": "buy", "type": "market", "quantity": 1.0},
    ],
    execution={"cash_submit": "none", "cash_fill": "none"},
    account={"cash": 100.0, "margin_maintenance": 0.5},
)


@example(CALLED)
@given(case=cases())
@settings(max_examples=examples(60))
def test_the_event_log_of_records_is_that_of_the_bus(case: Case) -> None:
    assume(case.execution.get("last_bar") != "fill_at_close")  # P4 and P7 of one bar cannot be told apart
    bars = case.market()
    try:
        script = read_orders(case.orders, bars)
        execution, account = admf.Execution(**case.execution), admf.Account(**case.account)
        compiled = admf.simulate(
            bars, case.orders, execution=execution, account=account, close_positions=case.close_positions
        )
    except (OrderError, ConfigError):
        assume(False)
    assume(compiled.metrics["bankrupt_bar"] is None)
    log = logged(bars, script, case)
    assert event_hash(rows_of_records(compiled.records)) == event_hash(log), first_difference(compiled, log)


def logged(bars: admf.Market, script: Any, case: Case) -> Any:
    from admf.container import ContainerFactory
    from containers.support import run, specs

    execution, account = admf.Execution(**case.execution), admf.Account(**case.account)
    parts = specs(
        player(script),
        broker={"execution": execution, "close_positions": case.close_positions},
        portfolio={"account": account},
    )
    with ContainerFactory({"market_data": bars}).create(parts) as container:
        container.initialize_scope()
        container.event_bus.log = []
        container.start()
        run(container)
        return rows_of_bus(container.event_bus.log)


def first_difference(compiled: admf.Result, log: Any) -> str:
    rows = rows_of_records(compiled.records)
    for index, (one, other) in enumerate(zip(rows, log, strict=False)):
        if one != other:
            return f"{index}: records {one}, bus {other}"
    return f"{len(rows)} and {len(log)} rows"


def test_twins_have_the_same_parameters() -> None:
    assert TrendFollowingStrategy().parameters == TrendFollowingEvents().parameters
