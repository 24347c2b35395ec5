"""The only door to the compiler: marks for laws and kernels, and `specialise`, which binds user code into them.

A template is an ordinary function that calls its hooks as globals (`on_bar(...)`). `specialise` copies the functions
that can reach a hook, with the user's functions in their globals, so that calls are direct and LLVM can inline them;
what cannot reach one is shared by all strategies. A hook passed as an argument costs 2-3.5 ns a call or is never
cached; a closure is never cached (numba #2956, #6264).

Private numba names: Dispatcher (`py_func`, `typeof_pyval`).
"""

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, TypeVar, overload

from numba.core import config
from numba.core.dispatcher import Dispatcher
from numba.extending import register_jitable

from admf_kernels._build import LAW_OPTIONS, Build, units
from admf_kernels._cache import cache_info, clear_cache, counts
from admf_kernels._compile_error import CompileError, explain
from admf_kernels._fingerprint import KERNEL_TAKES, NoContentError, fingerprint
from admf_kernels._rebind import plain, with_hooks, without_dispatchers

__all__ = [
    "CompileError",
    "allocates",
    "cache_info",
    "clear_cache",
    "compile_now",
    "compile_stats",
    "fingerprint",
    "kernel",
    "law",
    "specialise",
]

_F = TypeVar("_F", bound=Callable[..., Any])
_lock = threading.RLock()
_specialised: dict[str | None, Callable[..., Any]] = {}  # by content


@overload
def law(function: _F) -> _F: ...
@overload
def law(*, forceinline: bool) -> Callable[[_F], _F]: ...
def law(function: _F | None = None, *, forceinline: bool = False) -> _F | Callable[[_F], _F]:
    """Marks a scalar function that kernels and user code may call; it stays a plain function.

    `forceinline` is for what every bar runs through: LLVM does not inline a large function that others call too.
    """

    def mark(function: _F) -> _F:
        marked: _F = register_jitable(**LAW_OPTIONS | {"forceinline": forceinline})(function)
        return marked

    return mark if function is None else mark(function)


@overload
def kernel(function: _F) -> _F: ...
@overload
def kernel(*, takes: tuple[Any, ...], apart: bool = False) -> Callable[[_F], _F]: ...
def kernel(function: _F | None = None, *, takes: tuple[Any, ...] = (), apart: bool = False) -> _F | Callable[[_F], _F]:
    """Marks a function that `specialise` compiles and caches on its own; it stays a plain function.

    `takes` are the types of its arguments: so that it can compile before what calls it. `apart` is for the largest one.
    """

    def mark(function: _F) -> _F:
        setattr(function, KERNEL_TAKES, (takes, apart))
        return function

    return mark if function is None else mark(function)


def specialise(
    template: Callable[..., Any],
    *,
    hooks: Mapping[str, Callable[..., Any]] | None = None,
    compiled: bool = True,
    extra: tuple[object, ...] = (),
) -> Callable[..., Any]:
    """`template` with every global named in `hooks` bound to the user's function, ready to call.

    A slot (the function that a hook replaces) may be annotated `-> None`, `float`, `int` or `bool`; `compile_now` holds
    the hook to it. `compiled=False` and NUMBA_DISABLE_JIT=1 give plain Python with the same results. `extra` are
    objects whose content counts for the cache although no global leads to them. Equal content gives the same
    dispatcher.
    """
    functions = {name: _plain_function(name, hook) for name, hook in (hooks or {}).items()}
    plain_template = _plain_function("template", template)
    if not compiled or config.DISABLE_JIT:
        return without_dispatchers(with_hooks(plain_template, functions)[0])
    with _lock:
        key = _content(plain_template, functions, extra)
        if key not in _specialised:
            bound, returns = with_hooks(plain_template, functions)
            made = Build(bound, functions, returns, extra).dispatcher(bound)
            if key is None:
                return made  # type: ignore[no-any-return]  # a dispatcher
            _specialised[key] = made
        return _specialised[key]


def _content(template: FunctionType, hooks: Mapping[str, FunctionType], extra: tuple[object, ...]) -> str | None:
    """What decides the dispatcher: a second run of a strategy need not build it again (5 ms); None if unknown."""
    try:
        return fingerprint(template, dict(sorted(hooks.items())), extra)
    except NoContentError:
        return None


def compile_now(function: Callable[..., Any], args: Iterable[object]) -> None:
    """Compiles or loads `function` for the types of `args`; a fault in a user's function raises CompileError."""
    if not isinstance(function, Dispatcher):
        return
    unit = units[function]
    signature = tuple(function.typeof_pyval(arg) for arg in args)
    try:
        function.compile(signature)
    except Exception as error:  # numba lets KeyError, AssertionError and others of its own escape
        unit.check_returns(error)
        explained = explain(error, unit.users)
        if explained is None:
            raise
        raise explained from error
    unit.check_returns()


def allocates(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the hooks whose compiled code allocates memory; such a kernel is not stored, so each process sees it."""
    hooks = units[function].hooks if function in units else ()
    return tuple(name for hook in hooks if hook.allocates for name in hook.slots)


def compile_stats() -> dict[str, int | float]:
    """Functions compiled and loaded by this process, and the seconds that took."""
    return {
        "compiled": counts.compiled,
        "compile_s": counts.compile_s,
        "loaded": counts.loaded,
        "load_s": counts.load_s,
    }


def _plain_function(name: str, value: object) -> FunctionType:
    function = plain(value)
    if function is None or inspect.iscoroutinefunction(function):
        raise TypeError(f"{name} must be a plain function, not {value!r:.80} of type {type(value).__qualname__}")
    return function
