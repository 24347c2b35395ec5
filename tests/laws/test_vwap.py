"""C-04: market orders at the volume-weighted average price of the data's own column."""

import math

import pytest

import admf
from admf.errors import ConfigError
from played import Play

BARS = [
    (100.0, 110.0, 90.0, 105.0, 100.0, 101.0),
    (100.0, 110.0, 90.0, 105.0, 100.0, 103.25),
    (100.0, 110.0, 90.0, 105.0, 100.0, math.nan),
    (100.0, 110.0, 90.0, 105.0, 100.0, 111.0),
]


def test_market_orders_fill_at_the_vwap(play: Play) -> None:
    """C-04: the bar's own value, at the close: the stop of the same bar came before it."""
    stop = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 95.0}
    played = play(BARS, {"bar": 0}, stop, market_fill="next_vwap")
    assert [(fill.order, fill.price) for fill in played.fills] == [(1, 95.0), (0, 103.25)]
    assert played.reasons[1] == "fill_at_average"


def test_a_missing_vwap_is_no_price(play: Play) -> None:
    """C-04, B-01: bar 2 has none; the order fills on bar 3, into whose range 111 is clamped (P-11)."""
    played = play(BARS, {"bar": 1}, market_fill="next_vwap")
    assert [(fill.bar, fill.price) for fill in played.fills] == [(3, 110.0)]
    assert played.base_prices == [111.0]


@pytest.mark.parametrize("symbols", [("S0",), ("S0", "S1")])
def test_data_without_the_column_is_refused(symbols: tuple[str, ...]) -> None:
    """C-04: of two symbols one is enough to be refused."""
    columns = {"open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0]}
    bars = [admf.Bars(columns | ({"vwap": [1.0]} if index else {}), symbol) for index, symbol in enumerate(symbols)]
    order = {"bar": -1, "side": "buy", "quantity": 1.0, "symbol": "S0"}
    with pytest.raises(ConfigError, match=r"execution\.market_fill: the data has no column vwap; found 'next_vwap'"):
        admf.simulate(bars, [order], execution=admf.Execution(market_fill="next_vwap"))


def test_the_column_counts_for_the_fingerprint() -> None:
    columns = {"open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0]}
    prints = {admf.Market([admf.Bars(columns | more)]).fingerprint for more in ({}, {"vwap": [1.0]}, {"vwap": [1.1]})}
    assert len(prints) == 3
