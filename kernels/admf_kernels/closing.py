"""P4: orders meet the close."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import (
    LimitGap,
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
from admf_kernels.laws.prices import limit_base, market_price
from admf_kernels.laws.trails import start_trail
from admf_kernels.touch import latch, reaches_limit, settle_stop, stop_limit_rule, trigger_reached

TRIGGERED, TRAIL = OrderFlag.TRIGGERED.value, OrderFlag.TRAIL.value
FAR_EXTREME = LimitGap.FAR_EXTREME.value
TAKER, MAKER = Liquidity.TAKER.value, Liquidity.MAKER.value
SLIP_MARKET, SLIP_STOP = SlipOn.MARKET.value, SlipOn.STOP.value
SLIP_LIMIT, SLIP_MARKETABLE = SlipOn.LIMIT.value, SlipOn.LIMIT_MARKETABLE.value
ON_CLOSE, AT_OPEN = OrderFlag.AT_CLOSE.value, OrderFlag.AT_OPEN.value
AT_CLOSE, AT_AVERAGE = Reason.FILL_AT_CLOSE.value, Reason.FILL_AT_AVERAGE.value


@law
def fill_at_close(market, state, order, bar: int, base: float, liquidity: int, reason: int, slip_bit: int) -> float:
    """P4: fills at a price of the bar as a whole; children wait for the next bar (W-06)."""
    return execute(market, state, order, bar, base, liquidity, reason, slip_bit, False, True, bar + 1, base, True)


@law
def close_on_close(market, state, order, bar: int) -> None:
    """P-13: an on-close order meets the close of its session."""
    close = market.close[bar, order.symbol]
    if order.form == OrderType.MARKET:
        fill_at_close(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_MARKET)
    elif reaches_limit(state.config[0], state.instruments[order.symbol], order, close):
        fill_at_close(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_MARKETABLE)


@law
def market_at_close(market, state, order, bar: int) -> None:
    """C-04: a market order whose price is not the open's."""
    config, symbol = state.config[0], order.symbol
    if config.market_fill == MarketFill.NEXT_VWAP:
        base = market.vwap[bar, symbol]
    else:
        open_, high, low = market.open[bar, symbol], market.high[bar, symbol], market.low[bar, symbol]
        base = market_price(config.market_fill, open_, high, low, market.close[bar, symbol])
    at_close = config.market_fill == MarketFill.NEXT_CLOSE or config.market_fill == MarketFill.SAME_CLOSE
    fill_at_close(market, state, order, bar, base, TAKER, AT_CLOSE if at_close else AT_AVERAGE, SLIP_MARKET)


@law
def close_test(market, state, order, bar: int) -> None:
    """P-15 `close_test`: a triggered stop-limit fills if the close is through its limit, at the far extreme."""
    config, symbol = state.config[0], order.symbol
    if not order.bits & TRIGGERED or stop_limit_rule(config, order) != StopLimitRule.CLOSE_TEST:
        return
    if order.side * (market.close[bar, symbol] - order.limit_price) < 0.0:
        high, low = market.high[bar, symbol], market.low[bar, symbol]
        base = limit_base(order.side, order.limit_price, order.limit_price, high, low, FAR_EXTREME)
        fill_at_close(market, state, order, bar, base, TAKER, AT_CLOSE, SLIP_MARKETABLE)


@law
def judge_on_close(market, state, order, bar: int) -> None:
    """P-10: an order that is judged against the close alone."""
    config, symbol = state.config[0], order.symbol
    close = market.close[bar, symbol]
    if order.form == OrderType.MARKET:
        fill_at_close(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_MARKET)
        return
    if order.bits & AT_OPEN:
        if order.side * (close - order.limit_price) <= 0.0:
            fill_at_close(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_MARKETABLE)
        return
    if order.bits & TRAIL and np.isnan(order.peak):
        start_trail(order, close, close, state.instruments[symbol].tick_inverse)
    if order.form != OrderType.LIMIT and not order.bits & TRIGGERED:
        if not trigger_reached(config, order, close):
            return
        if order.form == OrderType.STOP_LIMIT:
            latch(state, order, bar, AT_CLOSE)
            if stop_limit_rule(config, order) == StopLimitRule.NEXT_BAR_ONLY:
                return
    if order.form == OrderType.STOP:
        filled = fill_at_close(market, state, order, bar, close, TAKER, AT_CLOSE, SLIP_STOP)
        settle_stop(state, order, bar, filled, AT_CLOSE)
        return
    if reaches_limit(config, state.instruments[symbol], order, close):
        fill_at_close(market, state, order, bar, close, MAKER, AT_CLOSE, SLIP_LIMIT)


@law
def close_order(market, state, order, bar: int) -> None:
    """P4: C-04, P-10, P-13."""
    config = state.config[0]
    if order.bits & ON_CLOSE:
        close_on_close(market, state, order, bar)
    elif config.price_ref == PriceReference.CLOSE:
        judge_on_close(market, state, order, bar)
    elif order.form == OrderType.STOP_LIMIT:
        close_test(market, state, order, bar)
    elif order.form == OrderType.MARKET and config.market_fill != MarketFill.NEXT_OPEN and not order.bits & AT_OPEN:
        market_at_close(market, state, order, bar)
