"""`Market`: the bars of one or many symbols on one clock, read-only, as the kernels take them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.data.actions import (
    accruals,
    delistings,
    fundings,
    in_order,
    read_actions,
    settlements,
    split_products,
    within,
)
from admf.data.bars import Bars
from admf.data.columns import PRICES, FloatArray
from admf.data.instrument import Instruments, choose_instruments, to_records
from admf.data.parts import SESSION_BITS, actions_of, columns_of, last_of, rates_in_force, sessions_of
from admf.data.rates import conversion_rows, foreign, rates_of, read_conversions, read_rates
from admf.data.sessions import (
    PERIODS_WEEKDAYS,
    SESSION_RULES,
    Sessions,
    is_intraday,
    periods_per_year,
    require_stamps,
    rule_name,
    session_ends,
    split_sessions,
)
from admf.data.stamps import DAY_NS, StampArray, to_series
from admf.errors import DataError, counted
from admf_kernels import records
from admf_kernels.codes import BarFlag

FLAG_BLOCK_ROWS = 1 << 16
DAYS_PER_YEAR = 365.25
FINGERPRINT_VERSION = "admf market 1"


class GivenTables(NamedTuple):
    """What a market was told beside its bars, as it was given; None is nothing."""

    actions: Any
    rates: Any
    conversions: Mapping[str, Any] | None

    def of(self, bars: Sequence[Bars]) -> dict[str, Any]:
        """The arguments of a market of some of the bars: rows that lie outside them are left out."""
        actions = None if self.actions is None else within(self.actions, bars)
        rates = None if self.rates is None else rates_of(self.rates, [part.symbol for part in bars])
        return {"actions": actions, "rates": rates, "conversions": self.conversions}


class Market:
    """Bars of one or many symbols aligned on one clock: the union of all stamps, ascending.

    `arrays` is what the kernels take: columns of shape (bars, symbols), C-contiguous and read-only; for one symbol they
    share the memory of its bars. Where a symbol has no bar its prices are NaN, its volume 0 and its flags not VALID.
    Volume that is missing, negative or infinite is 0. Sessions are those of the clock, alike for all symbols.
    """

    def __init__(
        self,
        bars: Bars | Iterable[Bars],
        sessions: Any = "date",
        instruments: Instruments = None,
        actions: Any = None,
        rates: Any = None,
        conversions: Mapping[str, Any] | None = None,
    ) -> None:
        """Align `bars`. Raises DataError where they do not fit together, ConfigError for an instrument without data.

        `sessions`: "date", one for each UTC date; "gaps", a new one after a pause of more than 10 bars and 45 minutes;
        a table (or its file) with columns open and close in UTC, one row a session; or a calendar that the package
        exchange_calendars knows, such as "XNYS". On undated bars only "date" is allowed, and there are none. `actions`:
        a table (or its file) with columns symbol, timestamp and any of split_ratio, dividend, funding_rate. `rates`: a
        table with columns timestamp and any of cash_rate, debit_rate, borrow_rate, which take the place of the
        account's from their stamp on, the last one of one symbol where there is a column symbol. `conversions`: for
        each other currency what a unit of it is worth in the account's: a number, a table with columns timestamp and
        rate, or bars, of which the opens count.
        """
        parts = list(bars) if isinstance(bars, Iterable) else [bars]
        check_parts(parts)
        self.symbols = tuple(part.symbol for part in parts)
        self.instruments = choose_instruments(instruments, self.symbols)
        self.instrument_records = to_records(self.instruments)
        self.session_rule = rule_name(sessions)
        self.dated = parts[0].dated
        if not self.dated:
            require_stamps(self.session_rule)
        self.has_volume = all(part.has_volume for part in parts)
        self.has_vwap = all(part.column("vwap") is not None for part in parts)
        clock = parts[0].timestamp if len(parts) == 1 else union([part.timestamp for part in parts])
        self._sessions = split_sessions(clock, sessions, parts[0].given_frequency_ns) if self.dated else None
        self._given_actions = read_actions(actions, self.symbols, clock, self.dated)
        self._rates = read_rates(rates, self.symbols, clock, self.dated)
        self._conversions = read_conversions(conversions)
        self._last_bars = np.array([np.searchsorted(clock, part.timestamp[-1]) for part in parts], np.int64)
        self.arrays = freeze(self._build(parts, clock))

    def _build(self, parts: Sequence[Bars], clock: StampArray) -> records.Market:
        rows = [None if len(part) == len(clock) else np.searchsorted(clock, part.timestamp) for part in parts]
        shape = (len(clock), len(parts))
        open_, high, low, close = (align([part.column(name) for part in parts], rows, shape, np.nan) for name in PRICES)
        # Zeros that nothing reads cost no memory: the system maps them on first use.
        volume = np.zeros(shape)
        if self.has_volume:
            volume = align([valid_volume(part.volume) for part in parts], rows, shape, 0.0)
        vwap = np.empty((0, len(parts)))
        if self.has_vwap:
            vwap = align([part.column("vwap") for part in parts], rows, shape, np.nan)
        flags = valid_flags(open_, high, low, close)
        if self._sessions is None:
            ends = np.full(len(clock), len(clock) - 1, dtype=np.int32)
        else:
            ends = session_ends(self._sessions)
            mark_sessions(flags, self._sessions)
        return records.Market(
            open_, high, low, close, volume, flags, ends, clock, vwap, split_products(self._given_actions, shape)
        )

    def with_instruments(self, instruments: Instruments) -> Self:
        """The same bars under other instruments; nothing is copied."""
        other = copy(self)
        other.__dict__.pop("fingerprint", None)
        other.instruments = choose_instruments(instruments, self.symbols)
        other.instrument_records = to_records(other.instruments)
        return other

    def part(self, first: int, last: int, symbols: Sequence[str] | None = None) -> Self:
        """Copies of the bars [first, last) of some symbols: a market of their own, with their sessions and actions.

        Bars on which none of the symbols has a price are left out; DataError where that leaves none.
        """
        chosen = self.symbols if symbols is None else tuple(symbols)
        columns, arrays = np.array([self.symbols.index(symbol) for symbol in chosen]), self.arrays
        prices = [getattr(arrays, name)[first:last, columns] for name in PRICES]
        kept = first + np.flatnonzero(~np.isnan(prices).all(axis=(0, 2)))
        if not len(kept):
            raise DataError("no bar in this part", field="market", found=f"bars {first} to {last}")
        other = copy(self)
        for name in ("fingerprint", "timestamps"):
            other.__dict__.pop(name, None)
        other.symbols = chosen
        other.instruments = tuple(self.instruments[column] for column in columns)
        other.instrument_records = self.instrument_records[columns]
        other._sessions = None if self._sessions is None else sessions_of(self._sessions, kept)
        other._given_actions = actions_of(self._given_actions, kept, columns)
        other._rates = rates_in_force(self._rates, kept, columns)
        other._last_bars = last_of(kept, self._last_bars[columns])
        other.arrays = freeze(other._arrays_of(arrays, kept, columns))
        return other

    def _arrays_of(self, arrays: records.Market, kept: NDArray[np.int64], columns: NDArray[np.int64]) -> records.Market:
        names = (*PRICES, "volume", "vwap", "flags")
        parts: dict[str, Any] = {name: columns_of(getattr(arrays, name), kept, columns) for name in names}
        ends, flags = np.full(len(kept), len(kept) - 1, np.int32), parts["flags"]
        if self._sessions is not None:
            ends = session_ends(self._sessions)
            flags &= ~np.uint8(SESSION_BITS)
            mark_sessions(flags, self._sessions)
        splits = split_products(self._given_actions, flags.shape)
        return arrays._replace(**parts, session_end=ends, timestamp=arrays.timestamp[kept], splits=splits)

    def actions(self, *, accrued: bool, currency: str | None = None, settles: bool = False) -> NDArray[np.record]:
        """What bars bring beside orders, as the kernels take it: splits, dividends, funding, delistings, rates.

        With days of interest if `accrued` (or the market has rates), sessions if proceeds settle later, and conversions
        into the `currency` of an account. ConfigError and DataError where their rates are missing.
        """
        parts = [self._given_actions, self._rates, delistings(self._last_bars, self.bar_count, self.instruments)]
        clock, ends = self.arrays.timestamp, self.arrays.session_end
        if self.dated:
            parts.append(fundings(self.instruments, clock))
        if (accrued or len(self._rates)) and self.dated:
            parts.append(accruals(ends, clock, DAY_NS))
        if settles and self.dated:
            parts.append(settlements(ends))
        if currency is not None:
            parts.append(self.conversions(currency))
        return in_order(*parts)

    def conversions(self, currency: str) -> NDArray[np.record]:
        """What a unit of price and quantity of each foreign symbol is worth in a currency, ascending by bar (D-11)."""
        rates = foreign(self.instruments, currency, self._conversions)
        return in_order(conversion_rows(self.instruments, rates, self.arrays.timestamp, self.dated))

    def records_in(self, currency: str) -> NDArray[np.record]:
        """The instruments as an account in a currency takes them before the first bar; a copy where they change."""
        rows = self.conversions(currency)
        if not len(rows):
            return self.instrument_records
        records, first = self.instrument_records.copy(), rows[rows["bar"] < 0]
        records["multiplier"][first["symbol"]] = first["value"]
        return records

    @property
    def changes_rates(self) -> bool:
        """Whether there are rates that change, or between currencies."""
        return bool(self._conversions) or len(self._rates) > 0

    @property
    def bar_count(self) -> int:
        """Bars of the clock."""
        return len(self.arrays.timestamp)

    @property
    def symbol_count(self) -> int:
        """Columns of the arrays."""
        return len(self.symbols)

    @property
    def has_sessions(self) -> bool:
        """False where bars are undated: there is no DAY, no first and no last bar of a session."""
        return self._sessions is not None

    @property
    def session_count(self) -> int:
        """Number of sessions; 0 where undated."""
        return 0 if self._sessions is None else len(self._sessions.firsts)

    @property
    def intraday(self) -> bool:
        """Whether most sessions have more than one bar."""
        return self._sessions is not None and is_intraday(self._sessions)

    @property
    def periods_per_year(self) -> int:
        """252, or 365 where sessions include weekends; undated bars count as days of 252."""
        return 252 if self._sessions is None else periods_per_year(self.arrays.timestamp, self._sessions)

    @property
    def years(self) -> float:
        """M-04: calendar years from the first stamp to the last; bars / 252 where undated."""
        if not self.dated:
            return self.bar_count / PERIODS_WEEKDAYS
        stamps = self.arrays.timestamp
        return float(stamps[-1] - stamps[0]) / DAY_NS / DAYS_PER_YEAR

    @cached_property
    def timestamps(self) -> pl.Series:
        """The clock as a series: Datetime (us, UTC) of the bars' opens; the bar index where undated."""
        return to_series(self.arrays.timestamp, self.dated)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over symbols, instruments, session rule, stamps and columns, as 64 hexadecimal digits."""
        currencies = tuple(instrument.currency or "USD" for instrument in self.instruments)
        head = (FINGERPRINT_VERSION, self.symbols, currencies, self.session_rule, self.dated, self.has_volume)
        digest = hashlib.sha256(repr(head).encode())
        digest.update(self.instrument_records.tobytes())
        arrays = self.arrays
        for column in (arrays.timestamp, arrays.open, arrays.high, arrays.low, arrays.close):
            digest.update(column.data)
        if self.has_volume:
            digest.update(arrays.volume.data)
        if self.has_vwap:
            digest.update(b"vwap")
            digest.update(arrays.vwap.data)
        actions = self.actions(accrued=False)
        if len(actions):
            digest.update(actions.tobytes())
        for currency, series in self._conversions.items():
            digest.update(repr(currency).encode() + series.stamps.tobytes() + series.values.tobytes())
        if self.session_rule not in SESSION_RULES:
            digest.update(arrays.session_end.data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return self.bar_count

    def __repr__(self) -> str:
        names = ", ".join(self.symbols[:5]) + (" …" if self.symbol_count > 5 else "")
        return f"Market({names}: {counted(self.bar_count, 'bar')}, {'dated' if self.dated else 'undated'})"


def check_parts(parts: Sequence[object]) -> None:
    """Bars that can share a clock: at least one, each symbol once, all dated or none."""
    if not parts:
        raise DataError("no bars", field="bars", allowed="one Bars or a list of them")
    symbols = []
    for part in parts:
        if not isinstance(part, Bars):
            remedy = "make them with admf.Bars(table, symbol) or admf.load(path)"
            raise DataError("not Bars", field="bars", found=type(part).__name__, remedy=remedy)
        if part.symbol in symbols:
            raise DataError("the same symbol twice", field="bars", found=part.symbol, remedy="name each Bars apart")
        if part.dated != parts[0].dated:  # type: ignore[attr-defined]
            raise DataError(f"{part.symbol}: dated and undated bars do not share a clock", field="bars")
        symbols.append(part.symbol)


def union(clocks: Sequence[StampArray]) -> StampArray:
    """All stamps once, ascending."""
    first = clocks[0]
    if all(np.array_equal(first, clock) for clock in clocks[1:]):
        return first
    return np.unique(np.concatenate(clocks))


def align(
    columns: Sequence[FloatArray | None], rows: Sequence[NDArray[np.int64] | None], shape: tuple[int, int], fill: float
) -> FloatArray:
    """One field of all symbols, shape (bars, symbols); one symbol keeps its memory."""
    if len(columns) == 1 and columns[0] is not None:
        return columns[0].reshape(-1, 1)
    aligned = np.full(shape, fill)
    for symbol, column in enumerate(columns):
        if column is not None:
            aligned[slice(None) if rows[symbol] is None else rows[symbol], symbol] = column
    return aligned


def valid_volume(volume: FloatArray | None) -> FloatArray | None:
    """Volume with 0 where it is missing, negative or infinite; the same memory where nothing is."""
    if volume is None or ((volume >= 0) & (volume < np.inf)).all():
        return volume
    return np.where((volume >= 0) & (volume < np.inf), volume, 0.0)


def valid_flags(open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> NDArray[np.uint8]:
    """VALID where all prices are finite and above zero, and low <= open, close <= high; shape (bars, symbols)."""
    flags = np.empty(open_.shape, dtype=np.uint8)
    for start in range(0, len(flags), FLAG_BLOCK_ROWS):
        rows = slice(start, start + FLAG_BLOCK_ROWS)
        o, h, l, c = open_[rows], high[rows], low[rows], close[rows]  # noqa: E741 -- the letters of the rules
        valid = (l > 0) & (h < np.inf) & (l <= o) & (l <= c) & (o <= h) & (c <= h)
        flags[rows] = valid * np.uint8(BarFlag.VALID)
    return flags


def mark_sessions(flags: NDArray[np.uint8], sessions: Sessions) -> None:
    """Sets the flags of the first and the last bar of each session."""
    flags[sessions.firsts] |= BarFlag.SESSION_FIRST.value
    flags[sessions.lasts] |= BarFlag.SESSION_LAST.value


def freeze(arrays: records.Market) -> records.Market:
    """Nothing changes market data after this."""
    for array in arrays:
        array.flags.writeable = False
    return arrays
