"""Commission models: the fee of an order, paid fill by fill (rules F-01 to F-08 of kernels/SPEC.md).

Each function makes a value for `Execution(commission=…)`. In YAML by name (`commission: per_share`) or in the long form
(`{model: bps, amount: 5}`). Published tables of brokers are values of these models: `ibkr_us_stocks_fixed`,
`ibkr_us_stocks_tiered`, `alpaca_crypto`.
"""

from collections.abc import Sequence
from datetime import date

from admf.models import Dated, Model, Number, Parts, Tiers, Word, register, register_preset
from admf.models.model import Law
from admf_kernels.codes import CommissionModel, Precedence, TierBasis

BPS_MAX = 10_000.0  # all of the value
INFINITY = float("inf")
SHARE = Number(minimum=0.0, maximum=1.0)
REBATE = Number(minimum=-1.0, maximum=1.0)
MINIMUM = Number(minimum=0.0)
VOLUME = Number(minimum=0.0)
MAXIMUM_PCT = Number(above=0.0, maximum=1.0, absent=INFINITY)

Day = str | date | None
Tier = tuple[float | None, float]  # (upper bound, rate)


@register("commission", CommissionModel.NONE)
def none() -> Model:
    """No commission."""
    return Model("commission", "none")


@register("commission", CommissionModel.PER_ORDER, amount=Number(minimum=0.0))
def per_order(amount: float) -> Model:
    """An amount per order, due with its first fill."""
    return Model("commission", "per_order", (amount,))


@register(
    "commission",
    CommissionModel.PER_SHARE,
    rate=Number(minimum=0.0),
    minimum=MINIMUM,
    maximum_pct=MAXIMUM_PCT,
    precedence=Word(Precedence),
)
def per_share(
    rate: float = 0.005,
    minimum: float = 1.0,
    maximum_pct: float | None = 0.01,
    precedence: str = "max_wins",
) -> Model:
    """A rate per unit with a minimum per order and a maximum as a share of its value (0.01 = 1 %; None = none).

    `precedence` says which binds last where the two conflict. The defaults are IBKR's published fixed table for US
    stocks.
    """
    return Model("commission", "per_share", (rate, minimum, maximum_pct, precedence))


@register("commission", CommissionModel.PER_CONTRACT, rate=Number(minimum=0.0))
def per_contract(rate: float) -> Model:
    """A rate per unit, without minimum and maximum."""
    return Model("commission", "per_contract", (rate,))


@register("commission", CommissionModel.BPS, amount=Number(minimum=0.0, maximum=BPS_MAX), minimum=MINIMUM)
def bps(amount: float, minimum: float = 0.0) -> Model:
    """Basis points of the value, with a minimum per order."""
    return Model("commission", "bps", (amount, minimum))


@register("commission", CommissionModel.PCT, rate=SHARE, minimum=MINIMUM)
def pct(rate: float, minimum: float = 0.0) -> Model:
    """A share of the value (0.001 = 0.1 %), with a minimum per order."""
    return Model("commission", "pct", (rate, minimum))


@register("commission", CommissionModel.FIXED_PLUS_PCT, amount=Number(minimum=0.0), rate=SHARE)
def fixed_plus_pct(amount: float, rate: float) -> Model:
    """An amount per order, due with its first fill, and a share of the value (0.001 = 0.1 %)."""
    return Model("commission", "fixed_plus_pct", (amount, rate))


@register("commission", CommissionModel.MAKER_TAKER, maker=REBATE, taker=REBATE)
def maker_taker(maker: float, taker: float) -> Model:
    """A share of the value by liquidity (0.001 = 0.1 %); a negative rate is a rebate.

    A fill is `taker` where it takes what is there: market orders, stops, limits that are marketable when they arrive;
    `maker` where a resting limit fills. Cash is reserved at submission as for a taker.
    """
    return Model("commission", "maker_taker", (maker, taker))


@register("commission", CommissionModel.USER, law_arguments=("quantity", "value"))
def law(function: Law) -> Model:
    """A function of your own that returns the fee of a whole order; it is compiled into the loop.

    It is called as function(quantity, value) with what the order has filled so far; each fill pays the difference.
    `admf.verify_law` looks for faults in it.
    """
    return Model("commission", "law", (), function)


