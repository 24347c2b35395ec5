"""Optimise once: laws stay as they are lowered until the kernel that calls them is put together.

Numba links all callees into each function's module, optimises it and emits machine code for it, so a law deep in the
call tree goes through LLVM once for each of its callers' callers: half of the compile time of the engine's kernel. Here
only functions with a library of their own (templates, kernels, hooks) are optimised and emitted.

Kernels that other kernels call are not linked at all: they are found by their symbols, so a new strategy compiles its
own loop and nothing else. A stored kernel says which symbols it needs, and is compiled again where they have changed.

Private numba names: JITCodeLibrary (`_linking_libraries`, `_finalized`, `_final_module`), JITCPUCodegen
(`create_library`), Dispatcher (`overloads`).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from numba.core.codegen import (
    JITCodeLibrary,
    RuntimeLinker,
    ll,
)
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

_UNRESOLVED = RuntimeLinker.PREFIX  # of a variable that stands for a function which calls itself through others
_lowered: "WeakValueDictionary[str, _Deferred]" = WeakValueDictionary()  # by symbol


class _LaterEnvironment:
    """Code that is not emitted has no place for its environment yet; it is set in the kernel that takes the code in."""

    def __init__(self, codegen: Any, environments: dict[str, Any]) -> None:
        self._codegen = codegen
        self._environments = environments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None:
        """Keeps it."""
        self._environments[name] = environment


class _Deferred(JITCodeLibrary):
    """One function as lowered, with the libraries it will need."""

    def __init__(self, codegen: Any, name: str) -> None:
        super().__init__(codegen, name)
        self.environments: dict[str, Any] = {}

    @property
    def codegen(self) -> Any:
        return _LaterEnvironment(self._codegen, self.environments)

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True
        for function in self.get_defined_functions():
            _lowered[function.name] = self

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0


def _needed(root: JITCodeLibrary) -> dict[JITCodeLibrary, set[str]]:
    """All libraries below `root`, with what they call by recursion, which numba does not link."""
    found: dict[JITCodeLibrary, set[str]] = {}
    pending = [root]
    while pending:
        library = pending.pop()
        variables = [variable.name for variable in library._final_module.global_variables]
        found[library] = {name.removeprefix(_UNRESOLVED) for name in variables if name.startswith(_UNRESOLVED)}
        below = [*library._linking_libraries, *(_lowered[name] for name in found[library] if name in _lowered)]
        new = [other for other in dict.fromkeys(below) if other not in found]
        found.update((other, set()) for other in new)
        pending += [other for other in new if isinstance(other, _Deferred)]
    return found


class _Whole(JITCodeLibrary):
    """A function with all it calls, optimised and emitted."""

    def finalize(self) -> None:
        """Links what this function calls except kernels, optimises and emits."""
        self._own = {function.name for function in self.get_defined_functions()}
        found = _needed(self)
        self._linking_libraries = [library for library in found if library is not self and library.name not in kernels]
        for name in set().union(*found.values()):
            if name in self._own or name in _lowered:
                self._resolve(name)
        super().finalize()
        for library in found:
            for name, environment in getattr(library, "environments", {}).items():
                if self._codegen._engine.is_symbol_defined(name):
                    self._codegen.set_env(name, environment)

    def _resolve(self, name: str) -> None:
        """Numba resolves recursion through others when it emits code, which a stored kernel never is again."""
        pointer = f'@"{_UNRESOLVED}{name}" = weak_odr constant ptr @"{name}"\ndeclare void @"{name}"()'
        self._final_module.link_in(ll.parse_assembly(pointer))

    def _optimize_final_module(self) -> None:
        """Laws become internal: LLVM inlines what has one caller and drops what has none left."""
        for function in self.get_defined_functions():
            if function.name not in self._own:
                function.linkage = "internal"
        super()._optimize_final_module()


Need = tuple[str, Any, str]  # qualified name of a kernel, its argument types, its symbol

kernels: "dict[str, Dispatcher[Any]]" = {}  # called by other kernels, by qualified name
whole_names: set[str] = set()  # qualified names of functions that get machine code of their own


@contextmanager
def _uncollected() -> Iterator[None]:
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def optimised_once() -> Iterator[None]:
    """While it lasts only functions in `whole_names` are optimised and emitted.

    What numba compiles later for others may call code that was left as lowered here, so it is made whole from then on.
    Nothing is garbage-collected meanwhile: looking through numba's many small objects is a fifth of the time.
    """
    codegen = cpu_target.target_context.codegen()
    with global_compiler_lock, _uncollected():
        rtsys.initialize(cpu_target.target_context)  # numba's run-time functions are called from C
        codegen.create_library = lambda name: (_Whole if name in whole_names else _Deferred)(codegen, name)
        try:
            yield
        finally:
            codegen.create_library = lambda name: _Whole(codegen, name)


def needs(library: Any) -> list[Need]:
    """The kernels whose symbols `library` uses without containing them."""
    declared = {function.name for function in library._final_module.functions if function.is_declaration}
    return [
        (name, result.signature.args, result.fndesc.llvm_func_name)
        for name, kernel in kernels.items()
        for result in kernel.overloads.values()
        if result.fndesc.llvm_func_name in declared
    ]


def are_met(needed: list[Need]) -> bool:
    """Loads or compiles needed kernels; False if one is not what it was."""
    for name, arguments, symbol in needed:
        if name not in kernels:
            return False
        kernels[name].compile(arguments)
        if kernels[name].overloads[arguments].fndesc.llvm_func_name != symbol:
            return False
    return True
