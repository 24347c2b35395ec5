"""Many symbols in one account: rankings, targets, history through splits, and the single run among idle symbols."""

from math import isnan, nan
from random import Random
from typing import Any

import numpy as np
import pytest

import admf
from admf_kernels import portfolio
from admf_kernels.codes import ActionKind
from admf_kernels.context import make_context
from admf_kernels.records import position_dt
from oracle.portfolio import adjusted_close, order_for, ranking


@pytest.mark.parametrize("count", [0, 1, 2, 7, 64, 300])
def test_a_ranking_is_a_sort(count: int) -> None:
    """D-07: ties go to the lower symbol, NaN is no score."""
    rng = Random(count)
    positions = np.zeros(count, position_dt)
    scores = [rng.choice((nan, float(rng.randrange(10)), rng.random())) for _ in range(count)]
    positions["score"] = scores
    found = portfolio.rank_scores(positions)
    assert positions["ranked"][:found].tolist() == ranking(scores)


def panel(symbols: int, bars: int, **more: Any) -> admf.Market:
    """Daily bars of several symbols, the last one shorter than the others."""
    made = [admf.generate(bars=bars, seed=seed, frequency="1d", symbol=f"S{seed}") for seed in range(symbols)]
    made[-1] = admf.Bars(made[-1].frame.head(bars * 3 // 4), made[-1].symbol)
    return admf.Market(made, **more)


class Rotate(admf.CompiledStrategy):
    """Every fifth bar the two that have risen most, and a note of what was seen for the test."""

    orders_per_bar_max = 64
    _seen: float = 0.0

    def on_bar(self, ctx):
        if ctx.bar % 5 != 4:
            return
        for symbol in range(ctx.symbols()):
            if ctx.trades(symbol):
                ctx.score(ctx.adjusted_close(0, symbol) / ctx.adjusted_close(4, symbol), symbol)
        count = min(ctx.rank(), 2)
        for place in range(count):
            ctx.score(0.45, ctx.ranked(place))
        for symbol in range(ctx.symbols()):
            weight = ctx.scored(symbol)
            ctx.target_weight(weight if weight == weight else 0.0, symbol)
        ctx.forget_scores()


RULES = admf.Execution(cash_submit="none", cash_fill="resize_down")


def test_targets_and_ranking_by_hand() -> None:
    """D-07, D-08, D-09: the orders of every fifth bar are those that a naive reading sends."""
    stamps = panel(5, 80).arrays.timestamp.astype("datetime64[ns]")
    actions = [
        {"symbol": "S1", "timestamp": stamps[bar], "split_ratio": ratio} for bar, ratio in ((12, 2.0), (33, 0.5))
    ]
    market = panel(5, 80, actions=actions)
    lots = [admf.Instrument(symbol, lot_size=1.0) for symbol in market.symbols]
    result = admf.backtest(market, Rotate(), execution=RULES, instruments=lots, close_positions=False, debug=True)
    closes, flags, equity = market.arrays.close, market.arrays.flags, result.equity["equity"].to_list()
    held, sent = [0.0] * 5, []
    fills = list(result.records.fills)
    given = market.actions(accrued=False)
    splits = {row["bar"].item(): float(row["value"]) for row in given if row["kind"] == ActionKind.SPLIT}
    for bar in range(80):
        if bar in splits:
            held[1] *= splits[bar]
        for fill in fills:
            if fill["bar"] == bar:
                held[fill["symbol"]] += float(fill["side"] * fill["quantity"])
        if bar % 5 != 4:
            continue
        scores = [nan] * 5
        for symbol in range(5):
            if flags[bar, symbol] & 1:
                own = sorted(splits.items()) if symbol == 1 else []
                column = closes[:, symbol].tolist()
                scores[symbol] = adjusted_close(column, own, bar, 0) / adjusted_close(column, own, bar, 4)
        best = ranking(scores)[:2]
        for symbol in range(5):
            if market.actions(accrued=False)["bar"][-1] <= bar and symbol == 4:
                continue  # delisted
            weight = 0.45 if symbol in best else 0.0
            change = order_for(weight * equity[bar] / closes[bar, symbol], held[symbol], 1.0)
            if change != 0.0:
                sent.append((bar, symbol, float(np.sign(change)), abs(change)))
    orders = [
        (row["submitted_bar"], row["symbol"], float(row["side"]), float(row["quantity"]))
        for row in result.records.orders
        if row["eligible_bar"] > row["submitted_bar"]  # not that of the delisting
    ]
    assert [order[:3] for order in orders] == [order[:3] for order in sent]
    assert len(sent) > 20


def test_compiled_and_stepped_agree() -> None:
    market = panel(5, 80)
    compiled = admf.backtest(market, Rotate(), execution=RULES)
    stepped = admf.backtest(market, Rotate(), execution=RULES, debug=True)
    assert compiled.trace_hash == stepped.trace_hash
    assert compiled.metrics["fills"] > 20


class Cross(admf.CompiledStrategy):
    """Averages of the first symbol alone."""

    _fast: float = 0.0
    _slow: float = 0.0

    def on_bar(self, ctx):
        self._fast = ctx.ema(self._fast, 5)
        self._slow = ctx.ema(self._slow, 20)
        if ctx.position() == 0.0 and self._fast > self._slow:
            ctx.bracket(1, 50.0, stop_loss=ctx.close() * 0.97, take_profit=ctx.close() * 1.05)


def test_one_active_symbol_among_idle_ones_is_the_single_run() -> None:
    """The same bits: fills, orders, equity of every bar, and figures."""
    bars = [admf.generate(bars=300, seed=seed, frequency="1d", symbol=f"S{seed}") for seed in range(4)]
    alone = admf.backtest(admf.Market(bars[0]), Cross())
    among = admf.backtest(admf.Market(bars), Cross())
    assert alone.metrics["fills"] > 10
    for name in ("fills", "orders", "transitions", "trades", "curve"):
        assert str(getattr(alone.records, name).tolist()) == str(getattr(among.records, name).tolist()), name
    same = ("final_equity", "sharpe", "max_drawdown", "exposure", "turnover", "commission")
    assert [alone.metrics[name] for name in same] == [among.metrics[name] for name in same]


def test_a_target_without_a_price_is_no_order() -> None:
    """D-09: before the first bar of a symbol, after its last one, and for a symbol that is not there."""
    later = admf.Bars(admf.generate(bars=10, seed=1, frequency="1d", symbol="B").frame.tail(5), "B")
    market = admf.Market([admf.generate(bars=10, seed=0, frequency="1d", symbol="A"), later])

    class Early(admf.CompiledStrategy):
        def on_bar(self, ctx):
            if ctx.bar == 1:
                ctx.target(5.0, 0)
                ctx.target(5.0, 1)
                ctx.target(5.0, 7)
                ctx.target(-5.0, -1)

    result = admf.backtest(market, Early(), debug=True, close_positions=False)
    assert result.orders["symbol"].to_list() == ["A"]


def test_history_before_the_first_bar_is_not_a_number() -> None:
    market = panel(2, 10)
    context = make_context(3, market.arrays, None)
    assert isnan(context.adjusted_close(4, 0))
    assert context.adjusted_close(3, 0) == market.arrays.close[0, 0]


LIBRARY = [
    admf.strategies.MomentumRotation(lookback=20, skip=2, top=2),
    admf.strategies.Pairs(period=10, entry=1.5),
    admf.strategies.BuyAndHold(fraction=0.9),
]


@pytest.mark.parametrize("strategy", LIBRARY, ids=lambda strategy: type(strategy).__name__)
def test_strategies_of_many_symbols_stepped_and_compiled(strategy: admf.CompiledStrategy) -> None:
    market = panel(5, 120)
    compiled = admf.backtest(market, strategy, execution=RULES)
    stepped = admf.backtest(market, strategy, execution=RULES, debug=True)
    assert compiled.trace_hash == stepped.trace_hash
    assert compiled.metrics["fills"] >= 5
    assert compiled.metrics["orders_rejected"] <= 1


def test_a_strategy_of_two_symbols_needs_two() -> None:
    with pytest.raises(admf.AdmfError, match="Pairs trades 2 symbols; found '1 symbol: S0'; allowed: 2 or more"):
        admf.backtest(panel(1, 20), admf.strategies.Pairs())
