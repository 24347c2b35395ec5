"""K-07, K-08 on worked bars: units that the risk manager gives, and what all positions may lose until their stops."""

from dataclasses import replace
from math import sqrt
from random import Random
from typing import Any

import numpy as np
import pytest

import admf
from fuzzing.making import make_case
from paths_support import Case, first_difference
from played import Play

FLAT = (100.0, 101.0, 99.0, 100.0)
BARS = [FLAT] * 6
RICH = {"cash": 10_000.0}
SIGNAL: dict[str, Any] = {"bar": 0, "quantity": None}
STOP: dict[str, Any] = {"bar": 0, "side": "sell", "quantity": None, "type": "stop", "stop_price": 95.0, "parent": "o0"}


def sized(play: Play, sizing: admf.slippage.Model, *more: dict[str, Any], **words: Any) -> list[float]:
    rules = {"risk": {"sizing": sizing}, "account": RICH} | words
    return [fill.quantity for fill in play(BARS, SIGNAL, *more, **rules).fills]


@pytest.mark.parametrize(
    ("sizing", "units"),
    [
        (admf.sizing.fixed_quantity(7.0), 7.0),
        (admf.sizing.fixed_value(1_234.0), 12.34),
        (admf.sizing.equity_share(0.25), 25.0),
        (admf.sizing.kelly(0.6, 1.0, fraction=0.5), 10.0),  # half of 0.6 - 0.4
        (admf.sizing.kelly(0.9, 2.0, fraction=1.0, cap=0.2), 20.0),
    ],
)
def test_each_model_by_its_number(play: Play, sizing: Any, units: float) -> None:
    """K-07: 10,000 of equity, a unit is worth 100."""
    assert sized(play, sizing) == pytest.approx([units], rel=1e-12)


def test_units_go_down_to_the_lot(play: Play) -> None:
    """K-07: 12.34 units are 12, 10 of a lot of 5, and with a multiplier of 2 half of them."""
    value = admf.sizing.fixed_value(1_234.0)
    assert sized(play, value, instrument={"lot_size": 1.0}) == [12.0]
    assert sized(play, value, instrument={"lot_size": 5.0}) == [10.0]
    assert sized(play, value, instrument={"multiplier": 2.0}) == pytest.approx([6.17], rel=1e-12)


def test_the_way_to_the_stop_is_what_is_risked(play: Play) -> None:
    """K-07: 1 % of 10,000 on the 5 from 100 to 95 are 20 units; a limit at 98 has 3 of them to go: 33.3."""
    assert sized(play, admf.sizing.stop_risk(0.01), STOP) == [20.0]
    limit = {"type": "limit", "limit_price": 98.0}
    bars = [FLAT, (100.0, 100.0, 97.0, 99.0), FLAT]
    risk = {"sizing": admf.sizing.stop_risk(0.01)}
    played = play(bars, SIGNAL | limit, STOP, risk=risk, account=RICH)
    assert played.fills[0].quantity == pytest.approx(100.0 / 3.0, rel=1e-12)


def test_nothing_without_a_stop_or_an_edge(play: Play) -> None:
    """K-07: refused for the limit: no stop, one on the wrong side, no edge, no variation, no price yet."""
    above = STOP | {"stop_price": 105.0}
    for sizing, *more in (
        (admf.sizing.stop_risk(0.01),),
        (admf.sizing.stop_risk(0.01), above),
        (admf.sizing.kelly(0.4, 1.0),),
        (admf.sizing.volatility_target(0.01, 5),),
    ):
        played = play(BARS, SIGNAL, *more, risk={"sizing": sizing}, account=RICH)
        assert played.steps(0)[-1][2] == "risk_limit"
        assert not played.fills
    early = {"bar": -1, "quantity": None}
    assert not play(BARS, early, risk={"sizing": admf.sizing.equity_share(0.5)}, account=RICH).fills


