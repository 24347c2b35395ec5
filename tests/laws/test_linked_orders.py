"""L-02 to L-07 on worked bars."""

import math

import pytest

from played import Play

QUIET = (100.0, 100.0, 100.0, 100.0)
LOW = (100.0, 100.0, 98.0, 100.0)
ENTRY = {"bar": 0, "type": "limit", "limit_price": 99.0}
CHILD = {"bar": 0, "side": "sell", "type": "limit", "limit_price": 120.0, "parent": "o0", "quantity": None}
LONG = {"positions": {"S0": (10.0, 100.0)}}


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"quantity": -1.0}, "quantity_not_positive"),
        ({"quantity": math.inf}, "quantity_not_positive"),
        ({"quantity": 1.5}, "below_lot"),
        ({"quantity": 2.5}, "below_lot"),  # the minimum is 3
        ({"quantity": None, "size_kind": "value", "size": 0.0}, "size_unknown"),
        ({"type": "limit"}, "limit_price_missing"),
        ({"type": "limit", "limit_price": -5.0}, "limit_price_missing"),
        ({"type": "stop"}, "stop_price_missing"),
        ({"type": "stop_limit", "limit_price": 100.0, "stop_price": 0.0}, "stop_price_missing"),
        ({"time_in_force": "gtb", "expires_after_bars": 0}, "time_in_force_unknown"),
        ({"quantity": -1.0, "type": "limit"}, "quantity_not_positive"),  # the first that fails
        ({"type": "stop_limit"}, "limit_price_missing"),
    ],
)
def test_static_checks(play: Play, order: dict[str, object], reason: str) -> None:
    """L-02."""
    played = play([QUIET, QUIET], order | {"bar": 0}, instrument={"lot_size": 2.0, "min_quantity": 3.0})
    assert played.end(0) == ("rejected", reason)


def test_a_parent_has_to_live(play: Play) -> None:
    """L-02: it filled on bar 1; at the close of bar 1 it takes no children."""
    played = play([QUIET, QUIET, QUIET], {"bar": 0}, CHILD | {"bar": 1})
    assert played.end(1) == ("rejected", "parent_unknown")


def test_routing(play: Play) -> None:
    """L-03: the parent on its first eligible bar, the child when the parent fills."""
    played = play([QUIET, QUIET, LOW], ENTRY, CHILD)
    assert (1, "route", "eligible") in played.steps(0)
    assert (2, "route", "activated_by_parent") in played.steps(1)


def test_commands_act_in_the_order_in_which_they_were_sent(play: Play) -> None:
    """L-04: replaced by 30 at the close of 0, in P1 of 1."""
    played = play([QUIET, QUIET], {"bar": 0, "replace_bar": 0, "replace_quantity": 30.0})
    assert played.fills == [(0, 1, 30.0, 100.0)]
    assert [step[1] for step in played.steps(0)] == ["submit", "validate", "amend", "route", "complete"]


def test_an_amended_price_goes_to_the_tick(play: Play) -> None:
    """L-04, P-01: 98.9 is 98.75 on quarters, and the low of 98.5 is a tick through."""
    order = ENTRY | {"limit_price": 90.0, "replace_bar": 1, "replace_limit_price": 98.9}
    bars = [QUIET, QUIET, (100.0, 100.0, 98.5, 100.0)]
    assert play(bars, order, instrument={"tick_size": 0.25}).fills == [(0, 2, 10.0, 98.75)]


def test_an_amendment_that_is_not_allowed_changes_nothing(play: Play) -> None:
    """L-04."""
    order = ENTRY | {"replace_bar": 0, "replace_quantity": 5.0, "replace_limit_price": -1.0}
    played = play([QUIET, QUIET, LOW], order)
    assert (1, "amend", "limit_price_missing") in played.steps(0)
    assert played.fills == [(0, 2, 10.0, 99.0)]


@pytest.mark.parametrize(
    ("quantity", "end"), [(10.0, ("cancelled", "user_cancel")), (12.0, ("filled", "fill_at_open"))]
)
def test_a_quantity_at_or_below_what_is_filled(play: Play, quantity: float, end: tuple[str, str]) -> None:
    """L-04: ten of thirty are filled on bar 1."""
    bars = [(*QUIET, 100.0)] * 4
    order = {"bar": 0, "quantity": 30.0, "replace_bar": 1, "replace_quantity": quantity}
    assert play(bars, order, volume_limit=0.1).end(0) == end


def test_commands_on_what_has_ended_do_nothing(play: Play) -> None:
    """L-04."""
    played = play([QUIET] * 4, {"bar": 0, "cancel_bar": 2})
    assert played.end(0) == ("filled", "fill_at_open")


def test_a_new_price_of_a_waiting_child_leaves_it_waiting(play: Play) -> None:
    """L-04: it has no units yet, and is not cancelled for that."""
    played = play(
        [QUIET, QUIET, LOW, (121.0, 121.0, 121.0, 121.0)],
        ENTRY,
        CHILD | {"replace_bar": 0, "replace_limit_price": 110.0},
    )
    assert (1, "amend", "none") in played.steps(1)
    assert played.status(1) == "filled"


