"""Open lots of a list of fills, first in, first out, named by the orders that opened them."""

from collections.abc import Iterable
from typing import NamedTuple

INITIAL = "initial position"
DUST = 1e-12  # of a lot: what is left by rounding


class Fill(NamedTuple):
    """One fill as the case files write it."""

    order: str
    bar: int
    price: float
    qty: float  # signed units
    commission: float


class Lot(NamedTuple):
    """What is still open of one opening fill."""

    order: str
    price: float
    qty: float  # signed units


def open_lots(fills: Iterable[Fill], initial: tuple[float, float] | None, *, nets: bool = True) -> list[Lot]:
    """Lots that are open after the fills; `initial` is (signed units, price) before the first.

    Without `nets` orders of the other side open lots of their own, and only exits (`ID.sl`, `ID.close`) close.
    """
    lots = [] if initial is None else [Lot(INITIAL, initial[1], initial[0])]
    for fill in fills:
        rest = fill.qty
        while lots and rest * lots[0].qty < 0.0 and (nets or "." in fill.order):
            left = lots[0].qty + rest
            if abs(left) <= DUST * abs(lots[0].qty):
                del lots[0]
                rest = 0.0
            elif left * lots[0].qty > 0.0:
                lots[0] = lots[0]._replace(qty=left)
                rest = 0.0
            else:
                del lots[0]
                rest = left
        if rest:
            lots.append(Lot(fill.order, fill.price, rest))
    return lots
