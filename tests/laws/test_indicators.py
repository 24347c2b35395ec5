"""I-01 to I-05: worked numbers, and what strategies see."""

import math
import random

import pytest

import admf
from admf_kernels import context
from oracle import indicators
from oracle.records import Bar

CLOSES = [10.0, 11.0, 10.5, 12.0, 11.0]
NAN = math.nan


def same(found: list[float], wanted: list[float]) -> bool:
    return [str(value) for value in found] == [str(value) for value in wanted]


def test_sma_by_hand() -> None:
    """I-01: (10 + 11 + 10.5)/3, (11 + 10.5 + 12)/3, (10.5 + 12 + 11)/3."""
    assert same(indicators.sma(CLOSES, 3), [NAN, NAN, 31.5 / 3.0, 33.5 / 3.0, 33.5 / 3.0])


def test_ema_by_hand() -> None:
    """I-02: n = 3 weighs ½: 10, 10.5, 10.5, 11.25, 11.125."""
    assert indicators.ema(CLOSES, 3) == [10.0, 10.5, 10.5, 11.25, 11.125]


def test_rsi_by_hand() -> None:
    """I-03: changes 1, −0.5, 1.5, −1; n = 2: gains 0.5, 1, 0.5; losses 0.25, 0.125, 0.5625."""
    found = indicators.rsi(CLOSES, 2)
    assert same(found[:2], [NAN, NAN])
    assert found[2:] == [
        100.0 - 100.0 / (1.0 + gain / loss) for gain, loss in ((0.5, 0.25), (1.0, 0.125), (0.5, 0.5625))
    ]
    assert indicators.rsi([1.0, 2.0, 3.0], 2)[2] == 100.0
    assert indicators.rsi([1.0, 1.0, 1.0], 2)[2] == 50.0


def test_atr_by_hand() -> None:
    """I-04: ranges 2, max(12, 10) − min(11, 10) = 2, max(9, 11) − min(8, 11) = 3; n = 2: 2, then (2 + 3)/2."""
    bars = [Bar(10.0, 11.0, 9.0, 10.0), Bar(11.0, 12.0, 11.0, 11.0), Bar(9.0, 9.0, 8.0, 8.5)]
    assert same(indicators.atr(bars, 2), [NAN, 2.0, 2.5])


def test_extremes_by_hand() -> None:
    """I-05."""
    assert same(indicators.highest(CLOSES, 2), [NAN, 11.0, 11.0, 12.0, 12.0])
    assert same(indicators.lowest(CLOSES, 2), [NAN, 10.0, 10.5, 10.5, 11.0])


class Watcher(admf.CompiledStrategy):
    """Sends one order a bar whose numbers are the indicators, so that the log shows them."""

    period: int = 3
    _sum: float = 0.0

    def on_bar(self, ctx):
        self._sum = ctx.rolling_sum(self._sum, self.period)
        top, bottom = ctx.highest(self.period), ctx.lowest(self.period)
        if ctx.bar >= self.period - 1:
            ctx.buy(self._sum, limit=bottom, stop=top)


@pytest.mark.parametrize("debug", [pytest.param(False, marks=pytest.mark.compiled), True])
def test_what_a_strategy_sees(debug: bool) -> None:
    """I-01, I-05: across a multiple of 1024, where the sum is made afresh, bit for bit."""
    assert context.REFRESH_BARS == indicators.REFRESH == 1024
    rng = random.Random(5)
    count, period = 1_050 if not debug else 60, 7
    closes = [rng.uniform(1.0, 2.0) for _ in range(count)]
    highs, lows = [close + rng.random() for close in closes], [close - rng.random() for close in closes]
    bars = {"open": closes, "high": highs, "low": lows, "close": closes}
    result = admf.backtest(bars, Watcher(period=period), debug=debug, execution=admf.Execution(cash_submit="none"))
    orders = result.records.orders[: count - period + 1]
    assert orders["quantity"].tolist() == indicators.rolling_sums(closes, period)[period - 1 :]
    assert orders["stop_price"].tolist() == indicators.highest(highs, period)[period - 1 :]
    assert orders["limit_price"].tolist() == indicators.lowest(lows, period)[period - 1 :]


class Follower(admf.CompiledStrategy):
    """As `Watcher`, with the indicators that smooth: I-02 in the quantity, I-03 in the limit, I-04 in the stop."""

    period: int = 3
    _ema: float = 0.0
    _gain: float = 0.0
    _loss: float = 0.0
    _atr: float = 0.0

    def on_bar(self, ctx):
        self._ema = ctx.ema(self._ema, self.period)
        self._gain = ctx.average_gain(self._gain, self.period)
        self._loss = ctx.average_loss(self._loss, self.period)
        self._atr = ctx.atr(self._atr, self.period)
        if ctx.bar >= self.period:
            ctx.buy(self._ema, limit=1.0 + ctx.rsi(self._gain, self._loss), stop=self._atr)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("period", [1, 2, 7])
def test_what_smooths(period: int, debug: bool) -> None:
    """I-02, I-03, I-04: bit for bit."""
    rng = random.Random(6)
    count = 60
    closes = [rng.choice([1.0, 1.25, rng.uniform(1.0, 2.0)]) for _ in range(count)]
    highs, lows = [close + rng.random() for close in closes], [close - 0.9 * rng.random() for close in closes]
    bars = {"open": closes, "high": highs, "low": lows, "close": closes}
    result = admf.backtest(bars, Follower(period=period), debug=debug, execution=admf.Execution(cash_submit="none"))
    orders = result.records.orders
    orders = orders[orders["tag"] == -1][: count - period]
    ranges = [Bar(close, high, low, close) for close, high, low in zip(closes, highs, lows, strict=True)]
    assert orders["quantity"].tolist() == indicators.ema(closes, period)[period:]
    assert orders["limit_price"].tolist() == [1.0 + value for value in indicators.rsi(closes, period)[period:]]
    assert orders["stop_price"].tolist() == indicators.atr(ranges, period)[period:]


@pytest.mark.parametrize("debug", [False, True])
def test_the_reversion_strategy_follows_the_rule(debug: bool) -> None:
    """I-03: it buys on the first bar whose RSI is below 30."""
    rng = random.Random(9)
    closes = [100.0]
    for _ in range(200):
        closes.append(closes[-1] * (1.0 + rng.uniform(-0.02, 0.02)))
    strengths = indicators.rsi(closes, 14)
    first = next(bar for bar, value in enumerate(strengths) if value < 30.0)
    bars = dict.fromkeys(("open", "high", "low", "close"), closes)
    result = admf.backtest(bars, admf.strategies.RsiReversion(), debug=debug)
    assert result.records.orders["submitted_bar"][0] == first
