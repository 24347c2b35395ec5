"""The trials of a sweep as numbers: every axis has its values, every row a place on each axis."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.data.tables import to_frame
from admf.errors import ConfigError
from admf.models import Problems
from admf.sweeps.samplers import Sampler

Places = NDArray[np.int64]
GRID = "a mapping of parameter to values, a table of rows, or a sampler of admf.samplers"


@dataclass(frozen=True)
class Axis:
    """One parameter with the values it takes, each once."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Space:
    """All trials. `places` is None for a product, whose last axis turns fastest, else of shape (axes, rows)."""

    axes: tuple[Axis, ...]
    count: int
    places: Places | None = None

    def places_of(self, rows: Places) -> Places:
        """Index into the values of each axis, shape (axes, rows)."""
        if self.places is not None:
            return self.places[:, rows]
        found = np.empty((len(self.axes), len(rows)), np.int64)
        left = rows
        for index in range(len(self.axes) - 1, -1, -1):
            left, found[index] = np.divmod(left, len(self.axes[index].values))
        return found

    def values_of(self, row: int) -> dict[str, Any]:
        """The values of one row by name."""
        places = self.places_of(np.array([row]))[:, 0]
        return {axis.name: axis.values[place] for axis, place in zip(self.axes, places, strict=True)}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(axis.name for axis in self.axes)


def read_grid(grid: Any) -> Space:
    """The space of a grid; one ConfigError lists what is wrong with its axes."""
    if isinstance(grid, Space):
        return grid
    if isinstance(grid, Sampler):
        return table_space(grid.columns())
    if isinstance(grid, Mapping):
        return product_space(grid)
    if isinstance(grid, Sequence) and not isinstance(grid, str) and all(isinstance(row, Mapping) for row in grid):
        return table_space(rows_to_columns(grid))
    if isinstance(grid, str) or type(grid).__module__.partition(".")[0] in ("polars", "pandas", "pyarrow"):
        frame = to_frame(grid) if not isinstance(grid, str) else read_table(grid)
        return table_space({name: frame[name].to_list() for name in frame.columns})
    raise ConfigError("not a grid", field="grid", found=type(grid).__name__, allowed=GRID)


def read_table(path: str) -> Any:
    """A table of rows from a file."""
    from pathlib import Path

    from admf.data.files import find_format, reading

    place = Path(path)
    form = find_format(place)
    with reading(place, form):
        return form.read(place, list(form.names(place)))


def product_space(grid: Mapping[str, Any]) -> Space:
    """Every combination of the values of the axes."""
    problems, axes = Problems(), []
    for name, values in grid.items():
        with problems.collect():
            axes.append(Axis(str(name), read_values(values, f"grid.{name}")))
    if not grid:
        problems.add(ConfigError("empty", field="grid", allowed=GRID, remedy="name a parameter with its values"))
    problems.raise_any("grid")
    return Space(tuple(axes), math.prod(len(axis.values) for axis in axes))


def read_values(values: Any, field: str) -> tuple[Any, ...]:
    """The values of one axis: a list, range, array, one value, or {start, stop, step} with `stop` included."""
    if isinstance(values, Mapping) and values.keys() <= {"start", "stop", "step"} and "stop" in values:
        values = stepped(values, field)
    if isinstance(values, np.ndarray):
        values = values.reshape(-1).tolist()
    if isinstance(values, str | bool | int | float | Mapping) or values is None or not isinstance(values, Iterable):
        values = [values]
    found = [value.item() if isinstance(value, np.generic) else value for value in values]
    if not found:
        raise ConfigError("no values", field=field, allowed="at least one")
    seen: dict[str, Any] = {}
    for value in found:
        if repr(value) in seen:
            raise ConfigError("the same value twice", field=field, found=value, remedy="name each value once")
        seen[repr(value)] = value
    return tuple(found)


def stepped(values: Mapping[str, Any], field: str) -> list[Any]:
    """The numbers from start to stop; whole where all three are."""
    start, stop, step = values.get("start", 0), values["stop"], values.get("step", 1)
    numbers = [start, stop, step]
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers) or not step > 0:
        raise ConfigError("not a range", field=field, found=dict(values), allowed="numbers, step above 0")
    count = math.floor((stop - start) / step + 1e-9) + 1
    return [start + index * step for index in range(max(0, count))]


def rows_to_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns of a list of rows, which have all the same names."""
    if not rows:
        raise ConfigError("empty", field="grid", allowed=GRID, remedy="give at least one row")
    names = list(rows[0])
    for index, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            raise ConfigError(
                "other names than the first row", field=f"grid[{index}]", found=list(row), allowed=str(names)
            )
    return {str(name): [row[name] for row in rows] for name in names}


def table_space(columns: Mapping[str, Sequence[Any]]) -> Space:
    """One trial for each row of a table."""
    count = len(next(iter(columns.values()), ()))
    if not count:
        raise ConfigError("empty", field="grid", allowed=GRID, remedy="give at least one row")
    axes, places = [], np.empty((len(columns), count), np.int64)
    for index, (name, values) in enumerate(columns.items()):
        distinct: dict[str, int] = {}
        kept: list[Any] = []
        for row, value in enumerate(values):
            plain = value.item() if isinstance(value, np.generic) else value
            place = distinct.setdefault(repr(plain), len(kept))
            if place == len(kept):
                kept.append(plain)
            places[index, row] = place
        axes.append(Axis(str(name), tuple(kept)))
    return Space(tuple(axes), count, places)
