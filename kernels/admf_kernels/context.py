"""What a compiled strategy sees and can do: bars up to the current one, its account, and orders.

`Context` is a named tuple, so it costs nothing when compiled; its methods are lent to the compiler once, at import. A
method never lets a hook read a later bar. The hidden fields hold later bars, and `admf` refuses a hook that names one.
"""

import inspect
from typing import NamedTuple

import numpy as np
from numba.core import types
from numba.core.datamodel import register_default
from numba.core.datamodel.models import TupleModel
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, overload, overload_method

from admf_kernels.codes import CommandKind, OrderFlag, OrderType, SizeKind, TimeInForce
from admf_kernels.intake import new_order, send_command
from admf_kernels.laws.accounting import free_cash
from admf_kernels.laws.lifecycle import is_alive
from admf_kernels.links import find_row
from admf_kernels.records import Market, State

OCO_REDUCE, REDUCE_ONLY = OrderFlag.OCO_REDUCE.value, OrderFlag.REDUCE_ONLY.value
MARKET, LIMIT, STOP, STOP_LIMIT = (
    OrderType.MARKET.value,
    OrderType.LIMIT.value,
    OrderType.STOP.value,
    OrderType.STOP_LIMIT.value,
)
QUANTITY, VALUE, EQUITY_FRACTION = SizeKind.QUANTITY.value, SizeKind.VALUE.value, SizeKind.EQUITY_FRACTION.value
GTC = TimeInForce.GTC.value
CANCEL, REPLACE = CommandKind.CANCEL.value, CommandKind.REPLACE.value
NAN = np.nan
REFRESH_BARS = 1024  # I-01: rolling sums are summed afresh at multiples of it


