"""`Stepper`: one container driven bar by bar from Python, by the kernels of the compiled loop."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba.core import config
from numpy.typing import NDArray

from admf.run.calls import make_calls
from admf.run.loop import LOGS, Logs, Loop
from admf_kernels.arena import Sizes, allocate
from admf_kernels.codes import CommandKind, Reason, RunStatus
from admf_kernels.records import Market, State, account_dt, position_dt
from admf_kernels.views import handles

NAN = float("nan")
RUNNING, NEED_ROOM = RunStatus.RUNNING.value, RunStatus.NEED_ROOM.value
POISON, CANARY = 0xA5, 0xC7
GUARD_BYTES = 256
POISONED = ("orders", "working", "hits", "commands", "curve", *LOGS)
GUARDED = ("account", "positions", *POISONED)


class Fields:
    """Fields of one record by their place in memory: a hundredth of what NumPy's attribute of a record costs."""

    def __init__(self, rows: NDArray[np.record]) -> None:
        self._bytes = rows.view(np.uint8).data
        self.floats = self._bytes.cast("d")
        self.ints = self._bytes.cast("i")

    @staticmethod
    def place(dtype: np.dtype[Any], name: str) -> int:
        """Index of a field in `floats` or `ints`."""
        assert dtype.fields is not None
        kind, offset = dtype.fields[name][:2]
        return int(offset) // kind.itemsize


BAR, FILL_COUNT = Fields.place(account_dt, "bar"), Fields.place(account_dt, "fill_count")
TRANSITION_COUNT, WORKING_COUNT = (
    Fields.place(account_dt, "transition_count"),
    Fields.place(account_dt, "working_count"),
)
COMMAND_COUNT, ORDER_COUNT = Fields.place(account_dt, "command_count"), Fields.place(account_dt, "order_count")
CHECKED_COUNT, BANKRUPT_BAR = Fields.place(account_dt, "checked_count"), Fields.place(account_dt, "bankrupt_bar")
HOOKED_COUNT, NEXT_OCO = Fields.place(account_dt, "hooked_count"), Fields.place(account_dt, "next_oco")
ACTION_BAR = Fields.place(account_dt, "action_bar")
ROW_LIMIT = Fields.place(account_dt, "row_limit")
CASH, LOCKED, EQUITY = (Fields.place(account_dt, name) for name in ("cash", "locked", "equity"))
QUANTITY, AVERAGE = Fields.place(position_dt, "quantity"), Fields.place(position_dt, "average_price")
POSITION_WORDS = position_dt.itemsize // 8
LOOK_AHEAD_BARS = 64  # of the first look for a bankruptcy in a quiet stretch; doubles while nothing happens
LOOK_AHEAD_BARS_MAX = 65_536


class Arena:
    """An arena that several runs use in turn: account and positions begin afresh, buffers are used again."""

    def __init__(self, state: State) -> None:
        """`state` is as a run finds it before its first bar."""
        self.state = state
        own = (state.account, state.positions, *(table for table in (state.instruments,) if table.flags.writeable))
        self._live = tuple(array.view(np.uint8) for array in own)
        self._first = tuple(array.copy() for array in self._live)  # bytes: field by field a copy costs 20 times as much

    def reset(self) -> None:
        """As it was at first."""
        for live, first in zip(self._live, self._first, strict=True):
            live[:] = first


def poison(state: State) -> None:
    """Fills every buffer that a run begins with unread, so that nothing of an earlier run can pass for its own."""
    for name in POISONED:
        array: NDArray[Any] = getattr(state, name)
        array.view(np.uint8)[:] = POISON


