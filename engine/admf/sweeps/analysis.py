"""What the results of a study say: totals, importance of the parameters, plateaus, stability over time."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Market
from admf.errors import ConfigError
from admf.sweeps.frames import DONE
from admf.sweeps.study import LESS_IS_BETTER

if TYPE_CHECKING:
    from admf.sweeps.study import Study

BINS = 16  # of a parameter with more values
SLICE_BARS_MIN = 50


class Analysis:
    """Of one study by one key figure."""

    def __init__(self, study: "Study", metric: str) -> None:
        self._study, self.metric = study, metric
        self._less = metric in LESS_IS_BETTER

    @cached_property
    def _scored(self) -> pl.DataFrame:
        value = pl.col(self.metric).cast(pl.Float64)
        return self._study.results.filter(pl.col("status") == DONE).filter(value.is_finite())

    @cached_property
    def totals(self) -> dict[str, Any]:
        """Trials, how many are done and failed, the best, mean, median and spread of the figure."""
        results, values = self._study.results, self._scored[self.metric].cast(pl.Float64)
        best = values.min() if self._less else values.max()
        done = int((results["status"] == DONE).sum()) if results.height else 0
        return {
            "trials": self._study.plan.trials,
            "done": done,
            "failed": results.height - done,
            "without_value": done - len(values),
            "best": best,
            "mean": values.mean(),
            "median": values.median(),
            "deviation": values.std(),
        }

    @cached_property
    def importance(self) -> pl.DataFrame:
        """Share of the variance of the figure that each parameter explains alone, 0 to 1, largest first.

        The variance between the means of the trials with equal values (of more than 16: of 16 ranges), as a share of
        the whole. What remains is interplay.
        """
        values = self._scored[self.metric].cast(pl.Float64).to_numpy()
        whole = float(values.var()) if len(values) else 0.0
        shares = []
        for name in self._study.parameters:
            groups = bins(self._scored[name])
            if not whole > 0.0:
                shares.append(0.0)
                continue
            sums, sizes = np.bincount(groups, values), np.bincount(groups)
            means = sums[sizes > 0] / sizes[sizes > 0]
            shares.append(float((sizes[sizes > 0] * (means - values.mean()) ** 2).sum() / len(values) / whole))
        frame = pl.DataFrame({"parameter": self._study.parameters, "importance": pl.Series(shares, dtype=pl.Float64)})
        return frame.sort("importance", descending=True, maintain_order=True)

    def plateaus(self, count: int = 10) -> pl.DataFrame:
        """The best rows with the plateau of each: how the trials beside it do.

        Neighbours differ by one step in one or more parameters. `neighbours` counts them, `plateau` is their mean
        as a share of the row's own value above the median of all trials: 1 is a plain, near 0 or below is a spike.
        """
        frame = self._scored
        places = np.stack([ranks(frame[name]) for name in self._study.parameters], axis=1)
        values = frame[self.metric].cast(pl.Float64).to_numpy()
        middle = float(np.median(values)) if len(values) else 0.0
        best = self._study.top(self.metric, count)
        position = {row: index for index, row in enumerate(frame["row"].to_list())}
        counts, scores = [], []
        for row in best["row"].to_list():
            index = position.get(row)
            if index is None:
                counts.append(0)
                scores.append(float("nan"))
                continue
            near = (np.abs(places - places[index]) <= 1).all(axis=1)
            near[index] = False
            counts.append(int(near.sum()))
            height = values[index] - middle
            scores.append(float((values[near].mean() - middle) / height) if near.any() and height else float("nan"))
        shown = best.select("row", *self._study.parameters, self.metric)
        return shown.with_columns(pl.Series("neighbours", counts, dtype=pl.Int64), pl.Series("plateau", scores))

    def stability(self, slices: int = 4, count: int = 20) -> pl.DataFrame:
        """The best rows run again on `slices` equal stretches of time, each as if it were all the data.

        One column for each slice, their mean and lowest (highest where less is better), and `rank_mean`: the mean
        place of the row among the others, 1 is best; a row that is good by chance falls back in the slices.
        """
        best = self._study.top(self.metric, count)
        trials = self._study.trials
        if slices < 2:
            raise ConfigError("not a number of slices", field="slices", found=slices, allowed="2 or more")
        bars = trials.market.bar_count // slices
        if bars < SLICE_BARS_MIN:
            allowed = f"at most {trials.market.bar_count // SLICE_BARS_MIN}"
            raise ConfigError("slices of too few bars", field="slices", found=slices, allowed=allowed)
        columns = {}
        for index in range(slices):
            part = trials.market.part(index * bars, (index + 1) * bars)
            columns[f"slice_{index + 1}"] = self._on(part, best["row"].to_list())
        table = np.stack(list(columns.values()), axis=1) if best.height else np.zeros((0, slices))
        worst = table.max(axis=1) if self._less else table.min(axis=1)
        order = np.argsort(np.argsort(table if self._less else -table, axis=0, kind="stable"), axis=0) + 1
        return best.select("row", *self._study.parameters, self.metric).with_columns(
            *(pl.Series(name, values) for name, values in columns.items()),
            pl.Series("mean", table.mean(axis=1)),
            pl.Series("worst", worst),
            pl.Series("rank_mean", order.mean(axis=1)),
        )

    def _on(self, market: Market, rows: list[int]) -> NDArray[np.float64]:
        from admf.sweeps.entry import sweep

        trials = self._study.trials
        study = sweep(
            market,
            trials.strategy,
            [trials.space.values_of(row) for row in rows],
            execution=trials.rules.execution,
            account=trials.rules.account,
            risk=trials.rules.risk,
            progress=False,
        )
        values = study.results[self.metric].cast(pl.Float64).fill_null(float("nan"))
        return values.to_numpy()

    def to_dict(self) -> dict[str, Any]:
        """Totals, importance and plateaus as plain values."""
        return {
            "metric": self.metric,
            "totals": self.totals,
            "importance": dict(self.importance.iter_rows()),
            "plateaus": self.plateaus().to_dicts(),
        }


def ranks(values: pl.Series) -> NDArray[np.int64]:
    """The place of each value among the distinct ones."""
    return values.rank("dense").to_numpy().astype(np.int64)


def bins(values: pl.Series) -> NDArray[np.int64]:
    """The group of each value: itself, or one of 16 ranges of equal count."""
    places = ranks(values)
    distinct = int(places.max()) if len(places) else 0
    return places if distinct <= BINS else (places - 1) * BINS // distinct
