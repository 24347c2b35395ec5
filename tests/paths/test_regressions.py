"""Cases on which a path once was wrong and that no worked example of tests/laws covers."""

import pytest

from paths_support import PATHS
from played import Play, on_path

QUIET = (100.0, 100.0, 100.0, 100.0, 1000.0)


@pytest.fixture(params=list(PATHS))
def play(request: pytest.FixtureRequest) -> Play:
    return on_path(request.param)


def test_children_of_the_open_take_their_place_by_number(play: Play) -> None:
    """C-03: the cap of 15 leaves 5 after the entry; the child has the lower number and takes them."""
    bars = [QUIET, (100.0, 102.0, 100.0, 100.0, 150.0)]
    target = {"bar": 0, "side": "sell", "quantity": 5.0, "type": "limit", "limit_price": 101.0}
    orders = [{"bar": 0}, target | {"parent": "o0"}, target]
    assert play(bars, *orders, volume_limit=0.1).fills == [(0, 1, 10.0, 100.0), (1, 1, -5.0, 101.0)]


def test_the_leg_not_taken_at_the_open_rests(play: Play) -> None:
    """W-02: the stop sells what its volume allows, the target is reached later in the bar and does nothing."""
    bars = [QUIET, (98.0, 102.0, 98.0, 100.0, 40.0), QUIET]
    target = {"bar": 0, "side": "sell", "type": "limit", "limit_price": 101.0, "oco": "x"}
    stop = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 99.0, "oco": "x"}
    account = {"positions": {"S0": (10.0, 100.0)}}
    played = play(bars, target, stop, account=account, volume_limit=0.1, volume_scope="per_order")
    assert played.fills == [(1, 1, -4.0, 98.0), (1, 2, -6.0, 100.0)]


def test_a_stop_limit_judged_at_the_open_is_not_judged_again(play: Play) -> None:
    """P-09, P-11: raw 105 is above the bar, so it waits; the limit of 103 inside the bar is not a second chance."""
    bars = [QUIET, (102.0, 104.0, 100.0, 104.0, 1000.0), (104.0, 104.0, 104.0, 104.0, 1000.0)]
    order = {"bar": 0, "type": "stop_limit", "stop_price": 101.0, "limit_price": 103.0}
    words = {"slippage": {"model": "fixed", "amount": 3.0}, "clamp_fail": "skip_bar"}
    assert play(bars, order, **words).fills == []


def test_a_cancelled_child_ends_its_own_children(play: Play) -> None:
    """L-05, L-07: the parent only closes a short, its exit has nothing to reduce, and what waits for that exit ends."""
    account = {"positions": {"S0": (-10.0, 100.0)}}
    child = {"bar": 0, "side": "sell", "quantity": None, "type": "limit", "limit_price": 120.0, "parent": "o0"}
    grandchild = {"bar": 0, "quantity": None, "type": "limit", "limit_price": 80.0, "parent": "o1"}
    played = play([QUIET, QUIET, QUIET], {"bar": 0, "quantity": 4.0}, child, grandchild, account=account)
    assert played.end(1) == ("cancelled", "nothing_to_reduce")
    assert played.end(2) == ("cancelled", "parent_ended")


def test_a_bar_without_a_price_is_no_fault_of_a_law(play: Play) -> None:
    """B-01, S-05: matched as it stands, a market order waits for an open that is a number."""
    bars = [QUIET, (float("nan"), 101.0, 99.0, 100.0, 1000.0), QUIET]
    assert play(bars, {"bar": 0}, bad_bar="none").fills == [(0, 2, 10.0, 100.0)]


def test_a_reversal_cut_to_the_cash_does_not_overdraw(play: Play) -> None:
    """A-05, A-06: slippage grows with the whole fill, the part that closes the short included."""
    bars = [QUIET, (100.0, 200.0, 50.0, 100.0, 100.0)]
    slippage = {"model": "volume_share", "impact": 2.0, "max_share": 1.0}
    account = {"cash": 6_000.0, "positions": {"S0": (-10.0, 100.0)}}
    words = {"cash_fill": "resize_down", "cash_submit": "none", "clamp": "none", "slippage": slippage}
    played = play(bars, {"bar": 0, "quantity": 50.0}, account=account, **words)
    assert played.status(0) == "filled"
    assert [fill.quantity > 5.0 for fill in played.fills] == [True, True]
    assert 0.0 <= played.cash[1] < 2_000.0
