"""R-01 to R-08, W-07 and W-09 on worked bars."""

import pytest

from played import Play

ENTRY = {"bar": -1}
TRAIL = {"bar": -1, "side": "sell", "type": "trailing_stop", "parent": "o0"}
FLAT = (100.0, 100.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("distance", "level"),
    [({"trail_amount": 4.0}, 106.0), ({"trail_percent": 10.0}, 99.0), ({"trail_amount": 4.1}, 105.75)],
)
def test_the_stop_follows_the_best_price(play: Play, distance: dict[str, float], level: float) -> None:
    """R-01, R-06: the high of bar 1 is the peak, 110 less the distance, on the tick below."""
    bars = [FLAT, (100.0, 110.0, 100.0, 110.0), (110.0, 110.0, 95.0, 95.0)]
    played = play(bars, ENTRY, TRAIL | distance, instrument={"tick_size": 0.25}, trail_eval="lagged")
    assert played.fills[1] == (1, 2, -10.0, level)


def test_a_trail_of_its_own_begins_at_the_mark_or_where_it_is_told(play: Play) -> None:
    """R-02: without a parent from the close of submission; `stop_price` puts the trigger, and so the peak."""
    bars = [FLAT, (97.0, 97.0, 96.0, 97.0), (97.0, 97.0, 90.0, 90.0)]
    lone = {"bar": 0, "side": "sell", "type": "trailing_stop", "trail_amount": 5.0}
    told = lone | {"stop_price": 92.0}
    played = play(bars, lone, told, trail_eval="lagged")
    assert played.prices == [95.0, 92.0]


@pytest.mark.parametrize(("high", "price"), [(102.5, None), (103.0, 101.0)])
def test_activation(play: Play, high: float, price: float | None) -> None:
    """R-03: active once the peak is 3 above the entry at 100."""
    bars = [FLAT, (100.0, high, 100.0, high), (high, high, 90.0, 90.0)]
    played = play(bars, ENTRY, TRAIL | {"trail_amount": 2.0, "trail_activation_offset": 3.0}, trail_eval="lagged")
    assert played.prices[1:] == ([] if price is None else [price])


def test_a_gap_through_the_trail_fills_at_the_open(play: Play) -> None:
    """R-04: judged with the peak before the bar."""
    bars = [FLAT, (100.0, 104.0, 100.0, 104.0), (97.0, 120.0, 97.0, 120.0)]
    played = play(bars, ENTRY, TRAIL | {"trail_amount": 5.0})
    assert played.fills[1] == (1, 2, -10.0, 97.0)
    assert played.reasons[1] == "stop_at_open"


@pytest.mark.parametrize(
    ("words", "price"),
    [
        ({"path": "worst"}, 96.0),  # down at once: peak 100
        ({"path": "best"}, 104.0),  # up to 108 first
        ({"trail_eval": "high_first"}, 104.0),
        ({"trail_eval": "lagged"}, 96.0),
        ({"path": "queue"}, 96.0),
    ],
)
def test_a_bar_that_goes_both_ways(play: Play, words: dict[str, str], price: float) -> None:
    """W-07, R-05: held from the bar before, distance 4, range 95 to 108."""
    bars = [FLAT, (100.0, 108.0, 95.0, 96.0)]
    played = play(bars, ENTRY, TRAIL | {"trail_amount": 4.0}, **words)
    assert played.fills[1].price == price


def test_a_range_wider_than_the_distance_leaves_at_the_low(play: Play) -> None:
    """W-07: up to 102, then 98 is 4 below: the worst of all exits, though the trail of 100 is not reached."""
    bars = [FLAT, (100.0, 102.0, 98.0, 101.0)]
    trail = TRAIL | {"trail_amount": 4.0}
    worst, best = play(bars, ENTRY, trail), play(bars, ENTRY, trail, path="best")
    assert worst.fills[1] == (1, 1, -10.0, 98.0)
    assert worst.ambiguous == [False, True]
    assert len(best.fills) == 1  # 101 at the close is better than any exit


def test_a_target_below_the_peak_that_the_trail_needs(play: Play) -> None:
    """W-07: a peak of 102 would fill the target at 101 first, so the low cannot be an exit."""
    bars = [FLAT, (100.0, 102.0, 98.0, 101.0)]
    target = {"bar": -1, "side": "sell", "type": "limit", "limit_price": 101.0, "parent": "o0", "oco": "x"}
    played = play(bars, ENTRY, TRAIL | {"trail_amount": 4.0, "oco": "x"}, target)
    assert played.fills[1] == (2, 1, -10.0, 101.0)


@pytest.mark.parametrize(("kind", "price", "level"), [("limit", 99.0, 98.0), ("stop", 101.0, 104.0)])
def test_the_peak_after_an_entry_inside_the_bar(play: Play, kind: str, price: float, level: float) -> None:
    """R-06: after a limit the high may be past: the close 102 counts; after a stop the high 108 is still to come."""
    entry = {"bar": 0, "type": kind, f"{kind}_price": price}
    bars = [FLAT, (100.0, 108.0, 98.5, 102.0), (106.0, 106.0, 90.0, 90.0)]
    played = play(bars, entry, TRAIL | {"bar": 0, "trail_amount": 4.0}, entry_bar_exits="none", trail_eval="lagged")
    assert played.fills[1].price == level


