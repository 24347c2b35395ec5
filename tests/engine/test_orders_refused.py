"""The orders door: what is said about a wrong table, and about single orders that are at fault (L-02)."""

import math
import re

import numpy as np
import polars as pl
import pytest

from admf.data import Instrument, Market
from admf.errors import OrderError
from admf.execution import Execution
from admf.orders.columns import LIMIT_TYPES, STOP_TYPES
from admf.run import simulate
from admf_kernels.codes import OrderType, Reason
from orders_support import PLAIN, bars_of, one_market, read, refusal

# ------------------------------------------------------------------------------------------------ what is refused whole


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"qty": [1.0]}, "column qty: unknown; did you mean quantity?"),
        ({"Limit": [1.0]}, "column Limit: unknown; did you mean limit_price?"),
        ({"sidee": ["buy"]}, "column sidee: unknown; did you mean side?"),
        ({"zzz": [1]}, "column zzz: unknown; allowed: id, symbol, parent"),
        ({"side": ["hold"]}, "row 0, side: found 'hold'; allowed: buy, sell"),
        ({"side": [None]}, "row 0, side: found nothing; allowed: buy, sell"),
        ({"type": ["lmit"]}, "row 0, type: found 'lmit'; allowed: market, limit, stop, stop_limit"),
        (
            {"trail_amount": [1.0]},
            "trail_amount: found 1.0; allowed: nothing, or type trailing_stop or trailing_st",
        ),
        ({"trail_percent": [1.0], "type": ["stop"]}, "trail_percent: found 1.0; allowed: nothing, or type trailing"),
        (
            {"limit_offset": [1.0], "type": ["trailing_stop"], "trail_amount": [1.0]},
            "limit_offset: found 1.0; allowed: nothing, or type trailing_stop_limit",
        ),
        ({"trail_percent": ["5%"], "type": ["trailing_stop"]}, "trail_percent: found '5%'; allowed: a number"),
        ({"post_only": ["maybe"]}, "post_only: found 'maybe'; allowed: true, false"),
        ({"time_in_force": ["gtx"]}, "row 0, time_in_force: found 'gtx'; allowed: gtc, day, ioc, fok, gtd, gtb"),
        ({"quantity": ["many"]}, "row 0, quantity: found 'many'; allowed: a number"),
        ({"bar": [0.5]}, "row 0, bar: found 0.5; allowed: a whole number"),
        ({"bar": ["x"]}, "row 0, bar: found 'x'; allowed: a whole number"),
        ({"reduce_only": ["perhaps"]}, "reduce_only: found 'perhaps'; allowed: true, false"),
        ({"limit_price": [5.0]}, "limit_price: found 5.0; allowed: nothing, or type limit or stop_limit or"),
        ({"size_kind": ["value"], "size": [5.0]}, "quantity: found 1.0; allowed: nothing where size_kind"),
        ({"size": [5.0]}, "size: found 5.0; allowed: nothing, or a size_kind beside it: value, equity_fraction, cash"),
    ],
)
def test_a_wrong_table_names_field_value_and_what_is_allowed(columns, text):
    assert text in refusal({"bar": [0], "side": ["buy"], "quantity": [1.0], **columns})


def test_every_fault_is_listed_at_once_by_row():
    text = refusal(
        {
            "id": ["a", "b", "c"],
            "bar": [0, 99, 0],
            "side": ["buy", "hold", "sell"],
            "quantity": ["1", "2", "x"],
            "colour": ["red", "red", "red"],
        }
    )
    assert "4 faults in 3 rows; nothing was run" in text
    rows = re.findall(r"column colour|row \d \(id \w\), \w+", text)
    assert rows == ["column colour", "row 1 (id b), bar", "row 1 (id b), side", "row 2 (id c), quantity"]


def test_a_long_list_is_cut_and_counted():
    text = refusal({"bar": [99] * 1000, "side": "buy", "quantity": 1.0})
    assert text.count("row ") == 20
    assert "1,000 faults in 1,000 rows" in text
    assert "… and 980 more" in text


def test_a_missing_column_is_named():
    assert "column quantity: missing" in refusal({"bar": [0], "side": ["buy"]})
    assert "side: found nothing" in refusal({"bar": [0], "quantity": [1.0]})
    market = Market([bars_of("A"), bars_of("B")])
    assert "column symbol: missing" in refusal(PLAIN, market)
    assert "row 1, symbol: found nothing" in refusal({**PLAIN, "symbol": ["A", None]}, market)


