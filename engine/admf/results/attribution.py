"""Whose profit it was: what each symbol earned and cost, and what its closing fills realised on average cost."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.results.records import RecordArray, RunRecords
from admf.results.words import code_words, stamps, symbol_words
from admf_kernels.codes import ActionKind, BarFlag, Reason, Side

Floats = NDArray[np.float64]
AFTER_ACTIONS = (Reason.CLOSE_POSITIONS, Reason.BANKRUPT, Reason.MARGIN_CALL)  # fills that come after P5's payments
DUST = 1e-9  # of what was traded: a rest below it is rounding
DAYS_PER_YEAR = 365.0


class Payments(NamedTuple):
    """Money by symbol, shape (symbols,)."""

    dividends: Floats
    funding: Floats
    borrow_fees: Floats


def attribution_frame(records: RunRecords) -> pl.DataFrame:
    """One row a symbol, in market order; money in the account's currency.

    `pnl`: of closed and open round trips, after commission and slippage. `dividends` received less paid, `funding` and
    `borrow_fees` paid. `total` = pnl + dividends − funding − borrow_fees: Σ total + interest is the change of equity.
    """
    fills, trades, count = records.fills, records.trades, len(records.positions)
    money = records.multipliers_at(fills["symbol"], fills["bar"])
    slipped = fills["side"] * (fills["price"] - fills["base_price"]) * fills["quantity"] * money

    def by_symbol(rows: RecordArray, values: Floats) -> Floats:
        found: Floats = np.bincount(rows["symbol"], values, count).astype(np.float64)
        return found

    pnl = by_symbol(trades, trades["pnl"]) + open_pnl(records)
    paid = payments(records)
    return pl.DataFrame(
        {
            "symbol": pl.Series(list(records.market.symbols), dtype=pl.String),
            "trades": np.bincount(trades["symbol"], minlength=count),
            "fills": np.bincount(fills["symbol"], minlength=count),
            "traded_value": by_symbol(fills, fills["quantity"] * fills["price"] * money),
            "commission": by_symbol(fills, fills["commission"]),
            "slippage": by_symbol(fills, slipped) + 0.0,
            "pnl": pnl,
            "dividends": paid.dividends,
            "funding": paid.funding,
            "borrow_fees": paid.borrow_fees,
            "total": pnl + paid.dividends - paid.funding - paid.borrow_fees,
        }
    )


def open_pnl(records: RunRecords) -> Floats:
    """Profit so far of the round trips in progress."""
    held, multiplier = records.positions, records.multipliers()
    value = np.sign(held["quantity"]) * (held["exit_value"] - held["entry_value"]) + held["quantity"] * held["mark"]
    made = value * multiplier - held["trip_commission"] + held["currency_profit"]
    found: Floats = np.where(held["quantity"] != 0.0, made, 0.0)
    return found


def held_units(records: RunRecords, symbol: int, *, before_payments: bool = False) -> Floats:
    """Units of a symbol at the end of each bar, or when P5 pays and charges, in the units of that bar (D-02)."""
    market, fills = records.market, records.fills
    own = fills[fills["symbol"] == symbol]
    bars = own["bar"].astype(np.intp)
    if before_payments:
        late = np.isin(own["reason"], AFTER_ACTIONS)
        if records.execution.market_fill == "same_close":
            late |= own["reason"] == Reason.FILL_AT_CLOSE
        bars = bars + late
    there, splits = bars < market.bar_count, market.arrays.splits
    product = splits[:, symbol] if len(splits) else np.ones(market.bar_count)
    moved = np.zeros(market.bar_count)
    signed = own["side"][there] * own["quantity"][there]
    np.add.at(moved, bars[there], signed / product[bars[there]])
    first = (records.account_value.positions or {}).get(market.symbols[symbol], (0.0, 0.0))[0]
    units = first + moved.cumsum()
    traded = abs(first) + np.abs(moved).cumsum()
    found: Floats = np.where(np.abs(units) <= DUST * traded, 0.0, units) * product
    return found


def payments(records: RunRecords) -> Payments:
    """D-03, D-05, D-06: what each symbol was paid and charged, from the rows of the run and what was held then."""
    market, account, count = records.market, records.account_value, len(records.positions)
    made = Payments(*np.zeros((3, count)))
    rows = market.actions(**account.brings)
    broke = int(records.account["bankrupt_bar"])
    rows = rows[rows["bar"] <= broke] if broke >= 0 else rows
    accruals = rows[rows["kind"] == ActionKind.ACCRUAL]
    active = np.union1d(records.fills["symbol"], [
        market.symbols.index(name) for name in account.positions or {}
    ]).astype(np.intp)  # fmt: skip
    for symbol in active:
        own = rows[rows["symbol"] == symbol]
        paid, funded = own[own["kind"] == ActionKind.DIVIDEND], own[own["kind"] == ActionKind.FUNDING]
        if not len(paid) and not len(funded) and not len(accruals):
            continue
        made.dividends[symbol] = dividends_of(records, symbol, paid)
        late, price = held_units(records, symbol, before_payments=True), last_prices(records, symbol)
        value = late * price
        made.funding[symbol] = float((value[funded["bar"]] * funded["value"] * money_at(records, symbol, funded)).sum())
        lent = np.maximum(-value[accruals["bar"]], 0.0) * money_at(records, symbol, accruals)
        rates = own[own["kind"] == ActionKind.BORROW_RATE]
        due = np.searchsorted(rates["bar"], accruals["bar"], side="right") - 1
        rate = np.full(len(accruals), account.borrow_rate)
        if len(rates):
            rate = np.where(due >= 0, rates["value"][np.maximum(due, 0)], rate)
        made.borrow_fees[symbol] = float((lent * rate * accruals["value"]).sum()) / DAYS_PER_YEAR
    return made


def dividends_of(records: RunRecords, symbol: int, paid: RecordArray) -> float:
    """D-03: on what was held at the end of the bar before, after the splits of the bar."""
    if not len(paid):
        return 0.0
    splits, bars = records.market.arrays.splits, paid["bar"].astype(np.intp)
    first = (records.account_value.positions or {}).get(records.market.symbols[symbol], (0.0, 0.0))[0]
    before = np.concatenate([[first], held_units(records, symbol)])[bars]
    if len(splits):
        product = np.concatenate([[1.0], splits[:, symbol]])
        before = before * (product[bars + 1] / product[bars])
    return float((before * paid["value"] * money_at(records, symbol, paid)).sum())


def money_at(records: RunRecords, symbol: int, rows: RecordArray) -> Floats:
    """The multiplier of a symbol on the bars of some rows."""
    return records.multipliers_at(np.full(len(rows), symbol), rows["bar"])


def last_prices(records: RunRecords, symbol: int) -> Floats:
    """D-05: the close of each bar, the last valid one where a bar is not; in the units of its own bar."""
    arrays = records.market.arrays
    valid = (arrays.flags[:, symbol] & BarFlag.VALID) != 0
    places = np.maximum.accumulate(np.where(valid, np.arange(len(valid)), -1))
    prices: Floats = np.where(places >= 0, arrays.close[np.maximum(places, 0), symbol], np.nan)
    if len(arrays.splits):
        product = arrays.splits[:, symbol]
        prices = prices * (product[np.maximum(places, 0)] / product)
    return prices


def realized_frame(records: RunRecords) -> pl.DataFrame:
    """One row for each fill that closes: what it realised against the average price of what was held (A-01).

    pnl = s·(price − average_price)·quantity·multiplier − its own commission, s the side of the position; the commission
    of the fills that opened it is in those of `trades`. Prices and units are those of the bar.
    """
    fills, market = records.fills, records.market
    money, rows = records.multipliers_at(fills["symbol"], fills["bar"]).tolist(), []
    splits = market.arrays.splits
    positions = account_positions(records)
    units = {symbol: (quantity, price, 1.0) for symbol, (quantity, price) in positions.items()}
    values = (fills[name].tolist() for name in ("symbol", "bar", "side", "quantity", "price", "commission"))
    for row, (symbol, bar, side, quantity, price, commission) in enumerate(zip(*values, strict=True)):
        held, average, product = units.get(symbol, (0.0, 0.0, 1.0))
        now = float(splits[bar, symbol]) if len(splits) else 1.0
        held, average = held * (now / product), average / (now / product)
        if side * held < 0.0:
            rows.append((row, symbol, bar, -side, quantity, price, average, -side * (price - average) * quantity
                         * money[row] - commission))  # fmt: skip
            held += side * quantity
            if abs(held) <= DUST * quantity:
                held = average = 0.0
        else:
            average = (abs(held) * average + quantity * price) / (abs(held) + quantity)
            held += side * quantity
        units[symbol] = (held, average, now)
    names = ("fill_id", "symbol", "bar", "side", "quantity", "price", "average_price", "pnl")
    columns = {name: np.array([row[place] for row in rows]) for place, name in enumerate(names)}
    whole = {name: columns[name].astype(np.int64) for name in ("fill_id", "symbol", "bar", "side")}
    return pl.DataFrame(
        [
            pl.Series("fill_id", whole["fill_id"]),
            symbol_words("symbol", whole["symbol"], market),
            pl.Series("bar", whole["bar"]),
            stamps("timestamp", whole["bar"], market),
            code_words("side", whole["side"], Side),
            *(pl.Series(name, columns[name].astype(np.float64)) for name in names[4:]),
        ]
    )


def account_positions(records: RunRecords) -> dict[int, tuple[float, float]]:
    """Initial positions by column of the market."""
    given = records.account_value.positions or {}
    return {records.market.symbols.index(symbol): pair for symbol, pair in given.items()}
