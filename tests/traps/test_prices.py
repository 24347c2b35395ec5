"""Traps 1 to 6: prices outside the bar or beyond the limit, both exits in a bar, entry bars, triggers.

The number in a name is that of the trap in the project's notes: section, then point.
"""

import pytest

from admf.execution.presets import PRESETS
from played import Play

QUIET = (100.0, 100.0, 100.0, 100.0)
LONG = {"positions": {"S0": (10.0, 100.0)}}
THREE = {"model": "fixed", "amount": 3.0}


def exits(stop: float, target: float) -> tuple[dict[str, object], dict[str, object]]:
    """The two ways out of a long position, one group."""
    common = {"side": "sell", "oco": "x"}
    return common | {"type": "stop", "stop_price": stop}, common | {"type": "limit", "limit_price": target}


def children(stop: float, target: float) -> list[dict[str, object]]:
    return [exit_ | {"parent": "o0"} for exit_ in exits(stop, target)]


# ------------------------------------------------------------------------------------ 1: fills outside the traded range


def test_trap_1_1_slippage_stays_in_the_bar(play: Play) -> None:
    played = play([(100.0, 101.0, 99.0, 100.0)], {}, slippage=THREE)
    assert played.prices == [101.0]
    assert played.outcome.counts["clamps"] == 1
    assert play([(100.0, 101.0, 99.0, 100.0)], {}, slippage=THREE, clamp="none").prices == [103.0]


@pytest.mark.parametrize(
    ("side", "stop", "limit", "open_"), [("buy", 100.0, 103.0, 102.0), ("sell", 100.0, 97.0, 98.0)]
)
def test_trap_1_2_a_stop_limit_past_its_stop_pays_the_open(
    play: Play, side: str, stop: float, limit: float, open_: float
) -> None:
    order = {"side": side, "type": "stop_limit", "stop_price": stop, "limit_price": limit}
    assert play([(open_, open_ + 0.5, open_ - 0.5, open_)], order, account=LONG).prices == [open_]


def test_trap_1_3_a_gap_through_a_stop_pays_the_open(play: Play) -> None:
    order = {"side": "sell", "type": "stop", "stop_price": 98.0}
    assert play([QUIET, (95.0, 96.0, 94.0, 95.0)], order, account=LONG).fills == [(0, 1, -10.0, 95.0)]


def test_trap_1_4_a_gap_over_a_resting_limit_pays_the_open(play: Play) -> None:
    order = {"type": "limit", "limit_price": 98.0}
    assert play([QUIET, (95.0, 96.0, 94.0, 95.0)], order).fills == [(0, 1, 10.0, 95.0)]


def test_trap_1_5_a_trail_leaves_inside_the_candle(play: Play) -> None:
    order = {"side": "sell", "type": "trailing_stop", "trail_amount": 2.0}
    bars = [(100.0, 110.0, 100.0, 110.0), (104.0, 105.0, 103.0, 104.0)]
    assert play(bars, order, account=LONG, path="olhc").fills == [(0, 1, -10.0, 104.0)]


def test_trap_1_6_a_touch_pays_its_level_and_no_extreme(play: Play) -> None:
    order = {"type": "market_if_touched", "stop_price": 98.0}
    assert play([(100.0, 101.0, 95.0, 99.0)], order).prices == [98.0]


# ---------------------------------------------------------------------------------------- 2: slippage beyond a limit


@pytest.mark.parametrize(("side", "limit"), [("buy", 98.0), ("sell", 102.0)])
def test_trap_2_1_slippage_respects_the_limit_of_both_sides(play: Play, side: str, limit: float) -> None:
    order = {"side": side, "type": "limit", "limit_price": limit}
    words = {"slippage": THREE, "slip_on": ("limit", "limit_gap")}
    assert play([(100.0, 105.0, 95.0, 100.0)], order, account=LONG, **words).prices == [limit]


def test_trap_2_2_a_spread_is_not_added_to_the_limit(play: Play) -> None:
    spread = {"model": "half_spread", "spread": 2.0, "unit": "price"}
    order = {"type": "limit", "limit_price": 100.0}
    assert play([(99.5, 105.0, 95.0, 100.0)], order, slippage=spread).prices == [100.0]


@pytest.mark.parametrize("rules", [{}, PRESETS["tradingview"]], ids=["ours", "tradingview"])
def test_trap_2_3_a_gapped_limit_does_not_slip(play: Play, rules: dict[str, object]) -> None:
    bars, order = [QUIET, (95.0, 97.0, 94.0, 95.0)], {"type": "limit", "limit_price": 98.0}
    assert play(bars, order, **rules | {"slippage": {"model": "fixed", "amount": 1.0}}).prices == [95.0]


def test_trap_2_4_no_price_improvement_is_no_price_outside_the_candle(play: Play) -> None:
    bars, order = [QUIET, (95.0, 96.0, 94.0, 95.0)], {"type": "limit", "limit_price": 98.0}
    assert play(bars, order, limit_gap="limit").prices == [96.0]


# --------------------------------------------------------------------------------------- 3: stop and target in one bar


@pytest.mark.parametrize("turned", [False, True])
def test_trap_3_1_the_queue_does_not_decide(play: Play, turned: bool) -> None:
    pair = exits(98.0, 102.0)
    played = play([(100.0, 103.0, 97.0, 101.0)], *(pair[::-1] if turned else pair), account=LONG)
    assert (played.prices, played.ambiguous) == ([98.0], [True])


