"""K-01 to K-06 on worked bars: what limits leave of an order, at its submission and at its fill."""

from typing import Any

import pytest

import admf
from paths_support import PATHS, Case
from played import Play, Played

FLAT = (100.0, 101.0, 99.0, 100.0)
BARS = [FLAT] * 6
RICH = {"cash": 10_000.0}


def test_an_order_is_cut_to_what_the_position_may_have(play: Play) -> None:
    """K-01, K-02: 10 of 15 held, so 5 of the next 10, none of the third."""
    orders = [{"bar": bar, "quantity": 10.0} for bar in range(3)]
    played = play(BARS, *orders, risk={"max_position_size": 15.0}, account=RICH)
    assert [fill.quantity for fill in played.fills] == [10.0, 5.0]
    assert played.steps(1)[0] == (1, "submit", "risk_limit")
    assert played.steps(2) == [(2, "submit", "risk_limit"), (2, "refuse", "risk_limit")]


def test_orders_of_one_bar_know_of_each_other(play: Play) -> None:
    """K-02: the resting limit counts as if it had filled."""
    resting = {"quantity": 8.0, "type": "limit", "limit_price": 90.0}
    played = play(
        BARS, resting, {"quantity": 8.0}, {"side": "sell", "quantity": 20.0}, risk={"max_position_size": 10.0}
    )
    assert [fill.quantity for fill in played.fills] == [2.0, -2.0, -8.0]
    assert played.end(0) == ("expired", "end_of_data")


def test_what_closes_always_passes(play: Play) -> None:
    """K-02, K-05: of a sale of 15 the 10 that are held, of a reduce-only one all."""
    sale = {"bar": 1, "side": "sell", "quantity": 15.0}
    played = play(BARS, {}, sale, risk={"short": False}, account=RICH)
    assert [fill.quantity for fill in played.fills] == [10.0, -10.0]
    assert played.steps(1)[0] == (1, "submit", "risk_limit")
    played = play(
        BARS, {}, sale | {"quantity": 4.0, "reduce_only": True}, risk={"max_order_size": 10.0, "short": False}
    )
    assert [fill.quantity for fill in played.fills] == [10.0, -4.0]


@pytest.mark.parametrize(
    ("limit", "units"),
    [
        ({"max_portfolio_heat": 0.5}, 50.0),
        ({"max_concentration": 0.25}, 25.0),
        ({"max_net_exposure": 0.1}, 10.0),
        ({"max_order_size": 7.0}, 7.0),
        ({"max_order_value": 300.0}, 3.0),
        ({"max_order_value": 300.0, "max_concentration": 0.02}, 2.0),
    ],
)
def test_each_limit_by_its_number(play: Play, limit: dict[str, float], units: float) -> None:
    """K-03, K-04: 10,000 of equity, a unit is worth 100."""
    played = play(BARS, {"bar": 0, "quantity": 80.0}, risk=limit, account=RICH)
    assert [fill.quantity for fill in played.fills] == [units]


def test_a_size_of_money_is_cut_to_units(play: Play) -> None:
    """K-01: all equity is 100 units, a quarter of it may be held."""
    order = {"bar": 0, "quantity": None, "size_kind": "equity_fraction", "size": 1.0}
    played = play(BARS, order, risk={"max_concentration": 0.25}, account=RICH)
    assert [fill.quantity for fill in played.fills] == [25.0]


def test_before_the_first_price_nothing_is_worth_anything(play: Play) -> None:
    """K-01, K-03: refused at −1; a limit order has its price."""
    limit = {"type": "limit", "limit_price": 100.0, "quantity": 80.0}
    played = play(BARS, {}, limit, risk={"max_concentration": 0.1}, account=RICH)
    assert played.end(0) == ("rejected", "risk_limit")
    assert [fill.quantity for fill in played.fills] == [10.0]


def test_a_price_far_from_the_mark_is_refused(play: Play) -> None:
    """K-04: 10 % from 100."""
    orders = [{"bar": 1, "type": "limit", "limit_price": price} for price in (89.0, 90.0, 111.0)]
    stop = {"bar": 1, "type": "stop", "stop_price": 120.0}
    played = play(BARS, *orders, stop, risk={"price_collar": 0.1})
    assert [played.status(number) for number in range(4)] == ["rejected", "expired", "rejected", "rejected"]


def test_orders_of_a_session_are_counted(play: Play) -> None:
    """K-04: two a session; the one before the first bar is of the first session, reduce-only ones are not counted."""
    orders = [{"bar": bar, "quantity": 1.0} for bar in (-1, 0, 1, 2, 2)]
    closing = {"bar": 1, "side": "sell", "quantity": 1.0, "reduce_only": True}
    played = play(BARS, *orders[:3], closing, *orders[3:], bars_per_day=2, risk={"max_session_orders": 2})
    assert [played.status(number) for number in range(6)] == [
        "filled",
        "filled",
        "rejected",
        "filled",
        "filled",
        "filled",
    ]


def test_symbols_that_may_not_open(play: Play) -> None:
    """K-05: here the only one is allowed; below, another one."""
    assert play(BARS, {}, risk={"symbols": ("S0",)}).fills


