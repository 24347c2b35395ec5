"""The commands around many runs: sweep, plan, replay."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.cli.options import Flag, Json, OnDefect, Record, Sets
from admf.cli.running import changes, load_market
from admf.cli.show import (
    Progress,
    exact_cell,
    print_facts,
    print_json,
    print_note,
    print_rich,
    show_result,
    table_of,
)
from admf.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from admf.config.schema import Optimization
    from admf.sweeps import Study
    from admf.sweeps.entry import Job

TOP, ERRORS = 10, 3  # rows that are shown


def sweep(
    config: Path,
    /,
    *,
    data: Path | None = None,
    set_: Sets = (),
    out: Path | None = None,
    fresh: bool = False,
    workers: int | None = None,
    limit: int | None = None,
    metric: str | None = None,
    heatmap: Path | None = None,
    on_defect: OnDefect | None = None,
    json: Json = False,
) -> None:
    """Run a strategy over the grid of a configuration; what is done already is not run again.

    Parameters
    ----------
    config
        YAML file with the sections optimization and grid; configs/ has examples.
    data
        Bar file (.parquet, .csv, .arrow, .feather) in place of the configuration's data.
    set_
        Change values: --set optimization.max_workers=4 execution.path=best
    out
        Study folder, in place of the configuration's output.folder.
    fresh
        Empty the study folder first.
    workers
        Workers; by default as many as cores.
    limit
        Only the first trials of the grid.
    metric
        Key figure to rank by.
    heatmap
        Picture (.png, .svg) of the key figure over the first two parameters.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object in place of the summary.
    """
    from admf.sweeps.configured import load_optimization, read_document
    from admf.sweeps.store import fact

    source = read_document(config, changes(set_, data=data, on_defect=on_defect))
    loaded = load_optimization(source)
    job = planned(source, workers=workers, limit=limit, calibrate=False)
    section = loaded.root.optimization
    assert section is not None
    check_before(job, section, heatmap)
    job.notes["config"] = fact(source)
    folder = out or loaded.output_folder
    if folder is None:
        print_note("the results are not kept: --out FOLDER keeps them, and a later run goes on from there")
    study = finished(job, folder, resume=not fresh)
    show_study(study, metric or section.metric, heatmap, as_json=json)


def plan(
    config: Path,
    /,
    *,
    data: Path | None = None,
    set_: Sets = (),
    workers: int | None = None,
    limit: int | None = None,
    json: Json = False,
) -> None:
    """Say what a sweep would take: trials, batches, memory, time after a short try.

    Parameters
    ----------
    config
        YAML file with the sections optimization and grid.
    data
        Bar file in place of the configuration's data.
    set_
        Change values.
    workers
        Workers; by default as many as cores.
    limit
        Only the first trials of the grid.
    json
        Print one JSON object.
    """
    from admf.sweeps.configured import read_document
    from admf.sweeps.plan import readable

    source = read_document(config, changes(set_, data=data))
    made = planned(source, workers=workers, limit=limit, calibrate=True).plan
    if json:
        print_json(made.to_dict())
    else:
        print_facts(readable(made))


def replay(
    places: tuple[Path, ...],
    /,
    *,
    row: int | None = None,
    stop: int | None = None,
    step: Flag = False,
    bisect: Flag = False,
    drift: Flag = False,
    out: Path | None = None,
    record: Record = "full",
    json: Json = False,
) -> None:
    """Run one row of a study again, or the event logs of live sessions; what comes must be what came.

    Parameters
    ----------
    places
        Folder made by admf sweep; or files .events of sessions, or their folder, each log in a container of its own; or
        the configuration of a paper session, which is recorded first.
    row
        The row of a study, as in the results.
    stop
        Of a log: stop before this event is delivered, and show the container.
    step
        Of a log: from there on deliver an event with each line of standard input.
    bisect
        Run nothing: show the first event in which two logs differ, and the values that do.
    drift
        Of a log: hold its orders against the backtest of its bars.
    out
        Folder for fills, orders, transitions, trades, equity, metrics (Parquet) and report.html.
    record
        What is kept: everything, fills with trades and equity, or metrics only.
    json
        Print one JSON object in place of the summary.
    """
    from admf.results.store import check_target

    if row is None and not is_study(places):
        from admf.cli.replaying import recorded_first, replay_logs

        with recorded_first(places) as logs:
            replay_logs(logs, stop=stop, step=step, bisect=bisect, drift=drift, as_json=json)
        return
    if row is None or len(places) != 1:
        found, allowed = ", ".join(map(str, places)), "one folder of a study with --row, or logs"
        raise ConfigError("not to be replayed", field="places", found=found, allowed=allowed)
    from admf.sweeps.configured import open_study

    if out is not None:
        check_target(out)
    with Progress(f"row {row}"):
        result = open_study(places[0]).replay(row, record=record)
    show_result(result, out, as_json=json)


def is_study(places: tuple[Path, ...]) -> bool:
    """Whether it is one folder, and not that of a session."""
    return len(places) == 1 and places[0].is_dir() and not any(places[0].glob("*.events"))


def check_before(job: "Job", section: "Optimization", picture: Path | None) -> None:
    """What would fail only after the sweep, or does not fit."""
    from admf.results.pictures import check_drawable
    from admf.sweeps.plan import check_plan, read_size

    if picture is not None:
        check_drawable(picture)
        if len(job.framer.names) < 2:
            found, allowed = ", ".join(job.framer.names), "a grid of two parameters or more"
            raise ConfigError("no map of one parameter", field="heatmap", found=found, allowed=allowed)
    check_plan(
        job.plan,
        read_size(section.memory_limit, "optimization.memory_limit"),
        read_size(section.memory_limit_per_container, "optimization.memory_limit_per_container"),
    )


def finished(job: "Job", folder: Path | None, *, resume: bool) -> "Study":
    """Runs what is missing; after Ctrl-C a note says what is kept."""
    from admf.errors import counted
    from admf.sweeps.entry import SweepInterrupted
    from admf.sweeps.progress import make_progress

    try:
        return job.run(folder, resume=resume, progress=make_progress(progress=True))
    except SweepInterrupted as stopped:
        if folder is not None:
            kept = f"{stopped.study.results.height:,} of {counted(stopped.study.plan.trials, 'trial')} are in {folder}"
            print_note(f"{kept}; the same command goes on from there")
        raise


def planned(source: dict[str, Any], *, workers: int | None, limit: int | None, calibrate: bool) -> "Job":
    """The sweep of a document, with its data."""
    from admf.sweeps.configured import job_of, load_optimization

    loaded = load_optimization(source)
    with Progress("loading"):
        return job_of(loaded, load_market(loaded), workers=workers, limit=limit, calibrate=calibrate)


def show_study(study: "Study", metric: str, picture: Path | None, *, as_json: bool) -> None:
    """The totals, the first rows that failed, the best ones, the map; or one JSON object."""
    import polars as pl

    analysis = study.analyze(metric)
    maps = study.heatmap(study.parameters[0], study.parameters[1], metric) if len(study.parameters) > 1 else None
    if picture is not None and maps is not None:
        maps.save(picture)
    if as_json:
        best = study.top(metric, TOP).to_dicts()
        folder = None if study.folder is None else str(study.folder)
        print_json({"folder": folder, "plan": study.plan.to_dict(), **analysis.to_dict(), "best": best})
        return
    print_rich(repr(study))
    print_facts({name: value for name, value in analysis.totals.items() if value is not None})
    for row, error in study.results.filter(pl.col("error").is_not_null()).select("row", "error").head(ERRORS).rows():
        print_note(f"row {row} failed: {error}")
    print_rich(best_table(study, metric))
    if maps is not None:
        print_rich(maps)
    if study.folder is not None:
        best = study.top(metric, 1)["row"].to_list()
        print(f"\nadmf replay {study.folder} --row {best[0] if best else 0}")


def best_table(study: "Study", metric: str) -> "Table":
    """The best rows with their parameters and some figures."""
    figures = [name for name in (metric, "total_return", "max_drawdown", "trades") if name in study.results.columns]
    columns = ["row", *study.parameters, *dict.fromkeys(figures)]
    return table_of(study.top(metric, TOP).select(columns), f"best by {metric}", form=exact_cell)
