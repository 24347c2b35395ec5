"""Optimise once: laws stay as they are lowered until the kernel that calls them is put together.

Numba links all callees into each function's module, optimises it and emits machine code for it, so a law deep in the
call tree goes through LLVM once for each of its callers' callers: half of the compile time of the engine's kernel. Here
only functions with a library of their own (templates, kernels, hooks) are optimised and emitted.

Kernels that other kernels call are not linked at all: they are found by their symbols, so a new strategy compiles its own
loop and nothing else. A stored kernel says which symbols it needs, and is compiled again where they have changed.

Private numba names: JITCodeLibrary (`_linking_libraries`, `_finalized`, `_final_module`), JITCPUCodegen
(`create_library`), Dispatcher (`overloads`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite.binding import parse_assembly
from numba.core.codegen import JITCodeLibrary, RuntimeLinker
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target

_UNRESOLVED = RuntimeLinker.PREFIX  # of a variable that stands for a function which calls itself through others


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


class _Deferred(JITCodeLibrary):  # type: ignore[misc]  # numba's classes have no types
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
        """Links what this function calls except kernels, optimises and emits."""
        self._own = {function.name for function in self._final_module.functions if not function.is_declaration}
        found: dict[JITCodeLibrary, None] = {}
        for library in self._linking_libraries:
            found[library] = None
            if isinstance(library, _Deferred):
                library.needed(found)
        self._linking_libraries = [library for library in found if library.name not in kernels]
        super().finalize()
        for library in found:
            for name, environment in getattr(library, "environments", {}).items():
                if self._codegen._engine.is_symbol_defined(name):
                    self._codegen.set_env(name, environment)

    def _optimize_final_module(self) -> None:
        """Laws become internal: LLVM inlines what has one caller and drops what has none left."""
        self._resolve_recursion()
        for function in self._final_module.functions:
            if not function.is_declaration and function.name not in self._own:
                function.linkage = "internal"
        super()._optimize_final_module()

    def _resolve_recursion(self) -> None:
        """Numba resolves mutual recursion when code is emitted, which a stored kernel never is again."""
        defined = {function.name for function in self._final_module.functions if not function.is_declaration}
        waiting = [variable.name for variable in self._final_module.global_variables if variable.is_declaration]
        for variable in waiting:
            target = variable.removeprefix(_UNRESOLVED)
            if variable.startswith(_UNRESOLVED) and target in defined:
                pointer = f'@"{variable}" = linkonce_odr constant ptr @"{target}"\ndeclare void @"{target}"()'
                self._final_module.link_in(parse_assembly(pointer))


Need = tuple[str, Any, str]  # qualified name of a kernel, its argument types, its symbol

kernels: "dict[str, Dispatcher[Any]]" = {}  # called by other kernels, by qualified name
whole_names: set[str] = set()  # qualified names of functions that get machine code of their own


@contextmanager
def optimised_once() -> Iterator[None]:
    """While it lasts only functions in `whole_names` are optimised and emitted.

    What numba compiles later for others may call code that was left as lowered here, so it is made whole from then on.
    """
    codegen = cpu_target.target_context.codegen()
    with global_compiler_lock:
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
