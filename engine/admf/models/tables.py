"""Kinds of parameters that are tables: tiers and dated rates, kept as tuples of rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from admf.errors import ConfigError
from admf.models.kinds import Number

Row = tuple[float | str | None, ...]


@dataclass(frozen=True)
class Tiers:
    """Rows of (upper bound, rate), bounds ascending; the last bound is None: without an end."""

    def read(self, value: Any, field: str) -> tuple[Row, ...]:
        """The rows as tuples."""
        rows = read_rows(value, field, self.allowed())
        tiers, below = [], 0.0
        for index, row in enumerate(rows):
            where = f"{field}[{index}]"
            if len(row) != 2:
                raise ConfigError("not a tier", field=where, found=list(row), allowed="[upper bound, rate]")
            last = index == len(rows) - 1
            bound = Number(above=below, absent=float("inf")).read(row[0], f"{where}[0]")
            if (bound is None) != last:
                remedy = "end with [none, rate]"
                raise ConfigError("the last tier alone has no bound", field=f"{where}[0]", found=bound, remedy=remedy)
            tiers.append((bound, Number(minimum=0.0).read(row[1], f"{where}[1]")))
            below = bound or below
        return tuple(tiers)

    def allowed(self) -> str:
        """The form in words."""
        return "[[upper bound, rate], …, [none, rate]]"

    def schema(self) -> dict[str, Any]:
        """A list of pairs."""
        return rows_schema([{"type": ["number", "null", "string"]}, {"type": "number", "minimum": 0.0}], 2)


@dataclass(frozen=True)
class Dated:
    """Rates with the UTC day each takes effect: rows of (date, rate) or, `capped`, (date, rate, maximum).

    A date of None (the first row alone) means always; so does a plain number in the place of the table.
    """

    capped: bool = False

    def read(self, value: Any, field: str) -> tuple[Row, ...]:
        """The rows as tuples, dates as ISO text, ascending."""
        if isinstance(value, int | float):
            value = [(None, value)]
        found: list[Row] = []
        for index, row in enumerate(read_rows(value, field, self.allowed())):
            where = f"{field}[{index}]"
            if len(row) != 2 and not (self.capped and len(row) == 3):
                raise ConfigError("not a dated rate", field=where, found=list(row), allowed=self.allowed())
            day = read_day(row[0], f"{where}[0]")
            if index and (day is None or day <= str(found[-1][0] or "")):
                raise ConfigError("dates must ascend", field=f"{where}[0]", found=day, remedy="sort the rows by date")
            rate = Number(minimum=0.0).read(row[1], f"{where}[1]")
            maximum: tuple[float | None, ...] = ()
            if self.capped:
                cap = row[2] if len(row) == 3 else None
                maximum = (Number(minimum=0.0, absent=float("inf")).read(cap, f"{where}[2]"),)
            found.append((day, rate, *maximum))
        return tuple(found)

    def allowed(self) -> str:
        """The form in words."""
        return f"a number, or [[date, rate{', maximum' if self.capped else ''}], …] with ascending dates"

    def schema(self) -> dict[str, Any]:
        """A number, or a list of rows."""
        number = {"type": "number", "minimum": 0.0}
        columns: list[dict[str, Any]] = [{"type": ["string", "null"]}, number]
        columns += [{"type": ["number", "null"]}] * self.capped
        return {"anyOf": [number, rows_schema(columns, 2)]}


def read_rows(value: Any, field: str, allowed: str) -> list[tuple[Any, ...]]:
    """A table as a list of tuples, at least one."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise ConfigError("not a table", field=field, found=value, allowed=allowed)
    rows = list(value)
    for index, row in enumerate(rows):
        if not isinstance(row, list | tuple):
            raise ConfigError("not a row", field=f"{field}[{index}]", found=row, allowed=allowed)
    if not rows:
        raise ConfigError("an empty table", field=field, allowed=allowed)
    return [tuple(row) for row in rows]


def read_day(value: Any, field: str) -> str | None:
    """A day as ISO text; None is none."""
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return None if value is None else value.isoformat()
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise ConfigError("not a date", field=field, found=value, allowed="a day such as 2024-05-22") from None


def rows_schema(columns: list[dict[str, Any]], least: int) -> dict[str, Any]:
    """JSON Schema of a list of rows."""
    row = {"type": "array", "prefixItems": columns, "minItems": least, "maxItems": len(columns)}
    return {"type": "array", "items": row, "minItems": 1}
