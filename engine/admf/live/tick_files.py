"""Trades of a file or table as a feed, on the clock of historical bars."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import polars as pl

from admf.data import Instrument
from admf.data.columns import plain, to_floats
from admf.data.files import bare_name, find_format, reading
from admf.data.stamps import to_stamps
from admf.data.tables import to_frame
from admf.errors import DataError
from admf.live.bars import Facts
from admf.live.feed import Pace
from admf.live.ticks import NO_ID, Tick

SPELLINGS = {
    "timestamp": ("timestamp", "datetime", "time", "ts", "t", "date"),
    "price": ("price", "tradeprice", "last", "p"),
    "size": ("size", "quantity", "qty", "amount", "volume", "q", "s", "v"),
    "trade_id": ("tradeid", "id", "i"),
    "symbol": ("symbol", "ticker", "sym"),
}
OPTIONAL = ("trade_id", "symbol")
BLOCK_TICKS = 65_536  # made ready at a time


class HistoricalTicks:
    """A `TickFeed` of recorded trades, each delivered at its time; `speed` as in `HistoricalFeed`.

    The rows stay as they are: what is late, double or invalid in them is for `TickBars` to judge.
    """

    def __init__(
        self, table: Any, symbol: str | None = None, *, speed: float | None = None, tz: str = "UTC",
        instruments: Sequence[Instrument] = (),
    ) -> None:  # fmt: skip
        """A table or path with `timestamp price size`, and where there are `trade_id symbol`.

        `symbol` names all trades of a table without that column. DataError for what is no such table.
        """
        self._pace = Pace(speed)
        source = Path(table).name if isinstance(table, str | Path) else "table"
        frame = read_frame(table)
        names = recognised(frame.columns, source)
        if not frame.height:
            raise DataError(f"{source}: no rows", remedy="give at least one trade")
        self._stamps = to_stamps(frame[names["timestamp"]], tz, source)
        self._prices, self._sizes = (to_floats(frame[names[name]], source) for name in ("price", "size"))
        self._ids = whole_numbers(frame[names["trade_id"]], source) if "trade_id" in names else None
        own = frame[names["symbol"]].cast(pl.String) if "symbol" in names else None
        self._symbols = own
        known = {instrument.symbol: instrument for instrument in instruments}
        default = symbol or (bare_name(Path(source)).split("_")[0] if source != "table" else "SYM")
        self._symbol = default
        found = [default] if own is None else own.unique(maintain_order=True).drop_nulls().to_list()
        self.facts: Mapping[str, Facts] = {name: Facts(known.get(name) or Instrument(name)) for name in found}

    def __repr__(self) -> str:
        return f"{', '.join(self.facts)}: {len(self._stamps):,} trades"

    def events(self) -> Iterator[Tick]:
        """Trade by trade."""
        first_ns = int(self._stamps[0])
        for start in range(0, len(self._stamps), BLOCK_TICKS):
            rows = slice(start, start + BLOCK_TICKS)
            symbols = repeat(self._symbol) if self._symbols is None else self._symbols[rows].to_list()
            ids = repeat(NO_ID) if self._ids is None else self._ids[rows].to_list()
            columns = self._stamps[rows].tolist(), self._prices[rows].tolist(), self._sizes[rows].tolist()
            for tick in map(Tick, symbols, *columns, ids):
                if not self._pace.wait(tick.time_ns, first_ns):
                    return
                yield tick

    def close(self) -> None:
        """Ends the iteration, also from another thread."""
        self._pace.close()


def read_frame(table: Any) -> pl.DataFrame:
    """All columns of a file or table."""
    if not isinstance(table, str | Path):
        return to_frame(table)
    path = Path(table)
    form = find_format(path)
    with reading(path, form):
        return form.read(path, form.names(path))


def recognised(found: Sequence[str], source: str) -> dict[str, str]:
    """Our names of the columns, and the table's; DataError where one is missing."""
    spelled = {plain(name): name for name in reversed(found)}
    names = {
        field: next((spelled[word] for word in words if word in spelled), "") for field, words in SPELLINGS.items()
    }
    missing = [field for field, name in names.items() if not name and field not in OPTIONAL]
    if missing:
        message, needed = f"{source}: no column {', '.join(missing)}", "timestamp, price, size"
        raise DataError(message, found=", ".join(found) or "no columns", remedy=f"trades need {needed}")
    return {field: name for field, name in names.items() if name}


def whole_numbers(series: pl.Series, source: str) -> pl.Series:
    """Ids as integers; DataError where they are none. A missing one is `NO_ID`."""
    try:
        return series.cast(pl.Int64).fill_null(NO_ID)
    except pl.exceptions.PolarsError:
        message, remedy = f"{source}: ids that are no whole numbers", "leave the column out"
        raise DataError(message, field=series.name, found=str(series.dtype), remedy=remedy) from None
