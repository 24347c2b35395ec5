"""What the fronts of other engines make of signals, calls and orders: rules that no published case shows."""

import math

import pytest

from admf.cases.files import Case
from admf.cases.profiles import choose_profile
from admf.cases.rounding import zipline_price
from admf.cases.runner import prepare
from admf.cases.vectorbt_size import Account, CallError, NotFilled, Order, decide

INF, NAN = math.inf, math.nan
FLAT = (100.0, 100.0, 100.0, 100.0)


def figure(profile, bars, name, *, orders=(), config=None, signals=None, sessions=None):
    """One figure of a case; `bars` are (open, high, low, close[, volume])."""
    rows = [dict(zip("ohlcv", (*bar, 1000.0)[:5], strict=True)) for bar in bars]
    given = [{"tif": "GTC", "qty": 10, "type": "market", **order} for order in orders]
    case = Case("one", profile, rows, given, config or {}, {}, sessions, signals, "by hand", ())
    return prepare(case, choose_profile(profile)).figures()[name]()


def fills(profile, bars, **case):
    """(order, bar, price, signed units) of each fill."""
    return [tuple(fill)[:4] for fill in figure(profile, bars, "fills", **case)]


# ----------------------------------------------------------------------------------------------------------- freqtrade

CANDLES = {"stop_loss_pct": -0.1, "take_profit_schedule_minutes": {"0": 1.0}, "bar_minutes": 60, "fee": 0.0}
ENTER = {"enter_long": [0]}


def freqtrade(bars, *, signals=ENTER, name="fills", **config):
    found = figure("freqtrade", [FLAT, *bars], name, config={**CANDLES, **config}, signals=signals)
    return [tuple(fill)[:4] for fill in found] if name == "fills" else found


def test_a_signal_acts_at_the_next_open_and_the_end_closes_at_the_last_open():
    bars = [(101.0, 103.0, 99.0, 102.0), (104.0, 105.0, 103.0, 104.5)]
    assert freqtrade(bars) == [("E1", 1, 101.0, 1.0), ("X1", 2, 104.0, -1.0)]
    assert freqtrade(bars, signals={"enter_long": [1]}) == [], "no entry on the last candle"


def test_a_stop_is_tested_before_a_target():
    bars = [(100.0, 111.0, 88.0, 100.0), FLAT]
    assert freqtrade(bars, take_profit_schedule_minutes={"0": 0.1})[1] == ("X1", 1, 90.0, -1.0)


def test_a_candle_beyond_the_stop_is_left_at_its_open():
    assert freqtrade([FLAT, (85.0, 86.0, 80.0, 81.0), FLAT])[1] == ("X1", 2, 85.0, -1.0)
    assert freqtrade([FLAT, (85.0, 95.0, 80.0, 81.0), FLAT])[1] == ("X1", 2, 90.0, -1.0), "at its stop where it can"


def test_a_trail_is_raised_by_the_best_price_and_tested_by_the_worst():
    bars = [FLAT, (100.0, 120.0, 100.0, 118.0), (118.0, 119.0, 100.0, 110.0), FLAT]
    assert freqtrade(bars, trailing_stop=True)[1] == ("X1", 2, 108.0, -1.0), "120 less 10 % in the same candle"


def test_in_the_entry_candle_a_trail_is_armed_by_the_least_move():
    bars = [(100.0, 120.0, 95.0, 96.0), FLAT]
    armed = {"trailing_only_after_offset": True, "trailing_offset": 0.05, "trailing_pct_after_profit": 0.02}
    assert freqtrade(bars, trailing_stop=True, **armed)[1] == ("X1", 1, pytest.approx(103.0), -1.0)
    assert freqtrade(bars, trailing_stop=True, trailing_pct_after_profit=0.02)[1] == ("X1", 1, 98.0, -1.0)


def test_a_target_that_comes_into_force_at_an_open_above_it_pays_the_open():
    bars = [FLAT, FLAT, (106.0, 107.0, 105.0, 106.0), FLAT]
    later = {"take_profit_schedule_minutes": {"0": 1.0, "120": 0.02}}
    assert freqtrade(bars, **later)[1] == ("X1", 3, 106.0, -1.0)
    forced = {"take_profit_schedule_minutes": {"0": 1.0, "120": -1}}
    assert freqtrade([FLAT, FLAT, (97.0, 98.0, 95.0, 96.0), FLAT], **forced)[1] == ("X1", 3, 97.0, -1.0)


