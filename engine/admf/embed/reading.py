"""What a core knows, read without a copy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.embed import tickets
from admf.embed.book import read_only, used_rows
from admf.run.stepping import (
    BANKRUPT_BAR,
    CASH,
    CHECKED_COUNT,
    EQUITY,
    FILL_COUNT,
    ORDER_COUNT,
    POSITION_WORDS,
    QUANTITY,
    TRANSITION_COUNT,
    WORKING_COUNT,
    Fields,
)
from admf_kernels import records
from admf_kernels.records import State
from admf_kernels.views import handles


class Readings:
    """The side of a core that only tells: read-only arrays over its buffers, and the numbers asked for most."""

    symbols: tuple[str, ...]
    bar: int  # the last bar that has closed, -1 before the first
    closed: bool  # whether the data has ended
    _state: State
    _market: records.Market
    _last: int  # the last bar that is there
    _plain: bool  # whether the kernels run as plain Python

    def _take(self, state: State) -> None:
        """Uses these buffers from now on."""
        self._state = state
        self._account, self._positions = Fields(state.account), Fields(state.positions)
        self._state_table: Any = state if self._plain else handles(state)
        self._market_table: Any = self._market if self._plain else handles(self._market)

    @property
    def cash(self) -> float:
        """All cash, short proceeds included."""
        return self._account.floats[CASH]

    @property
    def equity(self) -> float:
        """Cash and positions at the last close."""
        return self._account.floats[EQUITY]

    @property
    def bankrupt(self) -> bool:
        """Whether the equity fell to zero or below: orders are rejected from then on."""
        return self._account.ints[BANKRUPT_BAR] >= 0

    @property
    def live_orders(self) -> int:
        """Orders that may still fill, those that the next bar checks first included."""
        ints = self._account.ints
        return ints[WORKING_COUNT] + ints[ORDER_COUNT] - ints[CHECKED_COUNT]

    def position(self, symbol: str | None = None) -> float:
        """Units held, signed."""
        column = tickets.read_symbol(symbol, self.symbols)
        return self._positions.floats[column * POSITION_WORDS + QUANTITY]

    @property
    def account(self) -> NDArray[np.record]:
        """account_dt of shape (1,)."""
        return read_only(self._state.account)

    @property
    def positions(self) -> NDArray[np.record]:
        """position_dt of shape (symbols,)."""
        return read_only(self._state.positions)

    @property
    def orders(self) -> NDArray[np.record]:
        """order_dt by number; the last ones, not checked before the next bar, have status NONE."""
        return read_only(self._state.orders[: self._account.ints[ORDER_COUNT]])

    @property
    def fills(self) -> NDArray[np.record]:
        """fill_dt, one row a fill."""
        return read_only(self._state.fills[: self._account.ints[FILL_COUNT]])

    @property
    def transitions(self) -> NDArray[np.record]:
        """transition_dt, empty below record=full."""
        return read_only(self._state.transitions[: self._account.ints[TRANSITION_COUNT]])

    @property
    def trades(self) -> NDArray[np.record]:
        """trade_dt, one row a round trip; empty at record=summary."""
        return read_only(used_rows(self._state, "trades"))

    @property
    def curve(self) -> NDArray[np.record]:
        """curve_dt, one row a bar that has ended: the last bar ends with the next step; empty at record=summary."""
        return read_only(self._state.curve[: min(len(self._state.curve), int(self._state.account[0].bars_processed))])

    @property
    def market(self) -> records.Market:
        """The bars so far, read-only columns of shape (bars, symbols)."""
        used = self._last + 1
        return records.Market._make(read_only(column[:used]) for column in self._market)
