"""The loop around the compiled loop: chunks of bars, full logs taken away, status codes turned into errors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.errors import CapacityError, StrategyError
from admf_kernels.arena import Sizes, allocate
from admf_kernels.codes import OrderStatus, Record, RunStatus
from admf_kernels.records import Market, State

CHUNK_BARS = 65_536  # about a millisecond of a simple strategy: Ctrl-C and progress come in between
ROWS_MIN = 4_096
ROWS_MAX = 1 << 24  # of the table of orders; 2 GB
LOGS = ("fills", "transitions", "trades")

Progress = Callable[[int, int], None]
Call = Callable[[Market, State, int, int], int]  # (market, state, first bar, last bar) -> next bar


@dataclass(eq=False)
class Logs:
    """What was taken away from full buffers, by name, in order."""

    parts: dict[str, list[NDArray[np.record]]] = field(default_factory=dict)

    def add(self, name: str, rows: NDArray[np.record]) -> None:
        """Keeps rows; the caller hands over their memory."""
        if len(rows):
            self.parts.setdefault(name, []).append(rows)

    def joined(self, name: str, empty: NDArray[np.record]) -> NDArray[np.record]:
        """All rows of one log; no copy where there is one part."""
        parts = self.parts.get(name, [])
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else empty[:0]


class Loop:
    """One container's run from the first bar to the last."""

    def __init__(self, market: Market, state: State, call: Call, orders_per_bar_max: int) -> None:
        self.market = market
        self.state = state
        self.logs = Logs()
        self._call = call
        self._orders_per_bar_max = orders_per_bar_max

    def run(self, progress: Progress | None = None) -> None:
        """Processes all bars. Raises CapacityError, StrategyError; what the strategy raises passes through."""
        bars, bar = len(self.market.timestamp), 0
        while bar < bars:
            bar = self._call(self.market, self.state, bar, min(bar + CHUNK_BARS, bars))
            status = RunStatus(int(self.state.account[0].status))
            if status == RunStatus.NEED_ROOM:
                self._make_room()
            elif status not in (RunStatus.RUNNING, RunStatus.DONE):
                self._fail(status)
            if progress:
                progress(bar, bars)
        self._take_logs(int(self.state.account[0].fill_count))
        self._take_orders(keep=0)

    def orders(self) -> NDArray[np.record]:
        """All orders by number; empty below record=full."""
        rows = self.logs.joined("orders", self.state.orders)
        ascending = bool((rows["number"][1:] > rows["number"][:-1]).all())
        return rows if ascending else rows[np.argsort(rows["number"], kind="stable")]

    def _record(self) -> int:
        return int(self.state.config[0].record)

    def _make_room(self) -> None:
        """Empties the logs and takes ended orders off the table; a table full of live orders doubles."""
        account = self.state.account[0]
        live = int(account.working_count)
        rows = len(self.state.orders)
        if 4 * (live + self._orders_per_bar_max + len(self.state.positions)) > rows:
            rows *= 2
        if rows > ROWS_MAX:
            raise CapacityError(
                "too many live orders",
                found=live,
                allowed=f"{ROWS_MAX // 4:,}",
                remedy="cancel orders that are not wanted any more, or give them a time in force",
            )
        kept = self.state.orders[self.state.working[:live]].copy()
        commands = self.state.commands[: int(account.command_count)].copy()
        told = int(account.hooked_count)
        untold = self.state.fills[told : int(account.fill_count)].copy()  # `on_fill` hears of them on the next bar
        self._take_logs(told)
        self._take_orders(keep=live)
        sizes = Sizes(len(self.state.positions), 0, rows, self._record())
        fresh = allocate(sizes)
        fresh.orders[:live] = kept
        fresh.working[:live] = np.arange(live)
        fresh.commands[: len(commands)] = commands
        fresh.fills[: len(untold)] = untold
        account.fill_count = len(untold)
        account.order_count = account.checked_count = live
        names = ("orders", "working", "hits", "commands", *LOGS)
        self.state = self.state._replace(**{name: getattr(fresh, name) for name in names})

    def _take_logs(self, fill_count: int) -> None:
        account, record = self.state.account[0], self._record()
        wanted = {Record.FULL: LOGS, Record.FILLS: ("fills", "trades")}.get(Record(record), ())
        counts = {"fills": "fill_count", "transitions": "transition_count", "trades": "trade_count"}
        account.fill_count = fill_count
        for name, count in counts.items():
            if name in wanted:
                self.logs.add(name, getattr(self.state, name)[: int(account[count])])
            account[count] = 0
        account.hooked_count = 0

    def _take_orders(self, keep: int) -> None:
        """Hands over the orders that have ended; all of them where nothing is kept."""
        if self._record() != Record.FULL:
            return
        rows = self.state.orders[: int(self.state.account[0].order_count)]
        self.logs.add("orders", rows[rows["status"] >= OrderStatus.FILLED] if keep else rows)

    def _fail(self, status: RunStatus) -> None:
        account = self.state.account[0]
        where = f"at bar {int(account.bar)}"
        if status == RunStatus.ORDERS_FULL:
            raise CapacityError(
                f"the strategy submitted more orders {where} than a bar may bring",
                allowed=f"{self._orders_per_bar_max:,} orders a bar",
                remedy="set orders_per_bar_max on the strategy's class",
            )
        if status == RunStatus.COMMANDS_FULL:
            raise CapacityError(
                f"the strategy sent more cancels and amendments {where} than there is room for",
                allowed=f"{len(self.state.commands):,} a bar",
                remedy="send one for each order and bar",
            )
        raise StrategyError(
            f"a slippage or commission law of yours gave a value that is not allowed, {where}, for order "
            f"{int(account.failed_order)}",
            allowed="slippage: finite and >= 0; commission: finite",
        )


def first_rows(bars: int, script_rows: int, orders_per_bar_max: int, symbols: int, record: int) -> int:
    """Rows of the first table of orders. Pages that nobody writes cost no memory, a second table costs a copy."""
    least = max(ROWS_MIN, 4 * (orders_per_bar_max + symbols))
    if record != Record.FULL:
        return max(least, 4 * ROWS_MIN)
    expected = script_rows or min(bars, ROWS_MAX // 4)
    return max(least, expected + 4 * (orders_per_bar_max + symbols) + symbols)


def plain_call(function: Callable[..., int], strategy: Any, orders_per_bar_max: int) -> Call:
    """The un-jitted loop; wrapping of unsigned integers and division by zero are as quiet as in compiled code."""

    def call(market: Market, state: State, first: int, last: int) -> int:
        with np.errstate(all="ignore"):
            return function(market, state, strategy, first, last, orders_per_bar_max)

    return call