def test_leverage_and_fees_are_part_of_the_profit():
    bars = [FLAT, (100.0, 104.0, 100.0, 103.0), FLAT]
    config = {"take_profit_schedule_minutes": {"0": 0.1}, "leverage": 5.0, "fee": 0.001}
    entered, left = freqtrade(bars, **config)
    assert left[2] == pytest.approx(100.0 * (1.001 + 0.02) / 0.999), "2 % of the price beyond both fees"
    assert freqtrade(bars, name="total_profit_ratio_rounded3", **config) == 0.1
    assert entered == ("E1", 1, 100.0, 1.0)


def test_an_entry_that_waits_times_out_or_is_replaced():
    bars = [FLAT, (99.0, 100.0, 98.0, 99.0), (97.0, 99.0, 96.0, 98.0), FLAT]
    assert freqtrade(bars, entry_limit=97.0) == [], "10 minutes are over with the next candle"
    waits = {"entry_limit": 97.0, "unfilled_timeout_minutes": 1000}
    assert freqtrade(bars, **waits)[0] == ("E1", 3, 97.0, 1.0)
    assert freqtrade(bars, entry_limit_replaced_with=98.5, **waits)[0] == ("E1", 2, 98.5, 1.0)


def test_an_exit_limit_out_of_reach_waits_and_the_end_closes():
    signals = {"enter_short": [0], "exit_short": [2]}
    bars = [FLAT, FLAT, (99.0, 101.0, 98.0, 99.0), (97.0, 98.0, 96.0, 97.0)]
    assert freqtrade(bars, signals=signals, exit_limit=90.0)[1] == ("X1", 4, 97.0, 1.0)
    assert freqtrade(bars, signals=signals, exit_limit=200.0)[1] == ("X1", 3, 101.0, 1.0), "brought into the candle"


def test_colliding_signals_open_nothing():
    for other in ("enter_short", "exit_long"):
        assert freqtrade([FLAT, FLAT], signals={**ENTER, other: [0]}) == []


# ------------------------------------------------------------------------------------------------------------ vectorbt

FUNDS = Account(cash=100.0, position=0.0, debt=0.0, free_cash=100.0, val_price=10.0, value=100.0)


@pytest.mark.parametrize(
    ("funds", "order", "units"),
    [
        ({}, {"size": 5.0}, 5.0),
        ({}, {"size": INF}, 10.0),
        ({}, {"size": INF, "fees": 0.1, "fixed_fees": 1.0}, 99.0 / 1.1 / 10.0),
        ({}, {"size": 7.3, "size_granularity": 0.5}, 7.0),
        ({}, {"size": 0.3, "size_granularity": 0.1}, 0.3),
        ({}, {"size": 8.0, "max_size": 6.0}, 6.0),
        ({}, {"size": 0.25, "size_type": "Percent"}, 2.5),
        ({"position": 4.0}, {"size": 6.0, "size_type": "TargetAmount"}, 2.0),
        ({"position": 4.0}, {"size": -9.0, "direction": "LongOnly"}, -4.0),
        ({"position": -4.0}, {"size": -9.0, "direction": "ShortOnly"}, 4.0),
        ({"position": -5.0, "cash": 150.0, "debt": 50.0, "free_cash": 50.0}, {"size": INF, "lock_cash": True}, 15.0),
        ({}, {"size": -50.0, "lock_cash": True}, -10.0),
    ],
)
def test_how_much_a_call_orders(funds, order, units):
    assert decide(FUNDS._replace(**funds), Order(price=10.0, **order)) == pytest.approx(units, rel=1e-12)


@pytest.mark.parametrize(
    ("funds", "order", "reason"),
    [
        ({}, {"size": NAN}, "SizeNaN"),
        ({}, {"size": 0.0}, "SizeZero"),
        ({}, {"size": 5.0, "max_size": 4.0, "allow_partial": False}, "MaxSizeExceeded"),
        ({}, {"size": 50.0, "allow_partial": False}, "PartialFill"),
        ({}, {"size": 5.0, "min_size": 6.0}, "MinSizeNotReached"),
        ({"cash": 0.0}, {"size": 5.0}, "NoCashLong"),
        ({}, {"size": 5.0, "direction": "ShortOnly", "price": 10.0, "fixed_fees": 90.0}, "CantCoverFees"),
        ({"value": NAN}, {"size": 1.0, "size_type": "TargetPercent"}, "ValueNaN"),
        ({"value": -1.0}, {"size": 1.0, "size_type": "TargetPercent"}, "ValueZeroNeg"),
        ({"val_price": NAN}, {"size": 1.0, "size_type": "TargetValue"}, "ValPriceNaN"),
    ],
)
def test_why_a_call_orders_nothing(funds, order, reason):
    with pytest.raises(NotFilled, match=reason):
        decide(FUNDS._replace(**funds), Order(**{"price": 10.0, **order}))


