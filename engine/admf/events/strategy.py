"""`EventStrategy`: research code in plain Python on the bus of its container.

Example:
    class Cross(admf.EventStrategy):
        period: int = 20          # a typed attribute is a parameter: Cross(period=50)

        def on_start(self):
            self.total = 0.0      # what is set here begins afresh with every run

        def on_bar(self, bar):
            self.total = self.rolling_sum(self.total, self.period)
            ...
"""

import copy
import inspect
from collections.abc import Mapping
from math import isnan, nan
from typing import Any, ClassVar

from admf.errors import ConfigError, StrategyError
from admf.events.bus import EventBus
from admf.events.kinds import Action, BarEvent, EventKind, FillEvent, OrderStatusEvent, SignalEvent, Ticket
from admf.events.words import kind_of, read_parameter, read_word, read_words
from admf.models import Problems, unknown_name
from admf_kernels.codes import OrderStatus, OrderType, SizeKind

KINDS = (int, float, bool, str)
_BY_NAME = {kind.__name__: kind for kind in KINDS}  # of annotations kept as text
REFRESH_BARS = 1024  # I-01: rolling sums are summed afresh at multiples of it
LIVE = frozenset(
    (OrderStatus.NONE, OrderStatus.RECEIVED, OrderStatus.VALIDATED, OrderStatus.ROUTED, OrderStatus.PARTIAL)
)


