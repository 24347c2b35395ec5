"""C-01 to C-04, B-01 and B-02 on worked bars."""

import math

import pytest

import admf
from admf.errors import DataError
from played import Play

RISING = [(100.0, 101.0, 99.0, 100.0), (102.0, 104.0, 101.0, 103.0), (103.0, 106.0, 102.0, 105.0)]
NAN = math.nan


@pytest.mark.parametrize(
    ("order", "price"),
    [
        ({"type": "market"}, 102.0),
        ({"type": "limit", "limit_price": 103.0}, 102.0),
        ({"type": "stop", "stop_price": 101.0}, 102.0),
        ({"type": "stop_limit", "stop_price": 101.0, "limit_price": 103.0}, 102.0),
    ],
)
def test_a_decision_after_bar_0_fills_on_bar_1_whatever_the_type(
    play: Play, order: dict[str, object], price: float
) -> None:
    """C-01: every one of these would have filled on bar 0 already."""
    assert play(RISING, order | {"bar": 0}).fills == [(0, 1, 10.0, price)]


def test_before_the_first_bar_is_minus_one(play: Play) -> None:
    """C-01."""
    assert play(RISING, {"bar": -1}).fills == [(0, 0, 10.0, 100.0)]


def test_the_last_bar_takes_no_new_orders_to_market(play: Play) -> None:
    """C-01, T-03: submitted at the close of the last bar, ended by the end of the data."""
    played = play(RISING, {"bar": 2})
    assert played.fills == []
    assert played.steps(0) == [(2, "submit", "none"), (2, "validate", "none"), (2, "expire", "end_of_data")]


def test_cancels_come_before_matching(play: Play) -> None:
    """C-02, L-04: sent at 0, acts in P1 of 1, and the open of 1 is P2."""
    played = play(RISING, {"bar": 0, "type": "limit", "limit_price": 101.5, "cancel_bar": 0})
    assert played.fills == []
    assert played.end(0) == ("cancelled", "user_cancel")


def test_the_row_of_the_curve_is_taken_last(play: Play) -> None:
    """C-02, A-10: positions closed at the end of the data are in the last row: 10 · (105 − 100) earned."""
    played = play(RISING, {"bar": -1}, close_positions=True)
    assert played.cash == [99_000.0, 99_000.0, 100_050.0]
    assert played.equity == [100_000.0, 100_030.0, 100_050.0]


def test_what_reduces_goes_before_what_opens(play: Play) -> None:
    """C-03: the sale has the higher number and still pays for the purchase."""
    bars = [(100.0, 100.0, 100.0, 100.0)] * 2
    words = {"cash_submit": "none"}
    account = {"cash": 10.0, "positions": {"S0": (10.0, 100.0)}}
    buy = {"bar": 0, "quantity": 5.0}
    sell = {"bar": 0, "side": "sell", "quantity": 8.0}
    played = play(bars, buy, sell, account=account, **words)
    assert played.fills == [(1, 1, -8.0, 100.0), (0, 1, 5.0, 100.0)]


@pytest.mark.parametrize(
    ("word", "price", "reason"),
    [
        ("next_open", 102.0, "fill_at_open"),
        ("next_close", 103.0, "fill_at_close"),
        ("next_typical", (104.0 + 101.0 + 103.0) / 3.0, "fill_at_average"),
        ("next_ohlc4", (102.0 + 104.0 + 101.0 + 103.0) / 4.0, "fill_at_average"),
        ("next_mid", (104.0 + 101.0) / 2.0, "fill_at_average"),
    ],
)
def test_market_orders_fill_where_market_fill_says(play: Play, word: str, price: float, reason: str) -> None:
    """C-04, P-04."""
    played = play(RISING, {"bar": 0}, market_fill=word)
    assert played.fills == [(0, 1, 10.0, price)]
    assert played.reasons == [reason]
    assert played.liquidity == ["taker"]


def test_a_bad_bar_matches_nothing_and_keeps_the_mark(play: Play) -> None:
    """B-01: bar 1 has its close above its high; the position of 10 stays marked at 100."""
    bars = [RISING[0], (101.0, 102.0, 100.0, 109.0), RISING[2]]
    played = play(bars, {"bar": -1}, {"bar": 0, "quantity": 1.0}, {"bar": 0, "quantity": 1.0, "time_in_force": "ioc"})
    assert played.fills == [(0, 0, 10.0, 100.0), (1, 2, 1.0, 103.0)]
    assert played.end(2) == ("cancelled", "ioc_remainder")
    assert played.equity[1] == 100_000.0
    assert played.outcome.counts["bad_bars"] == 1
    assert played.outcome.counts["bad_bar_first"] == 1


@pytest.mark.parametrize(
    "bad", [(NAN, 2.0, 1.0, 1.5), (1.0, 2.0, 0.0, 1.5), (1.0, 1.2, 1.1, 1.15), (1.0, 0.9, 1.1, 1.0)]
)
def test_what_makes_a_bar_bad(play: Play, bad: tuple[float, ...]) -> None:
    """B-01: not finite, not positive, open or close outside the range, high below low."""
    assert play([bad, (1.0, 2.0, 1.0, 1.5)], {"bar": -1}).fills == [(0, 1, 10.0, 1.0)]


def test_a_bad_bar_is_matched_as_it_stands_where_the_rules_say_so(play: Play) -> None:
    """B-01: a price is still a price; what is not finite is none."""
    bars = [RISING[0], (101.0, 102.0, 100.0, 109.0), (NAN, 110.0, 90.0, 100.0), RISING[2]]
    played = play(bars, {"bar": 0}, {"bar": 1}, bad_bar="none")
    assert played.fills == [(0, 1, 10.0, 101.0), (1, 3, 10.0, 103.0)]


def test_bad_bars_can_be_refused_before_the_run() -> None:
    """B-01."""
    bars = admf.load({"open": [1.0, 3.0], "high": [2.0, 2.0], "low": [1.0, 1.0], "close": [1.0, 1.0]}, on_defect="keep")
    with pytest.raises(DataError):
        admf.simulate(bars, [{"bar": 0, "side": "buy", "quantity": 1.0}], execution=admf.Execution(bad_bar="raise"))


@pytest.mark.parametrize("volume", [0.0, -5.0, NAN])
def test_volume_that_is_not_there_is_none(play: Play, volume: float) -> None:
    """B-02, V-01."""
    bars = [(*RISING[0], 100.0), (*RISING[1], volume), (*RISING[2], 100.0)]
    assert play(bars, {"bar": 0}).fills == [(0, 2, 10.0, 103.0)]


def test_data_without_volume_caps_nothing(play: Play) -> None:
    """B-02."""
    assert play(RISING, {"bar": 0, "quantity": 900.0}, has_volume=False).fills == [(0, 1, 900.0, 102.0)]
