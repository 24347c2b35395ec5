"""What a run leaves behind: the arrays of the kernels and the values that were put in, bundled for `Result`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

if TYPE_CHECKING:
    from admf.data import Market
    from admf.execution import Account, Execution

RecordLevel = Literal["full", "fills", "summary"]
RecordArray = NDArray[np.record]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RunRecords:
    """Everything that one finished run recorded; arrays are read, never changed.

    `numbers_by_input` (`Script.numbers_by_input`: order number of each input row, −1 where none) is needed only to put
    input ids on fills when orders are not recorded (`record="fills"`); with recorded orders their tags say the same.
    """

    market: "Market"
    execution: "Execution"
    account_value: "Account"  # the account as it was before the first bar
    orders: RecordArray  # order_dt[orders by number], empty unless record is "full"
    fills: RecordArray  # fill_dt[fills], empty when record is "summary"
    transitions: RecordArray  # transition_dt, empty unless record is "full"
    trades: RecordArray  # trade_dt[round trips by exit], empty when record is "summary"
    curve: RecordArray  # curve_dt[bars], empty when record is "summary"
    account: np.record  # account_dt, as the run left it
    positions: RecordArray  # position_dt[symbols], as the run left them
    record: RecordLevel
    title: str
    elapsed_s: float
    periods_per_year: float
    years: float
    inputs_fingerprint: Callable[[], str]  # reads all market data, so it is asked for where somebody wants it
    ids: Sequence[object] | None = None  # id of each input row (order tag); None: orders are known by their number
    table: pl.DataFrame | None = None  # input orders, one row each
    strategy: Mapping[str, object] | None = None  # {"name": …, "parameters": {…}}
    numbers_by_input: NDArray[np.int32] | None = None
    other: "RunRecords | None" = None  # with execution.bounds: the run on the other one of the paths worst and best

    def multipliers(self) -> NDArray[np.float64]:
        """Money per unit of price and quantity, one per symbol, at the end."""
        symbols = np.arange(len(self.positions))
        return self.multipliers_at(symbols, np.full(len(symbols), len(self.market)))

    def multipliers_at(self, symbols: NDArray[Any], bars: NDArray[Any]) -> NDArray[np.float64]:
        """The same for pairs of a symbol and a bar: conversion rates make it move (D-11)."""
        found: NDArray[np.float64] = np.asarray(self.market.instrument_records["multiplier"], np.float64)[symbols]
        rows = self.market.conversions(self.account_value.currency)
        for symbol in np.unique(rows["symbol"]):
            own, of_symbol = rows[rows["symbol"] == symbol], symbols == symbol
            due = np.searchsorted(own["bar"], bars[of_symbol], side="right") - 1
            found[of_symbol] = own["value"][np.maximum(due, 0)]
        return found
