"""From a bound template to dispatchers: one each for kernels and hooks, cached on disk, and for whatever is not a law.

The user's helpers are compiled from copies too, never registered with numba as they are: numba keeps the globals of the
first compile, so after a change of a global in a notebook it would run, and store, the old value.

Private numba names: FunctionIdentity (`_unique_ids`), Dispatcher (`_cache`, `compile`, `targetoptions`), CompileResult
(`library`, `signature`).
"""

import itertools
import os
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from numba.core import types
from numba.core.bytecode import FunctionIdentity
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher

from admf_kernels._cache import DiskCache
from admf_kernels._compile_error import error_in, plain_types
from admf_kernels._fingerprint import KERNEL_TAKES, NoContentError, fingerprint, overloads
from admf_kernels._linking import kernels, optimised_once, whole_names
from admf_kernels._parts import Part, compile_parts
from admf_kernels._pipeline import LawCompiler
from admf_kernels._rebind import exchange, graph, plain, reaching, shell

# Numba hands forceinline and error_model down to callees that do not say: the order of compiling would decide.
OPTIONS = {
    "nopython": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": False,
    "forceinline": False,
    "no_cfunc_wrapper": True,
}
# The wrapper that Python calls costs 0.23 s of compiling for a market and a state of 23 arrays: templates only.
CALLEE_OPTIONS = OPTIONS | {"no_cpython_wrapper": True}
LAW_OPTIONS = {
    "error_model": "numpy",
    "forceinline": False,
    "no_cfunc_wrapper": True,
    "no_cpython_wrapper": True,
    "pipeline_class": LawCompiler,
}
HOOK_OPTIONS = CALLEE_OPTIONS | {"forceinline": True}
TEMPLATE_OPTIONS = "__admf_options__"  # set on a template that wants others than OPTIONS

_ALLOCATION = re.compile(
    r"call [^\n]*@NRT_MemInfo_\w*(?:alloc|new)"
)  # NRT_Allocate: only for the values of an exception
_RETURNS: dict[object, tuple[type[types.Type], ...]] = {
    None: (types.NoneType,),
    float: (types.Float, types.Integer),
    int: (types.Integer,),
    bool: (types.Boolean,),
}
_ANNOTATIONS = {"None": None, "float": float, "int": int, "bool": bool}


def _seed_symbols() -> None:
    """Numba's symbols carry a small counter, so two cached objects can define one symbol with two bodies (#10486)."""
    FunctionIdentity._unique_ids = itertools.count(int.from_bytes(os.urandom(8), "little") >> 4)


_seed_symbols()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_seed_symbols)


@dataclass(eq=False)
class Hook:
    """A user's function in its slots, and what its compiled code turned out to do."""

    function: FunctionType
    slots: dict[str, object] = field(default_factory=dict)  # name → annotation of what it returns; ... without
    allocates: bool = False
    wrong_return: str = ""

    def accepts(self, result: Any) -> bool:
        """Looks at a fresh compile; False keeps it from the disk, so that every process finds the fault again."""
        self.allocates |= bool(_ALLOCATION.search(result.library.get_llvm_str()))
        returned = result.signature.return_type
        for annotation in self.slots.values():
            expected = _ANNOTATIONS.get(annotation, ...) if isinstance(annotation, str) else annotation
            if expected in _RETURNS and not isinstance(returned, _RETURNS[expected]):
                allowed = getattr(expected, "__name__", "nothing")
                self.wrong_return = f"returns {plain_types(str(returned))}, must return {allowed}"
        return self.is_clean()

    def is_clean(self) -> bool:
        """Whether nothing was found so far."""
        return not self.allocates and not self.wrong_return


@dataclass
class Unit:
    """A template with its hooks: for messages, and to keep a kernel with a faulty hook from the disk."""

    hooks: list[Hook] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    users: dict[str, FunctionType] = field(default_factory=dict)  # by the name that numba reports

    def accepts(self, _: Any) -> bool:
        """Whether all hooks are clean; they were compiled before the kernel."""
        return all(hook.is_clean() for hook in self.hooks)

    def check_returns(self, cause: Exception | None = None) -> None:
        """Raises CompileError for a hook that returns what its slot does not allow."""
        for hook in self.hooks:
            if hook.wrong_return:
                raise error_in(hook.function, hook.wrong_return) from cause


class _Template(CPUDispatcher):
    """What Python calls; a call with new types compiles like `compile_now`."""

    def compile(self, sig: Any) -> Any:
        compile_parts(units[self].parts)
        with optimised_once():
            return super().compile(sig)


