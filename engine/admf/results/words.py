"""Codes and indices of the records as the words and stamps that people read; what has no word becomes null.

Words that a user writes (side, type, time in force) are in lower case; statuses, events and reasons are in capitals,
as the documents write them.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.results.records import RunRecords
from admf_kernels.codes import Code, Reason

if TYPE_CHECKING:
    from admf.data import Market

MINUTE_NS = 60_000_000_000
SAMPLE_BARS = 1_000  # enough to see whether bars are finer than a minute
STAMP = pl.Datetime("us", "UTC")  # of `Market.timestamps`
# reason of the fill → prefix of the id
ENGINE_ORDERS = {
    Reason.CLOSE_POSITIONS: "close",
    Reason.BANKRUPT: "bankrupt",
    Reason.MARGIN_CALL: "margin_call",
    Reason.DELISTED: "delisted",
}

Indices = NDArray[np.integer]


def lookup(name: str, texts: list[str | None], indices: Indices) -> pl.Series:
    """texts[index] for each index, null where there is no such text."""
    return pl.Series(name, texts, dtype=pl.String).gather(_keys(indices), null_on_oob=True).alias(name)


def code_words(name: str, codes: Indices, code: type[Code]) -> pl.Series:
    """Lower-case names of the codes."""
    return _code_column(name, codes, {member.value: member.name.lower() for member in code})


def code_names(name: str, codes: Indices, code: type[Code]) -> pl.Series:
    """Upper-case names of the codes."""
    return _code_column(name, codes, {member.value: member.name for member in code})


def code_texts(name: str, codes: Indices, code: type[Code]) -> pl.Series:
    """The sentences that explain the codes."""
    return _code_column(name, codes, {member.value: member.text for member in code})


def _code_column(name: str, codes: Indices, texts: dict[int, str]) -> pl.Series:
    first = min(texts)
    table = [texts.get(value) for value in range(first, max(texts) + 1)]
    return lookup(name, table, codes.astype(np.int32) - first)


def symbol_words(name: str, symbols: Indices, market: "Market") -> pl.Series:
    """Symbols of the columns of the market, null for an index outside it."""
    return lookup(name, list(market.symbols), symbols)


def stamps(name: str, bars: Indices, market: "Market") -> pl.Series:
    """Stamps of the bars in UTC, null before the first bar and where the data is undated."""
    if not market.dated:
        return pl.repeat(None, len(bars), dtype=STAMP, eager=True).alias(name)
    return market.timestamps.gather(_keys(bars), null_on_oob=True).alias(name)


def stamp_text(bar: int, market: "Market") -> str | None:
    """The stamp of one bar, without the time of day where it says nothing; None as in `stamps`."""
    text: str | None = stamps("stamp", np.array([bar]), market).dt.strftime(stamp_form(market))[0]
    return text


def stamp_form(market: "Market") -> str:
    """How a stamp is written: without the time of day where that says nothing, with seconds where bars have them."""
    if not market.intraday:
        return "%Y-%m-%d"
    has_seconds = bool((market.arrays.timestamp[:SAMPLE_BARS] % MINUTE_NS).any())
    return "%Y-%m-%d %H:%M:%S" if has_seconds else "%Y-%m-%d %H:%M"


def order_ids(records: RunRecords) -> pl.Series:
    """Ids of all orders by order number, as text.

    A scripted order has the id of its input row, an order of the engine a name such as `close:AAPL`, every other order
    its number.
    """
    count = int(records.account["next_number"])
    ids = pl.int_range(count, dtype=pl.Int64, eager=True).cast(pl.String)
    tags = _input_rows(records, count)
    if records.ids is not None and tags is not None:
        scripted = lookup("id", [str(value) for value in records.ids], tags)
        ids = scripted.fill_null(ids)
    numbers, names = _engine_ids(records)
    return (ids.scatter(numbers, names) if numbers else ids).alias("id")


def _keys(indices: Indices) -> pl.Series:
    """What `gather` takes: a negative index becomes null."""
    return pl.Series(np.ascontiguousarray(indices)).cast(pl.UInt32, strict=False)


def _input_rows(records: RunRecords, count: int) -> Indices | None:
    """Input row of each order, −1 without; None where nothing recorded tells it."""
    if len(records.orders) == count:
        rows: Indices = np.asarray(records.orders["tag"])
        return rows
    if records.numbers_by_input is None:
        return None
    rows = np.full(count, -1, dtype=np.int32)
    submitted = np.flatnonzero(records.numbers_by_input >= 0)
    rows[records.numbers_by_input[submitted]] = submitted
    return rows


def _engine_ids(records: RunRecords) -> tuple[list[int], list[str]]:
    """Numbers and names of the orders that the engine made: their fills carry a reason that no other fill has."""
    fills = records.fills
    found: dict[int, str] = {}
    for row in np.flatnonzero(np.isin(fills["reason"], list(ENGINE_ORDERS))):
        reason = Reason(int(fills["reason"][row]))
        name = f"{ENGINE_ORDERS[reason]}:{records.market.symbols[int(fills['symbol'][row])]}"
        if reason is Reason.MARGIN_CALL:  # the others happen once
            name += f":{int(fills['bar'][row])}"
        found[int(fills["order"][row])] = name
    return list(found), list(found.values())
