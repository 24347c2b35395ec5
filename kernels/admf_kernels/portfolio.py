"""What a strategy of many symbols needs of `ctx`: scores and their order, targets, the calendar. Lent by `context`."""

import numpy as np

from admf_kernels._jit import law
from admf_kernels.codes import BarFlag, OrderFlag, OrderType
from admf_kernels.intake import ENDED
from admf_kernels.laws.commission import month_of
from admf_kernels.laws.volume import floor_lot
from admf_kernels.sending import send_order

VALID, MARKET, OCO_REDUCE = BarFlag.VALID.value, OrderType.MARKET.value, OrderFlag.OCO_REDUCE.value
NAN = np.nan


@law
def comes_before(positions, first: int, second: int) -> bool:
    """D-07: whether one score is better than another; of equal ones the lower symbol."""
    one, other = positions[first].score, positions[second].score
    return one > other or (one == other and first < second)


@law
def rank_scores(positions) -> int:
    """D-07: writes the symbols with a score in order, best first (Shell's sort); returns how many there are."""
    count = 0
    for symbol in range(len(positions)):
        if not np.isnan(positions[symbol].score):
            positions[count].ranked = symbol
            count += 1
    gap = count
    while gap > 1:
        gap = 1 if gap < 5 else int(gap / 2.2)
        for index in range(gap, count):
            symbol = positions[index].ranked
            place = index
            while place >= gap and comes_before(positions, symbol, positions[place - gap].ranked):
                positions[place].ranked = positions[place - gap].ranked
                place -= gap
            positions[place].ranked = symbol
    return count


@law
def close_in_new_units(market, symbol: int, bar: int, ago: int) -> float:
    """D-08: a close before the splits that came since, as it would be now."""
    close = market.close[bar - ago, symbol]
    if len(market.splits) == 0:
        return close
    return close * (market.splits[bar - ago, symbol] / market.splits[bar, symbol])


@law
def send_target(state, symbol: int, bar: int, units: float) -> int:
    """D-09: a market order for what a position lacks to `units`; -1 where it lacks nothing or has no price."""
    if not 0 <= symbol < len(state.positions):
        return -1
    position, lot = state.positions[symbol], state.instruments[symbol].lot_size
    if np.isnan(units) or np.isnan(position.mark) or position.barred == ENDED:
        return -1
    change = (floor_lot(units, lot) if units > 0.0 else -floor_lot(-units, lot)) - position.quantity
    if change == 0.0:
        return -1
    return send_order(
        state, bar, 1 if change > 0.0 else -1, MARKET, abs(change), NAN, NAN, 0, 0, OCO_REDUCE, -1, 0, 0, NAN, symbol,
        -1,
    )  # fmt: skip


def symbols(self):
    """Number of symbols; they count from 0 in the order of the market."""
    return len(self.hidden_state.positions)


def trades(self, symbol=0):
    """Whether a symbol has a valid bar now (B-01)."""
    return self.bar >= 0 and (self.hidden_market.flags[self.bar, symbol] & VALID) != 0


def month(self):
    """Months since the year 0 of the bar's open, UTC; 0 where the data has no stamps."""
    if self.bar < 0 or not self.hidden_state.config[0].dated:
        return 0
    return month_of(self.hidden_market.timestamp[self.bar])


def score(self, value, symbol=0):
    """D-07: notes a number for a symbol until the next ranking; NaN is none."""
    self.hidden_state.positions[symbol].score = value


def scored(self, symbol=0):
    """D-07: the score that a symbol has, NaN for none."""
    return self.hidden_state.positions[symbol].score


def forget_scores(self):
    """D-07: no symbol has a score any more."""
    for symbol in range(len(self.hidden_state.positions)):
        self.hidden_state.positions[symbol].score = NAN


def rank(self):
    """D-07: ranks the symbols that have a score, best first, and forgets the scores; returns how many there are."""
    count = rank_scores(self.hidden_state.positions)
    for symbol in range(len(self.hidden_state.positions)):
        self.hidden_state.positions[symbol].score = NAN
    return count


def ranked(self, place):
    """D-07: the symbol at a place of the last ranking, 0 for the best one."""
    return self.hidden_state.positions[place].ranked


def adjusted_close(self, ago=0, symbol=0):
    """D-08: close of the bar `ago` bars back in units of today, after all splits since; NaN before the first bar."""
    if not 0 <= ago <= self.bar:
        return NAN
    return close_in_new_units(self.hidden_market, symbol, self.bar, ago)


def target(self, quantity, symbol=0):
    """D-09: orders at market what the position lacks to `quantity` units; -1 where that is nothing or has no price."""
    return send_target(self.hidden_state, symbol, self.bar, quantity)


def unit_value(self, symbol=0):
    """D-11: money of the account that a unit is worth at the mark; NaN before the first price."""
    return self.hidden_state.positions[symbol].mark * self.hidden_state.instruments[symbol].multiplier


def target_value(self, value, symbol=0):
    """D-09: as `target`, for units that are worth so much money at the mark."""
    return send_target(self.hidden_state, symbol, self.bar, value / self.unit_value(symbol))


def target_weight(self, weight, symbol=0):
    """D-09: as `target`, for units that are worth a share of the equity at the mark."""
    money = weight * self.hidden_state.account[0].equity
    return send_target(self.hidden_state, symbol, self.bar, money / self.unit_value(symbol))


LENT = (
    symbols,
    trades,
    month,
    score,
    scored,
    forget_scores,
    rank,
    ranked,
    adjusted_close,
    target,
    unit_value,
    target_value,
    target_weight,
)
