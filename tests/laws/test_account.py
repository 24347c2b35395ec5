"""A-01 to A-10 on worked bars."""

import pytest

import admf
from played import Play

FLAT = [(100.0, 100.0, 100.0, 100.0)] * 4
AT_100_THEN_50 = [FLAT[0], FLAT[1], (50.0, 50.0, 50.0, 50.0), (50.0, 50.0, 50.0, 50.0)]
NO_TEST = {"cash_submit": "none"}


def test_cash_and_equity(play: Play) -> None:
    """A-01: 10 contracts of 5 at 100 with a fee of 2; marked at 101."""
    bars = [FLAT[0], (100.0, 101.0, 100.0, 101.0)]
    order = {"bar": 0}
    played = play(bars, order, commission={"model": "per_order", "amount": 2.0}, instrument={"multiplier": 5.0})
    assert played.cash[1] == 100_000.0 - 5_000.0 - 2.0
    assert played.equity[1] == 94_998.0 + 10.0 * 101.0 * 5.0


@pytest.mark.parametrize("debug", [False, True])
def test_the_average_price_is_that_of_the_open_quantity(debug: bool) -> None:
    """A-01: 10 at 100 and 30 at 120 make 115; selling keeps it."""
    prices = [100.0, 100.0, 120.0, 130.0]
    bars = {"open": prices, "high": prices, "low": prices, "close": prices}
    orders = [
        {"bar": 0, "side": "buy", "quantity": 10.0},
        {"bar": 1, "side": "buy", "quantity": 30.0},
        {"bar": 2, "side": "sell", "quantity": 15.0},
    ]
    position = admf.simulate(bars, orders, debug=debug).records.positions[0]
    assert position["average_price"] == 115.0
    assert position["quantity"] == 25.0


@pytest.mark.parametrize(
    ("kind", "words", "prices", "quantities", "status"),
    [
        ("limit", {}, (90.0, 92.0), (6.0, 5.0), "expired"),  # 540 + 460
        ("limit", {}, (90.0, 92.1), (6.0, 5.0), "rejected"),
        ("stop", {}, (150.0, 200.0), (6.0, 0.5), "expired"),  # 900 + 100
        ("stop", {}, (150.0, 202.0), (6.0, 0.5), "rejected"),
        ("limit", NO_TEST, (90.0, 92.1), (60.0, 5.0), "expired"),
    ],
)
def test_working_orders_hold_their_money_back(
    play: Play,
    kind: str,
    words: dict[str, str],
    prices: tuple[float, float],
    quantities: tuple[float, float],
    status: str,
) -> None:
    """A-02: 1000 in cash, L or S times quantity."""
    orders = [
        {"bar": 0, "type": kind, f"{kind}_price": price, "quantity": quantity}
        for price, quantity in zip(prices, quantities, strict=True)
    ]
    played = play(FLAT, *orders, account={"cash": 1_000.0}, **words)
    assert played.status(0) == "expired"
    assert played.status(1) == status


@pytest.mark.parametrize(("quantity", "status"), [(9.75, "filled"), (9.85, "rejected")])
def test_a_market_order_is_reserved_at_the_close_with_slippage_and_fee(
    play: Play, quantity: float, status: str
) -> None:
    """A-02: (100 + 2) · 1.001 a unit: 9.794 units of 1000; the slippage itself is not on the fill's side here."""
    words = {"slippage": {"model": "fixed", "amount": 2.0}, "commission": {"model": "bps", "amount": 10.0}}
    played = play(FLAT, {"bar": 0, "quantity": quantity}, account={"cash": 1_000.0}, **words)
    assert played.status(0) == status
    if status == "rejected":
        assert played.steps(0)[-1] == (0, "deny", "insufficient_cash")


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"bar": -1}, {}),  # a market order before the first bar has no price
        ({"bar": 0, "side": "sell"}, {"short": "proceeds_as_cash"}),  # w = 0
        ({"bar": 0, "side": "sell", "reduce_only": True}, {}),  # q₀ = 0
    ],
)
def test_what_reserves_nothing(play: Play, order: dict[str, object], words: dict[str, str]) -> None:
    """A-02: with 1 in cash none of these is refused at submission."""
    assert "validate" in [step[1] for step in play(FLAT, order, account={"cash": 1.0}, **words).steps(0)]
    assert "deny" not in [step[1] for step in play(FLAT, order, account={"cash": 1.0}, **words).steps(0)]


