"""The first difference between two logs."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from admf.replay.log import EventLog, Row
from admf.replay.words import fields_of, shortened

OF_VENUES = ("JOURNAL", "VENUE")


@dataclass(frozen=True)
class Difference:
    """Where two logs part; a row is None where one of them has ended."""

    sequence: int
    one: Row | None
    other: Row | None

    def __str__(self) -> str:
        ended = "(ended)"
        lines = [f"event {self.sequence}", f"  one    {self.one or ended}", f"  other  {self.other or ended}"]
        return "\n".join([*lines, *(f"  {text}" for text in self.fields())])

    def fields(self) -> Iterator[str]:
        """The values that differ, where both rows are of one kind; in full, for a difference in the last bit."""
        one, other = self.one, self.other
        if one is None or other is None or one.kind != other.kind:
            return
        for name in ("time_ns", "bar"):
            if getattr(one, name) != getattr(other, name):
                yield f"{name}: {getattr(one, name)!r}, {getattr(other, name)!r}"
        values, others = (fields_of(row.kind, row.payload) for row in (one, other))
        for name in dict.fromkeys((*values, *others)):
            if repr(values.get(name)) != repr(others.get(name)):
                yield f"{name}: {shortened(repr(values.get(name)))}, {shortened(repr(others.get(name)))}"


def first_difference(one: EventLog, other: EventLog) -> Difference | None:
    """The first row that differs; None where both are equal to the end.

    A log of a live session is held against one without a venue by what happened in the container alone.
    """
    rows, others = one.rows, other.rows
    if bool(one.header.get("live")) != bool(other.header.get("live")):
        rows, others = ([row for row in log if row.kind not in OF_VENUES] for log in (rows, others))
    for place, (row, second) in enumerate(zip_longest(rows, others)):
        if row is None or second is None or row[2:] != second[2:] or row.time_ns != second.time_ns:
            return Difference(row.sequence if row is not None else place, row, second)
    return None
