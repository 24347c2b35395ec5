"""`Risk`: limits on the orders of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, ClassVar

from admf import sizing
from admf.errors import ConfigError
from admf.execution.values import Value
from admf.models import Flag, Kind, Model, ModelKind, Names, Number, Problems

LIMIT = Number(above=0.0, absent=nan)
SHARE = Number(above=0.0, maximum=1.0, absent=nan)
COUNT = Number(minimum=1, maximum=2**31 - 2, whole=True, absent=0)
# field of config_dt → field of Risk
RECORDED = {
    "limit_position": "max_position_size",
    "limit_gross": "max_portfolio_heat",
    "limit_net": "max_net_exposure",
    "limit_concentration": "max_concentration",
    "limit_risk": "max_portfolio_risk",
    "limit_order": "max_order_size",
    "limit_order_value": "max_order_value",
    "limit_collar": "price_collar",
    "limit_session_loss": "max_daily_loss",
    "limit_drawdown": "max_drawdown",
    "limit_session_orders": "max_session_orders",
    "cool_down_bars": "cool_down_bars",
}


NO_SIZING = sizing.none()


@dataclass(frozen=True, repr=False)
class Risk(Value):
    """Limits that every order is held to (SPEC K-01 to K-08); None is no limit. ConfigError for values out of bounds.

    `sizing`, a model of `admf.sizing`, gives units to orders that were sent without a quantity. Positions:
    `max_position_size` units of a symbol, long or short; `max_portfolio_heat` the value of all positions (gross
    exposure), `max_net_exposure` that of long less short ones, `max_concentration` that of one, `max_portfolio_risk`
    what all may lose until their stops, as shares of the equity. Orders: `max_order_size` units, `max_order_value`
    money, `price_collar` the distance of a price from the mark as a share of it, `max_session_orders` orders in a
    session. What may be opened: `symbols`, `long`, `short`; nothing for the rest of a session that has lost
    `max_daily_loss` of the equity it began with, nor for `cool_down_bars` (None: to the end) after a drawdown of
    `max_drawdown`. An order that asks for more is cut to what is left, one of which nothing is left is REJECTED, both
    with the reason RISK_LIMIT. What reduces a position passes.
    """

    max_position_size: float | None = None
    max_portfolio_heat: float | None = None
    max_net_exposure: float | None = None
    max_concentration: float | None = None
    max_portfolio_risk: float | None = None
    max_order_size: float | None = None
    max_order_value: float | None = None
    price_collar: float | None = None
    max_session_orders: int | None = None
    max_daily_loss: float | None = None
    max_drawdown: float | None = None
    cool_down_bars: int | None = None
    symbols: tuple[str, ...] | None = None
    long: bool = True
    short: bool = True
    sizing: Model = NO_SIZING

    TITLE: ClassVar[str] = "risk"
    KINDS: ClassVar[Mapping[str, Kind]] = {
        "max_position_size": LIMIT,
        "max_portfolio_heat": LIMIT,
        "max_net_exposure": LIMIT,
        "max_concentration": LIMIT,
        "max_portfolio_risk": LIMIT,
        "max_order_size": LIMIT,
        "max_order_value": LIMIT,
        "price_collar": LIMIT,
        "max_session_orders": COUNT,
        "max_daily_loss": SHARE,
        "max_drawdown": SHARE,
        "cool_down_bars": COUNT,
        "symbols": Names(),
        "long": Flag(),
        "short": Flag(),
        "sizing": ModelKind("sizing"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        problems = Problems()
        if not self.long and not self.short:
            remedy = "allow one of them, or send no orders"
            problems.add(ConfigError("nothing may be opened", field="risk.short", found=False, remedy=remedy))
        if self.cool_down_bars is not None and self.max_drawdown is None:
            message, remedy = "a cool-down without a drawdown that begins it", "give risk.max_drawdown"
            problems.add(ConfigError(message, field="risk.cool_down_bars", found=self.cool_down_bars, remedy=remedy))
        gross, net = self.max_portfolio_heat, self.max_net_exposure
        if gross is not None and net is not None and net > gross:
            message = "the net exposure is never above the gross one (max_portfolio_heat)"
            allowed = f"at most {gross:g}"
            problems.add(ConfigError(message, field="risk.max_net_exposure", found=net, allowed=allowed))
        problems.raise_any(self.TITLE)

    @property
    def limited(self) -> bool:
        """Whether any limit is set, or orders are sized."""
        limits = any(getattr(self, name) is not None for name in RECORDED.values())
        return limits or self.limits_sides or self.sizes

    @property
    def sizes(self) -> bool:
        """Whether orders without a quantity get one."""
        return self.sizing.model != "none"

    @property
    def limits_sides(self) -> bool:
        """Whether symbols or sides are limited."""
        return self.symbols is not None or not (self.long and self.short)

    def record_values(self) -> dict[str, Any]:
        """Fields of `config_dt`; the symbols go into their own records."""
        values: dict[str, Any] = dict(self.sizing.record_values())
        for place, name in RECORDED.items():
            kind = self.KINDS[name]
            assert isinstance(kind, Number)
            values[place] = kind.number(getattr(self, name))
        watched = self.max_daily_loss is not None or self.max_drawdown is not None
        return {**values, "limited": self.limited, "watched": watched, "limit_sides": self.long - self.short}
