"""freqtrade's candles: from signals to one entry and one exit order at a time, which the engine fills.

After `optimize/backtesting.py` and `strategy/interface.py` of freqtrade 2024.10: the signals of a candle act at the
next one; there, in this order, open orders time out or are replaced, a trade may be entered, and an open trade is
tested for its exit signal, its stop, its target and its trailing stop. Each exit is ordered at the rate that freqtrade
puts into the candle; the order lives for that candle alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from admf.cases.bars import SYMBOL, Prices, make_bars, read_prices
from admf.cases.files import Case
from admf.cases.freqtrade_rules import Candle, Rules, Trade, exit_of
from admf.cases.lots import Fill
from admf.cases.play import fills_by_name, rows_table, statuses_of
from admf.cases.profiles import Profile
from admf.cases.requests import Row
from admf.cases.unsupported import Unsupported
from admf.data import Instrument
from admf.execution import Account
from admf.results import Result
from admf.run import simulate

CASH = 1e9  # nothing here depends on the money
SIGNALS = ("enter_long", "exit_long", "enter_short", "exit_short")
ROUNDED = 3  # digits of the reported profit


@dataclass(frozen=True)
class Pending:
    """An order that has not filled."""

    side: int
    rate: float
    bar: int  # of its placement
    since: int  # bar of the order that it replaced, from which the trade's age counts


@dataclass
class Orders:
    """The rows of all orders, numbered as the reports number them: the n-th entry and the exit of the n-th trade."""

    rows: list[Row] = field(default_factory=list)
    entries: int = 0

    def enter(self, side: int, rate: float, bar: int) -> None:
        """An entry that fills in the candle."""
        self.entries += 1
        self._add(f"E{self.entries}", side, rate, bar)

    def leave(self, trade: Trade, rate: float, bar: int) -> None:
        """The exit of the trade of the last entry."""
        self._add(f"X{self.entries}", -trade.side, rate, bar)

    def _add(self, name: str, side: int, rate: float, bar: int) -> None:
        row = {"id": name, "bar": bar - 1, "side": "buy" if side > 0 else "sell", "quantity": 1.0, "type": "limit"}
        self.rows.append(row | {"limit_price": rate, "time_in_force": "ioc"})


class FreqtradePlay:
    """One case driven by signals."""

    def __init__(self, case: Case, profile: Profile) -> None:
        if case.orders:
            raise Unsupported("orders: beside signals")
        self.rules = Rules.read(case.config)
        self.prices: Prices = read_prices(case)
        self.count = len(case.bars)
        self.signals = read_signals(case)
        self.orders = Orders()
        self.trade: Trade | None = None
        self.pending: Pending | None = None
        self.exit_pending: Pending | None = None
        for bar in range(1, self.count):
            self.play(bar, self.candle(bar))
        self.force_exit()
        self.result = self.run(profile)

    def candle(self, bar: int) -> Candle:
        """A candle's prices."""
        return Candle(*(self.prices[name][bar] for name in ("open", "high", "low", "close")))

    def play(self, bar: int, candle: Candle) -> None:
        """One candle."""
        self.manage(bar)
        direction = self.direction(bar - 1)
        if self.trade is None and self.pending is None and direction and bar < self.count - 1:
            self.pending = Pending(direction, self.rules.entry_rate(candle, direction), bar, bar)
        if self.pending is not None and candle.holds(self.pending.rate):
            self.orders.enter(self.pending.side, self.pending.rate, bar)
            self.trade = Trade.open(self.rules, self.pending.side, self.pending.rate, self.pending.since)
            self.pending = None
        if self.trade is None:
            return
        if self.exit_pending is None:
            side = self.trade.side
            word = "long" if side > 0 else "short"
            enters, exits = (bar - 1 in self.signals[f"{kind}_{word}"] for kind in ("enter", "exit"))
            rate = exit_of(self.rules, self.trade, candle, bar, enters=enters, exits=exits)
            if rate is not None:
                self.exit_pending = Pending(-side, rate, bar, bar)
        if self.exit_pending is not None and candle.holds(self.exit_pending.rate):
            self.close(self.exit_pending.rate, bar)

    def close(self, rate: float, bar: int) -> None:
        """The trade ends."""
        assert self.trade is not None
        self.orders.leave(self.trade, rate, bar)
        self.trade = self.exit_pending = None

    def manage(self, bar: int) -> None:
        """Orders that have waited too long are cancelled; a waiting entry may get another price."""
        rules = self.rules
        if self.pending is not None:
            if rules.timed_out(self.pending.bar, bar, rules.entry_timeout_minutes):
                self.pending = None
            elif rules.entry_replaced is not None and self.pending.rate != rules.entry_replaced:
                self.pending = replace(self.pending, rate=rules.entry_replaced, bar=bar)
        if self.exit_pending is not None:
            if rules.timed_out(self.exit_pending.bar, bar, rules.exit_timeout_minutes):
                self.exit_pending = None
            elif rules.exit_replaced is not None and self.exit_pending.rate != rules.exit_replaced:
                self.exit_pending = replace(self.exit_pending, rate=rules.exit_replaced, bar=bar)

    def direction(self, bar: int) -> int:
        """What the signals of a candle open: +1, -1, or 0 where they collide."""
        long, leave_long, short, leave_short = (bar in self.signals[name] for name in SIGNALS)
        if long and not (leave_long or short):
            return 1
        return -1 if short and not (leave_short or long) else 0

    def force_exit(self) -> None:
        """What is open at the end is closed at the last open."""
        if self.trade is not None:
            last = self.count - 1
            self.close(self.prices["open"][last], last)

    def run(self, profile: Profile) -> Result:
        """The engine fills the orders."""
        rules = profile.rules().replace(conflict="order_id", cash_fill="none", short="proceeds_as_cash")
        return simulate(
            make_bars(self.prices, None, has_volume=False),
            rows_table(self.orders.rows),
            execution=rules.replace(commission=self.rules.commission()),
            account=Account(cash=CASH),
            instruments=Instrument(SYMBOL),
        )

    def figures(self) -> Mapping[str, Callable[[], Any]]:
        """What the case files report of freqtrade."""
        return {
            "fills": self.fills,
            "final_state": lambda: statuses_of(self.result),
            "total_profit_ratio_rounded3": self.profit,
        }

    def fills(self) -> list[Fill]:
        """Entries and exits."""
        return fills_by_name(self.result)

    def profit(self) -> float:
        """The sum of the trades' profits as shares of what they were opened for, leverage included."""
        fills = self.fills()
        shares = [self.rules.profit(enter, leave) for enter, leave in zip(fills[::2], fills[1::2], strict=True)]
        return round(sum(shares), ROUNDED)


def read_signals(case: Case) -> dict[str, set[int]]:
    """Bars of each kind of signal."""
    given = case.signals or {}
    unknown = set(given) - set(SIGNALS)
    if unknown:
        raise Unsupported(f"signals.{min(unknown)}: not understood yet")
    return {name: {int(bar) for bar in given.get(name, [])} for name in SIGNALS}
