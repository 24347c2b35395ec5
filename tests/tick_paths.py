"""All values that linked orders can have at the close of one bar, over every tick path; for worked cases."""

from typing import NamedTuple

from every_path import Plan, outcomes, value
from every_path import TickBar as Bar

__all__ = ["Bar", "Orders", "values"]


class Orders(NamedTuple):
    """A long entry and its exits in ticks; `kind` is position, market, limit, stop or stop_limit."""

    kind: str
    limit: int | None
    stop: int | None
    stop_loss: int | None
    target: int | None
    through: int


def values(bar: Bar, orders: Orders, held_at: int) -> set[int]:
    """Equity changes at the close a unit: of a position from `held_at`, of an entry from none."""
    held = orders.kind == "position"
    plan = Plan(
        "held" if held else orders.kind, orders.through, orders.limit, orders.stop, orders.stop_loss, orders.target
    )
    start = bar.close - held_at if held else 0
    return {start + value(plan, outcome, bar.close) for outcome in outcomes(plan, bar)}