_memo: "dict[str, Dispatcher[Any]]" = {}  # by fingerprint
_hooks: dict[object, Hook] = {}  # by dispatcher
units: dict[object, Unit] = {}  # by the dispatcher of a template


def _accept_any(_: Any) -> bool:
    return True


class Build:
    """One template with its hooks, on the way to its dispatcher."""

    def __init__(
        self,
        template: FunctionType,
        hooks: Mapping[str, FunctionType],
        returns: Mapping[str, object],
        extra: tuple[object, ...],
    ) -> None:
        self._template = template
        self._hooks: dict[FunctionType, Hook] = {}
        for name, function in hooks.items():
            self._hooks.setdefault(function, Hook(function)).slots[name] = returns.get(name, ...)
        self._extra = extra
        self._reads = graph(template)
        unknown = self._reads.keys() - overloads().keys()  # to numba: what is no law has to be compiled from here
        self._compiled = reaching(self._reads, unknown | {template})
        self._hooked = reaching(self._reads, set(self._hooks))
        self._users = {function for hook in self._hooks for function in graph(hook)} & unknown
        self._made: dict[FunctionType, Dispatcher[Any]] = {}
        self._unit = Unit()

    def dispatcher(self, function: FunctionType, options: dict[str, Any] | None = None) -> "Dispatcher[Any]":
        """The dispatcher of `function`, with those of all it calls in its globals."""
        if function in self._made:
            return self._made[function]
        if function is self._template or function in self._hooks or hasattr(function, KERNEL_TAKES):
            return self._cached(function)
        return self._new(function, shell(function), options or CALLEE_OPTIONS)

    def _cached(self, function: FunctionType) -> "Dispatcher[Any]":
        hook = self._hooks.get(function)
        options = self._options(function)
        key = self._key(function, options, hook)
        if known := _memo.get(key or ""):
            self._made[function] = known
            if hook:
                self._unit.hooks.append(_hooks[known])
            self._note_part(function, known)
            return known
        copy = shell(function)
        copy.__name__ = copy.__qualname__ = f"{function.__name__}_{(key or os.urandom(8).hex())[:16]}"
        whole_names.add(copy.__qualname__)
        made = self._new(function, copy, options)
        accepts: Callable[[Any], bool] = self._unit.accepts if function in self._hooked else _accept_any
        if hook:
            accepts = hook.accepts
            _hooks[made] = hook
            self._unit.hooks.append(hook)
        elif function is self._template:
            units[made] = self._unit
        else:
            kernels[copy.__qualname__] = made
        made._cache = DiskCache(key, accepts)
        if key:
            _memo[key] = made
        self._note_part(function, made)
        return made

    def _note_part(self, function: FunctionType, made: "Dispatcher[Any]") -> None:
        takes, apart = getattr(function, KERNEL_TAKES, ((), False))
        if takes and function is not self._template and function not in self._hooked:
            self._unit.parts.append(Part(made.py_func.__qualname__, made, takes, apart))

    def _new(self, function: FunctionType, copy: FunctionType, options: dict[str, Any]) -> "Dispatcher[Any]":
        copy.__module__ = __name__  # a stored kernel imports its module, which a notebook or a path does not have
        jit = _Template if function is self._template else CPUDispatcher
        made: Dispatcher[Any] = jit(copy, targetoptions=options)
        self._made[function] = made  # before its callees: functions may be recursive
        if function in self._users:
            self._unit.users[copy.__qualname__] = function
        for reference in self._reads[function]:
            callee = plain(reference.value)
            if callee in self._compiled:
                own = reference.value.targetoptions if isinstance(reference.value, Dispatcher) else None
                exchange(copy, reference, self.dispatcher(callee, own))
        return made

    def _options(self, function: FunctionType) -> dict[str, Any]:
        if function in self._hooks:
            return HOOK_OPTIONS
        base = OPTIONS if function is self._template else CALLEE_OPTIONS
        return base | getattr(function, TEMPLATE_OPTIONS, {})

    def _key(self, function: FunctionType, options: dict[str, Any], hook: Hook | None) -> str | None:
        extra = self._extra if function in self._hooked or function is self._template else ()
        try:
            return fingerprint(function, options, hook and str(hook.slots), extra)
        except NoContentError as reason:
            if function is self._template:
                message = f"{reason}: a kernel that reads it compiles again in every process"
                warnings.warn(message, stacklevel=5)
            return None
