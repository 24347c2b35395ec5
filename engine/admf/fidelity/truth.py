"""How wrong fills on bars are: the same orders on coarse bars and on the finer bars they are made of."""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Bars, Market
from admf.data.stamps import to_series
from admf.errors import counted
from admf.execution import Execution
from admf.fidelity.charts import ErrorChart
from admf.fidelity.coarser import Nesting, check_nesting, nest
from admf.fidelity.compare import read_models
from admf.fidelity.fills import FillChart
from admf.fidelity.streams import SLOTS_MIN, STREAMS, Floats, Slots, Stream, likely_tick, orders_of, slots_of
from admf.fidelity.worlds import DECISIONS, NEITHER, Outcome, World

BPS = 1e4
RESAMPLES = 400


@dataclass(frozen=True, eq=False)
class Fidelity:
    """What a study of one series at one coarse frequency found.

    `frame` has one row for each stream and model, `coverage` one for each stream. `truths` and `outcomes` hold what
    became of each slot, on the fine bars by stream and on the coarse ones by stream and model.
    """

    symbol: str
    fine: str
    coarse: str
    nesting: Nesting
    places: Slots
    streams: dict[str, Stream]
    models: dict[str, Execution]
    frame: pl.DataFrame
    coverage: pl.DataFrame
    truths: dict[str, Outcome]
    outcomes: dict[tuple[str, str], Outcome]

    @property
    def slots(self) -> int:
        """Number of slots, each with the orders of one moment."""
        return len(self.places.bars)

    @property
    def range_bps(self) -> float:
        """Mean range of a coarse bar."""
        return float(np.mean(self.places.unit * BPS / self.places.price))

    @property
    def fine_per_coarse(self) -> float:
        """Fine bars that a coarse bar is made of, on average."""
        return float(np.mean(self.nesting.lasts - self.nesting.firsts + 1))

    def errors(self, stream: str) -> pl.DataFrame:
        """The rows of one stream."""
        return self.frame.filter(pl.col("stream") == stream)

    def true_fill_rate(self, stream: str) -> float:
        """Share of the slots of a stream whose entry fills on the fine bars."""
        return float(self.errors(stream)["true_fill_rate"][0])

    def profit_errors(self, stream: str, model: str) -> Floats:
        """Modelled less true profit of each slot that the fine bars do not leave open, in ranges of a coarse bar."""
        real, world, side = self.truths[stream], self.outcomes[stream, model], self.places.side
        return ((world.profit(side) - real.profit(side)) / self.places.unit)[~real.ambiguous]

    def error_chart(self, stream: str) -> ErrorChart:
        """How the profits of one stream err under each model, as a picture."""
        title = f"{self.symbol}, bars of {self.coarse}: {stream}"
        return ErrorChart.of(title, {model: self.profit_errors(stream, model) for model in self.models})

    def fill_chart(self, stream: str, slot: int) -> FillChart:
        """The orders of one slot under each model and in truth, as a picture; ConfigError for a slot that is none."""
        from admf.fidelity.showing import chart_of_slot

        return chart_of_slot(self, stream, slot)

    def true_fills(self, stream: str, model: str) -> pl.DataFrame:
        """Entries that filled in both worlds, as `calibrate_slippage` takes them on the coarse bars.

        `bar` (coarse, of the true fill), `side`, `quantity`, `price` (in truth) and `base_price` (under the model).
        """
        real, world = self.truths[stream], self.outcomes[stream, model]
        both = np.flatnonzero(real.filled & world.filled & ~real.ambiguous)
        return pl.DataFrame(
            {
                "bar": np.searchsorted(self.nesting.firsts, real.entry_bar[both], side="right") - 1,
                "side": pl.Series(np.where(self.places.side[both] > 0, "buy", "sell")),
                "quantity": np.ones(len(both)),
                "price": real.entry_price[both],
                "base_price": world.entry_price[both],
            }
        )

    def worst_slot(self, stream: str, model: str) -> int:
        """The slot of a stream in which a model is furthest from the truth; known slots alone."""
        real, world, side = self.truths[stream], self.outcomes[stream, model], self.places.side
        off = np.abs(world.profit(side) - real.profit(side)) / self.places.unit
        return int(np.argmax(np.where(real.ambiguous, -1.0, off)))

    def slot_frame(self) -> pl.DataFrame:
        """One row for each stream, model and slot: where it is, what became of it here and in truth, both errors.

        `known` is false where the fine bars leave it open too. Errors in bps of the price at submission: `price` paid
        too much at the entry (null unless both filled), `profit` too high.
        """
        return pl.concat(
            slot_rows(stream, model, world, self.truths[stream], self.places, self.nesting.coarse)
            for (stream, model), world in self.outcomes.items()
        )

    def __repr__(self) -> str:
        made = f"{self.fine_per_coarse:.3g} bars of {self.fine} in one of {self.coarse}"
        return f"Fidelity({self.symbol}, {made}, {counted(self.slots, 'slot')})"


