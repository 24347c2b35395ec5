"""A strategy is a class: its parameters, its hooks, and what is refused with a message for people."""

import math

import numpy as np
import pytest

import admf
from admf.errors import CapacityError, ConfigError, StrategyError
from admf.strategies import REGISTRY, BracketScalper, DonchianBreakout, RsiReversion, SmaCross
from records_support import differing_fields
from user_laws import LAWS

BARS = 400
EXECUTION = admf.Execution(slippage=admf.slippage.bps(1.0), commission=admf.commission.bps(5.0))


@pytest.fixture(scope="module")
def market() -> admf.Market:
    return admf.Market([admf.generate(bars=BARS, seed=3)])


class Idle(admf.CompiledStrategy):
    def on_bar(self, ctx):
        pass


class Raises(admf.CompiledStrategy):
    def on_bar(self, ctx):
        if ctx.bar == 20:
            raise ValueError("boom at twenty")


class Returns(admf.CompiledStrategy):
    def on_bar(self, ctx):
        return 1.5


class Allocates(admf.CompiledStrategy):
    def on_bar(self, ctx):
        prices = [ctx.close(), ctx.open()]
        if prices[0] > prices[1]:
            ctx.buy(len(prices) * 1.0)


def _peek(ctx):
    return ctx.hidden_market.close[ctx.bar + 1, 0]


class LooksAhead(admf.CompiledStrategy):
    def on_bar(self, ctx):
        if _peek(ctx) > ctx.close():
            ctx.buy(1.0)


class UnknownField(admf.CompiledStrategy):
    def on_bar(self, ctx):
        self.total = 3.0


class UnknownMethod(admf.CompiledStrategy):
    def on_bar(self, ctx):
        ctx.closing()


class ManyOrders(admf.CompiledStrategy):
    orders_per_bar_max = 10

    def on_bar(self, ctx):
        for _ in range(11):
            ctx.buy(1.0, limit=1.0)


class Text(admf.CompiledStrategy):
    name: str = "x"

    def on_bar(self, ctx):
        pass


class NoDefault(admf.CompiledStrategy):
    period: int

    def on_bar(self, ctx):
        pass


class OnlyParameters(admf.CompiledStrategy):
    period: int = 3


class WrongArguments(admf.CompiledStrategy):
    def on_bar(self, ctx, extra):
        pass


class Follows(admf.CompiledStrategy):
    """Uses every hook, state of every type and an awkward name."""

    size: float = 3.0  # also the name of an attribute of NumPy's records
    patient: bool = True
    _fills: int = 0
    _started: bool = False

    def init(self, ctx):
        self._started = ctx.bar == -1
        ctx.buy(5.0)

    def on_bar(self, ctx):
        if self.patient and ctx.position() == 0.0 and ctx.bar % 7 == 0:
            ctx.buy(self.size)

    def on_fill(self, ctx, fill):
        self._fills += 1
        if fill.side > 0 and self._started:
            ctx.sell(fill.quantity, limit=fill.price * 1.001, stop=math.nan)


ONE_SYMBOL = [kind for name, kind in REGISTRY.items() if name not in ("Pairs", "MomentumRotation")]  # tests/portfolio


@pytest.mark.parametrize("kind", [*ONE_SYMBOL, Follows], ids=lambda kind: kind.__name__)
def test_stepping_a_strategy_gives_the_same_bits(kind: type[admf.CompiledStrategy], market: admf.Market) -> None:
    compiled = admf.backtest(market, kind(), execution=EXECUTION)
    stepped = admf.backtest(market, kind(), execution=EXECUTION, debug=True)
    assert stepped.trace_hash == compiled.trace_hash
    for name in ("orders", "fills", "transitions", "trades", "curve"):
        assert differing_fields(getattr(stepped.records, name), getattr(compiled.records, name)) == [], name
    assert differing_fields(stepped.records.account, compiled.records.account) == []
    assert len(compiled.fills) > 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Raises, ["Raises", "ValueError", "bar 20", "boom at twenty"]),
        (Returns, ["on_bar", "must return nothing"]),
        (LooksAhead, ["LooksAhead.on_bar", "later bars"]),
        (UnknownField, ["on_bar", "total"]),
        (UnknownMethod, ["on_bar", "closing"]),
        (Text, ["Text.name", "str", "int, float, bool"]),
        (NoDefault, ["NoDefault.period", "no default"]),
        (OnlyParameters, ["OnlyParameters", "define on_bar"]),
        (WrongArguments, ["WrongArguments.on_bar", "def on_bar(self, ctx)"]),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
