"""Adjusted series: past prices in today's shares, less what was paid on them."""

from typing import Any, Literal

import numpy as np

from admf.data.actions import read_actions
from admf.data.bars import Bars
from admf.data.columns import FloatArray
from admf.errors import DataError
from admf_kernels.codes import ActionKind

Convention = Literal["textbook", "vendor"]
PRICED = ("open", "high", "low", "close", "vwap", "bid", "ask", "spread")


def adjusted(bars: Bars, actions: Any, convention: Convention = "textbook") -> Bars:
    """The bars with the prices before each ex date multiplied by its factor, and the volume divided by the splits.

    `actions`: a table as `Market` takes it. The factor of a split ratio r and a dividend d on bar k is
    (1 − d·r/c[k−1])/r by the `textbook`, c[k]/(c[k] + d)/r where the `vendor` counts the dividend as put back at the
    close of its ex date. DataError for actions that do not fit the bars.
    """
    if convention not in ("textbook", "vendor"):
        raise DataError("unknown word", field="convention", found=convention, allowed="textbook, vendor")
    rows = read_actions(actions, (bars.symbol,), bars.timestamp, bars.dated)
    splits, dividends = np.ones(len(bars)), np.zeros(len(bars))
    is_split, is_dividend = rows["kind"] == ActionKind.SPLIT, rows["kind"] == ActionKind.DIVIDEND
    np.multiply.at(splits, rows["bar"][is_split], rows["value"][is_split])
    np.add.at(dividends, rows["bar"][is_dividend], rows["value"][is_dividend])
    close = bars.close
    if convention == "vendor":
        paid = close / (close + dividends)
    else:
        paid = 1.0 - dividends * splits / np.concatenate(([np.inf], close[:-1]))
    prices, units = before_each(paid / splits), before_each(splits)
    columns = {name: values * prices if name in PRICED else values for name, values in bars.checked.columns.items()}
    if bars.volume is not None:
        columns["volume"] = bars.volume * units
    for values in columns.values():
        values.flags.writeable = False
    return Bars.from_checked(bars.checked._replace(columns=columns))


def before_each(factors: FloatArray) -> FloatArray:
    """For each bar the product of the factors of all later ones."""
    later = np.concatenate((factors[1:], [1.0]))
    product: FloatArray = np.multiply.accumulate(later[::-1])[::-1].copy()
    return product
