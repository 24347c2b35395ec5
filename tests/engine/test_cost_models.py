"""Slippage and commission models as values: what is read, what is refused, published tables."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import admf
from admf import commission, slippage
from admf.errors import ConfigError
from admf.execution import Execution
from admf.execution.fees import fee_table
from admf.models import Model
from admf_kernels.codes import CommissionModel

PUBLISHED = Path(__file__).parents[1] / "cases" / "ibkr__published_commissions.json"
SUM = commission.sum([commission.ibkr_us_stocks_tiered(), commission.sale_value([("2024-05-22", 27.8e-6)])])


@pytest.mark.parametrize(
    "model",
    [
        slippage.half_spread(10, "bps"),
        slippage.power(0.5, window=5),
        slippage.range(0.1),
        slippage.random(5, seed=2**53),
        slippage.volume_share(0.1, None),
        commission.maker_taker(-0.0001, 0.0005),
        commission.tiered([(10, 1), (None, 0.5)], "value"),
        commission.sale_shares([(None, 0.1), (date(2024, 1, 1), 0.2, 8.3)]),
        SUM,
    ],
    ids=lambda model: model.model,
)
def test_a_model_is_a_value_that_json_can_hold(model: Model) -> None:
    rules = Execution(**{model.family: model})  # type: ignore[arg-type]
    again = Execution.from_dict(json.loads(json.dumps(rules.to_dict())))
    assert again == rules
    assert hash(again) == hash(rules)
    assert getattr(again, model.family).replace() == model


def fees(model: Model, orders: list[tuple[str, float, float]], start: str = "2024-06-03") -> list[float]:
    """What each of the orders (side, quantity, price) pays, one a day."""
    prices = [price for _, _, price in orders]
    days = np.arange(np.datetime64(start), np.datetime64(start) + len(orders))
    bars: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close"), prices)
    bars["timestamp"] = days.astype("datetime64[ns]")
    rows = [{"bar": bar - 1, "side": side, "quantity": units} for bar, (side, units, _) in enumerate(orders)]
    rules = Execution(commission=model, cash_submit="none", cash_fill="none", short="proceeds_as_cash")
    fills = admf.simulate(bars, rows, execution=rules).fills
    assert len(fills) == len(orders)
    return fills["commission"].to_list()


@pytest.mark.parametrize(
    "case", json.loads(PUBLISHED.read_text(encoding="utf-8"))["cases"], ids=lambda case: case["id"]
)
def test_ibkr_charges_what_it_publishes(case: dict[str, Any]) -> None:
    preset = commission.ibkr_us_stocks_tiered() if "tiered" in case["id"] else commission.ibkr_us_stocks_fixed()
    (order,), (fill,) = case["orders"], case["expect"]["fills"]
    assert fees(preset, [(order["side"], order["qty"], fill["price"])]) == [fill["commission"]]


def test_ibkr_tiers_are_marginal_and_monthly() -> None:
    """200,000 shares each: the second order leaves the first tier in its middle, the third is in the second one."""
    orders = [("buy", 200_000.0, 50.0)] * 3
    first, second, third = fees(commission.ibkr_us_stocks_tiered(), orders)
    assert (first, third) == (200_000 * 0.0035, 200_000 * 0.002)
    assert second == 100_000 * 0.0035 + 100_000 * 0.002
    assert fees(commission.ibkr_us_stocks_tiered(), orders, start="2024-05-30") == [first, second, first]


def test_the_fees_of_section_31_by_date() -> None:
    """On 21 May 2024 nothing is known yet, from the 22nd on 27.80 USD a million of what is sold."""
    orders = [("sell", 1_000.0, 100.0), ("sell", 1_000.0, 100.0), ("buy", 1_000.0, 100.0)]
    rates = commission.sale_value([("2024-05-22", 27.8e-6)])
    assert fees(rates, orders, start="2024-05-21") == [0.0, 100_000.0 * 27.8e-6, 0.0]


@pytest.mark.parametrize(("volume", "taker"), [(0.0, 200.0), (99_999.0, 200.0), (100_000.0, 176.0), (1e9, 80.0)])
def test_alpaca_charges_by_the_volume_of_30_days(volume: float, taker: float) -> None:
    """LEAN's test of Alpaca's table: a market sale of 2 at 40,000 pays 200 in the first tier."""
    assert fees(commission.alpaca_crypto(volume), [("sell", 2.0, 40_000.0)]) == [taker]


@pytest.mark.parametrize(
    ("quantity", "price", "fee"),
    [(1.0, 100.0, 1.0), (1_000.0, 0.5, 2.5)],
)
def test_leans_reading_of_ibkr(quantity: float, price: float, fee: float) -> None:
    """LEAN's InteractiveBrokersFeeModel: 0.5 % at most, and the minimum wins."""
    model = commission.per_share(0.005, minimum=1.0, maximum_pct=0.005, precedence="min_wins")
    assert fees(model, [("buy", quantity, price)]) == [fee]


