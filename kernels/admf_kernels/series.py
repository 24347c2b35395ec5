"""Indicators as series: a block of bars at once, each distinct one once for all lanes that read it."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.laws.indicators import exponential, smoothed, strength

CLOSE, SMA, EMA, RSI, HIGHEST, LOWEST = range(6)  # kinds


@law
def extreme(market, state, column: int, kind: int, period: int, bar: int) -> float:
    """I-05 of the bars before this one; looked for afresh only where the last one has left the window."""
    if bar < period:
        return np.nan
    newest = market.high[bar - 1, 0] if kind == HIGHEST else -market.low[bar - 1, 0]
    if bar > period and newest >= state[column, 0]:
        state[column, 0] = newest
        state[column, 1] = bar - 1
    elif bar == period or state[column, 1] < bar - period:
        state[column, 0] = -np.inf
        for index in range(bar - period, bar):
            value = market.high[index, 0] if kind == HIGHEST else -market.low[index, 0]
            if value >= state[column, 0]:
                state[column, 0] = value
                state[column, 1] = index
    return state[column, 0] if kind == HIGHEST else -state[column, 0]


@law
def fill_column(market, columns, state, column: int, kind: int, period: int, first: int, last: int) -> None:
    """I-01 to I-05: one indicator over the bars [first, last) of a block, going on from the block before."""
    for bar in range(first, last):
        place = bar - first
        close = market.close[bar, 0]
        if kind == SMA:
            if place == 0:
                total = 0.0
                for index in range(max(0, bar - period + 1), bar + 1):
                    total += market.close[index, 0]
            else:
                total = state[column, 0] + close
                if bar >= period:
                    total -= market.close[bar - period, 0]
            state[column, 0] = total
            columns[column, place] = total / period
        elif kind == EMA:
            state[column, 0] = exponential(state[column, 0], close, bar, period)
            columns[column, place] = state[column, 0]
        elif kind == RSI:
            if bar > 0:
                change = close - market.close[bar - 1, 0]
                state[column, 0] = smoothed(state[column, 0], max(change, 0.0), bar - 1, period)
                state[column, 1] = smoothed(state[column, 1], max(-change, 0.0), bar - 1, period)
            columns[column, place] = strength(state[column, 0], state[column, 1])
        elif kind == HIGHEST or kind == LOWEST:
            columns[column, place] = extreme(market, state, column, kind, period, bar)
        else:
            columns[column, place] = close
