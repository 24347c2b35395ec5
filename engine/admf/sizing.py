"""Sizing models: how many units an order gets that was sent without any (rule K-07 of kernels/SPEC.md).

Each function makes a value for `Risk(sizing=…)`. In YAML under `risk` in the long form
(`sizing: {model: stop_risk, fraction: 0.01}`). Prices are those of K-01: the order's limit, else its stop, else the
last close; units are cut to the lot.
"""

from admf.models import Model, Number, register
from admf_kernels.codes import SizingModel

WINDOW = Number(minimum=2, maximum=2**31 - 2, whole=True)
TRIPS = Number(minimum=0, maximum=2**31 - 2, whole=True)
POSITIVE = Number(above=0.0)
SHARE = Number(above=0.0, maximum=1.0)


@register("sizing", SizingModel.NONE)
def none() -> Model:
    """Orders bring their own sizes; one without is refused."""
    return Model("sizing", "none")


@register("sizing", SizingModel.FIXED_QUANTITY, quantity=POSITIVE)
def fixed_quantity(quantity: float) -> Model:
    """So many units."""
    return Model("sizing", "fixed_quantity", (quantity,))


@register("sizing", SizingModel.FIXED_VALUE, value=POSITIVE)
def fixed_value(value: float) -> Model:
    """Units that are worth so much money."""
    return Model("sizing", "fixed_value", (value,))


@register("sizing", SizingModel.EQUITY_SHARE, fraction=POSITIVE)
def equity_share(fraction: float) -> Model:
    """Units that are worth a share of the equity; above 1 with leverage."""
    return Model("sizing", "equity_share", (fraction,))


@register("sizing", SizingModel.VOLATILITY_TARGET, volatility=POSITIVE, window=WINDOW)
def volatility_target(volatility: float, window: int = 20) -> Model:
    """Units of which a standard deviation of a bar's return moves the equity by `volatility`, a share of it.

    The deviation is that of the last `window` close-to-close returns. 10 % a year on daily bars is 0.1 / 252 ** 0.5.
    """
    return Model("sizing", "volatility_target", (volatility, window))


@register("sizing", SizingModel.STOP_RISK, fraction=SHARE)
def stop_risk(fraction: float = 0.01) -> Model:
    """Units that lose a share of the equity on the way from their price to the stop; none without a stop."""
    return Model("sizing", "stop_risk", (fraction,))


@register(
    "sizing", SizingModel.KELLY, win_rate=SHARE, payoff=POSITIVE, fraction=POSITIVE, cap=POSITIVE, trips=TRIPS
)  # fmt: skip
def kelly(win_rate: float, payoff: float, fraction: float = 0.5, cap: float = 0.25, trips: int = 0) -> Model:
    """Units worth the share of the equity fraction * (win_rate - (1 - win_rate) / payoff), at most `cap`, or none.

    `payoff` is the mean win over the mean loss. Once the account has closed `trips` round trips its own win rate and
    payoff take their place; with 0 they never do.
    """
    return Model("sizing", "kelly", (win_rate, payoff, fraction, cap, trips))
