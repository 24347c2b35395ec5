"""What a hook may call beside `submit`: trails, if-touched orders, and those for an open or a close."""

from admf_kernels.codes import OrderType

NAN = float("nan")
MARKET_IF_TOUCHED, LIMIT_IF_TOUCHED = OrderType.MARKET_IF_TOUCHED.value, OrderType.LIMIT_IF_TOUCHED.value
TRAILING_STOP, TRAILING_STOP_LIMIT = OrderType.TRAILING_STOP.value, OrderType.TRAILING_STOP_LIMIT.value
MARKET_ON_OPEN, LIMIT_ON_OPEN = OrderType.MARKET_ON_OPEN.value, OrderType.LIMIT_ON_OPEN.value
MARKET_ON_CLOSE, LIMIT_ON_CLOSE = OrderType.MARKET_ON_CLOSE.value, OrderType.LIMIT_ON_CLOSE.value


def trailing_stop(
    self,
    side,
    quantity=NAN,
    amount=NAN,
    percent=NAN,
    offset=NAN,
    limit_offset=NAN,
    stop=NAN,
    reduce_only=False,
    parent=-1,
    oco=0,
    symbol=0,
):
    """A stop that follows the price at a distance of `amount`, or of `percent` (5 is 5 %); −1 as in `submit`.

    `offset`: how far the price must move first; `limit_offset`: a stop-limit; `stop`: where the trigger begins.
    """
    kind = TRAILING_STOP_LIMIT if limit_offset == limit_offset else TRAILING_STOP
    return self.submit(
        side, kind, quantity, stop=stop, reduce_only=reduce_only, parent=parent, oco=oco, symbol=symbol,
        trail_amount=amount, trail_percent=percent, trail_offset=offset, limit_offset=limit_offset,
    )  # fmt: skip


def if_touched(self, side, quantity, trigger, limit=NAN, reduce_only=False, parent=-1, oco=0, symbol=0):
    """A market order, or with `limit` a limit order, once the price has come to a better `trigger`."""
    kind = LIMIT_IF_TOUCHED if limit == limit else MARKET_IF_TOUCHED
    return self.submit(
        side, kind, quantity, limit, trigger, reduce_only=reduce_only, parent=parent, oco=oco, symbol=symbol
    )


def on_open(self, side, quantity, limit=NAN, reduce_only=False, symbol=0):
    """An order for the first open of the next session, with `limit` if that respects it. Needs dated bars."""
    kind = LIMIT_ON_OPEN if limit == limit else MARKET_ON_OPEN
    return self.submit(side, kind, quantity, limit, reduce_only=reduce_only, symbol=symbol)


def on_close(self, side, quantity, limit=NAN, reduce_only=False, symbol=0):
    """An order for the last close of the session, with `limit` if that respects it. Needs dated bars."""
    kind = LIMIT_ON_CLOSE if limit == limit else MARKET_ON_CLOSE
    return self.submit(side, kind, quantity, limit, reduce_only=reduce_only, symbol=symbol)


LENT_ORDERS = (trailing_stop, if_touched, on_open, on_close)
