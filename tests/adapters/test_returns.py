"""Returns, positions and transactions as quantstats and pyfolio read them, held against the run's own figures."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

import admf
from admf.adapters.returns import positions, returns, transactions
from admf.errors import ConfigError

ORDERS = [
    {"bar": 5, "side": "buy", "quantity": 100},
    {"bar": 400, "side": "sell", "quantity": 150},
    {"bar": 900, "side": "buy", "quantity": 80},
]


def run(frequency: str = "1h", **options: object) -> admf.Result:
    return admf.simulate(admf.generate(bars=1_500, seed=7, frequency=frequency), ORDERS, **options)


def test_returns_come_to_the_run_s_own_figures() -> None:
    result = run()
    series = returns(result)
    assert series.index.is_monotonic_increasing
    assert len(series) == result.records.market.session_count
    assert (1.0 + series).prod() - 1.0 == pytest.approx(result.metrics["total_return"], rel=1e-12)
    year = series.std(ddof=1) * np.sqrt(result.records.periods_per_year)
    assert year == pytest.approx(result.metrics["volatility"], rel=1e-9)


def test_positions_and_cash_come_to_the_equity() -> None:
    result = run()
    frame = positions(result)
    last = result.records.curve["equity"][-1]
    assert frame.iloc[-1].sum() == pytest.approx(last, rel=1e-12)
    np.testing.assert_allclose(
        (1.0 + returns(result)).cumprod() * result.records.account["initial_equity"], frame.sum(axis=1), rtol=1e-12
    )


def test_transactions_are_the_fills() -> None:
    result = run()
    frame = transactions(result)
    assert frame["amount"].tolist() == [100.0, -100.0, -50.0, 50.0, 30.0]
    assert frame["amount"].cumsum().iloc[-1] == 30.0
    assert str(frame.index.tz) == "UTC"
    assert set(frame["symbol"]) == {"SYM"}


def test_undated_bars_are_counted() -> None:
    columns = admf.generate(bars=200, seed=1).frame.drop("timestamp")
    series = returns(admf.simulate(columns, [{"bar": 3, "side": "buy", "quantity": 5}]))
    assert isinstance(series.index, pd.RangeIndex | pd.Index)
    assert series.index.tolist() == list(range(200))


def test_a_run_without_a_curve_is_refused() -> None:
    with pytest.raises(ConfigError, match="no equity curve"):
        returns(run(record="summary"))


@pytest.mark.skipif(find_spec("quantstats") is None, reason="pip install admf-engine[quantstats]")
@pytest.mark.filterwarnings("ignore")  # the package's own
def test_quantstats_reads_them() -> None:
    import quantstats as qs

    result = run("1d")
    series = returns(result)
    assert qs.stats.comp(series) == pytest.approx(result.metrics["total_return"], rel=1e-9)
    assert qs.stats.max_drawdown(series) == pytest.approx(-result.metrics["max_drawdown"], rel=1e-6)
    assert qs.stats.sharpe(series) == pytest.approx(result.metrics["sharpe"], rel=1e-6)
