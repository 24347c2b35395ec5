"""How wrong fills on bars are: the same orders on coarse bars and on the finer bars they are made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Bars, Market
from admf.data.stamps import DAY_NS
from admf.errors import DataError, counted
from admf.execution import Account, Execution
from admf.fidelity.coarser import nest
from admf.fidelity.compare import read_models
from admf.run import simulate

BPS = 1e4
HORIZON_BARS = 4  # of a slot: its orders end with its second to last bar, what is held is sold at market for its last
HOLE_NS_MAX = 7 * DAY_NS  # a slot with a longer hole in the data is none
UNIT_BARS = 20  # ranges of so many bars before make the distance 1
RESAMPLES = 400
BLOCKS_MIN = 10
CASH = 1e15  # the account never has a say
FREE = {"cash_submit": "none", "cash_fill": "none"}

Floats = NDArray[np.float64]


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

    bars: NDArray[np.int64]  # coarse bar at whose close the slot's orders are sent
    price: Floats  # its close
    unit: Floats  # mean range of the bars before
    side: NDArray[np.int64]  # +1, −1 in turns


def slots_of(coarse: Bars) -> Slots:
    """Every `HORIZON_BARS` + 1 bars one slot; raises DataError where there is no room for ten."""
    spread = coarse.high - coarse.low
    sums = np.concatenate([[0.0], np.cumsum(spread)])
    step = HORIZON_BARS + 1
    bars = np.arange(UNIT_BARS - 1, len(coarse) - step - 1, step)
    unit = (sums[bars + 1] - sums[bars + 1 - UNIT_BARS]) / UNIT_BARS
    span_ns = coarse.timestamp[bars + step] - coarse.timestamp[bars]
    kept = (unit > 0.0) & (span_ns <= step * (coarse.frequency_ns or 0) + HOLE_NS_MAX)
    bars, unit = bars[kept], unit[kept]
    if len(bars) < BLOCKS_MIN:
        allowed = f"at least {UNIT_BARS + BLOCKS_MIN * step} bars"
        raise DataError("too few coarse bars", field="frequency", found=counted(len(coarse), "bar"), allowed=allowed)
    side = np.where(np.arange(len(bars)) % 2 == 0, 1, -1)
    return Slots(bars, coarse.close[bars], unit, side)


def orders_of(stream: Stream, slots: Slots, ends: NDArray[np.int64]) -> pl.DataFrame:
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
        reference = slots.price - away
        entry |= {"type": "limit", "limit_price": reference}
    elif stream.entry == "stop":
        reference = slots.price + away
        entry |= {"type": "stop", "stop_price": reference}
    else:
        entry |= {"type": "trailing_stop", "trail_amount": slots.unit * stream.distance}
    tables = [entry]
    if stream.width is not None:
        width = slots.side * slots.unit * stream.width
        exits = {"bar": sent, "side": other, "parent": ids + "e", "oco": ids} | until
        tables.append(exits | {"id": ids + "s", "type": "stop", "stop_price": reference - width})
        tables.append(exits | {"id": ids + "t", "type": "limit", "limit_price": reference + width})
    tables.append({"id": ids + "x", "bar": last, "side": other, "quantity": one, "type": "market", "reduce_only": True})
    whole = pl.concat([pl.DataFrame(table) for table in tables], how="diagonal_relaxed")
    return whole.with_columns(pl.col("reduce_only").fill_null(value=False)).sort("bar", maintain_order=True)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of each slot in one world; NaN where nothing filled."""

    entry_price: Floats
    exit_price: Floats
    decision: NDArray[np.int8]  # 0 no entry, 1 stop, 2 target, 3 neither
    ambiguous: NDArray[np.bool_]

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Whether the entry filled."""
        return ~np.isnan(self.entry_price)

    def profit(self, side: NDArray[np.int64]) -> Floats:
        """Price difference in the trader's favour, 0 without an entry."""
        return np.where(self.filled, np.nan_to_num(side * (self.exit_price - self.entry_price)), 0.0)


