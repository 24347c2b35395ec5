"""If-touched, on-open and on-close orders, post-only, latency, other engines' stop-limits, what did not fill."""

import pytest

from played import Play

FLAT = (100.0, 100.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("bar", "price", "reason"),
    [
        ((100.0, 101.0, 98.0, 99.0), 99.0, "touched"),
        ((97.0, 101.0, 96.0, 97.0), 99.0, "touched_at_open"),  # the better open is not paid
        ((97.0, 98.0, 96.0, 97.0), 98.0, "touched_at_open"),  # clamped into the bar
    ],
)
def test_market_if_touched(play: Play, bar: tuple[float, ...], price: float, reason: str) -> None:
    """P-12."""
    played = play([FLAT, bar], {"bar": 0, "type": "market_if_touched", "stop_price": 99.0})
    assert (played.prices, played.reasons, played.liquidity) == ([price], [reason], ["taker"])


@pytest.mark.parametrize(
    ("limit", "bar", "price"),
    [
        (100.0, (101.0, 102.0, 98.0, 101.0), 99.0),  # marketable when touched: at the trigger
        (98.0, (101.0, 102.0, 97.0, 101.0), 98.0),
        (98.0, (101.0, 102.0, 98.5, 101.0), None),
        (100.0, (97.0, 98.0, 96.0, 97.0), 97.0),  # touched at the open, takes there
    ],
)
def test_limit_if_touched(play: Play, limit: float, bar: tuple[float, ...], price: float | None) -> None:
    """P-12."""
    order = {"bar": 0, "type": "limit_if_touched", "stop_price": 99.0, "limit_price": limit}
    played = play([FLAT, bar], order)
    assert played.prices == ([] if price is None else [price])


def test_on_open_and_on_close(play: Play) -> None:
    """C-06, P-13: two bars a day; sent on bar 0 the next session opens with bar 2, this one closes with bar 1."""
    bars = [FLAT, (101.0, 101.0, 101.0, 101.0), (102.0, 105.0, 102.0, 105.0), (103.0, 103.0, 103.0, 103.0)]
    orders = [
        {"bar": 0, "type": "market_on_open"},
        {"bar": 0, "type": "limit_on_open", "limit_price": 102.0},
        {"bar": 0, "type": "limit_on_open", "limit_price": 101.5},
        {"bar": 0, "type": "market_on_close"},
        {"bar": 1, "type": "limit_on_close", "limit_price": 104.0},
        {"bar": 1, "type": "limit_on_close", "limit_price": 102.0},
    ]
    played = play(bars, *orders, bars_per_day=2)
    assert [(fill.order, fill.bar, fill.price) for fill in played.fills] == [
        (3, 1, 101.0), (0, 2, 102.0), (1, 2, 102.0), (4, 3, 103.0),
    ]  # fmt: skip
    assert played.end(2) == ("expired", "time_in_force")
    assert played.end(5)[0] == "expired"


@pytest.mark.parametrize(("open_", "end"), [(98.0, "cancelled"), (99.0, "cancelled"), (100.0, "filled")])
def test_post_only(play: Play, open_: float, end: str) -> None:
    """P-14."""
    order = {"bar": 0, "type": "limit", "limit_price": 99.0, "post_only": True}
    assert play([FLAT, (open_, 101.0, 97.0, 99.0)], order).status(0) == end


def test_post_only_is_for_limits(play: Play) -> None:
    """L-02."""
    assert play([FLAT], {"post_only": True}).end(0) == ("rejected", "post_only_type")


def test_latency(play: Play) -> None:
    """C-01: two bars later still, cancels as well."""
    bars = [(100.0 + bar, 100.0 + bar, 100.0 + bar, 100.0 + bar) for bar in range(6)]
    limit = {"bar": 0, "type": "limit", "limit_price": 50.0, "cancel_bar": 1}
    played = play(bars, {"bar": 0}, limit, latency_bars=2)
    assert played.fills == [(0, 3, 10.0, 103.0)]
    assert played.steps(1)[-1] == (4, "cancel", "user_cancel")


def test_same_close(play: Play) -> None:
    """C-02, C-04: on the bar of submission; a stop sent with it protects from the next bar on."""
    stop = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 99.0, "parent": "o0"}
    played = play([(100.0, 101.0, 98.0, 100.5), (100.0, 100.0, 98.0, 98.0)], {"bar": 0}, stop, market_fill="same_close")
    assert [(fill.order, fill.bar, fill.price) for fill in played.fills] == [(0, 0, 100.5), (1, 1, 99.0)]
    assert played.equity[0] == 100_000.0