class Context(NamedTuple):
    """One bar of one container, given to the hooks `init` (bar −1), `on_bar` and `on_fill`."""

    bar: int
    hidden_market: Market
    hidden_state: State

    def open(self, ago=0, symbol=0):
        """Open of the bar `ago` bars back; NaN before the first bar."""
        return self.hidden_market.open[self.bar - ago, symbol] if 0 <= ago <= self.bar else NAN

    def high(self, ago=0, symbol=0):
        """High of the bar `ago` bars back; NaN before the first bar."""
        return self.hidden_market.high[self.bar - ago, symbol] if 0 <= ago <= self.bar else NAN

    def low(self, ago=0, symbol=0):
        """Low of the bar `ago` bars back; NaN before the first bar."""
        return self.hidden_market.low[self.bar - ago, symbol] if 0 <= ago <= self.bar else NAN

    def close(self, ago=0, symbol=0):
        """Close of the bar `ago` bars back; NaN before the first bar."""
        return self.hidden_market.close[self.bar - ago, symbol] if 0 <= ago <= self.bar else NAN

    def volume(self, ago=0, symbol=0):
        """Volume of the bar `ago` bars back; NaN before the first bar."""
        return self.hidden_market.volume[self.bar - ago, symbol] if 0 <= ago <= self.bar else NAN

    def timestamp(self):
        """Nanoseconds UTC at the bar's open; the bar index where the data has no stamps; −1 in `init`."""
        return self.hidden_market.timestamp[self.bar] if self.bar >= 0 else -1

    def valid(self, symbol=0):
        """Whether the current bar of the symbol is valid (B-01)."""
        return self.bar >= 0 and (self.hidden_market.flags[self.bar, symbol] & 1) != 0

    def rolling_sum(self, previous, period, symbol=0):
        """I-01: sum of the last `period` closes, given the value of the bar before; fewer at the start."""
        bar = self.bar
        if bar % REFRESH_BARS == 0:
            total = 0.0
            for index in range(max(0, bar - period + 1), bar + 1):
                total += self.hidden_market.close[index, symbol]
            return total
        total = previous + self.hidden_market.close[bar, symbol]
        if bar >= period:
            total -= self.hidden_market.close[bar - period, symbol]
        return total

    def highest(self, period, ago=0, symbol=0):
        """I-05: highest high of `period` bars that end `ago` bars back; NaN where they are not all there."""
        last = self.bar - ago
        if ago < 0 or last - period + 1 < 0:
            return NAN
        result = self.hidden_market.high[last, symbol]
        for index in range(last - period + 1, last):
            result = max(result, self.hidden_market.high[index, symbol])
        return result

    def lowest(self, period, ago=0, symbol=0):
        """I-05: lowest low of `period` bars that end `ago` bars back; NaN where they are not all there."""
        last = self.bar - ago
        if ago < 0 or last - period + 1 < 0:
            return NAN
        result = self.hidden_market.low[last, symbol]
        for index in range(last - period + 1, last):
            result = min(result, self.hidden_market.low[index, symbol])
        return result

    def position(self, symbol=0):
        """Units held, signed."""
        return self.hidden_state.positions[symbol].quantity

    def average_price(self, symbol=0):
        """Average price of the open position, 0 when flat."""
        return self.hidden_state.positions[symbol].average_price

    def cash(self):
        """All cash, short proceeds included."""
        return self.hidden_state.account[0].cash

    def free_cash(self):
        """Cash that is not locked by shorts."""
        return free_cash(self.hidden_state.account[0])

    def equity(self):
        """Cash plus marked positions at the close of this bar."""
        return self.hidden_state.account[0].equity

    def working(self):
        """Number of live orders, those submitted on this bar not yet counted."""
        return self.hidden_state.account[0].working_count

    def status(self, number):
        """OrderStatus of an order; −1 once it has ended and left the book."""
        row = find_row(self.hidden_state.orders, self.hidden_state.account[0].order_count, number)
        return self.hidden_state.orders[row].status if row >= 0 else -1

    def is_working(self, number):
        """Whether an order can still fill or wait; also True for an order submitted on this bar."""
        row = find_row(self.hidden_state.orders, self.hidden_state.account[0].order_count, number)
        return row >= 0 and (self.hidden_state.orders[row].status == 0 or is_alive(self.hidden_state.orders[row]))

    def submit(
        self,
        side,
        order_type,
        quantity=NAN,
        limit=NAN,
        stop=NAN,
        time_in_force=GTC,
        expiry=0,
        reduce_only=False,
        parent=-1,
        oco=0,
        size_kind=QUANTITY,
        size=NAN,
        symbol=0,
        tag=-1,
    ):
        """Submits an order for the next bar; returns its number. `expiry`: last bar for GTD, bars for GTB."""
        row = new_order(self.hidden_state, self.bar)
        if row < 0:
            return -1
        order = self.hidden_state.orders[row]
        order.side = side
        order.type = order_type
        order.quantity = quantity
        order.limit_price = limit
        order.stop_price = stop
        order.time_in_force = time_in_force
        order.expiry = expiry
        order.bits = OCO_REDUCE | REDUCE_ONLY if reduce_only else OCO_REDUCE
        order.parent = parent
        order.oco = oco
        order.size_kind = size_kind
        order.size_amount = size
        order.symbol = symbol
        order.tag = tag
        return order.number

    def buy(self, quantity, limit=NAN, stop=NAN, time_in_force=GTC, expiry=0, reduce_only=False, symbol=0):
        """Buys: market without prices, limit, stop, or stop-limit with both."""
        kind = MARKET
        if limit == limit:
            kind = STOP_LIMIT if stop == stop else LIMIT
        elif stop == stop:
            kind = STOP
        return self.submit(1, kind, quantity, limit, stop, time_in_force, expiry, reduce_only, symbol=symbol)

    def sell(self, quantity, limit=NAN, stop=NAN, time_in_force=GTC, expiry=0, reduce_only=False, symbol=0):
        """Sells: market without prices, limit, stop, or stop-limit with both."""
        kind = MARKET
        if limit == limit:
            kind = STOP_LIMIT if stop == stop else LIMIT
        elif stop == stop:
            kind = STOP
        return self.submit(-1, kind, quantity, limit, stop, time_in_force, expiry, reduce_only, symbol=symbol)

    def buy_equity(self, fraction, symbol=0):
        """Buys at market for a share of the equity, resolved at the fill with its costs (A-06)."""
        return self.submit(1, MARKET, size_kind=EQUITY_FRACTION, size=fraction, symbol=symbol)

    def sell_equity(self, fraction, symbol=0):
        """Sells at market for a share of the equity, resolved at the fill with its costs (A-06)."""
        return self.submit(-1, MARKET, size_kind=EQUITY_FRACTION, size=fraction, symbol=symbol)

    def close_position(self, symbol=0):
        """Closes the position at market; −1 when there is none."""
        quantity = self.hidden_state.positions[symbol].quantity
        if quantity == 0.0:
            return -1
        return self.submit(-1 if quantity > 0.0 else 1, MARKET, abs(quantity), reduce_only=True, symbol=symbol)

    def bracket(self, side, quantity, stop_loss=NAN, take_profit=NAN, limit=NAN, stop=NAN, symbol=0):
        """An entry with a stop and a target that cancel each other; returns its number, the exits have the next."""
        account = self.hidden_state.account[0]
        if side > 0:
            entry = self.buy(quantity, limit, stop, symbol=symbol)
        else:
            entry = self.sell(quantity, limit, stop, symbol=symbol)
        group = 0
        if stop_loss == stop_loss and take_profit == take_profit:
            account.next_oco += 1
            group = account.next_oco
        if stop_loss == stop_loss:
            self.submit(-side, STOP, stop=stop_loss, parent=entry, oco=group, symbol=symbol)
        if take_profit == take_profit:
            self.submit(-side, LIMIT, limit=take_profit, parent=entry, oco=group, symbol=symbol)
        return entry

    def cancel(self, number):
        """Cancels an order at the beginning of the next bar."""
        send_command(self.hidden_state, CANCEL, number, NAN, NAN, NAN)

    def replace(self, number, quantity=NAN, limit=NAN, stop=NAN):
        """Replaces quantity or prices of an order at the beginning of the next bar; NaN leaves a value."""
        send_command(self.hidden_state, REPLACE, number, quantity, limit, stop)

    def cancel_all(self, symbol=0):
        """Cancels every live order of the symbol at the beginning of the next bar."""
        for index in range(self.hidden_state.account[0].working_count):
            order = self.hidden_state.orders[self.hidden_state.working[index]]
            if order.symbol == symbol:
                send_command(self.hidden_state, CANCEL, order.number, NAN, NAN, NAN)


