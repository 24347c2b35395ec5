"""Shared services: read-only for every container, and the digests that tell whether that held."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

LEAVES = (bool, int, float, complex, str, bytes, np.generic, np.ndarray, frozenset, type(None))
SMALL_ITEMS = 256  # a mapping or sequence up to this size, all levels together, is compared at teardown


@dataclass(frozen=True, eq=False)
class SharedService:
    """A value that no container can write to, with the digest of what it was when it was registered.

    Arrays become read-only views, mappings proxies, lists tuples, sets frozen sets. Any other object is handed over as
    it is; `whole_digest` tells whether it changed.
    """

    value: Any
    small_digest: str | None  # None: nothing in it can change, or it is too large to be compared at every teardown

    @classmethod
    def of(cls, value: Any) -> "SharedService":
        """The service for a value; one that is a service already stays the same."""
        if isinstance(value, SharedService):
            return value
        frozen = freeze(value)
        compared = isinstance(frozen, Mapping | tuple) and holds_objects(frozen)
        return cls(frozen, small_digest(frozen) if compared else None)

    def is_changed(self) -> bool:
        """Whether a small value is not what it was; False for one that is not compared."""
        return self.small_digest is not None and small_digest(self.value) != self.small_digest


def freeze(value: Any) -> Any:
    """The value with every array, mapping and sequence in it made read-only."""
    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if type(value) in (list, tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, set):
        return frozenset(value)
    return value


def holds_objects(frozen: Any) -> bool:
    """Whether something in a frozen value can still be written to: an object of a class of its own."""
    if isinstance(frozen, Mapping):
        return any(holds_objects(item) for item in frozen.values())
    if type(frozen) is tuple:
        return any(holds_objects(item) for item in frozen)
    return not isinstance(frozen, LEAVES)


class _TooLargeError(Exception):
    """More items than are compared at teardown."""


def small_digest(value: Any) -> str | None:
    """Digest of a value without its arrays; None where it has too many items."""
    digest = hashlib.sha256()
    try:
        _absorb(digest, value, [SMALL_ITEMS], arrays=False, depth=0)
    except _TooLargeError:
        return None
    return digest.hexdigest()


def whole_digest(value: Any) -> str:
    """Digest of everything, every byte of every array included."""
    digest = hashlib.sha256()
    _absorb(digest, value, None, arrays=True, depth=0)
    return digest.hexdigest()


DEPTH_MAX = 12


def _absorb(digest: Any, value: Any, left: list[int] | None, *, arrays: bool, depth: int) -> None:
    if left is not None:
        left[0] -= 1
        if left[0] < 0:
            raise _TooLargeError
    digest.update(type(value).__qualname__.encode())
    if depth > DEPTH_MAX:
        return
    inner = {"arrays": arrays, "depth": depth + 1}
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        if arrays:
            digest.update(np.ascontiguousarray(value).view(np.uint8).data)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            digest.update(repr(key).encode())
            _absorb(digest, item, left, **inner)  # type: ignore[arg-type]
    elif isinstance(value, list | tuple):
        for item in value:
            _absorb(digest, item, left, **inner)  # type: ignore[arg-type]
    elif isinstance(value, set | frozenset):
        digest.update(repr(sorted(map(repr, value))).encode())
    elif isinstance(value, bool | int | float | complex | str | bytes | np.generic) or value is None:
        digest.update(repr(value).encode())
    else:
        for name, item in sorted(_own_fields(value).items()):
            digest.update(name.encode())
            _absorb(digest, item, left, **inner)  # type: ignore[arg-type]


def _own_fields(value: Any) -> dict[str, Any]:
    """Public fields of an object; what it remembers of itself (properties computed once) is left out."""
    fields: dict[str, Any] = getattr(value, "__dict__", {})
    kind = type(value)
    return {
        name: item
        for name, item in fields.items()
        if not name.startswith("_") and not hasattr(getattr(kind, name, None), "func") and not callable(item)
    }
