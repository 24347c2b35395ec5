"""P4: orders meet the close."""

from admf_kernels._jit import law
from admf_kernels.codes import (
    Liquidity,
    MarketFill,
    OrderFlag,
    OrderType,
    PriceReference,
    Reason,
    SlipOn,
    StopLimitRule,
)
from admf_kernels.execution import execute
from admf_kernels.laws.lifecycle import is_active
from admf_kernels.laws.prices import market_price, stop_reached
from admf_kernels.touch import latch, reaches_limit

TRIGGERED = OrderFlag.TRIGGERED.value
TAKER, MAKER = Liquidity.TAKER.value, Liquidity.MAKER.value
SLIP_MARKET, SLIP_STOP = SlipOn.MARKET.value, SlipOn.STOP.value
SLIP_LIMIT = SlipOn.LIMIT.value
AT_CLOSE, AT_AVERAGE = Reason.FILL_AT_CLOSE.value, Reason.FILL_AT_AVERAGE.value


@law
def close_order(market, state, order, bar: int) -> None:
    """P4: C-04, P-10."""
    config, symbol = state.config[0], order.symbol
    close = market.close[bar, symbol]
    if config.price_ref == PriceReference.RANGE:
        if order.type == OrderType.MARKET and config.market_fill != MarketFill.NEXT_OPEN:
            base = market_price(
                config.market_fill, market.open[bar, symbol], market.high[bar, symbol], market.low[bar, symbol], close
            )
            reason = AT_CLOSE if config.market_fill == MarketFill.NEXT_CLOSE else AT_AVERAGE
            execute(market, state, order, bar, base, TAKER, reason, SLIP_MARKET, False, True, bar + 1)
        return
    if order.type == OrderType.MARKET:
        execute(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_MARKET, False, True, bar + 1)
        return
    if order.type != OrderType.LIMIT and not order.bits & TRIGGERED:
        if not stop_reached(order.side, close, order.stop_price, config.stop_trigger):
            return
        if order.type == OrderType.STOP_LIMIT:
            latch(state, order, bar, AT_CLOSE)
            if config.stop_limit == StopLimitRule.NEXT_BAR_ONLY:
                return
    if order.type == OrderType.STOP:
        filled = execute(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_STOP, False, True, bar + 1)
        if order.bits & TRIGGERED or not is_active(order):
            return
        if filled == 0.0:
            latch(state, order, bar, AT_CLOSE)
        else:
            order.bits |= TRIGGERED
        return
    if reaches_limit(config, state.instruments[symbol], order, close):
        execute(market, state, order, bar, close, MAKER, AT_CLOSE, SLIP_LIMIT, False, True, bar + 1)
