"""`Cores`: thousands of accounts over one market, stepped in one call."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba.core import config
from numpy.lib.format import open_memmap
from numpy.typing import ArrayLike, NDArray

from admf.data.instrument import Instruments
from admf.embed.book import read_only
from admf.embed.opening import Facts, open_state
from admf.errors import CapacityError, ConfigError, OrderError, StrategyError
from admf.execution import Account, Execution, Risk
from admf.run.arguments import check_bad_bars, read_market, read_value
from admf.run.calls import quiet
from admf_kernels import embed
from admf_kernels._jit import CompileError, compile_now, specialise
from admf_kernels._views import WORDS
from admf_kernels.codes import CommandKind, OrderFlag, RunStatus
from admf_kernels.embed import NO_CORE, REQUEST_BITS, STAYS
from admf_kernels.records import State, command_dt, order_dt
from admf_kernels.views import handles

OWN = ("account", "positions", "orders", "working", "hits", "commands", "fills", "transitions", "trades")
EMPTY = (
    "limit_price",
    "stop_price",
    "quantity",
    "size_amount",
    "trail_distance",
    "trail_offset",
    "limit_offset",
    "protected_at",
)
CHANGES = ("quantity", "limit_price", "stop_price")
NEVER = 2**31 - 1  # the bar of an action that there is not
CORES_MAX = 10_000_000


def requests(count: int) -> NDArray[np.record]:
    """order_dt rows for `Cores.submit` that ask for nothing yet: fill in number (the core), side, quantity, type, …

    The words are codes here (`admf_kernels.codes`): side 1 or −1, type 0 for market, size_kind 2 for equity_fraction.
    """
    rows: NDArray[np.record] = np.zeros(count, order_dt)
    for name in EMPTY:
        rows[name] = np.nan
    rows["number"] = np.arange(count)
    rows["parent"] = rows["tag"] = -1
    rows["bits"] = OrderFlag.OCO_REDUCE
    return rows


class Cores:
    """`count` accounts under the same rules, each at a bar of its own, isolated from each other.

    `accounts` (count,), `positions` (count, symbols), `orders` and `fills` (count, rows) are read-only arrays over the
    buffers. Of fills those of the last `step` are kept: `accounts["fill_count"]` says how many rows count. Statistics
    stand in the accounts; there is no log (record=summary).
    """

    def __init__(
        self,
        bars: Any,
        count: int,
        *,
        execution: Execution | None = None,
        account: Account | None = None,
        instruments: Instruments = None,
        risk: Risk | None = None,
        orders_max: int = 8,
        orders_per_bar_max: int = 2,
        folder: Path | str | None = None,
    ) -> None:
        """`orders_max` may live in one core, `orders_per_bar_max` come on one bar. Errors as of `Core`.

        `folder` is there already: the buffers are made in it, one `.npy` file each, which other processes map.
        """
        rules, opening = read_value(execution, Execution, "execution"), read_value(account, Account, "account")
        self._bars = read_market(bars, instruments)
        check_bad_bars(rules, self._bars)
        self.count = read_count(count, "count", CORES_MAX)
        self._per_bar = read_count(orders_per_bar_max, "orders_per_bar_max", 10_000)
        live, symbols = read_count(orders_max, "orders_max", 1_000_000), self._bars.symbol_count
        rows = 4 * (live + self._per_bar + symbols)
        limits = read_value(risk, Risk, "risk")
        state = open_state(Facts.of(self._bars, opening), rules, opening, limits, "summary", 0, rows)
        state.account["row_limit"] = self._per_bar
        self._first = state
        place = None if folder is None else read_folder(folder)
        self._own = {name: self._repeated(name, getattr(state, name), place) for name in OWN}
        self._words = tuple(self._own[name].view(np.uint64).reshape(self.count, -1, width) for name, width in WIDTHS)
        self._plain = bool(config.DISABLE_JIT)
        self._tables: Any = self._states(self.count) if self._plain else tables_of(self._states(1)[0], self._own)
        self._market_table: Any = self._bars.arrays if self._plain else handles(self._bars.arrays)
        self._advance, self._submit, self._command = self._kernels(rules)

    def _repeated(self, name: str, rows: NDArray[Any], folder: Path | None) -> NDArray[Any]:
        shape = (self.count, *rows.shape)
        made: NDArray[Any]
        if folder is None or not rows.size:  # what has no rows cannot be mapped
            made = np.zeros(shape, rows.dtype)
        else:
            made = open_memmap(folder / f"{name}.npy", "w+", rows.dtype, shape)
        if name in ("account", "positions"):  # the others are written before they are read
            made[:] = rows
        return made

    def _kernels(self, rules: Execution) -> tuple[Callable[..., int], ...]:
        targets = np.zeros(0, np.int64)
        rows, commands = requests(0), np.zeros(0, command_dt)
        bound = (
            (
                specialise(embed.advance_all, hooks=rules.user_laws()),
                (self._market_table, self._tables, targets, *self._words, 1),
            ),
            (specialise(embed.submit_all), (self._tables, rows)),
            (specialise(embed.command_all), (self._tables, targets, commands)),
        )
        try:
            for function, arguments in bound:
                compile_now(function, arguments)
        except CompileError as error:
            raise StrategyError(str(error)) from error
        return tuple(quiet(function) if self._plain else function for function, _ in bound)

    def _states(self, count: int) -> list[State]:
        own = self._own.items()
        return [self._first._replace(**{name: rows[core] for name, rows in own}) for core in range(count)]

    # ---------------------------------------------------------------------------------------------------------- reading

    @property
    def accounts(self) -> NDArray[np.record]:
        """account_dt of shape (count,)."""
        return read_only(self._own["account"][:, 0])

    @property
    def positions(self) -> NDArray[np.record]:
        """position_dt of shape (count, symbols)."""
        return read_only(self._own["positions"])

    @property
    def orders(self) -> NDArray[np.record]:
        """order_dt of shape (count, rows), of which `accounts["order_count"]` are in use."""
        return read_only(self._own["orders"])

    @property
    def fills(self) -> NDArray[np.record]:
        """fill_dt of shape (count, rows), of which `accounts["fill_count"]` are those of the last step."""
        return read_only(self._own["fills"])

    @property
    def bars(self) -> NDArray[np.int32]:
        """The last bar that has closed for each core, -1 before the first; shape (count,)."""
        return read_only(self._own["account"]["bar"][:, 0])

    # --------------------------------------------------------------------------------------------------------- stepping

    def step(self, bars: int | ArrayLike = 1) -> None:
        """Closes the next bars of every core, or of each as many as an array says; 0 leaves a core where it is."""
        counts = np.asarray(bars)
        if counts.dtype.kind not in "iu" or counts.shape not in ((), (self.count,)):
            raise ConfigError(
                "not numbers of bars", field="bars", found=bars, allowed=f"whole numbers, one or {self.count:,}"
            )
        now = self.bars
        last = self._bars.bar_count - 1
        if (counts < 0).any() or (now + counts > last).any():
            raise ConfigError(
                "not so many bars left", field="bars", found=int(np.max(counts)), allowed=f"up to bar {last:,}"
            )
        self._move(np.where(counts > 0, now + counts, STAYS))

    def close(self) -> None:
        """Ends the data of the cores that are at the last bar: orders end, positions are closed at its close."""
        last = self._bars.bar_count - 1
        done = self._own["account"]["bars_processed"][:, 0] > last
        self._move(np.where((self.bars == last) & ~done, last + 1, STAYS))

    def restart(self, cores: ArrayLike, bar: int | ArrayLike = -1) -> None:
        """Begins anew with the first account, as if the data began with `bar`, which has closed; -1 is before all."""
        chosen = self._chosen(cores)
        first = np.broadcast_to(np.asarray(bar, np.int64), chosen.shape)
        if (first < -1).any() or (first >= self._bars.bar_count).any():
            allowed = f"-1 to {self._bars.bar_count - 1:,}"
            raise ConfigError("no such bar", field="bar", found=bar, allowed=allowed)
        account = self._own["account"]
        account[chosen], self._own["positions"][chosen] = self._first.account, self._first.positions
        account["bar"][chosen, 0] = np.maximum(first - 1, -1)
        account["bars_processed"][chosen, 0] = np.maximum(first, 0)
        days = np.append(self._first.actions["bar"], NEVER)
        cursor = np.searchsorted(days[:-1], np.maximum(first, 0))
        account["action_cursor"][chosen, 0], account["action_bar"][chosen, 0] = cursor, days[cursor]
        targets = np.full(self.count, STAYS, np.int64)
        targets[chosen] = np.where(first < 0, STAYS, first)
        self._move(targets)

    def copy(self, source: int, target: ArrayLike) -> None:
        """Makes other cores what one of them is."""
        (origin,) = self._chosen([source])
        for rows in self._own.values():
            rows[self._chosen(target)] = rows[origin]

    def _move(self, targets: NDArray[Any]) -> None:
        targets = np.ascontiguousarray(targets, np.int64)
        stopped = self._advance(self._market_table, self._tables, targets, *self._words, self._per_bar)
        if stopped:
            raise self._stopped()

    def _stopped(self) -> CapacityError | StrategyError:
        status = self._own["account"]["status"][:, 0]
        core = int(np.flatnonzero(status != RunStatus.RUNNING)[0])
        if status[core] == RunStatus.NEED_ROOM:
            remedy = "raise orders_max, or cancel orders that are not wanted any more"
            return CapacityError(f"core {core}: too many live orders", field="orders_max", remedy=remedy)
        return StrategyError(
            f"core {core}: {RunStatus(status[core]).text}", allowed="slippage: finite and >= 0; commission: finite"
        )

    # ----------------------------------------------------------------------------------------------------------- orders

    def submit(self, rows: NDArray[np.record]) -> None:
        """Sends orders at the close of each core's last bar. `rows` as `requests` makes them; side 0 is left out.

        Afterwards `number` is the number of the order in its core, -1 where it found no room. What is no order the book
        refuses with a reason. OrderError for rows that are none, CapacityError where one found no room.
        """
        dtype = getattr(rows, "dtype", None)
        if dtype != order_dt or rows.ndim != 1 or not rows.flags.c_contiguous:
            raise OrderError(
                "not rows of orders", field="rows", found=type(rows).__name__, allowed="what requests(n) gives"
            )
        if not rows.flags.writeable:
            raise OrderError("read-only: the numbers of the orders are written into the rows", field="rows")
        if (rows["bits"] & ~REQUEST_BITS).any():
            raise OrderError(
                "bits that are the engine's own", field="bits", allowed="of OCO_REDUCE, REDUCE_ONLY, POST_ONLY"
            )
        refused = self._submit(self._tables, rows)
        if refused and (rows["number"] == NO_CORE).any():
            raise OrderError("no such core", field="number", allowed=f"0 to {self.count - 1:,}")
        if refused:
            remedy = "raise orders_per_bar_max"
            raise CapacityError(
                "more orders than a bar may bring", found=refused, allowed=str(self._per_bar), remedy=remedy
            )

    def cancel(self, cores: ArrayLike, numbers: ArrayLike) -> None:
        """Takes orders back at the beginning of the next bar: `numbers[i]` of core `cores[i]`."""
        self._send(CommandKind.CANCEL, cores, numbers, {})

    def replace(
        self,
        cores: ArrayLike,
        numbers: ArrayLike,
        *,
        quantity: ArrayLike | None = None,
        limit_price: ArrayLike | None = None,
        stop_price: ArrayLike | None = None,
    ) -> None:
        """Changes orders at the beginning of the next bar, as `Core.replace`; one number for all or one for each."""
        changes = dict(zip(CHANGES, (quantity, limit_price, stop_price), strict=True))
        given = {name: np.asarray(values, np.float64) for name, values in changes.items() if values is not None}
        if not given:
            raise OrderError("changes nothing", field="replace", allowed=" or ".join(changes))
        for name, values in given.items():
            if not ((values > 0.0) & (values < np.inf)).all():
                raise OrderError("out of range", field=name, found=values, allowed="finite numbers above zero")
        self._send(CommandKind.REPLACE, cores, numbers, given)

    def _send(
        self, kind: CommandKind, cores: ArrayLike, numbers: ArrayLike, changes: dict[str, NDArray[np.float64]]
    ) -> None:
        chosen = self._chosen(cores)
        commands: NDArray[np.record] = np.zeros(len(chosen), command_dt)
        commands["kind"] = kind
        for name, values in {
            "number": np.asarray(numbers),
            **dict.fromkeys(CHANGES, np.array(np.nan)),
            **changes,
        }.items():
            if values.shape not in ((), chosen.shape):
                raise OrderError("not one for each order", field=name, found=values.shape, allowed=f"({len(chosen)},)")
            commands[name] = values
        if refused := self._command(self._tables, chosen, commands):
            raise CapacityError("more commands than a bar may bring", found=refused)

    def _chosen(self, cores: ArrayLike) -> NDArray[np.int64]:
        chosen = np.atleast_1d(np.asarray(cores))
        if chosen.dtype == np.bool_ and chosen.shape == (self.count,):
            chosen = np.flatnonzero(chosen)
        if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or ((chosen < 0) | (chosen >= self.count)).any():
            raise ConfigError("no such core", field="cores", found=cores, allowed=f"0 to {self.count - 1:,}, or a mask")
        return chosen.astype(np.int64)


WIDTHS = (("orders", order_dt.itemsize // 8), ("fills", 6))


def read_folder(folder: Path | str) -> Path:
    """A folder that is there and holds no buffers: another arena may be at work on those."""
    place = Path(folder)
    if not place.is_dir():
        raise ConfigError("not a folder", field="folder", found=str(folder), allowed="one that is there")
    if taken := [name for name in OWN if (place / f"{name}.npy").exists()]:
        raise ConfigError("not empty", field="folder", found=f"{taken[0]}.npy", allowed="none of our buffers")
    return place


def read_count(value: Any, field: str, most: int) -> int:
    """A whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
        raise ConfigError("out of range", field=field, found=value, allowed=f"a whole number from 1 to {most:,}")
    return int(value)


def tables_of(first: State, own: dict[str, NDArray[Any]]) -> NDArray[np.uint64]:
    """The tables of addresses of all cores, shape (count, words): the first one's, moved on by a core's share."""
    table, count = handles(first), len(own["account"])
    tables = np.tile(table, (count, 1))
    for index, name in enumerate(State._fields):
        if name in own:
            tables[:, WORDS * index] += np.arange(count, dtype=np.uint64) * np.uint64(own[name].strides[0])
    return tables