@pytest.mark.parametrize("debug", [False, True], ids=["compiled", "stepped"])
def test_a_failing_strategy_gets_one_clear_error(
    kind: type[admf.CompiledStrategy], words: list[str], debug: bool, market: admf.Market
) -> None:
    with pytest.raises(StrategyError) as caught:
        admf.backtest(market, kind(), debug=debug)
    assert caught.value.exit_code == 1
    for word in words:
        assert word in str(caught.value)


def test_memory_may_not_be_allocated_in_the_loop(market: admf.Market) -> None:
    with pytest.raises(StrategyError, match="on_bar allocates memory"):
        admf.backtest(market, Allocates())


@pytest.mark.parametrize("debug", [False, True], ids=["compiled", "stepped"])
def test_too_many_orders_on_a_bar_are_a_capacity_error(debug: bool, market: admf.Market) -> None:
    with pytest.raises(CapacityError, match=r"bar 0 .*10 orders a bar.*orders_per_bar_max"):
        admf.backtest(market, ManyOrders(), debug=debug)


def test_parameters_are_checked_all_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        SmaCross(fasst=3, slow="x")
    assert "did you mean fast?" in str(caught.value)
    assert "slow: found 'x'; allowed: int" in str(caught.value)
    with pytest.raises(ConfigError, match="fast < slow"):
        SmaCross(fast=60)
    with pytest.raises(ConfigError, match="finite float"):
        RsiReversion(lower=math.nan)
    with pytest.raises(ConfigError, match="allowed: int"):
        DonchianBreakout(entry=True)


def test_parameters_and_state_are_told_apart() -> None:
    strategy = BracketScalper(quantity=5, patience=np.int64(3))
    assert strategy.parameters["quantity"] == 5.0
    assert isinstance(strategy.parameters["quantity"], float)
    assert "_entry" not in strategy.parameters
    assert "_entry" in strategy.record().dtype.names
    assert "quantity=5.0" in repr(strategy)


def test_a_run_leaves_the_instance_as_it_was(market: admf.Market) -> None:
    strategy = Follows()
    first = admf.backtest(market, strategy)
    assert admf.backtest(market, strategy).trace_hash == first.trace_hash
    assert strategy._fills == 0


def test_a_class_is_not_a_strategy(market: admf.Market) -> None:
    with pytest.raises(ConfigError, match="the class Idle"):
        admf.backtest(market, Idle)


def test_all_in_is_never_rejected(market: admf.Market) -> None:
    result = admf.backtest(market, SmaCross(fast=2, slow=5), execution=EXECUTION)
    assert result.metrics["orders_rejected"] == 0
    assert len(result.fills) > 20


@pytest.mark.parametrize("debug", [False, True], ids=["compiled", "stepped"])
def test_user_laws_price_the_fills(debug: bool, market: admf.Market) -> None:
    execution = admf.Execution(**LAWS, clamp="none")
    result = admf.simulate(market, {"bar": [3], "side": ["buy"], "quantity": [10.0]}, execution=execution, debug=debug)
    fill = result.fills.row(0, named=True)
    arrays = market.arrays
    open_, high, low = (float(getattr(arrays, name)[4, 0]) for name in ("open", "high", "low"))
    assert fill["base_price"] == open_
    assert fill["price"] == open_ + (high - low) * 10.0 / 100.0
    assert fill["commission"] == 1.0 + 10.0 * fill["price"] / 1000.0 - 5.0


@pytest.mark.parametrize("quantity", [1.0, 2.0, 7.0], ids=["negative slippage", "no number", "infinite commission"])
@pytest.mark.parametrize("debug", [False, True], ids=["compiled", "stepped"])
def test_a_law_that_gives_nonsense_ends_the_run(quantity: float, debug: bool, market: admf.Market) -> None:
    order = {"bar": [3], "side": ["buy"], "quantity": [quantity]}
    with pytest.raises(StrategyError, match="law of yours"):
        admf.simulate(market, order, execution=admf.Execution(**LAWS), debug=debug)
