"""What a compiled strategy sees and can do: bars up to the current one, its account, and orders.

`Context` is a named tuple: compiled it costs nothing. No method reads a later bar, and `admf` refuses hidden fields.
"""

import inspect
from typing import NamedTuple

import numpy as np
from numba.core import types
from numba.core.datamodel import register_default
from numba.core.datamodel.models import TupleModel
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, overload, overload_method

from admf_kernels._compile_error import require_numbers
from admf_kernels.codes import CommandKind, OrderFlag, OrderType, SizeKind, TimeInForce
from admf_kernels.intake import send_command
from admf_kernels.laws.accounting import available_cash
from admf_kernels.laws.indicators import exponential, smoothed, strength, true_range
from admf_kernels.laws.lifecycle import is_alive
from admf_kernels.links import find_row
from admf_kernels.order_types import LENT_ORDERS
from admf_kernels.portfolio import LENT
from admf_kernels.records import Market, State
from admf_kernels.sending import join, new_group, protect, send_order, set_trail

OCO_REDUCE, REDUCE_ONLY = OrderFlag.OCO_REDUCE.value, OrderFlag.REDUCE_ONLY.value
POST_ONLY, NAN = OrderFlag.POST_ONLY.value, np.nan
MARKET, LIMIT = OrderType.MARKET.value, OrderType.LIMIT.value
STOP, STOP_LIMIT = OrderType.STOP.value, OrderType.STOP_LIMIT.value
TRAILING_STOP, TRAILING_STOP_LIMIT = OrderType.TRAILING_STOP.value, OrderType.TRAILING_STOP_LIMIT.value
QUANTITY, EQUITY_FRACTION = SizeKind.QUANTITY.value, SizeKind.EQUITY_FRACTION.value
GTC, CANCEL, REPLACE = TimeInForce.GTC.value, CommandKind.CANCEL.value, CommandKind.REPLACE.value
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

    def ema(self, previous, period, symbol=0):
        """I-02: exponential average of the closes, given the value of the bar before."""
        return exponential(previous, self.hidden_market.close[self.bar, symbol], self.bar, period)

    def atr(self, previous, period, symbol=0):
        """I-04: Wilder's average true range, given the value of the bar before; it counts from bar `period` − 1 on."""
        bar, market = self.bar, self.hidden_market
        high, low = market.high[bar, symbol], market.low[bar, symbol]
        extent = high - low if bar == 0 else true_range(high, low, market.close[bar - 1, symbol])
        return smoothed(previous, extent, bar, period)

    def average_gain(self, previous, period, symbol=0):
        """I-03: Wilder's average rise of the close, given that of the bar before; it counts from bar `period` on."""
        if self.bar == 0:
            return 0.0
        change = self.close(0, symbol) - self.close(1, symbol)
        return smoothed(previous, max(change, 0.0), self.bar - 1, period)

    def average_loss(self, previous, period, symbol=0):
        """I-03: Wilder's average fall of the close, given that of the bar before; it counts from bar `period` on."""
        if self.bar == 0:
            return 0.0
        change = self.close(0, symbol) - self.close(1, symbol)
        return smoothed(previous, max(-change, 0.0), self.bar - 1, period)

    def rsi(self, gain, loss):
        """I-03: relative strength, 0 to 100, of `average_gain` and `average_loss`."""
        return strength(gain, loss)

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
        return available_cash(self.hidden_state)

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
        trail_amount=NAN,
        trail_percent=NAN,
        trail_offset=NAN,
        limit_offset=NAN,
        post_only=False,
        oco_reduce=True,
        protected_at=NAN,
    ):
        """Submits an order of any type for the next bar; returns its number, −1 where the bar has room for no more.

        `expiry`: last bar for GTD, bars for GTB. `trail_percent` 5 is 5 %; `trail_offset` is how far the price must
        move before a trail is active, `limit_offset` the distance of its limit from its trigger. Without a
        quantity the sizing of the risk manager gives one; `protected_at` tells it where the exit will stop.
        """
        bits = OCO_REDUCE if oco_reduce else 0
        if reduce_only:
            bits |= REDUCE_ONLY
        if post_only:
            bits |= POST_ONLY
        number = send_order(
            self.hidden_state, self.bar, side, order_type, quantity, limit, stop, time_in_force, expiry, bits, parent,
            oco, size_kind, size, symbol, tag,
        )  # fmt: skip
        if number >= 0 and (order_type == TRAILING_STOP or order_type == TRAILING_STOP_LIMIT):
            set_trail(self.hidden_state, trail_amount, trail_percent, trail_offset, limit_offset)
        if number >= 0 and protected_at == protected_at:
            protect(self.hidden_state, protected_at)
        return number

    def buy(
        self,
        quantity=NAN,
        limit=NAN,
        stop=NAN,
        time_in_force=GTC,
        expiry=0,
        reduce_only=False,
        symbol=0,
        post_only=False,
        protected_at=NAN,
    ):
        """Buys: market without prices, limit, stop, or stop-limit with both."""
        kind = MARKET
        if limit == limit:
            kind = STOP_LIMIT if stop == stop else LIMIT
        elif stop == stop:
            kind = STOP
        return self.submit(
            1, kind, quantity, limit, stop, time_in_force, expiry, reduce_only, symbol=symbol, post_only=post_only,
            protected_at=protected_at,
        )  # fmt: skip

    def sell(
        self,
        quantity=NAN,
        limit=NAN,
        stop=NAN,
        time_in_force=GTC,
        expiry=0,
        reduce_only=False,
        symbol=0,
        post_only=False,
        protected_at=NAN,
    ):
        """Sells: market without prices, limit, stop, or stop-limit with both."""
        kind = MARKET
        if limit == limit:
            kind = STOP_LIMIT if stop == stop else LIMIT
        elif stop == stop:
            kind = STOP
        return self.submit(
            -1, kind, quantity, limit, stop, time_in_force, expiry, reduce_only, symbol=symbol, post_only=post_only,
            protected_at=protected_at,
        )  # fmt: skip

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

    def oco(self, first, second):
        """Makes two orders of one symbol, both submitted on this bar, cancel or reduce each other (L-06).

        Returns the number of their group, 0 where that is not possible. A third one joins with either of them.
        """
        return join(self.hidden_state, first, second)

    def bracket(
        self,
        side,
        quantity=NAN,
        stop_loss=NAN,
        take_profit=NAN,
        limit=NAN,
        stop=NAN,
        symbol=0,
        trail_amount=NAN,
        trail_percent=NAN,
        trail_offset=NAN,
    ):
        """An entry with a stop, a target and a trail, each if given, that cancel each other.

        Returns the number of the entry; the exits have the next ones, in this order.
        """
        if side > 0:
            entry = self.buy(quantity, limit, stop, symbol=symbol, protected_at=stop_loss)
        else:
            entry = self.sell(quantity, limit, stop, symbol=symbol, protected_at=stop_loss)
        stops, targets = stop_loss == stop_loss, take_profit == take_profit
        trails = trail_amount == trail_amount or trail_percent == trail_percent
        group = 0
        if (stops and targets) or (trails and (stops or targets)):
            group = new_group(self.hidden_state)
        if stops:
            self.submit(-side, STOP, stop=stop_loss, parent=entry, oco=group, symbol=symbol)
        if targets:
            self.submit(-side, LIMIT, limit=take_profit, parent=entry, oco=group, symbol=symbol)
        if trails:
            self.submit(
                -side, TRAILING_STOP, parent=entry, oco=group, symbol=symbol, trail_amount=trail_amount,
                trail_percent=trail_percent, trail_offset=trail_offset,
            )  # fmt: skip
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
        require_numbers(function, args, kwargs)
        return function

    typed.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # numba folds arguments by it
    overload_method(ContextType, name, strict=False, jit_options={"forceinline": True})(typed)


for _method in (*LENT, *LENT_ORDERS):
    setattr(Context, _method.__name__, _method)
METHODS = {name: value for name, value in vars(Context).items() if inspect.isfunction(value) and name[0] != "_"}
for _name, _function in METHODS.items():
    _lend(_name, _function)