def test_an_empty_table_is_no_orders():
    for table in ({}, [], pl.DataFrame(), {"bar": [], "side": [], "quantity": []}):
        script = read(table)
        assert len(script) == 0
        assert len(script.commands) == 0


# ----------------------------------------------------------------------------------- what single orders do wrong (L-02)


@pytest.mark.parametrize(
    ("columns", "column", "found", "reason"),
    [
        ({"quantity": [0.0]}, "quantity", 0.0, Reason.QUANTITY_NOT_POSITIVE),
        ({"quantity": [-1.0]}, "quantity", -1.0, Reason.QUANTITY_NOT_POSITIVE),
        ({"quantity": [None]}, "quantity", None, Reason.QUANTITY_NOT_POSITIVE),
        ({"quantity": [math.inf]}, "quantity", math.inf, Reason.QUANTITY_NOT_POSITIVE),
        ({"quantity": [0.5]}, "quantity", 0.5, Reason.BELOW_LOT),
        ({"type": ["limit"]}, "limit_price", None, Reason.LIMIT_PRICE_MISSING),
        ({"type": ["limit"], "limit_price": [-5.0]}, "limit_price", -5.0, Reason.LIMIT_PRICE_MISSING),
        ({"type": ["stop"], "stop_price": [0.0]}, "stop_price", 0.0, Reason.STOP_PRICE_MISSING),
        ({"type": ["stop_limit"], "limit_price": [9.0]}, "stop_price", None, Reason.STOP_PRICE_MISSING),
        ({"type": ["market_if_touched"]}, "stop_price", None, Reason.STOP_PRICE_MISSING),
        ({"type": ["limit_if_touched"], "stop_price": [9.0]}, "limit_price", None, Reason.LIMIT_PRICE_MISSING),
        ({"type": ["limit_on_close"]}, "limit_price", None, Reason.LIMIT_PRICE_MISSING),
        ({"type": ["trailing_stop"]}, "trail_amount", None, Reason.TRAIL_MISSING),
        ({"type": ["trailing_stop"], "trail_amount": [-1.0]}, "trail_amount", -1.0, Reason.TRAIL_MISSING),
        ({"type": ["trailing_stop"], "trail_percent": [100.0]}, "trail_percent", 100.0, Reason.TRAIL_MISSING),
        ({"type": ["trailing_stop"], "trail_percent": [0.0]}, "trail_percent", 0.0, Reason.TRAIL_MISSING),
        (
            {"type": ["trailing_stop"], "trail_percent": [1.0], "trail_amount": [2.0]},
            "trail_amount",
            2.0,
            Reason.TRAIL_MISSING,
        ),
        (
            {"type": ["trailing_stop"], "trail_percent": [1.0], "trail_activation_offset": [-1.0]},
            "trail_activation_offset",
            -1.0,
            Reason.TRAIL_MISSING,
        ),
        (
            {"type": ["trailing_stop"], "trail_percent": [1.0], "stop_price": [-1.0]},
            "stop_price",
            -1.0,
            Reason.TRAIL_MISSING,
        ),
        ({"type": ["trailing_stop_limit"], "trail_amount": [1.0]}, "limit_offset", None, Reason.TRAIL_MISSING),
        ({"post_only": [True]}, "post_only", True, Reason.POST_ONLY_TYPE),
        ({"symbol": ["GME"]}, "symbol", "GME", Reason.SYMBOL_UNKNOWN),
        ({"parent": ["nobody"]}, "parent", "nobody", Reason.PARENT_UNKNOWN),
        (
            {"time_in_force": ["gtb"], "expires_after_bars": [0]},
            "expires_after_bars",
            0,
            Reason.TIME_IN_FORCE_UNKNOWN,
        ),
        ({"quantity": [None], "size_kind": ["value"], "size": [-1.0]}, "size", -1.0, Reason.SIZE_UNKNOWN),
    ],
)
def test_an_order_at_fault_goes_through_and_is_listed(columns, column, found, reason):
    market = Market(bars_of(), instruments=Instrument("AAPL", lot_size=1.0))
    script = read({"bar": [0], "side": ["buy"], "quantity": [1.0], **columns}, market)
    (bad,) = script.faults(market.instrument_records)
    assert (bad.row, bad.column, bad.found, bad.reason) == (0, column, found, reason)


