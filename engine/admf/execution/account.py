"""`Account`: what a run starts with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from admf.execution.values import Value
from admf.models import Kind, Number, Pairs, Text

RATES = ("cash_rate", "debit_rate", "borrow_rate")
SETTLEMENT_DAYS_MAX = 3  # of US stocks until 2017; now 1


@dataclass(frozen=True, repr=False)
class Account(Value):
    """Cash, currency and positions at the start; raises ConfigError for values out of bounds.

    `positions` maps symbols to (quantity, price): signed units and their average price; None is no positions.
    `leverage` above 1 lets positions, long and short alike, be worth that many times the equity (SPEC A-11); at 1
    `margin_initial` is the share of a short's entry value that is locked beside its proceeds. The equity has
    to cover the share `margin_maintenance` of the positions' value inside every bar, else positions are closed (SPEC
    A-12, A-13); None tests nothing. Rates are shares a year: `cash_rate` on own cash, `debit_rate` on borrowed cash,
    `borrow_rate` on the value of shorts (SPEC D-06). What a sale brings can be spent `settlement_days` sessions after
    its own, 0 is at once (SPEC A-14).
    """

    cash: float = 100_000.0
    currency: str = "USD"
    leverage: float = 1.0
    positions: Mapping[str, tuple[float, float]] | None = field(default=None, hash=False)
    margin_initial: float = 1.0
    margin_maintenance: float | None = None
    cash_rate: float = 0.0
    debit_rate: float = 0.0
    borrow_rate: float = 0.0
    settlement_days: int = 0

    TITLE: ClassVar[str] = "account"
    KINDS: ClassVar[Mapping[str, Kind]] = {
        "cash": Number(above=0.0),
        "currency": Text(),
        "leverage": Number(minimum=1.0),
        "positions": Pairs(),
        "margin_initial": Number(minimum=0.0),
        "margin_maintenance": Number(above=0.0, maximum=1.0, absent=math.nan),
        "cash_rate": Number(),
        "debit_rate": Number(minimum=0.0),
        "borrow_rate": Number(minimum=0.0),
        "settlement_days": Number(minimum=0, maximum=SETTLEMENT_DAYS_MAX, whole=True),
    }

    @property
    def accrues(self) -> bool:
        """Whether there is interest or a borrow fee."""
        return any(getattr(self, name) != 0.0 for name in RATES)

    @property
    def brings(self) -> dict[str, Any]:
        """What `Market.actions` has to know of the account."""
        return {"accrued": self.accrues, "currency": self.currency, "settles": self.settlement_days > 0}

    def record_values(self) -> dict[str, Any]:
        """Fields of `config_dt`; the positions go into their own records."""
        maintenance = math.nan if self.margin_maintenance is None else self.margin_maintenance
        margins = {"margin_initial": self.margin_initial, "margin_maintenance": maintenance}
        rates = {name: getattr(self, name) for name in RATES}
        fields = {"initial_cash": self.cash, "leverage": self.leverage, "settlement_days": self.settlement_days}
        return {**fields, **margins, **rates}
