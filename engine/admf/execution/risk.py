"""`Risk`: limits on the orders of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, ClassVar

from admf.execution.values import Value
from admf.models import Kind, Number


@dataclass(frozen=True, repr=False)
class Risk(Value):
    """Limits that every order is held to at its submission; None is no limit. ConfigError for values out of bounds.

    `max_position_size` is in units of a symbol, long or short. `max_portfolio_heat` is the largest value of all
    positions together, as a share of the equity. Orders that still wait count as if they filled. An order that
    asks for more is cut to what is left; one of which nothing is left is REJECTED. Both have the reason RISK_LIMIT.
    What reduces a position passes.
    """

    max_position_size: float | None = None
    max_portfolio_heat: float | None = None

    TITLE: ClassVar[str] = "risk"
    KINDS: ClassVar[Mapping[str, Kind]] = {
        "max_position_size": Number(above=0.0, absent=nan),
        "max_portfolio_heat": Number(above=0.0, absent=nan),
    }

    @property
    def limited(self) -> bool:
        """Whether any limit is set."""
        return any(getattr(self, name) is not None for name in self.KINDS)

    def numbers(self) -> tuple[float, float]:
        """The limits as the law takes them: NaN for none."""
        return (
            nan if self.max_position_size is None else self.max_position_size,
            nan if self.max_portfolio_heat is None else self.max_portfolio_heat,
        )

    def record_values(self) -> dict[str, Any]:
        """The two fields of a strategy's record under limits."""
        size, heat = self.numbers()
        return {"limit_position_size": size, "limit_portfolio_heat": heat}