def test_a_parent_that_comes_too_late():
    table = {"id": ["child", "late"], "bar": [0, 1], "side": "buy", "quantity": 1.0, "parent": ["late", None]}
    (bad,) = read(table).faults(one_market().instrument_records)
    assert (bad.id, bad.reason) == ("child", Reason.PARENT_UNKNOWN)


def test_parents_in_a_circle():
    """Those in the circle are named, not those that hang on it."""
    text = refusal(
        {
            "id": ["me", "ring1", "ring2", "ring3", "tail", "end"],
            "bar": 0,
            "side": "buy",
            "quantity": 1.0,
            "parent": ["me", "ring2", "ring3", "ring1", "ring1", "tail"],
        }
    )
    assert re.findall(r"row \d \(id \w+\), parent: found '\w+'", text) == [
        "row 0 (id me), parent: found 'me'",
        "row 1 (id ring1), parent: found 'ring2'",
        "row 2 (id ring2), parent: found 'ring3'",
        "row 3 (id ring3), parent: found 'ring1'",
    ]
    assert "allowed: an order that does not itself depend on this one" in text


def exits_of(side, stop_price, target, *, stop_type="stop", target_type="limit", **more):
    """An entry with a stop and a target on the other side."""
    other = "sell" if side == "buy" else "buy"
    limits = [target if target_type.startswith("limit") else None, stop_price if stop_type == "stop_limit" else None]
    table = {
        "id": ["in", "target", "stop"],
        "bar": 0,
        "side": [side, other, other],
        "type": ["market", target_type, stop_type],
        "quantity": [1.0, None, None],
        "parent": [None, "in", "in"],
        "limit_price": [None, *limits],
        "stop_price": [None, None if target_type == "limit" else target, stop_price],
    }
    return table | more


@pytest.mark.parametrize(
    "table",
    [
        exits_of("buy", 105.0, 100.0),
        exits_of("sell", 100.0, 105.0),
        exits_of("buy", 105.0, 100.0, oco=[None, "g", "g"]),
        exits_of("buy", 105.0, 100.0, stop_type="stop_limit"),
        exits_of("buy", 105.0, 100.0, target_type="market_if_touched"),
        exits_of("buy", 105.0, 100.0, target_type="limit_if_touched"),
        exits_of("buy", 105.0, 100.0, parent=None, quantity=1.0, oco=[None, "g", "g"], reduce_only=[False, True, True]),
    ],
)
def test_a_stop_beyond_the_target_of_its_bracket(table):
    stop = table["stop_price"][2]
    text = f"row 2 (id stop), stop_price: found {stop}; allowed: of a sell at most, of a buy at least the price of the"
    assert text in refusal(table)


@pytest.mark.parametrize(
    "table",
    [
        exits_of("buy", 95.0, 100.0),
        exits_of("buy", 100.0, 100.0),
        exits_of("sell", 105.0, 100.0),
        exits_of("buy", 105.0, None),  # its own fault: REJECTED
        exits_of("buy", 105.0, 100.0, bar=[0, 0, 5]),  # the target may be gone by then
        exits_of("buy", 105.0, 100.0, oco=[None, "g", "h"]),
        exits_of("buy", 105.0, 100.0) | {"side": "buy"},  # children that add
        exits_of("buy", 105.0, 100.0, parent=None, quantity=1.0, oco=[None, "g", "g"]),  # may open a short
    ],
)
def test_brackets_that_can_be(table):
    assert len(read(table)) == 3


def test_undated_bars_have_no_sessions():
    types = ["market_on_open", "limit_on_open", "market_on_close", "limit_on_close", "market"]
    table = {"bar": 0, "side": "buy", "quantity": 1.0, "type": types, "limit_price": [None, 9.0, None, 9.0, None]}
    text = refusal(table, one_market(dated=False))
    assert "4 faults in 5 rows" in text
    assert "row 0, type: found 'market_on_open'; allowed: no on-open or on-close types: the bars have no time" in text
    assert len(read(table)) == 5


