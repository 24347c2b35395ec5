"""`SimulatedBroker`: executes orders by the compiled step, bar by bar or a whole run at once."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from admf.components.orders import OrderManager
from admf.data import Market
from admf.errors import ConfigError
from admf.events import Action, EventBus, EventKind, FillEvent, OrderEvent, OrderStatusEvent, Ticket
from admf.execution import Account, Execution, Risk
from admf.results import RunRecords
from admf.run.arguments import RecordLevel, check_bad_bars, read_record, read_value
from admf.run.entry import Run
from admf.run.loop import Progress
from admf.run.stepping import POISON, POISONED, Arena, Guards, Stepper, poison
from admf_kernels import codes
from admf_kernels.codes import CommandKind, Liquidity, OrderStatus, Reason
from admf_kernels.records import State

if TYPE_CHECKING:
    from admf.strategy import CompiledStrategy

STATUSES, STEPS, REASONS = (tuple(code) for code in (OrderStatus, codes.OrderEvent, Reason))
LIQUIDITIES = tuple(Liquidity)
COMMANDS = {Action.CANCEL: CommandKind.CANCEL, Action.REPLACE: CommandKind.REPLACE}


class SimulatedBroker:
    """Fills orders as `Execution` says, with the account of the container's portfolio.

    Events: it takes ORDER, publishes FILL and ORDER_STATUS, and refuses SIGNAL. What the engine does on a bar, and with
    the orders of the bar before, is told before the BAR. `run_compiled` runs a compiled strategy over all bars in the
    same arena instead.
    """

    requires: ClassVar[tuple[str, ...]] = ("data_handler", "portfolio")
    refused_events: ClassVar[tuple[EventKind, ...]] = (EventKind.SIGNAL,)

    def __init__(
        self,
        slippage_model: Any = None,
        commission_model: Any = None,
        execution: Execution | Mapping[str, Any] | None = None,
        close_positions: bool = True,
        record: str = "full",
        debug: bool = False,
    ) -> None:
        """The models replace those of `execution`; ConfigError for rules that are none."""
        rules = read_value(execution, Execution, "execution")
        given = {"slippage": slippage_model, "commission": commission_model}
        changes = {name: model for name, model in given.items() if model is not None}
        self.execution: Execution = rules.replace(**changes) if changes else rules
        self.close_positions = close_positions
        self.record: RecordLevel = "full" if record == "full" else read_record(record)
        self.debug = debug
        self.orders = OrderManager()
        self._stepper: Stepper | None = None
        self.guarded = False  # whether the arena is made with guards around its buffers
        self._guards: list[Guards] = []
        self._arena: Arena | None = None  # of compiled runs, where the container is used again

    def initialize(self, container: Any) -> None:
        """Takes the bars, the account and the limits of its container."""
        self._bus: EventBus = container.event_bus
        self._data: Any = container.resolve("data_handler")
        self._portfolio: Any = container.resolve("portfolio")
        self._container = container
        self._data.before_bar(self.begin_bar)
        self._bus.subscribe(EventKind.ORDER, self.on_order)

    @property
    def market(self) -> Market:
        """The bars of the run."""
        market: Market = self._data.market
        return market

    @property
    def account(self) -> Account:
        """The account before the first bar."""
        account: Account = self._portfolio.account
        return account

    # ---------------------------------------------------------------------------------------------------------- events

    def _make_stepper(self) -> Stepper:
        managers = self._container.has("risk_manager") and self._container.resolve("risk_manager")
        self._run = self._make_run(risk=getattr(managers, "risk", None))
        check_bad_bars(self.execution, self.market)
        state = replace(self._run, record="full").state()
        laws = self.execution.user_laws()
        state = self._guarded(state)
        return Stepper(self.market.arrays, state, laws, self._run.orders_per_bar, debug=self.debug)

    def _make_run(self, strategy: "CompiledStrategy | None" = None, risk: Risk | None = None) -> Run:
        container = self._container
        per_bar = getattr(container.resolve("strategy"), "orders_per_bar_max", 1) if container.has("strategy") else 1
        return Run(
            market=self.market,
            execution=self.execution,
            account=self.account,
            record=self.record,
            close_positions=self.close_positions,
            debug=self.debug,
            strategy=strategy,
            risk=risk or Risk(),
            orders_per_bar=per_bar,
            container=container.number,
        )

    def _guarded(self, state: State) -> State:
        if not self.guarded:
            return state
        self._guards.append(Guards(state))
        return self._guards[-1].state

    def broken_guards(self) -> list[str]:
        """Buffers of the arena around which something was written; none are watched unless `guarded` is set."""
        return [name for guards in self._guards for name in guards.broken()]

    def begin_bar(self, bar: int) -> bool:
        """Plays a bar and tells what happened; False where the account went bankrupt on it."""
        stepper = self.stepper
        if not stepper.move_to(bar):
            return True
        self._tell(stepper)
        return not stepper.bankrupt

    def on_order(self, event: OrderEvent) -> None:
        """Puts a ticket into the book; ConfigError for anything else than an ORDER."""
        if event.kind is not EventKind.ORDER:
            raise ConfigError("not for a broker", field="broker.on_order", found=event.kind.name, allowed="ORDER")
        ticket = event.ticket
        if ticket.action is Action.SUBMIT:
            number = self.stepper.submit(*fields_of(ticket, self.orders.number_of(ticket.parent)))
            if ticket.reason is not Reason.NONE:
                self.stepper.give_reason(ticket.reason)
            self.orders.add(ticket, number)
            return
        number = self.orders.number_of(ticket.order)
        kind = COMMANDS[ticket.action]
        self.stepper.command(kind, number, ticket.quantity, ticket.limit_price, ticket.stop_price)

    def finish(self) -> None:
        """The last orders, the end of the data, positions closed; told as events at the time of the last bar."""
        stepper = self.stepper
        stepper.finish()
        self._tell(stepper)

    def _tell(self, stepper: Stepper) -> None:
        fills, transitions = stepper.tell()
        time_ns, publish, orders = self._data.time_ns, self._bus.publish, self.orders
        for price, quantity, commission, base, number, bar, symbol, side, liquidity, ambiguous, reason in fills:
            publish(
                FillEvent(
                    time_ns, bar, orders.id_of(number), symbol, side, quantity, price, commission, base,
                    LIQUIDITIES[liquidity], bool(ambiguous), REASONS[reason],
                )
            )  # fmt: skip
        for number, bar, before, after, step, reason in transitions:
            status = STATUSES[after]
            order = orders.note(number, status)
            publish(OrderStatusEvent(time_ns, bar, order, STATUSES[before], status, STEPS[step], REASONS[reason]))

    # ----------------------------------------------------------------------------------------------------- the account

    @property
    def stepper(self) -> Stepper:
        """The engine of the event path."""
        if self._stepper is None:
            self._stepper = self._make_stepper()
        return self._stepper

    @property
    def is_open(self) -> bool:
        """Whether orders are taken."""
        return not self.stepper.finished and not self.stepper.bankrupt

    @property
    def arena_bytes(self) -> int:
        """Memory of the arena as it is now; 0 where it is not made yet, or its run has taken it along."""
        if self._stepper is not None:
            return self._stepper.arena_bytes
        return 0 if self._arena is None else sum(array.nbytes for array in self._arena.state)

    @property
    def cash(self) -> float:
        """All cash, short proceeds included."""
        return self.stepper.cash

    @property
    def free_cash(self) -> float:
        """Cash that is not locked by shorts."""
        return self.stepper.free_cash

    @property
    def equity(self) -> float:
        """Cash plus marked positions at the last close."""
        return self.stepper.equity

    def position(self, symbol: int) -> float:
        """Units held, signed."""
        return self.stepper.quantity(symbol)

    def average_price(self, symbol: int) -> float:
        """Average price of the open position, 0 when flat."""
        return self.stepper.average_price(symbol)

    def next_group(self) -> int:
        """A fresh id for a group of orders that cancel each other."""
        return self.stepper.next_group()

    def sized(self, *order: Any) -> float:
        """The units that the risk manager's sizing gives an order; NaN where it has a size."""
        return self.stepper.sized(*order)

    def limited(self, *order: Any) -> float:
        """The quantity that limits leave of an order; NaN for all of it."""
        return self.stepper.limited(*order)

    # --------------------------------------------------------------------------------------------------------- results

    def run_compiled(
        self, strategy: "CompiledStrategy", risk: Risk | None = None, progress: Progress | None = None
    ) -> RunRecords:
        """Runs a compiled strategy over all bars; returns what it left."""
        run = self._make_run(strategy, risk)
        if not self._container.pooled or self.execution.bounds:
            return run.run(progress).records
        if self._arena is None:
            self._arena = Arena(self._guarded(run.state()))
        return taken_along(run.run_once(progress, self._arena.state).records)

    def records(self, strategy: Any) -> RunRecords:
        """What the event path has left, after `finish`."""
        elapsed_s = self._container.metrics.execution_time or 0.0
        made = self._run.records(self.stepper, elapsed_s)
        described = {"name": type(strategy).__name__, "parameters": getattr(strategy, "parameters", {})}
        made = replace(
            made,
            title=type(strategy).__name__,
            strategy=described,
            inputs_fingerprint=partial(with_strategy, made.inputs_fingerprint, described, type(strategy)),
        )
        made = taken_along(made) if self._container.pooled else made
        if self.record == "full":
            return made
        made = replace(made, orders=made.orders[:0], transitions=made.transitions[:0])
        if self.record == "fills":
            return made
        return replace(made, fills=made.fills[:0], trades=made.trades[:0], curve=made.curve[:0])

    # ------------------------------------------------------------------------------------------------------ life cycle

    def reset(self) -> None:
        """As new, with the same buffers."""
        self.orders.reset()
        for arena in (self._stepper, self._arena):
            if arena is not None:
                arena.reset()

    def poison(self) -> None:
        """Fills the buffers with a pattern; after `reset`, where a container is to prove that it reads none of them."""
        if self._stepper is not None:
            self._stepper.poison()
        if self._arena is not None:
            poison(self._arena.state)

    def written_to(self) -> list[str]:
        """Buffers that somebody has written to since `poison`."""
        states = [arena.state for arena in (self._stepper, self._arena) if arena is not None]
        return [name for state in states for name in POISONED if (getattr(state, name).view("u1") != POISON).any()]

    def teardown(self) -> None:
        """Lets go of the arena."""
        self._stepper = self._arena = None
        self._guards.clear()
        self._data = self._portfolio = self._container = None

    def snapshot(self) -> Mapping[str, Any]:
        """A copy of orders and arena."""
        return {"orders": self.orders.snapshot(), "arena": self.stepper.snapshot()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Orders and arena as they were."""
        self.orders.restore(state["orders"])
        self.stepper.restore(state["arena"])


def fields_of(ticket: Ticket, parent: int) -> tuple[Any, ...]:
    """The arguments of the kernel that takes an order; `parent` is the engine's number of it, -1 without."""
    if ticket.parent >= 0 and parent < 0:
        parent = -2  # a parent that never reached the engine: refused there
    return (
        ticket.side, int(ticket.type), ticket.quantity, ticket.limit_price, ticket.stop_price,
        int(ticket.time_in_force), ticket.expiry, ticket.reduce_only, ticket.post_only, parent, ticket.oco,
        ticket.oco_reduce, int(ticket.size_kind), ticket.size, ticket.symbol, ticket.tag, ticket.trail_distance,
        ticket.trail_percent, ticket.trail_offset, ticket.limit_offset, ticket.protected_at,
    )  # fmt: skip


def taken_along(records: RunRecords) -> RunRecords:
    """The records in memory of their own, for an arena that is used again."""
    names = ("orders", "fills", "transitions", "trades", "curve", "positions")
    copies = {name: getattr(records, name).copy() for name in names}
    return replace(records, account=records.account.copy(), **copies)


def with_strategy(rest: Callable[[], str], described: Mapping[str, object], kind: type[Any]) -> str:
    """The fingerprint of all inputs, the strategy's text and parameters among them."""
    return hashlib.sha256(f"{rest()}{described}{source_of(kind)}".encode()).hexdigest()


_READING = Lock()  # inspect parses the file, and the parser of Python 3.11 is not made for two threads


def source_of(kind: type[Any]) -> str:
    """The text of a class, its name where there is none (a class typed at a prompt)."""
    try:
        with _READING:
            return inspect.getsource(kind)
    except (OSError, TypeError):
        return f"{kind.__module__}.{kind.__qualname__}"
