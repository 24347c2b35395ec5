"""Traps 7 to 14: look-ahead, volume, fees, cash, bad bars, the end of orders and of data, the order of orders.

The number in a name is that of the trap in the project's notes: section, then point.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import admf
from admf.execution.presets import PRESETS
from played import Play

QUIET = (100.0, 100.0, 100.0, 100.0)
LONG = {"positions": {"S0": (10.0, 100.0)}}
NO_CHECK = {"cash_submit": "none"}
NAN = float("nan")
ROOT = Path(__file__).resolve().parents[2]


def thin(*volumes: float) -> list[tuple[float, ...]]:
    """Quiet bars with these volumes."""
    return [(*QUIET, volume) for volume in volumes]


# -------------------------------------------------------------------------------------------------------- 7: look-ahead


def test_trap_7_1_no_fill_at_a_price_that_was_past(play: Play) -> None:
    """A stop beyond the close at which it was decided pays the next open; what the last close decides never fills."""
    stop = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 101.0}
    late = {"bar": 1, "side": "sell"}
    played = play([QUIET, (97.0, 98.0, 96.0, 97.0)], stop, late, account=LONG, market_fill="same_close", path="queue")
    assert played.fills[0] == (0, 1, -10.0, 97.0)
    assert play([QUIET, QUIET], {"bar": 1}).end(0) == ("expired", "end_of_data")


def test_trap_7_2_a_market_order_does_not_pay_the_close_before_it(play: Play) -> None:
    assert play([QUIET, (104.0, 105.0, 103.0, 104.0)], {"bar": 0}).fills == [(0, 1, 10.0, 104.0)]


def test_trap_7_3_a_stamp_at_the_close_is_moved_to_the_open() -> None:
    bars = {"timestamp": ["2024-01-02 10:01", "2024-01-02 10:02"], "open": [1.0] * 2, "high": [1.0] * 2}
    bars |= {"low": [1.0] * 2, "close": [1.0] * 2}
    closes, opens = admf.load(bars, label="close"), admf.load(bars, label="open")
    assert (opens.timestamp - closes.timestamp).tolist() == [60_000_000_000] * 2


def test_trap_7_4_a_trail_raised_by_the_high_is_not_tested_by_an_earlier_low(play: Play) -> None:
    order = {"side": "sell", "type": "trailing_stop", "trail_amount": 3.0}
    bars = [(100.0, 104.0, 99.0, 104.0)]
    assert play(bars, order, account=LONG, path="olhc").fills == []
    assert play(bars, order, account=LONG, trail_eval="lagged").fills == []


# ------------------------------------------------------------------------------------------------------------ 8: volume


def test_trap_8_1_the_cap_is_that_of_the_bar(play: Play) -> None:
    played = play(thin(100.0), {}, {"side": "sell"}, account={"positions": {"S0": (50.0, 100.0)}}, volume_limit=0.1)
    assert sum(abs(fill.quantity) for fill in played.fills) == 10.0


@pytest.mark.parametrize("volume", [0.0, -1.0, NAN])
@pytest.mark.parametrize("slippage", [{"model": "none"}, {"model": "volume_share", "impact": 0.1, "max_share": None}])
def test_trap_8_2_without_volume_nothing_fills(play: Play, volume: float, slippage: dict[str, Any]) -> None:
    played = play(thin(volume, 1000.0), {}, slippage=slippage)
    assert [fill.bar for fill in played.fills] == [1]
    assert played.outcome.counts["unfilled_no_volume"] == 1


def test_trap_8_3_an_order_that_cannot_fill_stops_no_later_one(play: Play) -> None:
    played = play(thin(100.0), {"time_in_force": "fok", "quantity": 50.0}, {"quantity": 5.0}, volume_limit=0.1)
    assert played.fills == [(1, 0, 5.0, 100.0)]


def test_trap_8_4_a_capped_fill_is_whole_lots(play: Play) -> None:
    assert play(thin(37.0), {}, volume_limit=0.1, instrument={"lot_size": 1.0}).fills == [(0, 0, 3.0, 100.0)]


def test_trap_8_5_what_remains_of_a_short_shrinks(play: Play) -> None:
    played = play(thin(40.0, 40.0, 40.0, 40.0), {"side": "sell"}, volume_limit=0.1)
    assert [fill.quantity for fill in played.fills] == [-4.0, -4.0, -2.0]


def test_trap_8_6_rules_without_a_cap_take_one(play: Play) -> None:
    assert play(thin(40.0), {}, **PRESETS["vectorbt"]).fills[0].quantity == 10.0
    assert play(thin(40.0), {}, **PRESETS["vectorbt"] | {"volume_limit": 0.1}).fills[0].quantity == 4.0


# -------------------------------------------------------------------------------------------------------- 9: commission


def test_trap_9_1_a_partial_pays_its_own_share_at_its_own_price(play: Play) -> None:
    words = {"volume_limit": 0.1, "slippage": {"model": "fixed", "amount": 1.0}, "clamp": "none"}
    bars, order = thin(40.0, 40.0, 40.0), {}
    assert play(bars, order, commission={"model": "per_order", "amount": 2.0}, **words).commissions == [2.0, 0.0, 0.0]
    shares = play(bars, order, commission={"model": "pct", "rate": 0.01}, **words).commissions
    assert shares == pytest.approx([4.04, 4.04, 2.02])


def test_trap_9_2_the_maximum_wins_and_the_minimum_is_of_the_order(play: Play) -> None:
    """IBKR's own example: 1,000 shares at 0.25 pay 2.50; and buying with all cash has its fee in the size."""
    cheap = (0.25, 0.25, 0.25, 0.25, 1e6)
    fee = {"model": "per_share", "rate": 0.005, "minimum": 1.0, "maximum_pct": 0.01}
    assert play([cheap], {"quantity": 1000.0}, commission=fee).commissions == [2.5]
    halves = play(thin(50.0, 50.0), {}, volume_limit=0.1, commission={"model": "pct", "rate": 1e-9, "minimum": 1.0})
    assert halves.commissions == [1.0, 0.0]
    all_in = {"size_kind": "cash_fraction", "size": 1.0, "quantity": None}
    played = play([QUIET], all_in, account={"cash": 1000.0}, commission={"model": "pct", "rate": 0.01})
    assert played.status(0) == "filled"
    assert 0.0 <= played.cash[0] < 1e-6


