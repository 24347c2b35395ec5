"""Commission models: the fee of an order, paid fill by fill (rules F-01 to F-04 of kernels/SPEC.md).

Each function makes a value for `Execution(commission=…)`. In YAML by name (`commission: per_share`) or in the long form
(`{model: bps, amount: 5}`).
"""

from admf.models import Model, Number, Word, register
from admf.models.model import Law
from admf_kernels.codes import CommissionModel, Precedence

BPS_MAX = 10_000.0  # all of the value


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
    minimum=Number(minimum=0.0),
    maximum_pct=Number(above=0.0, maximum=1.0, absent=float("inf")),
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


@register("commission", CommissionModel.BPS, amount=Number(minimum=0.0, maximum=BPS_MAX), minimum=Number(minimum=0.0))
def bps(amount: float, minimum: float = 0.0) -> Model:
    """Basis points of the value, with a minimum per order."""
    return Model("commission", "bps", (amount, minimum))


@register("commission", CommissionModel.USER, law_arguments=("quantity", "value"))
def law(function: Law) -> Model:
    """A function of your own that returns the fee of a whole order; it is compiled into the loop.

    It is called as function(quantity, value) with what the order has filled so far; each fill pays the difference.
    """
    return Model("commission", "law", (), function)
