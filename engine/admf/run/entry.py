"""`simulate` and `backtest`."""

import hashlib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numba.core import config
from numpy.typing import NDArray

from admf.data import Market
from admf.data.instrument import Instruments
from admf.errors import AdmfError, ConfigError, StrategyError, counted
from admf.execution import Account, Execution
from admf.execution.fees import fee_table
from admf.execution.risk import Risk
from admf.orders import Script, read_orders
from admf.results import Result, RunRecords
from admf.run.arguments import (
    RecordLevel,
    check_bad_bars,
    read_barred,
    read_market,
    read_positions,
    read_record,
    read_value,
)
from admf.run.compiled import HOOKS, make_call
from admf.run.loop import Loop, Progress, first_rows
from admf_kernels._jit import fingerprint
from admf_kernels.arena import Sizes, allocate, open_account
from admf_kernels.codes import Record
from admf_kernels.records import State, record

if TYPE_CHECKING:
    from admf.strategy import CompiledStrategy

NO_LIMITS = Risk()
STEP_ADVICE = "debug=True steps the same code in plain Python, with line numbers"
NO_STRATEGY = record([("unused", np.int64)], 8)


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """Everything one run is made of, checked.

    `orders_per_bar` is for a run without script and compiled strategy; `container` the number of its container.
    """

    market: Market
    execution: Execution
    account: Account
    record: RecordLevel
    close_positions: bool
    debug: bool
    script: Script | None = None
    strategy: "CompiledStrategy | None" = None
    risk: Risk = NO_LIMITS
    orders_per_bar: int = 1
    container: int = 0

    @classmethod
    def read(cls, market: Market, *, execution: Any, account: Any, risk: Any, record: Any, **own: Any) -> Self:
        """A run of what is given, checked: rules as values, mappings or None for the default."""
        return cls(
            market=market,
            execution=read_value(execution, Execution, "execution"),
            account=read_value(account, Account, "account"),
            risk=read_value(risk, Risk, "risk"),
            record=read_record(record),
            **own,
        )

    def __post_init__(self) -> None:
        """ConfigError where the strategy trades more symbols than there are."""
        wanted = 1 if self.strategy is None else self.strategy.symbols_min
        if wanted > self.market.symbol_count:
            found = f"{counted(self.market.symbol_count, 'symbol')}: {', '.join(self.market.symbols[:5])}"
            message, remedy = f"{type(self.strategy).__name__} trades {wanted} symbols", "name them: data.symbols"
            raise ConfigError(message, field="strategy", found=found, allowed=f"{wanted} or more", remedy=remedy)

    @property
    def orders_per_bar_max(self) -> int:
        """Orders that one bar may bring."""
        if self.strategy:
            return self.strategy.orders_per_bar_max
        if self.script is None:
            return self.orders_per_bar
        bars = self.script.commands["bar"][self.script.commands["kind"] < 0]
        return int(np.bincount(bars + 1).max()) if len(bars) else 1

    def hooks(self) -> dict[str, Callable[..., Any]]:
        """What the loop calls: the strategy's hooks and the user's laws."""
        own: dict[str, Callable[..., Any]] = dict(self.strategy.hooks()) if self.strategy else {}
        return own | self.execution.user_laws()

    def strategy_record(self) -> NDArray[np.record]:
        """`self` of the strategy as the kernels take it."""
        return self.strategy.record() if self.strategy else np.zeros(1, NO_STRATEGY)

    def state(self) -> State:
        """The arena with its account opened and its script loaded."""
        market, level = self.market, Record[self.record.upper()]
        config = self.execution.cast(
            self.account,
            bar_count=market.bar_count,
            has_volume=market.has_volume,
            close_positions=self.close_positions,
            sample_sessions=market.intraday,
            record=self.record,
            has_ticks=bool((market.instrument_records["tick_inverse"] > 0.0).all()),
            has_vwap=market.has_vwap,
            dated=market.dated,
            container=self.container,
            risk=self.risk,
        )
        script_rows = len(self.script.commands) if self.script is not None else 0
        symbols, bars = market.symbol_count, market.bar_count
        rows = first_rows(bars, script_rows, self.orders_per_bar_max, symbols, level)
        state = allocate(Sizes(symbols, bars if level != Record.SUMMARY else 0, rows, level))
        fees = fee_table(self.execution.commission)
        actions, instruments = market.actions(**self.account.brings), market.records_in(self.account.currency)
        state = state._replace(config=config, instruments=instruments, fees=fees, actions=actions)
        open_account(state, self.account.cash, read_positions(self.account, market), self.execution.short == "margin")
        state.positions["barred"] = read_barred(self.risk, market.symbols)
        if self.script is not None:
            script, numbers = self.script, np.full(script_rows, -1, np.int32)
            state = state._replace(script=script.commands, script_orders=script.orders, script_numbers=numbers)
        return state

    def fingerprint_parts(self) -> list[bytes | NDArray[np.record]]:
        """All inputs beside the market, as they are now: what a user may change later is read at once."""
        laws = {slot: fingerprint(law) for slot, law in self.execution.user_laws().items()}
        rules = (self.execution.to_dict(), laws, self.account.to_dict(), self.close_positions)
        parts: list[bytes | NDArray[np.record]] = [repr(part).encode() for part in rules]
        if self.script is not None:
            parts += [self.script.commands, self.script.orders]
        if self.risk.limited:
            parts.append(repr(self.risk.to_dict()).encode())
        if self.strategy:
            parts.append(repr((self.strategy.parameters, fingerprint(*self.strategy.hooks().values()))).encode())
        return parts

    def run(self, progress: Progress | None) -> Result:
        """The run from the first bar to the last; with `execution.bounds` also the one on the other path."""
        if not self.execution.bounds:
            return self.run_once(progress)
        result = self.run_once(half(progress, 0))
        path = "best" if self.execution.path == "worst" else "worst"
        other = replace(self, execution=self.execution.replace(path=path, bounds=False))
        return Result(replace(result.records, other=other.run_once(half(progress, 1)).records))

    def run_once(self, progress: Progress | None, state: State | None = None) -> Result:
        """One pass over the bars, in `state` where one is at hand."""
        check_bad_bars(self.execution, self.market)
        state = self.state() if state is None else state
        strategy = self.strategy_record()
        arrays = self.market.arrays
        call = make_call(self.hooks(), strategy, arrays, state, self.orders_per_bar_max, self.debug)
        loop = Loop(arrays, state, call, self.orders_per_bar_max)
        start = time.perf_counter()
        try:
            loop.run(progress)
        except (AdmfError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise self._failed(error, int(state.account[0].bar)) from error
        return Result(self.records(loop, time.perf_counter() - start))

    def _failed(self, error: Exception, bar: int) -> StrategyError:
        name = type(self.strategy).__name__ if self.strategy else "a law"
        remedy = "" if self.debug or config.DISABLE_JIT else STEP_ADVICE
        own = self.strategy.hooks().values() if self.strategy else ()
        files = {hook.__code__.co_filename for hook in own}  # stored code may be of a copy elsewhere
        for step in traceback.extract_tb(error.__traceback__):
            if step.name in HOOKS and step.filename in files:
                name = f"{type(self.strategy).__name__}.{step.name} (line {step.lineno} of {step.filename})"
        return StrategyError(f"{name} raised {type(error).__name__} at bar {bar}: {error}", remedy=remedy)

    def records(self, loop: Loop, elapsed_s: float) -> RunRecords:
        """What a loop that has come to its end leaves behind."""
        state, market = loop.state, self.market
        described = None
        title = counted(len(self.script), "order") if self.script is not None else ""
        if self.strategy:
            title = type(self.strategy).__name__
            described = {"name": title, "parameters": self.strategy.parameters}
        return RunRecords(
            market=market,
            execution=self.execution,
            account_value=self.account,
            orders=loop.orders(),
            fills=loop.logs.joined("fills", state.fills),
            transitions=loop.logs.joined("transitions", state.transitions),
            trades=loop.logs.joined("trades", state.trades),
            curve=state.curve[: int(state.account[0].bars_processed)],
            account=state.account[0],
            positions=state.positions,
            record=self.record,
            title=title,
            elapsed_s=elapsed_s,
            periods_per_year=market.periods_per_year,
            years=market.years,
            inputs_fingerprint=partial(inputs_fingerprint, market, self.fingerprint_parts()),
            ids=self.script.ids if self.script is not None else None,
            table=self.script.table if self.script is not None else None,
            strategy=described,
            numbers_by_input=self.script.numbers_by_input(state.script_numbers) if self.script is not None else None,
        )


def inputs_fingerprint(market: Market, parts: list[bytes | NDArray[np.record]]) -> str:
    """sha256 (hex) of all inputs: equal fingerprints give equal results. Reads all of the market."""
    digest = hashlib.sha256(market.fingerprint.encode())
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.view(np.uint8).data)
    return digest.hexdigest()


