"""vectorbt's shapes in, its portfolio out, and its own fills under its own rules."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import admf
from admf.errors import AdmfError

vbt = pytest.importorskip("vectorbt", reason="pip install admf-engine[vectorbt]", exc_type=ImportError)

from admf.adapters.vectorbt import from_orders, from_signals, to_portfolio  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # the package's own
COSTS = admf.Execution.preset("vectorbt").replace(commission=admf.commission.pct(0.001))
MONEY = admf.Account(cash=10_000.0)


def bars(count: int = 800) -> pd.DataFrame:
    arrays = admf.Market(admf.generate(bars=count, seed=7, frequency="1d")).arrays
    columns = {name: getattr(arrays, name)[:, 0] for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(arrays.timestamp))


def crosses(close: pd.Series, fast: int, slow: int) -> tuple[pd.Series, pd.Series]:
    above = close.rolling(fast).mean() > close.rolling(slow).mean()
    before = above.shift(1, fill_value=False)
    return above & ~before, ~above & before


def same_orders(ours: Any, theirs: Any) -> None:
    one, other = ours.order_records, theirs.order_records
    assert len(one) == len(other) > 5
    for name in ("col", "idx", "side"):
        np.testing.assert_array_equal(one[name], other[name])
    for name in ("size", "price", "fees"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9)


def test_under_its_rules_the_orders_are_its_own() -> None:
    frame = bars()
    entries, exits = crosses(frame["close"], 10, 30)
    theirs = vbt.Portfolio.from_signals(frame["close"], entries, exits, init_cash=10_000.0, fees=0.001, freq="1D")
    ours = from_signals(frame, entries, exits, execution=COSTS, account=MONEY, close_positions=False)
    same_orders(ours, theirs)
    np.testing.assert_allclose(ours.value(), theirs.value(), rtol=1e-9)
    assert ours.stats()["Total Trades"] == theirs.stats()["Total Trades"]
    assert ours.trades.records_readable["PnL"].to_numpy() == pytest.approx(
        theirs.trades.records_readable["PnL"].to_numpy(), rel=1e-6
    )


def test_columns_stay_columns() -> None:
    frame = bars()
    signals = {f"{fast}": crosses(frame["close"], fast, 30) for fast in (5, 10, 15)}
    entries, exits = (pd.DataFrame({name: both[which] for name, both in signals.items()}) for which in (0, 1))
    theirs = vbt.Portfolio.from_signals(frame["close"], entries, exits, init_cash=10_000.0, fees=0.001)
    ours = from_signals(frame, entries, exits, execution=COSTS, account=MONEY, close_positions=False)
    same_orders(ours, theirs)
    assert list(ours.total_return().index) == ["5", "10", "15"]
    np.testing.assert_allclose(ours.total_return(), theirs.total_return(), rtol=1e-6)


def test_sizes_and_targets() -> None:
    frame = bars(300)
    size = pd.Series(np.nan, frame.index)
    size.iloc[[10, 50, 120, 200]] = [20.0, -5.0, 10.0, -25.0]
    theirs = vbt.Portfolio.from_orders(frame["close"], size, init_cash=10_000.0, fees=0.001)
    ours = from_orders(frame, size, execution=COSTS, account=MONEY)
    assert ours.order_records["size"].tolist() == [20.0, 5.0, 10.0, 25.0] == theirs.order_records["size"].tolist()
    np.testing.assert_allclose(ours.value(), theirs.value(), rtol=1e-12)
    target = size.abs() * 2.0
    ours = from_orders(frame, target, "targetamount", execution=COSTS, account=MONEY, close_positions=False)
    theirs = vbt.Portfolio.from_orders(frame["close"], target, "targetamount", init_cash=10_000.0, fees=0.001)
    assert ours.order_records["size"].tolist() == theirs.order_records["size"].tolist()


def test_the_money_of_the_portfolio_is_that_of_the_run() -> None:
    frame = bars(400)
    orders = [{"bar": 5, "side": "buy", "quantity": 10}, {"bar": 90, "side": "sell", "quantity": 25}]
    result = admf.simulate(frame, orders, execution=admf.Execution(commission=admf.commission.bps(3.0)))
    portfolio = to_portfolio(result, frame.index)
    np.testing.assert_allclose(portfolio.value(), result.equity["equity"].to_numpy(), rtol=1e-12)


def test_bad_input_is_refused_with_words() -> None:
    frame, other = bars(50), bars(60)
    with pytest.raises(AdmfError, match="size_type"):
        from_orders(frame, np.zeros(50), "shares")
    with pytest.raises(AdmfError, match="size"):
        from_orders(frame, np.zeros(49))
    with pytest.raises(AdmfError, match="bars"):
        from_signals(frame["close"], None, None)
    runs = [admf.simulate(given, [{"bar": 1, "side": "buy", "quantity": 1}]) for given in (frame, other)]
    with pytest.raises(AdmfError, match="same bars"):
        to_portfolio(runs)