@pytest.mark.parametrize(
    ("funds", "order", "text"),
    [
        ({"cash": NAN}, {}, "cash cannot be NaN"),
        ({"debt": -1.0}, {}, "debt must be finite and 0 or greater"),
        ({"position": 1.0}, {"direction": "ShortOnly"}, "position is positive"),
        ({}, {"price": INF}, "order.price must be finite"),
        ({}, {"slippage": -0.1}, "order.slippage must be finite"),
        ({}, {"reject_prob": NAN}, "order.reject_prob must be between 0 and 1"),
        ({"val_price": 0.0}, {"size_type": "Value"}, "val_price_now must be finite and greater than 0"),
    ],
)
def test_input_without_a_meaning_is_an_error(funds, order, text):
    with pytest.raises(CallError, match=text):
        decide(FUNDS._replace(**funds), Order(**{"size": 1.0, "price": 10.0, **order}))


# ------------------------------------------------------------------------------------------------------------ nautilus

ACCOUNT = {"account": "margin", "cash": 1e6, "tick_size": 0.01}


def nautilus(bars, orders, name="fills", *, profile="nautilus-1.221", **config):
    config = {**ACCOUNT, "path": "OHLC", **config}
    found = figure(profile, bars, name, orders=orders, config=config)
    return [tuple(fill)[:4] for fill in found] if name == "fills" else found


def test_an_order_meets_the_four_trades_of_a_bar_in_turn():
    bars = [FLAT, (101.0, 103.0, 97.0, 102.0)]
    orders = [
        {"id": "B", "submit_bar": 0, "side": "buy", "type": "limit", "limit": 98.0},
        {"id": "S", "submit_bar": 0, "side": "sell", "type": "limit", "limit": 102.0},
    ]
    assert [fill[0] for fill in nautilus(bars, orders)] == ["S", "B"]
    assert [fill[0] for fill in nautilus([FLAT, (101.0, 103.0, 99.5, 102.0)], orders)] == ["S"]


def test_a_trade_shows_its_size_and_the_rest_is_a_tick_worse():
    sell = {"id": "A", "submit_bar": 0, "side": "sell", "qty": 300, "type": "stop", "stop": 99.0}
    assert nautilus([FLAT, (100.0, 100.0, 98.0, 99.0, 400.0)], [sell]) == [
        ("A", 1, 99.0, -100.0),
        ("A", 1, 98.99, -200.0),
    ]


def test_what_a_touched_limit_leaves_waits_and_ioc_ends():
    buy = {"id": "A", "submit_bar": 0, "side": "buy", "qty": 300, "type": "limit", "limit": 99.0}
    bars = [FLAT, (100.0, 100.0, 99.0, 99.5, 400.0), (99.5, 99.5, 99.0, 99.5, 400.0)]
    assert nautilus(bars, [buy]) == [("A", 1, 99.0, 100.0), ("A", 2, 99.0, 100.0)]
    assert nautilus(bars, [buy], "final_state") == {"A": "PARTIAL"}
    assert nautilus(bars, [{**buy, "tif": "IOC"}], "final_state") == {"A": "CANCELLED"}


def test_a_limit_that_takes_is_refused_where_it_may_not():
    buy = {"id": "A", "submit_bar": 0, "side": "buy", "type": "limit", "limit": 101.0, "post_only": True}
    assert nautilus([FLAT, FLAT], [buy], "final_state") == {"A": "REJECTED"}


def test_a_gapped_stop_by_version():
    buy = {"id": "A", "submit_bar": 0, "side": "buy", "type": "stop", "stop": 102.0}
    bars = [FLAT, (104.0, 105.0, 103.0, 104.0)]
    assert nautilus(bars, [buy])[0][2] == 102.0
    assert nautilus(bars, [buy], profile="nautilus-1.231")[0][2] == 104.0
    through = [FLAT, (101.0, 105.0, 100.0, 104.0)]
    assert nautilus(through, [buy], profile="nautilus-1.231")[0][2] == 102.0


def test_fees_are_whole_cents():
    fee = {"model": "maker_taker", "maker": 0.0, "taker": 0.000123}
    (fill,) = figure(
        "nautilus-1.221",
        [FLAT, FLAT],
        "fills",
        orders=[{"id": "A", "submit_bar": 0, "side": "buy"}],
        config={**ACCOUNT, "commission": fee},
    )
    assert fill.commission == 0.12


# ---------------------------------------------------------------------------------------------------------- backtrader


