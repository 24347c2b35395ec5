"""A-14, D-10, D-11 on worked bars: rates that change, other currencies, and proceeds that settle later."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

import admf
from fuzzing.making import make_case
from paths_support import PATHS, Case, first_difference
from played import Play, Played
from repo.checkout import ROOT

FLAT = (100.0, 101.0, 99.0, 100.0)
DAILY: dict[str, Any] = {"bars_per_day": 1, "account": {"cash": 10_000.0}}
EURO: dict[str, Any] = {"currencies": ("EUR",), **DAILY}
CASH_ACCOUNT: dict[str, Any] = {"bars_per_day": 1, "short": "forbidden"}


def test_a_rate_holds_from_its_bar_on(play: Play) -> None:
    """D-10: nothing at first, 36.5 % a year from bar 1: a day of 10,000 is 10; the last day has no next one."""
    rates = [(1, None, "cash_rate", 0.365)]
    played = play([FLAT] * 4, rates=rates, **DAILY)
    assert played.cash == pytest.approx([10_000.0, 10_010.0, 10_020.01, 10_020.01], abs=1e-9)
    before = [(0, None, "cash_rate", 0.5), (0, None, "cash_rate", 0.365)]
    assert play([FLAT] * 2, rates=before, **DAILY).cash == pytest.approx([10_010.0] * 2, abs=1e-9)


def test_a_rate_takes_the_place_of_the_accounts(play: Play) -> None:
    """D-10: 3.65 % of the account for a day, then nothing."""
    account = {"cash": 10_000.0, "cash_rate": 0.0365}
    played = play([FLAT] * 4, rates=[(1, None, "cash_rate", 0.0)], bars_per_day=1, account=account)
    assert played.cash == pytest.approx([10_001.0] * 4, abs=1e-9)


@pytest.mark.parametrize("path", list(PATHS))
def test_symbols_are_lent_at_rates_of_their_own(path: str) -> None:
    """D-06, D-10: 1,000 short at 36.5 % cost 1 a day, at 73 % twice as much; a row without a symbol is for all."""
    orders = [{"id": f"o{place}", "symbol": f"S{place}", "side": "sell", "quantity": 10.0} for place in range(2)]
    rates = [(0, None, "borrow_rate", 0.365), (1, "S1", "borrow_rate", 0.73)]
    case = Case(bars=[[(*FLAT, 1e6)] * 3] * 2, orders=[order | {"bar": -1} for order in orders], rates=rates, **DAILY)
    assert Played(PATHS[path](case)).outcome.counts["borrow_fees"] == pytest.approx(2.0 + 3.0)


def test_a_foreign_share_is_worth_its_rate(play: Play) -> None:
    """D-11: 10 at 100 EUR cost 1,100 at 1.10, are worth 1,200 at 1.20 and bring 1,300 at 1.30; prices never moved."""
    rates = {"EUR": [(0, 1.1), (2, 1.2), (3, 1.3)]}
    sold = {"bar": 2, "side": "sell"}
    played = play([FLAT] * 4, {}, sold, conversions=rates, **EURO)
    assert played.equity == pytest.approx([10_000.0, 10_000.0, 10_100.0, 10_200.0], abs=1e-9)
    assert played.cash == pytest.approx([8_900.0, 8_900.0, 8_900.0, 10_200.0], abs=1e-9)
    assert played.outcome.trades[0][:4] == pytest.approx((10.0, 100.0, 100.0, 200.0), abs=1e-9)


def test_a_round_trip_counts_fills_at_their_rates(play: Play) -> None:
    """D-11: two entries and two exits at four rates: the profit is what came in less what went out."""
    rates = {"EUR": [(0, 1.1), (1, 1.2), (2, 1.3), (3, 1.4)]}
    orders = [{}, {"bar": 0}, {"bar": 1, "side": "sell"}, {"bar": 2, "side": "sell"}]
    played = play([FLAT] * 4, *orders, conversions=rates, **EURO)
    assert played.outcome.trades[0][3] == pytest.approx(1_000.0 * (-1.1 - 1.2 + 1.3 + 1.4), abs=1e-9)
    short = [order | {"side": "sell" if order.get("side") is None else "buy"} for order in orders]
    assert play([FLAT] * 4, *short, conversions=rates, **EURO).outcome.trades[0][3] == pytest.approx(-400.0, abs=1e-9)


def test_dividends_and_funding_take_the_rate_of_their_bar(play: Play) -> None:
    """D-11: 1 EUR on 10 shares is 12 at 1.20, and the rate acts before the dividend of the bar."""
    actions = [(2, "S0", "dividend", 1.0), (3, "S0", "funding_rate", 0.01)]
    played = play([FLAT] * 4, {}, actions=actions, conversions={"EUR": [(0, 1.1), (2, 1.2)]}, **EURO)
    assert played.outcome.counts["dividends"] == pytest.approx(12.0)
    assert played.outcome.counts["funding"] == pytest.approx(12.0)


def test_a_currency_round_trip_leaves_nothing() -> None:
    """D-11: prices at 1/x in a currency worth x: fills, equity and statistics of the run without a currency."""
    bars = admf.generate(bars=120, seed=3, frequency="1d")
    own = admf.backtest(admf.Market([bars]), admf.strategies.SmaCross(fast=5, slow=20))
    columns = {name: getattr(bars, name) * 4.0 for name in ("open", "high", "low", "close")}
    stamps = bars.timestamp.astype("datetime64[ns]")
    abroad = admf.Bars({"timestamp": stamps, "volume": bars.volume, **columns}, symbol="SYM")
    market = admf.Market([abroad], instruments=admf.Instrument("SYM", currency="GBX"), conversions={"GBX": 0.25})
    other = admf.backtest(market, admf.strategies.SmaCross(fast=5, slow=20))
    assert other.equity["equity"].to_list() == own.equity["equity"].to_list()
    assert other.metrics["sharpe"] == own.metrics["sharpe"]
    assert np.array_equal(other.records.trades["pnl"], own.records.trades["pnl"])


def test_proceeds_are_not_spendable_before_they_settle(play: Play) -> None:
    """A-14: all is sold on bar 1: nothing is bought on bar 2, all on bar 3; units are judged at the close before."""
    account = {"cash": 1_000.0, "settlement_days": 2}
    sold = {"bar": 0, "side": "sell"}
    again = [{"bar": bar, "quantity": None, "size_kind": "cash_fraction", "size": 1.0} for bar in (1, 2, 3)]
    played = play([FLAT] * 6, {}, sold, *again, account=account, **CASH_ACCOUNT)
    assert [(fill.bar, fill.quantity) for fill in played.fills] == [(0, 10.0), (1, -10.0), (3, 10.0)]
    settled = play([FLAT] * 6, {}, sold, *again, account={"cash": 1_000.0}, **CASH_ACCOUNT)
    assert [fill.bar for fill in settled.fills] == [0, 1, 2]
    by_units = play([FLAT] * 6, {}, sold, {"bar": 2}, {"bar": 3}, account=account, **CASH_ACCOUNT)
    assert by_units.end(2) == ("rejected", "insufficient_cash")
    assert by_units.fills[-1].bar == 4


def test_proceeds_wait_by_sessions(play: Play) -> None:
    """A-14: sold at noon, spendable at the open of the next day, whatever bars lie between."""
    bars = [FLAT] * 8
    orders = [{}, {"bar": 0, "side": "sell"}, *({"bar": bar, "quantity": 10.0} for bar in (1, 2, 4))]
    account = {"cash": 1_000.0, "settlement_days": 1}
    played = play(bars, *orders, account=account, bars_per_day=4, short="forbidden", cash_submit="none")
    assert [fill.bar for fill in played.fills] == [0, 1, 5]
    assert [played.end(number)[1] for number in (2, 3)] == ["insufficient_cash"] * 2


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(2))
def test_oracle_and_compiled_agree(seed: int) -> None:
    """A-14, D-10, D-11: random orders and rules with rates, currencies and settlement."""
    rng, compared = Random(seed), 0
    for place in range(40):
        case = make_case(f"rates {seed} {place}")
        if not case.bars_per_day:
            continue
        count = len(case.bars[0])
        bars = [rng.randrange(count) for _ in range(6)]
        rates = [
            (bars[0], None, "cash_rate", 0.05), (bars[1], None, "debit_rate", 0.08),
            (bars[2], "S0", "borrow_rate", 0.03), (bars[3], None, "borrow_rate", 0.5),
        ]  # fmt: skip
        case = replace(case, rates=rates)
        if rng.random() < 0.6:
            changes = sorted({bars[4], bars[5]} - {0})
            conversions = {"EUR": [(0, 1.25), *((bar, rng.choice([1.0, 1.3, 0.9])) for bar in changes)]}
            case = replace(case, currencies=("EUR",), conversions=conversions)
        if rng.random() < 0.5:
            account = {**case.account, "leverage": 1.0, "margin_maintenance": None}
            account |= {"settlement_days": rng.randint(1, 3), "positions": None}
            case = replace(case, account=account, execution={**case.execution, "short": "forbidden"})
        try:
            difference = first_difference(case)
        except admf.AdmfError:
            continue
        assert difference == "", f"make_case('rates {seed} {place}') with {case.conversions} {case.account}"
        compared += 1
    assert compared > 12


@pytest.mark.parametrize("seed", range(2))
def test_plain_python_agrees(seed: int) -> None:
    """A-14, D-10, D-11, without the compiler."""
    case = make_case(f"rates plain {seed}")
    rates = [(1, None, "cash_rate", 0.05), (2, "S0", "borrow_rate", 0.5)]
    conversions = {"EUR": [(0, 1.25), (2, 1.5), (4, 0.75)]}
    case = replace(case, rates=rates, bars_per_day=1, currencies=("EUR",), conversions=conversions)
    assert first_difference(case, ("oracle", "stepped")) == ""


STAMPS = np.arange("2020-01-01", "2020-01-11", dtype="datetime64[D]")
PRICES = dict.fromkeys(("open", "high", "low", "close"), np.full(10, 100.0))


def abroad(**more: Any) -> admf.Market:
    bars = admf.Bars({"timestamp": STAMPS, **PRICES}, symbol="S")
    return admf.Market([bars], instruments=admf.Instrument("S", currency="EUR"), **more)


def late() -> admf.Market:
    return abroad(conversions={"EUR": {"timestamp": STAMPS[3:], "rate": np.ones(7)}})


@pytest.mark.parametrize(
    ("make", "account", "message"),
    [
        (abroad, {}, "S is in EUR, the account in USD, and no rate is given"),
        (lambda: abroad(conversions={"GBP": 1.2}), {}, "instruments.currency: .*allowed: GBP"),
        (late, {}, "conversions.EUR: no rate for the first bar, 2020-01-01"),
        (lambda: abroad(conversions={"EUR": 0.0}), {}, "conversions.EUR: .*allowed: a finite number > 0"),
        (lambda: abroad(conversions={"EUR": {"timestamp": STAMPS[[0, 0]], "rate": [1, 2]}}), {}, "two rates"),
        (lambda: abroad(conversions=1.1), {}, "conversions: not a mapping"),
        (lambda: abroad(conversions={"EUR": {"rate": [1.0]}}), {}, "columns are missing"),
        (lambda: abroad(rates={"timestamp": STAMPS, "rate": np.ones(10)}), {}, "rates: columns are missing"),
        (lambda: abroad(rates={"timestamp": STAMPS[:1], "borrow_rate": [-1.0]}), {}, "rates.borrow_rate: .*>= 0"),
        (lambda: abroad(rates={"timestamp": STAMPS[:1], "symbol": ["X"], "borrow_rate": [1.0]}), {}, "rates.symbol"),
        (lambda: abroad(conversions={"EUR": 1.0}), {"settlement_days": 2}, "execution.short=margin"),
        (lambda: abroad(conversions={"EUR": 1.0}), {"settlement_days": 2, "leverage": 2.0}, "leverage=2 borrows"),
        (lambda: abroad(conversions={"EUR": 1.0}), {"settlement_days": 4}, "account.settlement_days: out of range"),
    ],
)
def test_what_is_refused(make: Callable[[], admf.Market], account: dict[str, Any], message: str) -> None:
    with pytest.raises(admf.AdmfError, match=message):
        admf.simulate(make(), [{"bar": 0, "side": "buy", "quantity": 1}], account=account)


def test_instruments_nobody_described_are_in_the_accounts_currency() -> None:
    """D-11: an account in EUR with bars alone needs no rate, one in the currency of its instruments neither."""
    bars = admf.Bars({"timestamp": STAMPS, **PRICES}, symbol="S")
    orders = [{"bar": 0, "side": "buy", "quantity": 1}]
    assert admf.simulate(bars, orders, account={"currency": "EUR"}).fills.height == 1
    assert admf.simulate(abroad(), orders, account={"currency": "EUR"}).fills.height == 1


def test_frames_of_a_foreign_symbol_are_in_the_accounts_money() -> None:
    """D-11: average prices stay prices; profits, values and FIFO lots count each fill at its rate."""
    market = abroad(conversions={"EUR": {"timestamp": STAMPS[[0, 2, 4]], "rate": [1.1, 1.2, 1.3]}})
    orders = [{"bar": 0, "side": "buy", "quantity": 10}, {"bar": 2, "side": "sell", "quantity": 4}]
    result = admf.simulate(market, orders)
    assert result.orders["average_price"].to_list() == [100.0, 100.0]
    assert result.trades_fifo["pnl"].to_list() == pytest.approx([4 * 100.0 * (1.2 - 1.1)])
    held = result.positions.row(0, named=True)
    assert held["market_value"] == pytest.approx(6 * 130.0)
    assert held["pnl"] == pytest.approx(result.metrics["final_equity"] - 100_000.0)


def test_actions_of_other_symbols_alone_are_an_error() -> None:
    """A file of actions that knows none of the symbols would be passed over whole."""
    from admf.config import load_config

    base = {"backtest": {"components": {"strategy": {"class": "BuyAndHold"}}}}
    data = {"generate": {"bars": 5}, "symbol": "XYZ", "actions": "dividends.csv"}
    with pytest.raises(admf.AdmfError, match="no action is of a symbol of the bars; found 'XYZ'; allowed: SYM"):
        load_config(base | {"data": data}, folder=ROOT / "configs").market()
