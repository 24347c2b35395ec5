"""Rates that change: interest, borrow fees, and what other currencies are worth, as rows of `action_dt` on a clock.

A rate holds from its stamp on: what is stamped before the first bar is in force before it (bar -1), a later one from
the first bar that opens at its stamp or later. Series may go beyond the bars on both sides.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data.actions import Rows, as_rows, read_table
from admf.data.bars import Bars
from admf.data.columns import FloatArray
from admf.data.instrument import Instrument
from admf.data.stamps import StampArray, stamp_text, to_stamps
from admf.errors import ConfigError, DataError
from admf_kernels.codes import ActionKind

RATES = {
    "cash_rate": ActionKind.CASH_RATE,
    "debit_rate": ActionKind.DEBIT_RATE,
    "borrow_rate": ActionKind.BORROW_RATE,
}
ALL_TIME = np.iinfo(np.int64).min


class Series(NamedTuple):
    """What a unit of a currency is worth, from each stamp on."""

    stamps: StampArray
    values: FloatArray


def read_rates(table: Any, symbols: Sequence[str], clock: StampArray, dated: bool) -> Rows:
    """The rows of a table with `timestamp` and any of `cash_rate`, `debit_rate`, `borrow_rate`, shares a year.

    With a column `symbol` a row's borrow rate is that of the symbol, of all where it is null. DataError for a table
    without these columns, for symbols that the market does not have, and for values that make no sense.
    """
    if table is None:
        return as_rows(ActionKind.CASH_RATE, np.zeros(0), 0, 0.0)
    if not dated:
        raise DataError("bars without stamps have no days", field="rates", remedy="use dated bars")
    frame = read_table(table)
    names = [name for name in RATES if name in frame.columns]
    if "timestamp" not in frame.columns or not names:
        allowed = f"timestamp, one or more of {', '.join(RATES)}, and symbol where borrow rates differ"
        raise DataError("columns are missing", field="rates", found=", ".join(frame.columns), allowed=allowed)
    stamps = to_stamps(frame["timestamp"], "UTC", "rates")
    owners = symbol_places(frame, symbols)
    parts = []
    for name in names:
        values = frame[name].cast(pl.Float64, strict=False)
        given = values.is_not_null().to_numpy()
        check_numbers(
            f"rates.{name}", values.fill_null(0.0).to_numpy(), stamps, at_least=None if name[0] == "c" else 0.0
        )
        for symbol in range(len(symbols)) if name == "borrow_rate" else [0]:
            rows = given & ((owners == symbol) | (owners < 0)) if name == "borrow_rate" else given
            parts.append(rows_of(RATES[name], symbol, Series(stamps[rows], values.to_numpy()[rows]), clock))
    return np.concatenate(parts)


def rates_of(table: Any, symbols: Sequence[str]) -> pl.DataFrame:
    """The rows of a table of rates that belong to these symbols, or to all."""
    frame = read_table(table)
    if "symbol" not in frame.columns:
        return frame
    return frame.filter(pl.col("symbol").is_null() | pl.col("symbol").cast(pl.String).is_in(list(symbols)))


def symbol_places(frame: pl.DataFrame, symbols: Sequence[str]) -> NDArray[np.int64]:
    """The column of the market of each row, -1 for all of them."""
    if "symbol" not in frame.columns:
        return np.full(frame.height, -1)
    names = frame["symbol"].cast(pl.String)
    if unknown := sorted(set(names.drop_nulls().to_list()) - set(symbols)):
        raise DataError("no bars for this symbol", field="rates.symbol", found=", ".join(unknown[:5]))
    places = {name: place for place, name in enumerate(symbols)}
    return np.array([-1 if name is None else places[name] for name in names.to_list()], np.int64)


def check_numbers(field: str, values: FloatArray, stamps: StampArray, *, at_least: float | None) -> None:
    """DataError for the first value that is not finite, or below the least that makes sense."""
    good = np.isfinite(values) if at_least is None else np.isfinite(values) & (values >= at_least)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        allowed = "a finite number" + ("" if at_least is None else f" >= {at_least:g}")
        when = f"row {row}, {stamp_text(int(stamps[row]))}" if stamps[row] > ALL_TIME else f"row {row}"
        raise DataError(when, field=field, found=float(values[row]), allowed=allowed)


def rows_of(kind: ActionKind, symbol: int, series: Series, clock: StampArray) -> Rows:
    """What is in force before the first bar, and each change on a bar; what is stamped after the last one is not."""
    order = np.argsort(series.stamps, kind="stable")
    stamps, values = series.stamps[order], series.values[order]
    bars = np.where(stamps <= clock[0], -1, np.searchsorted(clock, stamps))
    last_of_bar = np.append(bars[1:] != bars[:-1], True) if len(bars) else np.zeros(0, bool)
    kept = last_of_bar & (bars < len(clock))
    bars, values = bars[kept], values[kept]
    changes = np.append(True, values[1:] != values[:-1]) if len(values) else np.zeros(0, bool)
    return as_rows(kind, bars[changes], symbol, values[changes])


def read_conversions(given: Mapping[str, Any] | None) -> dict[str, Series]:
    """For each currency what a unit of it is worth in the account's: a number, or a table of `timestamp` and `rate`.

    Bars (or their file) count with the open of each bar at its stamp. DataError for what is none of these, for two
    rates at one stamp, and for rates that are not above zero.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise DataError("not a mapping", field="conversions", found=type(given).__name__, allowed="currency: rates")
    return {str(currency): read_series(f"conversions.{currency}", rates) for currency, rates in given.items()}


