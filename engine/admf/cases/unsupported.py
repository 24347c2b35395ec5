"""What a case asks for that the engine or this reader does not have."""

import math
from typing import Any


class Unsupported(Exception):  # noqa: N818 (not an error: a verdict on the case)
    """The case cannot be judged; the text names the key."""


def number(value: Any, where: str) -> float:
    """A number of a case: null is NaN, "inf" is infinite."""
    if value is None:
        return math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if value == "inf":
        return math.inf
    raise Unsupported(f"{where}: {value!r} is not a number")


def only(value: Any, allowed: Any, where: str) -> None:
    """A key of which one value is understood."""
    if value != allowed:
        raise Unsupported(f"{where}: {value!r} (understood: {allowed!r})")
