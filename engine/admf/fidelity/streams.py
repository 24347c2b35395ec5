"""Streams of orders: what is sent in each slot of a coarse series, in the coarse world and in the fine one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Bars
from admf.data.instrument import tick_inverse
from admf.data.stamps import DAY_NS
from admf.errors import DataError, counted

HORIZON_BARS = 4  # of a slot: its orders end with its second to last bar, what is held is sold at market for its last
HOLE_NS_MAX = 7 * DAY_NS  # a slot with a longer hole in the data is none
UNIT_BARS = 20  # ranges of so many bars before make the distance 1
SLOTS_MIN = 10
TICKS = tuple(float(f"{step}e{power}") for power in range(2, -9, -1) for step in (5, 2.5, 1))
ON_TICK_MIN = 0.75  # some prints lie between ticks: sub-penny fills; half of the mids do, and are ticks of their own
TICK_SLACK = 1e-3  # of a tick
ROLES = "estx"  # entry, stop, target, what is held at the end

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """One kind of order, sent once a slot; distances are in mean ranges of the bars before.

    `entry`: market, limit, stop or trail at `distance`; with `width` it is a bracket whose stop and target are so far
    from the entry's reference price.
    """

    name: str
    entry: str
    distance: float = 0.0
    width: float | None = None


STREAMS = (
    Stream("market", "market"),
    Stream("limit at 0.5 ranges", "limit", 0.5),
    Stream("limit at 1 range", "limit", 1.0),
    Stream("limit at 2 ranges", "limit", 2.0),
    Stream("stop at 1 range", "stop", 1.0),
    Stream("trail at 1 range", "trail", 1.0),
    Stream("bracket of 0.5 ranges", "market", width=0.5),
    Stream("bracket of 1 range", "market", width=1.0),
    Stream("bracket of 2 ranges", "market", width=2.0),
    Stream("limit bracket of 1 range", "limit", 0.5, width=1.0),
)


@dataclass(frozen=True, eq=False)
class Slots:
    """Independent places of a coarse series: where the orders of a slot are sent, and their reference numbers."""

    bars: Indices  # coarse bar at whose close the slot's orders are sent
    price: Floats  # its close
    unit: Floats  # mean range of the bars before
    side: Indices  # +1, −1 in turns
    tick: float | None  # on whose multiples the levels lie

    def on_tick(self, level: Floats) -> Floats:
        """The nearest prices that can be quoted."""
        if self.tick is None:
            return level
        inverse = tick_inverse(self.tick)
        return np.round(level * inverse) / inverse


def likely_tick(*columns: Floats) -> float | None:
    """The coarsest of the usual ticks (1, 2.5 or 5 · 10^k) that holds `ON_TICK_MIN` of all prices; None without one."""
    prices = np.concatenate(columns)
    for tick in TICKS:
        places = prices * tick_inverse(tick)
        if np.mean(np.abs(places - np.round(places)) < TICK_SLACK) >= ON_TICK_MIN:
            return tick
    return None


def slots_of(coarse: Bars, sound: NDArray[np.bool_], tick: float | None) -> Slots:
    """Every `HORIZON_BARS` + 1 bars one slot, if all of them are sound; DataError where that makes fewer than ten."""
    spread = coarse.high - coarse.low
    sums = np.concatenate([[0.0], np.cumsum(spread)])
    step = HORIZON_BARS + 1
    bars = np.arange(UNIT_BARS - 1, len(coarse) - step - 1, step)
    unit = (sums[bars + 1] - sums[bars + 1 - UNIT_BARS]) / UNIT_BARS
    span_ns = coarse.timestamp[bars + step] - coarse.timestamp[bars]
    unsound = np.concatenate([[0], np.cumsum(~sound)])
    whole = unsound[bars + step + 1] == unsound[bars]
    kept = whole & (unit > 0.0) & (span_ns <= step * (coarse.frequency_ns or 0) + HOLE_NS_MAX)
    bars, unit = bars[kept], unit[kept]
    if len(bars) < SLOTS_MIN:
        found = f"{counted(len(coarse), 'bar')} of {coarse.frequency}"
        allowed = f"at least {UNIT_BARS + SLOTS_MIN * step} bars, with ranges, without long holes"
        raise DataError("too few coarse bars", field="coarse", found=found, allowed=allowed)
    side = np.where(np.arange(len(bars)) % 2 == 0, 1, -1)
    return Slots(bars, coarse.close[bars], unit, side, tick)


def orders_of(stream: Stream, slots: Slots, ends: Indices) -> pl.DataFrame:
    """The stream's table of orders for one world: `ends` says at which of its bars each coarse bar ends.

    Ids: the slot's number with e (entry), s (stop), t (target), x (what is held at the end goes at market).
    """
    count = len(slots.bars)
    sent, last = ends[slots.bars], ends[slots.bars + HORIZON_BARS - 1]
    ids = pl.Series(np.arange(count)).cast(pl.String)
    word = np.where(slots.side > 0, "buy", "sell")
    other = np.where(slots.side > 0, "sell", "buy")
    one = np.ones(count)
    until = {"time_in_force": np.full(count, "gtd"), "expires_bar": last}
    away = slots.side * slots.unit * stream.distance
    entry: dict[str, Any] = {"id": ids + "e", "bar": sent, "side": word, "quantity": one} | until
    reference = slots.price
    if stream.entry == "market":
        entry |= {"type": "market"}
    elif stream.entry == "limit":
        reference = slots.on_tick(slots.price - away)
        entry |= {"type": "limit", "limit_price": reference}
    elif stream.entry == "stop":
        reference = slots.on_tick(slots.price + away)
        entry |= {"type": "stop", "stop_price": reference}
    else:
        entry |= {"type": "trailing_stop", "trail_amount": slots.unit * stream.distance}
    tables = [entry]
    if stream.width is not None:
        width = slots.side * slots.unit * stream.width
        exits = {"bar": sent, "side": other, "parent": ids + "e", "oco": ids} | until
        tables.append(exits | {"id": ids + "s", "type": "stop", "stop_price": slots.on_tick(reference - width)})
        tables.append(exits | {"id": ids + "t", "type": "limit", "limit_price": slots.on_tick(reference + width)})
    tables.append({"id": ids + "x", "bar": last, "side": other, "quantity": one, "type": "market", "reduce_only": True})
    whole = pl.concat([pl.DataFrame(table) for table in tables], how="diagonal_relaxed")
    return whole.with_columns(pl.col("reduce_only").fill_null(value=False)).sort("bar", maintain_order=True)