def test_a_volatility_target(play: Play) -> None:
    """K-07: returns 2 %, -1 %, 2 %: a deviation of sqrt(3) %, so 1 % of 10,000 is 10,000 / sqrt(3) worth."""
    closes = [100.0, 102.0, 102.0 * 0.99, 102.0 * 0.99 * 1.02]
    bars = [(price, price, price, price) for price in closes] + [(closes[-1],) * 4] * 2
    signal = SIGNAL | {"bar": 3}
    played = play(bars, signal, risk={"sizing": admf.sizing.volatility_target(0.01, 3)}, account=RICH)
    assert played.fills[0].quantity * closes[-1] == pytest.approx(10_000.0 / sqrt(3.0), rel=1e-9)
    halved = [(price / 2.0,) * 4 for price in closes[2:]] + [(closes[-1] / 2.0,) * 4] * 2
    actions = [(2, "S0", "split_ratio", 2.0)]
    risk = {"sizing": admf.sizing.volatility_target(0.01, 3)}
    split = play(bars[:2] + halved, signal, risk=risk, account=RICH, actions=actions, bars_per_day=1)
    assert split.fills[0].quantity == pytest.approx(2.0 * played.fills[0].quantity, rel=1e-12)


def test_kelly_learns_from_round_trips(play: Play) -> None:
    """K-07: one win of 10 and one loss of 5: 0.5 - 0.5 / 2 is 0.25 of it, no more than the cap."""
    bars = [FLAT, (110.0,) * 4, (110.0,) * 4, (105.0,) * 4, (100.0,) * 4, (100.0,) * 4]
    trips = [
        {"bar": -1, "quantity": 1.0}, {"bar": 0, "side": "sell", "quantity": 1.0},
        {"bar": 1, "quantity": 1.0}, {"bar": 2, "side": "sell", "quantity": 1.0},
    ]  # fmt: skip
    sizing = admf.sizing.kelly(0.9, 9.0, fraction=1.0, cap=0.8, trips=2)
    played = play(bars, *trips, SIGNAL | {"bar": 3}, risk={"sizing": sizing}, account=RICH)
    assert played.fills[-1].quantity == pytest.approx(0.25 * 10_005.0 / 105.0, rel=1e-12)


def test_sized_orders_are_held_to_limits(play: Play) -> None:
    """K-01, K-07: 25 units, of which 10 may be held; orders with a quantity keep it."""
    risk = {"sizing": admf.sizing.equity_share(0.25), "max_position_size": 10.0}
    played = play(BARS, SIGNAL, {"bar": 1, "quantity": 3.0, "side": "sell"}, risk=risk, account=RICH)
    assert [fill.quantity for fill in played.fills] == [10.0, -3.0]
    assert played.steps(0)[0] == (0, "submit", "risk_limit")


def test_a_portfolio_may_lose_so_much_until_its_stops(play: Play) -> None:
    """K-08: 2 % of 10,000 are 200: 40 units with a stop 5 away, of one without a stop 2; a stop frees nothing held."""
    risk = {"max_portfolio_risk": 0.02}
    entry = {"bar": 0, "quantity": 60.0}
    assert [fill.quantity for fill in play(BARS, entry, STOP, risk=risk, account=RICH).fills] == [40.0]
    assert [fill.quantity for fill in play(BARS, entry, risk=risk, account=RICH).fills] == [2.0]
    again = [entry | {"bar": 2}, STOP | {"bar": 2, "parent": "o2"}]
    played = play(BARS, entry | {"quantity": 30.0}, STOP, *again, risk=risk, account=RICH)
    assert [fill.quantity for fill in played.fills] == [30.0, 10.0]
    closing = {"bar": 3, "side": "sell", "quantity": 40.0}
    played = play(BARS, entry, STOP, closing, risk=risk, account=RICH)
    assert [fill.quantity for fill in played.fills] == [40.0, -40.0]


def test_a_gap_away_from_the_stop_is_judged_again(play: Play) -> None:
    """K-06, K-08: at 105 a unit has 10 to lose: 19 of the 40 units (E is 10,000)."""
    bars = [FLAT, (105.0, 106.0, 104.0, 105.0), FLAT]
    played = play(bars, {"bar": 0, "quantity": 60.0}, STOP, risk={"max_portfolio_risk": 0.02}, account=RICH)
    assert [fill.quantity for fill in played.fills] == [20.0]