def test_trap_3_2_a_target_passed_at_the_open_is_certain(play: Play) -> None:
    played = play([(106.0, 107.0, 94.0, 100.0)], *exits(95.0, 105.0), account=LONG)
    assert (played.prices, played.ambiguous) == ([106.0], [False])


@pytest.mark.parametrize(("high", "price"), [(102.0, 98.5), (101.8, 101.5)])
def test_trap_3_3_the_nearer_extreme_comes_first_and_the_low_on_a_tie(play: Play, high: float, price: float) -> None:
    played = play([(100.0, high, 98.0, 98.2)], *exits(98.5, 101.5), account=LONG, path="adaptive")
    assert played.prices == [price]


# ---------------------------------------------------------------------------------------------------- 4: the entry bar


def test_trap_4_1_a_stop_acts_in_the_bar_of_a_limit_entry(play: Play) -> None:
    entry = {"type": "limit", "limit_price": 98.0}
    played = play([(100.0, 101.0, 95.0, 100.0)], entry, *children(96.0, 110.0))
    assert played.fills == [(0, 0, 10.0, 98.0), (1, 0, -10.0, 96.0)]


@pytest.mark.parametrize(
    ("path", "bar", "entry", "stop", "target"),
    [
        ("olhc", (100.0, 106.0, 98.0, 105.5), {"type": "stop", "stop_price": 105.0}, 99.0, 120.0),
        ("ohlc", (100.0, 102.0, 97.0, 97.5), {"type": "limit", "limit_price": 98.0}, 90.0, 101.0),
    ],
)
def test_trap_4_2_what_came_before_the_entry_is_past(
    play: Play, path: str, bar: tuple[float, ...], entry: dict[str, object], stop: float, target: float
) -> None:
    """Neither a phantom stop for a breakout nor a free target for a limit."""
    played = play([bar], entry, *children(stop, target), path=path)
    assert [fill.order for fill in played.fills] == [0]


def test_trap_4_3_an_entry_at_the_adverse_extreme_keeps_its_exits(play: Play) -> None:
    entry = {"type": "stop", "stop_price": 105.0}
    bars = [(100.0, 105.0, 100.0, 105.0), (102.0, 102.0, 102.0, 102.0)]
    played = play(bars, entry, *children(103.0, 108.0), entry_bar_exits="none")
    assert played.fills == [(0, 0, 10.0, 105.0), (1, 1, -10.0, 102.0)]


def test_trap_4_4_the_entry_bar_of_a_market_order_is_checked(play: Play) -> None:
    played = play([(100.0, 101.0, 96.0, 100.0)], {}, *children(97.0, 110.0))
    assert played.fills == [(0, 0, 10.0, 100.0), (1, 0, -10.0, 97.0)]


# ------------------------------------------------------------------------------------------- 5: stop-limits and trails


def test_trap_5_1_a_triggered_limit_needs_no_close_beyond_it(play: Play) -> None:
    order = {"type": "stop_limit", "stop_price": 102.0, "limit_price": 101.0}
    bars = [(101.5, 103.0, 101.5, 103.0), (102.0, 102.5, 100.0, 102.0)]
    assert play(bars, order).fills == [(0, 1, 10.0, 101.0)]


def test_trap_5_2_a_sell_stop_limit_does_not_sell_below_its_limit(play: Play) -> None:
    order = {"side": "sell", "type": "stop_limit", "stop_price": 98.0, "limit_price": 99.0}
    bars = [(100.0, 100.0, 97.0, 97.5), (99.5, 99.5, 99.5, 99.5)]
    assert play(bars, order, account=LONG).fills == [(0, 1, -10.0, 99.5)]


def test_trap_5_3_a_stop_fills_on_the_bar_that_touches_it(play: Play) -> None:
    assert play([QUIET, (100.0, 101.0, 99.0, 100.0)], {"type": "stop", "stop_price": 101.0}).fills == [
        (0, 1, 10.0, 101.0)
    ]


def test_trap_5_4_a_trail_tighter_than_the_bar_says_that_nobody_knows(play: Play) -> None:
    """Worst and best differ, and the fill carries the flag; the peak follows the high, not the close."""
    order = {"side": "sell", "type": "trailing_stop", "trail_amount": 3.0}
    wide = [(100.0, 105.0, 99.0, 104.0)]
    worst, best = (play(wide, order, account=LONG, path=path) for path in ("worst", "best"))
    assert worst.ambiguous == [True]
    assert worst.prices < (best.prices or [104.0])
    bars = [(100.0, 110.0, 100.0, 108.0), (108.0, 108.0, 107.0, 107.0)]
    assert play(bars, order, account=LONG, path="olhc").fills == [(0, 1, -10.0, 107.0)]


# ------------------------------------------------------------------------------------------------- 6: touch or through


@pytest.mark.parametrize(
    ("words", "low", "filled"),
    [
        ({"limit_trigger": "touch"}, 99.0, True),
        ({"limit_trigger": "through"}, 99.0, False),
        ({"limit_trigger": "through"}, 98.9, True),
        ({"limit_through_ticks": 1.0}, 98.95, False),
        ({"limit_through_ticks": 1.0}, 98.9 + 2e-14, True),  # a tick in floats
    ],
)
def test_trap_6_1_touch_and_through_with_the_slack_of_floats(
    play: Play, words: dict[str, object], low: float, filled: bool
) -> None:
    order = {"type": "limit", "limit_price": 99.0}
    played = play([QUIET, (100.0, 100.0, low, 100.0)], order, instrument={"tick_size": 0.1}, **words)
    assert played.prices == [99.0] * filled
