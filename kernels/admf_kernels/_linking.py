"""Optimise once: laws stay as they are lowered until the kernel that calls them is put together.

Numba links all callees into each function's module, optimises it and emits machine code for it, so a law deep in the
call tree goes through LLVM once for each of its callers' callers: half of the compile time of the engine's kernel. Here
only functions with a library of their own (templates, kernels, hooks) are optimised and emitted.

Private numba names: JITCodeLibrary (`_linking_libraries`, `_finalized`), JITCPUCodegen (`create_library`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target


class _NoEnvironment:
    """Code that is not emitted has no place for its environment."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None:
        """Nothing to set."""


class _Deferred(JITCodeLibrary):  # type: ignore[misc]  # numba's classes have no types
    """One function as lowered, with the libraries it will need."""

    @property
    def codegen(self) -> Any:
        return _NoEnvironment(self._codegen)

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return 0

    def needed(self, found: dict["JITCodeLibrary", None]) -> None:
        """Adds all libraries below this one."""
        for library in self._linking_libraries:
            if library not in found:
                found[library] = None
                if isinstance(library, _Deferred):
                    library.needed(found)


class _Whole(JITCodeLibrary):  # type: ignore[misc]
    """A function with all it calls, optimised and emitted."""

    def finalize(self) -> None:
        found: dict[JITCodeLibrary, None] = {}
        for library in self._linking_libraries:
            found[library] = None
            if isinstance(library, _Deferred):
                library.needed(found)
        self._linking_libraries = list(found)
        super().finalize()


whole_names: set[str] = set()  # qualified names of functions that get machine code of their own


@contextmanager
def optimised_once() -> Iterator[None]:
    """While it lasts only functions in `whole_names` are optimised and emitted."""
    codegen = cpu_target.target_context.codegen()
    with global_compiler_lock:
        codegen.create_library = lambda name: (_Whole if name in whole_names else _Deferred)(codegen, name)
        try:
            yield
        finally:
            del codegen.create_library