def make_context(bar, market, state):
    """The context of one bar."""
    return Context(bar, market, state)


class ContextType(types.NamedTuple):
    """Numba's type of a Context: a named tuple of its own class, so that the methods touch no other named tuple."""


register_default(ContextType)(TupleModel)


@intrinsic
def _make_context(typing_context, bar, market, state):
    """Builds the tuple; the type carries the methods."""

    def build(context, builder, signature, args):
        made = context.make_tuple(builder, signature.return_type, args)
        return impl_ret_borrowed(context, builder, signature.return_type, made)

    return ContextType((types.int64, market, state), Context)(types.int64, market, state), build


@overload(make_context)
def _typed_make_context(bar, market, state):
    def build(bar, market, state):
        return _make_context(bar, market, state)

    return build


def _lend(name, function):
    """Lends one method to the compiler: `ctx.name(...)` becomes a call of the same function, inlined."""

    def typed(ctx, *args, **kwargs):
        return function

    typed.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # numba folds arguments by it
    overload_method(ContextType, name, strict=False, jit_options={"forceinline": True})(typed)


METHODS = {
    name: value
    for name, value in vars(Context).items()
    if callable(value) and not name.startswith("_") and name not in ("count", "index")
}
for _name, _function in METHODS.items():
    _lend(_name, _function)