class Guards:
    """Words before and behind every buffer of an arena; whoever writes beyond a buffer changes one."""

    def __init__(self, state: State) -> None:
        """`state` is copied into buffers with guards; `self.state` is the arena to use."""
        self._around: dict[str, tuple[NDArray[np.uint8], int]] = {}
        self.state = state._replace(**{name: self._guard(name, getattr(state, name)) for name in GUARDED})

    def _guard(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        around = np.full(array.nbytes + 2 * GUARD_BYTES, CANARY, np.uint8)
        self._around[name] = (around, array.nbytes)
        inside: NDArray[Any] = around[GUARD_BYTES : GUARD_BYTES + array.nbytes].view(array.dtype)
        inside[:] = array
        return inside

    def broken(self) -> list[str]:
        """Names of buffers around which something was written."""
        return [
            name
            for name, (around, size) in self._around.items()
            if (around[:GUARD_BYTES] != CANARY).any() or (around[GUARD_BYTES + size :] != CANARY).any()
        ]


class Stepper(Loop):
    """A container between the bars: its strategy decides in Python, its bars run in the kernels.

    `move_to(bar)` says that a bar has closed. Where an order lives the bar is played at once; a quiet stretch is
    played in one call when somebody asks for the equity or an order comes (`catch_up`). `tell()` returns what the
    engine has done since the last call.
    """

    def __init__(
        self,
        market: Market,
        state: State,
        laws: Mapping[str, Callable[..., Any]],
        orders_per_bar_max: int,
        *,
        debug: bool = False,
    ) -> None:
        """`laws` are the user's slippage and commission laws; `debug` plays the bars in plain Python."""
        super().__init__(market, state, lambda *_: 0, orders_per_bar_max)
        self._plain = bool(debug or config.DISABLE_JIT)
        self.calls = make_calls(market, state, laws, plain=self._plain)
        self.bars = len(market.timestamp)
        self._market_table: Any = market if self._plain else handles(market)
        self.account = Fields(state.account)
        self.positions = Fields(state.positions)
        self.account.ints[ROW_LIMIT] = orders_per_bar_max
        self._arena = Arena(state)
        self._look_up()
        self._begin()

    def _look_up(self) -> None:
        """The addresses of the buffers, after some of them were exchanged."""
        self._state_table: Any = self.state if self._plain else handles(self.state)
        self.arena_bytes = sum(array.nbytes for array in self.state)

    def _begin(self) -> None:
        self.bar = -1  # the last bar that has closed
        self.finished = False
        self._quiet_until = 0  # first bar that must be played at once; from there on nobody has looked
        self._look_ahead = LOOK_AHEAD_BARS
        self._told = [0, 0]  # fills and transitions that `tell` has given
        self._untold: tuple[list[Any], list[Any]] = ([], [])

    # ------------------------------------------------------------------------------------------------------------ bars

    def move_to(self, bar: int) -> bool:
        """Bar `bar`, the next one, has closed; True where the engine has played it, False in a quiet stretch."""
        self.bar = bar
        if bar < self._quiet_until:
            return False
        ints = self.account.ints
        busy = (
            bar == ints[ACTION_BAR]
            or ints[WORKING_COUNT] > 0
            or ints[COMMAND_COUNT] > 0
            or ints[ORDER_COUNT] > ints[CHECKED_COUNT]
        )
        if not busy and self._is_quiet(bar):
            return False
        self._play(bar)
        return True

    def _is_quiet(self, bar: int) -> bool:
        """Whether the bar can wait: nothing lives, and the account stays solvent beyond it."""
        if self.is_flat() and self.account.floats[CASH] > 0.0:
            self._quiet_until = min(self.bars, self.account.ints[ACTION_BAR])
            return True
        if self.account.ints[BAR] < bar - 1:
            self._play(bar - 1)
        last = min(bar + self._look_ahead, self.bars, self.account.ints[ACTION_BAR])
        self._quiet_until = self.calls.solvent_until(self._market_table, self._state_table, bar, last)
        self._look_ahead = min(2 * self._look_ahead, LOOK_AHEAD_BARS_MAX)
        return bar < self._quiet_until

    def catch_up(self) -> None:
        """Plays the quiet bars up to the last one that has closed: marks, equity, statistics."""
        if self.account.ints[BAR] < self.bar:
            self._play(self.bar)

    def _play(self, target: int) -> None:
        while True:
            status = self.calls.advance(self._market_table, self._state_table, target, self._orders_per_bar_max)
            if status == RUNNING:
                return
            if status != NEED_ROOM:
                self._fail(RunStatus(status))
            self._collect()
            self.account.ints[HOOKED_COUNT] = self.account.ints[FILL_COUNT]
            self._make_room()
            self._told = [0, 0]
            self._look_up()

    def finish(self) -> None:
        """After the decisions on the last bar: what is left of it, and the end of the data."""
        self.catch_up()
        if self.bar < self.bars - 1:  # bankrupt: the rest is marks
            self._play(self.bars - 1)
            self.bar = self.bars - 1
        self._play(self.bars)
        self.finished = True
        self._collect()
        self._take_logs(self.account.ints[FILL_COUNT])
        self._take_orders(keep=0)
        self._told = [0, 0]

    # ---------------------------------------------------------------------------------------------------------- orders

    def submit(self, *ticket: Any) -> int:
        """Puts an order into the book after the close of the last bar; returns its number."""
        self._wake()
        number = self.calls.submit(self._state_table, self.bar, *ticket)
        if number < 0:
            self._fail(RunStatus.ORDERS_FULL)
        return number

    def give_reason(self, reason: Reason) -> None:
        """Of the order put into the book last: why it is not what its strategy asked for."""
        self.state.orders["reason"][self.account.ints[ORDER_COUNT] - 1] = reason

    def command(self, kind: CommandKind, number: int, quantity: float, limit_price: float, stop_price: float) -> None:
        """Sends a cancel or an amendment for the next bar."""
        self._wake()
        status = self.calls.command(self._state_table, int(kind), number, quantity, limit_price, stop_price)
        if status != RUNNING:
            self._fail(RunStatus(status))

    def sized(self, *order: Any) -> float:
        """The units that sizing gives an order; NaN where it has a size. Arguments as for `stakes.size_one`."""
        self.catch_up()
        return self.calls.size_one(self._market_table, self._state_table, *order)

    def limited(self, *order: Any) -> float:
        """The quantity that the limits leave of an order; NaN for all of it. Arguments as for `limits.limit_one`."""
        self.catch_up()
        return self.calls.limit_one(self._state_table, *order)

    def _wake(self) -> None:
        self.catch_up()
        self._quiet_until = 0
        self._look_ahead = LOOK_AHEAD_BARS

    # ------------------------------------------------------------------------------------------------------ what it is

    def tell(self) -> tuple[list[Any], list[Any]]:
        """New rows of fills and transitions, as tuples in the order of their fields."""
        self._collect()
        told = self._untold
        if told[0] or told[1]:
            self._untold = ([], [])
        return told

    def _collect(self) -> None:
        fills, transitions = self.account.ints[FILL_COUNT], self.account.ints[TRANSITION_COUNT]
        if fills > self._told[0]:
            self._untold[0].extend(self.state.fills[self._told[0] : fills].tolist())
        if transitions > self._told[1]:
            self._untold[1].extend(self.state.transitions[self._told[1] : transitions].tolist())
        self._told[0], self._told[1] = fills, transitions

    def is_flat(self) -> bool:
        """Whether no position is held."""
        floats = self.positions.floats
        return not any(floats[QUANTITY::POSITION_WORDS])

    def quantity(self, symbol: int) -> float:
        """Units held, signed."""
        return self.positions.floats[symbol * POSITION_WORDS + QUANTITY]

    def average_price(self, symbol: int) -> float:
        """Average price of the open position, 0 when flat."""
        return self.positions.floats[symbol * POSITION_WORDS + AVERAGE]

    @property
    def cash(self) -> float:
        """All cash, short proceeds included."""
        return self.account.floats[CASH]

    @property
    def free_cash(self) -> float:
        """Cash that is not locked by shorts."""
        return self.account.floats[CASH] - self.account.floats[LOCKED]

    @property
    def equity(self) -> float:
        """Cash plus marked positions at the last close."""
        self.catch_up()
        return self.account.floats[EQUITY]

    @property
    def bankrupt(self) -> bool:
        """Whether the equity fell to zero or below: the strategy is not called again."""
        return self.account.ints[BANKRUPT_BAR] >= 0

    def next_group(self) -> int:
        """A fresh id for a group of orders that cancel each other."""
        self.account.ints[NEXT_OCO] += 1
        return self.account.ints[NEXT_OCO]

    # ------------------------------------------------------------------------------------- reset, snapshots, poison

    def reset(self) -> None:
        """As new; the buffers are used again, nothing of what they held is."""
        self._arena.reset()
        self.logs = Logs()
        self._begin()

    def snapshot(self) -> dict[str, Any]:
        """A copy of everything between two events."""
        used = {"orders": "order_count", "commands": "command_count", "working": "working_count"}
        used |= {"fills": "fill_count", "transitions": "transition_count", "trades": "trade_count"}
        account = self.state.account[0]
        rows = {name: getattr(self.state, name)[: int(account[count])].copy() for name, count in used.items()}
        curve = self.state.curve[: int(account.bars_processed)].copy()
        logs = {name: list(parts) for name, parts in self.logs.parts.items()}
        return {
            "account": self.state.account.copy(),
            "positions": self.state.positions.copy(),
            "instruments": self.state.instruments.copy(),
            "rows": rows | {"curve": curve},
            "logs": logs,
            "place": (self.bar, self.finished, list(self._told), tuple(map(list, self._untold))),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Everything as it was at a snapshot; the buffers grow where they are too small for it."""
        rows = len(self.state.orders)
        while rows < max(len(saved["rows"][name]) for name in ("orders", *LOGS)):
            rows *= 2
        self._resize(rows)
        self.state.account[:], self.state.positions[:] = saved["account"], saved["positions"]
        if self.state.instruments.flags.writeable:
            self.state.instruments[:] = saved["instruments"]
        self.logs = Logs({name: list(parts) for name, parts in saved["logs"].items()})
        self._begin()
        for name, rows in saved["rows"].items():
            getattr(self.state, name)[: len(rows)] = rows
        self.bar, self.finished, told, untold = saved["place"]
        self._told, self._untold = list(told), (list(untold[0]), list(untold[1]))

    def _resize(self, rows: int) -> None:
        if rows == len(self.state.orders):
            return
        fresh = allocate(Sizes(len(self.state.positions), 0, rows, self._record()))
        names = ("orders", "working", "hits", "commands", *LOGS)
        self.state = self.state._replace(**{name: getattr(fresh, name) for name in names})
        self._look_up()

    def poison(self) -> None:
        """Nothing of an earlier run can pass for this one's."""
        poison(self.state)
