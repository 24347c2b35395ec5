"""The first difference between two logs."""

from dataclasses import dataclass
from itertools import zip_longest

from admf.replay.log import EventLog, Row


@dataclass(frozen=True)
class Difference:
    """Where two logs part; a row is None where one of them has ended."""

    sequence: int
    one: Row | None
    other: Row | None

    def __str__(self) -> str:
        ended = "(ended)"
        return f"event {self.sequence}\n  one    {self.one or ended}\n  other  {self.other or ended}"


def first_difference(one: EventLog, other: EventLog) -> Difference | None:
    """The first row that differs; None where both are equal to the end."""
    for place, (row, second) in enumerate(zip_longest(one.rows, other.rows)):
        if row is None or second is None or row[2:] != second[2:] or row.time_ns != second.time_ns:
            return Difference(place, row, second)
    return None
