"""Values that stand at another place, moved once to where they belong."""

from collections.abc import Mapping
from typing import Any

from admf.config.places import COMPONENTS, PLACES
from admf.config.source import Document, at
from admf.errors import ConfigError
from admf.execution import Risk
from admf.models import Problems

LIMITS = f"{COMPONENTS}.risk_manager.params"
STOP_ON_ERROR = "stop_on_error"


def fold(document: Document, problems: Problems) -> dict[str, str]:
    """Moves values to their places; a place that already has another value is a fault.

    Returns place → where the user wrote it, for messages. A value of None counts as not given.
    """
    moved: dict[str, str] = {}
    for old, place in PLACES.items():
        section, _, name = old.rpartition(".")
        holder = at(document, section) if section else document
        if not isinstance(holder, Mapping) or name not in holder:
            continue
        value = holder[name]
        if old == LIMITS and is_own(holder):
            own = {key: item for key, item in (value or {}).items() if key not in Risk.KINDS}
            value = {key: item for key, item in (value or {}).items() if key in Risk.KINDS} or None
            put(document, old, own)
        else:
            take(document, old)
        if value is None:
            continue
        there = at(document, place)
        if there is not None and there != value:
            message = f"differs from {moved.get(place, place)}: {there!r}"
            problems.add(ConfigError(message, field=old, found=value, remedy="give one of them"))
        elif put(document, place, value):
            moved.setdefault(place, old)
    return moved


def is_own(component: Mapping[str, Any]) -> bool:
    """Whether a component is of a class of the user's own, with parameters that none of ours has."""
    return ":" in str(component.get("class")) and isinstance(component.get("params"), Mapping)


def refuse_going_on(document: Document) -> None:
    """`stop_on_error` has one value for a compiled run, where a hook that failed cannot be continued."""
    found = document.pop(STOP_ON_ERROR, None)
    if found not in (True, None):
        remedy = "leave it out: a strategy that failed in a bar is in no state to go on"
        message = "a run always stops at an error"
        raise ConfigError(message, field=STOP_ON_ERROR, found=found, allowed="true", remedy=remedy)


def take(document: Document, path: str) -> None:
    """Removes a value; the sections around it are copied, for YAML aliases share them."""
    name, _, rest = path.partition(".")
    if not rest:
        del document[name]
        return
    document[name] = dict(document[name])
    take(document[name], rest)


def put(document: Document, path: str, value: Any) -> bool:
    """Sets a value, making the sections on the way; False where something else than a section is in the way."""
    name, _, rest = path.partition(".")
    if not rest:
        document[name] = value
        return True
    section = document.get(name)
    if section is not None and not isinstance(section, Mapping):
        return False
    document[name] = dict(section or {})
    return put(document[name], rest, value)
