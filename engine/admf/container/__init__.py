"""Scoped containers: isolated scopes with a life cycle, made by factories and kept in pools."""

from admf.container.factory import ContainerFactory
from admf.container.metrics import ContainerMetrics
from admf.container.pool import ContainerPool
from admf.container.registry import ComponentRegistry
from admf.container.scoped import ContainerState, ScopedContainer, Snapshot, TeardownError
from admf.container.shared import SharedService, whole_digest

__all__ = [
    "ComponentRegistry",
    "ContainerFactory",
    "ContainerMetrics",
    "ContainerPool",
    "ContainerState",
    "ScopedContainer",
    "SharedService",
    "Snapshot",
    "TeardownError",
    "whole_digest",
]
