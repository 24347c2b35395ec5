"""Slippage models: how much worse than the base price a fill is (rules S-01 to S-05 of kernels/SPEC.md).

Each function makes a value for `Execution(slippage=…)`. In YAML by name (`slippage: fixed`) or in the long form
(`{model: volume_share, impact: 0.1}`).
"""

from admf.models import Model, Number, register
from admf.models.model import Law
from admf_kernels.codes import SlippageModel

BPS_MAX = 10_000.0  # a sell slipped by all of the price


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


@register(
    "slippage",
    SlippageModel.VOLUME_SHARE,
    impact=Number(minimum=0.0),
    max_share=Number(above=0.0, maximum=1.0),
)
def volume_share(impact: float = 0.1, max_share: float = 0.025) -> Model:
    """The price times impact * min(share of the bar's volume, max_share)^2, after zipline's VolumeShareSlippage."""
    return Model("slippage", "volume_share", (impact, max_share))


@register(
    "slippage",
    SlippageModel.USER,
    law_arguments=("base_price", "side", "quantity", "used_volume", "bar"),
)
def law(function: Law) -> Model:
    """A function of your own that returns the distance in price, >= 0; it is compiled into the loop.

    It is called as function(base_price, side, quantity, used_volume, bar): side +1 or -1, used_volume the units already
    filled in the bar, bar with open, high, low, close and volume.
    """
    return Model("slippage", "law", (), function)
