"""What the tests of the orders door share: small markets, plain tables, and what a refusal says."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from admf.data import Bars, Market
from admf.errors import OrderError
from admf.orders import read_orders

SUBMIT = -1
PLAIN = {"bar": [0, 1], "side": ["buy", "sell"], "quantity": [1.0, 2.0]}


def bars_of(symbol="AAPL", count=10, *, dated=True):
    table = {name: np.full(count, 100.0) for name in ("open", "high", "low", "close")}
    if dated:
        start = datetime(2024, 1, 2, tzinfo=UTC)
        table["timestamp"] = pl.datetime_range(start, start.replace(day=1 + count), "1d", eager=True, time_unit="us")
    return Bars(table, symbol)


def one_market(*, dated=True):
    return Market(bars_of(dated=dated))


def orders_of(script):
    """The submitted orders by input row."""
    orders = script.orders[script.commands["kind"] == SUBMIT]
    return orders[np.argsort(orders["tag"])]


def read(table, market=None):
    return read_orders(table, one_market() if market is None else market)


def refusal(table, market=None):
    with pytest.raises(OrderError) as caught:
        read(table, market)
    assert caught.value.exit_code == 2
    return str(caught.value)
