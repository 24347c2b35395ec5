"""`OptimizationExecutor`: many containers side by side, each its own backtest, and what came of them.

`admf.sweep` runs compiled strategies thousands of times faster and with the same bits; containers are for strategies on
the event bus, for components of one's own, and for limits on time and memory of each run.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from admf.config.source import apply_override
from admf.container import ContainerMetrics
from admf.coordinate import BacktestCoordinator, BacktestResults, ExecutionMode, Recipe
from admf.errors import AdmfError, ConfigError, RunError
from admf.models import unknown_name
from admf.sweeps.space import read_grid
from admf.sweeps.study import LESS_IS_BETTER, Study

PARAMETERS = "strategy_params"
Parameters = dict[str, Any]


@dataclass(frozen=True, eq=False)
class OptimizationResults:
    """One entry for each parameter set that ran, and one for each that failed, in the order of the space."""

    results: tuple[tuple[Parameters, BacktestResults], ...]
    errors: tuple[tuple[Parameters, BaseException], ...]

    def __len__(self) -> int:
        return len(self.results) + len(self.errors)

    @property
    def container_results(self) -> list[ContainerMetrics]:
        """What each container did, as `OptimizationAnalyzer` takes it."""
        return [result.container for _, result in self.results]

    @property
    def frame(self) -> pl.DataFrame:
        """One row for each set that ran: parameters, metrics, trace hash."""
        rows = [{**params, **result.metrics, "trace_hash": result.trace_hash} for params, result in self.results]
        return pl.DataFrame(rows, strict=False, infer_schema_length=None)

    def best(self, metric: str = "sharpe", *, lowest: bool | None = None) -> tuple[Parameters, BacktestResults]:
        """The best set and its result; RunError where none has the figure."""
        less = metric in LESS_IS_BETTER if lowest is None else lowest
        found: list[tuple[float, int]] = []
        for index, (_, result) in enumerate(self.results):
            if metric not in result.metrics:
                raise unknown_name(metric, result.metrics, field="metric", what="key figure")
            value = float(result.metrics[metric] or 0.0)
            if not math.isnan(value):
                found.append((value if less else -value, index))
        if not found:
            raise RunError(f"no run has a value of {metric}", remedy="look at .errors and at the trades of .frame")
        return self.results[min(found)[1]]


class OptimizationResultsCollector:
    """Gathers results and errors as they come."""

    def __init__(self) -> None:
        self._results: list[tuple[Parameters, BacktestResults]] = []
        self._errors: list[tuple[Parameters, BaseException]] = []

    def add_result(self, params: Mapping[str, Any], result: BacktestResults) -> None:
        """A run that came to its end."""
        self._results.append((dict(params), result))

    def add_error(self, params: Mapping[str, Any], error: BaseException) -> None:
        """A run that failed."""
        self._errors.append((dict(params), error))

    def get_optimization_results(self) -> OptimizationResults:
        """What there is so far."""
        return OptimizationResults(tuple(self._results), tuple(self._errors))


class OptimizationExecutor:
    """Runs one configuration with many parameter sets, each in a container of its own."""

    def __init__(
        self,
        shared_services: Mapping[str, Any] | None = None,
        max_workers: int | None = None,
        *,
        memory_limit_per_container: str | int | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """`shared_services` are those of `BacktestCoordinator`; `max_workers` threads, by default one a core."""
        self.backtest_coordinator = BacktestCoordinator(
            shared_services,
            mode=ExecutionMode.BACKTEST_PARALLEL,
            max_workers=max_workers,
            memory_limit_per_container=memory_limit_per_container,
            timeout_s=timeout_s,
        )
        self.max_workers = self.backtest_coordinator.max_workers
        self.results_collector = OptimizationResultsCollector()

    def run_optimization(self, base_config: Any, parameter_space: Any) -> OptimizationResults:
        """Runs every set of the space; one that fails is an error of its own and the others go on.

        `base_config` is a configuration as `run_backtest` takes it. `parameter_space`: a list of parameter sets, or any
        grid of `admf.sweep`; names with a dot (`execution.path`) change other keys of the configuration.
        """
        self.results_collector = OptimizationResultsCollector()
        if not isinstance(base_config, Mapping):
            allowed = "a mapping as run_backtest takes it"
            raise ConfigError("not a configuration", field="base_config", found=base_config, allowed=allowed)
        sets = parameter_sets(parameter_space)
        configs = read_once([with_parameters(base_config, params) for params in sets], self.backtest_coordinator)
        outcomes = self.backtest_coordinator.run_backtests(configs, record="summary")
        for params, outcome in zip(sets, outcomes, strict=True):
            if outcome.result is not None:
                self.results_collector.add_result(params, outcome.result)
            else:
                error = outcome.error or RunError(f"the container ended as {outcome.status}")
                self.results_collector.add_error(params, error)
        return self.results_collector.get_optimization_results()


class OptimizationAnalyzer:
    """Looks over the results of many containers, or of a study."""

    def analyze_optimization_results(
        self, container_results: "OptimizationResults | Sequence[ContainerMetrics]"
    ) -> dict[str, Any]:
        """Totals, best and average over containers; NaN counts for nothing, None stands where nobody has a value."""
        if isinstance(container_results, OptimizationResults):
            container_results = container_results.container_results
        return {
            "total_containers": len(container_results),
            "best_sharpe_ratio": extreme([metrics.sharpe_ratio for metrics in container_results]),
            "best_return": extreme([metrics.final_portfolio_value for metrics in container_results]),
            "average_execution_time": average([metrics.execution_time for metrics in container_results]),
        }

    def analyze_study(self, study: Study, metric: str = "sharpe", slices: int = 4) -> dict[str, Any]:
        """Totals, importance of the parameters, plateau of each best row, and how those rows do in slices of time.

        ConfigError for a figure that the study has not, and for more slices than its bars allow.
        """
        analysis = study.analyze(metric)
        return {**analysis.to_dict(), "stability": analysis.stability(slices).to_dicts()}


def parameter_sets(space: Any) -> list[Parameters]:
    """The sets of a list as they stand, each with names of its own, or those of a grid."""
    if isinstance(space, list) and space and all(isinstance(params, Mapping) for params in space):
        return [{str(name): value for name, value in params.items()} for params in space]
    grid = read_grid(space)
    return [grid.values_of(row) for row in range(grid.count)]


def with_parameters(base: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with one parameter set; what it already says about the others stays."""
    document: dict[str, Any] = dict(base)
    own = {name: value for name, value in params.items() if "." not in name}
    if "backtest" in base:
        own = {f"{PARAMETERS}.{name}": value for name, value in own.items()}
    else:
        document[PARAMETERS] = {**(base.get(PARAMETERS) or {}), **own}
        own = {}
    for change in (own | {name: value for name, value in params.items() if "." in name}).items():
        apply_override(document, change)
    return document


