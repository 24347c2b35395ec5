"""`Instrument`: the trading rules of one symbol."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf

import numpy as np
from numpy.typing import NDArray

from admf.errors import ConfigError
from admf_kernels.records import instrument_dt


@dataclass(frozen=True)
class Instrument:
    """Trading rules of a symbol; None means the rule does not apply. Raises ConfigError for numbers not above zero."""

    symbol: str
    tick_size: float | None = None  # prices are multiples of it
    lot_size: float | None = None  # quantities are multiples of it
    multiplier: float = 1.0  # money per unit of price and quantity
    currency: str | None = "USD"  # of its prices; None: the account's
    min_quantity: float | None = None  # smallest order quantity
    delisting_value: float | None = None  # at which a position ends with its data; None: the last price
    funding_rate: float | None = None  # of a perpetual: share of the value that longs pay to shorts every 8 hours

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "currency" and value is None:
                continue
            if field.name in ("symbol", "currency"):
                if not isinstance(value, str) or not value:
                    raise ConfigError("not a name", field=f"instrument {field.name}", found=value, allowed="text")
            elif field.name == "delisting_value" and value == 0.0:
                continue  # worth nothing
            elif field.name == "funding_rate" and isinstance(value, int | float) and abs(value) < 1.0:
                continue  # shorts pay where it is below zero
            elif not (value is None and field.default is None) and not is_positive(value):
                name = f"instrument {self.symbol} {field.name}"
                allowed = "a finite number above zero" + (", or None" if field.default is None else "")
                raise ConfigError("out of range", field=name, found=value, allowed=allowed)


Instruments = Instrument | Mapping[str, Instrument] | Iterable[Instrument] | None


def is_positive(value: object) -> bool:
    """Whether a value is a finite number above zero."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and 0 < float(value) < inf


def tick_inverse(tick_size: float | None) -> float:
    """1 / tick size, the nearest integer where it is one but for rounding (0.01 -> 100); 0 without a tick."""
    if tick_size is None:
        return 0.0
    inverse = 1.0 / tick_size
    nearest = float(round(inverse))
    return nearest if abs(inverse - nearest) <= 1e-9 * inverse else inverse


def choose_instruments(instruments: Instruments, symbols: Sequence[str]) -> tuple[Instrument, ...]:
    """One instrument for each symbol, in order; symbols without one trade without rules, in the account's currency."""
    if instruments is None:
        given: list[Instrument] = []
    elif isinstance(instruments, Instrument):
        given = [instruments]
    else:
        given = list(instruments.values() if isinstance(instruments, Mapping) else instruments)
    by_symbol = {instrument.symbol: instrument for instrument in given}
    unknown = sorted(by_symbol.keys() - set(symbols))
    if unknown:
        allowed = ", ".join(symbols)
        raise ConfigError("no data for this symbol", field="instruments", found=", ".join(unknown), allowed=allowed)
    return tuple(by_symbol.get(symbol) or Instrument(symbol, currency=None) for symbol in symbols)


def to_records(instruments: Sequence[Instrument]) -> NDArray[np.record]:
    """What the kernels read, instrument_dt of shape (symbols,)."""
    records = np.zeros(len(instruments), dtype=instrument_dt)
    for record, instrument in zip(records, instruments, strict=True):
        record["tick_inverse"] = tick_inverse(instrument.tick_size)
        record["lot_size"] = instrument.lot_size or 0.0
        record["min_quantity"] = instrument.min_quantity or 0.0
        record["multiplier"] = instrument.multiplier
    records.flags.writeable = False
    return records
