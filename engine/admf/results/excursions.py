"""Maximum adverse and favourable excursion (MAE, MFE) of trades, for any number of trades over any number of bars.

Definition, per unit in price: the excursions of a trade are s·(x − entry price) over these prices x: the close of the
entry bar (if the trade outlives it), high and low of every bar strictly between, the open of the exit bar (if it is
not the entry bar) and the exit price. MAE is the lowest of them and 0, MFE the highest of them and 0: MAE ≤ 0 ≤ MFE.
What a bar did before the entry or after the exit inside it is unknown and is not counted. Invalid bars are left out.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf_kernels.codes import BarFlag

if TYPE_CHECKING:
    from admf.data import Market

BLOCK = 64  # bars; whole blocks are answered from a table of their extremes, the rest by a scan

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Columns = dict[str, NDArray[Any]]  # name → column, one dtype each


def excursions(market: "Market", trades: Columns) -> tuple[Floats, Floats]:
    """MAE and MFE of each trade, shape (trades,).

    `trades` holds `symbol side entry_bar exit_bar entry_price exit_price` columns; an entry bar of −1 is a position
    held from before the first bar.
    """
    count = len(trades["symbol"])
    adverse, favourable = np.zeros(count), np.zeros(count)
    for symbol in np.unique(trades["symbol"]):
        rows = np.flatnonzero(trades["symbol"] == symbol)
        lowest, highest = _price_range(market, int(symbol), {name: column[rows] for name, column in trades.items()})
        entry, long = trades["entry_price"][rows], trades["side"][rows] > 0
        below, above = np.minimum(lowest - entry, 0.0), np.maximum(highest - entry, 0.0)
        adverse[rows] = np.where(long, below, -above)
        favourable[rows] = np.where(long, above, -below)
    return adverse + 0.0, favourable + 0.0  # + 0.0 turns −0 into 0


def _price_range(market: "Market", symbol: int, trades: Columns) -> tuple[Floats, Floats]:
    """Lowest and highest price that counts for each trade of one symbol."""
    arrays = market.arrays
    valid = (arrays.flags[:, symbol] & BarFlag.VALID) != 0
    entry_bar, exit_bar = trades["entry_bar"].astype(np.intp), trades["exit_bar"].astype(np.intp)
    exit_price = trades["exit_price"].astype(np.float64)
    lowest, highest = exit_price, exit_price
    outlives = exit_bar > entry_bar
    for prices, bars, counts in (
        (arrays.close, entry_bar, outlives & (entry_bar >= 0)),
        (arrays.open, exit_bar, outlives),
    ):
        price = prices[bars, symbol]
        counted = np.where(counts & valid[bars], price, exit_price)
        lowest, highest = np.minimum(lowest, counted), np.maximum(highest, counted)
    between_lowest = -range_maximum(np.where(valid, -arrays.low[:, symbol], -np.inf), entry_bar + 1, exit_bar)
    between_highest = range_maximum(np.where(valid, arrays.high[:, symbol], -np.inf), entry_bar + 1, exit_bar)
    return np.minimum(lowest, between_lowest), np.maximum(highest, between_highest)


def range_maximum(values: Floats, start: Indices, stop: Indices) -> Floats:
    """Maximum of values[start:stop] for each pair, −∞ for an empty range; ranges may overlap as they like.

    Work is O(values + ranges·BLOCK) in all: long ranges are two windows at their ends and whole blocks between.
    """
    result = np.full(len(start), -np.inf)
    length = stop - start
    short = np.flatnonzero((length > 0) & (length <= 2 * BLOCK))
    result[short] = _windows_maximum(values, start[short], stop[short])
    long = np.flatnonzero(length > 2 * BLOCK)
    if len(long):
        first, last = start[long], stop[long]
        ends = np.maximum(_windows_maximum(values, first, first + BLOCK), _windows_maximum(values, last - BLOCK, last))
        result[long] = np.maximum(ends, _blocks_maximum(values, -(-first // BLOCK), last // BLOCK))
    return result


def _windows_maximum(values: Floats, start: Indices, stop: Indices) -> Floats:
    """Maximum of each non-empty window by one `reduceat` over the windows in ascending order of start."""
    order = np.argsort(start, kind="stable")
    bounds = np.empty(2 * len(start), dtype=np.intp)
    bounds[0::2], bounds[1::2] = start[order], stop[order]
    result = np.empty(len(start))
    if len(start):
        result[order] = np.maximum.reduceat(np.append(values, -np.inf), bounds)[0::2]  # a stop may be len(values)
    return result


def _blocks_maximum(values: Floats, first: Indices, last: Indices) -> Floats:
    """Maximum over the whole blocks [first, last) of each range, by a sparse table of powers of two."""
    table = values[: len(values) // BLOCK * BLOCK].reshape(-1, BLOCK).max(axis=1)
    level = np.log2(last - first).astype(np.intp)  # exact: a block count is far below 2**53
    result = np.empty(len(first))
    for power in range(int(level.max()) + 1):
        width = 1 << power
        rows = np.flatnonzero(level == power)
        result[rows] = np.maximum(table[first[rows]], table[last[rows] - width])
        table = np.maximum(table[:-width], table[width:])  # now: maxima of runs of 2·width blocks
    return result
