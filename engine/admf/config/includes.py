"""Parts of a configuration that stand in other files, and components that stand under a name.

`include` names files whose sections lie below those of the document: what the document says itself wins, key by key.
`presets` holds components by name, as `{class, params}`; a component takes one by `preset: name` and changes what it
says beside it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admf.config.source import Document, read_file
from admf.errors import ConfigError
from admf.models import Problems, unknown_name

INCLUDE, PRESETS, PRESET = "include", "presets", "preset"
SECTIONS = ("backtest", "optimization", "live_trading")


def with_includes(document: Mapping[str, Any], folder: Path, problems: Problems) -> Document:
    """The document with its includes and presets in their places; what cannot be found is a fault."""
    with problems.collect():
        document = with_files(document, folder, ())
    made = {name: value for name, value in document.items() if name not in (INCLUDE, PRESETS)}
    with problems.collect():
        presets = require_mapping(document.get(PRESETS), PRESETS)
        for section in SECTIONS:
            inside = made.get(section)
            components = inside.get("components") if isinstance(inside, Mapping) else None
            if isinstance(inside, Mapping) and isinstance(components, Mapping):
                field = f"{section}.components"
                made[section] = {**inside, "components": with_presets(components, presets, field, problems)}
    return made


def with_files(document: Mapping[str, Any], folder: Path, path: tuple[Path, ...]) -> Document:
    """The document above the files it includes, and those above theirs."""
    names = document.get(INCLUDE)
    names = [names] if isinstance(names, str) else names or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError("not a list of files", field=INCLUDE, found=names, allowed="[presets.yaml]")
    below: Document = {}
    for name in names:
        file = (folder / name).resolve()
        if file in path:
            circle = " → ".join(one.name for one in (*path[path.index(file) :], file))
            raise ConfigError("files include each other", field=INCLUDE, found=circle)
        below = merged(below, with_files(read_file(file), file.parent, (*path, file)))
    return merged(below, {name: value for name, value in document.items() if name != INCLUDE})


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Document:
    """Both, section by section; where both have a value, that of `above`."""
    made = dict(below)
    for name, value in above.items():
        inner = made.get(name)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        made[name] = merged(inner, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return made


def with_presets(
    components: Mapping[str, Any], presets: Mapping[str, Any], field: str, problems: Problems
) -> dict[str, Any]:
    """Components above the presets that they name."""
    made = {}
    for name, component in components.items():
        made[name] = component
        if isinstance(component, Mapping) and PRESET in component:
            with problems.collect():
                made[name] = with_preset(component, presets, f"{field}.{name}.{PRESET}")
    return made


def with_preset(component: Mapping[str, Any], presets: Mapping[str, Any], field: str) -> Document:
    """One component above its preset."""
    wanted = component[PRESET]
    if wanted not in presets:
        raise unknown_name(wanted, presets, field=field, what="preset")
    own = {name: value for name, value in component.items() if name != PRESET}
    return merged(require_mapping(presets[wanted], f"{PRESETS}.{wanted}"), own)


def require_mapping(value: Any, field: str) -> Mapping[str, Any]:
    """The value if it is a mapping, nothing if it is not there; else ConfigError."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError("not a mapping", field=field, found=value, allowed="name: {class, params}")
    return value
