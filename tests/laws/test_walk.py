"""X-01 to X-04 on worked bars."""

import pytest

from played import Play

FLAT = (100.0, 100.0, 100.0, 100.0)
STOP = {"bar": -1, "side": "sell", "type": "stop", "stop_price": 97.0, "parent": "o0", "oco": "x"}
TARGET = {"bar": -1, "side": "sell", "type": "limit", "limit_price": 103.0, "parent": "o0", "oco": "x"}


@pytest.mark.parametrize(
    ("path", "bar", "price"),
    [
        ("ohlc", (100.0, 104.0, 96.0, 100.0), 103.0),
        ("olhc", (100.0, 104.0, 96.0, 100.0), 97.0),
        ("adaptive", (100.0, 104.0, 95.0, 100.0), 103.0),  # the high is nearer
        ("adaptive", (100.0, 104.0, 96.0, 100.0), 97.0),  # tie: low first
        ("candle", (100.0, 104.0, 96.0, 101.0), 97.0),  # rising: low first
        ("candle", (100.0, 104.0, 96.0, 99.0), 103.0),
    ],
)
def test_the_extreme_that_comes_first(play: Play, path: str, bar: tuple[float, ...], price: float) -> None:
    """X-01, X-02: nothing is ambiguous."""
    played = play([FLAT, bar], {"bar": -1}, STOP, TARGET, path=path)
    assert played.prices == [100.0, price]
    assert played.ambiguous == [False, False]


def test_children_act_from_the_entry_on(play: Play) -> None:
    """X-03: o-h-l-c: bought at 98 on the way down the high is past, the close 103 is not."""
    entry = {"bar": 0, "type": "limit", "limit_price": 98.0}
    target = TARGET | {"bar": 0, "limit_price": 101.0}
    bars = [FLAT, (100.0, 110.0, 97.0, 103.0)]
    played = play(bars, entry, STOP | {"bar": 0, "stop_price": 96.0}, target, path="ohlc")
    assert [(fill.bar, fill.price) for fill in played.fills] == [(1, 98.0), (1, 101.0)]
    late = play([FLAT, (100.0, 110.0, 97.0, 100.0)], entry, target, path="ohlc")
    assert late.prices == [98.0]


def test_an_order_that_holds_already_acts_at_once(play: Play) -> None:
    """X-02, X-03: the stop of a long lies above its entry: out where it got in, as taker."""
    entry = {"bar": 0, "type": "limit", "limit_price": 98.0}
    played = play([FLAT, (100.0, 101.0, 97.0, 100.0)], entry, STOP | {"bar": 0, "stop_price": 99.0}, path="olhc",
                  limit_trigger="touch")  # fmt: skip
    assert played.prices == [98.0, 98.0]


def test_a_trail_along_the_path(play: Play) -> None:
    """X-03: o-h-l-c: the peak is 108 before the fall."""
    trail = {"bar": -1, "side": "sell", "type": "trailing_stop", "trail_amount": 4.0, "parent": "o0"}
    bars = [FLAT, (100.0, 108.0, 95.0, 96.0)]
    assert play(bars, {"bar": -1}, trail, path="ohlc").prices == [100.0, 104.0]
    assert play(bars, {"bar": -1}, trail, path="olhc").prices == [100.0, 96.0]


def test_a_stop_limit_along_the_path(play: Play) -> None:
    """X-03: o-l-h-c: triggered at 102 on the way up, its limit 101 is reached on the way to the close."""
    order = {"bar": 0, "type": "stop_limit", "stop_price": 102.0, "limit_price": 101.0}
    played = play([FLAT, (100.0, 103.0, 99.0, 100.0)], order, path="olhc", limit_trigger="touch")
    assert played.prices == [101.0]
    assert played.reasons == ["limit_reached"]
    waits = play([FLAT, (100.0, 103.0, 99.0, 102.0)], order, path="olhc", limit_trigger="touch")
    assert waits.prices == []
    assert waits.steps(0)[-2] == (1, "trigger", "stop_reached")


def test_points_alone(play: Play) -> None:
    """X-04: after the limit at 98 filled at the point 97 the next price is the close: the target at 99 fills there."""
    entry = {"bar": 0, "type": "limit", "limit_price": 98.0}
    target = TARGET | {"bar": 0, "limit_price": 99.0, "oco": None}
    bars = [FLAT, (100.0, 101.0, 97.0, 100.0)]
    played = play(bars, entry, target, path="ohlc", points_only=True)
    assert played.prices == [98.0, 99.0]


def test_ties_go_to_the_stop_or_to_the_number(play: Play) -> None:
    """X-02, C-05: a sell limit and a buy stop at one price."""
    orders = [
        {"bar": 0, "side": "sell", "type": "limit", "limit_price": 102.0, "quantity": 1.0},
        {"bar": 0, "side": "buy", "type": "stop", "stop_price": 102.0, "quantity": 1.0},
    ]
    bars = [FLAT, (100.0, 103.0, 100.0, 103.0)]
    words = {"path": "ohlc", "limit_trigger": "touch"}
    assert [fill.order for fill in play(bars, *orders, **words).fills] == [1, 0]
    assert [fill.order for fill in play(bars, *orders, **words, conflict="order_id").fills] == [0, 1]


def test_orders_in_turn(play: Play) -> None:
    """C-05 `order_id` under `queue`: the target has the lower number and goes first, though the open is at the stop."""
    bars = [FLAT, (97.0, 104.0, 96.0, 100.0)]
    target, stop = TARGET, STOP
    words = {"path": "queue", "conflict": "order_id"}
    assert play(bars, {"bar": -1}, target, stop, **words).prices == [100.0, 103.0]
    assert play(bars, {"bar": -1}, stop, target, **words).prices == [100.0, 97.0]
    assert play(bars, {"bar": -1}, target, stop, path="queue").prices == [100.0, 97.0]
