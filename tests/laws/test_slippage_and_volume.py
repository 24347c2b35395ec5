"""S-01 to S-08 and V-01 to V-04 on worked bars."""

import math
from math import sqrt
from statistics import stdev

import numpy as np
import pytest

import admf
from admf.errors import AdmfError
from admf_kernels.laws.slippage import draw
from played import Play
from user_laws import LAWS

BARS = [(100.0, 100.0, 100.0, 100.0, 500.0), (100.0, 110.0, 90.0, 100.0, 200.0), (100.0, 110.0, 90.0, 100.0, 400.0)]
FIXED = {"model": "fixed", "amount": 2.0}
DRAWS = (0.1296456182997474, 0.8513026201288322)  # of seed 0, container 0, orders 0 and 1, no fill before


@pytest.mark.parametrize(
    ("word", "order", "base"),
    [
        ("market", {"type": "market"}, 100.0),
        ("stop", {"type": "stop", "stop_price": 105.0}, 105.0),
        ("limit_marketable", {"type": "limit", "limit_price": 108.0}, 100.0),
        ("limit", {"type": "limit", "limit_price": 95.0}, 95.0),
    ],
)
def test_slippage_applies_to_what_slip_on_names(play: Play, word: str, order: dict[str, object], base: float) -> None:
    """S-01: 2 where it applies, else 0; `limit` is unclamped here, a limit would not fill beyond itself."""
    rest = tuple({"market", "stop", "limit_marketable", "limit_gap", "limit"} - {word})
    assert play(BARS, order | {"bar": 0}, slippage=FIXED, slip_on=(word,), clamp="none").prices == [base + 2.0]
    assert play(BARS, order | {"bar": 0}, slippage=FIXED, slip_on=rest, clamp="none").prices == [base]


def test_a_resting_limit_at_a_gap_slips_only_by_limit_gap(play: Play) -> None:
    """S-01."""
    bars = [BARS[0], (100.0, 100.0, 100.0, 100.0, 500.0), (90.0, 99.0, 88.0, 95.0, 500.0)]
    order = {"bar": 0, "type": "limit", "limit_price": 95.0}
    assert play(bars, order, slippage=FIXED, slip_on=("limit_gap",)).prices == [92.0]
    assert play(bars, order, slippage=FIXED).prices == [90.0]


def test_only_openings_slip(play: Play) -> None:
    """S-01, A-05: long 10, sold 15: the closing 10 at o, the opening 5 two lower."""
    account = {"positions": {"S0": (10.0, 100.0)}}
    order = {"bar": 0, "side": "sell", "quantity": 15.0}
    played = play(BARS, order, slippage=FIXED, slip_on=("market", "opening_only"), account=account)
    assert played.fills == [(0, 1, -10.0, 100.0), (0, 1, -5.0, 98.0)]


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ({"model": "none"}, 100.0),
        ({"model": "ticks", "amount": 3.0}, 101.5),  # S-02: 3 · 0.5
        ({"model": "fixed", "amount": 0.75}, 101.0),  # S-02: 100.75, up to the tick
        ({"model": "bps", "amount": 50.0}, 100.5),  # S-03: 100 · 50/10⁴
        ({"model": "volume_share", "impact": 2.0, "max_share": 0.5}, 100.5),  # S-04: 100·2·(10/200)² = 0.5
        ({"model": "volume_share", "impact": 2.0, "max_share": 0.01}, 100.5),  # 0.02, up to the tick
        ({"model": "volume_share", "impact": 800.0, "max_share": 0.01}, 108.0),  # 100·800·0.01²
        ({"model": "volume_share", "impact": 20.0, "max_share": None}, 105.0),  # 100·20·(10/200)²: no maximum
        ({"model": "half_spread", "spread": 3.0}, 101.5),  # S-03: 3/2
        ({"model": "half_spread", "spread": 200.0, "unit": "bps"}, 101.0),  # S-03: 100·(200/2)/10⁴
        ({"model": "range", "share": 0.125}, 102.5),  # S-07: (110 − 90)/8
    ],
)
def test_slippage_models(play: Play, model: dict[str, object], price: float) -> None:
    """S-02 to S-04, S-07: 10 bought at o = 100, ticks of 0.5, v = 200."""
    assert play(BARS, {"bar": 0}, slippage=model, instrument={"tick_size": 0.5}).prices == [price]


