"""What a run through the `PassthroughBroker` leaves, in the form of all results."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from admf.data import Market
from admf.events import FillEvent
from admf.execution import Account, Execution
from admf.results import RunRecords
from admf_kernels.arena import Sizes, allocate, open_account
from admf_kernels.codes import Record
from admf_kernels.laws.hashing import absorb_fill

WORD = 2**32 - 1  # bar -1, of fills before the first bar, as the hash takes it from an int32


def passed_records(
    market: Market, account: Account, strategy: Any, fills: Sequence[FillEvent], cash: float, equity: float
) -> RunRecords:
    """Fills, cash, equity and the trace hash; no curve, so that returns and drawdown are not known."""
    held = account.positions or {}
    state = allocate(Sizes(market.symbol_count, 0, max(len(fills), 1), Record.FILLS))
    state = state._replace(instruments=market.instrument_records)
    open_account(state, account.cash, [held.get(symbol, (0.0, 0.0)) for symbol in market.symbols], margin=False)
    row, rows = state.account[0], state.fills[: len(fills)]
    for place, fill in enumerate(fills):
        rows[place] = (
            fill.price, fill.quantity, fill.commission, fill.base_price, fill.order, fill.bar, fill.symbol, fill.side,
            fill.liquidity, fill.ambiguous, fill.reason,
        )  # fmt: skip
        state.positions[fill.symbol].quantity += fill.side * fill.quantity
        with np.errstate(over="ignore"):
            absorb_fill(row, fill.bar & WORD, fill.symbol, fill.side, fill.quantity, fill.price, fill.commission)
    row.cash, row.equity, row.fills, row.bars_processed = cash, equity, len(fills), market.bar_count
    row.next_number = row.orders_filled = len({fill.order for fill in fills})
    title = type(strategy).__name__
    return RunRecords(
        market=market,
        execution=Execution(),
        account_value=account,
        orders=state.orders[:0],
        fills=rows,
        transitions=state.transitions,
        trades=state.trades[:0],
        curve=state.curve,
        account=row,
        positions=state.positions,
        record="summary",
        title=title,
        elapsed_s=0.0,
        periods_per_year=market.periods_per_year,
        years=market.years,
        inputs_fingerprint=lambda: market.fingerprint,
        strategy={"name": title, "parameters": getattr(strategy, "parameters", {})},
    )