# ------------------------------------------------------------------------------------------------------------- 10: cash


def test_trap_10_1_the_check_knows_costs_and_what_rests(play: Play) -> None:
    fee = {"model": "per_order", "amount": 1.0}
    assert play([QUIET, QUIET], {"bar": 0}, account={"cash": 1000.0}, commission=fee).status(0) == "rejected"
    rests = {"type": "limit", "limit_price": 60.0}
    played = play([QUIET], rests, rests, account={"cash": 1000.0}, last_bar="leave_working")
    assert [played.status(0), played.end(1)] == ["routed", ("rejected", "insufficient_cash")]


def test_trap_10_2_what_cannot_be_paid_is_not_filled_and_not_forgotten(play: Play) -> None:
    words = {"account": {"cash": 1000.0}, "volume_limit": 0.1, **NO_CHECK}
    played = play(thin(80.0, 80.0, 80.0), {"quantity": 24.0}, cash_fill="resize_down", **words)
    assert [fill.quantity for fill in played.fills] == [8.0, 2.0]
    assert played.cash == [200.0, 0.0, 0.0]
    played = play(thin(80.0, 80.0, 80.0), {"quantity": 24.0}, cash_fill="skip_and_retry", **words)
    assert ([fill.quantity for fill in played.fills], played.outcome.counts["unfilled_funds"]) == ([8.0], 2)


