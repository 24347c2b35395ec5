"""The compiled loop of one strategy: built, compiled or loaded, and callable on the tuples of arrays."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba.core import config
from numpy.typing import NDArray

from admf.errors import StrategyError
from admf.models import nearest
from admf.run.loop import Call, plain_call
from admf_kernels._jit import CompileError, allocates, compile_now, fingerprint, specialise
from admf_kernels.context import METHODS
from admf_kernels.records import Market, State
from admf_kernels.run import run
from admf_kernels.views import handles

HOOKS = ("init", "on_bar", "on_fill")
CONTEXT = fingerprint(*METHODS.values())  # lent to the compiler by name, so no global leads to them


class _Self:
    """`self` of a hook that is not compiled: a field goes before whatever NumPy calls by the same name."""

    __slots__ = ("_row",)

    def __init__(self, row: np.record) -> None:
        object.__setattr__(self, "_row", row)

    def __getattr__(self, name: str) -> Any:
        if name not in self._row.dtype.names:
            raise AttributeError(f"the strategy has no attribute {name!r}; it has {', '.join(self._row.dtype.names)}")
        return self._row[name]

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self._row.dtype.names:
            raise AttributeError(f"the strategy has no attribute {name!r}; declare it on the class with its type")
        self._row[name] = value


def stepped(hook: Callable[..., Any]) -> Callable[..., None]:
    """A hook as plain Python calls it: `self` is the record behind names, and nothing may be returned."""

    def call(strategy: np.record, *rest: Any) -> None:
        returned: object = hook(_Self(strategy), *rest)
        if returned is not None:
            raise StrategyError("must return nothing", field=hook.__qualname__, found=returned)

    return call


def advice(problem: str, fields: tuple[str, ...]) -> str:
    """What to do about a name that ctx or the class does not have; `fields` are those of the class."""
    if asked := re.search(r"^ctx has no attribute '(\w+)'", problem):
        return nearest(asked[1], ["bar", *METHODS])
    if missing := re.search(r"^no field '(\w+)'", problem):
        return nearest(missing[1], fields) or f"declare it there: {missing[1]}: float = 0.0"
    return ""


def make_call(
    hooks: Mapping[str, Callable[..., Any]],
    strategy: NDArray[np.record],
    market: Market,
    state: State,
    orders_per_bar_max: int,
    debug: bool,
) -> Call:
    """The loop with the hooks in it; StrategyError for code that does not compile or allocates memory."""
    if debug or config.DISABLE_JIT:  # NUMBA_DISABLE_JIT=1
        plain = {name: stepped(hook) if name in HOOKS else hook for name, hook in hooks.items()}
        return plain_call(specialise(run, hooks=plain, compiled=False), strategy, orders_per_bar_max)
    kernel = specialise(run, hooks=hooks, extra=(CONTEXT,))
    market_table = handles(market)
    known = (state, handles(state))  # the table costs as much as some thousand bars: a run bar by bar keeps it
    bars = 0
    try:
        compile_now(kernel, (market_table, known[1], strategy, bars, bars, orders_per_bar_max))
    except CompileError as error:
        raise StrategyError(str(error), remedy=advice(error.problem, strategy.dtype.names or ())) from error
    if guilty := allocates(kernel):
        raise StrategyError(
            f"{guilty[0]} allocates memory",
            allowed="numbers, comparisons, ctx and self",
            remedy="lists, arrays, strings, dicts and sets cannot be made inside the loop; keep numbers on self",
        )

    def call(market: Market, state: State, first: int, last: int) -> int:
        nonlocal known
        if state is not known[0]:
            known = (state, handles(state))
        next_bar: int = kernel(market_table, known[1], strategy, first, last, orders_per_bar_max)
        return next_bar

    return call
