"""A case on several paths: how many order-bars they agreed on, or where they part."""

import traceback
from typing import NamedTuple

from admf.errors import ConfigError, OrderError
from admf_kernels.codes import Reason
from paths_support import PATHS, Case, Outcome, difference

ENGINES_OWN = (Reason.CLOSE_POSITIONS, Reason.BANKRUPT, Reason.MARGIN_CALL)
REFERENCE = "oracle"


class Comparison(NamedTuple):
    """What came of a case; `difference` is empty where all paths agree, `refused` where the door let nothing run."""

    order_bars: int
    difference: str
    refused: str = ""

    @property
    def kind(self) -> str:
        """The table or the exception in which paths part, without its numbers."""
        return self.difference.partition("[")[0].partition(":")[0]


def compare(case: Case, paths: tuple[str, ...] = ("compiled",)) -> Comparison:
    """Each path against the oracle; an exception is a difference."""
    outcomes: dict[str, Outcome] = {}
    for path in (*paths, REFERENCE):
        try:
            outcomes[path] = PATHS[path](case)
        except (ConfigError, OrderError) as error:
            return Comparison(0, "", str(error))
        except Exception as error:  # whatever it is, it is no outcome
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
            return Comparison(0, f"{type(error).__name__} in {path}: {error} ({place})")
    expected = outcomes.pop(REFERENCE)
    for path, found in outcomes.items():
        parted = difference(expected, found, (REFERENCE, path))
        if parted:
            return Comparison(0, parted)
    return Comparison(order_bars(expected), "")


def order_bars(outcome: Outcome) -> int:
    """Bars on which an order was at work, summed over orders: it filled there, or U-01 names the cause why not."""
    filled = {(row[0], row[1]) for row in outcome.fills if row[10] not in ENGINES_OWN}
    unfilled = [value for name, value in outcome.counts.items() if name.startswith("unfilled_")]
    return len(filled) + sum(unfilled)