def test_volume_share_counts_what_the_bar_has_filled(play: Play) -> None:
    """S-04: 10, then 20 more: x = 10/200, then 30/200: 100·1·0.05², 100·1·0.15²."""
    words = {"slippage": {"model": "volume_share", "impact": 1.0, "max_share": 1.0}}
    played = play(BARS, {"bar": 0}, {"bar": 0, "quantity": 20.0}, **words)
    assert played.prices == [100.0 + 100.0 * 0.05 * 0.05, 100.0 + 100.0 * 1.0 * (0.15 * 0.15)]


CLOSES = (100.0, 110.0, 99.0, 110.0, 121.0)
POWER = {"model": "power", "impact": 2.0, "exponent": 0.5}


@pytest.mark.parametrize(("window", "returns"), [(20, [0.1, -0.1, 1 / 9, 0.1]), (2, [1 / 9, 0.1])])
def test_the_square_root_law(play: Play, window: int, returns: list[float]) -> None:
    """S-06: σ of the returns before the bar of the fill; Δ = 100·2·σ·√(10/1000), and of 30 after it √(40/1000)."""
    bars = [(close, 200.0, 50.0, close, 1000.0) for close in CLOSES] + [(100.0, 200.0, 50.0, 180.0, 1000.0)]
    orders = ({"bar": 4}, {"bar": 4, "side": "sell", "quantity": 30.0, "reduce_only": False})
    played = play(bars, *orders, slippage=POWER | {"window": window})
    sigma = stdev(returns)
    assert played.prices[0] == pytest.approx(100.0 + 200.0 * sigma * sqrt(10 / 1000), rel=1e-12)
    assert played.prices[1] == pytest.approx(100.0 - 200.0 * sigma * sqrt(40 / 1000), rel=1e-12)


def test_the_square_root_law_without_a_past(play: Play) -> None:
    """S-06: at the open of bar 2 there is one return, of two closes: no deviation."""
    bars = [(close, 200.0, 50.0, close, 1000.0) for close in CLOSES]
    assert play(bars, {"bar": 1}, slippage=POWER | {"window": 20}).prices == [99.0]
    assert play(bars, {"bar": 2}, slippage=POWER | {"window": 20}).prices > [110.0]


def test_a_close_that_is_no_price_has_no_return(play: Play) -> None:
    """S-06: of five closes one is missing; 0.1 and 0.1 are left, which do not deviate."""
    closes = (100.0, 110.0, math.nan, 100.0, 110.0)
    bars = [(100.0, 200.0, 50.0, close, 1000.0) for close in closes] + [(100.0, 200.0, 50.0, 180.0, 1000.0)]
    price = play(bars, {"bar": 4}, slippage=POWER).prices[0]
    assert price == pytest.approx(100.0, abs=1e-12)


FLAT = [(100.0, 101.0, 99.0, 100.0, 500.0)] * 4
RANDOM = {"model": "random", "maximum": 80.0}


def test_drawn_slippage_is_the_same_everywhere(play: Play) -> None:
    """S-08: u of (seed 0, container 0, order 0, fill 0) and of order 1, by hand from splitmix64."""
    played = play(FLAT, {"bar": 0}, {"bar": 0, "side": "sell"}, slippage=RANDOM)
    assert played.prices == [100.0 + 100.0 * 80.0 / 1e4 * DRAWS[0], 100.0 - 100.0 * 80.0 / 1e4 * DRAWS[1]]


def test_each_fill_has_its_own_draw_and_each_seed_its_own_run(play: Play) -> None:
    """S-08, A-05: three partial fills, three draws; both parts of a reversal share one."""
    order = {"bar": 0, "quantity": 140.0}
    prices = [tuple(play(FLAT, order, slippage=RANDOM | {"seed": seed}, volume_limit=0.1).prices) for seed in (0, 1)]
    drawn = {price for run in prices for price in run}
    assert [len(run) for run in prices] == [3, 3]
    assert len(drawn) == 6
    assert all(100.0 <= price < 100.8 for price in drawn)
    reversal = play(FLAT, {"bar": 0, "quantity": 15.0}, slippage=RANDOM, account={"positions": {"S0": (-10.0, 100.0)}})
    assert [fill.price for fill in reversal.fills] == [100.0 + 100.0 * 80.0 / 1e4 * DRAWS[0]] * 2


def test_draws_are_uniform() -> None:
    """S-08: neighbouring counters are unrelated."""
    with np.errstate(over="ignore"):  # as the un-jitted loop runs
        draws = np.array([draw(3.0, container, number, 0) for container in range(4) for number in range(2_500)])
    assert (np.histogram(draws, bins=10, range=(0.0, 1.0))[0] > 900).all()  # 1000 ± 30 each
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.04


