"""F-01 to F-08 on worked orders."""

from datetime import UTC, datetime

import pytest

import admf
from admf.errors import AdmfError
from admf_kernels.laws.commission import month_of
from played import Play
from user_laws import LAWS

BARS = [(100.0, 100.0, 100.0, 100.0, 100.0)] * 5


@pytest.mark.parametrize(
    ("model", "fees"),
    [
        ({"model": "none"}, [0.0, 0.0, 0.0]),
        ({"model": "per_order", "amount": 3.0}, [3.0, 0.0, 0.0]),
        ({"model": "bps", "amount": 10.0}, [1.0, 1.0, 0.5]),
        ({"model": "bps", "amount": 10.0, "minimum": 1.75}, [1.75, 0.25, 0.5]),
        ({"model": "per_share", "rate": 0.25, "minimum": 4.0, "maximum_pct": None}, [4.0, 1.0, 1.25]),
        ({"model": "per_contract", "rate": 0.25}, [2.5, 2.5, 1.25]),
        ({"model": "pct", "rate": 0.0078125, "minimum": 10.0}, [10.0, 5.625, 3.90625]),
        ({"model": "fixed_plus_pct", "amount": 2.0, "rate": 0.0078125}, [9.8125, 7.8125, 3.90625]),
        ({"model": "maker_taker", "maker": -0.5, "taker": 0.0078125}, [7.8125, 7.8125, 3.90625]),
        ({"model": "tiered", "tiers": [(15.0, 1.0), (None, 0.25)]}, [10.0, 6.25, 1.25]),  # F-06
        ({"model": "tiered", "tiers": [(15.0, 1.0), (None, 0.25)], "minimum": 12.0}, [12.0, 4.25, 1.25]),
        ({"model": "tiered", "tiers": [(15.0, 1.0), (None, 0.25)], "maximum_pct": 0.0078125}, [7.8125, 7.8125, 1.875]),
        ({"model": "tiered", "tiers": [(1_500.0, 0.5), (None, 0.25)], "basis": "value"}, [500.0, 375.0, 125.0]),
    ],
)
def test_every_partial_pays_the_difference(play: Play, model: dict[str, object], fees: list[float]) -> None:
    """F-01, F-02: 25 units at 100 in parts of 10, 10 and 5: minimums are per order."""
    assert play(BARS, {"bar": 0, "quantity": 25.0}, volume_limit=0.1, commission=model).commissions == fees


@pytest.mark.parametrize(
    ("quantity", "price", "precedence", "fee"),
    [
        (1_000.0, 25.0, "max_wins", 5.0),  # rate · quantity
        (100.0, 25.0, "max_wins", 1.0),  # 0.5, the minimum is 1
        (1_000.0, 0.25, "max_wins", 2.5),  # 5, the maximum is 1 % of 250
        (100.0, 0.25, "max_wins", 0.25),  # below both: the maximum, 1 % of 25, binds last
        (100.0, 0.25, "min_wins", 1.0),  # … or the minimum
        (1_000.0, 25.0, "min_wins", 5.0),
    ],
)
def test_per_share(play: Play, quantity: float, price: float, precedence: str, fee: float) -> None:
    """F-03: IBKR's published fixed table for US stocks, 0.005 a share, at least 1, at most 1 % of the value."""
    model = {"model": "per_share", "rate": 0.005, "minimum": 1.0, "maximum_pct": 0.01, "precedence": precedence}
    bars = [(price,) * 4] * 2
    assert play(bars, {"bar": 0, "quantity": quantity}, commission=model).commissions == [fee]


def test_a_law_of_the_users_own(play: Play) -> None:
    """F-04, F-01: F(10) = 1 + 1 − 5 is a rebate; the second part pays the difference."""
    assert play(BARS, {"bar": 0, "quantity": 20.0}, volume_limit=0.1, **LAWS).commissions == [-3.0, 2.0]


@pytest.mark.parametrize("debug", [False, True])
def test_a_law_that_fails_ends_the_run(debug: bool) -> None:
    """F-04."""
    bars = {name: [100.0, 100.0] for name in ("open", "high", "low", "close")}
    with pytest.raises(AdmfError, match="commission"):
        admf.simulate(bars, [{"bar": 0, "side": "buy", "quantity": 7.0}], execution=admf.Execution(**LAWS), debug=debug)


def test_makers_are_paid_and_takers_pay(play: Play) -> None:
    """F-05: a market order takes, the limit that rests since bar 0 makes, a marketable limit takes."""
    model = {"model": "maker_taker", "maker": -0.25, "taker": 0.5}
    bars = [(100.0, 101.0, 99.0, 100.0)] * 2 + [(100.0, 101.0, 94.0, 100.0)] * 2
    orders = [{"type": "market"}, {"type": "limit", "limit_price": 96.0}, {"type": "limit", "limit_price": 104.0}]
    played = play(bars, *(order | {"bar": 0} for order in orders), commission=model)
    assert played.liquidity == ["taker", "taker", "maker"]
    assert played.commissions == [500.0, 500.0, -240.0]