@pytest.mark.parametrize(
    ("word", "limit", "bar", "price"),
    [
        ("marketable_at_stop", 103.0, (104.0, 105.0, 102.5, 104.0), 102.5),  # S 102 is clamped into the bar
        ("marketable_at_stop", 101.0, (100.0, 103.0, 100.0, 102.0), None),
        ("close_test", 103.0, (100.0, 104.0, 99.0, 102.5), 103.0),
        ("close_test", 103.0, (100.0, 104.0, 99.0, 103.0), None),
        ("bt_heuristic", 101.0, (101.5, 103.0, 99.0, 100.5), 101.0),  # falling candle
        ("bt_heuristic", 101.0, (100.0, 103.0, 99.0, 101.0), None),  # rising candle
        ("pyalgo_min", 101.0, (100.0, 103.0, 99.0, 102.0), 101.0),
        ("next_bar_only", 103.0, (100.0, 104.0, 99.0, 102.5), None),
    ],
)
def test_other_engines_stop_limits(
    play: Play, word: str, limit: float, bar: tuple[float, ...], price: float | None
) -> None:
    """P-15."""
    order = {"bar": 0, "type": "stop_limit", "stop_price": 102.0, "limit_price": limit}
    played = play([FLAT, bar], order, stop_limit=word, path="queue", limit_trigger="touch")
    assert played.prices == ([] if price is None else [price])


def test_a_stop_that_forgets(play: Play) -> None:
    """P-07 `stop_latch`: 5 of 10 fill on bar 1; bar 2 does not reach the stop again."""
    order = {"bar": 0, "type": "stop", "stop_price": 102.0}
    bars = [(100.0, 100.0, 100.0, 100.0, 10.0), (100.0, 103.0, 100.0, 100.0, 10.0), (100.0, 101.0, 99.0, 100.0, 10.0)]
    words = {"volume_limit": 0.5, "path": "queue"}
    assert play(bars, order, **words).prices == [102.0, 100.0]
    assert play(bars, order, **words, stop_latch="none").prices == [102.0]


def test_the_first_open_may_need_the_trigger(play: Play) -> None:
    """P-05 `limit_at_open`."""
    order = {"bar": 0, "type": "limit", "limit_price": 99.0}
    bars = [FLAT, (99.0, 100.0, 99.0, 100.0)]
    assert play(bars, order).prices == [99.0]
    assert play(bars, order, limit_at_open="trigger").prices == []


def test_cumulative_check(play: Play) -> None:
    """A-02: the second order of 700 does not fit beside the first, and takes the third along."""
    orders = [{"bar": bar, "quantity": quantity} for bar, quantity in ((0, 7.0), (0, 7.0), (0, 1.0), (1, 1.0))]
    played = play([FLAT, FLAT, FLAT], *orders, cash_submit="cumulative_check", account={"cash": 1000.0})
    assert [played.end(number)[1] for number in (1, 2)] == ["insufficient_cash", "insufficient_cash"]
    assert [fill.order for fill in played.fills] == [0, 3]


@pytest.mark.parametrize(("quantity", "filled"), [(49.0, True), (50.0, True), (51.0, False)])
def test_leverage(play: Play, quantity: float, filled: bool) -> None:
    """A-11: 1000 of equity carry 5000."""
    played = play([FLAT, FLAT], {"bar": 0, "quantity": quantity}, account={"cash": 1000.0, "leverage": 5.0})
    assert bool(played.fills) == filled


@pytest.mark.parametrize(("share", "filled"), [(4.0, 40.0), (5.0, 50.0), (5.1, None)])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_share_above_one_with_leverage(play: Play, share: float, filled: float | None, side: str) -> None:
    """A-02, A-11: 1000 of equity carry 5 times as much: a share of 5 is reserved with a fifth of it, one of 5.1 not."""
    order = {"bar": 0, "side": side, "quantity": None, "size_kind": "equity_fraction", "size": share}
    played = play([FLAT, FLAT], order, account={"cash": 1000.0, "leverage": 5.0})
    if filled is None:
        assert played.end(0) == ("rejected", "insufficient_cash")
        return
    assert [abs(fill.quantity) for fill in played.fills] == [filled]


def test_what_keeps_an_order_from_filling_is_counted(play: Play) -> None:
    """U-01: not touched, without volume, a bad bar; the last bar fills."""
    bars = [
        (100.0, 100.0, 100.0, 100.0, 9.0), (100.0, 101.0, 99.0, 100.0, 9.0), (100.0, 103.0, 99.0, 100.0, 0.0),
        (100.0, 90.0, 99.0, 100.0, 9.0), (100.0, 103.0, 99.0, 100.0, 9.0),
    ]  # fmt: skip
    order = {"bar": 0, "side": "sell", "type": "limit", "limit_price": 102.0, "quantity": 1.0}
    counts = play(bars, order).outcome.counts
    names = ("not_touched", "no_volume", "bad_bar", "capped", "funds", "clamp")
    assert [counts[f"unfilled_{name}"] for name in names] == [1, 1, 1, 0, 0, 0]
