"""The kernels that a `Stepper` calls, compiled or plain."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from admf.errors import StrategyError
from admf_kernels import advance as loops
from admf_kernels._jit import CompileError, compile_now, specialise
from admf_kernels.limits import limit_one
from admf_kernels.records import Market, State
from admf_kernels.stakes import size_one
from admf_kernels.views import handles

NAN = float("nan")
TICKET = (1, 0, 1.0, NAN, NAN, 0, 0, False, False, -1, 0, True, 0, NAN, 0, -1, NAN, False, NAN, NAN, NAN)


class Calls(NamedTuple):
    """The kernels of a stepper, compiled or plain."""

    advance: Callable[..., int]
    solvent_until: Callable[..., int]
    submit: Callable[..., int]
    command: Callable[..., int]
    limit_one: Callable[..., float]
    size_one: Callable[..., float]


def make_calls(market: Market, state: State, laws: Mapping[str, Callable[..., Any]], *, plain: bool) -> Calls:
    """The kernels with the user's laws in them; StrategyError for a law that does not compile."""
    if not laws and plain in _without_laws:
        return _without_laws[plain]
    calls = _compile(market, state, laws, plain=plain)
    if not laws:
        _without_laws[plain] = calls
    return calls


_without_laws: dict[bool, Calls] = {}  # by `plain`: the same for all containers of the process


def _compile(market: Market, state: State, laws: Mapping[str, Callable[..., Any]], *, plain: bool) -> Calls:
    bound = [specialise(loops.advance, hooks=laws, compiled=not plain)]
    bound += [
        specialise(function, compiled=not plain)
        for function in (loops.solvent_until, loops.submit, loops.command, limit_one, size_one)
    ]
    if plain:
        return Calls(*map(quiet, bound))
    market_table, state_table, zero = handles(market), handles(state), 0
    arguments: tuple[tuple[Any, ...], ...] = (
        (market_table, state_table, zero, zero),
        (market_table, state_table, zero, zero),
        (state_table, zero, *TICKET),
        (state_table, zero, zero, NAN, NAN, NAN),
        (state_table, zero, zero, zero, NAN, zero, NAN, NAN, NAN, NAN),
        (market_table, state_table, zero, zero, zero, NAN, zero, NAN, NAN, NAN),
    )
    try:
        for function, types in zip(bound, arguments, strict=True):
            compile_now(function, types)
    except CompileError as error:
        raise StrategyError(str(error)) from error
    return Calls(*bound)


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Plain laws, as quiet about wrapping and division by zero as compiled ones."""

    def call(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return call
