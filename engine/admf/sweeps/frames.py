"""Finished trials as frames: parameters, what became of them, key figures."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.results.metrics import Metrics
from admf.sweeps.arena import Done
from admf.sweeps.outcome import Columns, outcome_columns
from admf.sweeps.space import Axis, Places, Space
from admf.sweeps.trials import Chunk, Refused
from admf_kernels.records import account_dt

DONE, FAILED = "done", "failed"
HEAD = ("row", "status", "error", "path", "trace_hash")
ENGINE, LANES, NO_PATH = "engine", "lanes", "none"


def figure_names(symbols: int) -> list[str]:
    """The key figures, in order."""
    nothing = outcome_columns(np.zeros(0, account_dt), np.zeros((0, symbols)), 252.0, 1.0)
    return [name for name in nothing if name != "trace_hash"]


def parameter_names(space: Space, figures: list[str]) -> list[str]:
    """Column of each axis; one that is called like a figure or a column of ours gets a prefix."""
    taken = {*figures, *HEAD, "key"}
    return [f"parameter.{axis.name}" if axis.name in taken else axis.name for axis in space.axes]


class Framer:
    """Makes the frames of one study."""

    def __init__(self, space: Space, symbols: int, periods_per_year: float, years: float) -> None:
        self.space = space
        self.figures = figure_names(symbols)
        self.names = parameter_names(space, self.figures)
        self._values = [axis_values(axis) for axis in space.axes]
        self._scale = (periods_per_year, years)
        self._symbols = symbols

    def done(self, chunk: Chunk, done: Done) -> pl.DataFrame:
        """The trials of a chunk that have run."""
        figures = outcome_columns(done.accounts, done.quantities, *self._scale)
        errors = [done.errors.get(index) for index in range(done.count)]
        paths = [LANES if laned else ENGINE for laned in done.lanes.tolist()] if done.lanes is not None else ENGINE
        return self._frame(chunk.rows[: done.count], chunk.keys[: done.count], errors, paths, figures)

    def refused(self, refused: Refused) -> pl.DataFrame:
        """Trials that could not run."""
        count = len(refused.rows)
        nothing = outcome_columns(np.zeros(count, account_dt), np.zeros((count, self._symbols)), *self._scale)
        rows = np.array(refused.rows, np.int64)
        return self._frame(rows, refused.keys, list(refused.errors), NO_PATH, nothing)

    def _frame(
        self, rows: Places, keys: list[bytes], errors: list[str | None], path: str | list[str], figures: Columns
    ) -> pl.DataFrame:
        places = self.space.places_of(rows)
        parameters = {
            name: values.gather(pl.Series(places[axis])).alias(name)
            for axis, (name, values) in enumerate(zip(self.names, self._values, strict=True))
        }
        status = np.where([error is None for error in errors], DONE, FAILED)
        frame = pl.DataFrame(
            {
                "row": rows,
                **parameters,
                "status": pl.Series(status, dtype=pl.String),
                "error": pl.Series(errors, dtype=pl.String),
                "path": pl.Series([path] * len(rows) if isinstance(path, str) else path, dtype=pl.String),
                **{name: column_of(values) for name, values in figures.items()},
                "key": pl.Series(keys, dtype=pl.Binary),
            }
        )
        if any(error is not None for error in errors):
            blank = [*self.figures, "trace_hash"]
            frame = frame.with_columns(
                pl.when(pl.col("status") == DONE).then(pl.col(name)).alias(name) for name in blank
            )
        return frame

    def ordered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns as a study shows them."""
        return frame.select("row", *self.names, "status", "error", "path", *self.figures, "trace_hash")


def column_of(values: NDArray[Any]) -> pl.Series:
    """One column."""
    return pl.Series(values.tolist(), dtype=pl.String) if values.dtype.kind == "U" else pl.Series(values)


def axis_values(axis: Axis) -> pl.Series:
    """The values of an axis as a column: numbers, truth values, or text for everything else."""
    kinds = {type(value) for value in axis.values if value is not None}
    if kinds <= {bool} or kinds <= {int}:
        return pl.Series(axis.name, axis.values)
    if kinds <= {int, float}:
        return pl.Series(axis.name, axis.values, dtype=pl.Float64, strict=False)
    texts = [None if value is None else value if isinstance(value, str) else str(value) for value in axis.values]
    return pl.Series(axis.name, texts, dtype=pl.String)


def comparable(metrics: Metrics) -> dict[str, float | int | bool]:
    """The metrics of one run as a study has them: -1 for a bar that never was."""
    return {name: -1 if value is None else value for name, value in metrics.items()}
