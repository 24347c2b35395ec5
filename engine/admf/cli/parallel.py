"""`admf run` of several configurations: side by side, each in a container of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.cli.running import load_market, target
from admf.cli.sessions import FORMS, WIDTH, figures, table_of
from admf.cli.show import Progress, print_json, print_note, print_rich
from admf.errors import ConfigError, RunError

if TYPE_CHECKING:
    from admf.config import Config
    from admf.coordinate import Recipe
    from admf.coordinate.coordinator import Outcome
    from admf.results.records import RecordLevel


def run_side_by_side(
    named: "dict[str, Config]", out: Path | None, record: "RecordLevel | None", *, as_json: bool
) -> None:
    """Runs them on threads and prints a row for each; RunError where one failed, after the others are done."""
    recipes, folders = made_ready(named, out, record)

    from admf.coordinate import BacktestCoordinator, ExecutionMode

    coordinator = BacktestCoordinator(mode=ExecutionMode.BACKTEST_PARALLEL)
    with Progress(f"{len(recipes)} backtests"):
        outcomes = dict(zip(named, coordinator.run_backtests(recipes), strict=True))
    for name, outcome in outcomes.items():
        folder = folders[name]
        if outcome.result is not None and folder is not None:
            outcome.result.to_parquet(folder)
            outcome.result.report(folder / "report.html")
    if as_json:
        print_json({"runs": {name: facts_of(outcome) for name, outcome in outcomes.items()}})
    else:
        show(outcomes)
    failed = [name for name, outcome in outcomes.items() if outcome.result is None]
    if failed:
        raise RunError(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}")


def made_ready(
    named: "dict[str, Config]", out: Path | None, record: "RecordLevel | None"
) -> "tuple[list[Recipe], dict[str, Path | None]]":
    """What is to be run, and where each goes: folders of --out, or those of the configurations."""
    from admf.coordinate import Recipe

    folders = {name: target(config, None if out is None else out / name) for name, config in named.items()}
    given = [folder for folder in folders.values() if folder is not None]
    if len(set(given)) < len(given):
        message, remedy = "two configurations write to one folder", "give --out FOLDER"
        raise ConfigError(message, field="output.folder", found=", ".join(map(str, given)), remedy=remedy)
    recipes = [Recipe(config, load_market(config), record or config.record) for config in named.values()]
    return recipes, folders


def names_of(configs: Sequence[Path]) -> dict[str, Path]:
    """A name for each configuration: that of its file, with a number where it comes again."""
    named: dict[str, Path] = {}
    for config in configs:
        again = sum(other.stem == config.stem for other in named.values())
        named[config.stem if not again else f"{config.stem}_{again + 1}"] = config
    return named


def facts_of(outcome: "Outcome") -> dict[str, Any]:
    """One outcome as JSON."""
    if outcome.result is None:
        return {"status": outcome.status, "error": str(outcome.error)}
    return {"status": outcome.status, **figures(outcome.result), "trace_hash": outcome.result.trace_hash}


def show(outcomes: "dict[str, Outcome]") -> None:
    """A row for each, and what failed."""
    table = table_of(("run", "status", "bars", "orders", "fills", "equity", "return", "drawdown", "trace"),
                     left=("run", "status"))  # fmt: skip
    for name, outcome in outcomes.items():
        if outcome.result is None:
            table.add_row(name, outcome.status)
            continue
        shown = (form.format(value) for form, value in zip(FORMS, figures(outcome.result).values(), strict=True))
        table.add_row(name, outcome.status, *shown, outcome.result.trace_hash[:8])
    print_rich(table, WIDTH)
    for name, outcome in outcomes.items():
        if outcome.result is None:
            print_note(f"{name}: {outcome.error}")
