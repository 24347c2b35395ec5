"""Kinds of fields: how what a user writes is read, what is allowed, and which number a record holds for it.

Every field of `Execution`, `Account` and the models has one kind; parsing, casting and the schema come from it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

from admf.errors import ConfigError
from admf.models.problems import unknown_name
from admf_kernels.codes import Code

NONE_WORD = "none"


class Kind(Protocol):
    """What the kinds have in common."""

    def read(self, value: Any, field: str) -> Any:
        """The value in its normal form; ConfigError with `field`, the value found and what is allowed."""
        ...

    def schema(self) -> dict[str, Any]:
        """JSON Schema of what may be written."""
        ...


@dataclass(frozen=True)
class Word:
    """One word out of the members of a code, in any case; kept in lower case."""

    code: type[Code]

    def read(self, value: Any, field: str) -> str:
        """The word in lower case."""
        words = self.code.words()
        if not isinstance(value, str) or value.lower() not in words:
            raise unknown_name(value, words, field=field, what="word")
        return value.lower()

    def number(self, value: str) -> int:
        """The code of the word."""
        return int(self.code[value.upper()])

    def allowed(self) -> str:
        """The words."""
        return ", ".join(self.code.words())

    def schema(self) -> dict[str, Any]:
        """One constant with its meaning for each word."""
        return {"oneOf": [{"const": member.name.lower(), "description": member.text} for member in self.code]}


@dataclass(frozen=True)
class Flags:
    """Words that are the bits of a code: a list, or one text with commas; kept as a tuple in order of the bits."""

    code: type[Code]

    def read(self, value: Any, field: str) -> tuple[str, ...]:
        """Each word once."""
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(parts, Iterable) or isinstance(parts, Mapping):
            raise unknown_name(value, self.code.words(), field=field, what="list of words")
        found = {Word(self.code).read(part, field) for part in parts}
        return tuple(word for word in self.code.words() if word in found)

    def number(self, value: tuple[str, ...]) -> int:
        """The bits."""
        return sum(int(self.code[word.upper()]) for word in value)

    def schema(self) -> dict[str, Any]:
        """A list of words, or one text."""
        return {"anyOf": [{"type": "array", "items": Word(self.code).schema()}, {"type": "string"}]}


@dataclass(frozen=True)
class Number:
    """A finite number within bounds; `whole` for counts; with `absent` None (or the word `none`) means "not there"."""

    minimum: float | None = None  # inclusive
    above: float | None = None  # exclusive
    maximum: float | None = None  # inclusive
    whole: bool = False
    absent: float | None = None  # what the record holds for None

    def read(self, value: Any, field: str) -> float | int | None:
        """A float, an int for counts, None where absent."""
        if self.absent is not None and (value is None or (isinstance(value, str) and value.lower() == NONE_WORD)):
            return None
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ConfigError("not a number", field=field, found=value, allowed=self.allowed())
        number = float(value)
        if not self._within(number):
            raise ConfigError("out of range", field=field, found=value, allowed=self.allowed())
        return int(number) if self.whole else number

    def _within(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.minimum is None or value >= self.minimum)
            and (self.above is None or value > self.above)
            and (self.maximum is None or value <= self.maximum)
            and (not self.whole or value == int(value))
        )

    def number(self, value: float | None) -> float:
        """What the record holds."""
        if value is None:
            assert self.absent is not None
            return self.absent
        return value

    def allowed(self) -> str:
        """The bounds in words."""
        words = "a whole number" if self.whole else "a finite number"
        bounds = [(">=", self.minimum), (">", self.above), ("<=", self.maximum)]
        words += " and".join(f" {sign} {bound:g}" for sign, bound in bounds if bound is not None)
        return words + (", or none" if self.absent is not None else "")

    def schema(self) -> dict[str, Any]:
        """Type and bounds."""
        bounds = {"minimum": self.minimum, "exclusiveMinimum": self.above, "maximum": self.maximum}
        number: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        number |= {name: bound for name, bound in bounds.items() if bound is not None}
        return number if self.absent is None else {"anyOf": [number, {"type": "null"}, {"const": NONE_WORD}]}


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def read(self, value: Any, field: str) -> bool:
        """The truth value; text is not taken for one."""
        if not isinstance(value, bool):
            raise ConfigError("not true or false", field=field, found=value, allowed="true, false")
        return value

    def number(self, value: bool) -> int:
        """0 or 1."""
        return int(value)

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Text:
    """A text that is not empty."""

    def read(self, value: Any, field: str) -> str:
        """The text as it stands."""
        if not isinstance(value, str) or not value.strip():
            raise ConfigError("not a name", field=field, found=value, allowed="text")
        return value

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Names:
    """Several texts, each once, or None."""

    def read(self, value: Any, field: str) -> tuple[str, ...] | None:
        """A tuple; one text counts as a list of itself."""
        if value is None:
            return None
        parts = [value] if isinstance(value, str) else value
        if not isinstance(parts, Iterable) or isinstance(parts, Mapping):
            raise ConfigError("not a list", field=field, found=value, allowed="a list of names")
        found = tuple(dict.fromkeys(Text().read(part, field) for part in parts))
        if not found:
            raise ConfigError("empty", field=field, found=value, allowed="one name or more, or none at all")
        return found

    def schema(self) -> dict[str, Any]:
        """A list of texts, one text, or null."""
        return {
            "anyOf": [{"type": "array", "items": Text().schema(), "minItems": 1}, Text().schema(), {"type": "null"}]
        }


@dataclass(frozen=True)
class Pairs:
    """Initial positions: symbol -> (quantity, price), also as a mapping with these two names."""

    def read(self, value: Any, field: str) -> dict[str, tuple[float, float]] | None:
        """A dict of pairs of floats; None where there are none."""
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise ConfigError("not a mapping", field=field, found=value, allowed="symbol: [quantity, price]")
        return {str(symbol): read_pair(pair, f"{field}.{symbol}") for symbol, pair in value.items()} or None

    def schema(self) -> dict[str, Any]:
        """A mapping of pairs."""
        pair = {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "minItems": 2, "maxItems": 2}
        return {"type": ["object", "null"], "additionalProperties": pair}


def read_pair(pair: Any, field: str) -> tuple[float, float]:
    """Quantity (signed, not 0) and price (above 0) of one initial position."""
    if isinstance(pair, Mapping) and pair.keys() == {"quantity", "price"}:
        pair = (pair["quantity"], pair["price"])
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ConfigError("not a pair", field=field, found=pair, allowed="[quantity, price]")
    quantity, price = Number().read(pair[0], f"{field}.quantity"), Number(above=0.0).read(pair[1], f"{field}.price")
    if not quantity:
        raise ConfigError("no position", field=f"{field}.quantity", found=quantity, allowed="a number other than 0")
    return float(quantity), float(price or 0.0)
