"""D-01 to D-06 on worked bars: splits, dividends, delistings, funding, interest and borrow fees."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

import admf
from fuzzing.making import make_case
from paths_support import PATHS, Case, first_difference
from played import Play, Played

FLAT = (100.0, 101.0, 99.0, 100.0)
HALF = (50.0, 50.5, 49.5, 50.0)
RICH = {"cash": 10_000.0}
DAILY: dict[str, Any] = {"bars_per_day": 1, "account": RICH}


def split(bar: int, ratio: float = 2.0) -> tuple[int, str, str, float]:
    return bar, "S0", "split_ratio", ratio


def test_a_split_leaves_equity_unchanged(play: Play) -> None:
    """D-02: 10 at 100 are 20 at 50; the round trip is told in new units."""
    bars = [FLAT, FLAT, HALF, HALF]
    played = play(bars, {}, {"bar": 2, "side": "sell", "quantity": 20.0}, actions=[split(2)], **DAILY)
    assert played.equity == [10_000.0] * 4
    assert played.fills[1].quantity == -20.0
    assert played.outcome.trades[0][:4] == (20.0, 50.0, 50.0, 0.0)


def test_open_orders_are_split(play: Play) -> None:
    """D-02: a bid for 10 at 99.5, filled at 49.75 with 20; an amendment on its way too; a trail of 4 is one of 2."""
    bars = [FLAT, (100.0, 101.0, 99.6, 100.0), (50.0, 50.5, 49.0, 50.0), HALF]
    bid = {"bar": 0, "type": "limit", "limit_price": 99.5}
    played = play(bars, bid, actions=[split(2)], **DAILY)
    assert played.fills == [(0, 2, 20.0, 49.75)]
    assert (2, "amend", "split") in played.steps(0)
    played = play(bars, bid | {"replace_bar": 1, "replace_limit_price": 98.5}, actions=[split(2)], **DAILY)
    assert played.fills == [(0, 2, 20.0, 49.25)]
    trail = {"bar": 0, "side": "sell", "type": "trailing_stop", "trail_amount": 4.0, "parent": "o0", "quantity": None}
    played = play([FLAT, (100.0, 100.0, 99.0, 100.0), HALF], {"bar": 0}, trail, actions=[split(2)], **DAILY)
    assert len(played.fills) == 1
    low = (50.0, 50.5, 47.5, 48.0)
    played = play([FLAT, (100.0, 100.0, 99.0, 100.0), low], {"bar": 0}, trail, actions=[split(2)], **DAILY)
    assert played.prices == [100.0, 48.0]


def test_a_reverse_split_may_leave_less_than_a_lot(play: Play) -> None:
    """D-02: 10 become 1; of a lot of 5 nothing is left of the order, a tenth of the position is."""
    bars = [FLAT, FLAT, (1000.0, 1001.0, 999.0, 1000.0)]
    waiting = {"bar": 0, "type": "limit", "limit_price": 90.0}
    played = play(bars, {}, waiting, actions=[split(2, 0.1)], instrument={"lot_size": 5.0}, **DAILY)
    assert played.end(1) == ("cancelled", "below_lot")
    assert played.equity[2] == 10_000.0


def test_a_dividend_is_cash(play: Play) -> None:
    """D-03: 10 long get 1 each on the ex date, 10 short pay it; what was bought on the ex date gets nothing."""
    actions = [(2, "S0", "dividend", 1.0)]
    held = play([FLAT] * 4, {}, {"bar": 1, "quantity": 5.0}, actions=actions, **DAILY)
    assert held.cash[1:] == [9_000.0, 8_510.0, 8_510.0]
    assert held.outcome.counts["dividends"] == 10.0
    short = play([FLAT] * 4, {"side": "sell"}, actions=actions, **DAILY)
    assert short.outcome.counts["dividends"] == -10.0
    both = play([FLAT, FLAT, HALF], {}, actions=[split(2), (2, "S0", "dividend", 1.0)], **DAILY)
    assert both.outcome.counts["dividends"] == 20.0


def test_a_dividend_lowers_bids_and_stops(play: Play) -> None:
    """D-03: after FINRA's rule 5330: buy limits and sell stops come down by it, sell limits and buy stops stay."""
    orders = [
        {"bar": 0, "quantity": 1.0, "type": "limit", "limit_price": 99.5},
        {"bar": 0, "quantity": 1.0, "type": "stop", "stop_price": 150.0},
        {"bar": 0, "side": "sell", "quantity": 1.0, "type": "stop", "stop_price": 99.2},
        {"bar": 0, "side": "sell", "quantity": 1.0, "type": "limit", "limit_price": 150.0},
    ]
    calm = (100.0, 101.0, 99.6, 100.0)
    played = play([FLAT, calm, FLAT], *orders, actions=[(2, "S0", "dividend", 0.5)], **DAILY)
    assert played.fills == []
    assert [(2, "amend", "dividend") in played.steps(number) for number in range(4)] == [True, False, True, False]
    assert play([FLAT, calm, FLAT], *orders, **DAILY).prices == [99.5, 99.2]


