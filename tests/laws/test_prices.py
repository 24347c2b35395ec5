"""P-01 to P-11 on worked bars."""

import pytest

from played import Play

START = (100.0, 100.0, 100.0, 100.0)
TICK = {"tick_size": 0.25}


@pytest.mark.parametrize(
    ("side", "kind", "given", "kept"),
    [
        ("buy", "limit", 99.60, 99.50),
        ("sell", "limit", 100.40, 100.50),
        ("buy", "stop", 100.40, 100.50),
        ("sell", "stop", 99.60, 99.50),
        ("buy", "limit", 99.750_01, 99.75),  # 0.00004 ticks above a tick
        ("buy", "limit", 99.749_99, 99.75),  # within the slack below it
        ("buy", "limit", 99.749_9, 99.50),  # 0.0004 ticks below it
    ],
)
def test_order_prices_go_to_the_tick(play: Play, side: str, kind: str, given: float, kept: float) -> None:
    """P-01: the bar passes every price, so the fill tells the rounded one."""
    bars = [START, (100.0, 101.0, 99.0, 100.0)]
    order = {"bar": 0, "side": side, "type": kind, f"{kind}_price": given}
    assert play(bars, order, instrument=TICK).fills[0].price == kept


def test_a_decimal_tick_gives_the_nearest_double(play: Play) -> None:
    """P-01: 0.1 + 0.2 is not 0.3; three ticks of 0.1 are."""
    bars = [(0.5, 0.5, 0.5, 0.5), (0.5, 0.5, 0.1, 0.2)]
    played = play(bars, {"bar": 0, "type": "limit", "limit_price": 0.1 + 0.2}, instrument={"tick_size": 0.1})
    assert played.prices == [0.3]


@pytest.mark.parametrize(("word", "fills"), [("touch", 1), ("through", 0)])
def test_a_stop_at_the_high(play: Play, word: str, fills: int) -> None:
    """P-02."""
    bars = [START, (100.0, 102.0, 99.0, 100.0)]
    assert len(play(bars, {"bar": 0, "type": "stop", "stop_price": 102.0}, stop_trigger=word).fills) == fills


@pytest.mark.parametrize(
    ("word", "ticks", "tick", "lowest_fill"),
    [
        ("touch", 1.0, 0.25, 99.0),
        ("through", 1.0, 0.25, 98.75),
        ("through_ticks", 0.0, 0.25, 99.0),
        ("through_ticks", 1.0, 0.25, 98.75),
        ("through_ticks", 2.0, 0.25, 98.50),
        ("through_ticks", 1.0, None, 98.75),  # unknown tick: any price below
    ],
)
def test_a_limit_at_99_fills_from_this_low_on(
    play: Play, word: str, ticks: float, tick: float | None, lowest_fill: float
) -> None:
    """P-03: one quarter higher and it does not."""
    order = {"bar": 0, "type": "limit", "limit_price": 99.0}
    words = {"limit_trigger": word, "limit_through_ticks": ticks, "instrument": {"tick_size": tick}}
    assert play([START, (100.0, 100.0, lowest_fill, 100.0)], order, **words).fills == [(0, 1, 10.0, 99.0)]
    assert play([START, (100.0, 100.0, lowest_fill + 0.25, 100.0)], order, **words).fills == []


def test_a_new_limit_takes_what_the_open_offers(play: Play) -> None:
    """P-05: at its first eligible open s(o − L) ≤ 0 is enough, whatever n; it takes."""
    played = play(
        [START, (99.0, 100.0, 99.0, 100.0)], {"bar": 0, "type": "limit", "limit_price": 99.0}, instrument=TICK
    )
    assert played.fills == [(0, 1, 10.0, 99.0)]
    assert played.liquidity == ["taker"]
    assert played.reasons == ["limit_at_open"]


