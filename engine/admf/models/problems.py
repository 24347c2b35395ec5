"""Every fault of an input at once: collected, then raised as one error."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from admf.errors import ConfigError


class ConfigListError(ConfigError):
    """Several faults of one input; `errors` holds each with its field, the value found and what is allowed."""

    def __init__(self, errors: Iterable[ConfigError], title: str) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join([f"{title}: {len(self.errors)} problems", *(f"  {error}" for error in self.errors)]))


class Problems:
    """Collects ConfigListError; `raise_any` raises the only one as it is, or all as one."""

    def __init__(self) -> None:
        self.errors: list[ConfigError] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep the ConfigError of a block and go on after it."""
        try:
            yield
        except ConfigError as error:
            self.add(error)

    def add(self, error: ConfigError) -> None:
        """Keep one error; one that holds several is taken apart."""
        self.errors += error.errors if isinstance(error, ConfigListError) else [error]

    def raise_any(self, title: str) -> None:
        """Nothing if there are none."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise ConfigListError(self.errors, title)


def nearest(found: object, allowed: Iterable[str]) -> str:
    """The remedy of a misspelt name in any case, empty where nothing is near."""
    names = {name.lower(): name for name in allowed}
    close = get_close_matches(str(found).lower(), names, n=1, cutoff=0.6)
    return f"did you mean {names[close[0]]!r}?" if close else ""


def unknown_name(found: object, allowed: Iterable[str], *, field: str, what: str) -> ConfigError:
    """The error for a name that is not in a list."""
    names = list(allowed)
    remedy = nearest(found, names)
    return ConfigError(f"unknown {what}", field=field, found=found, allowed=", ".join(names), remedy=remedy)