def backtrader(bars, orders, name="fills", **config):
    found = figure("backtrader-1.9.78", bars, name, orders=orders, config={"cash": 1e6, **config})
    return [tuple(fill)[:4] for fill in found] if name == "fills" else found


def test_a_group_ends_with_the_order_that_expires():
    bars = [FLAT, FLAT, FLAT, (100.0, 106.0, 100.0, 105.0)]
    orders = [
        {"id": "A", "submit_bar": 0, "side": "buy", "type": "limit", "limit": 90.0, "tif": "GTD", "expire_bar": 1},
        {"id": "B", "submit_bar": 0, "side": "sell", "type": "limit", "limit": 105.0, "oco": "A"},
    ]
    assert backtrader(bars, orders) == []
    assert backtrader(bars, orders, "final_state") == {"A": "EXPIRED", "B": "CANCELLED"}


def test_the_children_of_an_order_exclude_each_other_and_wait_for_the_next_bar():
    bars = [FLAT, (100.0, 106.0, 94.0, 100.0), (100.0, 106.0, 94.0, 100.0)]
    orders = [
        {"id": "E", "submit_bar": 0, "side": "buy"},
        {"id": "S", "submit_bar": 0, "side": "sell", "type": "stop", "stop": 95.0, "parent": "E"},
        {"id": "T", "submit_bar": 0, "side": "sell", "type": "limit", "limit": 105.0, "parent": "E"},
    ]
    assert backtrader(bars, orders) == [("E", 1, 100.0, 10.0), ("S", 2, 95.0, -10.0)]
    assert backtrader(bars, orders, "final_state")["T"] == "CANCELLED"


def test_an_order_at_the_close_needs_a_bar_after_it():
    order = {"id": "A", "submit_bar": 0, "side": "buy", "type": "close"}
    bars = [FLAT, (101.0, 103.0, 99.0, 102.0)]
    assert backtrader(bars, [order]) == []
    assert backtrader([*bars, FLAT], [order]) == [("A", 1, 102.0, 10.0)]


def test_a_day_order_lives_on_the_day_it_was_sent():
    order = {"id": "A", "submit_bar": 0, "side": "buy", "type": "limit", "limit": 99.0, "tif": "DAY"}
    bars = [FLAT, FLAT, (100.0, 100.0, 98.0, 99.0)]
    for day, found in (("a", [("A", 2, 99.0, 10.0)]), ("b", [])):
        sessions = ["2024-01-02", "2024-01-02", "2024-01-02" if day == "a" else "2024-01-03"]
        assert fills("backtrader-1.9.78", bars, orders=[order], config={"cash": 1e6}, sessions=sessions) == found


# ---------------------------------------------------------------------------------------------------------- the others


def test_hedged_trades_do_not_close_each_other():
    orders = [{"id": "A", "submit_bar": 1, "side": "buy"}, {"id": "B", "submit_bar": 2, "side": "sell", "qty": 4}]
    bars = [FLAT, FLAT, FLAT, (110.0, 110.0, 110.0, 110.0)]
    config = {"cash": 1e6, "hedging": True}
    assert figure("backtesting.py", bars, "cash_realised", orders=orders, config=config) == 1e6
    netted = {**config, "hedging": False}
    assert figure("backtesting.py", bars, "cash_realised", orders=orders, config=netted) == 1e6 + 40.0


def test_finalize_plays_the_last_bar_again():
    orders = [{"id": "A", "submit_bar": 0, "side": "buy"}, {"id": "B", "submit_bar": 2, "side": "sell", "qty": 3}]
    bars = [FLAT, FLAT, (103.0, 104.0, 102.0, 104.0)]
    found = fills("backtesting.py", bars, orders=orders, config={"cash": 1e6, "finalize_trades": True})
    assert found == [("A", 1, 100.0, 10.0), ("A.close", 2, 103.0, -10.0), ("B", 2, 103.0, -3.0)]


def test_day_orders_of_lean_miss_the_closing_bar():
    order = {"id": "A", "submit_bar": 0, "side": "buy", "type": "limit", "limit": 99.0, "tif": "DAY"}
    low = (100.0, 100.0, 98.0, 99.5)
    for bars, found in (([FLAT, low, FLAT], [("A", 1, 99.0, 10.0)]), ([FLAT, FLAT, low], [])):
        assert fills("LEAN", bars, orders=[order], sessions=["2024-01-02"] * 3) == found