def test_a_resting_limit_needs_the_open_to_go_through(play: Play) -> None:
    """P-05: the same open on its second bar is a touch; a tick lower fills, at the open, as maker."""
    order = {"bar": 0, "type": "limit", "limit_price": 99.0}
    quiet = (100.0, 100.0, 99.5, 100.0)
    assert play([START, quiet, (99.0, 100.0, 99.0, 100.0)], order, instrument=TICK).fills == []
    played = play([START, quiet, (98.75, 100.0, 98.0, 100.0)], order, instrument=TICK)
    assert played.fills == [(0, 2, 10.0, 98.75)]
    assert played.liquidity == ["maker"]


def test_an_exit_needs_the_open_to_go_through_even_on_its_first_bar(play: Play) -> None:
    """P-05: "opening" by the position when the phase began."""
    account = {"positions": {"S0": (10.0, 100.0)}}
    order = {"bar": 0, "side": "sell", "type": "limit", "limit_price": 101.0}
    touch = play([START, (101.0, 101.0, 100.0, 100.0)], order, instrument=TICK, account=account)
    assert touch.fills == []
    through = play([START, (101.25, 101.25, 100.0, 100.0)], order, instrument=TICK, account=account)
    assert through.fills == [(0, 1, -10.0, 101.25)]


@pytest.mark.parametrize(("word", "price"), [("open", 97.0), ("limit", 99.0), ("far_extreme", 98.5)])
def test_a_gap_through_a_limit(play: Play, word: str, price: float) -> None:
    """P-05: o = 97 under L = 99; the worst price of the bar that respects L is h = 98.5."""
    bars = [START, (97.0, 98.5, 96.0, 98.0)]
    order = {"bar": 0, "type": "limit", "limit_price": 99.0}
    assert play(bars, order, limit_gap=word, clamp="none").prices == [price]


@pytest.mark.parametrize(("word", "price"), [("open", 99.0), ("limit", 99.0), ("far_extreme", 99.0)])
def test_a_limit_inside_the_bar_fills_at_its_price_as_maker(play: Play, word: str, price: float) -> None:
    """P-06."""
    played = play([START, (100.0, 101.0, 98.0, 99.5)], {"bar": 0, "type": "limit", "limit_price": 99.0}, limit_gap=word)
    assert played.prices == [price]
    assert played.liquidity == ["maker"]
    assert played.reasons == ["limit_reached"]


@pytest.mark.parametrize(("word", "price"), [("open", 104.0), ("stop", 102.0), ("worse_of_stop_and_close", 103.0)])
def test_a_gap_through_a_stop(play: Play, word: str, price: float) -> None:
    """P-07: S = 102, o = 104, c = 103; no clamp, so that the base price shows."""
    played = play(
        [START, (104.0, 105.0, 102.5, 103.0)],
        {"bar": 0, "type": "stop", "stop_price": 102.0},
        stop_gap=word,
        clamp="none",
    )
    assert played.prices == [price]
    assert played.liquidity == ["taker"]
    assert played.reasons == ["stop_at_open"]


def test_a_stop_that_traded_without_volume_is_a_market_order(play: Play) -> None:
    """P-07, V-01: S = 102 traded on a bar without volume; the next open is far below S and fills all the same."""
    bars = [(*START, 10.0), (100.0, 103.0, 99.0, 100.0, 0.0), (95.0, 96.0, 94.0, 95.0, 10.0)]
    played = play(bars, {"bar": 0, "type": "stop", "stop_price": 102.0})
    assert played.fills == [(0, 2, 10.0, 95.0)]
    assert (1, "trigger", "stop_reached") in played.steps(0)


@pytest.mark.parametrize(("word", "price"), [("open", 102.0), ("stop", 102.0), ("worse_of_stop_and_close", 104.0)])
def test_a_stop_inside_the_bar(play: Play, word: str, price: float) -> None:
    """P-08: c = 104 is worse for the buyer than S = 102."""
    played = play([START, (100.0, 105.0, 99.0, 104.0)], {"bar": 0, "type": "stop", "stop_price": 102.0}, stop_gap=word)
    assert played.prices == [price]
    assert played.reasons == ["stop_reached"]


