"""One case, three ways to run it: the oracle, our laws as plain Python, our laws compiled.

`PATHS` drives the equality tests and the benchmarks: what a path gives is an `Outcome` of plain tuples, compared
exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan, nan
from typing import Any

import numpy as np

import admf
from admf.orders import Script, read_orders
from admf_kernels.codes import CommandKind, OrderFlag
from oracle import clock
from oracle.records import Bar, Command, Instrument, Limits, Request, Rules
from oracle.world import World

NS_PER_DAY = 86_400_000_000_000
NS_PER_HOUR = 3_600_000_000_000
COUNTED = (
    "drawdown_max", "return_sum", "return_square_sum", "downside_square_sum", "equity_sum", "traded_value",
    "commission", "slippage_cost", "clamp_saving", "profit_sum", "loss_sum", "sample_count", "exposed_bars", "trips",
    "trips_won", "fills", "orders_filled", "orders_cancelled", "orders_rejected", "orders_expired", "bad_bars",
    "bad_bar_first", "clamps", "ambiguous_groups", "ambiguous_bars", "at_stake", "entry_bar_profit", "bankrupt_bar",
    "margin_calls", "delistings", "dividends", "funding", "interest", "borrow_fees",
    "unfilled_not_touched", "unfilled_capped", "unfilled_no_volume", "unfilled_funds", "unfilled_bad_bar",
    "unfilled_clamp",
)  # fmt: skip
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """Bars of one or two symbols (rows of open, high, low, close, volume, or these and vwap), orders, and rules."""

    bars: list[list[Row]]
    orders: list[dict[str, Any]]
    execution: Mapping[str, Any] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)
    instrument: Mapping[str, Any] = field(default_factory=dict)
    bars_per_day: int = 0  # 0: undated
    has_volume: bool = True
    close_positions: bool = False
    risk: Mapping[str, Any] = field(default_factory=dict)
    actions: Sequence[tuple[int, str, str, float]] = ()  # bar, symbol, column of the table of actions, value
    rates: Sequence[tuple[int, str | None, str, float]] = ()  # bar, symbol or all, column of the table of rates, value
    conversions: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)  # by currency: bar, rate
    currencies: Sequence[str | None] = ()  # of the symbols, where they are not the account's

    def market(self) -> admf.Market:
        """The bars as the engine takes them; invalid ones are kept."""
        return self._market

    @cached_property
    def _market(self) -> admf.Market:
        parts = []
        for index, rows in enumerate(self.bars):
            names = ("open", "high", "low", "close", "volume", "vwap")[: len(rows[0])]
            columns = dict(zip(names, zip(*rows, strict=True), strict=True))
            if not self.has_volume:
                del columns["volume"]
            if self.bars_per_day:
                columns["timestamp"] = self.stamps(len(rows))
            parts.append(admf.load(columns, symbol=f"S{index}", on_defect="keep"))
        currencies = [*self.currencies, *[None] * len(parts)]
        instruments = [
            admf.Instrument(part.symbol, **{"currency": currency, **self.instrument})
            for part, currency in zip(parts, currencies, strict=False)
        ]
        clock = self.stamps(max(map(len, self.bars)) + 1)
        actions, rates = (
            [{"symbol": name, "timestamp": clock[bar], column: value} for bar, name, column, value in rows]
            for rows in (self.actions, self.rates)
        )
        conversions = {
            name: [{"timestamp": clock[bar], "rate": rate} for bar, rate in rows]
            for name, rows in self.conversions.items()
        }
        return admf.Market(
            parts, instruments=instruments, actions=actions or None, rates=rates or None, conversions=conversions
        )

    def stamps(self, count: int) -> Any:
        """The opens of so many bars, an hour apart."""
        number = np.arange(count)
        stamps = number // max(self.bars_per_day, 1) * NS_PER_DAY + number % max(self.bars_per_day, 1) * NS_PER_HOUR
        return (stamps + 1_700_006_400_000_000_000).astype("datetime64[ns]")


@dataclass(frozen=True)
class Outcome:
    """What happened, as plain values; NaN is the word "nan" so that equal means equal."""

    fills: list[Row]
    transitions: list[Row]
    orders: list[Row]
    trades: list[Row]
    curve: list[Row]
    counts: dict[str, Any]
    trace_hash: str


def plain(*values: Any) -> Row:
    """Numbers as Python has them."""
    numbers = (value.item() if isinstance(value, np.generic) else value for value in values)
    return tuple("nan" if isinstance(value, float) and isnan(value) else value + 0 for value in numbers)


def by_engine(case: Case, *, debug: bool) -> Outcome:
    """Our laws."""
    result = admf.simulate(
        case.market(),
        case.orders,
        execution=admf.Execution(**case.execution),
        account=admf.Account(**case.account),
        risk=admf.Risk(**case.risk),
        close_positions=case.close_positions,
        debug=debug,
    )
    records = result.records
    names = {
        "fills": (
            "order", "bar", "symbol", "side", "price", "quantity", "commission", "base_price", "liquidity", "ambiguous",
            "reason",
        ),
        "transitions": ("order", "bar", "from_status", "to_status", "event", "reason"),
        "orders": (
            "number", "status", "reason", "quantity", "filled_quantity", "filled_value", "commission", "submitted_bar",
            "closed_bar",
        ),
        "trades": (
            "quantity", "entry_price", "exit_price", "pnl", "commission", "entry_bar", "exit_bar", "symbol", "side",
            "ambiguous",
        ),
        "curve": ("cash", "equity"),
    }  # fmt: skip
    tables = {
        table: [plain(*(row[name] for name in columns)) for row in getattr(records, table)]
        for table, columns in names.items()
    }
    counts = {name: plain(records.account[name])[0] for name in COUNTED}
    return Outcome(**tables, counts=counts, trace_hash=result.trace_hash)


def by_oracle(case: Case) -> Outcome:
    """The naive reading."""
    market = case.market()
    world = run_oracle(case, market, *read_script(read_orders(case.orders, market)))
    return Outcome(
        fills=[
            plain(
                fill.order, fill.bar, fill.symbol, fill.side, fill.price, fill.quantity, fill.commission,
                fill.base_price, int(fill.liquidity), int(fill.ambiguous), int(fill.reason),
            )
            for fill in world.fills
        ],
        transitions=[
            plain(step.order, step.bar, int(step.from_status), int(step.to_status), int(step.event), int(step.reason))
            for step in world.transitions
        ],
        orders=[
            plain(
                order.number, int(order.status), int(order.reason), order.quantity, order.filled, order.value,
                order.commission, order.submitted_bar, order.closed_bar,
            )
            for order in world.orders
        ],
        trades=[
            plain(
                trade.quantity, trade.entry_price, trade.exit_price, trade.pnl, trade.commission, trade.entry_bar,
                trade.exit_bar, trade.symbol, trade.side, trade.ambiguous,
            )
            for trade in world.trades
        ],
        curve=[plain(*row) for row in world.curve],
        counts={name: plain(getattr(world.statistics, name))[0] for name in COUNTED},
        trace_hash=world.digest.text(),
    )  # fmt: skip


def run_oracle(case: Case, market: admf.Market, commands: list[Command], requests: list[Request]) -> World:
    """The oracle on a script; `bars` and `orders` of the case are not looked at."""
    arrays, account = market.arrays, admf.Account(**case.account)
    bars = [
        [
            Bar(*(float(getattr(arrays, name)[bar, symbol]) for name in ("open", "high", "low", "close", "volume")),
                int(arrays.session_end[bar]),
                int(arrays.timestamp[bar]) if market.dated else None,
                float(arrays.vwap[bar, symbol]) if market.has_vwap else nan)
            for bar in range(market.bar_count)
        ]
        for symbol in range(market.symbol_count)
    ]  # fmt: skip
    instruments = [
        Instrument(*(float(row[name]) for name in ("tick_inverse", "lot_size", "min_quantity", "multiplier")))
        for row in market.records_in(account.currency)
    ]
    held = dict(account.positions or {})
    positions = [held.get(symbol, (0.0, 0.0)) for symbol in market.symbols]
    rows = market.actions(**account.brings)
    actions = [(int(row["bar"]), int(row["symbol"]), int(row["kind"]), float(row["value"])) for row in rows]
    return clock.run(bars, commands, requests, rules_of(case, market, account), instruments, positions, actions)


def rules_of(case: Case, market: admf.Market, account: admf.Account) -> Rules:
    """The words of the run for the oracle."""
    execution = admf.Execution(**case.execution)
    words = {name: getattr(execution, name) for name in execution.KINDS if name not in ("slippage", "commission")}
    models = {family: model_of(getattr(execution, family)) for family in ("slippage", "commission")}
    return Rules(
        **words,
        **models,
        has_volume=market.has_volume,
        close_positions=case.close_positions,
        sample_sessions=market.intraday,
        margin_initial=account.margin_initial,
        margin_maintenance=account.margin_maintenance,
        leverage=account.leverage,
        cash_rate=account.cash_rate,
        debit_rate=account.debit_rate,
        borrow_rate=account.borrow_rate,
        settlement_days=account.settlement_days,
        initial_cash=account.cash,
        risk=limits_of(case, market),
    )


def limits_of(case: Case, market: admf.Market) -> Limits | None:
    """The limits of the run for the oracle, with the columns of the symbols that may not open."""
    if not case.risk:
        return None
    words = {name: value for name, value in case.risk.items() if name not in ("symbols", "sizing")}
    allowed = case.risk.get("symbols", market.symbols)
    barred = tuple(place for place, symbol in enumerate(market.symbols) if symbol not in allowed)
    return Limits(**words, barred=barred, sizing=model_of(admf.Risk(**case.risk).sizing))


def model_of(model: Any) -> Row:
    """A slippage or commission model as (name, numbers…, words…), or its function."""
    if model.function is not None:
        return "law", model.function
    if model.model == "sum":
        return model.model, tuple(model_of(part) for part in model.parameters[0])
    if model.spec.listed:
        return model.model, *model.parameters
    numbers = [value for name, value in model.record_values().items() if name[-1].isdigit()]
    return model.model, *numbers, *(value for value in model.parameters if isinstance(value, str))


def read_script(script: Script) -> tuple[list[Command], list[Request]]:
    """Script rows as the oracle takes them: both sides see the same orders in the same order."""
    commands, requests = [], []
    for command, order in zip(script.commands, script.orders, strict=True):
        kind = "submit" if command["kind"] < 0 else CommandKind(int(command["kind"])).name.lower()
        changed = (float(command[name]) for name in ("quantity", "limit_price", "stop_price"))
        commands.append(Command(int(command["bar"]), kind, int(command["number"]), *changed))
        names = ("side", "type", "quantity", "size_kind", "size_amount", "limit_price", "stop_price", "time_in_force")
        names += ("expiry", "parent", "oco", "symbol")
        flags = int(order["bits"])
        asked = {name: order[name].item() for name in names}
        if asked["parent"] < -1:  # a parent that was never sent
            asked["parent"] = len(script.commands)
        requests.append(
            Request(
                *asked.values(),
                bool(flags & OrderFlag.REDUCE_ONLY),
                bool(flags & OrderFlag.OCO_REDUCE),
                int(order["tag"]),
                **trail_of(order),
                post_only=bool(flags & OrderFlag.POST_ONLY),
                protected_at=float(order["protected_at"]),
            )
        )
    return commands, requests


def trail_of(order: np.void) -> dict[str, float]:
    """Distances and offsets of a trail as a request has them; a share of the price is a percentage there."""
    distance = float(order["trail_distance"])
    by_percent = bool(int(order["bits"]) & OrderFlag.TRAIL_PERCENT)
    return {
        "trail_amount": nan if by_percent else distance,
        "trail_percent": round(distance * 100.0, 9) if by_percent else nan,
        "trail_activation_offset": float(order["trail_offset"]),
        "limit_offset": float(order["limit_offset"]),
    }


PATHS: dict[str, Callable[[Case], Outcome]] = {
    "oracle": by_oracle,
    "stepped": lambda case: by_engine(case, debug=True),
    "compiled": lambda case: by_engine(case, debug=False),
}


def first_difference(case: Case, names: tuple[str, ...] = ("oracle", "compiled")) -> str:
    """Where two paths part, in words; empty where they agree bit for bit."""
    first, second = names
    return difference(PATHS[first](case), PATHS[second](case), names)


def difference(one: Outcome, other: Outcome, names: tuple[str, ...]) -> str:
    """Where two outcomes part, in words with the names of their paths."""
    for table in ("transitions", "fills", "orders", "trades", "curve"):
        left, right = getattr(one, table), getattr(other, table)
        for index, (row, counterpart) in enumerate(zip(left, right, strict=False)):
            if row != counterpart:
                return f"{table}[{index}]: {names[0]} {row} {names[1]} {counterpart}"
        if len(left) != len(right):
            longer, shorter = sorted((left, right), key=len, reverse=True)
            return f"{table}: {len(left)} and {len(right)} rows, the first alone is {longer[len(shorter)]}"
    for name, value in one.counts.items():
        if value != other.counts[name]:
            return f"{name}: {names[0]} {value!r} {names[1]} {other.counts[name]!r}"
    return "" if one.trace_hash == other.trace_hash else "trace hash"