@pytest.mark.parametrize(
    ("parent", "own", "quantities"),
    [
        (30.0, None, [10.0, 10.0, 10.0]),  # as much as the parent
        (30.0, 15.0, [5.0, 5.0, 5.0]),  # half of it
        (30.0, 60.0, [10.0, 10.0, 10.0]),  # at most as much
    ],
)
def test_children_grow_with_their_parent(play: Play, parent: float, own: float | None, quantities: list[float]) -> None:
    """L-05, W-06: the parent fills ten at the close of a bar, its child sells its share on the next, and so on."""
    bars = [(*QUIET, 100.0)] * 8
    child = {"bar": 0, "side": "sell", "parent": "o0", "quantity": own}
    words = {"volume_limit": 0.1, "market_fill": "next_close", "volume_scope": "per_order"}
    played = play(bars, {"bar": 0, "quantity": parent}, child, **words)
    sold = [-fill.quantity for fill in played.fills if fill.order == 1]
    assert sold == quantities
    assert [step[1] for step in played.steps(1)][-3:] == ["fill", "fill", "complete"]


def test_a_parent_that_ends_unfilled_takes_its_children_along(play: Play) -> None:
    """L-05: and theirs."""
    grandchild = CHILD | {"side": "buy", "limit_price": 80.0, "parent": "o1"}
    played = play([QUIET, QUIET, QUIET], ENTRY | {"cancel_bar": 0}, CHILD, grandchild)
    assert played.end(1) == played.end(2) == ("cancelled", "parent_ended")


def test_a_child_opposite_to_its_parent_only_reduces(play: Play) -> None:
    """L-05, L-07: 10 short; the parent buys 4 of them back, its stop finds nothing that it could reduce."""
    account = {"positions": {"S0": (-10.0, 100.0)}}
    stop = CHILD | {"type": "stop", "stop_price": 99.0, "limit_price": None}
    played = play([QUIET, QUIET, LOW], {"bar": 0, "quantity": 4.0}, stop, account=account)
    assert played.end(1) == ("cancelled", "nothing_to_reduce")


TARGET = {"bar": 0, "side": "sell", "type": "limit", "limit_price": 101.0, "oco": "exits"}
STOP = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 99.0, "oco": "exits"}


def test_a_complete_fill_cancels_the_sibling(play: Play) -> None:
    """L-06."""
    played = play([QUIET, (102.0, 102.0, 102.0, 102.0)], TARGET, STOP, account=LONG)
    assert played.fills == [(0, 1, -10.0, 102.0)]
    assert played.end(1) == ("cancelled", "oco_sibling_filled")


@pytest.mark.parametrize(("reduce", "stopped"), [(True, [-6.0]), (False, [])])
def test_a_partial_fill_reduces_or_cancels_the_sibling(play: Play, reduce: bool, stopped: list[float]) -> None:
    """L-06: four of ten at the target on bar 1, then the stop."""
    bars = [(*QUIET, 40.0), (102.0, 102.0, 102.0, 102.0, 40.0), (98.0, 98.0, 98.0, 98.0, 1000.0)]
    orders = [TARGET, STOP | {"oco_reduce": reduce}]
    played = play(bars, *orders, account=LONG, volume_limit=0.1)
    assert played.fills[0] == (0, 1, -4.0, 102.0)
    assert [fill.quantity for fill in played.fills[1:]] == stopped


def test_a_child_of_a_live_parent_waits_where_its_sibling_took_all(play: Play) -> None:
    """L-06, L-05: the target sells what the parent has, the stop comes back with the parent's next fill."""
    bars = [
        (*QUIET, 40.0), (*QUIET, 40.0), (102.0, 102.0, 102.0, 102.0, 40.0), (*QUIET, 40.0),
        (97.0, 97.0, 97.0, 97.0, 400.0),
    ]  # fmt: skip
    entry = {"bar": 0, "type": "limit", "limit_price": 100.0, "quantity": 8.0}
    children = [order | {"parent": "o0", "quantity": None} for order in (TARGET, STOP)]
    played = play(bars, entry, *children, volume_limit=0.1, limit_trigger="touch")
    assert played.fills == [(0, 1, 4.0, 100.0), (1, 2, -4.0, 102.0), (0, 3, 4.0, 100.0), (2, 4, -4.0, 97.0)]
    assert played.end(1) == ("cancelled", "oco_sibling_filled")


def test_nothing_to_reduce_at_activation(play: Play) -> None:
    """L-07."""
    played = play([QUIET, QUIET], {"bar": 0, "side": "sell", "reduce_only": True})
    assert played.steps(0)[-1] == (1, "cancel", "nothing_to_reduce")


def test_nothing_to_reduce_at_the_fill(play: Play) -> None:
    """L-07: two stops for one position; the second finds it sold."""
    stop = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 99.0, "reduce_only": True}
    played = play([QUIET, LOW], stop, stop, account=LONG)
    assert played.fills == [(0, 1, -10.0, 99.0)]
    assert played.steps(1)[-1] == (1, "cancel", "nothing_to_reduce")


def test_too_much_to_reduce_is_cut(play: Play) -> None:
    """L-07: 25 asked, 10 held: complete when flat."""
    played = play([QUIET, QUIET], {"bar": 0, "side": "sell", "quantity": 25.0, "reduce_only": True}, account=LONG)
    assert played.fills == [(0, 1, -10.0, 100.0)]
    assert played.status(0) == "filled"