@pytest.mark.parametrize(
    ("margin", "quantity", "status"),
    [(1.0, 10.0, "filled"), (1.0, 10.5, "rejected"), (0.5, 20.0, "filled"), (0.5, 21.0, "rejected")],
)
def test_a_short_reserves_its_margin(play: Play, margin: float, quantity: float, status: str) -> None:
    """A-02: q·100·w of 1000."""
    account = {"cash": 1_000.0, "margin_initial": margin}
    assert play(FLAT, {"bar": 0, "side": "sell", "quantity": quantity}, account=account).status(0) == status


def test_money_beyond_all_numbers_is_not_there(play: Play) -> None:
    """A-02: 1e308 units of 100 are worth inf, and a billionth of that would be rounding."""
    for side in ("buy", "sell"):
        played = play(FLAT, {"bar": 0, "side": side, "quantity": 1e308})
        assert played.steps(0)[-1] == (0, "deny", "insufficient_cash")


def test_sizes_reserve_their_money(play: Play) -> None:
    """A-02: 0.6 of the free cash, then 500: only 400 is left; a sale of a position is not held back."""
    account = {"cash": 1_000.0, "positions": {"S0": (1.0, 100.0)}}
    resting = {"bar": 0, "type": "limit", "limit_price": 50.0, "quantity": None}
    share = resting | {"size_kind": "cash_fraction", "size": 0.6}
    value = resting | {"size_kind": "value", "size": 500.0}
    sale = {
        "bar": 0,
        "side": "sell",
        "type": "limit",
        "limit_price": 200.0,
        "quantity": None,
        "size_kind": "value",
        "size": 5_000.0,
    }
    played = play(FLAT, share, value, sale, account=account)
    assert [played.status(number) for number in range(3)] == ["expired", "rejected", "expired"]


def test_a_filled_share_releases_its_share_of_the_reserve(play: Play) -> None:
    """A-02: 8 at L = 100 reserve 800 of 1000; half filled at 90: 400 are held, 360 paid, 240 free."""
    bars = [(*FLAT[0], 100.0), (90.0, 90.0, 90.0, 90.0, 40.0), (*FLAT[0], 0.0)]
    limit = {"bar": 0, "type": "limit", "limit_price": 100.0, "quantity": 8.0}
    for money, status in ((240.0, "expired"), (240.01, "rejected")):
        second = {"bar": 1, "type": "limit", "limit_price": money, "quantity": 1.0}
        played = play(bars, limit, second, account={"cash": 1_000.0}, volume_limit=0.1)
        assert played.fills == [(0, 1, 4.0, 90.0)]
        assert played.status(1) == status


@pytest.mark.parametrize(("quantity", "status"), [(5.0, "filled"), (5.1, "rejected")])
def test_a_short_locks_its_proceeds_and_margin(play: Play, quantity: float, status: str) -> None:
    """A-03: 1000; 5 sold at 100 bring 500 and lock 1000: 500 are free for the margin of 5 more."""
    orders = [{"bar": 0, "side": "sell", "quantity": 5.0}, {"bar": 1, "side": "sell", "quantity": quantity}]
    played = play(FLAT, *orders, account={"cash": 1_000.0})
    assert played.cash[1] == 1_500.0
    assert played.status(1) == status