def test_the_exit_price_of_vectorbt_may_be_the_close():
    entry = {"id": "entry", "submit_bar": 0, "side": "buy", "qty": "all_cash", "sl_stop": 0.1}
    bars = [(10.0, 10.0, 10.0, 10.0), (9.5, 9.6, 8.0, 8.5)]
    config = {"cash": 100.0, "market_fill": "same_close"}
    prices = {"StopLimit(default)": 9.0, "close": 8.5}
    for word, price in prices.items():
        found = fills("vectorbt-1.2.0", bars, orders=[entry], config={**config, "stop_exit_price": word})
        assert found[1] == ("exit", 1, price, -10.0)


@pytest.mark.parametrize(
    ("model", "side", "quantity", "price", "fee"),
    [
        ({"model": "per_contract", "cost": 0.85, "exchange_fee": 1.5}, "buy", 10, 100.0, 10.0),
        ({"model": "per_contract", "cost": 0.1, "min": 3.0}, "buy", 10, 100.0, 3.0),
        ({"model": "per_dollar", "cost": 0.0015}, "sell", 10, 100.0, 1.5),
        ({"model": "maker_taker", "maker": 0.0, "taker": 0.001, "buy_fee_in": "base"}, "buy", 10, 100.0, 0.01),
        ({"model": "value_tiers", "tiers": [[10, 0.5], [100, 1.0]], "above_pct": 0.02}, "buy", 10, 20.0, 4.0),
        ({"model": "ib_option_tier1", "tiers": [[0.1, 0.65], [0.0, 0.25]], "min_per_order": 1.0}, "buy", 1, 0.2, 1.0),
    ],
)
def test_a_fee_without_bars(model, side, quantity, price, fee):
    order = {"id": "A", "submit_bar": 0, "side": side, "qty": quantity, "fill_price": price}
    assert figure("LEAN", [], "commission", orders=[order], config={"commission": model}) == pytest.approx(fee)


@pytest.mark.parametrize(("price", "down", "up"), [(1.0, 1.0, 1.0), (1.004, 1.0, 1.01), (1.0096, 1.01, 1.01)])
def test_prices_round_away_from_the_trader_but_for_a_twentieth_of_a_tick(price, down, up):
    assert zipline_price(price, 0.01, up=False) == pytest.approx(down)
    assert zipline_price(price, 0.01, up=True) == pytest.approx(up)


# --------------------------------------------------------------------------------------------------------- tradingview

TRAIL = {"id": "X", "submit_bar": 1, "side": "sell", "type": "trailing_stop", "trail_amount": 0.1}
HELD = [FLAT, (100.0, 100.2, 100.0, 100.1)]  # a market order of bar 0 is filled on bar 1


def tradingview(bars, exits):
    entry = {"id": "E", "submit_bar": 0, "side": "buy"}
    return fills("tradingview", [*HELD, *bars], orders=[entry, *exits], config={"tick_size": 0.01})[1:]


@pytest.mark.parametrize(
    ("bars", "bar", "price"),
    [
        ([(100.5, 102.0, 100.4, 101.5)], 2, 101.9),  # armed on the way up, back from the high
        ([(100.5, 101.2, 100.45, 101.15), (101.45, 101.6, 100.9, 101.0)], 3, 101.5),  # raised before the fall
        ([(100.5, 100.9, 100.4, 100.6), (101.5, 101.6, 101.3, 101.4)], 3, 101.5),  # armed by the open
    ],
)
def test_a_trailing_exit_is_activated_from_the_entry_and_rides_the_path(bars, bar, price):
    ((name, *rest),) = tradingview(bars, [{**TRAIL, "trail_activation_offset": 1.0}])
    assert (name, rest) == ("X", [bar, pytest.approx(price), -10.0])


def test_a_limit_that_the_path_reaches_first_beats_the_trail():
    exits = [
        {"id": "L", "submit_bar": 1, "side": "sell", "type": "limit", "limit": 100.6, "oco": "exits"},
        {**TRAIL, "trail_amount": 0.3, "trail_activation_offset": 0.1, "oco": "exits"},
    ]
    assert tradingview([(100.0, 101.0, 99.9, 100.3)], exits) == [("L", 2, 100.6, -10.0)]


def test_exits_of_one_bar_fill_as_the_path_reaches_them():
    exits = [
        {"id": "far", "submit_bar": 1, "side": "sell", "qty": 5, "type": "stop", "stop": 90.0},
        {"id": "near", "submit_bar": 1, "side": "sell", "qty": 5, "type": "stop", "stop": 95.0},
    ]
    assert [fill[:3] for fill in tradingview([(98.0, 98.5, 88.0, 92.0)], exits)] == [
        ("near", 2, 95.0),
        ("far", 2, 90.0),
    ]
