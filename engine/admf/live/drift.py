"""Drift: what a live or paper session did otherwise than the backtest of the same bars, order by order.

Two orders are one where bar of submission, side and type agree, in turn; of those left over, the nearest of one side
and type within `NEAR_BARS`. `cause` is the first that applies: only_live and only_backtest (the other one never sent
it), submitted (in another bar), quantity, time (bar of the last fill), price, commission, reason (another end, or
another reason where both give one); empty where nothing does. What an earlier session sent is only_live.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from admf.live.order_lines import OrderLine
from admf_kernels.codes import OrderStatus, OrderType, Reason

SIDES = ("live", "backtest")
NEAR_BARS = 10  # more than a strategy needs to come back after a failure, less than between two trades of most
COLUMNS = {
    "submitted_bar": pl.Int64, "quantity": pl.Float64, "price": pl.Float64, "bar": pl.Int64, "commission": pl.Float64,
    "status": pl.String, "reason": pl.String,
}  # fmt: skip
SCHEMA = {
    "side": pl.String, "type": pl.String, "cause": pl.String,
    **{f"{name}_{side}": kind for name, kind in COLUMNS.items() for side in SIDES}, "cost": pl.Float64,
}  # fmt: skip
CAUSES = {
    "submitted_bar": "submitted",
    "quantity": "quantity",
    "bar": "time",
    "price": "price",
    "commission": "commission",
}
UNSENT = "unsent"  # type of an order of the engine's own, or of an earlier session

Pair = tuple[OrderLine | None, OrderLine | None]  # live, backtest


@dataclass(frozen=True)
class Drift:
    """`orders`: a row for each order, with filled quantity, average price, bar of the last fill, and end of both.

    `cost` of an order is the money that the session paid more, or got less, for a unit than the backtest, commission
    included, times the units of the smaller one; null where one of them did not fill. `equity` is that of the session
    less that of the backtest.
    """

    orders: pl.DataFrame
    equity: float

    @property
    def apart(self) -> pl.DataFrame:
        """The orders that are not the same."""
        return self.orders.filter(pl.col("cause") != "")

    @property
    def totals(self) -> dict[str, float]:
        """Orders, those that are the same, those that differ by cause, what they cost, difference of the equity."""
        counts = dict(self.orders.group_by("cause").len().sort("cause").iter_rows())
        same = counts.pop("", 0)
        cost = float(self.orders["cost"].sum() or 0.0)
        return {"orders": self.orders.height, "same": same, **counts, "cost": cost, "equity": self.equity}

    def write(self, path: Path) -> None:
        """The orders as a Parquet file, which appears whole or not at all."""
        temporary = path.with_suffix(".tmp")
        self.orders.write_parquet(temporary)
        temporary.replace(path)


def drift_of(live: Iterable[OrderLine], backtest: Iterable[OrderLine], multiplier: float, equity: float) -> Drift:
    """Two sets of orders of one strategy; `multiplier` is the symbol's."""
    rows = [row_of(*pair, multiplier) for pair in sorted(pairs_of(live, backtest), key=place_of)]
    return Drift(pl.DataFrame(rows, schema=SCHEMA), equity)


def place_of(pair: Pair) -> int:
    """Where a pair stands in the report: its first bar."""
    return min(line.submitted_bar for line in pair if line is not None)


def pairs_of(live: Iterable[OrderLine], backtest: Iterable[OrderLine]) -> list[Pair]:
    """Which order is which."""
    waiting: defaultdict[tuple[int, int, OrderType | None], deque[OrderLine]] = defaultdict(deque)
    for line in backtest:
        waiting[line.submitted_bar, line.side, line.type].append(line)
    pairs: list[Pair] = []
    left: list[OrderLine] = []
    for line in live:
        alike = waiting[line.submitted_bar, line.side, line.type]
        if alike:
            pairs.append((line, alike.popleft()))
        else:
            left.append(line)
    for line in left:
        distances = sorted(range(-NEAR_BARS, NEAR_BARS + 1), key=abs)
        keys = ((line.submitted_bar + distance, line.side, line.type) for distance in distances)
        near = next((waiting[key] for key in keys if waiting.get(key)), None)
        pairs.append((line, near.popleft() if near else None))
    return pairs + [(None, line) for lines in waiting.values() for line in lines]


def row_of(live: OrderLine | None, backtest: OrderLine | None, multiplier: float) -> dict[str, Any]:
    """A row of the report."""
    line = live or backtest
    assert line is not None
    made: dict[str, Any] = {
        "side": "buy" if line.side > 0 else "sell",
        "type": UNSENT if line.type is None else line.type.name.lower(),
        "cause": cause_of(live, backtest),
        "cost": None,
    }
    for side, one in zip(SIDES, (live, backtest), strict=True):
        made |= {f"{name}_{side}": value for name, value in columns_of(one).items()}
    if live and backtest and live.quantity and backtest.quantity:
        units = min(live.quantity, backtest.quantity)
        paid, owed = (line.side * one.value * multiplier + one.commission for one in (live, backtest))
        made["cost"] = units * (paid / live.quantity - owed / backtest.quantity)
    return made


def columns_of(line: OrderLine | None) -> Mapping[str, Any]:
    """What one of the two says of an order."""
    if line is None:
        return dict.fromkeys(COLUMNS)
    words = {"status": line.status.name.lower(), "reason": line.reason.name.lower()}
    numbers = {name: getattr(line, name) for name in COLUMNS if name not in words}
    return {**numbers, **words}


def cause_of(live: OrderLine | None, backtest: OrderLine | None) -> str:
    """Why two orders are not the same; empty where they are."""
    if live is None:
        return "only_backtest"
    if backtest is None:
        return "only_live"
    for name, word in CAUSES.items():
        if getattr(live, name) != getattr(backtest, name):
            return word
    if backtest.reason is Reason.END_OF_DATA and not live.is_over:
        return ""  # the backtest has an end, the venue keeps the order
    both_say_why = Reason.NONE not in (live.reason, backtest.reason)
    return "reason" if live.status != backtest.status or (both_say_why and live.reason != backtest.reason) else ""


def fill_text(quantity: float | None, price: float | None, status: str | None) -> str:
    """What became of an order, in a few words."""
    if status is None:
        return "-"
    if not quantity:
        return status
    text = f"{quantity:,.10g} @ {price:,.10g}" if quantity == int(quantity) else f"{quantity:,.2f} @ {price:,.10g}"
    return text if status == OrderStatus.FILLED.name.lower() else f"{text}, {status}"
