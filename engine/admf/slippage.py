"""Slippage models: how much worse than the base price a fill is (rules S-01 to S-08 of kernels/SPEC.md).

Each function makes a value for `Execution(slippage=…)`. In YAML by name (`slippage: fixed`) or in the long form
(`{model: volume_share, impact: 0.1}`).
"""

from admf.models import Model, Number, Word, register
from admf.models.model import Law
from admf_kernels.codes import SlippageModel, SpreadUnit

BPS_MAX = 10_000.0  # a sell slipped by all of the price
SEED_MAX = 2**53  # the largest whole number that float64 holds with all below it
INFINITY = float("inf")


@register("slippage", SlippageModel.NONE)
def none() -> Model:
    """No slippage: fills at the base price."""
    return Model("slippage", "none")


@register("slippage", SlippageModel.TICKS, amount=Number(minimum=0.0))
def ticks(amount: float) -> Model:
    """A number of ticks; the instrument needs a tick size."""
    return Model("slippage", "ticks", (amount,))


@register("slippage", SlippageModel.FIXED, amount=Number(minimum=0.0))
def fixed(amount: float = 0.01) -> Model:
    """A price distance per unit."""
    return Model("slippage", "fixed", (amount,))


@register("slippage", SlippageModel.BPS, amount=Number(minimum=0.0, maximum=BPS_MAX))
def bps(amount: float) -> Model:
    """Basis points of the base price."""
    return Model("slippage", "bps", (amount,))


@register("slippage", SlippageModel.HALF_SPREAD, spread=Number(minimum=0.0), unit=Word(SpreadUnit))
def half_spread(spread: float, unit: str = "price") -> Model:
    """Half of a constant spread, in `price` or in `bps` of the base price."""
    return Model("slippage", "half_spread", (spread, unit))


@register(
    "slippage",
    SlippageModel.VOLUME_SHARE,
    impact=Number(minimum=0.0),
    max_share=Number(above=0.0, absent=INFINITY),
)
def volume_share(impact: float = 0.1, max_share: float | None = 0.025) -> Model:
    """The price times impact * min(share of the bar's volume, max_share)^2, after zipline's VolumeShareSlippage.

    The share is (units already filled in the bar + this fill) / volume; without a maximum share (None) it may be any.
    """
    return Model("slippage", "volume_share", (impact, max_share))


@register(
    "slippage",
    SlippageModel.POWER,
    impact=Number(minimum=0.0),
    exponent=Number(minimum=0.0, maximum=10.0),
    window=Number(minimum=2, maximum=2**31 - 1, whole=True),
)
def power(impact: float = 1.0, exponent: float = 0.5, window: int = 20) -> Model:
    """The price times impact * volatility * share of the bar's volume^exponent: the square-root law of market impact.

    The volatility is that of the close-to-close returns of the `window` bars before the fill's bar, per bar.
    """
    return Model("slippage", "power", (impact, exponent, window))


@register("slippage", SlippageModel.RANGE, share=Number(minimum=0.0))
def range(share: float) -> Model:  # noqa: A001 -- the model's public name
    """A share of the bar's high - low (0.1 = a tenth of it)."""
    return Model("slippage", "range", (share,))


@register(
    "slippage",
    SlippageModel.RANDOM,
    maximum=Number(minimum=0.0, maximum=BPS_MAX),
    seed=Number(minimum=0, maximum=SEED_MAX, whole=True),
)
def random(maximum: float, seed: int = 0) -> Model:
    """Basis points of the base price drawn uniformly from [0, maximum) for each fill.

    A draw depends on the seed, the container, the order's number and the count of its fills, on nothing else: equal
    seeds give equal bits on every path and in every order of work.
    """
    return Model("slippage", "random", (maximum, seed))


@register(
    "slippage",
    SlippageModel.USER,
    law_arguments=("base_price", "side", "quantity", "used_volume", "bar"),
)
def law(function: Law) -> Model:
    """A function of your own that returns the distance in price, >= 0; it is compiled into the loop.

    It is called as function(base_price, side, quantity, used_volume, bar): side +1 or -1, used_volume the units already
    filled in the bar, bar with open, high, low, close and volume. `admf.verify_law` looks for faults in it.
    """
    return Model("slippage", "law", (), function)
