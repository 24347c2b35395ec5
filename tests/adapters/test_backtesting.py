"""backtesting.py's strategies on this core: the trades of the package itself, on its own bars."""

import warnings
from typing import Any

import numpy as np
import pytest

import admf
from admf.errors import AdmfError, ConfigError, DataError

backtesting = pytest.importorskip("backtesting", reason="pip install admf-engine[backtesting]")

from backtesting.lib import SignalStrategy, TrailingStrategy, crossover  # noqa: E402
from backtesting.test import EURUSD, GOOG, SMA  # noqa: E402

from admf.adapters.backtesting import Backtest  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),  # of open trades and refused orders
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # the package's own, of pandas
]
backtesting.backtesting._tqdm = lambda bars, **_: bars  # no progress bar in the log
EXACT = ("Size", "EntryBar", "ExitBar", "EntryPrice", "ExitPrice")


class SmaCross(backtesting.Strategy):
    """The example of the package's front page."""

    n1, n2 = 10, 20

    def init(self) -> None:
        self.sma1 = self.I(SMA, self.data.Close, self.n1)
        self.sma2 = self.I(SMA, self.data.Close, self.n2)

    def next(self) -> None:
        if crossover(self.sma1, self.sma2):
            self.position.close()
            self.buy()
        elif crossover(self.sma2, self.sma1):
            self.position.close()
            self.sell()


class Sma4Cross(backtesting.Strategy):
    """The example of its guide to optimisation."""

    n1, n2, n_enter, n_exit = 50, 100, 20, 10

    def init(self) -> None:
        close = self.data.Close
        self.sma1, self.sma2 = self.I(SMA, close, self.n1), self.I(SMA, close, self.n2)
        self.sma_enter, self.sma_exit = self.I(SMA, close, self.n_enter), self.I(SMA, close, self.n_exit)

    def next(self) -> None:
        if not self.position:
            if self.sma1 > self.sma2 and crossover(self.data.Close, self.sma_enter):
                self.buy()
            elif self.sma1 < self.sma2 and crossover(self.sma_enter, self.data.Close):
                self.sell()
        elif (self.position.is_long and crossover(self.sma_exit, self.data.Close)) or (
            self.position.is_short and crossover(self.data.Close, self.sma_exit)
        ):
            self.position.close()


class Trailing(SignalStrategy, TrailingStrategy):
    """The example of its guide to composable strategies: signals, and a stop that follows the range."""

    n1, n2 = 10, 25

    def init(self) -> None:
        super().init()
        sma1, sma2 = self.I(SMA, self.data.Close, self.n1), self.I(SMA, self.data.Close, self.n2)
        signal = np.sign(np.diff((sma1 > sma2).astype(int), prepend=0)).clip(min=0)
        self.set_signal(entry_size=signal * 0.95)
        self.set_atr_periods(20)
        self.set_trailing_sl(2)


class Brackets(backtesting.Strategy):
    """A limit below the market with a stop and a target, in whole units; orders are taken back."""

    def init(self) -> None:
        pass

    def next(self) -> None:
        price, bar = float(self.data.Close[-1]), len(self.data)
        if bar % 5 == 0 and not self.position:
            for order in self.orders:
                order.cancel()
            self.buy(size=10, limit=price * 0.99, sl=price * 0.95, tp=price * 1.04)
        elif bar % 17 == 0 and self.position and self.trades[0].sl:
            self.trades[0].sl = price * 0.97
        elif bar % 23 == 0 and self.position:
            self.position.close(0.5)


class Stops(backtesting.Strategy):
    """Entries by stop on both sides, with a stop-loss at the market order's fill."""

    def init(self) -> None:
        pass

    def next(self) -> None:
        price, bar = float(self.data.Close[-1]), len(self.data)
        if bar % 7 == 0 and not self.position:
            for order in self.orders:
                order.cancel()
            if bar % 2:
                self.buy(size=7, stop=price * 1.02)
            else:
                self.sell(size=7, stop=price * 0.98)
        elif bar % 7 == 3 and self.position:
            self.position.close()
        elif bar % 7 == 5 and not self.position and not self.orders:
            self.buy(size=5, sl=price * 0.97, tp=price * 1.03)


class Hedged(backtesting.Strategy):
    """Longs and shorts at once, closed by themselves, in part, by their exits, and all together."""

    size: float = 6

    def init(self) -> None:
        pass

    def next(self) -> None:
        price, bar = float(self.data.Close[-1]), len(self.data)
        if bar % 11 == 0:
            self.buy(size=self.size, sl=price * 0.96, tp=price * 1.05)
        if bar % 13 == 0:
            self.sell(size=self.size, sl=price * 1.05)
        if bar % 29 == 0:
            self.sell(size=self.size, limit=price * 1.01)
        if bar % 7 == 0 and len(self.trades) > 2:
            self.trades[0].close(0.5)
            self.trades[-1].close()
        if bar % 101 == 0:
            self.position.close()