def read_series(field: str, rates: Any) -> Series:
    """The rates of one currency."""
    if isinstance(rates, int | float | np.number) and not isinstance(rates, bool):
        series = Series(np.array([ALL_TIME]), np.array([float(rates)]))
    elif isinstance(rates, Bars):
        if not rates.dated:
            raise DataError("bars without stamps", field=field, remedy="use dated bars, or one number")
        series = Series(rates.timestamp, rates.open)
    else:
        frame = read_table(rates)
        column = next((name for name in ("rate", "open") if name in frame.columns), None)
        if column is None or "timestamp" not in frame.columns or not frame.height:
            allowed = "rows of timestamp and rate (or open, of bars)"
            raise DataError("columns are missing", field=field, found=", ".join(frame.columns), allowed=allowed)
        values = frame[column].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        series = Series(to_stamps(frame["timestamp"], "UTC", field), values)
    good = np.isfinite(series.values) & (series.values > 0.0)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise DataError(f"row {row}", field=field, found=float(series.values[row]), allowed="a finite number > 0")
    if len(np.unique(series.stamps)) != len(series.stamps):
        raise DataError("two rates at one stamp", field=field, remedy="keep one of them")
    return series


def foreign(instruments: Sequence[Instrument], currency: str, conversions: Mapping[str, Series]) -> dict[int, Series]:
    """The rates of each symbol that is not in the account's currency; ConfigError where they are missing."""
    found = {}
    for symbol, instrument in enumerate(instruments):
        if instrument.currency is None or instrument.currency == currency:
            continue
        if instrument.currency not in conversions:
            message = (
                f"{instrument.symbol} is in {instrument.currency}, the account in {currency}, and no rate is given"
            )
            known = ", ".join(conversions) or "no rates"
            remedy = (
                f"give Market(…, conversions={{{instrument.currency!r}: rates}}) (data.conversions), or the currency"
            )
            field = "instruments.currency"
            raise ConfigError(message, field=field, found=instrument.currency, allowed=known, remedy=remedy)
        found[symbol] = conversions[instrument.currency]
    return found


def conversion_rows(
    instruments: Sequence[Instrument], rates: Mapping[int, Series], clock: StampArray, dated: bool
) -> Rows:
    """The multiplier of each foreign symbol in the account's money; DataError where the first bar has no rate."""
    parts = [as_rows(ActionKind.CONVERSION, np.zeros(0), 0, 0.0)]
    for symbol, series in rates.items():
        currency = instruments[symbol].currency
        if not dated and (len(series.stamps) > 1 or series.stamps[0] > ALL_TIME):
            remedy = "use dated bars, or one number"
            raise DataError("bars without stamps", field=f"conversions.{currency}", remedy=remedy)
        if dated and series.stamps.min() > clock[0]:
            raise DataError(
                f"no rate for the first bar, {stamp_text(int(clock[0]))}",
                field=f"conversions.{currency}",
                found=f"the first rate is of {stamp_text(int(series.stamps.min()))}",
                remedy="begin the bars later, or give an earlier rate",
            )
        money = Series(series.stamps, series.values * instruments[symbol].multiplier)
        parts.append(rows_of(ActionKind.CONVERSION, symbol, money, clock))
    return np.concatenate(parts)