def play(orders: pl.DataFrame, count: int, market: Market, execution: Execution) -> Outcome:
    """What the orders of a stream come to in the `count` slots of one world."""
    result = simulate(market, orders, execution=execution.replace(**FREE), account=Account(cash=CASH), record="fills")
    fills = result.fills.with_columns(
        slot=pl.col("order_id").str.head(-1).cast(pl.Int64), role=pl.col("order_id").str.tail(1)
    )
    entry, leave = np.full(count, np.nan), np.full(count, np.nan)
    decision = np.zeros(count, np.int8)
    ambiguous = np.zeros(count, np.bool_)
    for code, role in ((3, "e"), (3, "x"), (1, "s"), (2, "t")):
        chosen = (fills["role"] == role).to_numpy()
        slot = fills["slot"].to_numpy()[chosen]
        price = fills["price"].to_numpy()[chosen]
        ambiguous[slot] |= fills["ambiguous"].to_numpy()[chosen]
        decision[slot] = code
        (entry if role == "e" else leave)[slot] = price
    return Outcome(entry, leave, decision, ambiguous)


@dataclass(frozen=True, eq=False)
class Fidelity:
    """What a study of one series at one coarse frequency found; `frame` has one row for each stream and model."""

    symbol: str
    fine: str
    coarse: str
    slots: int
    range_bps: float  # mean range of a coarse bar
    frame: pl.DataFrame
    coverage: pl.DataFrame

    def errors(self, stream: str) -> pl.DataFrame:
        """The rows of one stream."""
        return self.frame.filter(pl.col("stream") == stream)

    def true_fill_rate(self, stream: str) -> float:
        """Share of the slots of a stream whose entry fills on the fine bars."""
        return float(self.errors(stream)["true_fill_rate"][0])

    def __repr__(self) -> str:
        return f"Fidelity({self.symbol}, {self.fine} in {self.coarse}, {counted(self.slots, 'slot')})"


def fill_fidelity(
    bars: Bars,
    frequency: str,
    models: Mapping[str, Execution | str] | None = None,
    *,
    streams: Iterable[Stream] = STREAMS,
    truth: Execution | None = None,
    sessions: Any = "gaps",
    seed: int = 0,
) -> Fidelity:
    """Measures fill models on bars of `frequency` against the same orders on `bars`, the finer ones.

    Orders are sent in slots of `HORIZON_BARS` + 1 coarse bars that never touch each other, by turns long and short, at
    the same moments in both worlds. `truth` are the rules on the fine bars. Slots that the fine bars leave open as well
    (ambiguous there) are left out and counted. Intervals are 95 %, by bootstrap over blocks of slots in time; the same
    `seed` gives the same ones. Raises DataError where the bars do not nest or are too few.
    """
    nesting = nest(bars, frequency, sessions)
    read = read_models(MODELS if models is None else models)
    slots = slots_of(nesting.coarse)
    fine_market, coarse_market = Market([bars]), Market([nesting.coarse])
    rules = truth or Execution()
    count, own = len(slots.bars), np.arange(len(nesting.coarse))
    rows, covered = [], []
    for stream in streams:
        real = play(orders_of(stream, slots, nesting.lasts), count, fine_market, rules)
        orders = orders_of(stream, slots, own)
        for name, model in read.items():
            world = play(orders, count, coarse_market, model)
            rows.append(errors_of(stream, name, world, real, slots, seed))
        worst, best = (play(orders, count, coarse_market, rules.replace(path=path)) for path in ("worst", "best"))
        covered.append(coverage_of(stream, worst, best, real, slots, seed))
    range_bps = float(np.mean(slots.unit * BPS / slots.price))
    frames = pl.DataFrame(rows), pl.DataFrame(covered)
    return Fidelity(bars.symbol, bars.frequency, frequency, count, range_bps, *frames)


