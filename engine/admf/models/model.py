"""A slippage or commission model as a value, and the table of all models.

A row of the table is made by `@register` on the function that makes the model: its name is the word users write, its
signature holds parameter names and defaults, the decorator the bounds. Reading, casting and the schema follow the row.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from admf.errors import ConfigError
from admf.models.kinds import Number, Word
from admf.models.problems import Problems, unknown_name
from admf.models.tables import Dated, Tiers
from admf_kernels.codes import Code

Law = Callable[..., float]
Parameter = Any  # a number, a word, None, or the rows of a table
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class ModelSpec:
    """One row of the table: everything about one model."""

    family: str  # "slippage" or "commission"
    code: Code | None  # None: a preset, which makes a value of another model
    make: Callable[..., "Model"]
    kinds: "Mapping[str, ParameterKind]"  # by parameter, in order of the signature
    defaults: Mapping[str, Any]  # REQUIRED where there is none
    law_arguments: tuple[str, ...]  # of a user's law; empty for the models of ours

    @property
    def text(self) -> str:
        """What the model does, in one line."""
        return (self.make.__doc__ or "").partition("\n")[0]

    @property
    def listed(self) -> bool:
        """Whether a parameter is a table: such a model fills rows of its own, not the config record."""
        return not all(isinstance(kind, Number | Word) for kind in self.kinds.values())

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the long form `{model: word, parameter: value, …}`."""
        properties: dict[str, Any] = {"model": {"const": self.make.__name__}}
        for name, kind in self.kinds.items():
            default = {} if self.defaults[name] is REQUIRED else {"default": self.defaults[name]}
            properties[name] = kind.schema() | default
        if self.law_arguments:
            properties["function"] = {"description": f"module:name of a function of {', '.join(self.law_arguments)}"}
        needed = [name for name in properties if self.defaults.get(name, REQUIRED) is REQUIRED]
        return {
            "type": "object",
            "description": self.text,
            "properties": properties,
            "required": needed,
            "additionalProperties": False,
        }


_SPECS: dict[str, dict[str, ModelSpec]] = {}
_PRESETS: dict[str, dict[str, ModelSpec]] = {}
MakeModel = TypeVar("MakeModel", bound=Callable[..., "Model"])


def register(
    family: str, code: Code, law_arguments: tuple[str, ...] = (), **kinds: "ParameterKind"
) -> Callable[[MakeModel], MakeModel]:
    """Enter the model that a function makes into the table, under the function's name."""

    def enter(make: MakeModel) -> MakeModel:
        defaults = {name: parameter.default for name, parameter in inspect.signature(make).parameters.items()}
        _SPECS.setdefault(family, {})[make.__name__] = ModelSpec(family, code, make, kinds, defaults, law_arguments)
        return make

    return enter


def register_preset(family: str, **kinds: "ParameterKind") -> Callable[[MakeModel], MakeModel]:
    """Enter a published table under the function's name; the function makes a value of one of the models."""

    def enter(make: MakeModel) -> MakeModel:
        defaults = {name: parameter.default for name, parameter in inspect.signature(make).parameters.items()}
        _PRESETS.setdefault(family, {})[make.__name__] = ModelSpec(family, None, make, kinds, defaults, ())
        return make

    return enter


def named_specs(family: str) -> Mapping[str, ModelSpec]:
    """Models and presets of one family by the word that users write."""
    return _SPECS[family] | _PRESETS.get(family, {})


def model_specs(family: str) -> Mapping[str, ModelSpec]:
    """The rows of one family by word, in order of the code."""
    return _SPECS[family]


@dataclass(frozen=True, repr=False)
class Model:
    """A slippage or commission model with its parameters in order of the signature; a value.

    Made by the functions of `admf.slippage` and `admf.commission`. Raises ConfigError for parameters out of bounds.
    """

    family: str
    model: str
    parameters: tuple[Parameter, ...] = ()
    function: Law | None = None  # the user's, for `law`

    def __post_init__(self) -> None:
        spec, problems, values = self.spec, Problems(), []
        for (name, kind), value in zip(spec.kinds.items(), self.parameters, strict=True):
            with problems.collect():
                values.append(kind.read(value, f"{self.family}.{self.model} {name}"))
        if spec.law_arguments:
            with problems.collect():
                check_law(self.function, spec.law_arguments, f"{self.family}.{self.model} function")
        problems.raise_any(f"{self.family}.{self.model}")
        object.__setattr__(self, "parameters", tuple(values))

    @property
    def spec(self) -> ModelSpec:
        """The row of the table."""
        return _SPECS[self.family][self.model]

    def record_values(self) -> dict[str, float]:
        """Fields of `config_dt`: numbers fill `<family>_0` … in order, a word fills `<family>_<name>`."""
        assert self.spec.code is not None
        values: dict[str, float] = {f"{self.family}_model": int(self.spec.code)}
        if self.spec.listed:
            return values
        place = 0
        for (name, kind), value in zip(self.spec.kinds.items(), self.parameters, strict=True):
            if isinstance(kind, Word):
                values[f"{self.family}_{name}"] = kind.number(str(value))
                continue
            assert isinstance(kind, Number)
            values[f"{self.family}_{place}"] = kind.number(value)
            place += 1
        return values

    def to_dict(self) -> dict[str, Any]:
        """The long form of the configuration; a law's function as module:name."""
        law = {} if self.function is None else {"function": f"{self.function.__module__}:{self.function.__qualname__}"}
        values = (written(value) for value in self.parameters)
        return {"model": self.model, **dict(zip(self.spec.kinds, values, strict=True)), **law}

    def replace(self, **changes: Any) -> "Model":
        """The same model with other parameters."""
        law = {} if self.function is None else {"function": self.function}
        return read_model(self.family, self.to_dict() | law | changes, self.family)

    def __repr__(self) -> str:
        named = [f"{name}={value!r}" for name, value in zip(self.spec.kinds, self.parameters, strict=True)]
        first = [repr(value) for value in self.parameters[:1]]
        law = [] if self.function is None else [self.function.__qualname__]
        return f"{self.family}.{self.model}({', '.join(law + first + named[1:])})"


