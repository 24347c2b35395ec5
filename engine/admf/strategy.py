"""`CompiledStrategy`: a class whose hooks are compiled into the loop.

Example:
    class Cross(admf.CompiledStrategy):
        period: int = 20          # a typed attribute is a parameter: Cross(period=50)
        _total: float = 0.0       # with an underscore it is the strategy's own memory

        def on_bar(self, ctx):
            self._total = ctx.rolling_sum(self._total, self.period)
            ...
"""

import difflib
import inspect
import math
from types import FunctionType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from admf.errors import ConfigError, StrategyError

HOOKS = {"init": ("self", "ctx"), "on_bar": ("self", "ctx"), "on_fill": ("self", "ctx", "fill")}
TYPES: dict[object, type[Any]] = {int: np.int64, float: np.float64, bool: np.bool_}
_TYPES_BY_NAME = {kind.__name__: kind for kind in (int, float, bool)}  # of annotations kept as text
INT_MIN, INT_MAX = -(2**63), 2**63 - 1


class CompiledStrategy:
    """Base class of compiled strategies; see the module's docstring for the shape of one.

    Typed class attributes (`int`, `float`, `bool`) are parameters, those with a leading underscore are state that every
    run starts afresh. Hooks: `init(self, ctx)` before the first bar, `on_bar(self, ctx)` after each close,
    `on_fill(self, ctx, fill)` for each fill of the bar, before `on_bar`. Hooks may call functions of any module, use
    numbers, `ctx` and `self`, and may not allocate memory. `check(self)`, where defined, is ordinary Python and raises
    ValueError for parameters that make no sense together.
    """

    orders_per_bar_max: ClassVar[int] = 64
    symbols_min: ClassVar[int] = 1  # that the market has to have: hooks may name the symbols 0 to symbols_min − 1

    def __init__(self, **parameters: Any) -> None:
        """Raises ConfigError that lists every parameter that is unknown or of the wrong type."""
        kinds = self.fields()
        names = [name for name in kinds if not name.startswith("_")]
        problems = [_unknown(name, names) for name in parameters if name not in names]
        for name, value in parameters.items():
            if name in names and (problem := wrong_value(name, value, kinds[name])):
                problems.append(problem)
        if problems:
            raise ConfigError("; ".join(problems), field=type(self).__name__)
        for name in names:
            setattr(self, name, kinds[name](parameters.get(name, getattr(type(self), name))))
        self._check()

    @classmethod
    def fields(cls) -> dict[str, type[Any]]:
        """Parameters and state with their types, base classes first; StrategyError for what a record cannot hold."""
        found: dict[str, type[Any]] = {}
        for base in reversed(cls.__mro__):
            if base in (object, CompiledStrategy):
                continue
            for name, annotation in inspect.get_annotations(base).items():
                if str(annotation).removeprefix("typing.").startswith("ClassVar"):
                    continue
                kind: Any = _TYPES_BY_NAME.get(annotation, annotation) if isinstance(annotation, str) else annotation
                field = f"{cls.__name__}.{name}"
                if kind not in TYPES:
                    shown = getattr(kind, "__name__", kind)
                    raise StrategyError("wrong type", field=field, found=shown, allowed="int, float, bool")
                if not hasattr(cls, name):
                    raise StrategyError("no default", field=field, remedy=f"write {name}: {shown_type(kind)} = …")
                found[name] = kind
        return found

    @property
    def parameters(self) -> dict[str, int | float | bool]:
        """The parameters with their values."""
        return {name: getattr(self, name) for name in self.fields() if not name.startswith("_")}

    def record(self) -> NDArray[np.record]:
        """`self` as the kernels take it: one row with every field; a run changes it, the instance stays as it is."""
        kinds = self.fields() or {"unused": int}
        dtype = np.dtype([(name, TYPES[kind]) for name, kind in kinds.items()], align=True)
        row: NDArray[np.record] = np.zeros(1, np.dtype((np.record, dtype)))
        for name in self.fields():
            row[name] = getattr(self, name)
        return row

    @classmethod
    def hooks(cls) -> dict[str, FunctionType]:
        """The hooks the class defines, as plain functions; StrategyError for one that cannot be a hook."""
        found: dict[str, FunctionType] = {}
        for name, arguments in HOOKS.items():
            hook = getattr(cls, name, None)
            if hook is None:
                continue
            if not isinstance(hook, FunctionType) or hook.__code__.co_argcount != len(arguments):
                allowed = f"def {name}({', '.join(arguments)})"
                raise StrategyError("not a hook", field=f"{cls.__name__}.{name}", found=hook, allowed=allowed)
            _refuse_hidden(hook, f"{cls.__name__}.{name}")
            found[name] = hook
        if not found:
            raise StrategyError("no hooks", field=cls.__name__, remedy="define on_bar(self, ctx)")
        return found

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.parameters.items())})"

    def _check(self) -> None:
        check = getattr(self, "check", None)
        if check is None:
            return
        try:
            check()
        except ValueError as error:
            raise ConfigError(str(error), field=type(self).__name__, found=self.parameters) from error


def shown_type(kind: type[Any]) -> str:
    """The name of a type as one writes it."""
    return kind.__name__


def _unknown(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"no parameter {name!r}{hint}; allowed: {', '.join(names) or 'none'}"


def wrong_value(name: str, value: object, kind: type[Any]) -> str:
    """What is wrong with a value, empty if nothing is."""
    allowed = "a finite float" if kind is float else shown_type(kind)
    return "" if _fits(value, kind) else f"{name}: found {value!r}; allowed: {allowed}"


def _fits(value: object, kind: type[Any]) -> bool:
    if isinstance(value, bool | np.bool_) or kind is bool:
        return isinstance(value, bool | np.bool_) and kind is bool
    if kind is int:
        return isinstance(value, int | np.integer) and INT_MIN <= int(value) <= INT_MAX
    return isinstance(value, int | float | np.integer | np.floating) and math.isfinite(float(value))


def _refuse_hidden(hook: FunctionType, field: str) -> None:
    """Later bars lie behind the hidden fields of ctx: no hook and nothing it calls may read them."""
    from admf_kernels._fingerprint import is_trusted  # loads the compiler; parameters are checked without it
    from admf_kernels._rebind import graph

    for function in graph(hook):
        if is_trusted(function) or function.__module__.startswith("admf_kernels."):
            continue
        for name in function.__code__.co_names:
            if name.startswith("hidden_"):
                raise StrategyError("not for strategies: it holds later bars", field=field, found=f"ctx.{name}")
