"""Configurations of several symbols, with actions, funding and limits, run and make economic sense."""

from pathlib import Path

import pytest

from admf.config import Config, load_config
from admf.results import Result
from admf.run import backtest
from repo.checkout import ROOT

CONFIGS = ROOT / "configs"


def run(config: Config) -> Result:
    """What `admf run` runs."""
    return backtest(
        config.market(), config.strategy, execution=config.execution, account=config.account, risk=config.risk
    )  # type: ignore[arg-type]  # all of them are compiled


def test_a_leveraged_perpetual_pays_funding_and_is_liquidated() -> None:
    result = run(load_config(CONFIGS / "perpetual.yaml"))
    assert result.metrics["funding"] > 0.0
    assert result.metrics["margin_calls"] > 0
    assert "funding paid" in str(result.summary())


def test_a_dividend_paying_share() -> None:
    """The equity is the price's way, the dividends and the interest on them."""
    result = run(load_config(CONFIGS / "buy_and_hold.yaml"))
    shares = float(result.records.fills["quantity"][0])
    assert result.metrics["dividends"] == pytest.approx(shares * 0.5 * 12, rel=1e-12)
    assert result.metrics["interest"] > 0.0
    price = float(result.records.fills["price"][0])
    last = float(result.records.fills["price"][-1])
    equity = 100_000.0 + shares * (last - price) + result.metrics["dividends"] + result.metrics["interest"]
    assert result.metrics["final_equity"] == pytest.approx(equity, rel=1e-9)


def test_symbols_of_a_configuration(tmp_path: Path) -> None:
    """All of them, those that are named, and made-up ones."""
    rows = ["symbol,timestamp,open,high,low,close"]
    rows += [f"{name},2020-01-0{day},10,11,9,10" for name in ("A", "B", "C") for day in (1, 2, 3)]
    (tmp_path / "panel.csv").write_text("\n".join(rows))
    (tmp_path / "actions.csv").write_text("symbol,timestamp,dividend\nA,2020-01-02,1\nZ,2020-01-02,1\nA,2031-01-01,1\n")
    base = {"backtest": {"components": {"strategy": {"class": "BuyAndHold"}}}}
    data = {"path": "panel.csv", "symbols": "all", "actions": "actions.csv"}
    market = load_config(base | {"data": data}, folder=tmp_path).market()
    assert market.symbols == ("A", "B", "C")
    assert len(market.actions(accrued=False)) == 1
    named = load_config(base | {"data": data | {"symbols": ["A", "C"]}}, folder=tmp_path).market()
    assert named.symbols == ("A", "C")
    made = load_config(base | {"data": {"generate": {"bars": 5, "symbols": 12}}}).market()
    assert made.symbols[0] == "S01"
    assert made.symbol_count == 12


def test_sized_brackets_in_a_foreign_cash_account() -> None:
    """Stops lose a thousandth of the equity, proceeds wait for the next session, money is USD at 1.08."""
    result = run(load_config(CONFIGS / "sized_brackets.yaml"))
    first = result.orders.row(0, named=True)
    stop = result.orders.filter(parent=first["id"])["stop_price"][0]
    assert first["quantity"] * (first["limit_price"] - stop) * 1.08 == pytest.approx(100.0, abs=1.0)
    assert set(result.orders["reason"].to_list()) >= {"INSUFFICIENT_CASH", "LIMIT_REACHED"}
    assert result.records.account["locked"] > 0.0
    assert "settlement days 1" in str(result.summary()).replace("\n", " ")