@pytest.mark.parametrize("path", list(PATHS))
def test_gross_and_net_over_symbols(path: str) -> None:
    """K-03, K-05: 30 long of S0 and 20 short of S1 are 5,000 gross and 1,000 net of 10,000."""
    rows = [[(*FLAT, 1e6)] * 6] * 2
    orders = [
        {"bar": 0, "symbol": "S0", "side": "buy", "quantity": 30.0},
        {"bar": 1, "symbol": "S1", "side": "sell", "quantity": 20.0},
        {"bar": 2, "symbol": "S0", "side": "buy", "quantity": 40.0},
    ]
    asked = [{"id": f"o{place}"} | order for place, order in enumerate(orders)]

    def bought(**risk: Any) -> float:
        played = Played(PATHS[path](Case(bars=rows, orders=asked, account=RICH, risk=risk)))
        return sum(fill.quantity for fill in played.fills if fill.order == 2)

    assert bought(max_portfolio_heat=0.6) == 10.0
    assert bought(max_net_exposure=0.3) == 20.0
    assert bought(symbols=("S1",)) == 0.0


def test_a_gap_is_judged_again_at_the_fill(play: Play) -> None:
    """K-06: 50 units at 100 are half the equity; at 200 it is 25."""
    bars = [FLAT, (200.0, 201.0, 199.0, 200.0), (200.0, 201.0, 199.0, 200.0)]
    order = {"bar": 0, "quantity": 50.0}
    played = play(bars, order, risk={"max_concentration": 0.5}, account=RICH)
    assert [fill.quantity for fill in played.fills] == [25.0]
    assert (1, "amend", "risk_limit") in played.steps(0)
    assert played.status(0) == "filled"
    played = play(bars, order | {"time_in_force": "fok"}, risk={"max_concentration": 0.5}, account=RICH)
    assert played.end(0) == ("cancelled", "fok_not_complete")


def test_an_amendment_passes_and_its_fill_does_not(play: Play) -> None:
    """K-01, K-06: amended to 90 units, of which the position may have 15; with lots of 10, 10."""
    order = {"type": "limit", "limit_price": 95.0, "replace_bar": 0, "replace_quantity": 90.0}
    bars = [FLAT, FLAT, (100.0, 100.0, 90.0, 95.0), FLAT]
    risk = {"max_position_size": 15.0}
    played = play(bars, order, risk=risk)
    assert [fill.quantity for fill in played.fills] == [15.0]
    played = play(bars, order, risk=risk, instrument={"lot_size": 10.0})
    assert [fill.quantity for fill in played.fills] == [10.0]


def test_a_drawdown_halts_and_cools_down(play: Play) -> None:
    """K-05, K-06: 80 units fall by 20, 16 %: bars 1 to 3 open nothing, nor does what came before; sales pass."""
    bars = [FLAT, (100.0, 100.0, 80.0, 80.0), *[(80.0, 81.0, 79.0, 80.0)] * 5]
    waiting = {"bar": 0, "type": "limit", "limit_price": 79.5, "quantity": 1.0}
    orders = [{"bar": bar, "quantity": 1.0} for bar in (1, 3, 4)]
    sale = {"bar": 1, "side": "sell", "quantity": 5.0}
    risk = {"max_drawdown": 0.1, "cool_down_bars": 2}
    played = play(bars, {"quantity": 80.0}, waiting, *orders, sale, risk=risk, account=RICH)
    ends = [played.status(number) for number in range(6)]
    assert ends == ["filled", "rejected", "rejected", "filled", "rejected", "filled"]


def test_a_loss_of_the_session_halts_for_its_rest(play: Play) -> None:
    """K-05: two bars a session; 16 % lost in the second one."""
    bars = [FLAT, FLAT, (100.0, 100.0, 80.0, 80.0), *[(80.0, 81.0, 79.0, 80.0)] * 3]
    orders = [{"bar": bar, "quantity": 1.0} for bar in (2, 3, 4)]
    played = play(bars, {"quantity": 80.0}, *orders, bars_per_day=2, risk={"max_daily_loss": 0.1}, account=RICH)
    assert [played.status(number) for number in range(4)] == ["filled", "rejected", "rejected", "filled"]


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"max_position_size": 0.0}, "risk.max_position_size"),
        ({"cool_down_bars": 5}, "risk.cool_down_bars"),
        ({"long": False, "short": False}, "risk.short"),
        ({"max_net_exposure": 2.0, "max_portfolio_heat": 1.0}, "risk.max_net_exposure"),
        ({"symbols": []}, "risk.symbols"),
        ({"max_drawdown": 1.5}, "risk.max_drawdown"),
    ],
)
def test_contradictory_limits_are_refused(limits: dict[str, Any], field: str) -> None:
    with pytest.raises(admf.AdmfError, match=field.replace(".", r"\.")):
        admf.Risk(**limits)


def test_limits_that_the_data_cannot_keep_are_refused() -> None:
    bars = {name: [100.0] * 3 for name in ("open", "high", "low", "close")}
    with pytest.raises(admf.AdmfError, match=r"risk\.max_daily_loss"):
        admf.simulate(bars, [], risk=admf.Risk(max_daily_loss=0.1))
    with pytest.raises(admf.AdmfError, match=r"risk\.symbols"):
        admf.simulate(bars, [], risk=admf.Risk(symbols=("NOPE",)))