def test_a_preset_by_name() -> None:
    assert Execution(commission="ibkr_us_stocks_tiered").commission == commission.ibkr_us_stocks_tiered()  # type: ignore[arg-type]
    named = Execution.from_dict({"commission": {"model": "alpaca_crypto", "volume_30d": 200_000}})
    assert named.commission == commission.maker_taker(0.0012, 0.0022)


def test_the_table_of_a_sum() -> None:
    """Parts in order, the tiers behind their part; a part that charges nothing has no row."""
    table = fee_table(commission.sum([commission.none(), commission.per_order(2), SUM]))
    codes = [CommissionModel(int(row["model"])).name for row in table]
    assert codes == ["PER_ORDER", "TIERED", *["NONE"] * 5, "SALE_VALUE"]
    assert [row["first"] for row in table[2:4]] == [300_000.0, 3_000_000.0]
    assert fee_table(commission.per_order(2)).shape == (0,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: slippage.half_spread(1, "percent"), "slippage.half_spread unit: unknown word"),
        (lambda: slippage.power(window=1), "slippage.power window: out of range"),
        (lambda: slippage.random(5, seed=0.5), "slippage.random seed: out of range"),  # type: ignore[arg-type]
        (lambda: commission.tiered([]), "commission.tiered tiers: an empty table"),
        (lambda: commission.tiered([(10, 1.0)]), "commission.tiered tiers[0][0]: the last tier alone has no bound"),
        (lambda: commission.tiered([(None, 1.0), (None, 2.0)]), "tiers[0][0]: the last tier alone has no bound"),
        (lambda: commission.tiered([(10, 1.0), (5, 2.0), (None, 1.0)]), "tiers[1][0]: out of range; found 5"),
        (lambda: commission.tiered("flat"), "commission.tiered tiers: not a table"),
        (lambda: commission.tiered([3.0]), "commission.tiered tiers[0]: not a row"),  # type: ignore[list-item]
        (lambda: commission.sale_value([("soon", 1e-6)]), "sale_value rates[0][0]: not a date; found 'soon'"),
        (
            lambda: commission.sale_value([("2024-05-22", 1e-6), ("2024-05-22", 2e-6)]),
            "rates[1][0]: dates must ascend",
        ),
        (lambda: commission.sale_value([("2024-05-22", 1e-6, 3.0)]), "rates[0]: not a dated rate"),  # type: ignore[list-item]
        (lambda: commission.sum([]), "commission.sum parts: no parts"),
        (lambda: commission.sum([SUM, SUM]), "commission.sum parts: more than one tiered part"),
        (lambda: commission.sum([slippage.none()]), "parts[0]: not a commission model"),
        (lambda: commission.sum(commission.none()), "commission.sum parts: not a list"),  # type: ignore[arg-type]
        (lambda: commission.sum([commission.law(fee)]), "commission.sum parts: not a part"),
        (lambda: Execution(commission="ibkr_us_stocks"), "did you mean 'ibkr_us_stocks_fixed'?"),  # type: ignore[arg-type]
        (lambda: commission.alpaca_crypto(-1.0), "commission.alpaca_crypto volume_30d: out of range; found -1.0"),
    ],
)
def test_what_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make()
    assert message in str(refused.value)


def fee(quantity: float, value: float) -> float:
    return 1.0


BARS = {name: [100.0, 100.0] for name in ("open", "high", "low", "close")}
ORDERS = [{"bar": 0, "side": "sell", "quantity": 1.0}]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"slippage": slippage.power()}, "execution.slippage: the data has no volume"),
        ({"commission": SUM}, "execution.commission: rates by date on bars without stamps"),
        ({"commission": commission.sale_shares([("2024-01-01", 0.1)])}, "rates by date on bars without stamps"),
    ],
)
def test_what_the_data_does_not_support(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        admf.simulate(BARS, ORDERS, execution=Execution(**rules))


def test_one_rate_needs_no_stamps() -> None:
    model = commission.sum([commission.sale_value(0.001), commission.ibkr_us_stocks_tiered()])
    fills = admf.simulate(BARS, ORDERS, execution=Execution(commission=model)).fills
    assert fills["commission"].to_list() == [0.1 + 0.35]