def test_a_trailing_stop_limit_keeps_its_limit(play: Play) -> None:
    """R-07: trigger 104, limit 103: the bar opens at 101 beyond both and comes back to 103."""
    order = TRAIL | {"type": "trailing_stop_limit", "trail_amount": 4.0, "limit_offset": 1.0}
    bars = [FLAT, (100.0, 108.0, 100.0, 108.0), (101.0, 102.0, 100.0, 101.0), (101.0, 105.0, 101.0, 104.0)]
    played = play(bars, ENTRY, order, limit_trigger="touch")
    assert played.fills[1] == (1, 3, -10.0, 103.0)
    assert played.steps(1)[-2:] == [(2, "trigger", "stop_at_open"), (3, "complete", "limit_reached")]


def test_a_trail_may_pay_the_close(play: Play) -> None:
    """R-08."""
    bars = [FLAT, (100.0, 100.0, 90.0, 91.0)]
    played = play(bars, ENTRY, TRAIL | {"trail_amount": 4.0}, trail_fill="worse_of_stop_and_close")
    assert played.fills[1].price == 91.0


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"trail_amount": -1.0},
        {"trail_percent": 100.0},
        {"trail_amount": 1.0, "trail_percent": 1.0},
        {"trail_amount": 1.0, "trail_activation_offset": -1.0},
        {"type": "trailing_stop_limit", "trail_amount": 1.0},
    ],
)
def test_a_trail_needs_one_distance(play: Play, fault: dict[str, object]) -> None:
    """L-02."""
    assert play([FLAT], TRAIL | {"parent": None} | fault).end(0) == ("rejected", "trail_missing")


@pytest.mark.parametrize(
    ("word", "exits"), [("worst", 1), ("proven", 0), ("none", 0), ("market_entry_only", 0), ("path", 1)]
)
def test_exits_in_the_bar_of_an_entry(play: Play, word: str, exits: int) -> None:
    """W-09: bought at 99 by a limit; the low is still to come, the high may be past: stop or target."""
    entry = {"bar": 0, "type": "limit", "limit_price": 99.0}
    stop = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 97.0, "parent": "o0", "oco": "x"}
    target = {"bar": 0, "side": "sell", "type": "limit", "limit_price": 103.0, "parent": "o0", "oco": "x"}
    bars = [FLAT, (100.0, 104.0, 96.0, 100.0)]
    played = play(bars, entry, stop, target, entry_bar_exits=word)
    assert len(played.fills) == 1 + exits
    assert played.ambiguous[0] == (word in ("worst", "path", "proven"))


def test_a_target_after_a_stop_entry(play: Play) -> None:
    """W-09 `market_or_stop_target`."""
    entry = {"bar": 0, "type": "stop", "stop_price": 101.0}
    exits = [
        {"bar": 0, "side": "sell", "type": "stop", "stop_price": 98.0, "parent": "o0", "oco": "x"},
        {"bar": 0, "side": "sell", "type": "limit", "limit_price": 103.0, "parent": "o0", "oco": "x"},
    ]
    words = {"path": "queue", "entry_bar_exits": "market_or_stop_target"}
    assert play([FLAT, (100.0, 104.0, 99.0, 100.0)], entry, *exits, **words).prices == [101.0, 103.0]
    assert play([FLAT, (100.0, 104.0, 97.0, 100.0)], entry, *exits, **words).prices == [101.0]


def test_children_may_wait_for_the_next_bar(play: Play) -> None:
    """W-09 `child_activation=next_bar`."""
    stop = {"bar": -1, "side": "sell", "type": "stop", "stop_price": 97.0, "parent": "o0"}
    bars = [(100.0, 100.0, 96.0, 100.0), (100.0, 100.0, 96.0, 100.0)]
    assert [fill.bar for fill in play(bars, ENTRY, stop).fills] == [0, 0]
    assert [fill.bar for fill in play(bars, ENTRY, stop, child_activation="next_bar").fills] == [0, 1]


def test_two_openings_of_one_group(play: Play) -> None:
    """W-08: bought at 102 the close 99 costs 3, sold at 98 it costs 1."""
    straddle = [
        {"bar": 0, "type": "stop", "stop_price": 102.0, "oco": "x"},
        {"bar": 0, "side": "sell", "type": "stop", "stop_price": 98.0, "oco": "x"},
    ]
    bars = [FLAT, (100.0, 103.0, 97.0, 99.0)]
    worst, best = play(bars, *straddle), play(bars, *straddle, path="best")
    assert worst.fills == [(0, 1, 10.0, 102.0)]
    assert best.fills == [(1, 1, -10.0, 98.0)]
    assert worst.ambiguous == [True]
    assert play(bars, *straddle, path="queue").fills == [(0, 1, 10.0, 102.0)]
