"""Figures beside a benchmark, those of quantstats and empyrical, and what each symbol earned."""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

import admf
from admf.results import Result
from metrics_of_others import FILE, series

OTHERS = json.loads(FILE.read_text())
DAYS = np.busday_offset("2015-01-01", np.arange(-1, 500), roll="forward")


def bars_of(returns: np.ndarray[Any, Any], days: np.ndarray[Any, Any], symbol: str = "S") -> admf.Bars:
    """Bars that open where the last one closed."""
    closes = 100.0 * np.cumprod(1.0 + returns)
    opens = np.concatenate([[100.0], closes[:-1]])
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    return admf.Bars({"timestamp": days, "open": opens, "high": high, "low": low, "close": closes}, symbol=symbol)


@cache
def held() -> tuple[Result, admf.Bars]:
    """All equity in one symbol from the first open on, and a benchmark that begins a day before."""
    own, benchmark = series()
    order = {"bar": -1, "side": "buy", "size_kind": "cash_fraction", "size": 1.0}
    result = admf.simulate(bars_of(own, DAYS[1:]), [order])
    return result, bars_of(np.concatenate([[0.0], benchmark]), DAYS, "B")


@pytest.mark.parametrize(("other", "name"), [(other, name) for other, figures in OTHERS.items() for name in figures])
def test_figures_are_those_of_other_packages(other: str, name: str) -> None:
    result, benchmark = held()
    figures = {**result.metrics, **result.against(benchmark)}
    assert figures[name] == pytest.approx(OTHERS[other][name], rel=1e-9)


def test_a_benchmark_may_be_closes_or_begin_later() -> None:
    result, benchmark = held()
    closes = benchmark.close[1:]
    without_first = result.against(closes)
    assert without_first["samples"] == 499
    assert without_first["beta"] == pytest.approx(result.against(benchmark)["beta"], rel=0.01)
    later = admf.Bars(
        {"timestamp": DAYS[251:], **dict.fromkeys(("open", "high", "low", "close"), benchmark.close[251:])}
    )
    assert result.against(later)["samples"] == 249
    same = result.against(result.records.market.arrays.close[:, 0])
    assert same["beta"] == pytest.approx(1.0, rel=1e-9)
    assert same["tracking_error"] == pytest.approx(0.0, abs=1e-12)


def test_benchmarks_that_are_refused() -> None:
    result, benchmark = held()
    with pytest.raises(admf.AdmfError, match="not a benchmark"):
        result.against([1.0, 2.0])
    with pytest.raises(admf.AdmfError, match="no price before the end"):
        result.against(bars_of(np.zeros(3), DAYS[-3:] + 900))
    with pytest.raises(admf.AdmfError, match="no clock in common"):
        result.against(undated())
    short = admf.simulate(benchmark, [{"bar": 0, "side": "buy", "quantity": 1}], record="summary")
    with pytest.raises(admf.AdmfError, match="kept no equity"):
        short.against(benchmark)


def undated() -> admf.Bars:
    return admf.Bars(dict.fromkeys(("open", "high", "low", "close"), np.full(5, 100.0)))


def paying() -> Result:
    """Long and short in two currencies, with splits, dividends, funding, borrow fees, interest and a delisting."""
    days = np.arange("2020-01-01", "2020-04-10", dtype="datetime64[D]")
    parts = [
        bars_of(0.01 * np.sin(np.arange(count) / (3.0 + place)), days[:count], f"S{place}")
        for place, count in enumerate((100, 100, 70))
    ]
    instruments = [admf.Instrument("S0"), admf.Instrument("S1", currency="EUR", multiplier=2.0), admf.Instrument("S2")]
    actions = {
        "symbol": ["S0", "S1", "S0", "S2"],
        "timestamp": days[[20, 30, 40, 50]],
        "dividend": [1.0, 0.5, 0.0, 0.25],
        "split_ratio": [1.0, 1.0, 2.0, 0.5],
        "funding_rate": [0.001, -0.002, 0.0, 0.001],
    }
    market = admf.Market(
        parts,
        instruments=instruments,
        actions=actions,
        rates={"timestamp": days[[10, 60]], "symbol": ["S1", None], "borrow_rate": [0.4, 0.1]},
        conversions={"EUR": {"timestamp": days[::7], "rate": 1.1 + 0.05 * np.cos(np.arange(15))}},
    )
    orders = [
        {"bar": bar, "symbol": f"S{bar % 3}", "side": "buy" if bar % 4 < 2 else "sell", "quantity": 5.0 + bar % 7}
        for bar in range(0, 95, 2)
    ]
    rules = admf.Execution(slippage=admf.slippage.bps(3.0), commission=admf.commission.bps(2.0), cash_submit="none")
    account = admf.Account(cash=50_000.0, cash_rate=0.03, borrow_rate=0.05, positions={"S1": (-10.0, 100.0)})
    return admf.simulate(market, orders, execution=rules, account=account, close_positions=True)


def test_what_symbols_earned_adds_up() -> None:
    """A-09, D-03, D-05, D-06, D-11: every figure sums to the account's, and all of them to the change of equity."""
    result = paying()
    frame, metrics = result.attribution, result.metrics
    assert min(metrics["dividends"], metrics["borrow_fees"], metrics["interest"]) != 0.0
    assert metrics["delistings"] == 1
    for name, total in (
        ("commission", "commission"), ("slippage", "slippage_cost"), ("dividends", "dividends"),
        ("funding", "funding"), ("borrow_fees", "borrow_fees"), ("fills", "fills"), ("trades", "trades"),
    ):  # fmt: skip
        assert frame[name].sum() == pytest.approx(metrics[total], rel=1e-9), name
    change = metrics["final_equity"] - metrics["initial_equity"]
    assert frame["total"].sum() + metrics["interest"] == pytest.approx(change, rel=1e-9)


def test_what_closing_fills_realised() -> None:
    """A-01: 10 at 100 and 10 at 110 are 20 at 105; 5 sold at 120 earn 75, the rest at 90 loses 225."""
    flat = [(price,) * 4 for price in (100.0, 110.0, 120.0, 90.0, 90.0)]
    columns = dict(zip(("open", "high", "low", "close"), np.array(flat).T, strict=True))
    orders = [
        {"bar": -1, "side": "buy", "quantity": 10}, {"bar": 0, "side": "buy", "quantity": 10},
        {"bar": 1, "side": "sell", "quantity": 5}, {"bar": 2, "side": "sell", "quantity": 15},
    ]  # fmt: skip
    result = admf.simulate(admf.Bars(columns), orders)
    assert result.realized["average_price"].to_list() == [105.0, 105.0]
    assert result.realized["pnl"].to_list() == [75.0, -225.0]
    assert result.realized["pnl"].sum() == result.trades["pnl"].sum()
    assert paying().realized["pnl"].is_finite().all()
