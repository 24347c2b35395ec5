"""The doors of `simulate` and `backtest`: what is given becomes checked values, or one error before anything runs."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from admf.data import Bars, Market
from admf.data.instrument import Instruments, choose_instruments
from admf.errors import ConfigError, DataError, counted
from admf.execution import Account, Execution, Risk
from admf_kernels.codes import BarFlag, Record

RecordLevel = Literal["full", "fills", "summary"]


def read_market(bars: Any, instruments: Instruments) -> Market:
    """A Market from one, from Bars, a list of Bars, or anything `Bars` accepts."""
    if isinstance(bars, Market):
        return bars if instruments is None else bars.with_instruments(instruments)
    if isinstance(bars, Bars):
        return Market([bars], instruments=instruments)
    if isinstance(bars, list) and bars and all(isinstance(part, Bars) for part in bars):
        return Market(bars, instruments=instruments)
    return Market([Bars(bars)], instruments=instruments)


def read_value(given: Any, kind: type[Any], field: str) -> Any:
    """An Execution or Account: as given, from a mapping, or the default."""
    if given is None:
        return kind()
    if isinstance(given, kind):
        return given
    if isinstance(given, Mapping):
        return kind.from_dict(given)
    allowed = f"admf.{kind.__name__}, a mapping of its fields, or None"
    raise ConfigError("not the rules of a run", field=field, found=type(given).__name__, allowed=allowed)


def read_record(record: object) -> RecordLevel:
    """One of the record levels."""
    if record not in Record.words():
        allowed = ", ".join(reversed(Record.words()))
        raise ConfigError("no such record level", field="record", found=record, allowed=allowed)
    return record  # type: ignore[return-value]


def read_positions(account: Account, market: Market) -> list[tuple[float, float]]:
    """Initial (quantity, price) by symbol of the market.

    ConfigError for a symbol that it does not have, and where nothing is left to trade with: equity of zero or below.
    """
    given = dict(account.positions or {})
    found = [given.pop(symbol, (0.0, 0.0)) for symbol in market.symbols]
    if given:
        found_symbol, allowed = next(iter(given)), ", ".join(market.symbols)
        raise ConfigError("no bars for this symbol", field="account.positions", found=found_symbol, allowed=allowed)
    multipliers = market.records_in(account.currency)["multiplier"].tolist()
    equity = account.cash + sum(size * price * unit for (size, price), unit in zip(found, multipliers, strict=True))
    if not equity > 0.0:
        raise ConfigError(
            "the positions are worth less than nothing, and the cash does not cover it",
            field="account.positions",
            found=f"equity {equity:,.2f} at the start, of which cash {account.cash:,.2f}",
            allowed="cash and positions worth more than 0 together",
            remedy="raise account.cash, or hold a smaller short position",
        )
    return found


def read_barred(risk: Risk, symbols: Sequence[str]) -> list[bool]:
    """Whether nothing may be opened, for each symbol that there is; ConfigError for a limit on another one."""
    if risk.symbols is None:
        return [False] * len(symbols)
    unknown = [symbol for symbol in risk.symbols if symbol not in symbols]
    if unknown:
        allowed = ", ".join(symbols)
        raise ConfigError("no bars for this symbol", field="risk.symbols", found=", ".join(unknown), allowed=allowed)
    return [symbol not in risk.symbols for symbol in symbols]


def check_bad_bars(execution: Execution, market: Market) -> None:
    """B-01: `bad_bar=raise` refuses data with an invalid bar."""
    if execution.bad_bar != "raise":
        return
    invalid = (market.arrays.flags & np.uint8(BarFlag.VALID)) == 0
    if not invalid.any():
        return
    bar, symbol = (int(index) for index in np.argwhere(invalid)[0])
    prices = {name: float(getattr(market.arrays, name)[bar, symbol]) for name in ("open", "high", "low", "close")}
    raise DataError(
        f"{counted(int(invalid.sum()), 'invalid bar')}, the first is bar {bar} of {market.symbols[symbol]}",
        field="execution.bad_bar",
        found=prices,
        allowed="finite prices above zero with low <= open, close <= high",
        remedy="repair the data, or set bad_bar to skip",
    )


__all__ = [
    "RecordLevel",
    "check_bad_bars",
    "choose_instruments",
    "read_barred",
    "read_market",
    "read_positions",
    "read_record",
    "read_value",
]
