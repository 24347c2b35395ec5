"""Everything a run knows: bars, rules, orders, positions, money, and what is written down."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from admf_kernels.codes import OrderEvent, OrderStatus, Reason, Unfilled
from oracle.digest import Digest
from oracle.life import after
from oracle.prices import is_valid, volume_of
from oracle.records import Bar, Fill, Instrument, Order, Position, Rules, Trade, Transition
from oracle.statistics import Statistics


@dataclass
class World:
    """The state of one run; `bars` is one list of bars a symbol, all of one length."""

    bars: list[list[Bar]]
    instruments: list[Instrument]
    rules: Rules
    cash: float
    positions: list[Position]
    statistics: Statistics
    bar: int = -1
    bankrupt: bool = False
    submission_cash: tuple[int, float] = (-2, 0.0)  # A-02, `cumulative_check`: the bar, and what its orders have left
    actions: list[tuple[int, int, int, float]] = field(default_factory=list)  # D-01: bar, symbol, ActionKind, value
    ended: set[int] = field(default_factory=set)  # D-04: symbols without further bars
    rates: dict[tuple[int, int], float] = field(default_factory=dict)  # D-10: in force, by ActionKind and symbol
    unsettled: list[tuple[int, float]] = field(default_factory=list)  # session that is waited for, and money
    session: int = 0
    halt_peak: float = 0.0  # K-05
    halted_until: int = -2
    counted: tuple[int, int] = (-2, 0)  # K-04: last bar of the session, and the orders it has had
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    curve: list[tuple[float, float]] = field(default_factory=list)
    digest: Digest = field(default_factory=Digest)

    @property
    def bar_count(self) -> int:
        """Bars of the run."""
        return len(self.bars[0])

    @property
    def locked(self) -> float:
        """A-03, A-14: cash locked by shorts, summed over symbols in order, or by proceeds that are not settled."""
        total = 0.0
        for position in self.positions:
            total += position.locked
        for days in range(1, self.rules.settlement_days + 1):
            total += sum(money for session, money in self.unsettled if session == self.session + days)
        return total

    @property
    def free(self) -> float:
        """A-03: cash that is not locked; A-11: with leverage the power of the account at the marks."""
        if self.rules.leverage > 1.0:
            return self.power(self.cash)
        return self.cash - self.locked

    def power(self, cash: float, symbol: int = -1, quantity: float = 0.0, price: float = 0.0) -> float:
        """A-11; one symbol with another quantity and price."""
        equity, used = cash, 0.0
        for index, position in enumerate(self.positions):
            units, mark = (quantity, price) if index == symbol else (position.quantity, position.mark)
            if units != 0.0:
                equity += units * mark * self.instruments[index].multiplier
                used += abs(units * mark * self.instruments[index].multiplier) / self.rules.leverage
        return equity - used

    def now(self, symbol: int) -> Bar:
        """The bar of the symbol being worked on."""
        return self.bars[symbol][self.bar]

    def matches(self, symbol: int) -> bool:
        """B-01: whether orders of the symbol are matched on this bar."""
        return self.rules.bad_bar == "none" or is_valid(self.now(symbol))

    def has_no_volume(self, symbol: int) -> bool:
        """V-01: data with volume, and none on this bar."""
        return self.rules.has_volume and volume_of(self.now(symbol)) == 0.0

    def used(self, symbol: int) -> float:
        """V-02, S-04: units already filled on this bar of the symbol."""
        position = self.positions[symbol]
        return position.used if position.used_bar == self.bar else 0.0

    def live(self) -> Iterable[Order]:
        """Orders that have not ended, ascending; what ends on the way is left out."""
        return (order for order in list(self.orders) if order.alive)

    def note(self, order: Order, cause: Unfilled) -> None:
        """U-01: what kept an order from a fill on this bar; the last cause counts."""
        order.cause = (self.bar, cause)

    def equity(self, at: tuple[int, float] | None = None) -> float:
        """A-01: cash plus marked positions in symbol order; `at` marks one symbol at another price."""
        total = self.cash
        for symbol, position in enumerate(self.positions):
            if position.quantity != 0.0:
                mark = at[1] if at is not None and at[0] == symbol else position.mark
                total += position.quantity * mark * self.instruments[symbol].multiplier
        return total

    def move(self, order: Order, event: OrderEvent, reason: Reason = Reason.NONE) -> None:
        """L-01: one step of an order's life, written down."""
        before = order.status
        order.status = after(before, event)
        order.reason = reason
        if order.status >= OrderStatus.FILLED:
            order.closed_bar = self.bar
            self.statistics.count_end(order.status)
        self.transitions.append(Transition(order.number, self.bar, before, order.status, event, reason))
