"""T-01 to T-03 on worked bars."""

import pytest

from played import Play

# The limit at 99 is reached on the last bar alone.
QUIET = (100.0, 100.0, 100.0, 100.0)
BARS = [QUIET, QUIET, QUIET, QUIET, (100.0, 100.0, 98.0, 100.0)]
LIMIT = {"bar": 0, "type": "limit", "limit_price": 99.0}
EXPIRED = ("expired", "time_in_force")


@pytest.mark.parametrize(
    ("words", "end"),
    [
        ({"time_in_force": "gtc"}, ("filled", "limit_reached")),
        ({"time_in_force": "gtd", "expires_bar": 4}, ("filled", "limit_reached")),  # inclusive
        ({"time_in_force": "gtd", "expires_bar": 3}, EXPIRED),
        ({"time_in_force": "gtb", "expires_after_bars": 4}, ("filled", "limit_reached")),  # bars 1 to 4
        ({"time_in_force": "gtb", "expires_after_bars": 3}, EXPIRED),
        ({"time_in_force": "ioc"}, ("cancelled", "ioc_remainder")),
        ({"time_in_force": "fok"}, ("cancelled", "fok_not_complete")),
    ],
)
def test_how_long_an_order_may_fill(play: Play, words: dict[str, object], end: tuple[str, str]) -> None:
    """T-01, T-02: and the bar on which it ends is the next one, before matching."""
    played = play(BARS, LIMIT | words)
    assert played.end(0) == end
    if end == EXPIRED:
        assert played.steps(0)[-1] == (4, "expire", "time_in_force")
    if words["time_in_force"] in ("ioc", "fok"):
        assert played.steps(0)[-1][0] == 1


@pytest.mark.parametrize(("bar", "end"), [(0, EXPIRED), (1, EXPIRED), (2, ("filled", "limit_reached"))])
def test_a_day_is_that_of_the_first_eligible_bar(play: Play, bar: int, end: tuple[str, str]) -> None:
    """T-01: three bars a day: sent at the close of a day it is an order of the next day."""
    assert play(BARS, LIMIT | {"bar": bar, "time_in_force": "day"}, bars_per_day=3).end(0) == end


def test_a_day_order_may_fill_on_the_last_bar_of_its_day(play: Play) -> None:
    """T-01."""
    assert play(BARS, LIMIT | {"time_in_force": "day"}, bars_per_day=5).fills == [(0, 4, 10.0, 99.0)]


def test_an_immediate_order_takes_what_is_there(play: Play) -> None:
    """T-02: ten of thirty."""
    played = play([(*QUIET, 100.0)] * 3, {"bar": 0, "quantity": 30.0, "time_in_force": "ioc"}, volume_limit=0.1)
    assert played.fills == [(0, 1, 10.0, 100.0)]
    assert played.steps(0)[-1] == (1, "cancel", "ioc_remainder")


def test_an_immediate_stop_that_does_not_trigger_ends(play: Play) -> None:
    """T-02."""
    order = {"bar": 0, "type": "stop", "stop_price": 101.0, "time_in_force": "ioc"}
    assert play(BARS, order).steps(0)[-1] == (1, "cancel", "ioc_remainder")


@pytest.mark.parametrize(
    ("words", "last"),
    [
        ({"time_in_force": "gtb", "expires_after_bars": 2}, (4, "expire", "time_in_force")),  # bars 2 and 3
        ({"time_in_force": "ioc"}, (2, "cancel", "ioc_remainder")),
        ({"time_in_force": "gtd", "expires_bar": 2}, (3, "expire", "time_in_force")),
    ],
)
@pytest.mark.parametrize("entry", [{"type": "market"}, {"type": "limit", "limit_price": 99.0}])
def test_a_childs_life_begins_with_its_parents_first_fill(
    play: Play, entry: dict[str, object], words: dict[str, object], last: tuple[int, str, str]
) -> None:
    """T-01, T-02: the parent fills on bar 2, at the open or inside."""
    low = (100.0, 100.0, 98.0, 100.0)
    bars = [QUIET, QUIET, low, QUIET, QUIET]
    child = {"bar": 0, "side": "sell", "type": "limit", "limit_price": 120.0, "parent": "o0"}
    assert play(bars, entry | {"bar": 1}, child | {"bar": 1} | words).steps(1)[-1] == last


def test_a_waiting_child_whose_date_has_passed_expires(play: Play) -> None:
    """T-01: it may not fill after bar 1, so it does not wait on."""
    child = {"bar": 0, "side": "sell", "parent": "o0", "time_in_force": "gtd", "expires_bar": 1}
    played = play(BARS, LIMIT, child)
    assert played.steps(1)[-1] == (2, "expire", "time_in_force")
    assert played.status(0) == "filled"


@pytest.mark.parametrize(("word", "status"), [("expire_unfilled", "expired"), ("leave_working", "routed")])
def test_the_end_of_the_data(play: Play, word: str, status: str) -> None:
    """T-03."""
    played = play(BARS[:3], LIMIT, last_bar=word)
    assert played.status(0) == status
    assert (2, "expire", "end_of_data") in played.steps(0) or word == "leave_working"
