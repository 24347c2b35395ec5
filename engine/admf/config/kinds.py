"""Kinds of fields that only the configuration has; the others are those of `admf.models`."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from admf.errors import ConfigError
from admf.models import unknown_name

OWN_CLASS = "module:Class"
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)", re.IGNORECASE)


@dataclass(frozen=True)
class Choice:
    """One of a few words, in any case; kept as it is listed."""

    words: tuple[str, ...]

    def read(self, value: Any, field: str) -> str:
        """The word as listed."""
        listed = {word.lower(): word for word in self.words}
        if not isinstance(value, str) or value.lower() not in listed:
            raise unknown_name(value, self.words, field=field, what="word")
        return listed[value.lower()]

    def schema(self) -> dict[str, Any]:
        """The words."""
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class ClassName:
    """A class of ours by its name, or one of the user's own as `module:Class`."""

    words: tuple[str, ...]

    def read(self, value: Any, field: str) -> str:
        """The name."""
        if isinstance(value, str) and ":" in value:
            return value
        return Choice((*self.words, OWN_CLASS)).read(value, field)

    def schema(self) -> dict[str, Any]:
        """The names, or a text with a colon."""
        return {"anyOf": [{"enum": list(self.words)}, {"type": "string", "pattern": ".+:.+"}]}


@dataclass(frozen=True)
class Switch:
    """True or false."""

    def read(self, value: Any, field: str) -> bool:
        """The value as it stands."""
        if not isinstance(value, bool):
            raise ConfigError("not a truth value", field=field, found=value, allowed="true, false")
        return value

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Moment:
    """A date or time: a YAML date, or ISO text."""

    def read(self, value: Any, field: str) -> date:
        """A date or datetime."""
        if isinstance(value, date):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            allowed = "a date or time such as 2024-03-01 or 2024-03-01T14:30"
            raise ConfigError("not a date", field=field, found=value, allowed=allowed) from None
        return moment.date() if len(str(value)) <= len("2024-03-01") else moment

    def schema(self) -> dict[str, Any]:
        """ISO text."""
        return {"type": "string", "description": "a date or time in ISO form"}


@dataclass(frozen=True)
class Size:
    """Bytes as text with a unit, such as 512MB."""

    def read(self, value: Any, field: str) -> str:
        """The text as it stands."""
        if not isinstance(value, str) or not SIZE.fullmatch(value.strip()):
            allowed = "a number with B, KB, MB, GB or TB: 512MB"
            raise ConfigError("not a size", field=field, found=value, allowed=allowed)
        return value.strip()

    def schema(self) -> dict[str, Any]:
        """Text with a unit."""
        return {"type": "string", "pattern": SIZE.pattern}


@dataclass(frozen=True)
class Speed:
    """How fast historical bars come: a word, or how many times as fast as they came."""

    def read(self, value: Any, field: str) -> str | float:
        """`fast`, or a number above zero; `real` is 1.0."""
        if isinstance(value, str) and value.lower() in ("fast", "real"):
            return "fast" if value.lower() == "fast" else 1.0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < float("inf"):
            raise ConfigError("not a speed", field=field, found=value, allowed="fast, real, or a number above zero")
        return float(value)

    def schema(self) -> dict[str, Any]:
        """A word or a number."""
        return {"anyOf": [{"enum": ["fast", "real"]}, {"type": "number", "exclusiveMinimum": 0}]}


@dataclass(frozen=True)
class RateOrFile:
    """What a unit of a currency is worth: a number, or a file of rates."""

    def read(self, value: Any, field: str) -> float | str:
        """The number above zero, or the text."""
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < float("inf"):
            raise ConfigError("not a rate", field=field, found=value, allowed="a number above zero, or a file of rates")
        return float(value)

    def schema(self) -> dict[str, Any]:
        """A number or text."""
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "minLength": 1}]}


@dataclass(frozen=True)
class SessionRule:
    """How bars are cut into sessions: a word, a file of opens and closes, or the name of a calendar."""

    def read(self, value: Any, field: str) -> str:
        """The words in lower case, anything else as it stands: the market knows what it can be."""
        if not isinstance(value, str) or not value.strip():
            allowed = "date, gaps, a file of opens and closes, or a calendar such as XNYS"
            raise ConfigError("not a way to cut sessions", field=field, found=value, allowed=allowed)
        word = value.strip()
        return word.lower() if word.lower() in ("date", "gaps") else word

    def schema(self) -> dict[str, Any]:
        """A word or text."""
        return {"anyOf": [{"enum": ["date", "gaps"]}, {"type": "string", "description": "file of hours, or calendar"}]}


@dataclass(frozen=True)
class Symbols:
    """A list of symbols, or one."""

    def read(self, value: Any, field: str) -> tuple[str, ...]:
        """A tuple of names, each once."""
        names = [value] if isinstance(value, str) else value
        readable = isinstance(names, list | tuple) and all(isinstance(name, str) and name for name in names)
        if not readable or not names:
            raise ConfigError("not a list of symbols", field=field, found=value, allowed="[AAPL, MSFT]")
        return tuple(dict.fromkeys(names))

    def schema(self) -> dict[str, Any]:
        """A list of texts, or one."""
        return {"anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"type": "string"}]}
