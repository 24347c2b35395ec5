"""`Account`: what a run starts with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from admf.errors import ConfigError
from admf.execution.values import Value
from admf.models import Kind, Number, Pairs, Text


@dataclass(frozen=True, repr=False)
class Account(Value):
    """Cash, currency and positions at the start; raises ConfigError for values out of bounds.

    `positions` maps symbols to (quantity, price): signed units and their average price; None is no positions.
    `margin_initial` is the share of a short's entry value that is locked beside its proceeds.
    """

    cash: float = 100_000.0
    currency: str = "USD"
    leverage: float = 1.0
    positions: Mapping[str, tuple[float, float]] | None = field(default=None, hash=False)
    margin_initial: float = 1.0

    TITLE: ClassVar[str] = "account"
    KINDS: ClassVar[Mapping[str, Kind]] = {
        "cash": Number(above=0.0),
        "currency": Text(),
        "leverage": Number(above=0.0),
        "positions": Pairs(),
        "margin_initial": Number(minimum=0.0),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.leverage != 1.0:
            raise ConfigError(
                "buying on margin is not built yet",
                field="account.leverage",
                found=self.leverage,
                allowed="1.0",
                remedy="leave it out; shorts lock margin_initial",
            )

    def record_values(self) -> dict[str, Any]:
        """Fields of `config_dt`; the positions go into their own records."""
        return {"initial_cash": self.cash, "margin_initial": self.margin_initial}