MODELS: dict[str, Execution | str] = {
    "worst": Execution(),
    "best": Execution(path="best"),
    "queue": Execution(path="queue"),
    "ohlc": Execution(path="ohlc"),
    "adaptive": Execution(path="adaptive"),
    "touch": Execution(limit_trigger="touch"),
    "backtesting.py": "backtesting.py",
    "backtrader": "backtrader",
    "freqtrade": "freqtrade",
    "lean": "lean",
    "nautilus": "nautilus",
    "tradingview": "tradingview",
    "vectorbt": "vectorbt",
    "zipline": "zipline",
}


def errors_of(stream: Stream, model: str, world: Outcome, real: Outcome, slots: Slots, seed: int) -> dict[str, Any]:
    """One row of the table: the errors of a model in one stream, in bps of the price at submission."""
    known = ~real.ambiguous
    both = known & world.filled & real.filled
    scale = BPS / slots.price
    paid = (slots.side * (world.entry_price - real.entry_price) * scale)[both]
    gained = ((world.profit(slots.side) - real.profit(slots.side)) * scale)[known]
    low, high = interval(gained, seed)
    bracket = stream.width is not None
    decided = both & ((world.decision != 3) | (real.decision != 3))
    right = int(np.count_nonzero(decided & (world.decision == real.decision)))
    return {
        "stream": stream.name,
        "model": model,
        "slots": int(np.count_nonzero(known)),
        "fill_rate": share(world.filled & known, known),
        "true_fill_rate": share(real.filled & known, known),
        "only_model": share(world.filled & ~real.filled & known, known),
        "only_truth": share(real.filled & ~world.filled & known, known),
        "price_bias_bps": float(np.mean(paid)) if len(paid) else None,
        "price_rmse_bps": float(np.sqrt(np.mean(paid * paid))) if len(paid) else None,
        "price_p5_bps": float(np.quantile(paid, 0.05)) if len(paid) else None,
        "price_p95_bps": float(np.quantile(paid, 0.95)) if len(paid) else None,
        "decisions_right": right / int(np.count_nonzero(decided)) if bracket and decided.any() else None,
        "profit_bias_bps": float(np.mean(gained)),
        "profit_low_bps": low,
        "profit_high_bps": high,
    }


def coverage_of(
    stream: Stream, worst: Outcome, best: Outcome, real: Outcome, slots: Slots, seed: int
) -> dict[str, Any]:
    """How often the truth lies between the worst and the best path, slot by slot.

    `outcome` asks whether what happened (no entry, stop, target, neither) is what happens on one of the two; `profit`
    whether its profit lies between theirs: a jump between two fine bars gives a price that no coarse bar can tell.
    """
    known, side = ~real.ambiguous, slots.side
    outcome = (real.decision == worst.decision) | (real.decision == best.decision)
    low, high = interval(outcome[known].astype(np.float64), seed)
    ends = np.sort([worst.profit(side), best.profit(side)], axis=0)
    slack = 1e-9 * slots.price
    between = (ends[0] - slack <= real.profit(side)) & (real.profit(side) <= ends[1] + slack)
    return {
        "stream": stream.name,
        "slots": int(np.count_nonzero(known)),
        "left_out": int(np.count_nonzero(~known)),
        "outcome_covered": share(outcome & known, known),
        "outcome_low": low,
        "outcome_high": high,
        "profit_covered": share(between & known, known),
        "open": share(known & (ends[1] - ends[0] > slack), known),
        "width_bps": float(np.mean(((ends[1] - ends[0]) * BPS / slots.price)[known])),
    }


def share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float | None:
    """Of all in `whole` those in `part`."""
    count = int(np.count_nonzero(whole))
    return int(np.count_nonzero(part)) / count if count else None


def interval(values: Floats, seed: int) -> tuple[float, float]:
    """95 % of the means of resampled blocks of neighbours (Künsch 1989); blocks of n^(1/3) values."""
    count = len(values)
    if count < BLOCKS_MIN:
        return float("nan"), float("nan")
    length = max(1, round(count ** (1 / 3)))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    blocks = count // length
    random = np.random.Generator(np.random.Philox(seed))
    starts = random.integers(0, count - length + 1, (RESAMPLES, blocks))
    means = (sums[starts + length] - sums[starts]).sum(axis=1) / (blocks * length)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
