"""How much of a result rests on guesses inside the bar: the run on the worst path beside the run on the best one."""

from typing import TYPE_CHECKING

import polars as pl

from admf.results.metrics import Metrics

if TYPE_CHECKING:
    from admf.results.result import Result

# What is compared: key figures of each run, in this order.
FIGURES = (
    "final_equity",
    "total_return",
    "sharpe",
    "max_drawdown",
    "ambiguous_groups",
    "ambiguous_bars",
    "ambiguous_share",
    "at_stake",
    "entry_bar_profit_share",
)


class Bounds:
    """Two complete runs, `worst` and `best`, each a Result of its own.

    In each group of linked orders and each bar the outcome of `best` is worth at least that of `worst`. Over a whole
    run that is not promised: orders and a strategy that react to fills may meet other bars, and the two may cross.
    """

    def __init__(self, worst: "Result", best: "Result") -> None:
        self.worst = worst
        self.best = best

    def __repr__(self) -> str:
        worst, best = self.worst.metrics["final_equity"], self.best.metrics["final_equity"]
        return f"Bounds(final equity {worst:,.2f} on the worst path, {best:,.2f} on the best)"

    @property
    def money_between(self) -> float:
        """Final equity of the best run less that of the worst; below 0 where they crossed."""
        worst, best = self.worst.metrics["final_equity"], self.best.metrics["final_equity"]
        assert worst is not None
        assert best is not None
        return best - worst

    @property
    def frame(self) -> pl.DataFrame:
        """One row for each figure: `metric`, `worst`, `best`; names and units as in `Result.metrics`."""
        schema = {"metric": pl.String, "worst": pl.Float64, "best": pl.Float64}
        runs = self.to_dict().values()
        return pl.DataFrame([(figure, *(run[figure] for run in runs)) for figure in FIGURES], schema, orient="row")

    def to_dict(self) -> dict[str, Metrics]:
        """The figures of `worst` and of `best` by name."""
        runs = {"worst": self.worst, "best": self.best}
        return {name: {figure: run.metrics[figure] for figure in FIGURES} for name, run in runs.items()}
