"""The table of parts that the kernels read for a commission that is no single model."""

from collections.abc import Iterator
from datetime import date

import numpy as np
from numpy.typing import NDArray

from admf.models import Model
from admf_kernels.codes import CommissionModel, Precedence, TierBasis
from admf_kernels.records import fee_dt

DAY_NS = 86_400_000_000_000
ALWAYS = -(2**63), 2**63 - 1  # ns UTC
INFINITY = float("inf")

Row = tuple[float, float, float, int, int, int, int, int]  # the fields of fee_dt


def fee_table(commission: Model) -> NDArray[np.record]:
    """fee_dt of shape (rows,), empty for a model whose numbers stand in the config record."""
    return np.array(list(rows(commission)) if commission.spec.listed else [], fee_dt)


def rows(part: Model) -> Iterator[Row]:
    """The rows of one part."""
    if part.model == "sum":
        for inner in part.parameters[0]:
            yield from rows(inner)
    elif part.model == "tiered":
        yield from tier_rows(part)
    elif part.spec.listed:
        yield from dated_rows(part)
    elif part.model != "none":  # in the table the code of `none` marks a tier
        values = part.record_values()
        numbers = [values.get(f"commission_{place}", 0.0) for place in range(3)]
        precedence = int(values.get("commission_precedence", 0))
        yield (*numbers, *ALWAYS, int(values["commission_model"]), precedence, 0)  # type: ignore[misc]  # three numbers


def tier_rows(part: Model) -> Iterator[Row]:
    """The bounds of the order's fee, then a row for each tier."""
    tiers, basis, minimum, maximum, precedence = part.parameters
    largest = INFINITY if maximum is None else maximum
    code, words = int(CommissionModel.TIERED), (int(Precedence[precedence.upper()]), int(TierBasis[basis.upper()]))
    yield 0.0, minimum, largest, *ALWAYS, code, *words
    for bound, rate in tiers:
        yield INFINITY if bound is None else bound, rate, 0.0, *ALWAYS, int(CommissionModel.NONE), 0, 0


def dated_rows(part: Model) -> Iterator[Row]:
    """A row for each rate, in force until the next one."""
    table = part.parameters[0]
    code = part.spec.code
    assert code is not None
    starts = [ALWAYS[0] if day is None else day_ns(day) for day, *_ in table]
    for (_day, rate, *cap), start, end in zip(table, starts, [*starts[1:], ALWAYS[1]], strict=True):
        maximum = cap[0] if cap and cap[0] is not None else INFINITY
        yield rate, maximum, 0.0, start, end, int(code), 0, 0


def day_ns(day: str) -> int:
    """Midnight UTC of a day in ns."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY_NS
