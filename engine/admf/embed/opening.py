"""How a core begins and what it leaves behind: its arena opened with the rules, its records as a Result."""

from functools import partial
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from admf.data import Market
from admf.embed.book import blank, used_rows
from admf.errors import ConfigError
from admf.execution import Account, Execution, Risk
from admf.execution.fees import fee_table
from admf.results import Result, RunRecords
from admf.run.arguments import RecordLevel, read_barred
from admf.run.entry import Run, inputs_fingerprint
from admf_kernels.arena import Sizes, open_account
from admf_kernels.codes import Record
from admf_kernels.records import State


class Facts(NamedTuple):
    """What the rules have to know about the bars."""

    symbols: tuple[str, ...]
    instruments: NDArray[np.record]
    bar_count: int
    has_volume: bool
    dated: bool
    actions: NDArray[np.record]  # splits, dividends, delistings, funding, days of interest
    has_vwap: bool = False
    intraday: bool = False

    @classmethod
    def of(cls, market: Market, account: Account) -> Self:
        """Those of a market."""
        if market.changes_rates or account.settlement_days:
            message = "rates that change, other currencies and settlement are for whole runs"
            raise ConfigError(message, field="market", remedy="use admf.simulate, admf.backtest or a container")
        actions = market.actions(**account.brings)
        return cls(
            market.symbols, market.instrument_records, market.bar_count, market.has_volume, market.dated, actions,
            market.has_vwap, market.intraday,
        )  # fmt: skip


def open_state(
    facts: Facts, execution: Execution, account: Account, risk: Risk, record: RecordLevel, curve_bars: int, rows: int
) -> State:
    """An arena with its account opened; ConfigError for rules and limits that these bars cannot have."""
    level = Record[record.upper()]
    config = execution.cast(
        account,
        bar_count=facts.bar_count,
        has_volume=facts.has_volume,
        close_positions=True,
        sample_sessions=facts.intraday,
        record=record,
        has_ticks=bool((facts.instruments["tick_inverse"] > 0.0).all()),
        has_vwap=facts.has_vwap,
        dated=facts.dated,
        risk=risk,
    )
    state = blank(Sizes(len(facts.symbols), curve_bars if level != Record.SUMMARY else 0, rows, level))
    fees = fee_table(execution.commission)
    state = state._replace(config=config, instruments=facts.instruments, fees=fees, actions=facts.actions)
    open_account(state, account.cash, positions_of(account, facts), execution.short == "margin")
    state.positions["barred"] = read_barred(risk, facts.symbols)
    return state


def positions_of(account: Account, facts: Facts) -> list[tuple[float, float]]:
    """Initial (quantity, price) by symbol; ConfigError for a symbol that the core does not have."""
    given = dict(account.positions or {})
    if unknown := sorted(given.keys() - set(facts.symbols)):
        allowed = ", ".join(facts.symbols)
        raise ConfigError("no bars for this symbol", field="account.positions", found=unknown[0], allowed=allowed)
    return [given.get(symbol, (0.0, 0.0)) for symbol in facts.symbols]


def refuse_days(account: Account, risk: Risk) -> None:
    """ConfigError for what counts by the day, on bars that are pushed: nobody says where a day ends."""
    by_day = {"account": account.accrues and "a rate"}
    by_day |= {f"risk.{name}": getattr(risk, name) for name in ("max_daily_loss", "max_session_orders")}
    for field, found in by_day.items():
        if found:
            remedy = "rates and limits of a session need the days of Core(bars)"
            raise ConfigError("not on pushed bars", field=field, found=found, allowed="nothing", remedy=remedy)


def result_of(
    state: State, market: Market, execution: Execution, account: Account, risk: Risk, record: RecordLevel
) -> Result:
    """The records of a run that has come to its end."""
    run = Run(
        market=market, execution=execution, account=account, risk=risk, record=record, close_positions=True, debug=False
    )  # fmt: skip
    return Result(
        RunRecords(
            market=market,
            execution=execution,
            account_value=account,
            orders=used_rows(state, "orders").copy(),
            fills=used_rows(state, "fills").copy(),
            transitions=used_rows(state, "transitions").copy(),
            trades=used_rows(state, "trades").copy(),
            curve=state.curve[: int(state.account[0].bars_processed)].copy(),
            account=state.account.copy()[0],
            positions=state.positions.copy(),
            record=record,
            title="core",
            elapsed_s=0.0,
            periods_per_year=market.periods_per_year,
            years=market.years,
            inputs_fingerprint=partial(inputs_fingerprint, market, run.fingerprint_parts()),
        )
    )