def test_closing_a_share_of_a_short_unlocks_that_share(play: Play) -> None:
    """A-03: of 10 short at 100 four come back at 50: cash 1800, locked 2000·0.6, free 600: 12 at 50."""
    bars = AT_100_THEN_50
    orders = [
        {"bar": 0, "side": "sell", "quantity": 10.0},
        {"bar": 1, "quantity": 4.0},
        {"bar": 2, "side": "sell", "quantity": 12.0},
    ]
    assert play(bars, *orders, account={"cash": 1_000.0}).status(2) == "filled"
    orders[2]["quantity"] = 12.1
    assert play(bars, *orders, account={"cash": 1_000.0}).status(2) == "rejected"


@pytest.mark.parametrize(
    ("word", "fills", "end"),
    [
        ("reject", [], ("rejected", "insufficient_cash")),
        ("resize_down", [(0, 1, 10.0, 100.0)], ("filled", "fill_at_open")),
        ("skip_and_retry", [(0, 2, 15.0, 50.0)], ("filled", "fill_at_open")),
        ("none", [(0, 1, 15.0, 100.0)], ("filled", "fill_at_open")),
    ],
)
def test_funds_at_the_fill(play: Play, word: str, fills: list[object], end: tuple[str, str]) -> None:
    """A-04: 15 at 100 with 1000."""
    played = play(AT_100_THEN_50, {"bar": 0, "quantity": 15.0}, account={"cash": 1_000.0}, cash_fill=word, **NO_TEST)
    assert played.fills == fills
    assert played.end(0) == end


def test_funds_that_fail_after_a_first_fill_cancel(play: Play) -> None:
    """A-04, L-01: 8 fill at 100, the next 8 cannot be paid."""
    bars = [(*bar, 80.0) for bar in FLAT]
    played = play(bars, {"bar": 0, "quantity": 16.0}, account={"cash": 1_000.0}, volume_limit=0.1, **NO_TEST)
    assert played.fills == [(0, 1, 8.0, 100.0)]
    assert played.steps(0)[-1] == (2, "funds_fail", "insufficient_cash")
    assert played.status(0) == "cancelled"


@pytest.mark.parametrize("word", ["reject", "resize_down"])
def test_fill_or_kill_is_not_cut_to_the_funds(play: Play, word: str) -> None:
    """A-04."""
    order = {"bar": 0, "quantity": 15.0, "time_in_force": "fok"}
    played = play(FLAT, order, account={"cash": 1_000.0}, cash_fill=word, **NO_TEST)
    assert played.fills == []
    assert played.end(0) == ("cancelled", "fok_not_complete")


def test_dust_below_zero_becomes_zero(play: Play) -> None:
    """A-04: 3 · 0.1 is 0.30000000000000004, more than the cash of 0.3, and within the tolerance."""
    bars = [(0.1, 0.1, 0.1, 0.1)] * 2
    played = play(bars, {"bar": 0, "quantity": 3.0}, account={"cash": 0.3})
    assert played.status(0) == "filled"
    assert played.cash[1] == 0.0


def test_a_reversal_is_two_fills(play: Play) -> None:
    """A-05, F-01: one order, one fee, a round trip that ends and one that begins."""
    account = {"positions": {"S0": (10.0, 100.0)}}
    fee = {"model": "per_order", "amount": 3.0}
    played = play(FLAT, {"bar": 0, "side": "sell", "quantity": 15.0}, account=account, commission=fee)
    assert played.fills == [(0, 1, -10.0, 100.0), (0, 1, -5.0, 100.0)]
    assert played.commissions == [3.0, 0.0]
    assert [step[1] for step in played.steps(0)[3:]] == ["fill", "complete"]
    assert len(played.outcome.trades) == 1


def test_the_close_of_a_reversal_always_executes(play: Play) -> None:
    """A-04, A-05: no money for the new short; the long is sold all the same."""
    account = {"cash": 10.0, "positions": {"S0": (1.0, 100.0)}}
    order = {"bar": 0, "side": "sell", "quantity": 50.0}
    played = play(FLAT, order, account=account, **NO_TEST)
    assert played.fills == [(0, 1, -1.0, 100.0)]
    assert played.end(0) == ("cancelled", "insufficient_cash")


