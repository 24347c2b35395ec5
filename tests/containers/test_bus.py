"""The bus: one order of events, a bounded queue, errors that name their event."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from admf.components import SimulatedBroker
from admf.errors import CapacityError, ConfigError
from admf.events import BarEvent, EventBus, EventKind, HandlerError, OrderEvent, SignalEvent, Ticket

KINDS = {EventKind.BAR: None, EventKind.ORDER: OrderEvent, EventKind.SIGNAL: SignalEvent}


def made(kind: EventKind, time_ns: int, mark: int = 0) -> Any:
    """An event of a kind; `mark` tells it apart."""
    if kind is EventKind.BAR:
        return BarEvent(time_ns, mark, 1.0, 1.0, 1.0, 1.0, 1.0)
    return KINDS[kind](time_ns, mark, Ticket(mark))


def test_events_come_by_time_priority_and_sequence() -> None:
    bus = EventBus()
    asked = [(EventKind.SIGNAL, 5, 0), (EventKind.BAR, 5, 1), (EventKind.ORDER, 5, 2), (EventKind.SIGNAL, 4, 3)]
    asked += [(EventKind.SIGNAL, 5, 4), (EventKind.BAR, 6, 5)]
    for kind, time_ns, mark in asked:
        bus.publish(made(kind, time_ns, mark))
    assert [bus.get_next_event().bar for _ in asked] == [3, 1, 2, 0, 4, 5]
    assert bus.get_next_event() is None
    assert bus.events_processed == len(asked)


def test_an_order_comes_before_the_next_signal() -> None:
    """The risk manager judges each signal with every earlier order in the book."""
    bus, seen = EventBus(), []
    bus.subscribe(EventKind.SIGNAL, lambda event: bus.publish(OrderEvent(event.time_ns, event.bar, event.ticket)))
    for kind in (EventKind.SIGNAL, EventKind.ORDER):
        bus.subscribe(kind, lambda event: seen.append((event.kind.name, event.bar)))
    for mark in (1, 2):
        bus.publish(made(EventKind.SIGNAL, 7, mark))
    while bus.get_next_event():
        pass
    assert seen == [("SIGNAL", 1), ("ORDER", 1), ("SIGNAL", 2), ("ORDER", 2)]


def test_a_failing_handler_is_named_with_its_event() -> None:
    class Component:
        def on_bar(self, event: BarEvent) -> None:
            raise ValueError("boom")

    bus, after = EventBus("box"), []
    bus.subscribe(EventKind.BAR, Component().on_bar)
    bus.subscribe(EventKind.BAR, after.append)
    event = made(EventKind.BAR, 1, 17)
    bus.publish(event)
    with pytest.raises(
        HandlerError, match=r"box: Component.on_bar failed on BAR of bar 17: ValueError: boom"
    ) as caught:
        bus.get_next_event()
    assert caught.value.event is event
    assert caught.value.container_id == "box"
    assert isinstance(caught.value.__cause__, ValueError)
    assert after == []
    assert bus.pending == 0  # it is not delivered twice


def test_the_queue_is_bounded() -> None:
    bus = EventBus("box", capacity=3)
    for mark in range(3):
        bus.publish(made(EventKind.BAR, mark))
    with pytest.raises(CapacityError, match=r"box.event_bus.publish: too many events wait; found 3; allowed: 3"):
        bus.publish(made(EventKind.BAR, 4))


def test_an_endless_answer_is_ended_by_its_capacity() -> None:
    bus = EventBus(capacity=100)

    def answer(event: SignalEvent) -> None:
        bus.publish(event)
        bus.publish(event)

    bus.subscribe(EventKind.SIGNAL, answer)
    bus.publish(made(EventKind.SIGNAL, 1))
    with pytest.raises(HandlerError, match="too many events wait"):
        drain(bus)


def drain(bus: EventBus) -> None:
    while bus.get_next_event():
        pass


def test_time_does_not_go_back() -> None:
    bus = EventBus()
    bus.publish(made(EventKind.BAR, 10))
    bus.get_next_event()
    with pytest.raises(ConfigError, match="in the past; found 9; allowed: 10 ns or later"):
        bus.publish(made(EventKind.BAR, 9))


def test_the_broker_never_sees_a_signal() -> None:
    bus, broker = EventBus(), SimulatedBroker()
    with pytest.raises(ConfigError, match="SimulatedBroker refuses SIGNAL events"):
        bus.subscribe(EventKind.SIGNAL, broker.on_order)
    with pytest.raises(ConfigError, match="not for a broker; found 'SIGNAL'; allowed: ORDER"):
        broker.on_order(made(EventKind.SIGNAL, 1))


def subscribed_twice(bus: EventBus) -> None:
    bus.subscribe(EventKind.BAR, print)
    bus.subscribe(EventKind.BAR, print)


def used_after_close(bus: EventBus) -> None:
    bus.close()
    bus.publish(made(EventKind.BAR, 1))


WRONG: dict[str, tuple[Callable[[EventBus], None], str]] = {
    "unknown kind": (lambda bus: bus.subscribe(99, print), "kind: no such kind; found 99; allowed: FILL"),  # type: ignore[arg-type]
    "twice": (subscribed_twice, "subscribe: subscribed already"),
    "never subscribed": (lambda bus: bus.unsubscribe(EventKind.BAR, print), "unsubscribe: no such subscription"),
    "closed": (used_after_close, "used after teardown"),
}


@pytest.mark.parametrize(("act", "message"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_an_error(act: Callable[[EventBus], None], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"box\.event_bus.*{message}"):
        act(EventBus("box"))


class Model(RuleBasedStateMachine):
    """The bus against a sorted list."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = EventBus(capacity=20)
        self.waiting: list[tuple[int, int, int, Any]] = []
        self.sequence = self.taken = self.now = 0
        self.heard: dict[EventKind, list[Any]] = {}
        self.expected: dict[EventKind, list[Any]] = {}

    @rule(kind=st.sampled_from(list(KINDS)), later=st.integers(0, 3))
    def publish(self, kind: EventKind, later: int) -> None:
        event = made(kind, self.now + later, self.sequence)
        if len(self.waiting) == 20:
            with pytest.raises(CapacityError):
                self.bus.publish(event)
            return
        self.bus.publish(event)
        self.waiting.append((event.time_ns, int(kind), self.sequence, event))
        self.sequence += 1

    @rule()
    def take(self) -> None:
        event = self.bus.get_next_event()
        if not self.waiting:
            assert event is None
            return
        first = min(self.waiting, key=lambda row: row[:3])
        self.waiting.remove(first)
        assert event is first[3]
        self.now, self.taken = first[0], self.taken + 1
        if event.kind in self.expected:
            self.expected[event.kind].append(event)

    @rule(kind=st.sampled_from(list(KINDS)))
    def subscribe(self, kind: EventKind) -> None:
        if kind not in self.heard:
            self.heard[kind], self.expected[kind] = [], []
            self.bus.subscribe(kind, self.heard[kind].append)

    @precondition(lambda self: self.heard)
    @rule()
    def unsubscribe(self) -> None:
        kind = next(iter(self.heard))
        assert self.heard[kind] == self.expected[kind]
        self.bus.unsubscribe(kind, self.heard.pop(kind).append)
        del self.expected[kind]

    @rule()
    def reset(self) -> None:
        self.bus.reset()
        self.waiting.clear()
        self.now = self.taken = 0

    @invariant()
    def counts_agree(self) -> None:
        assert self.bus.pending == len(self.waiting)
        assert self.bus.events_processed == self.taken
        assert self.bus.subscriptions == len(self.heard)
        assert self.heard == self.expected


TestModel = Model.TestCase
