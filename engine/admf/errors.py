"""Every error of ADMF, one tree:

    AdmfError                 anything this package raises on purpose
    ├── InputError            bad input: nothing has run                                exit code 2
    │   ├── DataError         a file, table or market cannot be used as it is
    │   ├── ConfigError       a config key, parameter or argument is unknown or out of range
    │   ├── OrderError        the orders table is refused at the door
    │   └── OutputError       results cannot be written where they should go
    └── FailedError           a run began or was about to begin, and failed             exit code 1
        ├── StrategyError     the user's strategy or law does not compile, or fails at run
        ├── CapacityError     a buffer or a memory limit is too small for the run
        └── RunError          anything else that ends a run

A message is written for people: what is wrong and where, what was found, what is allowed, what to do.
"""


def counted(count: int, noun: str) -> str:
    """A number of things: `1 order`, `1,200 orders`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class AdmfError(Exception):
    """Anything this package raises on purpose; `exit_code` is what the command line returns for it."""

    exit_code = 1

    def __init__(self, message: str, *, field: str = "", found: object = None, allowed: str = "", remedy: str = ""):
        """`message` says what is wrong, `found` is shown by its repr, the others are shown as they are."""
        super().__init__(message)
        self.field = field
        self.found = found
        self.allowed = allowed
        self.remedy = remedy

    def __str__(self) -> str:
        lead = f"{self.field}: " if self.field else ""
        tail = [
            f"found {self.found!r}" if self.found is not None else "",
            f"allowed: {self.allowed}" if self.allowed else "",
            self.remedy,
        ]
        message = lead + str(self.args[0])
        return ("\n" if "\n" in message else "; ").join([message, *filter(None, tail)])


class InputError(AdmfError):
    """Bad input: nothing has run."""

    exit_code = 2


class DataError(InputError):
    """A file, table or market cannot be used as it is."""


class ConfigError(InputError):
    """A config key, parameter or argument is unknown or out of range."""


class OrderError(InputError):
    """The orders table is refused at the door."""


class OutputError(InputError):
    """Results cannot be written where they should go."""


class FailedError(AdmfError):
    """A run began or was about to begin, and failed."""


class StrategyError(FailedError):
    """The user's strategy or law does not compile, or fails at run."""


class CapacityError(FailedError):
    """A buffer or a memory limit is too small for the run."""


class RunError(FailedError):
    """Anything else that ends a run."""