def sized(kind: str, size: float, **words: object) -> dict[str, object]:
    return {"bar": 0, "quantity": None, "size_kind": kind, "size": size} | words


@pytest.mark.parametrize(
    ("kind", "size", "budget"),
    [("value", 500.0, 500.0), ("equity_fraction", 0.5, 550.0), ("cash_fraction", 0.5, 500.0)],
)
def test_a_size_is_what_it_costs(play: Play, kind: str, size: float, budget: float) -> None:
    """A-06: slippage of 1 % and a fee of 1 %: 102.01 a unit of 100; one unit is held, marked at 100."""
    account = {"cash": 1_000.0, "positions": {"S0": (1.0, 100.0)}}
    words = {"slippage": {"model": "bps", "amount": 100.0}, "commission": {"model": "bps", "amount": 100.0}}
    wide = [FLAT[0], (100.0, 110.0, 90.0, 100.0)]
    played = play(wide, sized(kind, size), account=account, **words)
    assert played.fills[0].quantity == pytest.approx(budget / 102.01, rel=1e-12)
    assert 1_000.0 - played.cash[1] == pytest.approx(budget, rel=1e-12)
    lots = play(wide, sized(kind, size), account=account, instrument={"lot_size": 1.0}, **words)
    assert lots.fills[0].quantity == budget // 102.01


def test_all_in_never_overdraws_and_never_rejects(play: Play) -> None:
    """A-06: minimum fee, slippage by volume, lots: what is left is less than a lot costs."""
    words = {
        "slippage": {"model": "volume_share", "impact": 1.0, "max_share": 0.5},
        "commission": {"model": "bps", "amount": 10.0, "minimum": 7.0},
        "instrument": {"lot_size": 0.5},
        "clamp": "none",
    }
    bars = [(*FLAT[0], 100.0), (*FLAT[0], 60.0)]
    played = play(bars, sized("equity_fraction", 1.0), account={"cash": 1_000.0}, **words)
    assert played.status(0) == "filled"
    assert 0.0 <= played.cash[1] < 0.5 * played.prices[0] * 1.02


def test_a_size_below_a_lot_is_cancelled(play: Play) -> None:
    """A-06."""
    played = play(FLAT, sized("value", 99.0), instrument={"lot_size": 1.0})
    assert played.steps(0)[-1] == (1, "cancel", "below_lot")


def test_a_size_is_resolved_once(play: Play) -> None:
    """A-06: 1000 at the first price of 100 are 10 units, whatever the later bars cost."""
    bars = [(*FLAT[0], 100.0), (*FLAT[0], 40.0), (50.0, 50.0, 50.0, 50.0, 500.0)]
    played = play(bars, sized("value", 1_000.0), volume_limit=0.1)
    assert played.fills == [(0, 1, 4.0, 100.0), (0, 2, 6.0, 50.0)]


def test_the_opening_part_of_a_size_is_cut_to_the_cash(play: Play) -> None:
    """A-06: half the equity short, but the margin of what free cash allows: 1000 of 1500."""
    account = {"cash": 1_000.0}
    order = sized("value", 1_500.0, side="sell")
    played = play(FLAT, order, account=account, **NO_TEST)
    assert played.fills == [(0, 1, -10.0, 100.0)]
    assert played.status(0) == "filled"


def test_no_shorts_where_they_are_forbidden(play: Play) -> None:
    """A-07: 15 of 10 held are refused; of two sales of 10 the second finds nothing to close."""
    account = {"positions": {"S0": (10.0, 100.0)}}
    refused = play(FLAT, {"bar": 0, "side": "sell", "quantity": 15.0}, account=account, short="forbidden")
    assert refused.steps(0)[-1] == (0, "deny", "short_forbidden")
    sale = {"bar": 0, "side": "sell", "quantity": 10.0}
    twice = play(FLAT, sale, sale, account=account, short="forbidden")
    assert twice.fills == [(0, 1, -10.0, 100.0)]
    assert twice.steps(1)[-1] == (1, "funds_fail", "short_forbidden")