def test_a_stop_limit_stays_triggered(play: Play) -> None:
    """P-09: triggered at the open of bar 1 beyond L; on bar 2 it is a resting limit, filled at L = 102."""
    order = {"bar": 0, "type": "stop_limit", "stop_price": 101.0, "limit_price": 102.0}
    played = play([START, (104.0, 105.0, 103.0, 104.0), (103.0, 104.0, 100.0, 101.0)], order)
    assert played.fills == [(0, 2, 10.0, 102.0)]
    assert [step[:2] for step in played.steps(0)] == [
        (0, "submit"), (0, "validate"), (1, "route"), (1, "trigger"), (2, "complete"),
    ]  # fmt: skip


@pytest.mark.parametrize(("word", "bar"), [("path", 1), ("next_bar_only", 2)])
def test_a_stop_limit_that_triggers_inside(play: Play, word: str, bar: int) -> None:
    """P-09: S = 101, L = 102; bar 2 opens at 101.5, below L."""
    order = {"bar": 0, "type": "stop_limit", "stop_price": 101.0, "limit_price": 102.0}
    played = play([START, (100.0, 103.0, 99.0, 102.5), (101.5, 103.0, 99.0, 100.0)], order, stop_limit=word)
    assert [fill.bar for fill in played.fills] == [bar]
    assert played.prices == [101.0 if bar == 1 else 101.5]


@pytest.mark.parametrize(
    ("order", "fills"),
    [
        ({"type": "market"}, [100.5]),
        ({"type": "limit", "limit_price": 101.0}, [100.5]),
        ({"type": "limit", "limit_price": 100.25}, []),
        ({"type": "stop", "stop_price": 100.5}, [100.5]),
        ({"type": "stop", "stop_price": 101.0}, []),
        ({"type": "stop_limit", "stop_price": 100.0, "limit_price": 101.0}, [100.5]),
    ],
)
def test_the_close_alone(play: Play, order: dict[str, object], fills: list[float]) -> None:
    """P-10: l = 99 and h = 102 do not count, c = 100.5 does."""
    played = play([START, (100.0, 102.0, 99.0, 100.5)], order | {"bar": 0}, price_ref="close")
    assert played.prices == fills
    assert set(played.reasons) <= {"fill_at_close"}


@pytest.mark.parametrize(
    ("clamp", "price"), [("bar_and_limit", 101.0), ("bar", 102.0), ("limit", 101.0), ("none", 103.0)]
)
def test_the_clamp(play: Play, clamp: str, price: float) -> None:
    """P-11: buy limit 101 taken at o = 100 with 3 of slippage, h = 102: raw 103 goes into the bar, then to L."""
    bars = [START, (100.0, 102.0, 99.0, 100.5)]
    slippage = {"model": "fixed", "amount": 3.0}
    played = play(bars, {"bar": 0, "type": "limit", "limit_price": 101.0}, slippage=slippage, clamp=clamp)
    assert played.prices == [price]
    assert played.outcome.counts["clamps"] == (clamp != "none")
    assert played.outcome.counts["clamp_saving"] == 10.0 * (103.0 - price)
    assert played.outcome.counts["slippage_cost"] == 10.0 * (price - 100.0)


def test_a_clamped_fill_may_wait(play: Play) -> None:
    """P-11: raw 103 is outside bar 1, inside bar 2."""
    bars = [START, (100.0, 102.0, 99.0, 100.5), (100.0, 104.0, 99.0, 100.5)]
    words = {"slippage": {"model": "fixed", "amount": 3.0}, "clamp_fail": "skip_bar"}
    assert play(bars, {"bar": 0}, **words).fills == [(0, 2, 10.0, 103.0)]


def test_the_raw_price_goes_to_the_tick_against_the_trader(play: Play) -> None:
    """P-11: 100 ± 0.3 with ticks of 0.25."""
    bars = [START, (100.0, 102.0, 98.0, 100.0)]
    words = {"slippage": {"model": "fixed", "amount": 0.3}, "instrument": TICK}
    assert play(bars, {"bar": 0}, {"bar": 0, "side": "sell", "quantity": 20.0}, **words).prices == [100.5, 99.5, 99.5]
