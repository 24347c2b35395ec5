"""The frame of orders: what was asked for beside what became of it."""

import numpy as np
import polars as pl

from admf.results.records import RunRecords
from admf.results.words import Indices, code_names, code_texts, code_words, symbol_words
from admf_kernels.codes import OrderFlag, OrderStatus, OrderType, Reason, Side, SizeKind, TimeInForce

NEVER = 2**31 - 1


def orders_frame(records: RunRecords, ids: pl.Series) -> pl.DataFrame:
    """One row per order.

    A scripted run has its input columns (row by row) and the outcome beside them, then the engine's own orders; an
    input column that bears the name of an outcome column is kept as `input_<name>`. A strategy's run has the columns of
    `_request_columns` in order of submission. A row that was never submitted has no status.
    """
    request = pl.DataFrame(_request_columns(records, ids))
    outcome = pl.DataFrame(_outcome_columns(records))
    if records.table is None:
        return request.hstack(outcome)
    table = _input_table(records.table, records.ids, outcome.columns)
    scripted = table.hstack(outcome[_order_rows(records, table.height)])
    engine = request.hstack(outcome).filter(pl.Series(records.orders["tag"] < 0))
    engine = engine.select([name for name in engine.columns if name in scripted.columns])
    return pl.concat([scripted, engine], how="diagonal_relaxed") if engine.height else scripted


def _input_table(table: pl.DataFrame, ids: object, taken: list[str]) -> pl.DataFrame:
    """Input columns with ids as text, as everywhere in the results."""
    table = table.rename({name: f"input_{name}" for name in table.columns if name in taken})
    if "id" not in table.columns and isinstance(ids, list | tuple):
        table = table.insert_column(0, pl.Series("id", [str(value) for value in ids], dtype=pl.String))
    return table.with_columns(pl.col(name).cast(pl.String) for name in ("id", "parent") if name in table.columns)


def _order_rows(records: RunRecords, row_count: int) -> pl.Series:
    """Row of the order records of each input row, null where it was never submitted."""
    tags = np.asarray(records.orders["tag"])
    rows = np.full(row_count, -1, dtype=np.int64)
    scripted = np.flatnonzero((tags >= 0) & (tags < row_count))
    rows[tags[scripted]] = scripted
    return pl.Series(rows).cast(pl.UInt32, strict=False)


def _request_columns(records: RunRecords, ids: pl.Series) -> list[pl.Series]:
    """What was asked for: prices as rounded to the tick, quantities as resolved, null where there is none."""
    orders, market = records.orders, records.market
    return [
        ids.gather(orders["number"]).alias("id"),
        symbol_words("symbol", orders["symbol"], market),
        code_words("side", orders["side"], Side),
        code_words("type", orders["type"], OrderType),
        pl.Series("quantity", orders["quantity"]).fill_nan(None),
        code_words("size_kind", orders["size_kind"], SizeKind),
        pl.Series("size", np.where(orders["size_kind"] == SizeKind.QUANTITY, np.nan, orders["size_amount"])).fill_nan(
            None
        ),
        pl.Series("limit_price", orders["limit_price"]).fill_nan(None),
        pl.Series("stop_price", orders["stop_price"]).fill_nan(None),
        code_words("time_in_force", orders["time_in_force"], TimeInForce),
        _index("expires_bar", np.where(orders["expires_bar"] == NEVER, -1, orders["expires_bar"]), 0),
        ids.gather(_index("parent", orders["parent"], 0), null_on_oob=True).alias("parent"),
        _index("oco", orders["oco"], 1),
        pl.Series("reduce_only", (orders["bits"] & OrderFlag.REDUCE_ONLY) != 0),
        pl.Series("tag", orders["tag"]),
    ]


def _outcome_columns(records: RunRecords) -> list[pl.Series]:
    """What became of the orders; the average price is null where nothing filled, `closed_bar` while alive."""
    orders = records.orders
    filled = orders["filled_quantity"]
    average = np.full(len(orders), np.nan)
    done = np.flatnonzero(filled > 0)  # these have a symbol of the market
    average[done] = orders["filled_value"][done] / (filled[done] * records.multipliers()[orders["symbol"][done]])
    return [
        code_names("status", orders["status"], OrderStatus),
        code_words("reason", orders["reason"], Reason),
        code_texts("reason_text", orders["reason"], Reason),
        pl.Series("filled_quantity", filled),
        pl.Series("average_price", average).fill_nan(None),
        pl.Series("commission", orders["commission"]),
        pl.Series("submitted_bar", orders["submitted_bar"]),
        _index("closed_bar", orders["closed_bar"], 0),
        pl.Series("order_number", orders["number"]),
    ]


def _index(name: str, values: Indices, first: int) -> pl.Series:
    """The indices with everything below `first` as null."""
    column = pl.Series(name, np.ascontiguousarray(values))
    return column.set(column < first, None)
