"""A smaller case of the same kind: parts are left out as long as the fault stays."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

from paths_support import Case, Row

LIMIT_S = 60.0
ROUND_VALUES = (("instrument", "multiplier"), ("instrument", "lot_size"), ("account", "leverage"))
ROUND_VALUES += (("account", "margin_initial"), ("account", "positions"))


def shrink(case: Case, fails: Callable[[Case], bool], *, limit_s: float = LIMIT_S) -> Case:
    """The smallest case found in the time that still fails; `case` does."""
    end = monotonic() + limit_s
    going = True
    while going:
        going = False
        for smaller in smaller_cases(case):
            if monotonic() > end:
                return case
            if fails(smaller):
                case, going = smaller, True
                break
    return case


def smaller_cases(case: Case) -> Iterator[Case]:
    """From the boldest cut to the finest."""
    yield from without_orders(case)
    yield from without_bars(case)
    for name in case.execution:
        yield replace(case, execution={key: value for key, value in case.execution.items() if key != name})
    for part, name in ROUND_VALUES:
        if name in getattr(case, part):
            yield replace(case, **{part: {key: value for key, value in getattr(case, part).items() if key != name}})
    if case.close_positions:
        yield replace(case, close_positions=False)
    yield from without_cells(case)
    yield from with_quiet_bars(case)


def without_orders(case: Case) -> Iterator[Case]:
    """Halves, quarters, … down to single orders; what hung on one that went stands alone."""
    size = len(case.orders) // 2
    while size:
        for start in range(0, len(case.orders), size):
            kept = case.orders[:start] + case.orders[start + size :]
            names = {row["id"] for row in kept}
            yield replace(case, orders=[free(row, names) for row in kept])
        size //= 2


def free(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The order without a parent that is gone; its quantity was its parent's."""
    if row.get("parent") in names or "parent" not in row:
        return row
    alone = {key: value for key, value in row.items() if key != "parent"}
    return alone if "quantity" in alone or "size" in alone else alone | {"quantity": 10.0}


TIMES = ("bar", "cancel_bar", "replace_bar", "expires_bar")


def without_bars(case: Case) -> Iterator[Case]:
    """Fewer bars at the end, at the beginning, in between."""
    count = len(case.bars[0])
    size = count // 2
    while size:
        for start in range(count - size, -1, -size):
            if size < count:
                yield replace(
                    case,
                    bars=[rows[:start] + rows[start + size :] for rows in case.bars],
                    orders=[moved(row, start, size, count) for row in case.orders],
                )
        size //= 2


def moved(row: dict[str, Any], start: int, size: int, count: int) -> dict[str, Any]:
    """The order with its bars counted without those that went."""
    last = count - size - 1
    new = {
        name: max(start - 1, -1) if start <= row[name] < start + size else row[name] for name in TIMES if name in row
    }
    new = {name: bar - size if bar >= start + size else bar for name, bar in new.items()}
    return row | {name: min(bar if name == "bar" else max(bar, new["bar"], 0), last) for name, bar in new.items()}


def without_cells(case: Case) -> Iterator[Case]:
    """Orders without a column, with whole quantities, of one symbol."""
    if len(case.bars) > 1 and all(row.get("symbol") == "S0" for row in case.orders):
        yield replace(case, bars=case.bars[:1])
    for index, row in enumerate(case.orders):
        for name in row:
            if name not in ("id", "bar", "side", "quantity", "symbol"):
                yield with_order(case, index, {key: value for key, value in row.items() if key != name})
        if row.get("quantity") not in (None, 10.0):
            yield with_order(case, index, row | {"quantity": 10.0})


def with_order(case: Case, index: int, row: dict[str, Any]) -> Case:
    return replace(case, orders=[*case.orders[:index], row, *case.orders[index + 1 :]])


def with_quiet_bars(case: Case) -> Iterator[Case]:
    """Bars that are flat at their open, or have a volume that caps nothing."""
    for symbol, rows in enumerate(case.bars):
        for index, bar in enumerate(rows):
            for new in (quiet(bar), (*bar[:4], 1000.0, *bar[5:])):
                if new != bar:
                    changed = [*rows[:index], new, *rows[index + 1 :]]
                    yield replace(case, bars=[*case.bars[:symbol], changed, *case.bars[symbol + 1 :]])


def quiet(bar: Row) -> Row:
    return (bar[0],) * 4 + tuple(bar[4:])
