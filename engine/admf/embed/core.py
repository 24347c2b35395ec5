"""`Core`: one account for a front end that owns the loop."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numba.core import config

from admf.data import Market
from admf.data.instrument import Instruments, choose_instruments, to_records
from admf.embed import feed, tickets
from admf.embed.book import ROWS_MIN, USED, forget, resized, with_curve, with_room
from admf.embed.opening import Facts, open_state, refuse_days, result_of
from admf.embed.reading import Readings
from admf.embed.snapshot import Snapshot
from admf.errors import CapacityError, ConfigError, DataError, OrderError, StrategyError
from admf.execution import Account, Execution, Risk
from admf.results import Result
from admf.run.arguments import RecordLevel, check_bad_bars, read_market, read_record, read_value
from admf.run.calls import make_calls
from admf.run.stepping import (
    ACTION_BAR,
    CASH,
    COMMAND_COUNT,
    FILL_COUNT,
    NEED_ROOM,
    NEXT_OCO,
    POSITION_WORDS,
    QUANTITY,
    RUNNING,
    Fields,
)
from admf_kernels import records
from admf_kernels.codes import CommandKind, RunStatus
from admf_kernels.embed import BARS_MAX
from admf_kernels.records import State, account_dt, action_dt

ORDERS_PER_BAR = 16  # rows kept free for the orders of one bar at first; a bar that brings more doubles them
NEXT_NUMBER = Fields.place(account_dt, "next_number")
CANCEL, REPLACE = int(CommandKind.CANCEL), int(CommandKind.REPLACE)


class Core(Readings):
    """One account, its orders and its bars, moved on by whoever holds it.

    Over bars that are there already (`Core(bars)`) `step` closes the next one. Without bars `push` brings one. Between
    two bars orders are sent, changed and taken back; they act from the next bar on. What the engine knows is read from
    `account`, `positions`, `orders`, `fills`, `transitions`, `trades` and `curve`: read-only structured arrays over the
    core's own buffers. They show the moment; a buffer that had to grow leaves older arrays as they were.
    """

    def __init__(
        self,
        bars: Any = None,
        *,
        symbols: Sequence[str] = ("SYM",),
        dated: bool = False,
        has_volume: bool = True,
        execution: Execution | None = None,
        account: Account | None = None,
        instruments: Instruments = None,
        risk: Risk | None = None,
        record: RecordLevel = "full",
    ) -> None:
        """`bars` as for `admf.simulate`, or what `share` gave: `symbols`, `dated` and `has_volume` are theirs then.

        Of a core that bars are pushed to `dated` says whether they come with stamps, `has_volume` whether with volume;
        it knows no end of a session, so DAY, on-open and on-close orders and what counts by the day are refused, and
        returns are sampled every bar. Raises ConfigError and DataError as `admf.simulate` does.
        """
        self._execution = read_value(execution, Execution, "execution")
        self._opening = read_value(account, Account, "account")
        self._risk = read_value(risk, Risk, "risk")
        self._record = read_record(record)
        self._bars: Market | None = None
        if bars is not None:
            self._bars = read_market(bars, instruments)
            check_bad_bars(self._execution, self._bars)
            facts, self._market = Facts.of(self._bars, self._opening), self._bars.arrays
            self._last = self._bars.bar_count - 1
        else:
            names = read_symbols(symbols)
            chosen = to_records(choose_instruments(instruments, names))
            refuse_days(self._opening, self._risk)
            facts, self._last = Facts(names, chosen, BARS_MAX, has_volume, dated, np.empty(0, action_dt)), -1
            self._market = feed.empty(feed.BARS_MIN, len(names))
        self.symbols = facts.symbols
        self._facts = facts
        self._per_bar = ORDERS_PER_BAR
        self._plain = bool(config.DISABLE_JIT)
        rules = self._execution, self._opening, self._risk, self._record
        self._take(open_state(facts, *rules, len(self._market.timestamp), ROWS_MIN))
        self._calls = make_calls(self._market, self._state, self._execution.user_laws(), plain=self._plain)
        self._first = Snapshot.take(self._state)
        self.reset()

    # ------------------------------------------------------------------------------------------------------- the loop

    def step(self, bars: int = 1) -> int:
        """Closes the next bars and returns the number of fills they brought; ConfigError where there are fewer."""
        target = self.bar + bars if type(bars) is int else -1
        if not self.bar < target <= self._last or self.closed:
            raise self._no_step(bars)
        filled = self._account.ints[FILL_COUNT]
        status = self._calls.advance(self._market_table, self._state_table, target, self._per_bar)
        if status != RUNNING:
            self._resume(status, target)
        self.bar = target
        return self._account.ints[FILL_COUNT] - filled

    def quiet_bars(self, most: int = 256) -> int:
        """How many of the next bars, at most `most`, certainly bring nothing; they can be closed in one step later.

        No order lives or waits, nothing like a split or a dividend comes, and the engine closes no position for want
        of equity.
        """
        if self.live_orders or self._account.ints[COMMAND_COUNT] or self.closed:
            return 0
        first = self.bar + 1
        end = min(first + tickets.read_whole(most, "most", 0), self._last + 1, self._account.ints[ACTION_BAR])
        end = max(first, end)
        if not any(self._positions.floats[QUANTITY::POSITION_WORDS]) and self._account.floats[CASH] > 0.0:
            return end - first
        return self._calls.solvent_until(self._market_table, self._state_table, first, end) - first

    def push(self, open: Any, high: Any, low: Any, close: Any, volume: Any = None, timestamp: Any = None) -> int:  # noqa: A002 -- as the columns are called
        """Brings the next bar and closes it; returns the number of fills. DataError for what is no bar.

        Numbers, or of several symbols a sequence of numbers each; NaN in all four prices where a symbol has no bar.
        `timestamp` is the bar's open: ns UTC, a datetime64 or a datetime with a zone.
        """
        self._refuse_push()
        bar = self._last + 1
        if bar >= len(self._market.timestamp):
            self._make_bars(bar + 1)
        stamp = self._read_stamp(timestamp, bar)
        feed.write_bar(self._market, bar, self.symbols, (open, high, low, close, self._read_volume(volume)))
        self._market.timestamp[bar] = stamp
        self._last = bar
        return self.step()

    def push_bars(self, open: Any, high: Any, low: Any, close: Any, volume: Any = None, timestamp: Any = None) -> int:  # noqa: A002 -- as the columns are called
        """Brings many bars and closes them all; columns of shape (bars,) or (bars, symbols). Returns the fills."""
        self._refuse_push()
        first, count = self._last + 1, len(self.symbols)
        given = self._read_volume(volume, np.zeros(np.shape(close)))
        columns = feed.read_block((open, high, low, close, given), count)
        bars = len(columns[0])
        if not bars:
            return 0
        stamps = feed.read_stamps(timestamp, bars, first, self._newest_stamp(), self._facts.dated)
        if first + bars > len(self._market.timestamp):
            self._make_bars(first + bars)
        feed.write_block(self._market, first, self.symbols, columns)
        self._market.timestamp[first : first + bars] = stamps
        self._last = first + bars - 1
        return self.step(bars)

    def close(self, *, close_positions: bool = True) -> None:
        """Ends the data after the last bar: what is left of it happens, orders end, positions are closed at its close.

        `close_positions=False` leaves the positions as they are.
        """
        if self.closed:
            return
        if self.bar < 0:
            raise ConfigError("no bar yet", field="close", found="no bar", allowed="after the first bar")
        self._state.config["bar_count"] = self.bar + 1
        self._state.config["close_positions"] = close_positions
        status = self._calls.advance(self._market_table, self._state_table, self.bar + 1, self._per_bar)
        if status != RUNNING:
            self._resume(status, self.bar + 1)
        self.closed = True

    # --------------------------------------------------------------------------------------------------------- orders

    def submit(
        self,
        side: str,
        quantity: float | None = None,
        type: str = "market",  # noqa: A002 -- as the column is called
        *,
        symbol: str | None = None,
        limit_price: float | None = None,
        stop_price: float | None = None,
        time_in_force: str = "gtc",
        expires_bar: int | None = None,
        expires_after_bars: int | None = None,
        size_kind: str = "quantity",
        size: float | None = None,
        parent: int | None = None,
        oco: int = 0,
        oco_reduce: bool = True,
        reduce_only: bool = False,
        post_only: bool = False,
        trail_amount: float | None = None,
        trail_percent: float | None = None,
        trail_activation_offset: float | None = None,
        limit_offset: float | None = None,
        tag: int = -1,
    ) -> int:
        """Sends an order at the close of the last bar and returns its number; it acts from the next bar on.

        The arguments are the columns of `admf.simulate`; `parent` is the number of an order, `oco` a group from
        `new_group`, `tag` any mark of the caller's. What the book refuses later (no cash, below a lot) is an order with
        a reason; what can be no order is an OrderError.
        """
        self._refuse_end("submit")
        side_code, type_code = tickets.read_code(side, "side"), tickets.read_code(type, "type")
        life, size_code = tickets.read_code(time_in_force, "time_in_force"), tickets.read_code(size_kind, "size_kind")
        if self._bars is None and (type_code in tickets.OF_SESSIONS or life == tickets.DAY):
            message, remedy = "needs the end of the session", "pushed bars have none: use gtd or gtb, or Core(bars)"
            raise OrderError(message, field="type", found=type, remedy=remedy)
        limit, stop = tickets.read_prices(type_code, limit_price, stop_price)
        units, amount = tickets.read_size(quantity, size_code, size, parent is not None)
        expiry = tickets.read_expiry(life, expires_bar, expires_after_bars)
        above = -1 if parent is None else self._read_number(parent, "parent")
        group = 0 if oco == 0 else tickets.read_whole(oco, "oco", 0)
        mark = -1 if tag == -1 else tickets.read_whole(tag, "tag", -(2**31))
        trail = tickets.read_trail(type_code, trail_amount, trail_percent, trail_activation_offset, limit_offset)
        return self.send(
            side_code, type_code, units, limit, stop, life, expiry, bool(reduce_only), bool(post_only), above, group,
            bool(oco_reduce), size_code, amount, tickets.read_symbol(symbol, self.symbols), mark, *trail,
        )  # fmt: skip

    def send(self, *ticket: Any) -> int:
        """`submit` in codes, for callers that have checked: what `admf_kernels.advance.submit` takes after `bar`."""
        ticket = (*ticket, np.nan)  # nobody sizes by where its exit stops
        number = self._calls.submit(self._state_table, self.bar, *ticket)
        while number < 0:
            self._state.account["row_limit"] += self._per_bar
            self._per_bar *= 2
            self._take(with_room(self._state, self._per_bar))
            number = self._calls.submit(self._state_table, self.bar, *ticket)
        return int(number)

    def cancel(self, number: int) -> None:
        """Takes an order back at the beginning of the next bar; one that has ended by then stays as it is."""
        self._command(CANCEL, self._read_number(number, "order"), np.nan, np.nan, np.nan)

    def replace(
        self,
        number: int,
        *,
        quantity: float | None = None,
        limit_price: float | None = None,
        stop_price: float | None = None,
    ) -> None:
        """Changes an order at the beginning of the next bar: its whole quantity, or the prices its type has."""
        changes = {"quantity": quantity, "limit_price": limit_price, "stop_price": stop_price}
        self._command(REPLACE, self._read_number(number, "order"), *tickets.read_change(changes).values())

    def new_group(self) -> int:
        """A number for `oco` that no other order has."""
        self._account.ints[NEXT_OCO] += 1
        return self._account.ints[NEXT_OCO]

    def result(self) -> Result:
        """Frames, metrics and report of a closed core over `bars`; ConfigError before, or where bars were pushed."""
        if self._bars is None or not self.closed or self.bar < self._bars.bar_count - 1:
            allowed = "Core(bars), stepped to the last bar and closed"
            raise ConfigError("not a whole run", field="result", found=f"bar {self.bar}", allowed=allowed)
        return result_of(self._state, self._bars, self._execution, self._opening, self._risk, self._record)

    # ------------------------------------------------------------------------------------- reset, snapshots, copies

    def reset(self) -> None:
        """As before the first bar; pushed bars are gone."""
        self.restore(self._first)
        if self._bars is None:
            self._last = -1

    def forget(self) -> None:
        """Drops rows that have been read: fills, transitions, round trips, and the orders that have ended."""
        forget(self._state)

    def snapshot(self) -> Snapshot:
        """A copy of all that may change, bars aside."""
        return Snapshot.take(self._state)

    def restore(self, snapshot: Snapshot) -> None:
        """As at the snapshot; pushed bars after it are gone. ConfigError for one that does not fit these bars."""
        if not isinstance(snapshot, Snapshot):
            raise ConfigError("not a snapshot", field="snapshot", found=type(snapshot).__name__, allowed="Snapshot")
        if len(snapshot.arrays["positions"]) != len(self.symbols) or snapshot.bar > self._last:
            found = f"bar {snapshot.bar} of {len(snapshot.arrays['positions'])} symbols"
            allowed = f"at most bar {self._last} of {len(self.symbols)} symbols"
            raise ConfigError("of other bars", field="snapshot", found=found, allowed=allowed)
        needed = max(len(snapshot.arrays[name]) for name in USED)
        rows = len(self._state.orders)
        while rows < needed:
            rows *= 2
        if rows > len(self._state.orders):
            self._take(resized(self._state, rows))
        snapshot.put_into(self._state)
        self.bar = snapshot.bar
        self.closed = 0 <= self.bar < int(self._state.account[0].bars_processed)
        self._state.config["bar_count"] = self.bar + 1 if self.closed else self._facts.bar_count
        self._state.account["row_limit"] = self._state.account["order_count"] + self._per_bar
        self._take(with_room(self._state, self._per_bar))
        if self._bars is None:
            self._last = self.bar

    def fork(self) -> Self:
        """Another core at the same bar that shares nothing that can change."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        if self._bars is None:
            other._market = records.Market._make(column.copy() for column in self._market)
        other._take(State._make(array.copy() for array in self._state))
        return other

    # -------------------------------------------------------------------------------------------------- what is behind

    def _resume(self, status: int, target: int) -> None:
        """Goes on after a kernel has stopped; its errors in words."""
        while status == NEED_ROOM:
            self._take(with_room(self._state, self._per_bar))
            status = self._calls.advance(self._market_table, self._state_table, target, self._per_bar)
        if status != RUNNING:
            self.bar = int(self._state.account[0].bar)
            where = f"at bar {self.bar}, for order {int(self._state.account[0].failed_order)}"
            raise StrategyError(
                f"a slippage or commission law of yours gave a value that is not allowed, {where}",
                allowed="slippage: finite and >= 0; commission: finite",
            )

    def _command(self, kind: int, number: int, quantity: float, limit_price: float, stop_price: float) -> None:
        self._refuse_end("command")
        if self._account.ints[COMMAND_COUNT] >= len(self._state.commands):
            self._take(resized(self._state, 2 * len(self._state.orders)))
        status = self._calls.command(self._state_table, kind, number, quantity, limit_price, stop_price)
        if status != RUNNING:
            raise CapacityError("no room for a command", found=RunStatus(status).text)

    def _read_number(self, number: Any, field: str) -> int:
        most = self._account.ints[NEXT_NUMBER] - 1
        if most < 0:
            raise OrderError("no order yet", field=field, found=number)
        return tickets.read_whole(number, field, 0, most)

    def _make_bars(self, bars: int) -> None:
        self._market = feed.grown(self._market, self._last + 1, bars)
        self._take(with_curve(self._state, len(self._market.timestamp)))

    def _newest_stamp(self) -> int | None:
        return int(self._market.timestamp[self._last]) if self._last >= 0 else None

    def _read_stamp(self, timestamp: Any, bar: int) -> int:
        return int(
            feed.read_stamps(
                None if timestamp is None else [timestamp], 1, bar, self._newest_stamp(), self._facts.dated
            )[0]
        )

    def _read_volume(self, volume: Any, nothing: Any = None) -> Any:
        if self._facts.has_volume == (volume is not None):
            return volume if volume is not None else self._nothing(nothing)
        allowed = "with every bar, or has_volume=False" if self._facts.has_volume else "none: has_volume=False"
        raise DataError("not as this core was made", field="volume", found=volume, allowed=allowed)

    def _nothing(self, nothing: Any) -> Any:
        if nothing is not None:
            return nothing
        return 0.0 if len(self.symbols) == 1 else (0.0,) * len(self.symbols)

    def _refuse_push(self) -> None:
        self._refuse_end("push")
        if self._bars is not None:
            raise ConfigError("this core has its bars", field="push", remedy="step() closes the next one")

    def _refuse_end(self, field: str) -> None:
        if self.closed:
            raise ConfigError("the core is closed", field=field, remedy="restore a snapshot, or reset()")

    def _no_step(self, bars: Any) -> ConfigError:
        left = 0 if self.closed else self._last - self.bar
        return ConfigError(
            "not so many bars left", field="step", found=bars, allowed=f"a whole number from 1 to {left:,}"
        )


def read_symbols(symbols: Sequence[str]) -> tuple[str, ...]:
    """Names of the symbols of a core that bars are pushed to."""
    names = (symbols,) if isinstance(symbols, str) else tuple(symbols)
    if not all(names) or not 0 < len(set(names)) == len(names):
        raise ConfigError(
            "not a list of symbols", field="symbols", found=symbols, allowed="different names, at least one"
        )
    return names
