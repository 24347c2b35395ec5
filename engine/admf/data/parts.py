"""Some bars and symbols of a market: what of its sessions, actions and columns is theirs."""

import numpy as np
from numpy.typing import NDArray

from admf.data.actions import Rows
from admf.data.sessions import Indices, Sessions
from admf_kernels.codes import ActionKind, BarFlag

SESSION_BITS = BarFlag.SESSION_FIRST.value | BarFlag.SESSION_LAST.value


def sessions_of(sessions: Sessions, kept: Indices) -> Sessions:
    """The sessions of the bars `kept`, cut where those of all bars are."""
    numbers = np.searchsorted(sessions.firsts, kept, side="right")
    firsts = np.flatnonzero(np.diff(numbers, prepend=-1))
    return Sessions(firsts, np.append(firsts[1:], len(kept)) - 1)


def actions_of(rows: Rows, kept: Indices, columns: Indices) -> Rows:
    """The actions of some symbols that fall on one of the bars `kept`, or on the kept one beside theirs.

    D-01: a funding rate belongs to the bar before its stamp, everything else to the one after it.
    """
    early = rows["kind"] == ActionKind.FUNDING
    bars = np.where(early, last_of(kept, rows["bar"]), np.searchsorted(kept, rows["bar"]))
    inside = (rows["bar"] >= kept[0]) & (rows["bar"] <= kept[-1]) & np.isin(rows["symbol"], columns)
    found: Rows = rows[inside]
    found["bar"] = bars[inside]
    places = np.argsort(columns)
    found["symbol"] = places[np.searchsorted(columns, found["symbol"], sorter=places)]
    return found


def rates_in_force(rows: Rows, kept: Indices, columns: Indices) -> Rows:
    """D-10: the rates of the account and of some symbols on the bars `kept`; those in force before them are at -1."""
    lent = rows["kind"] == ActionKind.BORROW_RATE
    found: Rows = rows[(rows["bar"] <= kept[-1]) & (~lent | np.isin(rows["symbol"], columns))]
    found["bar"] = np.where(found["bar"] <= kept[0], -1, np.searchsorted(kept, found["bar"]))
    lent = found["kind"] == ActionKind.BORROW_RATE
    places = np.argsort(columns)
    found["symbol"][lent] = places[np.searchsorted(columns, found["symbol"][lent], sorter=places)]
    return found


def last_of(kept: Indices, bars: Indices) -> Indices:
    """The place in `kept` of the last bar up to each of `bars`, -1 without."""
    return np.searchsorted(kept, bars, side="right") - 1


def columns_of(values: NDArray[np.generic], kept: Indices, columns: Indices) -> NDArray[np.generic]:
    """A copy of a column of shape (bars, symbols), for the bars `kept`; one of no rows stays so."""
    return np.ascontiguousarray(values[np.ix_(kept if len(values) else [], columns)])
