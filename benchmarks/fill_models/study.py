"""The study: which series are measured, how they are pooled, and the page that says what came out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

import admf
from admf.errors import DataError
from admf.fidelity import Fidelity
from benchmarks.fill_models import speed

SOURCES = (  # class, pattern, fine frequency, coarse frequencies
    ("FX and gold", "fx_second/*.parquet", "1s", ("1min", "5min", "15min", "1h")),
    ("crypto, seconds", "crypto/*_1s_*.parquet", "1s", ("1min", "5min", "15min", "1h")),
    ("crypto, minutes", "crypto/*_1m.parquet", "1min", ("15min", "1h")),
    ("futures", "futures_second/*.parquet", "1s", ("1min",)),
    ("equities", "equity_minute/*.parquet", "1min", ("5min", "15min", "1h", "1d")),
)
PATHS = ("worst", "best", "queue", "ohlc", "adaptive")
ENGINES = (
    "backtesting.py",
    "backtrader",
    "freqtrade",
    "lean",
    "nautilus",
    "tradingview",
    "vectorbt",
    "zipline",
)
BRACKETS = ("bracket of 0.5 ranges", "bracket of 1 range", "bracket of 2 ranges", "limit bracket of 1 range")
LIMITS = ("limit at 0.5 ranges", "limit at 1 range", "limit at 2 ranges")
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Job:
    """One file at one fine frequency, to be measured at each coarse one."""

    group: str
    path: Path
    fine: str
    coarse: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Row:
    """One study of one file, or the reason why there is none."""

    job: Job
    coarse: str
    bars: int
    found: Fidelity | None
    reason: str = ""


def jobs(folder: Path) -> list[Job]:
    """The files that are there, largest first so that no core waits at the end."""
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
            rows.append(Row(job, coarse, len(bars), admf.fill_fidelity(bars, coarse)))
        except DataError as error:
            rows.append(Row(job, coarse, len(bars), None, f"{error.args[0]}, {error.found}"))
    return rows


def gathered(rows: list[Row], frame_of: Callable[[Fidelity], pl.DataFrame]) -> pl.DataFrame:
    """The tables of all studies below each other, with where they come from; bps as shares of a bar's range."""
    frames = []
    for row in rows:
        if row.found is None:
            continue
        frame = frame_of(row.found)
        ranges = [
            (pl.col(name) / row.found.range_bps).alias(name.replace("_bps", "_ranges"))
            for name in frame.columns
            if name.endswith("_bps")
        ]
        frames.append(
            frame.with_columns(
                *ranges, group=pl.lit(row.job.group), file=pl.lit(row.job.path.stem), coarse=pl.lit(row.coarse)
            )
        )
    return pl.concat(frames, how="vertical_relaxed")


def weighted(name: str) -> pl.Expr:
    """Mean over studies by their slots; studies without a value have no weight."""
    value, slots = pl.col(name).fill_nan(None), pl.col("slots")
    return ((value * slots).sum() / slots.filter(value.is_not_null()).sum()).alias(name)


def half_width() -> pl.Expr:
    """Half of the pooled 95 % interval of `profit_bias_ranges`: the studies' intervals as independent errors."""
    error = (pl.col("profit_high_ranges") - pl.col("profit_low_ranges")).fill_nan(None) / (2 * NORMAL_95)
    slots = pl.col("slots").filter(error.is_not_null())
    return (NORMAL_95 * ((slots * error.drop_nulls()) ** 2).sum().sqrt() / slots.sum()).alias("half_width")


