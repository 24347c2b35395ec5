"""A-12 and A-13 on worked bars: when an account is called, what ends, and at what price."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import admf
from paths_support import PATHS, Case
from played import Play, Played, on_path

FLAT = (100.0, 100.0, 100.0, 100.0)
QUARTER = {"cash": 1_000.0, "leverage": 4.0, "margin_maintenance": 0.2}
LONG = {"bar": 0, "quantity": 40.0}  # 4000 on 1000: E = 40p - 3000 covers 0.2·40p down to p = 93.75
SHORT = {"bar": 0, "side": "sell", "quantity": 20.0}
SHORTS = {"cash": 1_000.0, "margin_initial": 0.5, "margin_maintenance": 0.25}  # E = 3000 - 20p covers 5p up to p = 120


def test_a_margin_call_inside_the_bar(play: Play) -> None:
    """A-12, A-13: from 100 to 90 and back to 99: out at the breach price, with what has to be there."""
    played = play([FLAT, FLAT, (100.0, 100.0, 90.0, 99.0), FLAT], LONG, account=QUARTER)
    assert played.fills == [(0, 1, 40.0, 100.0), (1, 2, -40.0, 93.75)]
    assert (played.reasons[1], played.liquidity[1]) == ("margin_call", "taker")
    assert played.cash[2] == 0.2 * 40.0 * 93.75
    assert played.steps(1) == [(2, event, "margin_call") for event in ("submit", "validate", "route", "complete")]
    assert played.outcome.counts["margin_calls"] == 1
    assert played.outcome.counts["bankrupt_bar"] == -1


@pytest.mark.parametrize("low", [93.75, 93.75 * (1.0 - 1e-12)])
def test_what_is_covered_is_not_called(play: Play, low: float) -> None:
    """A-12: E = M is enough, and so is what rounding took."""
    assert len(play([FLAT, FLAT, (100.0, 100.0, low, 99.0)], LONG, account=QUARTER).fills) == 1


def test_without_a_ratio_nothing_is_called(play: Play) -> None:
    """A-12: E = 40·76 − 3000 is 40."""
    account = {name: value for name, value in QUARTER.items() if name != "margin_maintenance"}
    assert len(play([FLAT, FLAT, (100.0, 100.0, 76.0, 99.0)], LONG, account=account).fills) == 1


def test_a_gapped_open_is_the_price(play: Play) -> None:
    """A-13: o = 92 is beyond 93.75."""
    played = play([FLAT, FLAT, (92.0, 99.0, 90.0, 99.0)], LONG, account=QUARTER)
    assert played.fills[1] == (1, 2, -40.0, 92.0)


def test_a_gap_through_everything_ends_in_bankruptcy(play: Play) -> None:
    """A-13, A-08: out at 70 with −200."""
    played = play([FLAT, FLAT, (70.0, 99.0, 70.0, 99.0), FLAT], LONG, {"bar": 3}, account=QUARTER)
    assert played.reasons == ["fill_at_open", "margin_call"]
    assert played.cash[2] == -200.0
    assert played.outcome.counts["bankrupt_bar"] == 2
    assert played.end(2) == ("rejected", "bankrupt")


def test_a_short_is_called_at_the_high(play: Play) -> None:
    """A-12: under short=margin without leverage."""
    played = play([FLAT, FLAT, (100.0, 125.0, 100.0, 100.0)], SHORT, account=SHORTS)
    assert played.fills[1] == (1, 2, 20.0, 120.0)
    assert played.cash[2] == 600.0


def test_only_the_close_would_miss_it(play: Play) -> None:
    """A-12, the trap of a liquidation that is tested on closes alone: the bar closes where it began."""
    played = play([FLAT, FLAT, (100.0, 100.0, 93.0, 100.0)], LONG, account=QUARTER)
    assert played.reasons[1] == "margin_call"


def test_a_call_slips_as_a_stop_pays_its_fee_and_is_rounded(play: Play) -> None:
    """A-13: 93.75 − 0.5 is 93.25, down to 93 on a tick of 0.5; no volume cap."""
    bars = [(*FLAT, 1e6), (*FLAT, 1e6), (100.0, 100.0, 90.0, 99.0, 10.0)]
    words: dict[str, Any] = {
        "slippage": {"model": "fixed", "amount": 0.5},
        "slip_on": ("stop",),
        "commission": {"model": "bps", "amount": 10.0},
        "instrument": {"tick_size": 0.5},
        "volume_limit": 0.1,
    }
    played = play(bars, LONG, account=QUARTER | {"cash": 1_004.0}, **words)
    assert played.fills[1] == (1, 2, -40.0, 93.0)
    assert played.base_prices[1] == 93.75
    assert played.commissions[1] == pytest.approx(3.72, rel=1e-12)
    calm = play(bars, LONG, account=QUARTER | {"cash": 1_010.0}, **words | {"slip_on": ("limit",)})
    assert calm.base_prices[1] == 2_994.0 / 32.0
    assert calm.prices[1] == 93.5


def two_symbols(path: str, bars: list[list[tuple[float, ...]]], orders: list[dict[str, Any]]) -> Played:
    """Cash 1000, 20 of S0 and 10 of S1 at 100, then `orders`."""
    rows = [[(*bar, 1e6) for bar in symbol] for symbol in bars]
    entries = [{"symbol": "S0", "quantity": 20.0}, {"symbol": "S1", "quantity": 10.0}]
    asked = [
        {"id": f"o{index}", "bar": 0, "side": "buy", "quantity": 10.0} | order
        for index, order in enumerate(entries + orders)
    ]
    return Played(PATHS[path](Case(bars=rows, orders=asked, account=QUARTER)))


@pytest.mark.parametrize("path", list(PATHS))
def test_live_orders_of_the_symbol_end_first(path: str) -> None:
    """A-13: an exit, a resting entry, what waits for it; those of the other symbol work on, its position is covered."""
    bars = [[FLAT, FLAT, (100.0, 100.0, 60.0, 60.0), FLAT], [FLAT] * 4]
    orders = [
        {"symbol": "S0", "side": "sell", "type": "limit", "limit_price": 150.0, "parent": "o0"},
        {"symbol": "S0", "quantity": 1.0, "type": "limit", "limit_price": 20.0},
        {"symbol": "S0", "side": "sell", "type": "stop", "stop_price": 10.0, "parent": "o3"},
        {"symbol": "S1", "side": "sell", "type": "stop", "stop_price": 50.0, "parent": "o1"},
    ]
    played = two_symbols(path, bars, orders)
    assert played.fills[2:] == [(6, 2, -20.0, 75.0)]
    assert [played.end(number) for number in (2, 3, 4)] == [("cancelled", "margin_call")] * 3
    assert played.end(5) == ("expired", "end_of_data")
    assert [row[0] for row in played.outcome.transitions if row[1] == 2][:4] == [2, 3, 4, 6]


@pytest.mark.parametrize("path", list(PATHS))
@pytest.mark.parametrize(("gap", "called"), [((70.0, 90.0), [2]), ((70.0, 70.0), [2, 3])])
def test_the_largest_goes_first_and_the_rest_only_where_it_must(
    path: str, gap: tuple[float, float], called: list[int]
) -> None:
    """A-13: S0 gaps to 70 and goes first, for 1400; −600 and 900 of S1 cover 180, −600 and 700 do not cover 140."""
    bars = [[FLAT, FLAT, (price,) * 4] for price in gap]
    played = two_symbols(path, bars, [])
    assert played.fills[2:] == [(2, 2, -20.0, 70.0), (3, 2, -10.0, 70.0)][: len(called)]
    assert [fill.order for fill in played.fills[2:]] == called
    assert played.outcome.counts["margin_calls"] == len(called)


@pytest.mark.parametrize(
    ("order", "words", "price"),
    [
        ({"type": "stop", "stop_price": 100.0}, {}, 93.75),
        ({"type": "stop", "stop_price": 100.0}, {"path": "queue"}, 93.75),
        ({"type": "stop", "stop_price": 100.0}, {"path": "best"}, None),  # the low may have been before
        ({"type": "stop", "stop_price": 100.0}, {"path": "ohlc"}, None),
        ({}, {"market_fill": "next_close"}, None),
        ({}, {"path": "best"}, 93.75),  # in at the open: the low is certain to come
    ],
)
def test_the_bar_of_the_entry(play: Play, order: dict[str, Any], words: dict[str, Any], price: float | None) -> None:
    """A-12: what a position has before it depends on when it was joined."""
    open_ = 99.0 if order else 100.0
    played = play([FLAT, (open_, 101.0, 90.0, 100.0)], LONG | order, account=QUARTER, **words)
    assert played.prices == ([100.0] if price is None else [100.0, price])


def test_exits_of_the_bar_come_first(play: Play) -> None:
    """A-12, C-02: out at the stop of 95, then nothing is held."""
    stop = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 95.0, "parent": "o0", "quantity": None}
    played = play([FLAT, FLAT, (100.0, 100.0, 90.0, 99.0)], LONG, stop, account=QUARTER)
    assert played.fills[1] == (1, 2, -40.0, 95.0)
    assert played.outcome.counts["margin_calls"] == 0


def test_an_invalid_bar_calls_nothing(play: Play) -> None:
    """A-12: tested at the mark of 100; the next bar is tested again."""
    broken = (100.0, 90.0, 110.0, 80.0)
    played = play([FLAT, FLAT, broken, (99.0, 99.0, 90.0, 95.0)], LONG, account=QUARTER)
    assert played.fills[1:] == [(1, 3, -40.0, 93.75)]


class Again(admf.CompiledStrategy):
    """One order a bar while flat, the smaller the more fills it has heard of."""

    orders_per_bar_max = 1
    _heard: int = 0

    def on_fill(self, ctx, fill):
        self._heard += 1

    def on_bar(self, ctx):
        if ctx.position() == 0.0:
            ctx.buy(1.0 / (1.0 + self._heard))


@pytest.mark.parametrize("record", ["full", "summary"])
def test_the_strategy_hears_of_it_and_goes_on(record: str) -> None:
    """A-13: as many orders a bar as before; two fills were heard before the second entry."""
    bars = {"open": [100.0] * 6, "high": [100.0] * 6, "low": [100.0, 100.0, 50.0] * 2, "close": [100.0] * 6}
    account = admf.Account(cash=30.0, leverage=4.0, margin_maintenance=0.2)
    result = admf.backtest(bars, Again(), account=account, record=record)
    assert result.metrics["margin_calls"] == 2
    if record == "full":
        assert result.fills["quantity"].to_list() == [1.0, 1.0, 1.0 / 3.0, 1.0 / 3.0]


def test_ids_are_unique_and_the_summary_says_it() -> None:
    """A-13: one position called twice."""
    bars = {"open": [100.0] * 6, "high": [100.0] * 6, "low": [100.0, 100.0, 50.0] * 2, "close": [100.0] * 6}
    orders = [{"bar": 3 * place, "side": "buy", "quantity": 1.0 / (1 + place)} for place in range(2)]
    account = admf.Account(cash=30.0, leverage=4.0, margin_maintenance=0.2)
    result = admf.simulate(bars, orders, account=account)
    names = [name for name in result.orders["id"].to_list() if name.startswith("margin_call")]
    assert [name.rsplit(":", 1)[1] for name in names] == ["2", "5"]
    assert "MARGIN CALL: 2 positions closed because" in str(result.summary())


@given(
    st.lists(st.integers(-12, 12), min_size=5, max_size=30), st.sampled_from([-1.0, 1.0]), st.sampled_from([0.5, 0.9])
)
@settings(max_examples=40)
def test_a_call_leaves_what_has_to_be_there(steps: list[int], side: float, share: float) -> None:
    """A-13: without gaps and costs nobody is closed with less than the maintenance margin."""
    closes = [100.0]
    for step in steps:
        closes.append(max(closes[-1] + step, 1.0))
    opens = [100.0, *closes[:-1]]
    rows = [(o, max(o, c) + 3.0, max(min(o, c) - 3.0, 0.5), c) for o, c in zip(opens, closes, strict=True)]
    account = {"cash": 1_000.0, "leverage": 5.0, "margin_maintenance": 0.2 * share}
    order = {"bar": -1, "side": "buy" if side > 0.0 else "sell", "quantity": 49.0}
    played = on_path("compiled")(rows, order, account=account)
    called = [fill for fill, reason in zip(played.fills, played.reasons, strict=True) if reason == "margin_call"]
    for fill in called:
        least = 0.2 * share * abs(fill.quantity) * fill.price
        assert played.cash[fill.bar] == pytest.approx(least, rel=1e-9)
    if not called:
        worst = [row[2] if side > 0.0 else row[1] for row in rows]
        cash = played.cash[-1]
        held = sum(fill.quantity for fill in played.fills)
        assert all(cash + held * price >= 0.2 * share * abs(held) * price - 1e-6 for price in worst)