def fill_fidelity(
    bars: Bars,
    coarse: str | Bars,
    models: Mapping[str, Execution | str] | None = None,
    *,
    streams: Iterable[Stream] = STREAMS,
    truth: Execution | None = None,
    sessions: Any = "gaps",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Fidelity:
    """Measures fill models on coarse bars against the same orders on `bars`, the finer ones.

    `coarse`: a frequency, or bars of your own that the finer ones nest in. Orders are sent in slots of
    `HORIZON_BARS` + 1 coarse bars that never touch each other, by turns long and short, at the same moments in both
    worlds. `truth` are the rules on the fine bars. Slots that the fine bars leave open as well (ambiguous there) are
    left out and counted. Intervals are 95 %, by bootstrap over blocks of slots in time; the same `seed` gives the same
    ones. `progress` is called with (streams done, streams in all). Raises DataError where the bars do not nest or are
    too few.
    """
    read = read_models(MODELS if models is None else models)
    nesting = check_nesting(bars, coarse) if isinstance(coarse, Bars) else nest(bars, coarse, sessions)
    tick = likely_tick(bars.open, bars.high, bars.low, bars.close)
    study = Study(nesting, slots_of(nesting.coarse, nesting.sound, tick), read, truth or Execution(), seed)
    sent = list(streams)
    measured = on_threads(study.measure, sent, progress)
    return Fidelity(
        bars.symbol,
        bars.frequency,
        nesting.coarse.frequency,
        nesting,
        study.slots,
        {stream.name: stream for stream in sent},
        read,
        pl.DataFrame([row for found in measured for row in found.errors]),
        pl.DataFrame([found.coverage for found in measured]),
        {found.stream: found.real for found in measured},
        {(found.stream, name): world for found in measured for name, world in found.worlds.items()},
    )


class Measured(NamedTuple):
    """One stream: its truth, its worlds by model, their rows."""

    stream: str
    real: Outcome
    worlds: dict[str, Outcome]
    errors: list[dict[str, Any]]
    coverage: dict[str, Any]


class Study:
    """What all streams of one study share."""

    def __init__(
        self, nesting: Nesting, slots: Slots, models: Mapping[str, Execution], truth: Execution, seed: int
    ) -> None:
        self.nesting, self.slots, self._models, self._truth, self._seed = nesting, slots, models, truth, seed
        self._fine, self._coarse = Market([nesting.fine]), Market([nesting.coarse])

    def measure(self, stream: Stream) -> Measured:
        """The truth of one stream and every model beside it."""
        slots, truth, count = self.slots, self._truth, len(self.slots.bars)
        own = np.arange(len(self.nesting.coarse))
        real = World(self._fine, orders_of(stream, slots, self.nesting.lasts), count).play(truth)
        world = World(self._coarse, orders_of(stream, slots, own), count)
        worlds = {name: world.play(model) for name, model in self._models.items()}
        worst, best = (world.play(truth.replace(path=path)) for path in ("worst", "best"))
        undecided = worst.decision != best.decision
        errors = [errors_of(stream, name, found, real, slots, undecided, self._seed) for name, found in worlds.items()]
        return Measured(stream.name, real, worlds, errors, coverage_of(stream, worst, best, real, slots, self._seed))


def on_threads(
    work: Callable[[Stream], Measured], streams: list[Stream], progress: Callable[[int, int], None] | None
) -> list[Measured]:
    """The work on each stream, on as many threads as there are cores: runs go without the interpreter's lock."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        futures = [pool.submit(work, stream) for stream in streams]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            if progress:
                progress(done, len(futures))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


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


def slot_rows(stream: str, model: str, world: Outcome, real: Outcome, slots: Slots, coarse: Bars) -> pl.DataFrame:
    """The slots of one stream under one model."""
    scale = BPS / slots.price
    paid = slots.side * (world.entry_price - real.entry_price) * scale
    gained = (world.profit(slots.side) - real.profit(slots.side)) * scale
    return pl.DataFrame(
        {
            "stream": pl.repeat(stream, len(slots.bars), eager=True),
            "model": pl.repeat(model, len(slots.bars), eager=True),
            "slot": np.arange(len(slots.bars)),
            "bar": slots.bars,
            "timestamp": to_series(coarse.timestamp[slots.bars], dated=True),
            "side": pl.Series(np.where(slots.side > 0, "buy", "sell")),
            "known": ~real.ambiguous,
            "outcome": pl.Series(DECISIONS).gather(world.decision),
            "true_outcome": pl.Series(DECISIONS).gather(real.decision),
            "price_bps": pl.Series(paid + 0.0, nan_to_null=True),
            "profit_bps": gained + 0.0,  # + 0.0 turns −0 into 0
        }
    )


def errors_of(
    stream: Stream,
    model: str,
    world: Outcome,
    real: Outcome,
    slots: Slots,
    undecided: NDArray[np.bool_],
    seed: int,
) -> dict[str, Any]:
    """One row of the table: the errors of a model in one stream, in bps of the price at submission.

    `undecided` are the slots in which the worst and the best path end differently: `open_right` is the share of them in
    which the model is right, where a coin would be in half.
    """
    known = ~real.ambiguous
    both = known & world.filled & real.filled
    scale = BPS / slots.price
    paid = (slots.side * (world.entry_price - real.entry_price) * scale)[both]
    gained = ((world.profit(slots.side) - real.profit(slots.side)) * scale)[known]
    low, high = interval(gained, seed)
    bracket = stream.width is not None
    decided = both & ((world.decision != NEITHER) | (real.decision != NEITHER))
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
        "open_slots": int(np.count_nonzero(undecided & known)),
        "open_right": share((world.decision == real.decision) & undecided & known, undecided & known),
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
    if count < SLOTS_MIN:
        return float("nan"), float("nan")
    length = max(1, round(count ** (1 / 3)))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    blocks = count // length
    random = np.random.Generator(np.random.Philox(seed))
    starts = random.integers(0, count - length + 1, (RESAMPLES, blocks))
    means = (sums[starts + length] - sums[starts]).sum(axis=1) / (blocks * length)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