def page(rows: list[Row], seconds: float) -> tuple[str, pl.DataFrame]:
    """The page and the table of every error behind it."""
    errors = gathered(rows, lambda found: found.frame)
    coverage = gathered(rows, lambda found: found.coverage)
    parts = [
        *introduction(rows, seconds),
        *data_table(rows),
        "",
        *findings(errors, coverage),
        "",
        "## Does [worst, best] hold the truth?",
        "",
        "Outcome: what happened (no entry, stop, target, neither) is what happens on one of the two paths. Profit: it "
        "lies between theirs as well; what is missing are jumps between two fine bars, where the truth got a price "
        "that no coarse bar can tell. Open: the two paths differ. Slots that are open on the fine bars too are left "
        "out.",
        "",
        *table(
            coverage.group_by("stream", maintain_order=True).agg(
                pl.col("slots").sum(),
                pl.col("left_out").sum(),
                weighted("outcome_covered"),
                weighted("profit_covered"),
                weighted("open"),
                weighted("width_ranges"),
            ),
            ("orders", "slots", "left out", "outcome", "profit", "open", "width, ranges"),
            ("", ",", ",", "%", "%", "%", "%"),
        ),
        "",
        "## Stop or target: which path is right?",
        "",
        *path_table(errors),
        "",
        "## By bar size: brackets of 0.5 ranges, decisions right",
        "",
        *size_table(errors),
        "",
        "## Limits: touch against one tick through",
        "",
        "The error that both share is the truth's: between two fine bars the price jumps over the limit, and the order "
        "fills at the better open. A coarse bar cannot tell.",
        "",
        *limit_table(errors),
        "",
        "## The defaults of other engines",
        "",
        "Their rules for fills (presets), without costs. Error of the profit of a slot, in per cent of a bar's range.",
        "",
        *engine_table(errors),
        "",
        "## What each rule costs",
        "",
        "Processor time of whole runs over 200,000 bars by the number of their orders: a market order on every bar for "
        "costs, brackets of a scalper (most of them waiting) for paths.",
        "",
        *speed.table(),
        "",
    ]
    return "\n".join(parts), errors


def introduction(rows: list[Row], seconds: float) -> list[str]:
    """What was done, and how to read it."""
    fine = sum({row.job.path: row.bars for row in rows}.values())
    return [
        "# How wrong is a fill on bars?",
        "",
        "Written by `python -m benchmarks.fill_models --write`; every number on this page comes from that command.",
        "",
        f"{fine:,} fine bars of {len({row.job.path for row in rows})} files, {len(rows)} studies, "
        f"{sum(row.found.slots for row in rows if row.found):,} slots, {seconds:.0f} s. The same orders, sent at the "
        "same moments, meet the fine bars (the truth) and the coarse bars made of them. Profit errors are in per cent "
        "of a mean coarse bar's range, so that instruments can be pooled; ± is a 95 % interval (bootstrap over blocks "
        "of slots, studies taken as independent). A positive error flatters the strategy.",
        "",
    ]


def data_table(rows: list[Row]) -> list[str]:
    """What was measured."""
    lines = ["| data | files | fine | coarse | slots |", "|---|---|---|---|---|"]
    for group, _pattern, fine, coarse in SOURCES:
        mine = [row for row in rows if row.job.group == group]
        slots = sum(row.found.slots for row in mine if row.found)
        files = len({row.job.path for row in mine})
        lines.append(f"| {group} | {files} | {fine} | {', '.join(coarse)} | {slots:,} |")
    few = [row for row in rows if row.found is None]
    if few:
        names = ", ".join(f"{row.job.path.stem} at {row.coarse}" for row in few)
        lines += ["", f"Too few coarse bars for a study: {names}."]
    return lines


