"""Metrics: computed again from the frames, and the edges of the formulas."""

import math

import numpy as np
import polars as pl
import pytest

import admf
from admf.results.metrics import growth_rate, return_statistics
from results_support import busy_run, market_of, small_run

CLOSE = 1e-10  # relative; sums are formed in another order here


@pytest.fixture(scope="module")
def busy():
    return busy_run(close_positions=True)


@pytest.fixture(scope="module")
def daily():
    """Daily bars: a long trip that wins, a short and a long one that lose, and a position left open."""
    closes = 100.0 + 10.0 * np.sin(np.arange(120) / 7.0) + np.arange(120) * 0.05
    sent = [(33, "buy"), (55, "sell"), (77, "sell"), (95, "buy"), (100, "buy"), (110, "sell"), (112, "buy")]
    orders = [{"bar": bar, "side": side, "quantity": 100.0} for bar, side in sent]
    return small_run(market_of(list(closes)), orders)


def test_returns_are_those_of_the_equity_frame(busy, daily):
    """M-04."""
    for result in (busy, daily):
        metrics, equity = result.metrics, result.equity["equity"]
        assert metrics["final_equity"] == equity[-1]
        assert metrics["total_return"] == pytest.approx(equity[-1] / metrics["initial_equity"] - 1.0, rel=CLOSE)
        seconds = (result.equity["timestamp"][-1] - result.equity["timestamp"][0]).total_seconds()
        years = seconds / 86_400 / 365.25
        growth = (equity[-1] / metrics["initial_equity"]) ** (1.0 / years) - 1.0
        assert metrics["cagr"] == pytest.approx(growth, rel=CLOSE)


def test_drawdown_is_that_of_the_equity_frame(busy, daily):
    """M-03."""
    for result in (busy, daily):
        peak, worst = result.metrics["initial_equity"], 0.0
        for value in result.equity["equity"]:
            peak = max(peak, value)
            worst = max(worst, (peak - value) / peak)
        assert result.metrics["max_drawdown"] == worst == result.equity["drawdown"].max() > 0.001


def test_the_initial_equity_is_a_peak():
    """M-03: 10 units bought at 60 before the first close of 50."""
    account = admf.Account(cash=400.0, positions={"AAPL": (10.0, 60.0)})
    result = small_run(market_of([50, 55, 52]), [{"bar": 0, "side": "sell", "quantity": -1}], account=account)
    assert result.equity["equity"].to_list() == [900.0, 950.0, 920.0]
    assert result.equity["drawdown"].to_list() == [0.1, 0.05, 0.08]
    assert result.metrics["max_drawdown"] == 0.1


def sampled(result, by):
    """Returns from sample to sample: the last equity of each group, the first against the initial equity."""
    last = result.equity.group_by(by, maintain_order=True).last()["equity"].to_numpy()
    return np.diff(np.concatenate([[result.metrics["initial_equity"]], last])) / np.concatenate(
        [[result.metrics["initial_equity"]], last[:-1]]
    )


