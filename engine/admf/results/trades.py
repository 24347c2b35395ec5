"""Frames of trades: round trips on average cost as the kernel recorded them (A-09), and FIFO lots from the fills."""

from collections import deque

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.results.excursions import Columns, excursions
from admf.results.records import RecordArray, RunRecords
from admf.results.words import lookup, stamps, symbol_words
from admf_kernels.codes import Side
from admf_kernels.records import fill_dt

DUST = 1e-9  # a remainder below this share of its fill is rounding, not a lot

RECORDED = (
    "symbol", "side", "quantity", "entry_bar", "exit_bar", "entry_price", "exit_price", "pnl", "commission",
    "ambiguous",
)  # fmt: skip


def trades_frame(records: RunRecords) -> pl.DataFrame:
    """Round trips from flat to flat in order of exit; columns as in `_frame`."""
    return _frame(records, {name: np.asarray(records.trades[name]) for name in RECORDED})


def trades_fifo_frame(records: RunRecords) -> pl.DataFrame:
    """Lots closed first in, first out, in order of exit; what is still open has no row.

    pnl = s·(exit·m' − entry·m)·quantity − commission, m and m' the multipliers of their bars, with both fills'
    commission by share of their quantity. `entry_fill` and `exit_fill` are fill ids; one of an initial position
    has no entry fill and enters at bar −1.
    """
    initial = _initial_fills(records)
    fills = np.concatenate([initial, records.fills])
    entry, exit_, quantity = match_lots(fills)
    opened, closed = fills[entry], fills[exit_]
    commission = opened["commission"] * (quantity / opened["quantity"]) + closed["commission"] * (
        quantity / closed["quantity"]
    )
    money = records.multipliers_at(fills["symbol"], fills["bar"])
    points = opened["side"] * (closed["price"] * money[exit_] - opened["price"] * money[entry])
    columns: Columns = {
        "symbol": opened["symbol"],
        "side": opened["side"],
        "quantity": quantity,
        "entry_bar": opened["bar"],
        "exit_bar": closed["bar"],
        "entry_price": opened["price"],
        "exit_price": closed["price"],
        "pnl": points * quantity - commission,
        "commission": commission,
        "ambiguous": opened["ambiguous"] | closed["ambiguous"],
    }
    entry_fill = pl.Series("entry_fill", entry - len(initial))
    return _frame(records, columns).with_columns(
        entry_fill.set(entry_fill < 0, None), pl.Series("exit_fill", exit_ - len(initial))
    )


def match_lots(fills: RecordArray) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rows of the opening and the closing fill and the quantity of each closed lot, in order of exit."""
    entries: list[int] = []
    exits: list[int] = []
    quantities: list[float] = []
    sizes, sides = fills["quantity"].tolist(), fills["side"].tolist()
    open_lots: dict[int, deque[list[float]]] = {symbol: deque() for symbol in np.unique(fills["symbol"]).tolist()}
    for row, symbol in enumerate(fills["symbol"].tolist()):
        lots, size = open_lots[symbol], sizes[row]
        left = size
        while lots and left > DUST * size and sides[int(lots[0][0])] != sides[row]:
            lot = lots[0]
            taken = min(left, lot[1])
            entries.append(int(lot[0]))
            exits.append(row)
            quantities.append(taken)
            left -= taken
            lot[1] -= taken
            if lot[1] <= DUST * sizes[int(lot[0])]:
                lots.popleft()
        if left > DUST * size:
            lots.append([row, left])
    return np.array(entries, dtype=np.int64), np.array(exits, dtype=np.int64), np.array(quantities, dtype=np.float64)


def _initial_fills(records: RunRecords) -> RecordArray:
    """The initial positions as fills without cost before the first bar."""
    held = records.account_value.positions or {}
    symbols = [symbol for symbol in records.market.symbols if symbol in held and held[symbol][0] != 0.0]
    fills: RecordArray = np.zeros(len(symbols), dtype=fill_dt)
    for row, symbol in enumerate(symbols):
        quantity, price = held[symbol]
        fills["symbol"][row] = list(records.market.symbols).index(symbol)
        fills["side"][row] = Side.BUY if quantity > 0.0 else Side.SELL
        fills["quantity"][row], fills["price"][row], fills["bar"][row] = abs(quantity), price, -1
    return fills


def _frame(records: RunRecords, columns: Columns) -> pl.DataFrame:
    """`return_ratio` = pnl / entry value; `bars_held` = exit − entry bar; MAE and MFE as in `excursions`.

    `ambiguous`: one of the fills is (W-01, W-10).
    """
    market = records.market
    symbol, quantity, pnl = columns["symbol"].astype(np.int32), columns["quantity"], columns["pnl"]
    entry_bar, exit_bar = columns["entry_bar"].astype(np.int32), columns["exit_bar"].astype(np.int32)
    adverse, favourable = excursions(market, columns)
    entry_value = columns["entry_price"] * quantity * records.multipliers_at(symbol, entry_bar)
    return pl.DataFrame(
        [
            symbol_words("symbol", symbol, market),
            lookup("side", ["long", "short"], np.where(columns["side"] == Side.BUY, 0, 1)),
            pl.Series("quantity", quantity),
            pl.Series("entry_bar", entry_bar),
            pl.Series("exit_bar", exit_bar),
            stamps("entry_timestamp", entry_bar, market),
            stamps("exit_timestamp", exit_bar, market),
            pl.Series("entry_price", columns["entry_price"]),
            pl.Series("exit_price", columns["exit_price"]),
            pl.Series("pnl", pnl),
            pl.Series("commission", columns["commission"]),
            pl.Series("return_ratio", pnl / entry_value),
            pl.Series("bars_held", exit_bar - entry_bar),
            pl.Series("mae", adverse),
            pl.Series("mfe", favourable),
            pl.Series("ambiguous", columns["ambiguous"] != 0),
        ]
    )
