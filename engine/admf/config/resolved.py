"""A configuration with every default written out, and the schema of all configurations."""

from collections.abc import Mapping
from datetime import date
from io import StringIO
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from admf.config.document import Config
from admf.config.includes import INCLUDE, PRESET, PRESETS
from admf.config.schema import Component, Root
from admf.execution.values import plain

FILES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def resolved(config: Config) -> dict[str, Any]:
    """Sections and values as `load_config` takes them, every default among them; what is None is left out."""
    made: dict[str, Any] = {}
    for name in type(config.root).model_fields:
        written = plain_section(getattr(config.root, name))
        if written not in (None, {}, []):
            made[name] = written
    made |= {"execution": config.execution.to_dict(), "account": config.account.to_dict()}
    made["risk"] = {name: value for name, value in config.risk.to_dict().items() if value is not None}
    if config.strategy is not None:
        made["backtest"]["components"]["strategy"]["params"] = dict(config.strategy.parameters)
    if "optimization" in made and "backtest" in made:  # the components of an optimization are those of its runs
        made["optimization"]["components"] = made.pop("backtest")["components"]
    return {name: without_absent(value) for name, value in made.items()}


def resolved_text(config: Config) -> str:
    """`resolved` as YAML."""
    yaml, text = YAML(), StringIO()
    yaml.default_flow_style = False
    yaml.dump(resolved(config), text)
    return text.getvalue()


def schema() -> dict[str, Any]:
    """JSON Schema of a configuration file."""
    made: dict[str, Any] = Root.model_json_schema(by_alias=True)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["properties"] |= {INCLUDE: FILES, PRESETS: {"type": "object"}}
    for name, section in made["$defs"].items():
        if name in ("DataHandler", "Strategy", "Portfolio", "RiskManager", "Broker"):
            section["properties"][PRESET] = {"type": "string"}
            section["properties"].pop("own", None)
    return made


def plain_section(value: Any) -> Any:
    """A section as YAML can hold it, keys as they are written."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        made = {field.alias or name: plain_section(getattr(value, name)) for name, field in fields.items()}
        if isinstance(value, Component):
            made["params"] = {**made["params"], **made.pop("own")}
        return made
    if isinstance(value, Mapping):
        return {str(name): plain_section(item) for name, item in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    return plain(value)


def without_absent(value: Any) -> Any:
    """The same without keys that have no value and sections that have no keys."""
    if not isinstance(value, Mapping):
        return value
    inner = {name: without_absent(item) for name, item in value.items()}
    return {name: item for name, item in inner.items() if item is not None and item != {}}
