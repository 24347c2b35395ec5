"""Frames of a result: what API.md names is there, nothing is missing, and the frames agree with each other."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import admf
from admf.errors import ConfigError
from results_support import busy_market, busy_orders, busy_run, market_of, naive_trace_hash, small_run

TEXT, MONEY, STAMP = pl.String, pl.Float64, pl.Datetime("us", "UTC")
FILLS = {
    "fill_id": pl.Int64,
    "order_id": TEXT,
    "symbol": TEXT,
    "bar": pl.Int32,
    "timestamp": STAMP,
    "side": TEXT,
    "quantity": MONEY,
    "price": MONEY,
    "commission": MONEY,
    "base_price": MONEY,
    "slippage": MONEY,
    "liquidity": TEXT,
    "ambiguous": pl.Boolean,
    "reason": TEXT,
}
TRANSITIONS = {
    "order_id": TEXT,
    "bar": pl.Int32,
    "timestamp": STAMP,
    "from_status": TEXT,
    "to_status": TEXT,
    "event": TEXT,
    "reason": TEXT,
}
OUTCOME = ["status", "reason", "filled_quantity", "average_price", "commission", "submitted_bar", "closed_bar"]
EQUITY = {"bar": pl.Int32, "timestamp": STAMP, "cash": MONEY, "market_value": MONEY, "equity": MONEY, "drawdown": MONEY}
SMALLEST = 1e-9  # money: rounding of sums near 1e5


@pytest.fixture(scope="module")
def busy():
    return busy_run()


@pytest.fixture(scope="module")
def closed():
    return busy_run(close_positions=True)


def columns_of(frame, wanted):
    return {name: dtype for name, dtype in frame.schema.items() if name in wanted}


def test_columns_are_those_of_the_public_surface(busy):
    assert columns_of(busy.fills, FILLS) == FILLS
    assert list(busy.fills.columns)[: len(FILLS)] == list(FILLS)
    assert columns_of(busy.transitions, TRANSITIONS) == TRANSITIONS
    assert dict(busy.equity.schema) == EQUITY
    assert set(busy_orders(busy_market())) | set(OUTCOME) <= set(busy.orders.columns)


def test_words_are_written_as_in_the_documents(busy):
    assert set(busy.fills["side"]) == {"buy", "sell"}
    assert set(busy.fills["liquidity"]) == {"maker", "taker"}
    assert set(busy.orders["status"]) == {"FILLED", "CANCELLED", "REJECTED", "EXPIRED"}
    assert {"QUANTITY_NOT_POSITIVE", "SYMBOL_UNKNOWN", "LIMIT_PRICE_MISSING"} <= set(busy.orders["reason"])
    assert set(busy.trades["side"]) == {"long", "short"}
    assert {"SUBMIT", "COMPLETE", "REFUSE"} <= set(busy.transitions["event"])


def test_no_order_is_missing_and_each_has_a_status_with_a_reason(busy):
    given = busy_orders(busy_market())
    assert busy.orders["id"].to_list() == given["id"]
    assert busy.orders["quantity"].to_list() == given["quantity"]
    assert (
        not busy.orders.select("status", "reason", "reason_text", "submitted_bar", "closed_bar")
        .null_count()
        .sum_horizontal()[0]
    )
    assert busy.orders["submitted_bar"].to_list() == given["bar"]
    counts = dict(busy.orders["status"].value_counts().iter_rows())
    assert counts == {name: busy.metrics[f"orders_{name.lower()}"] for name in counts}
    assert busy.orders.height == busy.metrics["orders"]


def test_the_engines_own_orders_follow_the_input_rows(closed):
    """A-10."""
    rows = closed.orders.tail(2)
    assert rows["id"].to_list() == ["close:ALFA", "close:BETA"]
    assert rows["reason"].to_list() == ["CLOSE_POSITIONS"] * 2
    assert rows["bar"].to_list() == [None, None]
    assert closed.orders.height == 162
    assert closed.fills["order_id"].to_list()[-2:] == ["close:ALFA", "close:BETA"]
    assert closed.positions["quantity"].to_list() == [0.0, 0.0]


def test_orders_sum_up_their_fills(closed):
    multiplier = pl.when(pl.col("symbol") == "BETA").then(5.0).otherwise(1.0)
    sums = closed.fills.group_by(id="order_id").agg(
        quantity=pl.col("quantity").sum(),
        average=(pl.col("quantity") * pl.col("price")).sum() / pl.col("quantity").sum(),
        fee=pl.col("commission").sum(),
        last_bar=pl.col("bar").max(),
        money=(pl.col("quantity") * pl.col("price") * multiplier).sum(),
    )
    both = closed.orders.filter(pl.col("filled_quantity") > 0.0).join(sums, on="id", how="full", coalesce=True)
    assert both.height == sums.height > 50
    for found, expected in (
        ("filled_quantity", "quantity_right"),
        ("average_price", "average"),
        ("commission_", "fee"),
    ):
        pairs = both.select(pl.col(found.removesuffix("_")).alias("found"), pl.col(expected).alias("expected"))
        assert ((pairs["found"] - pairs["expected"]).abs() <= 1e-12 * pairs["expected"].abs()).all(), found
    assert closed.orders.filter(pl.col("filled_quantity") == 0.0)["average_price"].null_count() > 0


def test_transitions_end_in_the_status_of_the_order(busy):
    last = busy.transitions.group_by("order_id", maintain_order=True).last()
    both = busy.orders.join(last, left_on="id", right_on="order_id", how="left")
    assert both["status"].equals(both["to_status"])
    assert both["closed_bar"].equals(both["bar_right"])
    first = busy.transitions.group_by("order_id", maintain_order=True).first()
    assert set(first["from_status"]) == {"NONE"}


def test_slippage_is_what_the_price_is_worse_than_the_base_price(busy):
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    worse = busy.fills.select(sign * (pl.col("price") - pl.col("base_price"))).to_series()
    assert worse.to_list() == busy.fills["slippage"].to_list()
    assert busy.fills["slippage"].max() > 0.0
    assert "-0.0" not in {str(value) for value in busy.fills["slippage"]}


def test_trace_hash_is_the_one_of_the_frames(busy, closed):
    assert busy.trace_hash == naive_trace_hash(busy)
    assert closed.trace_hash == naive_trace_hash(closed) != busy.trace_hash


def test_the_trace_hash_of_no_orders_covers_cash_and_positions():
    results = [
        admf.simulate(market_of([50, 51, 52]), {"bar": [], "side": [], "quantity": []}, account=account, debug=True)
        for account in (admf.Account(), admf.Account(cash=99_999), admf.Account(positions={"AAPL": (1.0, 50.0)}))
    ]
    assert [result.trace_hash for result in results] == [naive_trace_hash(result) for result in results]
    assert len({result.trace_hash for result in results}) == 3


@pytest.mark.parametrize("run", ["busy", "closed"])
def test_profit_of_trades_and_open_positions_is_the_change_of_equity(run, request):
    """A-01, A-09."""
    result = request.getfixturevalue(run)
    change = result.metrics["final_equity"] - result.metrics["initial_equity"]
    assert result.trades["pnl"].sum() + result.positions["pnl"].sum() == pytest.approx(change, abs=SMALLEST)
    assert abs(change) > 50.0


def test_equity_is_cash_and_positions_at_every_bar(busy):
    """From fills and closes alone: cash moves by the fills, positions are marked at the close."""
    market = busy.records.market
    cash, held, multiplier = 100_000.0, {"ALFA": 0.0, "BETA": -30.0}, {"ALFA": 1.0, "BETA": 5.0}
    by_bar = {bar: list(rows) for (bar,), rows in ((k, g.iter_rows(named=True)) for k, g in busy.fills.group_by("bar"))}
    for row in busy.equity.iter_rows(named=True):
        for fill in by_bar.get(row["bar"], []):
            signed = fill["quantity"] * (1.0 if fill["side"] == "buy" else -1.0)
            cash -= signed * fill["price"] * multiplier[fill["symbol"]] + fill["commission"]
            held[fill["symbol"]] += signed
        closes = market.arrays.close[row["bar"]]
        value = sum(held[name] * closes[i] * multiplier[name] for i, name in enumerate(market.symbols))
        assert row["cash"] == pytest.approx(cash, abs=SMALLEST)
        assert row["market_value"] == pytest.approx(value, abs=SMALLEST)
        assert row["equity"] == pytest.approx(cash + value, abs=SMALLEST)
    assert busy.positions["quantity"].to_list() == pytest.approx(list(held.values()), abs=SMALLEST)


def test_stamps_are_those_of_the_bars(busy):
    clock = pl.DataFrame(
        {"bar": range(1_200), "clock": busy.records.market.timestamps}, schema_overrides={"bar": pl.Int32}
    )
    for frame in (busy.fills, busy.equity, busy.transitions.filter(pl.col("bar") >= 0)):
        assert frame.join(clock, on="bar", how="left")["clock"].equals(frame["timestamp"])
    before = busy.transitions.filter(pl.col("bar") < 0)["timestamp"]
    assert before.null_count() == len(before) > 0


def test_undated_data_has_null_stamps():
    result = small_run(market_of([50, 51, 52, 53], dated=False), [{"bar": 0, "side": "buy", "quantity": 2}])
    assert result.fills["bar"].to_list() == [1]
    for frame in (result.fills, result.equity, result.transitions):
        assert frame["timestamp"].null_count() == frame.height > 0
        assert frame.schema["timestamp"] == STAMP


# -------------------------------------------------------------------------------------------------------- record levels


@pytest.mark.parametrize("level", ["fills", "summary"])
def test_every_level_has_the_same_numbers_hashes_and_frames(busy, level):
    result = busy_run(record=level)
    assert result.metrics == busy.metrics
    assert (result.trace_hash, result.fingerprint) == (busy.trace_hash, busy.fingerprint)
    frames = result.recorded_frames()
    names = {"positions", "fills", "trades", "trades_fifo", "equity"} if level == "fills" else {"positions"}
    assert set(frames) == names
    for name, frame in frames.items():
        assert_frame_equal(frame, getattr(busy, name), check_exact=True)


@pytest.mark.parametrize(
    ("level", "frame", "allowed"),
    [
        ("summary", "fills", "record=fills or record=full"),
        ("summary", "trades", "record=fills or record=full"),
        ("summary", "trades_fifo", "record=fills or record=full"),
        ("summary", "equity", "record=fills or record=full"),
        ("summary", "orders", "record=full"),
        ("summary", "transitions", "record=full"),
        ("fills", "orders", "record=full"),
        ("fills", "transitions", "record=full"),
    ],
)
def test_a_frame_that_was_not_recorded_names_the_level_that_has_it(level, frame, allowed):
    result = small_run(market_of([50, 51, 52]), [{"bar": 0, "side": "buy", "quantity": 1}], record=level)
    assert not result.has(frame)
    with pytest.raises(ConfigError) as caught:
        getattr(result, frame)
    assert (caught.value.field, caught.value.allowed) == (f"result.{frame}", allowed)
    assert caught.value.found == f"record={level}"


def test_frames_are_built_on_access_and_kept():
    result = small_run(market_of([50, 51, 52]), [{"bar": 0, "side": "buy", "quantity": 1}])
    assert set(vars(result)) == {"records"}
    assert result.fills is result.fills


# -------------------------------------------------------------------------------------------------------------- others


def test_a_strategys_orders_have_numbers_for_ids_and_say_what_was_asked():
    market = admf.Market(admf.generate(bars=300, seed=5))
    result = admf.backtest(market, admf.strategies.SmaCross(fast=3, slow=10), debug=True)
    orders = result.orders
    scripted = orders.filter(~pl.col("id").str.starts_with("close:"))
    assert scripted["id"].to_list() == [str(number) for number in range(scripted.height)]
    assert scripted.height > 10
    buys = scripted.filter(pl.col("side") == "buy")
    assert set(buys["size_kind"]) == {"equity_fraction"}
    assert set(buys["size"]) == {1.0}
    assert set(result.fills["order_id"]) <= set(orders["id"])


def test_a_bankrupt_account_refuses_what_comes_later_and_says_so():
    """A-08."""
    orders = [
        {"id": "short", "bar": 0, "side": "sell", "quantity": 100},
        {"id": "late", "bar": 3, "side": "buy", "quantity": 1},
    ]
    result = small_run(market_of([100, 100, 250, 260, 270, 280]), orders, account=admf.Account(cash=10_000))
    assert result.metrics["bankrupt_bar"] == 2
    assert result.metrics["bankrupt"]
    assert result.orders["id"].to_list() == ["short", "late", "bankrupt:AAPL"]
    assert result.orders["status"].to_list() == ["FILLED", "REJECTED", "FILLED"]
    assert result.orders["reason"].to_list()[1:] == ["BANKRUPT", "BANKRUPT"]
    assert "BANKRUPT at bar 2 (2024-01-03)" in str(result.summary())


def test_children_name_their_parents_and_cancelled_ones_their_reason():
    orders = [
        {"id": "entry", "bar": 0, "side": "buy", "quantity": 5, "type": "market"},
        {"id": "target", "bar": 0, "side": "sell", "type": "limit", "limit_price": 60.0, "parent": "entry", "oco": "x"},
        {"id": "stop", "bar": 0, "side": "sell", "type": "stop", "stop_price": 45.0, "parent": "entry", "oco": "x"},
    ]
    result = small_run(market_of([50, 50, 51, 62, 63]), orders)
    assert result.orders["parent"].to_list() == [None, "entry", "entry"]
    assert result.orders["status"].to_list() == ["FILLED", "FILLED", "CANCELLED"]
    assert result.orders["reason"][2] == "OCO_SIBLING_FILLED"
    assert result.fills["order_id"].to_list() == ["entry", "target"]


def test_integer_ids_are_text_everywhere():
    orders = [{"id": 70, "bar": 0, "side": "buy", "quantity": 1}, {"id": 7, "bar": 1, "side": "sell", "quantity": 1}]
    result = small_run(market_of([50, 51, 52, 53]), orders)
    assert result.orders["id"].to_list() == result.fills["order_id"].to_list() == ["70", "7"]


def test_the_fingerprint_follows_the_inputs():
    market, order = market_of([50, 51, 52, 53]), {"bar": 0, "side": "buy", "quantity": 1}
    base = small_run(market, [order])
    assert small_run(market, [order]).fingerprint == base.fingerprint
    others = [
        small_run(market, [order | {"quantity": 2}]),
        small_run(market, [order], execution=admf.Execution(slippage=admf.slippage.bps(1.0))),
        small_run(market, [order], account=admf.Account(cash=1.0)),
        small_run(market_of([50, 51, 52, 54]), [order]),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_repr_says_what_it_is(busy):
    growth = f"{busy.metrics['total_return']:+.2%} return"
    counts = f"{busy.trades.height} trades, {busy.fills.height} fills, trace {busy.trace_hash[:8]}"
    assert repr(busy) == f"Result(160 orders: 2 symbols, 1,200 bars, {growth}, {counts})"