def unsized(case: Case, rng: Random) -> Case:
    """Some orders without their quantity, under a sizing and a limit on losses."""
    orders = [dict(order) for order in case.orders]
    for order in orders:
        if rng.random() < 0.4 and order.get("quantity") is not None and "parent" not in order:
            order["quantity"] = None
    sizing = rng.choice([
        admf.sizing.fixed_quantity(3.5), admf.sizing.fixed_value(200.0), admf.sizing.equity_share(0.01),
        admf.sizing.volatility_target(0.001, rng.choice([2, 10])), admf.sizing.stop_risk(0.01),
        admf.sizing.kelly(0.55, 1.2, trips=rng.choice([0, 1, 3])),
    ])  # fmt: skip
    risk = {"sizing": sizing} | rng.choice([{}, {"max_portfolio_risk": 0.05}, {"max_portfolio_risk": 0.001}])
    if rng.random() < 0.3:
        risk |= {"max_position_size": 20.0}
    return replace(case, orders=orders, risk=risk)


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(2))
def test_oracle_and_compiled_agree(seed: int) -> None:
    """K-07, K-08: whatever orders and rules come."""
    rng, compared = Random(seed), 0
    for place in range(20):
        case = unsized(make_case(f"sizing {seed} {place}"), rng)
        if case.bars_per_day and rng.random() < 0.5:
            case = replace(case, actions=[(len(case.bars[0]) // 2, "S0", "split_ratio", 2.0)])
        try:
            difference = first_difference(case)
        except admf.AdmfError:
            continue
        assert difference == "", f"make_case('sizing {seed} {place}') under {case.risk}"
        compared += 1
    assert compared > 10


@pytest.mark.parametrize("seed", range(2))
def test_plain_python_agrees(seed: int) -> None:
    """K-07, K-08, without the compiler."""
    case = unsized(make_case(f"sizing plain {seed}"), Random(seed))
    assert first_difference(case, ("oracle", "stepped")) == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sizing": "stop_risk"}, None),
        ({"sizing": {"model": "stop_risk", "fraction": 2.0}}, "fraction: out of range"),
        ({"sizing": {"model": "equity_share"}}, "fraction: missing"),
        ({"sizing": {"model": "volatility_target", "volatility": 0.01, "window": 1}}, "window: out of range"),
        ({"sizing": {"model": "kelley"}}, "did you mean 'kelly'"),
        ({"sizing": admf.slippage.none()}, "not a sizing model"),
        ({"max_portfolio_risk": 0.0}, "max_portfolio_risk: out of range"),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert admf.Risk(**given).sizing == admf.sizing.stop_risk(0.01)
        return
    with pytest.raises(admf.AdmfError, match=message):
        admf.Risk(**given)


class Falls(admf.SignalStrategy):
    """Long below the mean, with a stop."""

    period: int = 5
    stop_loss: float = 0.02
    fraction: float = 0.9
    price = admf.signals.close()
    mean = admf.signals.sma("period")

    def rule(self, price, mean):
        return price < mean


def test_stops_of_signal_strategies_count_from_the_entry_on() -> None:
    """K-08: 0.9 of the equity with a stop 2 % away risks 1.8 %; under 0.9 % a half of it is bought, and not nothing."""
    bars = admf.generate(bars=300, seed=5)
    free = admf.backtest(bars, Falls())
    held = admf.backtest(bars, Falls(), risk=admf.Risk(max_portfolio_risk=0.009))
    first, other = (float(result.records.fills["quantity"][0]) for result in (free, held))
    assert other == pytest.approx(first / 2.0, rel=0.02)
    entries = np.arange(300) % 40 == 5
    signals = {"stop_loss": 0.02, "size": 0.9, "risk": admf.Risk(max_portfolio_risk=0.009)}
    given = admf.simulate_signals(bars, entries, np.roll(entries, 20), **signals)
    value = given.records.fills["quantity"][0] * given.records.fills["price"][0]
    assert value == pytest.approx(45_000.0, rel=0.05)
