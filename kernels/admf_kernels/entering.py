"""P3: where inside a bar an order that opens, or stands alone, fills (P-06, P-08, P-12, P-15, W-05)."""

from admf_kernels._jit import law
from admf_kernels.codes import OrderFlag, OrderType, Path, Reason, SlipOn, StopLimitRule
from admf_kernels.laws.prices import limit_base, limit_path_price, stop_base
from admf_kernels.touch import reaches_limit, stop_limit_rule, trigger_reached

TRIGGERED, IF_TOUCHED = OrderFlag.TRIGGERED.value, OrderFlag.IF_TOUCHED.value
SLIP_STOP, SLIP_LIMIT = SlipOn.STOP.value, SlipOn.LIMIT.value
SLIP_MARKETABLE = SlipOn.LIMIT_MARKETABLE.value
LIMIT_INSIDE, STOP_INSIDE, TOUCHED = Reason.LIMIT_REACHED.value, Reason.STOP_REACHED.value, Reason.TOUCHED.value

# what the bar does to the order
NOTHING, LATCHES, ENTERS = 0, 1, 2
# bits of how it enters
TAKES = 1  # as taker
HIGH_TO_COME = 2  # W-07: the extreme that is good for the new position is certain to come
LOW_TO_COME = 4  # W-07: the extreme that is bad for it is certain to come
UNCERTAIN = 8  # W-05: some path does not fill it


@law
def plan_at_limit(market, state, order, bar: int, how: int):
    """P-06: the plan of an order that works as a limit; `how` is what comes after the fill."""
    config, symbol = state.config[0], order.symbol
    instrument = state.instruments[symbol]
    high, low = market.high[bar, symbol], market.low[bar, symbol]
    if not reaches_limit(config, instrument, order, low if order.side > 0 else high):
        return NOTHING, 0.0, 0.0, 0, 0, 0
    path_price = limit_path_price(
        order.side, order.limit_price, config.limit_trigger, config.limit_through_ticks, instrument.tick_inverse
    )
    base = limit_base(order.side, order.limit_price, order.limit_price, high, low, config.limit_gap)
    return ENTERS, path_price, base, how, LIMIT_INSIDE, SLIP_LIMIT


@law
def fills_at_stop(market, order, bar: int) -> bool:
    """P-15 `marketable_at_stop`: whether the limit is beyond the stop and the bar touches it."""
    symbol = order.symbol
    favourable = market.low[bar, symbol] if order.side > 0 else market.high[bar, symbol]
    beyond = order.side * (order.limit_price - order.stop_price) > 0.0
    return beyond and order.side * (favourable - order.limit_price) <= 0.0


@law
def plan_stop_limit(market, state, order, bar: int):
    """W-05, P-15: the plan of a stop-limit whose trigger the bar reaches after its open."""
    config, symbol = state.config[0], order.symbol
    side, stop_price, close = order.side, order.stop_price, market.close[bar, symbol]
    beyond = side * (order.limit_price - stop_price) >= 0.0
    rule = stop_limit_rule(config, order)
    if rule == StopLimitRule.MARKETABLE_AT_STOP:
        beyond = fills_at_stop(market, order, bar)
    waits = rule == StopLimitRule.NEXT_BAR_ONLY or rule == StopLimitRule.CLOSE_TEST
    if waits or (rule == StopLimitRule.MARKETABLE_AT_STOP and not beyond):
        return LATCHES, 0.0, 0.0, 0, 0, 0
    if beyond:
        base = stop_base(side, stop_price, stop_price, close, config.stop_gap)
        slip_bit = SLIP_MARKETABLE if rule == StopLimitRule.MARKETABLE_AT_STOP else SLIP_STOP
        return ENTERS, stop_price, base, TAKES | HIGH_TO_COME, STOP_INSIDE, slip_bit
    if rule == StopLimitRule.BT_HEURISTIC:
        candle = side * (market.open[bar, symbol] - close)
        adverse = candle > 0.0 if side > 0 else candle >= 0.0
        if not adverse or side * (close - order.limit_price) > 0.0:
            return LATCHES, 0.0, 0.0, 0, 0, 0
        return ENTERS, order.limit_price, order.limit_price, 0, LIMIT_INSIDE, SLIP_LIMIT
    certain = rule == StopLimitRule.PYALGO_MIN or config.path == Path.QUEUE  # StopLimitRule.PATH otherwise
    how = 0 if certain or reaches_limit(config, state.instruments[symbol], order, close) else UNCERTAIN
    plan = plan_at_limit(market, state, order, bar, how)
    return plan if plan[0] == ENTERS else (LATCHES, 0.0, 0.0, 0, 0, 0)


@law
def plan_touched(market, state, order, bar: int):
    """P-12: the plan of an if-touched order whose trigger the bar reaches after its open."""
    trigger = order.stop_price
    if order.form == OrderType.STOP:
        return ENTERS, trigger, trigger, TAKES | LOW_TO_COME, TOUCHED, SLIP_STOP
    if order.side * (order.limit_price - trigger) >= 0.0:
        return ENTERS, trigger, trigger, TAKES | LOW_TO_COME, TOUCHED, SLIP_MARKETABLE
    plan = plan_at_limit(market, state, order, bar, LOW_TO_COME)
    return plan if plan[0] == ENTERS else (LATCHES, 0.0, 0.0, 0, 0, 0)


@law
def plan_entry(market, state, order, bar: int):
    """P-06, P-08, P-12: (what the bar does to the order, path price, base price, bits of how, Reason, SlipOn)."""
    config, symbol = state.config[0], order.symbol
    if order.form == OrderType.LIMIT:
        return plan_at_limit(market, state, order, bar, LOW_TO_COME)
    if order.form == OrderType.STOP_LIMIT and order.bits & TRIGGERED:
        if stop_limit_rule(config, order) == StopLimitRule.CLOSE_TEST:
            return NOTHING, 0.0, 0.0, 0, 0, 0
        return plan_at_limit(market, state, order, bar, LOW_TO_COME)
    touched = order.bits & IF_TOUCHED != 0
    extreme = market.high[bar, symbol] if (order.side > 0) != touched else market.low[bar, symbol]
    if not trigger_reached(config, order, extreme):
        return NOTHING, 0.0, 0.0, 0, 0, 0
    if touched:
        return plan_touched(market, state, order, bar)
    if order.form == OrderType.STOP_LIMIT:
        return plan_stop_limit(market, state, order, bar)
    base = stop_base(order.side, order.stop_price, order.stop_price, market.close[bar, symbol], config.stop_gap)
    return ENTERS, order.stop_price, base, TAKES | HIGH_TO_COME, STOP_INSIDE, SLIP_STOP