def test_trap_10_3_a_check_at_the_limit_can_be_left_out_and_sales_pay_for_purchases(play: Play) -> None:
    order, words = {"bar": 0, "type": "limit", "limit_price": 110.0}, {"account": {"cash": 1050.0}}
    assert play([QUIET, QUIET], order, **words).end(0) == ("rejected", "insufficient_cash")
    assert play([QUIET, QUIET], order, **words, **NO_CHECK).fills == [(0, 1, 10.0, 100.0)]
    account = {"cash": 1.0, **LONG}
    assert play([QUIET], {}, {"side": "sell"}, account=account, **NO_CHECK).fills == [
        (1, 0, -10.0, 100.0),
        (0, 0, 10.0, 100.0),
    ]


def test_trap_10_4_what_funds_refused_says_so_and_never_fills_later(play: Play) -> None:
    account = {"cash": 500.0, **LONG}
    later = {"bar": 0, "side": "sell"}
    played = play([QUIET, QUIET, QUIET], {"quantity": 20.0}, later, account=account, **NO_CHECK)
    assert played.end(0) == ("rejected", "insufficient_cash")
    assert [fill.order for fill in played.fills] == [1]
    assert played.cash[-1] == 1500.0


def test_trap_10_5_shorts_spend_nothing_cover_always_and_go_under_inside_the_bar(play: Play) -> None:
    short = {"side": "sell"}
    played = play([QUIET, QUIET], short, {"bar": 0, "side": "sell"}, account={"cash": 1500.0})
    assert [played.status(0), played.end(1)] == ["filled", ("rejected", "insufficient_cash")]
    cover = {"bar": 0, "side": "buy"}
    up = [QUIET, (140.0, 140.0, 140.0, 140.0)]
    assert play(up, short, cover, account={"cash": 1000.0}).fills[-1] == (1, 1, 10.0, 140.0)
    ruin = play([QUIET, (200.0, 250.0, 200.0, 220.0)], short, account={"cash": 1000.0})
    assert (ruin.reasons[-1], ruin.prices[-1]) == ("bankrupt", 250.0)


def test_trap_10_6_dust_of_floats_refuses_nothing(play: Play) -> None:
    """Three at 0.1 cost 0.30000000000000004."""
    played = play([(0.1, 0.1, 0.1, 0.1)], {"quantity": 3.0}, account={"cash": 0.3})
    assert played.status(0) == "filled"
    assert played.cash == [0.0]


# --------------------------------------------------------------------------------------------------------- 11: bad bars


@pytest.mark.parametrize(
    "bar", [(NAN, 100.0, 90.0, 95.0), (95.0, NAN, 90.0, 95.0), (105.0, 100.0, 90.0, 95.0), (95.0, 90.0, 100.0, 95.0)]
)
def test_trap_11_1_a_bad_bar_matches_nothing(play: Play, bar: tuple[float, ...]) -> None:
    """A missing open, a missing high, a high below the open, a high below the low: none prices a gapped stop."""
    stop = {"side": "sell", "type": "stop", "stop_price": 98.0}
    played = play([QUIET, bar, (97.0, 97.0, 97.0, 97.0)], stop, account=LONG)
    assert played.fills == [(0, 2, -10.0, 97.0)]
    assert (played.outcome.counts["bad_bars"], played.outcome.counts["bad_bar_first"]) == (1, 1)
    assert played.equity[1] == played.equity[0]


# ------------------------------------------------------------------------------------------- 12: time in force, the end


def test_trap_12_1_a_day_order_lives_on_its_day_and_on_its_last_bar(play: Play) -> None:
    reached = (100.0, 100.0, 97.0, 100.0)
    order = {"type": "limit", "limit_price": 98.0, "time_in_force": "day"}
    assert play([reached, QUIET], order, bars_per_day=1).fills == [(0, 0, 10.0, 98.0)]
    assert play([QUIET, QUIET, reached, reached], order, bars_per_day=3).fills == [(0, 2, 10.0, 98.0)]
    part = play([(*QUIET, 40.0)] * 3, {"time_in_force": "day"}, bars_per_day=2, volume_limit=0.1)
    assert [fill.quantity for fill in part.fills] == [4.0, 4.0]
    assert part.end(0) == ("expired", "time_in_force")


