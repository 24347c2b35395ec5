"""What a strategy writes, read: words of codes, fields of a ticket, parameters of a class."""

from collections.abc import Mapping
from math import isnan
from typing import Any

from admf.errors import ConfigError
from admf.events.kinds import Ticket
from admf.models import unknown_name
from admf_kernels.codes import Code, OrderType, SizeKind, TimeInForce


def kind_of(limit: float, stop: float) -> OrderType:
    """The type of an order by the prices it has."""
    if not isnan(limit):
        return OrderType.LIMIT if isnan(stop) else OrderType.STOP_LIMIT
    return OrderType.MARKET if isnan(stop) else OrderType.STOP


WORDS: dict[str, type[Code]] = {"time_in_force": TimeInForce, "size_kind": SizeKind}


def read_words(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a ticket with words as codes; ConfigError for a field that it does not have."""
    made = {}
    for name, value in fields.items():
        if name not in Ticket._fields[5:]:
            raise unknown_name(name, Ticket._fields[5:], field="submit", what="field")
        made[name] = read_word(WORDS[name], value) if name in WORDS else value
    return made


def read_word(code: type[Code], value: Any) -> Any:
    """A member of a code from itself or its word; ConfigError for another."""
    if isinstance(value, code):
        return value
    if isinstance(value, str) and value.upper() in code.__members__:
        return code[value.upper()]
    raise unknown_name(value, code.words(), field=code.__name__, what="word")


def read_parameter(value: Any, kind: type[Any], field: str) -> Any:
    """A parameter in its type; whole numbers pass for floats. ConfigError for another type."""
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not fits:
        raise ConfigError("wrong type", field=field, found=value, allowed=kind.__name__)
    return value
