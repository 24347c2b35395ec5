"""`simulate_signals` and `simulate_targets`: decisions that are arrays, one value a bar."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numba.core import config
from numpy.typing import NDArray

from admf.data import Market
from admf.data.instrument import Instruments
from admf.errors import DataError
from admf.execution import Account, Execution
from admf.execution.risk import Risk
from admf.models import Number, unknown_name
from admf.results import Result
from admf.run.arguments import RecordLevel, check_bad_bars, read_market
from admf.run.compiled import make_call
from admf.run.deciding import LONG, LONG_EXIT, SHORT, SHORT_EXIT, Signals, Targets
from admf.run.entry import Run
from admf.run.loop import LOGS, Loop
from admf.strategy import CompiledStrategy
from admf_kernels.codes import SizeKind
from admf_kernels.records import State, command_dt

TARGETS = {"quantity": SizeKind.QUANTITY, "weight": SizeKind.EQUITY_FRACTION, "value": SizeKind.VALUE}
BUFFERS = ("orders", "working", "hits", "commands", "curve", *LOGS)  # what a run begins with unread
SizeWord = Literal["quantity", "value", "equity_fraction", "cash_fraction"]


@dataclass(frozen=True, eq=False, kw_only=True)
class GivenRun(Run):
    """A run whose strategy reads a row for each bar."""

    given: NDArray[np.record]  # command_dt[bars]
    shared_parts: list[bytes | NDArray[np.record]] | None = None  # of the fingerprint, where several runs have them

    def state(self) -> State:
        """The arena with the rows in the place of a script that has been read already."""
        state = super().state()._replace(script=self.given)
        state.account["script_cursor"] = len(self.given)
        return state

    def fingerprint_parts(self) -> list[bytes | NDArray[np.record]]:
        """The inputs, with the rows."""
        return [*(self.shared_parts or super().fingerprint_parts()), self.given]

    def run_columns(self, columns: Iterator[NDArray[np.record]]) -> list[Result]:
        """One run for each column of rows, with one kernel and one opened account for all of them."""
        check_bad_bars(self.execution, self.market)
        arrays, opened, strategy = self.market.arrays, self.state(), self.strategy_record()
        fresh, orders = strategy.copy(), self.orders_per_bar_max
        call = make_call(self.hooks(), strategy, arrays, opened, orders, debug=False)
        parts = super().fingerprint_parts()
        results = []
        for rows in columns:
            strategy[:] = fresh
            buffers = {name: np.empty_like(getattr(opened, name)) for name in BUFFERS}
            state = opened._replace(account=opened.account.copy(), positions=opened.positions.copy(), **buffers)
            loop = Loop(arrays, state._replace(script=rows), call, orders)
            start = time.perf_counter()
            loop.run()
            run = replace(self, given=rows, shared_parts=parts)
            results.append(Result(run.records(loop, time.perf_counter() - start)))
        return results


def simulate_signals(
    bars: Any,
    entries: Any,
    exits: Any,
    short_entries: Any = None,
    short_exits: Any = None,
    *,
    size: float = 1.0,
    size_kind: SizeWord = "equity_fraction",
    stop_loss: float | None = None,
    take_profit: float | None = None,
    trailing_stop: float | None = None,
    execution: Execution | None = None,
    account: Account | None = None,
    instruments: Instruments = None,
    risk: Risk | None = None,
    record: RecordLevel = "full",
    close_positions: bool = True,
    debug: bool = False,
) -> Any:
    """Runs truth values, one a bar: a Result for arrays of shape (bars,), a list of them for (bars, columns).

    A signal is known at the close of its bar; its market order meets the next open (`execution.market_fill`). An entry
    while the other side is held closes that first; an entry beside an exit of its own side is no entry, nor are both
    entries at once. `size` is a share of the equity, or what `size_kind` says. `stop_loss`, `take_profit` and
    `trailing_stop` are shares of the close of the signal (0.02 is 2 %) and work from the bar of the fill on. Raises
    DataError for arrays of another length or that hold no truth values, ConfigError for sizes and shares out of range.
    """
    market = read_market(bars, instruments)
    given = [
        truth(values, name, market)
        for name, values in (
            ("entries", entries),
            ("exits", exits),
            ("short_entries", short_entries),
            ("short_exits", short_exits),
        )
    ]
    columns = max(array.shape[1] for array in given)
    strategy = Signals(
        size=share(size, "size", None),
        size_kind=read_size_kind(size_kind),
        stop_loss=share(stop_loss, "stop_loss", 1.0),
        take_profit=share(take_profit, "take_profit", None),
        trailing_stop=share(trailing_stop, "trailing_stop", 1.0),
    )
    wide = [np.broadcast_to(array, (market.bar_count, columns)) for array in same_width(given, columns)]
    bits = sum(
        array.astype(np.int8) * bit for array, bit in zip(wide, (LONG, LONG_EXIT, SHORT, SHORT_EXIT), strict=True)
    )
    rows = (as_rows(kind=column) for column in np.asarray(bits, np.int8).T)
    flat = all(np.ndim(values) < 2 for values in (entries, exits, short_entries, short_exits))
    return run_all(
        market, strategy, rows, flat, execution=execution, account=account, risk=risk, record=record,
        close_positions=close_positions, debug=debug,
    )  # fmt: skip


def simulate_targets(
    bars: Any,
    target: Any,
    kind: Literal["quantity", "weight", "value"] = "quantity",
    *,
    execution: Execution | None = None,
    account: Account | None = None,
    instruments: Instruments = None,
    risk: Risk | None = None,
    record: RecordLevel = "full",
    close_positions: bool = True,
    debug: bool = False,
) -> Any:
    """Runs target positions, one a bar: a Result for an array of shape (bars,), a list of them for (bars, columns).

    A target is in units, a share of the equity (`weight`) or money (`value`), negative for short; NaN changes nothing.
    It is known at the close of its bar, where the difference to what is held is ordered at market; shares and values
    are turned into units at that close, from flat at the fill. Raises as `simulate_signals`.
    """
    market = read_market(bars, instruments)
    if kind not in TARGETS:
        raise unknown_name(kind, TARGETS, field="kind", what="kind of target")
    values = numbers(target, "target", market)
    strategy = Targets(kind=int(TARGETS[kind]))
    rows = (as_rows(quantity=column) for column in values.T)
    return run_all(
        market, strategy, rows, np.ndim(target) < 2, execution=execution, account=account, risk=risk, record=record,
        close_positions=close_positions, debug=debug,
    )  # fmt: skip


def run_all(
    market: Market,
    strategy: CompiledStrategy,
    rows: Iterator[NDArray[np.record]],
    flat: bool,
    *,
    execution: Execution | None,
    account: Account | None,
    risk: Risk | None,
    record: RecordLevel,
    close_positions: bool,
    debug: bool,
) -> Result | list[Result]:
    """One run for each column; the only one by itself where the arrays were flat."""
    first = next(rows)
    run = GivenRun.read(
        market, execution=execution, account=account, risk=risk, record=record, close_positions=close_positions,
        debug=debug, strategy=strategy, given=first,
    )  # fmt: skip
    if flat:
        return run.run(None)
    columns = itertools.chain((first,), rows)
    if debug or config.DISABLE_JIT or run.execution.bounds or run.execution.user_laws():
        return [replace(run, given=given).run(None) for given in columns]
    return run.run_columns(columns)


def as_rows(**columns: NDArray[Any]) -> NDArray[np.record]:
    """One row for each bar with these fields."""
    made: NDArray[np.record] = np.zeros(len(next(iter(columns.values()))), command_dt)
    for name, values in columns.items():
        made[name] = values
    return made


def shaped(values: Any, field: str, market: Market) -> NDArray[Any]:
    """An array of shape (bars, columns) of one symbol's decisions."""
    if market.symbol_count != 1:
        message = "signals and targets are for one symbol"
        raise DataError(message, field="bars", found=f"{market.symbol_count} symbols", remedy="use a CompiledStrategy")
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if array.ndim not in (1, 2) or len(array) != market.bar_count:
        allowed = f"({market.bar_count},) or ({market.bar_count}, columns)"
        raise DataError("not one value a bar", field=field, found=array.shape, allowed=allowed)
    return array.reshape(len(array), -1)


