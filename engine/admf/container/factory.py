"""`ContainerFactory`: containers with the same services and, where wanted, the same components."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from admf.container.registry import ComponentRegistry
from admf.container.scoped import ScopedContainer
from admf.container.shared import SharedService


class ContainerFactory:
    """Makes containers that share read-only services, which are frozen once."""

    def __init__(self, shared_services: Mapping[str, Any] | None = None, registry: ComponentRegistry | None = None):
        self.services = {name: SharedService.of(value) for name, value in (shared_services or {}).items()}
        self.registry = registry or ComponentRegistry()
        self._numbers = itertools.count()

    def create(
        self, components: Iterable[Mapping[str, Any]] = (), container_id: str | None = None, *, number: int = 0
    ) -> ScopedContainer:
        """A container with the services and these components, not initialised; torn down where one of them fails."""
        made = ScopedContainer(
            f"container_{next(self._numbers)}" if container_id is None else container_id,
            registry=self.registry,
            number=number,
        )
        try:
            for name, service in self.services.items():
                made.register_shared_service(name, service)
            for spec in components:
                made.create_component(spec)
        except BaseException as error:
            made.abandon(error)
            raise
        return made
