"""`ContainerPool`: containers made before they are needed and used again, each time as new."""

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from admf.container.factory import ContainerFactory
from admf.container.scoped import ContainerState, ScopedContainer
from admf.errors import CapacityError, ConfigError, RunError
from admf.models import Number


class ContainerPool:
    """`size` initialised containers of one recipe.

    `acquire` gives a free one, `release` resets it and takes it back; one that fails while it is reset is torn down and
    replaced. With `poison` the buffers of a container are filled with a pattern at each release, so that a run that
    read anything of an earlier one would show it, and the pattern is looked at in `acquire`: a container that was
    written to while it was free is replaced as well.
    """

    def __init__(
        self,
        factory: ContainerFactory,
        components: Iterable[Mapping[str, Any]],
        size: int,
        *,
        poison: bool = False,
        name: str = "pooled",
    ) -> None:
        """Makes the containers; all are torn down again where one cannot be made."""
        Number(minimum=1, whole=True).read(size, "container_pool_size")
        self.size = size
        self.poison = poison
        self.used_again = 0
        self.replaced = 0
        self._factory, self._components, self._name = factory, tuple(components), name
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._free: list[ScopedContainer] = []
        self._leased: dict[str, ScopedContainer] = {}
        self._closed = False
        try:
            for _ in range(size):
                self._free.append(self._make())
        except BaseException:
            self.close()
            raise

    def _make(self) -> ScopedContainer:
        made = self._factory.create(self._components, f"{self._name}_{next(self._numbers)}")
        made.pooled = True
        try:
            made.initialize_scope()
        except BaseException as error:
            made.abandon(error)
            raise
        return made

    def acquire(self) -> ScopedContainer:
        """A free container, initialised and as new; CapacityError where all are in use."""
        with self._lock:
            if self._closed:
                raise ConfigError("used after close", field=self._name, remedy="make a new pool")
            if not self._free:
                raise CapacityError(
                    "all containers are in use",
                    field=f"{self._name}.container_pool_size",
                    found=len(self._leased),
                    allowed=str(self.size),
                    remedy="release one, or make the pool larger",
                )
            container = self._free.pop()
            self._leased[container.container_id] = container
        if self.poison and (written := written_to(container)):
            container = self._replace(container, RunError(f"{written} was written to while the container was free"))
        return container

    def _replace(self, old: ScopedContainer, error: Exception) -> ScopedContainer:
        """Another container in the place of one that cannot be used again."""
        old.logger.error("not used again: %s", error)
        old.abandon(error)
        made = self._make()
        with self._lock:
            self.replaced += 1
            if self._leased.pop(old.container_id, None) is not None:
                self._leased[made.container_id] = made
        return made

    def release(self, container: ScopedContainer) -> None:
        """Takes a container back; ConfigError for one that was not acquired here."""
        with self._lock:
            if self._leased.pop(container.container_id, None) is not container:
                raise ConfigError("not from this pool", field=self._name, found=container.container_id)
        try:
            self._renew(container)
        except Exception as error:
            container = self._replace(container, error)
        with self._lock:
            if not self._closed:
                self._free.append(container)
                self.used_again += 1
                return
        container.teardown_scope()

    def _renew(self, container: ScopedContainer) -> None:
        if container.state is ContainerState.TORN_DOWN:
            raise RunError("torn down by its user", field=container.container_id)
        container.reset()
        if container.event_bus.pending:
            raise RunError("a component published while it was reset", field=container.container_id)
        if self.poison:
            for component in container.components.values():
                if hasattr(component, "poison"):
                    component.poison()

    @contextmanager
    def lease(self) -> Iterator[ScopedContainer]:
        """A container for the length of a block."""
        container = self.acquire()
        try:
            yield container
        finally:
            self.release(container)

    def close(self) -> None:
        """Tears down every free container; those in use are torn down when they are released."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for container in free:
            container.teardown_scope()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def written_to(container: ScopedContainer) -> str:
    """The buffers of its components that are not as their poison left them, as text; empty where all are."""
    parts = [(name, part) for name, part in container.components.items() if hasattr(part, "written_to")]
    return ", ".join(f"{name}.{buffer}" for name, part in parts for buffer in part.written_to())