def truth(values: Any, field: str, market: Market) -> NDArray[np.bool_]:
    """Truth values; None is never."""
    if values is None:
        return np.zeros((market.bar_count, 1), np.bool_)
    array = shaped(values, field, market)
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind not in "iuf" or not np.isin(array, (0, 1)).all():
        raise DataError("not truth values", field=field, found=array.dtype.name, allowed="true, false, 0 and 1")
    return array.astype(np.bool_)


def numbers(values: Any, field: str, market: Market) -> NDArray[np.float64]:
    """Finite numbers or NaN."""
    array = shaped(values, field, market)
    if array.dtype.kind not in "iuf" or np.isinf(array.astype(np.float64)).any():
        raise DataError(
            "not numbers", field=field, found=array.dtype.name, allowed="finite numbers, and NaN for no change"
        )
    return array.astype(np.float64)


def same_width(given: list[NDArray[np.bool_]], columns: int) -> list[NDArray[np.bool_]]:
    """Arrays of one column, or all of the same number."""
    for array in given:
        if array.shape[1] not in (1, columns):
            raise DataError(
                "other numbers of columns", field="signals", found=array.shape[1], allowed=f"1 or {columns}"
            )
    return given


def share(value: float | None, field: str, maximum: float | None) -> float:
    """A positive number; 0 for none."""
    if value is None:
        return 0.0
    return float(Number(above=0.0, maximum=maximum).read(value, field) or 0.0)


def read_size_kind(word: str) -> int:
    """The code of a kind of size."""
    if word not in SizeKind.words():
        raise unknown_name(word, SizeKind.words(), field="size_kind", what="kind of size")
    return int(SizeKind[word.upper()])
