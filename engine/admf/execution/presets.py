"""The rules of other engines as changes to ours, one row each; a row says what cannot be expressed yet.

Source: the option tables that the project keeps for each engine, from runs, tests and sources of the named version.
"""

from collections.abc import Mapping
from typing import Any

EVERY_FILL = ("market", "stop", "limit_marketable", "limit_gap", "limit")

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # 0.6.6. Its spread is bps on entries alone. Not expressed: a stop-limit with the limit at or inside the stop waits
    # for the next bar.
    "backtesting.py": {
        "path": "queue",
        "limit_trigger": "touch",
        "slip_on": (*EVERY_FILL, "opening_only"),
        "clamp": "none",
        "cash_submit": "none",
        "last_bar": "leave_working",
        "bad_bar": "raise",
    },
    # zipline-reloaded 3.2.1. Orders see the close alone. Its VolumeShareSlippage refuses a fill beyond the limit, the
    # other models do not: with volume_share set clamp=limit and clamp_fail=skip_bar.
    "zipline": {
        "path": "queue",
        "market_fill": "next_close",
        "price_ref": "close",
        "limit_trigger": "touch",
        "stop_limit": "next_bar_only",
        "slip_on": EVERY_FILL,
        "clamp": "none",
        "cash_submit": "none",
        "cash_fill": "none",
        "short": "proceeds_as_cash",
        "last_bar": "leave_working",
    },
}