def both(strategy: type, data: Any = GOOG, **options: Any) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = backtesting.Backtest(data, strategy, **options).run()
        return theirs, Backtest(data, strategy, **options).run()


CASES: list[tuple[type, dict[str, Any]]] = [
    (SmaCross, {}),
    (SmaCross, {"commission": 0.002}),
    (SmaCross, {"commission": 0.002, "exclusive_orders": True}),
    (SmaCross, {"margin": 0.5, "finalize_trades": True}),
    (SmaCross, {"trade_on_close": True}),
    (Sma4Cross, {"commission": 0.002}),
    (Trailing, {"commission": 0.002}),
    (Brackets, {"cash": 100_000}),
    (Stops, {"cash": 100_000, "commission": 0.001}),
    (Hedged, {"cash": 100_000, "hedging": True}),
    (Hedged, {"cash": 100_000, "hedging": True, "commission": 0.002, "margin": 0.5, "finalize_trades": True}),
]


@pytest.mark.parametrize(("strategy", "options"), CASES)
def test_trades_are_those_of_the_package(strategy: type, options: dict[str, Any]) -> None:
    theirs, ours = both(strategy, **options)
    expected, found = theirs._trades, ours._trades
    assert len(expected) == len(found) > 10
    for column in EXACT:
        np.testing.assert_array_equal(found[column], expected[column], err_msg=column)
    for column in ("PnL", "ReturnPct", "Commission"):
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-9, atol=1e-9, err_msg=column)
    np.testing.assert_allclose(ours._equity_curve["Equity"], theirs._equity_curve["Equity"], rtol=1e-12)
    assert ours["# Trades"] == theirs["# Trades"]
    assert ours["Sharpe Ratio"] == pytest.approx(theirs["Sharpe Ratio"], rel=1e-9)


def test_a_share_of_the_equity_beside_open_trades_is_taken_without_looking_ahead() -> None:
    class Shares(Hedged):
        size = 0.3

    theirs, ours = both(Shares, cash=100_000, hedging=True, margin=0.2)
    first, entry = 1_485, GOOG.Open.iloc[11]
    for trades, mark in ((theirs._trades, GOOG.Close.iloc[13]), (ours._trades, GOOG.Close.iloc[12])):
        free = 100_000 + first * (mark - entry) - first * mark * 0.2
        sizes = trades.sort_values("EntryBar")["Size"].to_list()
        assert sizes[:2] == [first, -(free / 0.2 * 0.3 // GOOG.Open.iloc[13])]


def test_a_spread_costs_the_same_up_to_rounding() -> None:
    theirs, ours = both(SmaCross, spread=0.001)
    for column in ("Size", "EntryBar", "ExitBar", "ExitPrice"):
        np.testing.assert_array_equal(ours._trades[column], theirs._trades[column])
    np.testing.assert_allclose(ours._trades["EntryPrice"], theirs._trades["EntryPrice"], rtol=1e-15)


def test_other_rules_for_the_same_strategy_say_what_changes() -> None:
    rules = admf.Execution(slippage=admf.slippage.bps(2.0), commission=admf.commission.bps(5.0))
    theirs = backtesting.Backtest(GOOG, SmaCross, commission=0.0005).run()
    ours = Backtest(GOOG, SmaCross, execution=rules, finalize_trades=True).run()
    assert len(ours._trades) == len(theirs._trades) + 1  # the last one, at the last close
    entry = theirs._trades["EntryPrice"].to_numpy()
    assert (np.sign(ours._trades["EntryPrice"][:-1] - entry) == np.sign(theirs._trades["Size"])).mean() > 0.95
    assert ours._trades["ExitPrice"].iloc[-1] == pytest.approx(GOOG.Close.iloc[-1], rel=1e-3)


def test_optimisation_and_intraday_bars_go_through_the_core() -> None:
    best = Backtest(EURUSD.iloc[:1_000], SmaCross, cash=100_000, margin=0.02).optimize(n1=[5, 10], n2=[20, 30])
    assert best["# Trades"] > 5
    theirs, ours = both(SmaCross, EURUSD.iloc[:2_000], cash=100_000, margin=0.02)
    np.testing.assert_array_equal(ours._trades["ExitPrice"], theirs._trades["ExitPrice"])


def test_what_the_core_cannot_do_is_refused_with_words() -> None:
    with pytest.raises(ConfigError, match=r"commission.law"):
        Backtest(GOOG, SmaCross, commission=lambda size, price: 1.0)
    broken = GOOG.iloc[:100].copy()
    broken.loc[broken.index[5], "High"] = 1.0
    with pytest.raises(DataError, match=r"outside_range|high_below_low"):
        Backtest(broken, SmaCross)
    assert issubclass(ConfigError, AdmfError)
