"""What the values of this package share: fields read by their kinds on construction, changes, plain dicts."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar, Self

from admf.errors import ConfigError
from admf.models import Kind, Model, Problems, unknown_name


class Value:
    """A frozen dataclass whose fields are read by the kinds in `KINDS`, every fault at once."""

    TITLE: ClassVar[str]
    KINDS: ClassVar[Mapping[str, Kind]]

    def __post_init__(self) -> None:
        problems = Problems()
        for name, kind in self.KINDS.items():
            with problems.collect():
                object.__setattr__(self, name, kind.read(getattr(self, name), f"{self.TITLE}.{name}"))
        problems.raise_any(self.TITLE)

    def replace(self, **changes: Any) -> Self:
        """The same value with other fields; ConfigError for unknown names and values that are not allowed."""
        check_names(self.TITLE, changes, self.KINDS)
        return replace(self, **changes)  # type: ignore[type-var]  # every subclass is a dataclass

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain values, as `from_dict` and the configuration take them."""
        return {name: plain(getattr(self, name)) for name in self.KINDS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From a mapping of fields; what is left out takes its default. ConfigError lists every fault."""
        known = {name: value for name, value in require_mapping(cls.TITLE, values).items() if name in cls.KINDS}
        problems = Problems()
        with problems.collect():
            check_names(cls.TITLE, values, cls.KINDS)
        with problems.collect():
            made = cls(**known)
        problems.raise_any(cls.TITLE)
        return made

    def __repr__(self) -> str:
        changed = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)  # type: ignore[arg-type]
            if getattr(self, field.name) != field.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"


def require_mapping(title: str, values: object) -> Mapping[str, Any]:
    """The values if they are a mapping, else ConfigError."""
    if not isinstance(values, Mapping):
        raise ConfigError("not a mapping", field=title, found=values, allowed="field: value")
    return values


def check_names(title: str, given: Mapping[str, Any], known: Mapping[str, Kind]) -> None:
    """ConfigError for every name that is not a field, with the nearest one."""
    problems = Problems()
    for name in given:
        if name not in known:
            problems.add(unknown_name(name, known, field=f"{title}.{name}", what="field"))
    problems.raise_any(title)


def plain(value: Any) -> Any:
    """Models as dicts, tuples as lists: what YAML and JSON can hold."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple) else value
