"""One stream of orders in one world, played under many rules: its table is read once, its fills stay records."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data import Market
from admf.execution import Account, Execution
from admf.fidelity.streams import ROLES, Floats, Indices
from admf.orders import read_orders
from admf.run.entry import Run

CASH = 1e15  # the account never has a say
FREE = {"cash_submit": "none", "cash_fill": "none", "bounds": False}
NO_ENTRY, STOP, TARGET, NEITHER = range(4)
DECISIONS = ("no entry", "stop", "target", "neither")
LAST_SAYS = (("e", NEITHER), ("x", NEITHER), ("s", STOP), ("t", TARGET))  # the last role that filled decides


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of each slot in one world; NaN, and a bar of −1, where nothing filled."""

    entry_price: Floats
    exit_price: Floats
    entry_bar: NDArray[np.int32]  # of the last fill
    exit_bar: NDArray[np.int32]
    decision: NDArray[np.int8]  # NO_ENTRY, STOP, TARGET or NEITHER
    ambiguous: NDArray[np.bool_]

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Whether the entry filled."""
        return ~np.isnan(self.entry_price)

    def profit(self, side: Indices) -> Floats:
        """Price difference in the trader's favour, 0 without an entry."""
        return np.where(self.filled, np.nan_to_num(side * (self.exit_price - self.entry_price)), 0.0)


class World:
    """A market and the orders of a stream on it, `count` slots of them; each rule is played once."""

    def __init__(self, market: Market, orders: pl.DataFrame, count: int) -> None:
        self._market, self._count = market, count
        self._script = read_orders(orders, market)
        self._slot = orders["id"].str.head(-1).cast(pl.Int64).to_numpy()
        codes = {role: code for code, role in enumerate(ROLES)}
        self._role = orders["id"].str.tail(1).replace_strict(codes, return_dtype=pl.Int8).to_numpy()
        self._played: dict[Execution, Outcome] = {}

    def play(self, execution: Execution) -> Outcome:
        """What the orders come to under these rules, with an account that can pay everything."""
        rules = execution.replace(**FREE)
        if rules not in self._played:
            self._played[rules] = self._play(rules)
        return self._played[rules]

    def _play(self, rules: Execution) -> Outcome:
        run = Run.read(
            self._market, execution=rules, account=Account(cash=CASH), risk=None, record="fills",
            close_positions=False, debug=False, script=self._script,
        )  # fmt: skip
        records = run.run_once(None).records
        fills, numbers = records.fills, records.numbers_by_input
        assert numbers is not None
        row_of = np.full(int(records.account["next_number"]), -1, np.int64)
        submitted = np.flatnonzero(numbers >= 0)
        row_of[numbers[submitted]] = submitted
        rows = row_of[fills["order"]]
        decision, ambiguous = np.full(self._count, NO_ENTRY, np.int8), np.zeros(self._count, np.bool_)
        ambiguous[self._slot[rows[fills["ambiguous"] != 0]]] = True
        value, quantity = np.zeros((2, self._count)), np.zeros((2, self._count))
        bar = np.full((2, self._count), -1, np.int32)
        for role, code in LAST_SAYS:
            chosen = self._role[rows] == ROLES.index(role)
            slot, part = self._slot[rows[chosen]], fills["quantity"][chosen]
            decision[slot] = code
            leaves = int(role != "e")
            bar[leaves, slot] = fills["bar"][chosen]
            value[leaves] += np.bincount(slot, fills["price"][chosen] * part, self._count)
            quantity[leaves] += np.bincount(slot, part, self._count)
        with np.errstate(invalid="ignore"):
            entry, leave = value / quantity
        return Outcome(entry, leave, bar[0], bar[1], decision, ambiguous)