class EventStrategy:
    """Base class of strategies on the bus; see the module's docstring for the shape of one.

    Typed class attributes (`int`, `float`, `bool`, `str`) are parameters. Hooks: `on_start()` before the first bar,
    `on_fill(fill)` and `on_order(status)` for what the engine did since the last bar, `on_bar(bar)` after each close,
    `on_stop()`. What `submit` asks for goes to the risk manager as a SIGNAL and is effective from the next bar on. A
    strategy sees bars up to the current one: `self.close(ago)` and the others take how many bars back, >= 0. The same
    decisions give the same fills, bit for bit, as a `CompiledStrategy`.
    """

    orders_per_bar_max: ClassVar[int] = 64
    is_event_strategy: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("data_handler", "risk_manager", "broker")

    def __init__(self, **parameters: Any) -> None:
        """Raises ConfigError that lists every parameter that is unknown or of the wrong type."""
        kinds = self.fields()
        values = {name: parameters[name] if name in parameters else getattr(type(self), name) for name in kinds}
        if not kinds.keys() >= parameters.keys() or any(type(values[name]) is not kinds[name] for name in kinds):
            values = self._read(parameters, values)
        self.__dict__.update(values)
        self._run_check()
        self._scope: _Scope = Nowhere(type(self).__name__)  # type: ignore[assignment]

    def _read(self, parameters: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        title, kinds, problems = type(self).__name__, self.fields(), Problems()
        for name in parameters:
            if name not in kinds:
                problems.add(unknown_name(name, kinds, field=title, what="parameter"))
        made = {}
        for name, kind in kinds.items():
            with problems.collect():
                made[name] = read_parameter(values[name], kind, f"{title}.{name}")
        problems.raise_any(title)
        return made

    @classmethod
    def fields(cls) -> dict[str, type[Any]]:
        """Parameters with their types, base classes first; StrategyError for a type that is none."""
        known: dict[str, type[Any]] | None = cls.__dict__.get("_known_fields")
        if known is not None:
            return known
        found: dict[str, type[Any]] = {}
        for base in reversed(cls.__mro__):
            if base in (object, EventStrategy):
                continue
            for name, annotation in inspect.get_annotations(base).items():
                if name.startswith("_") or "ClassVar" in str(annotation):
                    continue
                kind: Any = _BY_NAME.get(annotation, annotation) if isinstance(annotation, str) else annotation
                if kind not in KINDS or not hasattr(cls, name):
                    allowed = "int, float, bool or str, with a default"
                    raise StrategyError("not a parameter", field=f"{cls.__name__}.{name}", found=kind, allowed=allowed)
                found[name] = kind
        cls._known_fields = found  # type: ignore[attr-defined]  # each container asks again
        return found

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters with their values."""
        return {name: getattr(self, name) for name in self.fields()}

    # ----------------------------------------------------------------------------------------------------------- hooks

    def on_start(self) -> None:
        """Before the first bar; what is set on self here begins afresh with every run."""

    def on_bar(self, bar: BarEvent) -> None:
        """After the close of a bar."""

    def on_fill(self, fill: FillEvent) -> None:
        """An order filled, told before the bar on which the strategy may know it."""

    def on_order(self, status: OrderStatusEvent) -> None:
        """An order changed its status."""

    def on_stop(self) -> None:
        """After the last bar."""

    # --------------------------------------------------------------------------------------------- bars up to this one

    @property
    def bar(self) -> int:
        """Index of the current bar; -1 in `on_start`."""
        return int(self._scope.data.bar)

    def open(self, ago: int = 0, symbol: int = 0) -> float:
        """Open of the bar `ago` bars back; NaN before the first bar."""
        return self._scope.value("open", ago, symbol)

    def high(self, ago: int = 0, symbol: int = 0) -> float:
        """High of the bar `ago` bars back; NaN before the first bar."""
        return self._scope.value("high", ago, symbol)

    def low(self, ago: int = 0, symbol: int = 0) -> float:
        """Low of the bar `ago` bars back; NaN before the first bar."""
        return self._scope.value("low", ago, symbol)

    def close(self, ago: int = 0, symbol: int = 0) -> float:
        """Close of the bar `ago` bars back; NaN before the first bar."""
        return self._scope.value("close", ago, symbol)

    def volume(self, ago: int = 0, symbol: int = 0) -> float:
        """Volume of the bar `ago` bars back; NaN before the first bar."""
        return self._scope.value("volume", ago, symbol)

    def history(self, field: str, count: int, symbol: int = 0) -> Any:
        """The last `count` values of a column up to this bar, oldest first, read-only; fewer at the start."""
        data = self._scope.data
        return data.column(field, symbol)[max(0, data.bar + 1 - count) : data.bar + 1]

    def rolling_sum(self, previous: float, period: int, symbol: int = 0) -> float:
        """I-01: sum of the last `period` closes, given the value of the bar before; fewer at the start."""
        data = self._scope.data
        bar: int = data.bar
        closes: Any = data.closes[symbol]
        if bar % REFRESH_BARS == 0:
            total = 0.0
            for index in range(max(0, bar - period + 1), bar + 1):
                total += closes[index]
            return total
        total = previous + float(closes[bar])
        if bar >= period:
            total -= closes[bar - period]
        return total

    def highest(self, period: int, ago: int = 0, symbol: int = 0) -> float:
        """I-05: highest high of `period` bars that end `ago` bars back; NaN where they are not all there."""
        values = self._scope.window("high", period, ago, symbol)
        return max(values) if values else nan

    def lowest(self, period: int, ago: int = 0, symbol: int = 0) -> float:
        """I-05: lowest low of `period` bars that end `ago` bars back; NaN where they are not all there."""
        values = self._scope.window("low", period, ago, symbol)
        return min(values) if values else nan

    # ----------------------------------------------------------------------------------------------------- the account

    def position(self, symbol: int = 0) -> float:
        """Units held, signed."""
        return float(self._scope.broker.position(symbol))

    def average_price(self, symbol: int = 0) -> float:
        """Average price of the open position, 0 when flat."""
        return float(self._scope.broker.average_price(symbol))

    def cash(self) -> float:
        """All cash, short proceeds included."""
        return float(self._scope.broker.cash)

    def free_cash(self) -> float:
        """Cash that is not locked by shorts."""
        return float(self._scope.broker.free_cash)

    def equity(self) -> float:
        """Cash plus marked positions at the close of this bar."""
        return float(self._scope.broker.equity)

    def working(self) -> int:
        """Number of live orders, those submitted on this bar not yet counted."""
        return int(self._scope.broker.orders.live_count)

    def status(self, order: int) -> OrderStatus:
        """Status of an order; NONE while it waits for the end of the bar on which it was submitted."""
        found: OrderStatus = self._scope.broker.orders.status(order)
        return found

    def is_working(self, order: int) -> bool:
        """Whether an order can still fill or wait; also True for an order submitted on this bar."""
        return order >= 0 and self.status(order) in LIVE

    # ---------------------------------------------------------------------------------------------------------- orders

    def submit(self, side: int, order_type: OrderType | str, quantity: float = nan, **more: Any) -> int:
        """Submits an order for the next bar; returns its id. `more`: fields of `Ticket`, words as text or codes.

        Without a quantity the sizing of the risk manager gives one.
        """
        orders = self._scope.broker.orders
        ticket = Ticket(
            orders.new_id(), Action.SUBMIT, side, read_word(OrderType, order_type), quantity, **read_words(more)
        )
        self._scope.publish(ticket)
        return ticket.order

    def buy(self, quantity: float = nan, limit: float = nan, stop: float = nan, **more: Any) -> int:
        """Buys: market without prices, limit, stop, or stop-limit with both."""
        return self.submit(1, kind_of(limit, stop), quantity, limit_price=limit, stop_price=stop, **more)

    def sell(self, quantity: float = nan, limit: float = nan, stop: float = nan, **more: Any) -> int:
        """Sells: market without prices, limit, stop, or stop-limit with both."""
        return self.submit(-1, kind_of(limit, stop), quantity, limit_price=limit, stop_price=stop, **more)

    def buy_equity(self, fraction: float, symbol: int = 0) -> int:
        """Buys at market for a share of the equity, resolved at the fill with its costs (A-06)."""
        return self.submit(1, OrderType.MARKET, size_kind=SizeKind.EQUITY_FRACTION, size=fraction, symbol=symbol)

    def sell_equity(self, fraction: float, symbol: int = 0) -> int:
        """Sells at market for a share of the equity, resolved at the fill with its costs (A-06)."""
        return self.submit(-1, OrderType.MARKET, size_kind=SizeKind.EQUITY_FRACTION, size=fraction, symbol=symbol)

    def close_position(self, symbol: int = 0) -> int:
        """Closes the position at market; -1 when there is none."""
        quantity = self.position(symbol)
        if quantity == 0.0:
            return -1
        side = -1 if quantity > 0.0 else 1
        return self.submit(side, OrderType.MARKET, abs(quantity), reduce_only=True, symbol=symbol)

    def bracket(
        self,
        side: int,
        quantity: float = nan,
        stop_loss: float = nan,
        take_profit: float = nan,
        limit: float = nan,
        stop: float = nan,
        symbol: int = 0,
    ) -> int:
        """An entry with a stop and a target that cancel each other; returns its id, the exits have the next."""
        enter = self.buy if side > 0 else self.sell
        entry = enter(quantity, limit, stop, symbol=symbol, protected_at=stop_loss)
        both = not isnan(stop_loss) and not isnan(take_profit)
        group = self._scope.broker.next_group() if both else 0
        common = {"parent": entry, "oco": group, "symbol": symbol}
        if not isnan(stop_loss):
            self.submit(-side, OrderType.STOP, stop_price=stop_loss, **common)
        if not isnan(take_profit):
            self.submit(-side, OrderType.LIMIT, limit_price=take_profit, **common)
        return entry

    def cancel(self, order: int) -> None:
        """Cancels an order at the beginning of the next bar."""
        self._scope.publish(Ticket(order, Action.CANCEL))

    def replace(self, order: int, quantity: float = nan, limit: float = nan, stop: float = nan) -> None:
        """Replaces quantity or prices of an order at the beginning of the next bar; NaN leaves a value."""
        changed = {"quantity": quantity, "limit_price": limit, "stop_price": stop}
        self._scope.publish(Ticket(order, Action.REPLACE, **changed))  # type: ignore[arg-type]

    def cancel_all(self, symbol: int = 0) -> None:
        """Cancels every live order of the symbol at the beginning of the next bar."""
        for order in self._scope.broker.orders.live(symbol):
            self.cancel(order)

    # ------------------------------------------------------------------------------------------- life in its container

    def initialize(self, container: Any) -> None:
        """Takes its place on the container's bus."""
        self._scope = _Scope(container)
        bus = container.event_bus
        bus.subscribe(EventKind.BAR, self.on_bar)
        kind = type(self)
        if kind.on_fill is not EventStrategy.on_fill:
            bus.subscribe(EventKind.FILL, self._hear_fill)
        if kind.on_order is not EventStrategy.on_order:
            bus.subscribe(EventKind.ORDER_STATUS, self._hear_order)

    def start(self) -> None:
        """The run begins."""
        self.on_start()

    def stop(self) -> None:
        """The run is over."""
        self.on_stop()

    def reset(self) -> None:
        """As new: only parameters and the place in the container stay."""
        own = self.__dict__
        kept = {name: own[name] for name in self.fields()} | {"_scope": self._scope}
        own.clear()
        own.update(kept)

    def teardown(self) -> None:
        """Lets go of the container."""
        self._scope = Nowhere(type(self).__name__)  # type: ignore[assignment]

    def snapshot(self) -> Mapping[str, Any]:
        """A copy of what the strategy has set on itself."""
        return copy.deepcopy({name: value for name, value in self.__dict__.items() if name != "_scope"})

    def restore(self, state: Mapping[str, Any]) -> None:
        """Everything as it was at a snapshot."""
        scope = self._scope
        self.__dict__.clear()
        self.__dict__.update(copy.deepcopy(dict(state)))
        self._scope = scope

    def _hear_fill(self, fill: FillEvent) -> None:
        if self._scope.broker.is_open:  # at the end of the data nothing can be decided any more
            self.on_fill(fill)

    def _hear_order(self, status: OrderStatusEvent) -> None:
        if self._scope.broker.is_open:
            self.on_order(status)

    def _run_check(self) -> None:
        check = getattr(self, "check", None)
        if check is None:
            return
        try:
            check()
        except ValueError as error:
            raise ConfigError(str(error), field=type(self).__name__, found=self.parameters) from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.parameters.items())})"