def read_once(configs: Sequence[dict[str, Any]], coordinator: BacktestCoordinator) -> list[dict[str, Any] | Recipe]:
    """The configurations, those that differ from one before in parameters of the strategy alone as its recipe.

    Their bars are read and their rules checked once. What cannot be read stays as it is, for its error to be its own.
    """
    known: list[tuple[dict[str, Any], Recipe]] = []
    made: list[dict[str, Any] | Recipe] = []
    for config in configs:
        rest, params = split_parameters(config)
        recipe = next((recipe for other, recipe in known if other == rest), None)
        try:
            if recipe is not None:
                strategy = type(recipe.strategy)(**params)
                made.append(replace(recipe, config=replace(recipe.config, strategy=strategy)))
                continue
            if "stop_on_error" not in config:
                recipe = Recipe.read(config, coordinator.shared_services, record="summary")
                known.append((rest, recipe))
        except AdmfError:
            recipe = None
        made.append(config if recipe is None else recipe)
    return made


def split_parameters(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A configuration without the parameters of its strategy, and those."""
    if "backtest" not in config:
        return {name: value for name, value in config.items() if name != PARAMETERS}, config.get(PARAMETERS) or {}
    rest = copy.deepcopy(config)
    try:
        return rest, rest["backtest"]["components"]["strategy"].pop("params", None) or {}
    except (KeyError, TypeError, AttributeError):  # no section of a strategy: reading it says so
        return config, {}


def extreme(values: Sequence[float | None]) -> float | None:
    """The largest value, if there is one."""
    return max((value for value in values if value is not None and not math.isnan(value)), default=None)


def average(values: Sequence[float | None]) -> float | None:
    """The mean, if there is one."""
    found = [value for value in values if value is not None and not math.isnan(value)]
    return math.fsum(found) / len(found) if found else None