@pytest.mark.parametrize(("run", "by"), [("busy", pl.col("timestamp").dt.date()), ("daily", "bar")])
def test_risk_is_that_of_the_sampled_returns(run, by, request):
    """Minute bars are sampled by session, daily bars one by one (M-01, M-02); 252 and, with weekends, 365 a year."""
    result = request.getfixturevalue(run)
    returns, periods = sampled(result, by), {"busy": 252.0, "daily": 365.0}[run]
    downside = math.sqrt((np.minimum(returns, 0.0) ** 2).mean())
    metrics = result.metrics
    assert len(returns) == {"busy": 4, "daily": 120}[run]
    assert metrics["volatility"] == pytest.approx(returns.std(ddof=1) * math.sqrt(periods), rel=CLOSE)
    assert metrics["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(periods), rel=CLOSE)
    assert metrics["sortino"] == pytest.approx(returns.mean() / downside * math.sqrt(periods), rel=CLOSE)


def test_activity_is_that_of_the_fills(busy):
    """M-05: turnover; and what was paid."""
    metrics = busy.metrics
    multiplier = pl.when(pl.col("symbol") == "BETA").then(5.0).otherwise(1.0)
    sums = busy.fills.select(
        traded=(pl.col("quantity") * pl.col("price") * multiplier).sum(),
        commission=pl.col("commission").sum(),
        slippage=(pl.col("slippage") * pl.col("quantity") * multiplier).sum(),
    ).row(0, named=True)
    assert metrics["turnover"] == pytest.approx(sums["traded"] / busy.equity["equity"].mean(), rel=CLOSE)
    assert metrics["commission"] == pytest.approx(sums["commission"], rel=CLOSE)
    assert metrics["slippage_cost"] == pytest.approx(sums["slippage"], rel=CLOSE)
    assert metrics["fills"] == busy.fills.height > 100
    assert metrics["bars"] == busy.equity.height


def test_exposure_is_the_share_of_bars_that_end_with_a_position(daily):
    """M-05."""
    held = daily.equity["market_value"] != 0.0
    assert daily.metrics["exposure"] == held.sum() / held.len()
    assert 0.2 < daily.metrics["exposure"] < 0.8


def test_round_trips_are_those_of_the_trades_frame(busy, daily):
    """M-05."""
    for result in (busy, daily):
        pnl, metrics = result.trades["pnl"], result.metrics
        won, lost = pnl.filter(pnl > 0.0), pnl.filter(pnl <= 0.0)
        assert metrics["trades"] == pnl.len() > 2
        assert metrics["win_rate"] == won.len() / pnl.len()
        assert metrics["profit_factor"] == pytest.approx(won.sum() / -lost.sum(), rel=CLOSE)
        assert metrics["average_trade"] == pytest.approx(pnl.mean(), rel=CLOSE)
        assert 0 < won.len() < pnl.len()


def test_bad_bars_are_counted_and_the_first_one_named():
    closes = [50.0, 51.0, 52.0, math.nan, 54.0, math.nan, 56.0]
    good = market_of([50.0, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0])
    table = {name: getattr(good.arrays, name)[:, 0] for name in ("open", "high", "low")} | {"close": closes}
    market = admf.Market(admf.load(table, "AAPL", on_defect="keep"))
    metrics = small_run(market, [{"bar": 0, "side": "buy", "quantity": 1}]).metrics
    assert (metrics["bad_bars"], metrics["bad_bar_first"]) == (2, 3)
    assert small_run(good, [{"bar": 0, "side": "buy", "quantity": 1}]).metrics["bad_bar_first"] is None


def test_the_frame_lists_every_metric(busy):
    frame = busy.metrics_frame
    assert frame.schema == {"metric": pl.String, "value": pl.Float64}
    assert dict(frame.iter_rows()) == busy.metrics  # True is 1.0 here


def test_no_trades_have_no_ratio():
    metrics = small_run(market_of([50, 51, 52, 53]), [{"bar": 0, "side": "buy", "quantity": 1}]).metrics
    assert metrics["trades"] == 0
    assert all(math.isnan(metrics[name]) for name in ("win_rate", "profit_factor", "average_trade"))


def test_gains_alone_have_an_infinite_profit_factor():
    orders = [{"bar": 0, "side": "buy", "quantity": 1}, {"bar": 1, "side": "sell", "quantity": 1}]
    metrics = small_run(market_of([50, 51, 52, 53]), orders).metrics
    assert (metrics["trades"], metrics["win_rate"], metrics["profit_factor"]) == (1, 1.0, math.inf)


@pytest.mark.parametrize(
    ("growth", "years", "expected"),
    [(1.21, 2.0, 0.1), (0.5, 1.0, -0.5), (0.0, 1.0, math.nan), (-1.0, 1.0, math.nan), (1.1, 0.0, math.nan)],
)
def test_growth_by_year(growth, years, expected):
    assert growth_rate(growth, years) == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_growth_beyond_all_floats_is_infinite():
    assert growth_rate(2.0, 1e-6) == math.inf


def test_statistics_that_are_undefined_are_nan():
    assert all(math.isnan(value) for value in return_statistics(1, 0.1, 0.01, 0.0, 252.0))
    flat = return_statistics(10, 0.0, 0.0, 0.0, 252.0)
    assert flat[0] == 0.0
    assert math.isnan(flat[1])
    assert math.isnan(flat[2])
    volatility, sharpe, sortino = return_statistics(2, 0.03, 0.0005, 0.0, 252.0)  # 1 % and 2 %
    assert volatility == pytest.approx(math.sqrt(0.00005 * 252.0), rel=1e-12)
    assert sharpe == pytest.approx(0.015 / math.sqrt(0.00005) * math.sqrt(252.0), rel=1e-12)
    assert math.isnan(sortino)
