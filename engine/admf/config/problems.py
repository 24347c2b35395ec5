"""From pydantic's errors to ours: path, value found, what is allowed, the nearest name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from admf.config.schema import KIND_ERROR, Root
from admf.errors import ConfigError
from admf.models import unknown_name

SectionClass = type[BaseModel]


def config_errors(error: ValidationError) -> Iterator[ConfigError]:
    """One ConfigError for each fault, in order of the sections."""
    for fault in error.errors(include_url=False):
        path = [str(name) for name in fault["loc"]]
        field = ".".join(path)
        if fault["type"] == KIND_ERROR:
            yield from (below(field, inner) for inner in fault["ctx"]["errors"])
        elif fault["type"] == "extra_forbidden":
            yield unknown_name(path[-1], names_of(section_at(path[:-1])), field=field, what="key")
        elif fault["type"] == "missing":
            yield ConfigError("missing", field=field, remedy="add it")
        else:
            names = names_of(section_at(path))
            allowed = f"a section with {', '.join(names)}" if names else "a mapping of names and values"
            yield ConfigError("not a section", field=field, found=fault["input"], allowed=allowed)


def below(prefix: str, error: ConfigError) -> ConfigError:
    """The same error with its field moved below `prefix`."""
    field = prefix + error.field if error.field.startswith(".") or not error.field else f"{prefix}.{error.field}"
    return ConfigError(str(error.args[0]), field=field, found=error.found, allowed=error.allowed, remedy=error.remedy)


def section_at(path: Sequence[str], section: SectionClass | None = Root) -> SectionClass | None:
    """The section class at a path; None where keys are free."""
    if not path or section is None:
        return section
    annotation = annotations_of(section).get(path[0])
    rest = path[2:] if get_origin(annotation) is dict else path[1:]  # a mapping has one more level: its own keys
    return section_at(rest, section_class(annotation))


def section_class(annotation: Any) -> SectionClass | None:
    """The section class that an annotation holds: itself, optional, or the values of a mapping."""
    candidates = [annotation, *get_args(annotation)]
    return next((item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)), None)


def annotations_of(section: SectionClass) -> dict[str, Any]:
    """Annotations by the key that users write."""
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def names_of(section: SectionClass | None) -> list[str]:
    """The keys that a section knows."""
    return list(annotations_of(section)) if section else []


def without_empty_sections(document: Mapping[str, Any], section: SectionClass = Root) -> dict[str, Any]:
    """The document without sections that have no content: a key whose lines are all commented out is left out."""
    kept: dict[str, Any] = {}
    for name, value in document.items():
        annotation = annotations_of(section).get(name)
        inner = section_class(annotation)
        if value is None and (inner or get_origin(annotation) is dict):
            continue
        if inner and isinstance(value, Mapping) and get_origin(annotation) is not dict:
            value = without_empty_sections(value, inner)
        kept[name] = value
    return kept


def given(section: BaseModel) -> dict[str, Any]:
    """The fields that the user wrote, by name."""
    return {name: getattr(section, name) for name in type(section).model_fields if name in section.model_fields_set}
