"""Frames of fills, orders, transitions, positions and equity, straight from the records."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from admf.results.metrics import UNFILLED
from admf.results.records import RunRecords
from admf.results.words import Indices, code_names, code_texts, code_words, stamps, symbol_words
from admf_kernels.codes import (
    Liquidity,
    OrderEvent,
    OrderFlag,
    OrderStatus,
    OrderType,
    Reason,
    Side,
    SizeKind,
    TimeInForce,
)

NO_END = 2**31 - 1  # `expires_bar` of an order that never expires


def fills_frame(records: RunRecords, ids: pl.Series) -> pl.DataFrame:
    """One row per fill in the order in which they happened; `slippage` = s·(price − base_price) per unit."""
    fills, market = records.fills, records.market
    return pl.DataFrame(
        [
            pl.int_range(len(fills), dtype=pl.Int64, eager=True).alias("fill_id"),
            ids.gather(fills["order"]).alias("order_id"),
            symbol_words("symbol", fills["symbol"], market),
            pl.Series("bar", fills["bar"]),
            stamps("timestamp", fills["bar"], market),
            code_words("side", fills["side"], Side),
            pl.Series("quantity", fills["quantity"]),
            pl.Series("price", fills["price"]),
            pl.Series("commission", fills["commission"]),
            pl.Series("base_price", fills["base_price"]),
            pl.Series(
                "slippage", fills["side"] * (fills["price"] - fills["base_price"]) + 0.0
            ),  # + 0.0 turns −0 into 0
            code_words("liquidity", fills["liquidity"], Liquidity),
            pl.Series("ambiguous", fills["ambiguous"] != 0),
            code_names("reason", fills["reason"], Reason),
            code_texts("reason_text", fills["reason"], Reason),
        ]
    )


def orders_frame(records: RunRecords, ids: pl.Series) -> pl.DataFrame:
    """One row per order: what was asked for, then what became of it.

    A scripted run has its input rows in their order, then the orders of the engine; a strategy's run has the columns of
    `_request_columns` in order of submission.
    """
    outcome = pl.DataFrame(_outcome_columns(records))
    frame = pl.DataFrame(_request_columns(records, ids)).hstack(outcome)
    if records.table is None:
        return frame
    tags = np.asarray(records.orders["tag"])
    table = records.table.with_columns(pl.col("^(id|parent)$").cast(pl.String))
    scripted = table.hstack(outcome[_rows_by_tag(tags, table.height)])
    engine = frame.filter(pl.Series(tags < 0)).select(name for name in frame.columns if name in scripted.columns)
    return pl.concat([scripted, engine], how="diagonal_relaxed") if engine.height else scripted


def _rows_by_tag(tags: Indices, row_count: int) -> pl.Series:
    """Row of the order records of each input row; a row that was never submitted is an error here, not a gap."""
    rows = np.full(row_count, -1, dtype=np.int64)
    rows[tags[tags >= 0]] = np.flatnonzero(tags >= 0)
    return pl.Series(rows).cast(pl.UInt32)


def _request_columns(records: RunRecords, ids: pl.Series) -> list[pl.Series]:
    """What was asked for: prices as rounded to the tick, quantities as resolved, null where there is none."""
    orders, market = records.orders, records.market
    sized = orders["size_kind"] != SizeKind.QUANTITY
    return [
        ids.gather(orders["number"]).alias("id"),
        symbol_words("symbol", orders["symbol"], market),
        code_words("side", orders["side"], Side),
        code_words("type", orders["type"], OrderType),
        pl.Series("quantity", orders["quantity"]).fill_nan(None),
        code_words("size_kind", orders["size_kind"], SizeKind),
        pl.Series("size", np.where(sized, orders["size_amount"], np.nan)).fill_nan(None),
        pl.Series("limit_price", orders["limit_price"]).fill_nan(None),
        pl.Series("stop_price", orders["stop_price"]).fill_nan(None),
        code_words("time_in_force", orders["time_in_force"], TimeInForce),
        _index("expires_bar", np.where(orders["expires_bar"] == NO_END, -1, orders["expires_bar"]), 0),
        ids.gather(_index("parent", orders["parent"], 0), null_on_oob=True).alias("parent"),
        _index("oco", orders["oco"], 1),
        pl.Series("reduce_only", (orders["bits"] & OrderFlag.REDUCE_ONLY) != 0),
        pl.Series("tag", orders["tag"]),
    ]


def _outcome_columns(records: RunRecords) -> list[pl.Series]:
    """What became of the orders; the average price is null where nothing filled, `closed_bar` while alive.

    `unfilled_…`: bars on which an order was active and did not fill, by cause (U-01).
    """
    orders = records.orders
    filled = orders["filled_quantity"]
    return [
        code_names("status", orders["status"], OrderStatus),
        code_names("reason", orders["reason"], Reason),
        code_texts("reason_text", orders["reason"], Reason),
        pl.Series("filled_quantity", filled),
        pl.Series("average_price", _average_prices(records)).fill_nan(None),
        pl.Series("commission", orders["commission"]),
        pl.Series("submitted_bar", orders["submitted_bar"]),
        _index("closed_bar", orders["closed_bar"], 0),
        *(pl.Series(f"unfilled_{cause}", orders[f"unfilled_{cause}"]) for cause in UNFILLED),
    ]


def _average_prices(records: RunRecords) -> NDArray[np.float64]:
    """Mean price of each order's fills; money over units where all fills have one multiplier."""
    orders, filled = records.orders, records.orders["filled_quantity"]
    values, units = orders["filled_value"], filled.copy()
    if len(records.market.conversions(records.account_value.currency)):
        values = np.bincount(records.fills["order"], records.fills["quantity"] * records.fills["price"], len(orders))
    else:
        units *= records.multipliers()[np.clip(orders["symbol"], 0, len(records.positions) - 1)]
    average = np.full(len(orders), np.nan)
    np.divide(values, units, out=average, where=filled > 0.0)
    return average


