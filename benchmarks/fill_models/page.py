"""The page that says what the study found: every number on it comes from the measured tables."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from admf.fidelity.charts import CoverageChart, ErrorChart
from benchmarks.fill_models import speed
from benchmarks.fill_models.impact import impact
from benchmarks.fill_models.study import (
    BRACKETS,
    LIMITS,
    PROBES,
    SHOWN,
    SIZES,
    SOURCES,
    Cause,
    Row,
    causes,
    gathered,
    pooled,
    pooled_errors,
    weighted,
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
Found = dict[str, float]


def write(
    rows: list[Row], data: Path, wall_s: float, processor_s: float, folder: Path | None
) -> tuple[str, pl.DataFrame]:
    """The page and the table of every error behind it; the pictures go to `folder`, if there is one."""
    errors = gathered(rows, lambda row: row.frame)
    coverage = gathered(rows, lambda row: row.coverage)
    if folder is not None:
        draw(rows, coverage, folder)
    reasons = causes(data, furthest(errors)) if all((data / path).exists() for path, *_ in PROBES) else []
    parts = [
        *introduction(rows, wall_s, processor_s),
        *data_table(rows),
        "",
        *findings(errors, coverage),
        "",
        *cause_table(reasons),
        *pictures(rows),
        *tables(errors, coverage),
        *impact(data),
        *cost(),
    ]
    return "\n".join(parts), errors


def draw(rows: list[Row], coverage: pl.DataFrame, folder: Path) -> None:
    """The pictures of the page."""
    for name, title, streams in (
        ("errors_brackets", "How brackets err, all data and sizes of bar", BRACKETS),
        ("errors_limits", "How limits err, all data and sizes of bar", LIMITS),
    ):
        ErrorChart.of(title, pooled_errors(rows, streams)).save(folder / f"{name}.svg")
    by_size = coverage.group_by("stream", "coarse", maintain_order=True).agg(
        *map(weighted, ("outcome_covered", "profit_covered", "open"))
    )
    sizes = pl.Enum(SIZES)
    ordered = by_size.with_columns(pl.col("coarse").cast(sizes)).sort("coarse", maintain_order=True)
    CoverageChart.of("Does [worst, best] hold the truth?", ordered).save(folder / "coverage.svg")
    for row in rows:
        if row.shown is not None:
            row.shown.save(folder / "fill.svg")


def pictures(rows: list[Row]) -> list[str]:
    """Where the pictures stand on the page."""
    stem, coarse, stream, model = SHOWN
    lines = [
        "",
        "## How the models err",
        "",
        "![share of the slots that are right, too low and too high, brackets](errors_brackets.svg)",
        "",
        "![the same for limits](errors_limits.svg)",
        "",
        "Many a slot is off because fine bars jump: the truth fills at the open after the jump, of which a coarse bar "
        "shows nothing. All models that fill at the level share that error; what differs between them is theirs.",
        "",
    ]
    if any(row.shown is not None for row in rows):
        lines += [
            f"One fill, that in which `{model}` is furthest from the truth ({stem}, {coarse}, {stream}):",
            "",
            "![one fill under each model](fill.svg)",
            "",
        ]
    return lines


def introduction(rows: list[Row], wall_s: float, processor_s: float) -> list[str]:
    """What was done, and how to read it."""
    fine = sum({row.job.path: row.bars for row in rows}.values())
    return [
        "# How wrong is a fill on bars?",
        "",
        "Written by `python -m benchmarks.fill_models --write`; every number on this page comes from that command.",
        "",
        f"{fine:,} fine bars of {len({row.job.path for row in rows})} files, {len(rows)} studies, "
        f"{sum(row.slots for row in rows):,} slots, {wall_s:.0f} s ({processor_s:.0f} s of processor time). The same "
        "orders, sent at the same moments, at prices on the tick, meet the fine bars (the truth) and the coarse bars "
        "made of them. Errors of profit are in per cent of a mean coarse bar's range, so that instruments can be "
        "pooled; ± is a 95 % interval (bootstrap over blocks of slots, studies taken as independent). A positive error "
        "flatters the strategy.",
        "",
    ]


def data_table(rows: list[Row]) -> list[str]:
    """What was measured."""
    lines = ["| data | files | fine | coarse | slots |", "|---|---|---|---|---|"]
    for group, _pattern, fine, coarse in SOURCES:
        mine = [row for row in rows if row.job.group == group]
        files = len({row.job.path for row in mine})
        slots = f"{sum(row.slots for row in mine):,}" if files else "no such file here"
        lines.append(f"| {group} | {files} | {fine} | {', '.join(coarse)} | {slots} |")
    few = [row for row in rows if not row.slots]
    if few:
        names = ", ".join(f"{row.job.path.stem} at {row.coarse}" for row in few)
        lines += ["", f"Too few coarse bars for a study: {names}."]
    return lines


def findings(errors: pl.DataFrame, coverage: pl.DataFrame) -> list[str]:
    """The answers, with their numbers."""
    brackets = errors.filter(pl.col("stream").is_in(BRACKETS))
    paths = by_model(pooled(brackets.filter(pl.col("model").is_in(PATHS)), "model"))
    rank = sorted(paths, key=lambda name: -paths[name]["open_right"])
    ours, closest = paths["worst"], paths[rank[0]]
    others = ", ".join(f"`{name}` {paths[name]['open_right']:.0%}" for name in rank[1:])
    share = ours["open_slots"] / ours["slots"]
    limits = by_model(pooled(errors.filter(pl.col("stream").is_in(LIMITS)), "model"))
    touch, through = limits["touch"], limits["worst"]
    false = touch["only_model"] / touch["fill_rate"]
    each = (touch["profit_bias_ranges"] - through["profit_bias_ranges"]) / touch["only_model"]
    missed = coverage.select((pl.col("slots") * (1.0 - pl.col("outcome_covered"))).sum().round().cast(pl.Int64)).item()
    profit, slots = coverage.select(weighted("profit_covered"), pl.col("slots").sum().alias("all")).row(0)
    return [
        "## Findings",
        "",
        f"- **A bar seldom leaves the outcome open; where it does, the path decides.** In {share:.1%} of the brackets "
        f"the worst and the best path end differently. In these, `{rank[0]}` ends as the truth does in "
        f"{closest['open_right']:.0%}, {others}. Over all brackets `{rank[0]}` is right in "
        f"{closest['decisions_right']:.1%} and off by {signed(closest)} of a bar's range.",
        f"- **The default errs on the safe side**: `worst` takes {signed(ours)} of a range off a bracket "
        f"({ours['profit_bias_bps']:+.2f} bps of the price), `best` adds {signed(paths['best'])}.",
        f"- **A touch is not a fill**: of the limits that `touch` fills, {false:.2%} were never traded through. Each "
        f"of these is worth {each * 100:+.0f} % of a range to the strategy, for the price turned just there; over all "
        f"slots that is {(touch['profit_bias_ranges'] - through['profit_bias_ranges']) * 100:+.2f} % of a range.",
        f"- **What a coarse bar cannot know costs more**: limits that fill as in truth are still {signed(through)} of "
        "a range too low (stops as much too high): between two fine bars the price jumps past the level.",
        f"- **The interval covers**: all but {missed:,} of {slots:,} outcomes are those of the worst or of the best "
        "path (a close that lies on the target is worth the same filled or held, and the next bar may part the two). "
        f"The profit lies between theirs in {profit:.1%}; the rest are jumps.",
        *engine_lines(errors),
    ]


def by_model(frame: pl.DataFrame) -> dict[str, Found]:
    """The rows of a pooled table by model."""
    return {row["model"]: row for row in frame.iter_rows(named=True)}


def beyond_ours(errors: pl.DataFrame) -> pl.DataFrame:
    """How much further than ours each engine is, by stream."""
    found = pooled(errors, "model", "stream")
    ours = found.filter(model="worst").select("stream", ours="profit_bias_ranges")
    joined = found.filter(pl.col("model").is_in(ENGINES)).join(ours, on="stream")
    return joined.with_columns(beyond=(pl.col("profit_bias_ranges") - pl.col("ours")))


def furthest(errors: pl.DataFrame) -> dict[str, str]:
    """For each engine the stream in which its error is largest against its own interval; trails left out."""
    frame = beyond_ours(errors).filter(~pl.col("stream").str.starts_with("trail"))
    sure = frame.sort((pl.col("beyond").abs() - pl.col("half_width")), descending=True)
    first = sure.group_by("model", maintain_order=True).first()
    return dict(first.select("model", "stream").iter_rows())


def engine_lines(errors: pl.DataFrame) -> list[str]:
    """For each engine where its rules are furthest from ours, and by how much they err."""
    frame = beyond_ours(errors)
    chosen = furthest(errors)
    cells = []
    for engine in ENGINES:
        row = frame.filter(model=engine, stream=chosen[engine]).row(0, named=True)
        cells.append(f"{engine} {signed(row)} ({row['stream']}; ours {row['ours'] * 100:+.2f} %)")
    return ["- **Where the defaults of each engine are furthest from ours**: " + " · ".join(cells) + "."]


def cause_table(found: list[Cause]) -> list[str]:
    """The rule behind each engine's largest error."""
    if not found:
        return []
    names = ", ".join(f"{Path(path).stem} at {coarse}" for path, _, coarse in PROBES)
    lines = [
        "## Which rule does it",
        "",
        f"In the stream above, on {names}: what the rule adds to ours when it alone is the engine's, what is lost when "
        "it alone is given back, and what all rules of the engine add; per cent of a range.",
        "",
        "| rules of | orders | rule | alone | last | all |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        effects = " | ".join(f"{value * 100:+.2f}" for value in (row.alone, row.last, row.gap))
        lines += [f"| {row.engine} | {row.stream} | `{row.rule}={row.value}` | {effects} |"]
    return lines


def signed(row: Found) -> str:
    """An error with its interval."""
    return f"{row['profit_bias_ranges'] * 100:+.2f} % ± {row['half_width'] * 100:.2f}"


def tables(errors: pl.DataFrame, coverage: pl.DataFrame) -> list[str]:
    """Everything behind the findings."""
    return [
        "## Does [worst, best] hold the truth?",
        "",
        "![coverage by size of bar](coverage.svg)",
        "",
        "Outcome: what happened (no entry, stop, target, neither) is what happens on one of the two paths. Profit: it "
        "lies between theirs as well. Open: the two paths differ. Slots that the fine bars leave open are left out.",
        "",
        *coverage_table(coverage),
        "",
        "## Stop or target: which path is right?",
        "",
        "Of all brackets, and of those in which the worst and the best path end differently.",
        "",
        *path_table(errors),
        "",
        "## By size of bar: brackets of 0.5 ranges in which the paths differ, decisions right",
        "",
        *size_table(errors),
        "",
        "## Limits: touch against through",
        "",
        *limit_table(errors),
        "",
        "## The defaults of other engines",
        "",
        "Their rules for fills (presets), without costs. Error of the profit of a slot, in per cent of a bar's range.",
        "",
        *engine_table(errors),
        "",
    ]


def cost() -> list[str]:
    """What the rules cost."""
    return [
        "## What each rule costs",
        "",
        f"Processor time of whole runs over {speed.BARS:,} bars by their orders and by their bars: a market order on "
        "every bar for costs, brackets of a scalper (most of them waiting) for paths.",
        "",
        *speed.table(),
        "",
    ]


def coverage_table(coverage: pl.DataFrame) -> list[str]:
    """The interval by stream."""
    names = ("outcome_covered", "profit_covered", "open", "width_ranges")
    frame = coverage.group_by("stream", maintain_order=True).agg(
        pl.col("slots").sum(), pl.col("left_out").sum(), *map(weighted, names)
    )
    heads = ("orders", "slots", "left out", "outcome", "profit", "open", "width, ranges")
    return table(frame, heads, ("", ",", ",", "%", "%", "%", "%"))


def path_table(errors: pl.DataFrame) -> list[str]:
    """Each bracket under each path."""
    lines = ["| orders | open | " + " | ".join(f"`{path}`" for path in PATHS) + " |", "|---|---|" + "---|" * len(PATHS)]
    for stream in BRACKETS:
        found = by_model(pooled(errors.filter(stream=stream), "model"))
        cells = (
            f"{row['decisions_right']:.1%}, of open {row['open_right']:.0%}, {signed(row)}"
            for row in (found[path] for path in PATHS)
        )
        lines.append(f"| {stream} | {found['worst']['open_slots']:,} | {' | '.join(cells)} |")
    return lines


def size_table(errors: pl.DataFrame) -> list[str]:
    """Open decisions right by data and size of bar."""
    chosen = errors.filter(stream="bracket of 0.5 ranges")
    head = "| data | bars | open | " + " | ".join(f"`{path}`" for path in PATHS) + " |"
    lines = [head, "|---|---|---|" + "---|" * len(PATHS)]
    for group, *_ in SOURCES:
        for coarse in SIZES:
            part = chosen.filter(group=group, coarse=coarse)
            if not len(part):
                continue
            found = by_model(pooled(part, "model"))
            rights = (found[path]["open_right"] for path in PATHS)
            cells = ("–" if right is None or right != right else f"{right:.0%}" for right in rights)
            lines.append(f"| {group} | {coarse} | {found['worst']['open_slots']:,} | {' | '.join(cells)} |")
    return lines


def limit_table(errors: pl.DataFrame) -> list[str]:
    """Fill rates and errors of limits under touch and under a tick through."""
    lines = [
        "| orders | filled in truth | touch: filled, never traded through, error | through: filled, error |",
        "|---|---|---|---|",
    ]
    for stream in LIMITS:
        found = by_model(pooled(errors.filter(stream=stream), "model"))
        touch, through = found["touch"], found["worst"]
        lines.append(
            f"| {stream} | {touch['true_fill_rate']:.2%} | {touch['fill_rate']:.2%}, {touch['only_model']:.2%}, "
            f"{signed(touch)} | {through['fill_rate']:.2%}, {signed(through)} |"
        )
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
