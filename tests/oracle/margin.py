"""The maintenance margin: A-12 and A-13."""

from collections.abc import Callable, Mapping

from admf_kernels.codes import Liquidity, OrderEvent, Reason
from oracle.funds import tolerance
from oracle.prices import is_valid
from oracle.records import Price
from oracle.world import World

AT_OPEN = (Reason.FILL_AT_OPEN, Reason.LIMIT_AT_OPEN, Reason.STOP_AT_OPEN, Reason.TOUCHED_AT_OPEN)
AFTER_THE_BAR = (Reason.FILL_AT_CLOSE, Reason.FILL_AT_AVERAGE)


def stretch(world: World, symbol: int) -> tuple[float, float]:
    """A-12: y and x of a position: where it is held from, and the worst that may come after."""
    bar, position = world.now(symbol), world.positions[symbol]
    if not is_valid(bar):
        return position.mark, position.mark
    is_long = position.quantity > 0.0
    worst = bar.low if is_long else bar.high
    joined = [
        fill for fill in world.fills if fill.bar == world.bar and fill.symbol == symbol and (fill.side > 0) == is_long
    ]
    if not joined or joined[-1].reason in AT_OPEN:
        return bar.open, worst
    if joined[-1].reason in AFTER_THE_BAR:
        return bar.close, bar.close
    return joined[-1].base_price, worst if world.rules.path in ("worst", "queue") else bar.close


def standing(world: World, prices: Mapping[int, float]) -> tuple[float, float]:
    """A-12: E and M with the positions at these prices."""
    equity, requirement = world.cash, 0.0
    assert world.rules.margin_maintenance is not None
    for symbol, price in prices.items():
        worth = world.positions[symbol].quantity * price * world.instruments[symbol].multiplier
        equity += worth
        requirement += world.rules.margin_maintenance * abs(worth)
    return equity, requirement


def call(world: World, close_out: Callable[[int, Price], None]) -> None:
    """A-12, A-13: closes whole positions until the rest is covered to the end of the bar."""
    t = 0.0
    while True:
        ways = {
            symbol: stretch(world, symbol)
            for symbol, position in enumerate(world.positions)
            if position.quantity != 0.0
        }
        end_equity, end_requirement = standing(world, {symbol: x for symbol, (_, x) in ways.items()})
        if end_equity >= end_requirement - tolerance(end_requirement) or not ways:
            return
        equity, requirement = standing(world, {symbol: y for symbol, (y, _) in ways.items()})
        over, under = equity - requirement, end_equity - end_requirement
        if over > 0.0:
            t = max(t, over / (over - under))
        prices = {symbol: y + t * (x - y) for symbol, (y, x) in ways.items()}

        def value(symbol: int, prices: Mapping[int, float] = prices) -> float:
            return abs(world.positions[symbol].quantity) * prices[symbol] * world.instruments[symbol].multiplier

        called = max(prices, key=value)  # of equal ones the first
        for order in world.live():
            if order.symbol == called:
                world.move(order, OrderEvent.CANCEL, Reason.MARGIN_CALL)
        close_out(called, Price(prices[called], "stop", Liquidity.TAKER, Reason.MARGIN_CALL))
        world.statistics.margin_calls += 1
