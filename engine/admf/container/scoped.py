"""`ScopedContainer`: one isolated scope, from its creation to its teardown."""

import logging
from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import Any, NamedTuple, Self

from admf.container.metrics import ContainerMetrics
from admf.container.order import circle_of, in_order
from admf.container.registry import ComponentRegistry, check_parameters
from admf.container.shared import SharedService
from admf.errors import AdmfError, ConfigError, RunError
from admf.events import EventBus
from admf.models import unknown_name

LOGGER = logging.getLogger("admf.container")
EVENT_BUS = "event_bus"
SPEC_KEYS = frozenset(("name", "class", "params"))


class ContainerState(Enum):
    """Where a container is in its life."""

    CREATED = "created"
    INITIALIZED = "initialized"
    RUNNING = "running"
    STOPPED = "stopped"
    TORN_DOWN = "torn down"


class TeardownError(RunError):
    """Components that failed while their container was torn down; `errors` holds them all, in order."""

    def __init__(self, container_id: str, errors: list[tuple[str, BaseException]]) -> None:
        self.errors = tuple(errors)
        lines = [f"  {name}: {type(error).__name__}: {error}" for name, error in errors]
        super().__init__("\n".join([f"container {container_id}: teardown failed in {len(errors)} places", *lines]))


class ContainerLogger(logging.LoggerAdapter[logging.Logger]):
    """The logger of a container: every line carries its id."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Puts the id in front, and into the record as `container_id`."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return f"[{(self.extra or {})['container_id']}] {msg}", kwargs


class Snapshot(NamedTuple):
    """The state of a container between two events, by component; `Snapshot`s are never changed."""

    container_id: str
    states: Mapping[str, Any]


class ScopedContainer:
    """Components that live together and share nothing with others but read-only services.

    create → `register_shared_service`, `create_component` → `initialize_scope` → `start` → `stop` → `reset` or
    `teardown_scope`; as a context manager it is always torn down. A component is an object of any class. It may have
    `requires` (names of what it needs from the container) and any of these methods, which are called in the order in
    which the components depend on each other, `stop` and `teardown` in the reverse order: `initialize(container)`,
    `start()`, `stop()`, `reset()`, `teardown()`, `snapshot()` and `restore(state)`.
    """

    def __init__(self, container_id: str, *, registry: ComponentRegistry | None = None, number: int = 0) -> None:
        """`number` tells containers apart in random draws (slippage model `random`); 0 for one that runs alone."""
        if not container_id:
            raise ConfigError("not a name", field="container_id", found=container_id, allowed="text")
        self.container_id = container_id
        self.number = number
        self.pooled = False  # whether it will be used again: results then take their memory along
        self.state = ContainerState.CREATED
        self.event_bus = EventBus(container_id)
        self.logger = ContainerLogger(LOGGER, {"container_id": container_id})
        self.metrics = ContainerMetrics(container_id)
        self._registry = registry or ComponentRegistry()
        self._services: dict[str, SharedService] = {}
        self._components: dict[str, Any] = {}
        self._specs: list[Mapping[str, Any]] = []
        self._order: tuple[str, ...] = ()
        self._resets: tuple[tuple[str, Any], ...] = ()  # of the components that have one, in order

    # ----------------------------------------------------------------------------------------------- what is in it

    def register_shared_service(self, name: str, service: Any) -> None:
        """Lends a read-only value to every component; arrays, mappings and lists in it cannot be written to."""
        if self.state is not ContainerState.CREATED:
            self._require(ContainerState.CREATED, "register_shared_service")
        if self.has(name):
            self._refuse_taken("register_shared_service", name)
        self._services[name] = SharedService.of(service)

    def create_component(self, spec: Mapping[str, Any]) -> Any:
        """Makes a component of `{name, class, params}` and returns it.

        `class` is a registered name, `module:Class` or a class. ConfigError for an unknown class or key, a name given
        twice, and parameters that are missing or unknown.
        """
        if self.state is not ContainerState.CREATED:
            self._require(ContainerState.CREATED, "create_component")
        name, component, params = self._read_spec(spec)
        if self.has(name):
            self._refuse_taken("create_component", name)
        field = f"{self.container_id}.{name}"
        kind = component if type(component) is type else self._registry.find(component, f"{field}.class")
        check_parameters(kind, params, field)
        try:
            made = kind(**params)
        except AdmfError as error:
            raise self._in_component(error, name) from error
        except Exception as error:
            raise RunError(f"{kind.__name__} failed: {type(error).__name__}: {error}", field=field) from error
        self._components[name] = made
        self._specs.append({"name": name, "class": kind, "params": params})
        return made

    def resolve(self, name: str) -> Any:
        """A component, a shared service (its read-only value) or the `event_bus`; ConfigError for an unknown name."""
        if self.state is ContainerState.TORN_DOWN:
            self._require_alive("resolve")
        if name in self._components:
            return self._components[name]
        if name in self._services:
            return self._services[name].value
        if name == EVENT_BUS:
            return self.event_bus
        raise unknown_name(name, self.names, field=f"{self.container_id}.resolve", what="component or service")

    def has(self, name: str) -> bool:
        """Whether `resolve` knows the name."""
        return name in self._components or name in self._services or name == EVENT_BUS

    @property
    def names(self) -> tuple[str, ...]:
        """Everything `resolve` knows."""
        return (*self._components, *self._services, EVENT_BUS)

    @property
    def components(self) -> Mapping[str, Any]:
        """Components by name, in order of their creation."""
        return dict(self._components)

    @property
    def services(self) -> Mapping[str, SharedService]:
        """Shared services by name."""
        return dict(self._services)

    # --------------------------------------------------------------------------------------------------- life cycle

    def initialize_scope(self) -> None:
        """Initialises the components, each after what it requires; ConfigError for a dependency that is not there."""
        if self.state is not ContainerState.CREATED:
            self._require(ContainerState.CREATED, "initialize_scope")
        self._order = self._sorted()
        resets = []
        for name in self._order:
            component = self._components[name]
            initialize, reset = getattr(component, "initialize", None), getattr(component, "reset", None)
            if initialize is not None:
                self._call(name, "initialize", initialize, self)
            if reset is not None:
                resets.append((name, reset))
        self._resets = tuple(resets)
        self.state = ContainerState.INITIALIZED

    def start(self) -> None:
        """Starts the components and the clock of the metrics."""
        self._require(ContainerState.INITIALIZED, "start")
        self.state = ContainerState.RUNNING
        self.metrics.begin()
        for name in self._order:
            self._call_method(name, "start")

    def stop(self) -> None:
        """Stops the components in reverse order; a container that does not run stays as it is."""
        self._require_alive("stop")
        if self.state is not ContainerState.RUNNING:
            return
        self.state = ContainerState.STOPPED
        errors = self._call_all("stop")
        self.metrics.finish()
        self._raise(errors)

    def reset(self) -> None:
        """Back to where `initialize_scope` left it, with the same components and services."""
        self._require_alive("reset")
        if self.state is ContainerState.CREATED:
            return
        if self.state is ContainerState.RUNNING:
            self.stop()
        self.event_bus.reset()
        self.metrics = ContainerMetrics(self.container_id)
        for name, reset in self._resets:
            self._call(name, "reset", reset)
        self.state = ContainerState.INITIALIZED

    def teardown_scope(self) -> None:
        """Stops and tears down every component in reverse order, whatever fails, and lets go of everything.

        TeardownError lists what failed. A second call does nothing. An interrupt (Ctrl-C) in a component is raised
        after all others are torn down.
        """
        if self.state is ContainerState.TORN_DOWN:
            return
        errors = self._call_all("stop") if self.state is ContainerState.RUNNING else []
        self.metrics.finish()
        self.state = ContainerState.TORN_DOWN
        errors += self._call_all("teardown")
        for name, service in self._services.items():
            if service.is_changed():
                field = f"{self.container_id}.{name}"
                errors.append((name, RunError("was written to", field=field, remedy="services are read-only")))
        self.event_bus.close()
        self._components.clear()
        self._services.clear()
        self._order = self._resets = ()
        self._raise(errors)

    def abandon(self, error: BaseException) -> None:
        """Tears down after an error, which takes what fails now as a note: what went wrong first is what is raised."""
        try:
            self.teardown_scope()
        except TeardownError as failed:
            error.add_note(str(failed))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.teardown_scope()
        else:
            self.abandon(error)

    # ---------------------------------------------------------------------------------------------------- snapshots

    def snapshot(self) -> Snapshot:
        """The state of every component, between two events; ConfigError for a component that cannot tell its own.

        A component takes part by `snapshot()` and `restore(state)`; one that keeps no state says so with
        `stateless = True`.
        """
        self._require_alive("snapshot")
        if self.event_bus.pending:
            found = f"{self.event_bus.pending} events wait"
            raise ConfigError("not between two events", field=f"{self.container_id}.snapshot", found=found)
        states = {}
        for name, component in self._components.items():
            if hasattr(component, "snapshot"):
                states[name] = component.snapshot()
            elif not getattr(component, "stateless", False):
                raise ConfigError(
                    f"{type(component).__name__} has no snapshot()",
                    field=f"{self.container_id}.{name}",
                    remedy="define snapshot() and restore(state), or stateless = True",
                )
        return Snapshot(self.container_id, states)

    def restore(self, snapshot: Snapshot) -> None:
        """Every component as it was; ConfigError for a snapshot of other components."""
        self._require_alive("restore")
        wanted = {name for name, component in self._components.items() if hasattr(component, "snapshot")}
        if wanted != set(snapshot.states):
            found, allowed = ", ".join(sorted(snapshot.states)), ", ".join(sorted(wanted))
            raise ConfigError("other components", field=f"{self.container_id}.restore", found=found, allowed=allowed)
        self.event_bus.reset()
        for name in self._order:
            if name in snapshot.states:
                self._call(name, "restore", self._components[name].restore, snapshot.states[name])

    def fork(self, container_id: str) -> "ScopedContainer":
        """Another container of the same components that goes on from where this one is; this one is not touched."""
        saved = self.snapshot()
        made = ScopedContainer(container_id, registry=self._registry, number=self.number)
        try:
            for name, service in self._services.items():
                made.register_shared_service(name, service)
            for spec in self._specs:
                made.create_component(spec)
            made.initialize_scope()
            made.start()
            made.restore(saved)
        except BaseException as error:
            made.abandon(error)
            raise
        return made

    # ------------------------------------------------------------------------------------------------------- inside

    def _read_spec(self, spec: Mapping[str, Any]) -> tuple[str, Any, Mapping[str, Any]]:
        field = f"{self.container_id}.create_component"
        if not spec.keys() <= SPEC_KEYS:
            key = next(key for key in spec if key not in SPEC_KEYS)
            raise unknown_name(key, ("name", "class", "params"), field=field, what="key")
        name, component, params = spec.get("name"), spec.get("class"), spec.get("params") or {}
        if not isinstance(name, str) or not name:
            raise ConfigError("not a name", field=f"{field}.name", found=name, allowed="text")
        if component is None:
            raise ConfigError("missing", field=f"{self.container_id}.{name}.class", remedy="name a class")
        if type(params) is not dict and not isinstance(params, Mapping):
            raise ConfigError("not a mapping", field=f"{self.container_id}.{name}.params", found=params)
        return name, component, params

    def _refuse_taken(self, action: str, name: str) -> None:
        field, remedy = f"{self.container_id}.{action}", f"taken: {', '.join(self.names)}"
        raise ConfigError("the name is taken", field=field, found=name, remedy=remedy)

    def _require(self, state: ContainerState, action: str) -> None:
        self._require_alive(action)
        if self.state is not state:
            message = "not at this point of its life"
            field = f"{self.container_id}.{action}"
            raise ConfigError(message, field=field, found=self.state.value, allowed=state.value)

    def _require_alive(self, action: str) -> None:
        if self.state is ContainerState.TORN_DOWN:
            field = f"{self.container_id}.{action}"
            raise ConfigError("used after teardown", field=field, remedy="make a new container")

    def _sorted(self) -> tuple[str, ...]:
        """Components so that each comes after those it requires, else in order of creation."""
        requires = tuple([(name, tuple(getattr(part, "requires", ()))) for name, part in self._components.items()])
        for name, needed in requires:
            for other in needed:
                if not self.has(other):
                    field = f"{self.container_id}.{name}.requires"
                    raise unknown_name(other, self.names, field=field, what="component or service")
        done, waiting = in_order(requires)
        if waiting:
            circle = " → ".join(circle_of(dict(requires), waiting))
            raise ConfigError("components require each other", field=self.container_id, found=circle)
        return done

    def _call_method(self, name: str, method: str) -> None:
        function = getattr(self._components[name], method, None)
        if function is not None:
            self._call(name, method, function)

    def _call(self, name: str, method: str, function: Any, *arguments: Any) -> None:
        try:
            function(*arguments)
        except AdmfError as error:
            raise self._in_component(error, name) from error
        except Exception as error:
            field = f"{self.container_id}.{name}.{method}"
            raise RunError(f"raised {type(error).__name__}: {error}", field=field) from error

    def _in_component(self, error: AdmfError, name: str) -> AdmfError:
        """The same error; where it names no container yet, with container and component in front of its field."""
        prefix = f"{self.container_id}.{name}"
        if error.field.startswith(self.container_id):
            return error
        field = f"{prefix}.{error.field}" if error.field else prefix
        made = AdmfError.__new__(type(error))
        made.__dict__.update(error.__dict__)
        made.args = error.args
        made.field = field
        return made

    def _call_all(self, method: str) -> list[tuple[str, BaseException]]:
        errors: list[tuple[str, BaseException]] = []
        for name in reversed(self._order or tuple(self._components)):
            function = getattr(self._components[name], method, None)
            if function is None:
                continue
            try:
                function()
            except BaseException as error:  # an interrupt too: it is raised when all others are done
                errors.append((f"{name}.{method}", error))
        return errors

    def _raise(self, errors: list[tuple[str, BaseException]]) -> None:
        for _, error in errors:
            if not isinstance(error, Exception):
                raise error
        if errors:
            raise TeardownError(self.container_id, errors)

    def __repr__(self) -> str:
        return f"ScopedContainer({self.container_id!r}, {self.state.value}: {', '.join(self._components)})"
