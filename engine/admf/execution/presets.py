"""The rules of other engines as changes to ours, one row each; a row says what it does not hold.

Source: the option tables that the project keeps for each engine, from runs, tests and sources of the named version. A
preset has no costs: `slippage` and `commission` stay with the user.
"""

from collections.abc import Mapping
from typing import Any

EVERY_FILL = ("market", "stop", "limit_marketable", "limit_gap", "limit")
TAKERS = ("market", "stop")

# What nearly every other engine does: no path, prices that touch, fills that no range bounds, orders that outlive the
# data, bars matched as they stand.
AS_MOST = {
    "path": "queue",
    "limit_trigger": "touch",
    "conflict": "order_id",
    "clamp": "none",
    "cash_submit": "none",
    "last_bar": "leave_working",
    "bad_bar": "none",
}

# LEAN at 24863901. Market orders as on second and minute bars: on hour and daily bars set market_fill=next_open.
LEAN = AS_MOST | {
    "market_fill": "same_close",
    "limit_trigger": "through",
    "limit_at_open": "trigger",
    "stop_limit": "close_test",
    "stop_limit_trigger": "through",
    "trail_eval": "lagged",
    "trail_fill": "worse_of_stop_and_close",
    "slip_on": TAKERS,
    "cash_submit": "reserve",
}

# Bars are four trades in the order open, high, low, close. Its volume model (a quarter of the bar for each trade, what
# is left one tick worse) is not in the preset.
NAUTILUS = AS_MOST | {
    "path": "ohlc",
    "points_only": True,
    "market_fill": "same_close",
    "limit_gap": "limit",
    "conflict": "path",
    "entry_bar_exits": "path",
    "trail_ref": "path",
    "trail_eval": "path",
    "slip_on": TAKERS,
    "cash_submit": "reserve",
    "cash_fill": "none",
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # 0.6.6. Its spread is bps on entries alone. Its queue puts a stop before the target of the same trade.
    "backtesting.py": AS_MOST
    | {
        "stop_limit": "marketable_at_stop",
        "entry_bar_exits": "market_or_stop_target",
        "slip_on": (*EVERY_FILL, "opening_only"),
        "bad_bar": "raise",
    },
    # 1.9.78. Slippage as with slip_open=True, slip_match=True, slip_out=False. Not held: sells slipped at a gapped
    # limit may leave the bar (its range is tested for buys alone).
    "backtrader": AS_MOST
    | {
        "stop_latch": "none",
        "stop_limit": "bt_heuristic",
        "trail_ref": "close",
        "trail_eval": "lagged",
        "child_activation": "next_bar",
        "entry_bar_exits": "none",
        "slip_on": (*TAKERS, "limit_marketable", "limit_gap"),
        "clamp": "bar_and_limit",
        "volume_scope": "per_order",
        "cash_submit": "cumulative_check",
        "short": "proceeds_as_cash",
    },
    # 2024.10. Not held: its schedule of targets, the smallest move that arms a trail in the entry bar, timeouts in
    # minutes and the exit of open trades at the last open; `admf.cases` acts these out.
    "freqtrade": AS_MOST
    | {"limit_gap": "limit", "conflict": "stop_first", "trail_eval": "high_first", "slip_on": (), "clamp": "bar"},
    # Equities.
    "lean": LEAN,
    # Futures, forex, crypto.
    "lean_base": LEAN | {"limit_gap": "far_extreme", "stop_trigger": "through", "stop_gap": "worse_of_stop_and_close"},
    # a5f51e2. Orders at the signal's close; its signal_delay=1 is market_fill=next_open.
    "manifoldbt": AS_MOST | {"market_fill": "same_close", "limit_gap": "limit", "slip_on": TAKERS},
    # 1.221: a stop fills at its trigger even where the open gapped beyond it.
    "nautilus": NAUTILUS | {"stop_gap": "stop"},
    # 1.231: at the open, where the gap is at the first trade of a bar.
    "nautilus_1_231": NAUTILUS,
    # 0.20. Its orders are DAY unless they say otherwise; bars of trades have volume_limit=1.
    "pyalgotrade": AS_MOST
    | {
        "stop_limit": "pyalgo_min",
        "slip_on": TAKERS,
        "volume_limit": 0.25,
        "cash_fill": "skip_and_retry",
        "short": "proceeds_as_cash",
    },
    # Pine v6. Ties of the nearer extreme go low first. Not held: margin calls, pyramiding.
    "tradingview": AS_MOST
    | {
        "path": "adaptive",
        "limit_at_open": "trigger",
        "conflict": "path",
        "entry_bar_exits": "path",
        "trail_ref": "path",
        "trail_eval": "path",
        "slip_on": TAKERS,
    },
    # 1.2.0. Stops with stop_exit_price=StopMarket; StopLimit leaves "stop" out of slip_on. Its signals give one order a
    # bar.
    "vectorbt": AS_MOST
    | {
        "market_fill": "same_close",
        "trail_eval": "lagged",
        "child_activation": "next_bar",
        "entry_bar_exits": "none",
        "slip_on": EVERY_FILL,
        "cash_fill": "resize_down",
        "short": "proceeds_as_cash",
    },
    # zipline-reloaded 3.2.1. Orders see the close alone. Its VolumeShareSlippage refuses a fill beyond the limit, the
    # other models do not: with volume_share set clamp=limit and clamp_fail=skip_bar.
    "zipline": AS_MOST
    | {
        "market_fill": "next_close",
        "price_ref": "close",
        "stop_limit": "next_bar_only",
        "slip_on": EVERY_FILL,
        "cash_fill": "none",
        "short": "proceeds_as_cash",
        "bad_bar": "skip",
    },
}