def test_a_child_of_another_symbol_is_at_fault():
    market = Market([bars_of("A"), bars_of("B")])
    table = {
        "id": ["p", "c"],
        "bar": [0, 0],
        "symbol": ["A", "B"],
        "side": "buy",
        "quantity": 1.0,
        "parent": [None, "p"],
    }
    (bad,) = read(table, market).faults(market.instrument_records)
    assert (bad.id, bad.reason) == ("c", Reason.PARENT_UNKNOWN)


def test_bad_orders_as_one_error():
    market = one_market()
    script = read({"id": ["a", "b", "c"], "bar": [2, 1, 0], "side": "buy", "quantity": [0.0, 1.0, -1.0]}, market)
    with pytest.raises(OrderError) as caught:
        script.refuse_faults(market.instrument_records)
    text = str(caught.value)
    assert "2 of 3 orders would be rejected; nothing was run" in text
    assert text.index("row 0 (id a), quantity: found 0.0") < text.index("row 2 (id c), quantity: found -1.0")
    assert "QUANTITY_NOT_POSITIVE" in text
    assert "--on-bad-order reject" in text
    read(PLAIN, market).refuse_faults(market.instrument_records)


LIMITED = [member.name.lower() for member in LIMIT_TYPES]
STOPPED = [member.name.lower() for member in STOP_TYPES]


def random_orders(count, seed):
    """Orders of which many are at fault in one way or several."""
    pick = np.random.default_rng(seed).choice
    prices = [100.0, 99.995, 0.0, -1.0, math.nan, math.inf]
    kinds = pick(OrderType.words(), count)
    trails, distances = np.isin(kinds, ["trailing_stop", "trailing_stop_limit"]), [1.0, 5.0, 0.0, -1.0, 120.0, math.nan]
    time_in_force = pick(["gtc", "gtb"], count)
    draws = enumerate(pick(12, count))
    parent = [f"o{row - 1}" if row and draw < 3 else "nobody" if draw == 3 else None for row, draw in draws]
    return {
        "id": [f"o{row}" for row in range(count)],
        "bar": 0,
        "symbol": pick(["A", "B", "GME"], count, p=[0.5, 0.4, 0.1]),
        "side": pick(["buy", "sell"], count),
        "type": kinds,
        "quantity": pick(
            [1.0, 2.0, 0.4, 0.0, -1.0, math.nan, math.inf], count, p=[0.4, 0.3, 0.1, 0.05, 0.05, 0.05, 0.05]
        ),
        "limit_price": np.where(np.isin(kinds, LIMITED), pick(prices, count), math.nan),
        "stop_price": np.where(np.isin(kinds, STOPPED), pick(prices, count), math.nan),
        "trail_amount": np.where(trails, pick(distances, count), math.nan),
        "trail_percent": np.where(trails, pick(distances, count, p=[0.1, 0.1, 0.05, 0.05, 0.1, 0.6]), math.nan),
        "trail_activation_offset": np.where(trails, pick([2.0, -1.0, math.nan, math.nan], count), math.nan),
        "limit_offset": np.where(kinds == "trailing_stop_limit", pick([0.0, 1.0, -1.0, math.nan], count), math.nan),
        "post_only": pick([True, False, False], count),
        "time_in_force": time_in_force,
        "expires_after_bars": [int(pick([0, 1, 5])) if word == "gtb" else None for word in time_in_force],
        "parent": parent,
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_list_of_faults_is_what_a_run_rejects(seed):
    instruments = [Instrument("A", lot_size=1.0), Instrument("B", min_quantity=0.5, tick_size=0.01)]
    market = Market([bars_of("A"), bars_of("B")], instruments=instruments)
    orders = random_orders(400, seed)
    listed = {bad.id: bad.reason.name for bad in read(orders, market).faults(market.instrument_records)}
    result = simulate(market, orders, execution=Execution(cash_submit="none", cash_fill="none"))
    rejected = result.orders.filter(pl.col("status") == "REJECTED")
    by_run = dict(zip(rejected["id"], rejected["reason"], strict=True))
    assert len(set(listed.values())) == 9, "every fault but a wrong size is drawn"
    refused_parents = {name for name, parent in zip(orders["id"], orders["parent"], strict=True) if parent in by_run}
    by_parent = {name for name in by_run if name not in listed}
    assert by_parent <= refused_parents
    assert {by_run[name] for name in by_parent} == {"PARENT_UNKNOWN"}
    assert {name: by_run.get(name) for name in listed} == listed
