"""What lives in the container of a live strategy beside the strategy itself."""

from dataclasses import replace
from typing import Any, ClassVar

from admf.components import HistoricalDataHandler, Portfolio, RiskManager, SimulatedBroker
from admf.errors import OrderError
from admf.events import Action, BarEvent, OrderEvent, SignalEvent
from admf.execution import Account
from admf.live.bars import Facts, FeedBar, LiveMarket
from admf.results import RunRecords
from admf.run.stepping import Stepper
from admf_kernels.codes import OrderType, Reason, TimeInForce

MARKET_FACTS = "market_facts"
OF_SESSIONS = (
    OrderType.MARKET_ON_OPEN, OrderType.LIMIT_ON_OPEN, OrderType.MARKET_ON_CLOSE, OrderType.LIMIT_ON_CLOSE,
)  # fmt: skip


class LiveDataHandler(HistoricalDataHandler):
    """Publishes a BAR for each bar that is handed to it; what came before stays, what is to come is not there."""

    requires: ClassVar[tuple[str, ...]] = (MARKET_FACTS,)
    market: LiveMarket

    def __init__(self) -> None:
        super().__init__()

    def initialize(self, container: Any) -> None:
        """Makes room for the bars of the symbol."""
        facts: Facts = container.resolve(MARKET_FACTS)
        self._bus = container.event_bus
        self._take(LiveMarket(facts))

    def take(self, bar: FeedBar) -> None:
        """Appends a bar, has the broker play it, and publishes it; after a bankruptcy nothing is published."""
        self.bar = self.market.write(bar)
        for listener in self._before_bar:
            if not listener(self.bar):
                self.continue_backtest = False
                return
        self._bus.publish(BarEvent(bar.time_ns, self.bar, *bar[2:7]))


class VirtualPortfolio(Portfolio):
    """The books of one strategy, with the capital that was allocated to it out of a larger account."""

    def __init__(
        self,
        strategy_id: str,
        initial_capital: float = 100_000.0,
        currency: str = "USD",
        account: Account | None = None,
        track_history: bool = False,
    ) -> None:
        """`account`, where given, has rules beside the cash. ConfigError for capital that is not above zero."""
        super().__init__(initial_capital, currency, track_history=track_history)
        self.strategy_id = strategy_id
        if account is not None:
            self.account = account.replace(cash=self.account.cash, currency=currency)
            self.reset()


class LiveRiskManager(RiskManager):
    """A `RiskManager` with a gate: while it is shut, orders that may open a position become REJECTED, RISK_LIMIT.

    Exits, cancels and amendments pass.
    """

    def __init__(self, **limits: Any) -> None:
        super().__init__(**limits)
        self.shut = ""  # why, empty while it is open
        self.refused = 0

    def on_signal(self, event: SignalEvent) -> None:
        """One SIGNAL becomes one ORDER."""
        ticket = event.ticket
        if not self.shut or ticket.action is not Action.SUBMIT or ticket.reduce_only:
            super().on_signal(event)
            return
        self.refused += 1
        nothing = ticket._replace(quantity=0.0, reason=Reason.RISK_LIMIT)
        self._bus.publish(OrderEvent(event.time_ns, event.bar, nothing))


class PaperBroker(SimulatedBroker):
    """The compiled step of the backtest on bars as they come; positions stay open at the end."""

    def __init__(self, execution: Any = None, record: str = "full", debug: bool = False) -> None:
        super().__init__(execution=execution, close_positions=False, record=record, debug=debug)

    def make_ready(self) -> None:
        """Compiles or loads the step, which may take a minute, before somebody waits for it."""
        self.stepper.bars = 0

    def _make_stepper(self) -> Stepper:
        stepper = super()._make_stepper()
        stepper.bars = 0
        return stepper

    def begin_bar(self, bar: int) -> bool:
        """Plays a bar that has come, and looks at no later one."""
        self.stepper.bars = bar + 1
        return super().begin_bar(bar)

    def on_order(self, event: OrderEvent) -> None:
        """Puts a ticket into the book; OrderError where only a calendar, which the feed has not, could say when."""
        ticket = event.ticket
        of_session = ticket.time_in_force is TimeInForce.DAY or ticket.type in OF_SESSIONS
        if of_session and not self.market.has_sessions:
            found, allowed = ticket.time_in_force.name, "a feed with a calendar, or another time in force and type"
            message = "nobody knows where the session ends"
            raise OrderError(message, field=f"order {ticket.order}", found=found, allowed=allowed)
        super().on_order(event)

    def finish(self) -> None:
        """The bar taken last was the last one: its decisions, and the end of the data; told as events."""
        stepper, market = self.stepper, self._data.market
        stepper.bars = market.taken
        stepper.state.config["bar_count"] = market.taken
        super().finish()

    def records(self, strategy: Any) -> RunRecords:
        """What the run has left, on the bars that came."""
        self._run = replace(self._run, market=self._data.market.history())
        return super().records(strategy)
