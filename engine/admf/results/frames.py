"""Frames of fills, transitions, positions and equity, straight from the records."""

import numpy as np
import polars as pl

from admf.results.records import RunRecords
from admf.results.words import code_names, code_texts, code_words, stamps, symbol_words
from admf_kernels.codes import Liquidity, OrderEvent, OrderStatus, Reason, Side


def fills_frame(records: RunRecords, ids: pl.Series) -> pl.DataFrame:
    """One row per fill in the order in which they happened; `slippage` = s·(price − base_price) per unit."""
    fills, market = records.fills, records.market
    slippage = fills["side"] * (fills["price"] - fills["base_price"])
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
            pl.Series("slippage", slippage),
            code_words("liquidity", fills["liquidity"], Liquidity),
            pl.Series("ambiguous", fills["ambiguous"] != 0),
            code_words("reason", fills["reason"], Reason),
            code_texts("reason_text", fills["reason"], Reason),
            pl.Series("order_number", fills["order"]),
        ]
    )


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
            code_words("event", transitions["event"], OrderEvent),
            code_words("reason", transitions["reason"], Reason),
            code_texts("reason_text", transitions["reason"], Reason),
            pl.Series("order_number", transitions["order"]),
        ]
    )


def positions_frame(records: RunRecords) -> pl.DataFrame:
    """Final position of every symbol in market order, flat ones included; money in the account's currency."""
    positions = records.positions
    multiplier = records.multipliers()
    quantity = positions["quantity"]
    return pl.DataFrame(
        {
            "symbol": pl.Series(list(records.market.symbols), dtype=pl.String),
            "quantity": quantity,
            "average_price": positions["average_price"],
            "mark": positions["mark"],
            "market_value": quantity * positions["mark"] * multiplier,
            "unrealized_pnl": quantity * (positions["mark"] - positions["average_price"]) * multiplier,
            "locked": positions["locked"],
        }
    )


def equity_frame(records: RunRecords) -> pl.DataFrame:
    """The account after each bar; `drawdown` = (peak − equity)/peak, the initial equity counts as a peak (M-03)."""
    curve = records.curve
    bars = np.arange(len(curve), dtype=np.int32)
    equity = curve["equity"]
    peak = np.maximum.accumulate(np.maximum(equity, records.account["initial_equity"]))
    return pl.DataFrame(
        [
            pl.Series("bar", bars),
            stamps("timestamp", bars, records.market),
            pl.Series("cash", curve["cash"]),
            pl.Series("market_value", equity - curve["cash"]),
            pl.Series("equity", equity),
            pl.Series("drawdown", (peak - equity) / peak),
        ]
    )