def test_trap_12_2_a_date_ends_an_order_before_the_bar_and_no_earlier(play: Play) -> None:
    """Not at the open after it, not by a first partial, each order of its own; and the end has a name."""
    order = {"type": "limit", "limit_price": 98.0, "time_in_force": "gtd", "expires_bar": 1}
    reached = (97.0, 97.0, 97.0, 97.0)
    played = play([QUIET, QUIET, reached], order, order | {"limit_price": 97.5})
    assert played.fills == []
    assert [played.end(number) for number in (0, 1)] == [("expired", "time_in_force")] * 2
    part = play(thin(40.0, 40.0, 40.0), {"time_in_force": "gtd", "expires_bar": 1}, volume_limit=0.1)
    assert [fill.bar for fill in part.fills] == [0, 1]


def test_trap_12_3_the_end_of_the_data_is_told_and_invents_no_price(play: Play) -> None:
    bars = [QUIET, (101.0, 103.0, 99.0, 102.0)]
    rests = {"type": "limit", "limit_price": 90.0}
    played = play(bars, {}, rests)
    assert played.end(1) == ("expired", "end_of_data")
    assert (played.outcome.trades, played.equity[-1] - played.cash[-1]) == ([], 1020.0)
    closed = play(bars, {}, close_positions=True)
    assert (closed.prices[-1], closed.reasons[-1], len(closed.outcome.trades)) == (102.0, "close_positions", 1)


# -------------------------------------------------------------------------------------------------- 13: order of orders

TWICE = """
import admf
bars = [admf.generate(symbol=name, bars=300, seed=seed) for seed, name in enumerate("ABC")]
rows = [{"bar": bar, "symbol": "ABC"[bar % 3], "side": ("buy", "sell")[bar % 2], "quantity": 5.0} for bar in range(250)]
print(admf.simulate(admf.Market(bars), rows).trace_hash)
"""


def test_trap_13_1_another_hash_seed_gives_the_same_fills() -> None:
    roots = os.pathsep.join(str(ROOT / root) for root in ("engine", "kernels"))
    hashes = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": roots, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", TWICE]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
        hashes.add(run.stdout)
    assert len(hashes) == 1


def test_trap_13_2_a_stale_exit_does_not_catch_the_next_entry(play: Play) -> None:
    """One way out ends the other ones, and the position opened afterwards is left alone."""
    stop = {"side": "sell", "type": "stop", "stop_price": 95.0, "oco": "exits"}
    close, entry = {"side": "sell", "oco": "exits"}, {"type": "limit", "limit_price": 100.0, "bar": 0}
    bars = [QUIET, (99.0, 100.0, 99.0, 100.0), (94.0, 94.0, 94.0, 94.0)]
    played = play(bars, stop, close, entry, account=LONG)
    assert played.end(0) == ("cancelled", "oco_sibling_filled")
    assert [fill.order for fill in played.fills] == [1, 2]


def test_trap_13_3_orders_go_by_number_and_not_by_the_text_of_their_id(play: Play) -> None:
    orders = [{"id": str(index), "quantity": 1.0} for index in range(12)]
    played = play(thin(100.0, 100.0), *orders, volume_limit=0.1)
    assert [fill.order for fill in played.fills] == list(range(12))
    assert [fill.bar for fill in played.fills] == [0] * 10 + [1] * 2


# ------------------------------------------------------------------------------------------- 14: reading other engines


@pytest.mark.parametrize(("preset", "price"), [("zipline", 102.0), ("backtrader", 101.0)])
def test_trap_14_1_a_preset_fills_where_its_engine_does(play: Play, preset: str, price: float) -> None:
    """zipline at the close, whatever a port of it says."""
    played = play([QUIET, (101.0, 103.0, 99.0, 102.0)], {"bar": 0}, **PRESETS[preset])
    assert played.prices == [price]