def written(value: Parameter) -> Any:
    """A parameter as YAML and JSON can hold it: rows as lists, parts as mappings."""
    if isinstance(value, Model):
        return value.to_dict()
    return [written(item) for item in value] if isinstance(value, tuple) else value


def check_law(function: Law | None, arguments: tuple[str, ...], field: str) -> None:
    """A user's law is a plain function of the right number of arguments: it is compiled into the loop."""
    allowed = f"a function of ({', '.join(arguments)})"
    if not inspect.isfunction(function):
        raise ConfigError("not a plain function", field=field, found=function, allowed=allowed)
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        found = f"{function.__qualname__}{inspect.signature(function)}"
        raise ConfigError("other arguments", field=field, found=found, allowed=allowed) from None


def read_model(family: str, value: Any, field: str) -> Model:
    """A model from a value made before, a bare name, or a mapping with `model` and parameters; None is no model."""
    specs = named_specs(family)
    if isinstance(value, Model):
        if value.family != family:
            raise ConfigError(f"not a {family} model", field=field, found=value, allowed=", ".join(specs))
        return value
    given = {"model": "none" if value is None else value} if value is None or isinstance(value, str) else value
    if not isinstance(given, Mapping) or not isinstance(given.get("model"), str):
        allowed = f"a name ({', '.join(specs)}) or a mapping with `model` and its parameters"
        raise ConfigError(f"not a {family} model", field=field, found=value, allowed=allowed)
    word = given["model"].lower()
    if word not in specs:
        raise unknown_name(given["model"], specs, field=field, what=f"{family} model")
    return make_model(specs[word], {str(name): item for name, item in given.items() if name != "model"}, field)


def make_model(spec: ModelSpec, given: Mapping[str, Any], field: str) -> Model:
    """Check names and bounds of the parameters, every fault at once."""
    problems = Problems()
    arguments: dict[str, Any] = {}
    for name in given:
        if name not in spec.defaults:
            what = f"parameter of {spec.make.__name__}"
            problems.add(unknown_name(name, spec.defaults, field=f"{field}.{name}", what=what))
    for name, default in spec.defaults.items():
        if name not in given and default is REQUIRED:
            example = f"{{model: {spec.make.__name__}, {name}: …}}"
            allowed = spec.kinds[name].allowed() if name in spec.kinds else "module:name of a function"
            problems.add(ConfigError("missing", field=f"{field}.{name}", allowed=allowed, remedy=f"write {example}"))
        with problems.collect():
            value = given.get(name, default)
            if value is not REQUIRED:
                arguments[name] = spec.kinds[name].read(value, f"{field}.{name}") if name in spec.kinds else value
    problems.raise_any(field)
    return spec.make(**arguments)


@dataclass(frozen=True)
class ModelKind:
    """A field that holds a model of one family."""

    family: str

    def read(self, value: Any, field: str) -> Model:
        """See `read_model`."""
        return read_model(self.family, value, field)

    def schema(self) -> dict[str, Any]:
        """A bare name, or the long form of one model."""
        specs = named_specs(self.family)
        return {"anyOf": [{"enum": [*specs]}, *(spec.schema() for spec in specs.values())]}


@dataclass(frozen=True)
class Parts:
    """The parts of a sum: models of one family, at most one of them `single`, none of them `barred`."""

    family: str
    single: str
    barred: str

    def read(self, value: Any, field: str) -> tuple[Model, ...]:
        """The parts as models; parts that are sums themselves give their own."""
        if isinstance(value, str | Mapping | Model) or not isinstance(value, Iterable):
            raise ConfigError("not a list", field=field, found=value, allowed=self.allowed())
        parts: list[Model] = []
        problems = Problems()
        for index, item in enumerate(value):
            with problems.collect():
                part = read_model(self.family, item, f"{field}[{index}]")
                kind = part.spec.kinds.get("parts")
                parts += part.parameters[0] if isinstance(kind, Parts) else [part]
        problems.raise_any(field)
        for part in parts:
            if part.model == self.barred:
                remedy = "add the other parts inside your function"
                raise ConfigError("not a part", field=field, found=part, remedy=remedy)
        if sum(part.model == self.single for part in parts) > 1:
            raise ConfigError(f"more than one {self.single} part", field=field, allowed="one: volume is counted once")
        if not parts:
            raise ConfigError("no parts", field=field, allowed=self.allowed())
        return tuple(parts)

    def allowed(self) -> str:
        """The form in words."""
        return f"a list of {self.family} models"

    def schema(self) -> dict[str, Any]:
        """A list of names or long forms, which are not repeated here."""
        return {"type": "array", "items": {"type": ["string", "object"]}, "minItems": 1}


ParameterKind = Number | Word | Tiers | Dated | Parts
