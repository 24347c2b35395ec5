"""`EventBus`: the queue of one container, ordered by (time, priority, sequence), and who is told of what."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from admf.errors import CapacityError, ConfigError, RunError
from admf.events.kinds import Event, EventKind

Handler = Callable[[Any], None]
CAPACITY = 65_536
NEVER_NS = -(2**63)
KINDS = tuple(map(int, EventKind))


class HandlerError(RunError):
    """A component failed while it handled an event; the cause is its own error. Carries container and event."""

    def __init__(self, message: str, container_id: str, event: Event) -> None:
        super().__init__(message)
        self.container_id = container_id
        self.event = event


class EventBus:
    """Events of one container in the order (time_ns, priority of the kind, sequence); handlers as they subscribed.

    `publish` queues, `get_next_event` takes the first event, gives it to its subscribers and returns it. Nothing is
    shared between buses: queue, counter and subscriptions are the container's own.
    """

    def __init__(self, container_id: str = "", capacity: int = CAPACITY) -> None:
        """`capacity`: events that may wait at one time."""
        if capacity < 1:
            raise ConfigError("too small", field="event_bus.capacity", found=capacity, allowed="1 or more")
        self.container_id = container_id
        self.capacity = capacity
        self.events_processed = 0
        self.now_ns = NEVER_NS  # time of the last event taken
        self.log: list[Event] | None = None  # every event in the order of its delivery, where one is wanted
        self.closed = False
        self._sequence = 0
        self._queue: list[tuple[int, int, int, Event]] = []
        self._handlers: dict[int, tuple[Handler, ...]] = dict.fromkeys(KINDS, ())

    def subscribe(self, kind: EventKind, handler: Handler) -> None:
        """`handler` is called with every event of the kind; ConfigError where its component refuses the kind."""
        if type(kind) is not EventKind:
            kind = self._read(kind)
        if self.closed:
            self._require_open()
        owner = getattr(handler, "__self__", None)
        if kind in getattr(owner, "refused_events", ()):
            raise ConfigError(
                f"{type(owner).__name__} refuses {kind.name} events",
                field=self._field("subscribe"),
                remedy="the risk manager takes SIGNAL events and publishes ORDER events",
            )
        if handler in self._handlers[kind]:
            raise ConfigError("subscribed already", field=self._field("subscribe"), found=shown(handler))
        self._handlers[kind] += (handler,)

    def unsubscribe(self, kind: EventKind, handler: Handler) -> None:
        """Ends a subscription; ConfigError where there is none."""
        kind = self._read(kind)
        if handler not in self._handlers[kind]:
            raise ConfigError("no such subscription", field=self._field("unsubscribe"), found=shown(handler))
        self._handlers[kind] = tuple(other for other in self._handlers[kind] if other != handler)

    def publish(self, event: Event) -> None:
        """Queues an event. CapacityError where too many wait, ConfigError for an event before the last one taken."""
        queue = self._queue
        if len(queue) >= self.capacity or event.time_ns < self.now_ns or self.closed:
            self._refuse(event)
        heappush(queue, (event.time_ns, event.kind, self._sequence, event))
        self._sequence += 1

    def get_next_event(self) -> Event | None:
        """The next event, after its subscribers have handled it; None where none waits.

        HandlerError where a subscriber fails; the subscribers after it are not called.
        """
        if not self._queue:
            return None
        self.now_ns, kind, _, event = heappop(self._queue)
        self.events_processed += 1
        if self.log is not None:
            self.log.append(event)
        for handler in self._handlers[kind]:
            try:
                handler(event)
            except Exception as error:
                raise self._failed(handler, event, error) from error
        return event

    @property
    def pending(self) -> int:
        """Events that wait."""
        return len(self._queue)

    @property
    def subscriptions(self) -> int:
        """Handlers over all kinds."""
        return sum(map(len, self._handlers.values()))

    def reset(self) -> None:
        """As new, with the subscriptions it has."""
        self._queue.clear()
        self._sequence = self.events_processed = 0
        self.now_ns = NEVER_NS
        self.log = None if self.log is None else []

    def close(self) -> None:
        """Drops everything; nothing can be published or subscribed any more."""
        self.closed = True
        self._queue.clear()
        self._handlers = dict.fromkeys(KINDS, ())

    def _read(self, kind: EventKind) -> EventKind:
        if type(kind) is EventKind:
            return kind
        try:
            return EventKind(kind)
        except ValueError:
            allowed = ", ".join(member.name for member in EventKind)
            raise ConfigError("no such kind", field=self._field("kind"), found=kind, allowed=allowed) from None

    def _require_open(self) -> None:
        if self.closed:
            raise ConfigError("used after teardown", field=self._field(""), remedy="make a new container")

    def _refuse(self, event: Event) -> None:
        self._require_open()
        if event.time_ns < self.now_ns:
            allowed = f"{self.now_ns} ns or later, the time of the last event taken"
            raise ConfigError("in the past", field=self._field("publish"), found=event.time_ns, allowed=allowed)
        raise CapacityError(
            "too many events wait",
            field=self._field("publish"),
            found=len(self._queue),
            allowed=f"{self.capacity:,}",
            remedy="a handler that answers each event with another one never comes to an end",
        )

    def _failed(self, handler: Handler, event: Event, error: Exception) -> HandlerError:
        place = f"{self.container_id}: " if self.container_id else ""
        message = f"{place}{shown(handler)} failed on {event.kind.name} of bar {event.bar}: "
        return HandlerError(f"{message}{type(error).__name__}: {error}", self.container_id, event)

    def _field(self, name: str) -> str:
        return ".".join(part for part in (self.container_id, "event_bus", name) if part)


def shown(handler: Handler) -> str:
    """A handler as people know it: Class.method."""
    owner = getattr(handler, "__self__", None)
    name: str = getattr(handler, "__name__", repr(handler))
    return f"{type(owner).__name__}.{name}" if owner is not None else name
