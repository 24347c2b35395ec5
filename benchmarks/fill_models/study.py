"""The study: which series are measured, what is kept of each, and how they are pooled."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

import admf
from admf.errors import ConfigError, DataError
from admf.fidelity import Fidelity
from admf.fidelity.fills import FillChart

SOURCES = (  # class, pattern, fine frequency, coarse frequencies
    ("FX and gold", "fx_second/*.parquet", "1s", ("1min", "5min", "15min", "1h")),
    ("crypto, seconds", "crypto/*_1s_*.parquet", "1s", ("1min", "5min", "15min", "1h")),
    ("crypto, minutes", "crypto/*_1m.parquet", "1min", ("15min", "1h")),
    ("futures", "futures_second/*.parquet", "1s", ("1min",)),
    ("equities", "equity_minute/*.parquet", "1min", ("5min", "15min", "1h", "1d")),
)
SIZES = ("1min", "5min", "15min", "1h", "1d")
BRACKETS = ("bracket of 0.5 ranges", "bracket of 1 range", "bracket of 2 ranges", "limit bracket of 1 range")
LIMITS = ("limit at 0.5 ranges", "limit at 1 range", "limit at 2 ranges")
SHOWN = ("EURUSD_oanda_1s_201405", "5min", "bracket of 0.5 ranges", "worst")  # the fill on the page: worst of `worst`
PROBES = (
    ("fx_second/EURUSD_oanda_1s_201405.parquet", "1s", "5min"),
    ("equity_minute/FICO_1m_2024.parquet", "1min", "15min"),
)
NORMAL_95 = 1.959964

Errors = dict[tuple[str, str], NDArray[np.float32]]  # by stream and model, in ranges of a bar, shape (known slots,)


@dataclass(frozen=True)
class Job:
    """One file at one fine frequency, to be measured at each coarse one."""

    group: str
    path: Path
    fine: str
    coarse: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Row:
    """What is kept of one study of one file; `slots` is 0 where there is none, for the `reason`."""

    job: Job
    coarse: str
    bars: int
    slots: int = 0
    range_bps: float = 0.0
    frame: pl.DataFrame | None = None
    coverage: pl.DataFrame | None = None
    errors: Errors | None = None
    shown: FillChart | None = None
    reason: str = ""


def jobs(folder: Path) -> list[Job]:
    """The files that are there, largest first."""
    made = [
        Job(group, path, fine, coarse)
        for group, pattern, fine, coarse in SOURCES
        for path in sorted(folder.glob(pattern))
    ]
    return sorted(made, key=lambda job: -job.path.stat().st_size)


def measure(job: Job) -> list[Row]:
    """All studies of one file."""
    bars = admf.load(job.path, on_defect="repair", frequency=job.fine)
    rows = []
    for coarse in job.coarse:
        try:
            rows.append(kept(job, len(bars), admf.fill_fidelity(bars, coarse)))
        except DataError as error:
            rows.append(Row(job, coarse, len(bars), reason=f"{error.args[0]}, {error.found}"))
    return rows


def kept(job: Job, bars: int, found: Fidelity) -> Row:
    """The tables and errors of one study, without its bars and outcomes."""
    errors = {
        (stream, model): found.profit_errors(stream, model).astype(np.float32)
        for stream in (*BRACKETS, *LIMITS)
        for model in found.models
    }
    stem, coarse, stream, model = SHOWN
    shown = None
    if (job.path.stem, found.coarse) == (stem, coarse):
        shown = found.fill_chart(stream, found.worst_slot(stream, model))
    return Row(job, found.coarse, bars, found.slots, found.range_bps, found.frame, found.coverage, errors, shown)


def gathered(rows: list[Row], frame_of: Callable[[Row], pl.DataFrame | None]) -> pl.DataFrame:
    """The tables of all studies below each other, with where they come from; bps as shares of a bar's range."""
    frames = []
    for row in rows:
        frame = frame_of(row)
        if frame is None:
            continue
        ranges = [
            (pl.col(name) / row.range_bps).alias(name.replace("_bps", "_ranges"))
            for name in frame.columns
            if name.endswith("_bps")
        ]
        place = {"group": row.job.group, "file": row.job.path.stem, "coarse": row.coarse}
        frames.append(frame.with_columns(*ranges, **{name: pl.lit(value) for name, value in place.items()}))
    return pl.concat(frames, how="vertical_relaxed")


