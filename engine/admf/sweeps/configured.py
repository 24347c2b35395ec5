"""A sweep from a configuration, and a study from its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.config import load_config
from admf.config.source import Override, overridden, plain_keys, read_file
from admf.errors import ConfigError
from admf.models import Problems
from admf.strategy import CompiledStrategy
from admf.sweeps import samplers
from admf.sweeps.entry import Job, prepare
from admf.sweeps.store import DIFFERENCES, open_facts
from admf.sweeps.study import Study

if TYPE_CHECKING:
    from admf.config import Config
    from admf.data import Market

STEPS = {"start", "stop", "step"}


def read_document(path: Path, overrides: Sequence[Override]) -> dict[str, Any]:
    """The document of a configuration with its changes, as a study keeps it: `document` and the `folder` it is in."""
    problems = Problems()
    document = overridden(plain_keys(read_file(path)), overrides, problems)
    problems.raise_any("config")
    return {"document": json.loads(json.dumps(document, default=str)), "folder": str(path.parent.absolute())}


def load_optimization(source: Mapping[str, Any]) -> "Config":
    """The checked configuration of a sweep; ConfigError for one that is none."""
    config = load_config(source["document"], folder=source["folder"])
    if config.root.optimization is None:
        remedy = "write optimization: with components, and grid: with the values of the parameters"
        raise ConfigError("not a sweep", field="config", found="backtest", allowed="optimization", remedy=remedy)
    if not config.root.grid:
        raise ConfigError("empty", field="grid", allowed="parameter: [values]", remedy="name what to sweep")
    return config


def job_of(
    config: "Config", market: "Market", *, workers: int | None = None, limit: int | None = None, calibrate: bool = False
) -> Job:
    """The sweep of a configuration."""
    section = config.root.optimization
    assert section is not None
    if not isinstance(config.strategy, CompiledStrategy):
        allowed = "a subclass of admf.CompiledStrategy"
        raise ConfigError("cannot be swept", field="optimization.components.strategy.class", allowed=allowed)
    return prepare(
        market,
        config.strategy,
        grid_of(config),
        execution=config.execution,
        account=config.account,
        risk=config.risk,
        workers=workers or section.max_workers,
        executor=section.parallelism,
        limit=limit or section.limit,
        calibrate=calibrate,
    )


def grid_of(config: "Config") -> Any:
    """The grid of a configuration, or what is drawn from it."""
    section = config.root.optimization
    flat = flattened(config.root.grid)
    if section is None or section.sampler is None:
        return flat
    space = {name: tuple(drawn) if is_pair(drawn) else drawn for name, drawn in flat.items()}
    make = samplers.sobol if section.sampler.method == "sobol" else samplers.random
    return make(space, section.sampler.trials, section.sampler.seed)


def flattened(grid: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Sections inside the grid as dotted names; {start, stop, step} is a range."""
    found: dict[str, Any] = {}
    for name, values in grid.items():
        if isinstance(values, Mapping) and not values.keys() <= STEPS:
            found |= flattened(values, f"{prefix}{name}.")
        else:
            found[prefix + name] = values
    return found


def is_pair(drawn: object) -> bool:
    """Two numbers that stand for bounds."""
    return isinstance(drawn, list) and len(drawn) == 2 and all(map(samplers.is_number, drawn)) and drawn[0] < drawn[1]


def open_study(folder: str | Path) -> Study:
    """A study that `admf sweep` made; ConfigError where code or data are not those it was made with."""
    place = Path(folder)
    facts = open_facts(place)
    if "config" not in facts:
        remedy = "call admf.sweep with the same arguments and out=folder: what is done is not run again"
        raise ConfigError("the study was made from Python", field="study", found=str(place), remedy=remedy)
    config = load_optimization(json.loads(facts["config"]))
    job = job_of(config, config.market())
    for name, value in job.facts().items():
        if facts.get(name) != value:
            raise ConfigError(DIFFERENCES[name], field=f"study {place}", remedy="restore it, or run the sweep again")
    return job.study(place)