def _index(name: str, values: Indices, first: int) -> pl.Series:
    """The indices with everything below `first` as null."""
    column = pl.Series(name, np.ascontiguousarray(values))
    return column.set(column < first, None)


def transitions_frame(records: RunRecords, ids: pl.Series) -> pl.DataFrame:
    """One row per step in the life of an order, in the order in which they happened."""
    transitions = records.transitions
    return pl.DataFrame(
        [
            ids.gather(transitions["order"]).alias("order_id"),
            pl.Series("bar", transitions["bar"]),
            stamps("timestamp", transitions["bar"], records.market),
            code_names("from_status", transitions["from_status"], OrderStatus),
            code_names("to_status", transitions["to_status"], OrderStatus),
            code_names("event", transitions["event"], OrderEvent),
            code_names("reason", transitions["reason"], Reason),
            code_texts("reason_text", transitions["reason"], Reason),
        ]
    )


def positions_frame(records: RunRecords) -> pl.DataFrame:
    """Final position of every symbol in market order, flat ones included; money in the account's currency.

    `unrealized_pnl` is that of the open quantity at its average price; `pnl` is that of the round trip in progress at
    the mark, with what it has realised and paid so far: Σ trades.pnl + Σ positions.pnl is the change of equity.
    """
    positions = records.positions
    multiplier = records.multipliers()
    quantity, mark = positions["quantity"], positions["mark"]
    realized = np.sign(quantity) * (positions["exit_value"] - positions["entry_value"])

    def held(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(quantity != 0.0, values, 0.0)  # a symbol without a valid bar has no mark

    return pl.DataFrame(
        {
            "symbol": pl.Series(list(records.market.symbols), dtype=pl.String),
            "quantity": quantity,
            "average_price": positions["average_price"],
            "mark": mark,
            "market_value": held(quantity * mark * multiplier),
            "unrealized_pnl": held(quantity * (mark - positions["average_price"]) * multiplier),
            "pnl": held(
                (realized + quantity * mark) * multiplier - positions["trip_commission"] + positions["currency_profit"]
            ),
            "locked": positions["locked"],
        }
    )


def equity_frame(records: RunRecords) -> pl.DataFrame:
    """The account after each bar; `drawdown` = (peak − equity)/peak, the initial equity counts as a peak (M-03)."""
    curve = records.curve
    bars = np.arange(len(curve), dtype=np.int32)
    equity = curve["equity"]
    peak = np.maximum.accumulate(np.maximum(equity, records.account["initial_equity"]))
    with np.errstate(divide="ignore", invalid="ignore"):  # an account that begins with nothing has no drawdown
        drawdown = (peak - equity) / peak
    return pl.DataFrame(
        [
            pl.Series("bar", bars),
            stamps("timestamp", bars, records.market),
            pl.Series("cash", curve["cash"]),
            pl.Series("market_value", equity - curve["cash"]),
            pl.Series("equity", equity),
            pl.Series("drawdown", drawdown),
        ]
    )