@register(
    "commission",
    CommissionModel.TIERED,
    tiers=Tiers(),
    basis=Word(TierBasis),
    minimum=MINIMUM,
    maximum_pct=MAXIMUM_PCT,
    precedence=Word(Precedence),
)
def tiered(
    tiers: Sequence[Tier],
    basis: str = "quantity",
    minimum: float = 0.0,
    maximum_pct: float | None = None,
    precedence: str = "max_wins",
) -> Model:
    """Marginal rates by what the container has traded in the month, as in `[(300_000, 0.0035), (None, 0.002)]`.

    `basis`: bounds in units with rates per unit (`quantity`), or in money with rates as shares of the value (`value`).
    Months go by the UTC stamp of the bar; on undated bars the whole run is one. Minimum and maximum are per order.
    """
    return Model("commission", "tiered", (tiers, basis, minimum, maximum_pct, precedence))


@register("commission", CommissionModel.SALE_VALUE, rates=Dated())
def sale_value(rates: float | Sequence[tuple[Day, float]]) -> Model:
    """A share of the value sold, such as the fee of section 31: one number, or `[("2024-05-22", 27.8e-6), …]`.

    Each rate holds from its UTC day on; before the first one nothing is charged.
    """
    return Model("commission", "sale_value", (rates,))


@register("commission", CommissionModel.SALE_SHARES, rates=Dated(capped=True))
def sale_shares(rates: float | Sequence[tuple[Day, float] | tuple[Day, float, float | None]]) -> Model:
    """A rate per unit sold with a maximum per order: one number, or `[("2024-01-01", 0.000166, 8.30), …]`.

    Each row holds from its UTC day on (None, in the first row alone: always); before the first one nothing is charged.
    """
    return Model("commission", "sale_shares", (rates,))


@register("commission", CommissionModel.SUM, parts=Parts("commission", single="tiered", barred="law"))
def sum(parts: Sequence[Model]) -> Model:  # noqa: A001 -- the model's public name
    """The sum of several models, each with its own minimum; at most one of them `tiered`, none a `law`."""
    return Model("commission", "sum", (parts,))


@register_preset("commission")
def ibkr_us_stocks_fixed() -> Model:
    """IBKR Pro, US stocks, fixed: 0.005 USD a share, at least 1, at most 1 % of the value.

    Published at interactivebrokers.co.uk/en/pricing/commissions-stocks.php?re=amer, read in 2025. What IBKR passes on
    beside it is not in it: add `sale_value` and `sale_shares` with `sum`.
    """
    return per_share(0.005, minimum=1.0, maximum_pct=0.01)


@register_preset("commission")
def ibkr_us_stocks_tiered() -> Model:
    """IBKR Pro, US stocks, tiered: 0.0035 to 0.0005 USD a share by monthly volume, at least 0.35, at most 1 %.

    Published at interactivebrokers.co.uk/en/pricing/commissions-stocks.php?re=amer, read in 2025. Exchange, clearing
    and regulatory fees are not in it: add them with `sum`.
    """
    rates = ((300_000, 0.0035), (3_000_000, 0.002), (20_000_000, 0.0015), (100_000_000, 0.001), (None, 0.0005))
    return tiered(rates, minimum=0.35, maximum_pct=0.01)


# upper bound of the 30-day volume in USD, maker, taker
ALPACA_CRYPTO = (
    (100_000.0, 0.0015, 0.0025),
    (500_000.0, 0.0012, 0.0022),
    (1_000_000.0, 0.0010, 0.0020),
    (10_000_000.0, 0.0008, 0.0018),
    (25_000_000.0, 0.0005, 0.0015),
    (50_000_000.0, 0.0002, 0.0013),
    (100_000_000.0, 0.0002, 0.0012),
    (INFINITY, 0.0, 0.0010),
)


@register_preset("commission", volume_30d=VOLUME)
def alpaca_crypto(volume_30d: float = 0.0) -> Model:
    """Alpaca, crypto: maker 0.15 % and taker 0.25 %, less from 100,000 USD of volume in 30 days on.

    Published at alpaca.markets/support/crypto-maker-taker-gmt-faq, in force from 2023-03-13. `volume_30d` (USD) picks
    the row for the whole run.
    """
    volume = VOLUME.read(volume_30d, "commission.alpaca_crypto volume_30d")
    assert volume is not None
    maker, taker = next(rates for bound, *rates in ALPACA_CRYPTO if volume < bound)
    return maker_taker(maker, taker)
