"""Worked examples: a case run on one path, and what happened in words."""

from collections.abc import Callable
from typing import Any, NamedTuple

from admf_kernels.codes import Liquidity, OrderEvent, OrderStatus, Reason
from paths_support import PATHS, Case, Outcome

Play = Callable[..., "Played"]
DEEP = 1000.0  # volume that holds nothing back


class Fill(NamedTuple):
    """A fill as a test reads it; `quantity` is signed."""

    order: int
    bar: int
    quantity: float
    price: float


class Played:
    """The outcome of a case; orders go by number."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    @property
    def fills(self) -> list[Fill]:
        return [Fill(row[0], row[1], row[3] * row[5], row[4]) for row in self.outcome.fills]

    @property
    def prices(self) -> list[float]:
        return [fill.price for fill in self.fills]

    @property
    def commissions(self) -> list[float]:
        return [row[6] for row in self.outcome.fills]

    @property
    def base_prices(self) -> list[float]:
        return [row[7] for row in self.outcome.fills]

    @property
    def liquidity(self) -> list[str]:
        return [Liquidity(row[8]).text for row in self.outcome.fills]

    @property
    def ambiguous(self) -> list[bool]:
        return [bool(row[9]) for row in self.outcome.fills]

    @property
    def reasons(self) -> list[str]:
        return [Reason(row[10]).name.lower() for row in self.outcome.fills]

    @property
    def cash(self) -> list[float]:
        return [row[0] for row in self.outcome.curve]

    @property
    def equity(self) -> list[float]:
        return [row[1] for row in self.outcome.curve]

    def end(self, number: int) -> tuple[str, str]:
        """Status and reason of an order."""
        row = self.outcome.orders[number]
        return OrderStatus(row[1]).name.lower(), Reason(row[2]).name.lower()

    def status(self, number: int) -> str:
        return self.end(number)[0]

    def steps(self, number: int) -> list[tuple[int, str, str]]:
        """(bar, event, reason) of an order."""
        return [
            (row[1], OrderEvent(row[4]).name.lower(), Reason(row[5]).name.lower())
            for row in self.outcome.transitions
            if row[0] == number
        ]


def on_path(name: str) -> Play:
    """Runs worked examples on one path.

    Bars without a volume get enough; orders are named o0, o1, …; keywords are fields of `Case` or words of `Execution`.
    """

    def play(bars: list[tuple[float, ...]], *orders: dict[str, Any], **words: Any) -> Played:
        own = {key: words.pop(key) for key in list(words) if key in Case.__dataclass_fields__}
        rows = [(*bar, DEEP) if len(bar) == 4 else bar for bar in bars]
        common = {"bar": -1, "side": "buy", "quantity": 10.0}
        asked = [{"id": f"o{index}"} | common | order for index, order in enumerate(orders)]
        return Played(PATHS[name](Case(bars=[rows], orders=asked, execution=words, **own)))

    return play