class Nowhere:
    """What a strategy has outside a container: whatever it asks for is an error."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        remedy = "a strategy asks and orders from its hooks, inside a container"
        raise StrategyError("not in a container", field=self._name, remedy=remedy)


class _Scope:
    """What a strategy has of its container."""

    __slots__ = ("broker", "bus", "data")

    def __init__(self, container: Any) -> None:
        self.bus: EventBus = container.event_bus
        self.data: Any = container.resolve("data_handler")
        self.broker: Any = container.resolve("broker")

    def publish(self, ticket: Ticket) -> None:
        """A SIGNAL at the time of the current bar."""
        data = self.data
        self.bus.publish(SignalEvent(data.time_ns, data.bar, ticket))

    def value(self, field: str, ago: int, symbol: int) -> float:
        """One value of a column; NaN before the first bar and for bars to come."""
        bar = self.data.bar
        if not 0 <= ago <= bar:
            return nan
        return float(self.data.column(field, symbol)[bar - ago])

    def window(self, field: str, period: int, ago: int, symbol: int) -> list[float]:
        """`period` values that end `ago` bars back, the newest first, as I-05 compares them; empty where too few."""
        last = self.data.bar - ago
        if ago < 0 or period < 1 or last - period + 1 < 0:
            return []
        values: list[float] = self.data.column(field, symbol)[last - period + 1 : last + 1].tolist()
        return [values[-1], *values[:-1]]
