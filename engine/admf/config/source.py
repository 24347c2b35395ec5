"""Reading a configuration: YAML 1.2 from a file, and `key=value` changes on top of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from admf.config.places import PLACES
from admf.errors import ConfigError
from admf.models import Problems

Document = dict[str, Any]
Override = str | tuple[str, Any]  # `key.key=value` with the value in YAML, or key and value
MODEL_FIELDS = ("slippage", "commission", "slippage_model", "commission_model")  # a bare name stands for {model: name}


def read_file(path: Path) -> Document:
    """The document of one YAML file; ConfigError where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("no such file", field="config", found=str(path), remedy="check the path") from None
    except UnicodeDecodeError:
        raise ConfigError("not a text file", field="config", found=str(path), allowed="YAML in UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", field="config", found=str(path)) from None
    document = parse(text, str(path))
    if document is None:
        raise ConfigError("the file is empty", field="config", found=str(path), allowed="a section such as `backtest:`")
    if not isinstance(document, Mapping):
        allowed = "sections such as `backtest:`"
        raise ConfigError(f"{path}: not a mapping", field="config", found=document, allowed=allowed)
    plain: Document = plain_keys(document)
    return plain


def parse(text: str, name: str) -> Any:
    """One YAML 1.2 value; ConfigError with line and column where it is none."""
    yaml = YAML(typ="safe", pure=True)
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        problem = str(error.problem or error.context).partition("\n")[0]
        raise ConfigError(f"{place}: not valid YAML: {problem}", field="config") from None
    except YAMLError as error:
        raise ConfigError(f"{name}: not valid YAML: {str(error).strip()}", field="config") from None


def plain_keys(value: Any) -> Any:
    """The same value with every key as text: YAML reads `1:` as a number."""
    if isinstance(value, Mapping):
        return {str(key): plain_keys(item) for key, item in value.items()}
    return [plain_keys(item) for item in value] if isinstance(value, list) else value


def apply_override(document: Document, override: Override) -> None:
    """Change one value of the document, making the sections on the way; short keys stand for their places."""
    key, value = read_override(override)
    names = full_key(key).split(".")
    node: Document = document
    for place, name in enumerate(names[:-1]):
        below = node.get(name)
        if isinstance(below, str) and name in MODEL_FIELDS:
            below = {"model": below}
        elif below is None:
            below = {}
        elif not isinstance(below, dict):
            field = ".".join(names[: place + 1])
            raise ConfigError("not a section, so nothing below it can be set", field=field, found=below)
        node[name] = dict(below)  # a copy: YAML aliases share their nodes
        node = node[name]
    node[names[-1]] = value


def read_override(override: Override) -> tuple[str, Any]:
    """Key and value."""
    if isinstance(override, tuple):
        return override
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise ConfigError("not key=value", field="--set", found=override, allowed="such as execution.path=best")
    return key, plain_keys(parse(text, f"--set {key}"))


def full_key(key: str) -> str:
    """The place of a key that may also stand elsewhere: `strategy_params.fast` is a parameter of the strategy."""
    for old, place in PLACES.items():
        if f"{key}.".startswith(f"{old}."):
            return place + key[len(old) :]
    return key


def at(document: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for name in path.split("."):
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def overridden(document: Document, overrides: Sequence[Override], problems: Problems) -> Document:
    """The document with all changes applied, in order; those that cannot be are faults."""
    changed = dict(document)
    for override in overrides:
        with problems.collect():
            apply_override(changed, override)
    return changed
