"""`Study`: what a sweep found. Every row can be run again in full."""

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from admf.errors import ConfigError, RunError, counted
from admf.models import unknown_name
from admf.sweeps.frames import DONE, Framer
from admf.sweeps.plan import Plan
from admf.sweeps.store import part_files, read_parts
from admf.sweeps.trials import Trials

if TYPE_CHECKING:
    from admf.results import Result
    from admf.results.records import RecordLevel
    from admf.sweeps.analysis import Analysis
    from admf.sweeps.heatmap import Heatmap

LESS_IS_BETTER = {"max_drawdown", "volatility", "commission", "slippage_cost", "turnover", "bad_bars"}


class Study:
    """The trials of a sweep: `results`, `best`, `replay`, `heatmap`, `analyze`; one row for each trial that is done."""

    def __init__(
        self,
        trials: Trials,
        framer: Framer,
        plan: Plan,
        metrics: list[str],
        *,
        frame: pl.DataFrame | None = None,
        folder: Path | None = None,
    ) -> None:
        self._trials, self._framer = trials, framer
        self._frame = frame
        self.plan = plan
        self.metrics = metrics
        self.folder = folder

    def __repr__(self) -> str:
        failed = (self.results["status"] != DONE).sum() if self.results.height else 0
        place = f", {self.folder}" if self.folder else ""
        return (
            f"Study({type(self._trials.strategy).__name__}: {self.results.height:,} of "
            f"{counted(self.plan.trials, 'trial')}, {failed:,} failed{place})"
        )

    @property
    def parameters(self) -> list[str]:
        """Columns of the swept parameters."""
        return list(self._framer.names)

    @property
    def complete(self) -> bool:
        """Whether every trial is there."""
        return self.results.height == self.plan.trials

    @staticmethod
    def open(folder: str | Path) -> "Study":
        """A study that `admf sweep` made; one made from Python opens by calling `admf.sweep` again with its folder."""
        from admf.sweeps.configured import open_study

        return open_study(folder)

    @cached_property
    def results(self) -> pl.DataFrame:
        """One row for each trial: parameters, status, error, path, key figures, trace hash; in order of the grid."""
        columns = ["row", *self.parameters, "status", "error", "path", *self.metrics, "trace_hash"]
        if self.folder is None:
            frame = self._frame
            return frame.sort("row").select(columns) if frame is not None else pl.DataFrame({"row": []})
        found = read_parts(part_files(self.folder))
        if not found.height:
            return pl.DataFrame({"row": []})
        rows = np.arange(self.plan.trials)
        keys = pl.DataFrame({"row": rows, "key": pl.Series(self._trials.keys(rows), dtype=pl.Binary)})
        found = found.drop("row").unique("key", keep="first")
        return keys.join(found, on="key", how="inner").sort("row").select(columns)

    def where(self, *conditions: pl.Expr, **values: Any) -> pl.DataFrame:
        """Rows of the results that satisfy polars expressions and equal values."""
        for name in values:
            self._require(name)
        return self.results.filter(*conditions, **values)

    def top(self, metric: str = "sharpe", count: int = 10, *, lowest: bool | None = None) -> pl.DataFrame:
        """The best rows by a key figure, best first, without those that failed or have none.

        `lowest=True` where less is better; by default so for drawdown, volatility and costs. Ties go by row.
        """
        self._require(metric)
        less = metric in LESS_IS_BETTER if lowest is None else lowest
        finite = self.results.filter(pl.col("status") == DONE, pl.col(metric).cast(pl.Float64).is_not_nan())
        return finite.sort([metric, "row"], descending=[not less, False]).head(count)

    def best(self, metric: str = "sharpe", *, lowest: bool | None = None) -> dict[str, Any]:
        """The best row as name → value; RunError where no trial has the figure."""
        found = self.top(metric, 1, lowest=lowest)
        if not found.height:
            raise RunError(f"no trial has a value of {metric}", remedy="look at study.results: status, error, trades")
        return found.row(0, named=True)

    def replay(self, row: "int | dict[str, Any]", *, record: "RecordLevel" = "full") -> "Result":
        """The full run of one row: orders, fills, equity; RunError where it is not what the study has."""
        from admf.run import backtest

        number = row["row"] if isinstance(row, dict) else row
        kept = self._row(number)
        rules = self._trials.rules_of(number)
        result = backtest(
            self._trials.market,
            self._trials.strategy_of(number),
            execution=rules.execution,
            account=rules.account,
            risk=rules.risk,
            record=record,
        )
        if kept["status"] == DONE and kept["trace_hash"] != result.trace_hash:
            raise RunError(
                f"row {number} does not give the trace that the study has",
                found=result.trace_hash,
                allowed=kept["trace_hash"],
                remedy="the code, the data or the machine has changed; run the sweep again",
            )
        return result

    def heatmap(self, x: str, y: str, metric: str = "sharpe", *, reduce: str = "mean") -> "Heatmap":
        """A key figure over two parameters: `print` it, or `.save(path)` as PNG or SVG.

        Where other parameters were swept as well, `reduce` (mean, max, min, median) joins their trials.
        """
        from admf.sweeps.heatmap import Heatmap

        for name in (x, y):
            if name not in self.parameters:
                raise unknown_name(name, self.parameters, field="heatmap", what="parameter")
        self._require(metric)
        return Heatmap.of(self.results, x, y, metric, reduce)

    def analyze(self, metric: str = "sharpe") -> "Analysis":
        """Totals, importance of each parameter, plateaus around the best rows; `.stability(…)` over slices of time."""
        from admf.sweeps.analysis import Analysis

        self._require(metric)
        return Analysis(self, metric)

    @property
    def trials(self) -> Trials:
        """What the rows stand for."""
        return self._trials

    def to_pandas(self) -> Any:
        """The results as a pandas DataFrame; ConfigError where pandas is not installed."""
        if find_spec("pandas") is None:
            raise ConfigError("to_pandas() needs pandas, which is not installed", remedy="pip install pandas")
        return self.results.to_pandas()

    def to_arrow(self) -> Any:
        """The results as a pyarrow Table."""
        return self.results.to_arrow()

    def _row(self, number: Any) -> dict[str, Any]:
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < self.plan.trials:
            allowed = f"0 to {self.plan.trials - 1:,}"
            raise ConfigError("no such row", field="row", found=number, allowed=allowed)
        found = self.results.filter(pl.col("row") == number)
        if not found.height:
            raise ConfigError("this row has not been run yet", field="row", found=number, remedy="resume the sweep")
        kept = found.row(0, named=True)
        if kept["status"] != DONE:
            raise RunError(f"row {number} failed: {kept['error']}")
        return kept

    def _require(self, name: str) -> None:
        if name not in self.results.columns:
            raise unknown_name(name, self.results.columns, field="metric", what="column")