@pytest.mark.parametrize("path", list(PATHS))
@pytest.mark.parametrize(("value", "price"), [(None, 100.0), (0.0, 0.0), (40.0, 40.0)])
def test_a_symbol_whose_data_ends(path: str, value: float | None, price: float) -> None:
    """D-04: on the bar after its last one the position ends at the last price or the value given."""
    rows = [[(*FLAT, 1e6)] * 5, [(*FLAT, 1e6)] * 3]
    orders = [
        {"id": "o0", "bar": 0, "symbol": "S1", "side": "buy", "quantity": 10.0},
        {"id": "o1", "bar": 0, "symbol": "S1", "side": "buy", "quantity": 1.0, "type": "limit", "limit_price": 50.0},
        {"id": "o2", "bar": 3, "symbol": "S1", "side": "buy", "quantity": 1.0},
        {"id": "o3", "bar": 3, "symbol": "S0", "side": "buy", "quantity": 1.0},
    ]
    case = Case(bars=rows, orders=orders, instrument={"delisting_value": value}, **DAILY)
    played = Played(PATHS[path](case))
    assert played.fills[1] == (2, 3, -10.0, price)
    assert played.reasons == ["fill_at_open", "delisted", "fill_at_open"]
    assert played.end(1) == ("cancelled", "delisted")
    assert played.end(3) == ("rejected", "delisted")
    assert played.equity[2:4] == [10_000.0, 9_000.0 + 10.0 * price]
    assert played.outcome.counts["delistings"] == 1


def test_funding_is_paid_by_longs(play: Play) -> None:
    """D-05: at the close of the last bar before its stamp: 10 at 100, a hundredth; the short receives it."""
    actions = [(2, "S0", "funding_rate", 0.01)]
    held = play([FLAT] * 4, {}, actions=actions, **DAILY)
    assert held.cash == [9_000.0, 8_990.0, 8_990.0, 8_990.0]
    assert play([FLAT] * 4, {"side": "sell"}, actions=actions, **DAILY).outcome.counts["funding"] == -10.0


def test_interest_and_borrow_fees(play: Play) -> None:
    """D-06: own cash is 10,000, a day of 3.65 % is 1; of 1,000 borrowed units' worth 36.5 % a day is 1 as well."""
    rates = {"cash_rate": 0.0365, "borrow_rate": 0.365}
    played = play([FLAT] * 3, {"side": "sell"}, bars_per_day=1, account=RICH | rates)
    assert played.outcome.counts["interest"] == pytest.approx(2.0, rel=1e-4)
    assert played.outcome.counts["borrow_fees"] == pytest.approx(2.0, rel=1e-12)
    debit = {"cash": 1_000.0, "leverage": 2.0, "debit_rate": 0.365}
    played = play([FLAT] * 3, {"quantity": 20.0}, bars_per_day=1, account=debit, cash_submit="none")
    assert played.outcome.counts["interest"] == pytest.approx(-2.0, rel=2e-3)


def test_funding_may_bring_a_margin_call(play: Play) -> None:
    """D-05, A-12: funding comes before the margin is tested."""
    account = {"cash": 1_000.0, "leverage": 4.0, "margin_maintenance": 0.24}
    order = {"quantity": 40.0}
    bars = [(100.0, 100.0, 100.0, 100.0)] * 4
    assert len(play(bars, order, bars_per_day=1, account=account).fills) == 1
    actions = [(2, "S0", "funding_rate", 0.02)]
    played = play(bars, order, bars_per_day=1, account=account, actions=actions)
    assert played.reasons == ["fill_at_open", "margin_call"]


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(2))
def test_oracle_and_compiled_agree_on_actions(seed: int) -> None:
    """D-01 to D-06: random orders and rules, with splits, dividends, funding and rates."""
    rng, compared = Random(seed), 0
    for place in range(60):
        case = make_case(f"actions {seed} {place}")
        if not case.bars_per_day:
            continue
        count = len(case.bars[0])
        chances = [("split_ratio", 2.0), ("split_ratio", 0.5), ("dividend", 0.25), ("funding_rate", 0.001)]
        actions = [(rng.randrange(1, count), "S0", *rng.choice(chances)) for _ in range(rng.randint(1, 5))]
        rates = {"cash_rate": 0.05, "debit_rate": 0.08, "borrow_rate": 0.03}
        case = replace(case, actions=sorted(actions), account={**case.account, **rates})
        try:
            difference = first_difference(case)
        except admf.AdmfError:
            continue
        assert difference == "", f"make_case('actions {seed} {place}') with {case.actions}"
        compared += 1
    assert compared > 10