def test_bankruptcy(play: Play) -> None:
    """A-08: 30 at 100 on 1000: at c = 60 equity is −200; out at l = 55 with its fee, the rest ends."""
    bars = [FLAT[0], FLAT[0], (70.0, 70.0, 55.0, 60.0), FLAT[0]]
    words = {"cash_fill": "none", "commission": {"model": "per_order", "amount": 1.0}, **NO_TEST}
    orders = [{"bar": 0, "quantity": 30.0}, {"bar": 1, "type": "limit", "limit_price": 10.0}, {"bar": 2}, {"bar": 3}]
    played = play(bars, *orders, account={"cash": 1_000.0}, **words)
    assert played.fills == [(0, 1, 30.0, 100.0), (2, 2, -30.0, 55.0)]
    assert played.reasons[1] == "bankrupt"
    assert played.cash == [1_000.0, -2_001.0, -2_001.0 + 30.0 * 55.0 - 1.0, -352.0]
    assert played.end(1) == ("cancelled", "bankrupt")
    assert played.end(3) == played.end(4) == ("rejected", "bankrupt")
    assert played.outcome.counts["bankrupt_bar"] == 2


def test_a_round_trip(play: Play) -> None:
    """A-09: 10 at 100 and 10 at 110, out 5 at 120 and 15 at 116: 105 in, 117 out, four fees of 2."""
    prices = [100.0, 100.0, 110.0, 120.0, 116.0]
    bars = [(price,) * 4 for price in prices]
    orders = [
        {"bar": 0}, {"bar": 1},
        {"bar": 2, "side": "sell", "quantity": 5.0}, {"bar": 3, "side": "sell", "quantity": 15.0},
    ]  # fmt: skip
    played = play(bars, *orders, commission={"model": "per_order", "amount": 2.0})
    assert played.outcome.trades == [(20.0, 105.0, 117.0, 240.0 - 8.0, 8.0, 1, 4, 0, 1, 0)]


def test_a_reversal_ends_a_round_trip_and_begins_one(play: Play) -> None:
    """A-09: long 10 from 100 to 110, short 5 from 110 to 104."""
    bars = [(price,) * 4 for price in (100.0, 100.0, 110.0, 104.0)]
    orders = [{"bar": 0}, {"bar": 1, "side": "sell", "quantity": 15.0}, {"bar": 2, "quantity": 5.0}]
    played = play(bars, *orders)
    assert [trade[:5] for trade in played.outcome.trades] == [
        (10.0, 100.0, 110.0, 100.0, 0.0),
        (5.0, 110.0, 104.0, 30.0, 0.0),
    ]
    assert [trade[8] for trade in played.outcome.trades] == [1, -1]


def test_closing_at_the_end(play: Play) -> None:
    """A-10: at c = 102 with 1 of slippage and its fee, although the volume would let 1 unit through."""
    bars = [(*FLAT[0], 100.0), (*FLAT[0], 100.0), (100.0, 103.0, 99.0, 102.0, 10.0)]
    words = {"slippage": {"model": "fixed", "amount": 1.0}, "commission": {"model": "per_order", "amount": 4.0}}
    played = play(bars, {"bar": 0}, volume_limit=0.1, close_positions=True, clamp="none", **words)
    assert played.fills[1] == (1, 2, -10.0, 101.0)
    assert (played.reasons[1], played.liquidity[1], played.commissions[1]) == ("close_positions", "taker", 4.0)
    assert played.steps(1) == [(2, event, "close_positions") for event in ("submit", "validate", "route", "complete")]