def test_a_law_of_the_users_own(play: Play) -> None:
    """S-05: 20·10/100 = 2 for the first, 20·10/100 + 10/10 for the second."""
    played = play(BARS, {"bar": 0}, {"bar": 0, "side": "sell", "quantity": 10.0}, **LAWS)
    assert played.prices == [102.0, 97.0]


@pytest.mark.parametrize("quantity", [1.0, 2.0])
@pytest.mark.parametrize("debug", [False, True])
def test_a_law_may_not_help_or_fail(quantity: float, debug: bool) -> None:
    """S-05: negative, not a number."""
    bars = {"open": [1.0, 1.0], "high": [1.0, 1.0], "low": [1.0, 1.0], "close": [1.0, 1.0]}
    order = {"bar": 0, "side": "buy", "quantity": quantity}
    with pytest.raises(AdmfError, match="slippage"):
        admf.simulate(bars, [order], execution=admf.Execution(**LAWS), debug=debug)


def test_nothing_fills_without_volume(play: Play) -> None:
    """V-01: market, limit and stop alike."""
    bars = [BARS[0], (*BARS[1][:4], 0.0)]
    orders = [{"type": "market"}, {"type": "limit", "limit_price": 95.0}, {"type": "stop", "stop_price": 105.0}]
    assert play(bars, *(order | {"bar": 0} for order in orders)).fills == []


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ({"volume_basis": "bar"}, [20.0, 40.0]),
        ({"volume_basis": "previous_bar"}, [50.0, 20.0]),
        ({"volume_basis": "trailing_mean", "volume_window": 2}, [50.0, 35.0]),  # 500, then (500 + 200)/2
        ({"volume_basis": "trailing_mean", "volume_window": 1}, [50.0, 20.0]),
    ],
)
def test_the_cap_and_what_it_is_a_share_of(play: Play, words: dict[str, object], filled: list[float]) -> None:
    """V-02: a tenth of 500, 200, 400."""
    played = play(BARS, {"bar": 0, "quantity": 300.0}, volume_limit=0.1, **words)
    assert [fill.quantity for fill in played.fills] == filled


@pytest.mark.parametrize("basis", ["previous_bar", "trailing_mean"])
def test_before_the_first_bar_there_was_no_volume(play: Play, basis: str) -> None:
    """V-02."""
    assert [fill.bar for fill in play(BARS, {"bar": -1}, volume_limit=0.1, volume_basis=basis).fills] == [1]


@pytest.mark.parametrize(("scope", "filled"), [("bar_shared", [15.0, -5.0]), ("per_order", [15.0, -20.0])])
def test_who_shares_the_cap(play: Play, scope: str, filled: list[float]) -> None:
    """V-02: 20 units for bar 1, both sides together or each."""
    orders = [{"bar": 0, "quantity": 15.0}, {"bar": 0, "side": "sell", "quantity": 30.0, "time_in_force": "ioc"}]
    played = play(BARS, *orders, volume_limit=0.1, volume_scope=scope)
    assert played.fills[0].quantity == filled[0]
    assert sum(fill.quantity for fill in played.fills[1:]) == filled[1]


def test_lots_smallest_fills_and_the_remainder(play: Play) -> None:
    """V-03: 0.1·v gives 20 and 40; lots of 7 make 14 and 35; what is left of 55 (floored to 49 at the door) waits."""
    order = {"bar": 0, "quantity": 55.0}
    lots = {"instrument": {"lot_size": 7.0}, "volume_limit": 0.1}
    assert [fill.quantity for fill in play(BARS, order, **lots).fills] == [14.0, 35.0]
    assert [fill.quantity for fill in play(BARS, order, min_fill=25.0, **lots).fills] == [35.0]
    played = play(BARS, order, remainder="cancel", **lots)
    assert [fill.quantity for fill in played.fills] == [14.0]
    assert played.end(0) == ("cancelled", "remainder_cancelled")


def test_lots_that_are_no_doubles(play: Play) -> None:
    """V-03: 0.3/0.1 is 2.9999999999999996 and still three lots."""
    assert [fill.quantity for fill in play(BARS, {"bar": 0, "quantity": 0.3}, instrument={"lot_size": 0.1}).fills] == [
        3.0 * 0.1
    ]


def test_fill_or_kill_fills_all_or_nothing(play: Play) -> None:
    """V-04, T-02: the cap of 20 lets 20 through and not 21."""
    fok = {"bar": 0, "time_in_force": "fok"}
    assert play(BARS, fok | {"quantity": 20.0}, volume_limit=0.1).status(0) == "filled"
    killed = play(BARS, fok | {"quantity": 21.0}, volume_limit=0.1)
    assert killed.fills == []
    assert killed.end(0) == ("cancelled", "fok_not_complete")
