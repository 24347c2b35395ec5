"""The two views of a container: market data and state, as compiled kernels take them."""

from typing import Any

import numpy as np
from numba.core import types
from numba.extending import intrinsic, overload

from admf_kernels import records
from admf_kernels._views import handles, view_type

__all__ = ["as_market", "as_state", "handles"]

_F8, _I8, _I4, _U1 = (np.dtype(kind) for kind in (np.float64, np.int64, np.int32, np.uint8))
MARKET = view_type(
    "market",
    {
        "open": ("", _F8, 2),
        "high": ("", _F8, 2),
        "low": ("", _F8, 2),
        "close": ("", _F8, 2),
        "volume": ("", _F8, 2),
        "flags": ("", _U1, 2),
        "session_end": ("", _I4, 1),
        "timestamp": ("", _I8, 1),
        "vwap": ("", _F8, 2),
        "splits": ("", _F8, 2),
    },
)
STATE = view_type(
    "state",
    {
        "config": ("config", records.config_dt, 1),
        "account": ("account", records.account_dt, 1),
        "instruments": ("instrument", records.instrument_dt, 1),
        "positions": ("position", records.position_dt, 1),
        "orders": ("order", records.order_dt, 1),
        "working": ("", _I4, 1),
        "hits": ("", _I4, 1),
        "commands": ("command", records.command_dt, 1),
        "fills": ("fill", records.fill_dt, 1),
        "transitions": ("transition", records.transition_dt, 1),
        "trades": ("trade", records.trade_dt, 1),
        "curve": ("curve", records.curve_dt, 1),
        "script": ("command", records.command_dt, 1),
        "script_orders": ("order", records.order_dt, 1),
        "script_numbers": ("", _I4, 1),
        "fees": ("fee", records.fee_dt, 1),
        "actions": ("action", records.action_dt, 1),
    },
)
assert tuple(MARKET.tables) == records.Market._fields
assert tuple(STATE.tables) == records.State._fields


def as_market(market):
    """The market a kernel was given: the named tuple itself, or the view behind its `handles`."""
    return market


def as_state(state):
    """The state a kernel was given: the named tuple itself, or the view behind its `handles`."""
    return state


def behind(view: Any) -> Any:
    """An intrinsic that turns a table of addresses into a pointer to a view."""

    @intrinsic
    def pointer(typing_context: Any, table: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, args[0])
            return builder.bitcast(array.data, context.get_value_type(view))

        return view(table), build

    return pointer


market_behind, state_behind = behind(MARKET), behind(STATE)


@overload(as_market)
def _as_market(market):
    if isinstance(market, types.Array):
        return lambda market: market_behind(market)
    return None


@overload(as_state)
def _as_state(state):
    if isinstance(state, types.Array):
        return lambda state: state_behind(state)
    return None
