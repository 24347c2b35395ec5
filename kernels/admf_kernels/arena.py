"""The arena: every buffer of a container, allocated once and sized by arithmetic."""

from typing import NamedTuple

import numpy as np

from admf_kernels.codes import Record
from admf_kernels.records import (
    State,
    account_dt,
    action_dt,
    command_dt,
    config_dt,
    curve_dt,
    fee_dt,
    fill_dt,
    instrument_dt,
    order_dt,
    position_dt,
    trade_dt,
    transition_dt,
)

NEVER = 2**31 - 1  # a bar that no run reaches


class Sizes(NamedTuple):
    """Rows of the buffers of one container."""

    symbols: int
    bars: int  # rows of the equity curve
    orders: int
    record: int  # Record

    @property
    def fills(self) -> int:
        """Fill rows: a bar may need four per order (SPEC A-05, W-06); most orders fill once."""
        return 2 * self.orders + 4 * self.symbols

    @property
    def transitions(self) -> int:
        """Transition rows, none below record=full."""
        return 8 * self.orders if self.record == Record.FULL else 0

    @property
    def trades(self) -> int:
        """Round-trip rows, none at record=summary."""
        return 2 * self.orders + self.symbols if self.record != Record.SUMMARY else 0

    def bytes(self) -> int:
        """Memory of the arena, exact; without the script and the strategy's own record."""
        rows = (
            (config_dt, 1),
            (account_dt, 1),
            (instrument_dt, self.symbols),
            (position_dt, self.symbols),
            (order_dt, self.orders),
            (np.dtype(np.int32), 3 * self.orders),
            (command_dt, self.orders),
            (fill_dt, self.fills),
            (transition_dt, self.transitions),
            (trade_dt, self.trades),
            (curve_dt, self.bars),
        )
        return sum(dtype.itemsize * count for dtype, count in rows)


def allocate(sizes: Sizes) -> State:
    """A zeroed arena without a script, a table of fees and actions."""
    return State(
        config=np.zeros(1, config_dt),
        account=np.zeros(1, account_dt),
        instruments=np.zeros(sizes.symbols, instrument_dt),
        positions=np.zeros(sizes.symbols, position_dt),
        orders=np.empty(sizes.orders, order_dt),
        working=np.empty(sizes.orders, np.int32),
        hits=np.empty(2 * sizes.orders, np.int32),
        commands=np.empty(sizes.orders, command_dt),
        fills=np.empty(sizes.fills, fill_dt),
        transitions=np.empty(sizes.transitions, transition_dt),
        trades=np.empty(sizes.trades, trade_dt),
        curve=np.empty(sizes.bars, curve_dt),
        script=np.empty(0, command_dt),
        script_orders=np.empty(0, order_dt),
        script_numbers=np.empty(0, np.int32),
        fees=np.empty(0, fee_dt),
        actions=np.empty(0, action_dt),
    )


def open_account(state: State, cash: float, positions: list[tuple[float, float]], margin: bool) -> None:
    """Sets the account to its first bar: cash, initial positions (quantity, price) per symbol, statistics (M-01)."""
    account = state.account[0]
    account.cash = cash
    for name in ("bar", "bad_bar_first", "bankrupt_bar", "failed_order", "ambiguous_bar"):
        setattr(account, name, -1)
    account.halted_until = account.orders_until = -2
    account.cash_rate = account.debit_rate = np.nan
    account.action_bar = state.actions[0].bar if len(state.actions) else NEVER
    equity = cash
    margin_initial = float(state.config[0].margin_initial)
    for row, (quantity, price), instrument in zip(state.positions, positions, state.instruments, strict=True):
        row.mark = row.score = row.borrow_rate = np.nan
        row.volume_bar = -1
        row.entry_bar = -1
        if quantity != 0.0:
            row.quantity = quantity
            row.average_price = price
            row.mark = price
            row.entry_quantity = abs(quantity)
            row.entry_value = abs(quantity) * price
            equity += quantity * price * float(instrument.multiplier)
            if quantity < 0.0 and margin:
                row.locked = -quantity * price * float(instrument.multiplier) * (1.0 + margin_initial)
                account.locked += row.locked
    account.equity = equity
    account.initial_equity = equity
    account.equity_peak = equity
    account.halt_peak = equity
    account.equity_trough = equity
    account.sample_equity = equity
