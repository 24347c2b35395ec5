"""Component classes by name, and what their constructors take."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from admf.config.user_code import FORMS, find
from admf.errors import ConfigError
from admf.models import Problems, unknown_name

# name → where it is; loaded when the first container asks for it
BUILT_IN = {
    "HistoricalDataHandler": "admf.components:HistoricalDataHandler",
    "OrderManager": "admf.components:OrderManager",
    "PassthroughBroker": "admf.components:PassthroughBroker",
    "Portfolio": "admf.components:Portfolio",
    "RiskManager": "admf.components:RiskManager",
    "SimulatedBroker": "admf.components:SimulatedBroker",
    "LiveBroker": "admf.live:LiveBroker",
    "LiveDataHandler": "admf.live:LiveDataHandler",
    "LiveRiskManager": "admf.live:LiveRiskManager",
    "PaperBroker": "admf.live:PaperBroker",
    "VirtualPortfolio": "admf.live:VirtualPortfolio",
    "BracketScalper": "admf.strategies:BracketScalper",
    "DonchianBreakout": "admf.strategies:DonchianBreakout",
    "ProductionStrategy": "admf.strategies:ProductionStrategy",
    "RsiReversion": "admf.strategies:RsiReversion",
    "SmaCross": "admf.strategies:SmaCross",
    "TrendFollowingStrategy": "admf.strategies:TrendFollowingStrategy",
    "TrendFollowingEvents": "admf.strategies:TrendFollowingEvents",
}


class Parameters(NamedTuple):
    """What a constructor takes by keyword."""

    required: frozenset[str]
    known: frozenset[str]
    any_name: bool  # it takes **parameters and checks them itself


class ComponentRegistry:
    """Names of component classes; `module:Class` and `path/to/file.py:Class` need no name."""

    def __init__(self, classes: Mapping[str, str | type[Any]] | None = None, folder: str | Path = ".") -> None:
        """`classes` come on top of the built-in ones; modules are looked for in `folder` first."""
        self._classes: dict[str, str | type[Any]] = {**BUILT_IN, **(classes or {})}
        self.folder = Path(folder)

    def register(self, name: str, component: object) -> None:
        """Gives a class a name; ConfigError where another class has it."""
        if not isinstance(component, type):
            raise ConfigError("not a class", field="component", found=component)
        if self._classes.get(name, component) is not component:
            raise ConfigError("another class has this name", field="component", found=name)
        self._classes[name] = component

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._classes))

    def find(self, name: object, field: str) -> type[Any]:
        """The class; ConfigError with the nearest names for one that is not there."""
        if isinstance(name, type):
            return name
        found = self._classes.get(name) if isinstance(name, str) else None
        if isinstance(found, type):
            return found
        if isinstance(name, str) and found is not None:
            module, _, attribute = found.partition(":")
            loaded: type[Any] = getattr(importlib.import_module(module), attribute)
            self._classes[name] = loaded
            return loaded
        if not isinstance(name, str) or ":" not in name:
            raise unknown_name(name, [*self.names, *FORMS], field=field, what="class")
        made = find(name, self.folder, field)
        if not isinstance(made, type):
            raise ConfigError("not a class", field=field, found=name, allowed="a class")
        self._classes[name] = made  # the same class for every container, also from a file
        return made


@cache
def parameters_of(component: Callable[..., Any]) -> Parameters:
    """The keyword parameters of a class."""
    required: list[str] = []
    optional: list[str] = []
    any_name = False
    for parameter in inspect.signature(component).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            any_name = True
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            (required if parameter.default is parameter.empty else optional).append(parameter.name)
    return Parameters(frozenset(required), frozenset(required + optional), any_name)


def check_parameters(component: type[Any], given: Mapping[str, Any], field: str) -> None:
    """ConfigError that lists every parameter that is unknown or missing."""
    known = parameters_of(component)  # type: ignore[arg-type]  # a class is hashable
    if (known.any_name or known.known.issuperset(given)) and known.required <= given.keys():
        return
    problems = Problems()
    for name in given if not known.any_name else ():
        if name not in known.known:
            problems.add(unknown_name(name, sorted(known.known), field=f"{field}.params", what="parameter"))
    for name in sorted(known.required):
        if name not in given:
            problems.add(ConfigError("missing", field=f"{field}.params.{name}", remedy="give it a value"))
    problems.raise_any(field)