def pooled(errors: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Errors pooled over studies."""
    return errors.group_by(by, maintain_order=True).agg(
        weighted("decisions_right"), weighted("profit_bias_ranges"), half_width(), weighted("only_model"),
        weighted("only_truth"), weighted("fill_rate"), weighted("true_fill_rate"),
    )  # fmt: skip


def findings(errors: pl.DataFrame, coverage: pl.DataFrame) -> list[str]:
    """The answers, with their numbers."""
    brackets = errors.filter(pl.col("stream").is_in(BRACKETS), pl.col("model").is_in(PATHS))
    paths = pooled(brackets, "model").sort("decisions_right", descending=True)
    best, last = paths.row(0, named=True), paths.row(-1, named=True)
    ours = paths.filter(model="worst").row(0, named=True)
    limits = pooled(errors.filter(pl.col("stream").is_in(LIMITS)), "model")
    touch, through = (limits.filter(model=model).row(0, named=True) for model in ("touch", "worst"))
    engines = pooled(errors.filter(pl.col("stream").is_in(BRACKETS), pl.col("model").is_in(ENGINES)), "model")
    off = engines.sort(pl.col("profit_bias_ranges").abs(), descending=True).row(0, named=True)
    outcome = coverage.select(weighted("outcome_covered")).item()
    return [
        "## Findings",
        "",
        f"- **The path closest to the truth is `{best['model']}`**: {best['decisions_right']:.1%} of all decisions "
        f"between stop and target are right (`worst`: {ours['decisions_right']:.1%}, `{last['model']}`: "
        f"{last['decisions_right']:.1%}), with a profit error of {signed(best)} of a bar's range.",
        f"- **The pessimistic default errs on its side**: `worst` is off by {signed(ours)} of a range a bracket.",
        f"- **Limits that fill at a touch** fill in {touch['only_model']:.2%} of the slots in which the truth, beyond "
        f"the limit, has no fill. The profit error is {signed(touch)} of a range against {signed(through)} for a tick "
        "through: on these series the touch hardly matters, the jumps that no coarse bar shows do.",
        f"- **The interval covers**: {outcome:.2%} of all outcomes are those of the worst or of the best path.",
        f"- **The default furthest off in brackets is {off['model']}'s**: {signed(off)} of a range a bracket.",
    ]


def signed(row: dict[str, float]) -> str:
    """An error with its interval."""
    return f"{row['profit_bias_ranges'] * 100:+.2f} % ± {row['half_width'] * 100:.2f}"


def path_table(errors: pl.DataFrame) -> list[str]:
    """Each bracket under each path."""
    lines = ["| orders | " + " | ".join(f"`{path}`" for path in PATHS) + " |", "|---|" + "---|" * len(PATHS)]
    for stream in BRACKETS:
        found = pooled(errors.filter(stream=stream), "model")
        cells = []
        for path in PATHS:
            row = found.filter(model=path).row(0, named=True)
            cells.append(f"{row['decisions_right']:.1%} right, {signed(row)}")
        lines.append(f"| {stream} | {' | '.join(cells)} |")
    return lines


def size_table(errors: pl.DataFrame) -> list[str]:
    """Decisions right by fine and coarse frequency."""
    chosen = errors.filter(stream="bracket of 0.5 ranges")
    lines = ["| data | bars | " + " | ".join(f"`{path}`" for path in PATHS) + " |", "|---|---|" + "---|" * len(PATHS)]
    for (group, coarse), part in chosen.group_by(["group", "coarse"], maintain_order=True):
        found = pooled(part, "model")
        cells = (found.filter(model=path)["decisions_right"].item() for path in PATHS)
        shown = " | ".join("–" if cell is None else f"{cell:.1%}" for cell in cells)
        lines.append(f"| {group} | {coarse} | {shown} |")
    return [*lines[:2], *sorted(lines[2:])]


def limit_table(errors: pl.DataFrame) -> list[str]:
    """Fill rates and errors of limits under touch and under a tick through."""
    lines = ["| orders | filled in truth | touch: filled, error | through: filled, error |", "|---|---|---|---|"]
    for stream in LIMITS:
        found = pooled(errors.filter(stream=stream), "model")
        touch, through = (found.filter(model=model).row(0, named=True) for model in ("touch", "worst"))
        cells = (f"{row['fill_rate']:.2%}, {signed(row)}" for row in (touch, through))
        lines.append(f"| {stream} | {touch['true_fill_rate']:.2%} | {' | '.join(cells)} |")
    return lines


def engine_table(errors: pl.DataFrame) -> list[str]:
    """Each engine's rules in each stream."""
    streams = errors["stream"].unique(maintain_order=True).to_list()
    lines = ["| rules of | " + " | ".join(streams) + " |", "|---|" + "---|" * len(streams)]
    found = pooled(errors, "model", "stream")
    for model in ("worst", *ENGINES):
        cells = (signed(found.filter(model=model, stream=stream).row(0, named=True)) for stream in streams)
        lines.append(f"| {'ours' if model == 'worst' else model} | {' | '.join(cells)} |")
    return lines


def table(frame: pl.DataFrame, headings: tuple[str, ...], forms: tuple[str, ...]) -> list[str]:
    """A frame as Markdown; forms: "" text, "," a count, "%" a share."""
    lines = [f"| {' | '.join(headings)} |", "|" + "---|" * len(headings)]
    lines.extend(f"| {' | '.join(shown(row, forms))} |" for row in frame.iter_rows())
    return lines


def shown(row: tuple[object, ...], forms: tuple[str, ...]) -> Iterator[str]:
    """The cells of one row."""
    for value, form in zip(row, forms, strict=True):
        yield f"{value:.2%}" if form == "%" else format(value, form)