def test_cash_is_reserved_as_for_a_taker(play: Play) -> None:
    """F-05, A-02: a limit for 960 needs 960·1.5, whatever it pays when it rests."""
    order = {"bar": 0, "type": "limit", "limit_price": 96.0}
    model = {"model": "maker_taker", "maker": -0.25, "taker": 0.5}
    for cash, status in ((1440.0, "expired"), (1439.0, "rejected")):
        assert play(BARS, order, commission=model, account={"cash": cash}).status(0) == status


TIERS = {"model": "tiered", "tiers": [(15.0, 1.0), (30.0, 0.5), (None, 0.25)]}


def test_orders_go_through_the_tiers_together(play: Play) -> None:
    """F-06: 10, 10 and 20 units: 10·1, 5·1 + 5·½, 10·½ + 10·¼; sides and symbols alike."""
    orders = [{"quantity": 10.0}, {"quantity": 10.0, "side": "sell"}, {"quantity": 20.0}]
    bars = [(100.0, 100.0, 100.0, 100.0)] * 3
    assert play(bars, *(order | {"bar": 0} for order in orders), commission=TIERS).commissions == [10.0, 7.5, 7.5]


@pytest.mark.parametrize(("bars_per_day", "second"), [(1, 10.0), (0, 7.5)])
def test_a_month_begins_with_the_first_tier(play: Play, bars_per_day: int, second: float) -> None:
    """F-06: bar 0 is 15 November 2023, bar 15 the 30th, bar 16 the first of December; undated bars share one month."""
    bars = [(100.0, 100.0, 100.0, 100.0)] * 18
    orders = [{"bar": 14}, {"bar": 15}]
    assert play(bars, *orders, commission=TIERS, bars_per_day=bars_per_day).commissions == [10.0, second]


@pytest.mark.parametrize(
    "day",
    ["1970-01-01", "1999-12-31", "2000-02-29", "2000-03-01", "2023-11-30", "2023-12-01", "2100-03-01", "1969-12-31"],
)
def test_months_of_stamps(day: str) -> None:
    """F-06: the calendar of the kernels is that of datetime, in every hour of the day."""
    date = datetime.fromisoformat(day).replace(tzinfo=UTC)
    for hour in (0, 23):
        stamp = int(date.replace(hour=hour).timestamp()) * 1_000_000_000
        assert month_of(stamp) == date.year * 12 + date.month - 1


def test_sales_alone_pay_the_regulators(play: Play) -> None:
    """F-07: of the value sold, and per unit sold with a maximum for the order."""
    bars = [(100.0, 100.0, 100.0, 100.0, 100.0)] * 5
    orders = [{"bar": 0, "quantity": 20.0}, {"bar": 0, "side": "sell", "quantity": 20.0}]
    words = {"volume_limit": 0.1, "volume_scope": "per_order"}
    value = {"model": "sale_value", "rates": 0.0078125}
    assert play(bars, *orders, commission=value, **words).commissions == [0.0, 7.8125, 0.0, 7.8125]
    shares = {"model": "sale_shares", "rates": [(None, 0.5, 6.0)]}
    assert play(bars, *orders, commission=shares, **words).commissions == [0.0, 5.0, 0.0, 1.0]


def test_rates_take_effect_on_their_day(play: Play) -> None:
    """F-07: nothing before the 16th of November (bar 1), then 1/128, then from the 18th (bar 3) on 1/64."""
    rates = [("2023-11-16", 0.0078125), ("2023-11-18", 0.015625)]
    orders = [{"bar": bar, "side": "sell"} for bar in range(-1, 4)]
    played = play(BARS, *orders, commission={"model": "sale_value", "rates": rates}, bars_per_day=1)
    assert played.commissions == [0.0, 7.8125, 7.8125, 15.625, 15.625]


def test_a_sum_adds_its_parts(play: Play) -> None:
    """F-08: each part with its own minimum: 2 + max(0.5, 1) + 10 units of a tier, and for the sale 1/128 more."""
    parts = [
        {"model": "per_order", "amount": 2.0},
        {"model": "per_share", "rate": 0.05, "minimum": 1.0, "maximum_pct": None},
        TIERS,
        {"model": "sale_value", "rates": 0.0078125},
    ]
    orders = [{"bar": 0}, {"bar": 0, "side": "sell"}]
    assert play(BARS, *orders, commission={"model": "sum", "parts": parts}).commissions == [13.0, 18.3125]