def weighted(name: str, by: str = "slots") -> pl.Expr:
    """Mean over studies by their slots; studies without a value have no weight."""
    value, slots = pl.col(name).fill_nan(None), pl.col(by)
    return ((value * slots).sum() / slots.filter(value.is_not_null()).sum()).alias(name)


def half_width() -> pl.Expr:
    """Half of the pooled 95 % interval of `profit_bias_ranges`: the studies' intervals as independent errors."""
    error = (pl.col("profit_high_ranges") - pl.col("profit_low_ranges")).fill_nan(None) / (2 * NORMAL_95)
    slots = pl.col("slots").filter(error.is_not_null())
    return (NORMAL_95 * ((slots * error.drop_nulls()) ** 2).sum().sqrt() / slots.sum()).alias("half_width")


def pooled(errors: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Errors pooled over studies."""
    names = ("decisions_right", "profit_bias_ranges", "profit_bias_bps", "only_model", "only_truth", "fill_rate")
    return errors.group_by(by, maintain_order=True).agg(
        *map(weighted, names),
        weighted("true_fill_rate"),
        weighted("open_right", "open_slots"),
        pl.col("open_slots").sum(),
        pl.col("slots").sum(),
        half_width(),
    )


def pooled_errors(rows: list[Row], streams: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    """Every error of some streams, by model."""
    found: dict[str, list[NDArray[np.float32]]] = {}
    for row in rows:
        for (stream, model), values in (row.errors or {}).items():
            if stream in streams:
                found.setdefault(model, []).append(values)
    return {model: np.concatenate(parts) for model, parts in found.items()}


@dataclass(frozen=True)
class Cause:
    """The rule that does most of what an engine's rules add to the error of ours in one stream, in ranges of a bar."""

    engine: str
    stream: str
    rule: str
    value: str
    alone: float  # added to ours by that rule alone
    last: float  # taken from the engine's by giving that rule back
    gap: float  # added by all rules of the engine


def causes(folder: Path, furthest: dict[str, str]) -> list[Cause]:
    """For each engine, in the stream in which it is furthest from ours, the rule that does most of it."""
    streams = {stream.name: stream for stream in admf.fidelity.STREAMS}
    series = [(admf.load(folder / path, on_defect="repair", frequency=fine), coarse) for path, fine, coarse in PROBES]
    found = []
    for engine, stream in furthest.items():
        ours, theirs = admf.Execution(), admf.Execution.preset(engine)
        models = {"ours": ours, "theirs": theirs}
        for name in admf.Execution.KINDS:
            before, after = getattr(ours, name), getattr(theirs, name)
            if before != after:
                models |= {
                    f"alone {name}": ours.replace(**{name: after}),
                    f"last {name}": theirs.replace(**{name: before}),
                }
        models = {name: model for name, model in models.items() if consistent(model)}
        studies = [admf.fill_fidelity(bars, coarse, models, streams=[streams[stream]]) for bars, coarse in series]
        mean = {
            name: float(np.concatenate([study.profit_errors(stream, name) for study in studies]).mean())
            for name in models
        }
        gap = mean["theirs"] - mean["ours"]
        effects = {
            name: (mean[f"alone {name}"] - mean["ours"], mean["theirs"] - mean[f"last {name}"])
            for name in admf.Execution.KINDS
            if f"alone {name}" in mean and f"last {name}" in mean
        }
        rule = max(effects, key=lambda name: sum(effects[name]) * np.sign(gap))
        value = getattr(theirs, rule)
        word = ", ".join(value) if isinstance(value, tuple) else str(value)
        found.append(Cause(engine, stream, rule, word, *effects[rule], gap))
    return found


def consistent(model: admf.Execution) -> bool:
    """Whether the rules do not contradict each other: half of one engine's and half of another's may."""
    try:
        admf.simulate(admf.generate(bars=2, seed=1), [{"bar": 0, "side": "buy", "quantity": 1.0}], execution=model)
    except ConfigError:
        return False
    return True