def half(progress: Progress | None, done: int) -> Progress | None:
    """The progress of one of two runs over the same bars, after `done` of them."""
    return progress and (lambda bar, bars: progress(done * bars + bar, 2 * bars))


def simulate(
    bars: Any,
    orders: Any,
    *,
    execution: Execution | None = None,
    account: Account | None = None,
    instruments: Instruments = None,
    risk: Risk | None = None,
    record: RecordLevel = "full",
    close_positions: bool = False,
    on_bad_order: Literal["reject", "error"] = "reject",
    debug: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Executes a table of orders on bars; every order ends in a state with a reason.

    `bars`: a Market, Bars, a list of Bars, or a table that Bars takes. `orders`: a table with the columns of the
    README. An order whose own quantity, price or symbol is wrong ends REJECTED; `on_bad_order="error"` refuses such a
    table as a whole. `record`: what is kept, "full", "fills" or "summary". `debug=True` runs the same rules in plain
    Python. `progress` is called with (bars done, bars in all). Raises AdmfError before anything runs where the input
    is bad.
    """
    market = read_market(bars, instruments)
    script = read_orders(orders, market)
    if on_bad_order == "error":
        script.refuse_faults(market.instrument_records, sizes=read_value(risk, Risk, "risk").sizes)
    elif on_bad_order != "reject":
        raise ConfigError("unknown word", field="on_bad_order", found=on_bad_order, allowed="reject, error")
    run = Run.read(
        market, execution=execution, account=account, risk=risk, record=record, close_positions=close_positions,
        debug=debug, script=script,
    )  # fmt: skip
    return run.run(progress)


def backtest(
    market: Any,
    strategy: "CompiledStrategy",
    *,
    execution: Execution | None = None,
    account: Account | None = None,
    instruments: Instruments = None,
    risk: Risk | None = None,
    record: RecordLevel = "full",
    close_positions: bool = True,
    debug: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Runs a compiled strategy over a market and closes its positions at the last close.

    `market` and the other arguments are those of `simulate`. `debug=True` steps the strategy's hooks in plain Python,
    with the same results. Raises StrategyError where the strategy does not compile or fails, other AdmfErrors before
    the run.
    """
    from admf.strategy import CompiledStrategy

    if not isinstance(strategy, CompiledStrategy):
        found = f"the class {strategy.__name__}" if isinstance(strategy, type) else type(strategy).__name__  # type: ignore[unreachable]
        allowed = "an instance of a subclass of admf.CompiledStrategy"
        raise ConfigError("not a strategy", field="strategy", found=found, allowed=allowed)
    run = Run.read(
        read_market(market, instruments), execution=execution, account=account, risk=risk, record=record,
        close_positions=close_positions, debug=debug, strategy=strategy,
    )  # fmt: skip
    return run.run(progress)
