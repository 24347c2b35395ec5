"""The command line: `admf`. Nothing heavy is imported before a command needs it, so that --help answers at once."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

FAILED = 1
BAD_USAGE = 2
INTERRUPTED = 130
STEP_ADVICE = "NUMBA_DISABLE_JIT=1 in the environment steps the same code in plain Python, with line numbers"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits: 0 done, 1 the run failed, 2 bad input or usage, 130 interrupted."""
    raise SystemExit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Runs one command and returns its exit code; an error is one message on standard error."""
    debug = "--debug" in arguments
    try:
        dispatch([argument for argument in arguments if argument != "--debug"])
        sys.stdout.flush()
    except KeyboardInterrupt:
        return failed("interrupted", INTERRUPTED, debug)
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except SystemExit:
        raise
    except BaseException as error:  # panics of polars are no Exceptions
        message, code = explain(error)
        return failed(message, code, debug)
    return 0


def dispatch(arguments: list[str]) -> None:
    """Parses the arguments and calls the command."""
    from admf.cli.commands import app

    app(spread_sets(arguments), exit_on_error=False, print_error=False, result_action="return_value")


def spread_sets(arguments: Sequence[str]) -> list[str]:
    """`--set a=1 b=2` means `--set a=1 --set b=2`."""
    spread: list[str] = []
    setting = False
    for argument in arguments:
        if setting and "=" in argument and not argument.startswith("-") and spread[-1] != "--set":
            spread.append("--set")
        setting = argument == "--set" or (setting and "=" in argument and not argument.startswith("-"))
        spread.append(argument)
    return spread


def explain(error: BaseException) -> tuple[str, int]:
    """What to say about an error, and the exit code."""
    from cyclopts import CycloptsError

    from admf.errors import AdmfError

    if isinstance(error, AdmfError):
        if "debug=True" in error.remedy:  # an argument in Python
            error.remedy = STEP_ADVICE
        return str(error), error.exit_code
    if isinstance(error, CycloptsError):
        return f"{str(error).strip()}\nsee admf --help", BAD_USAGE
    return f"unexpected {type(error).__name__}: {error}; --debug shows where", FAILED


def failed(message: str, code: int, debug: bool) -> int:
    """Writes the message, with the traceback where it is asked for."""
    if debug:
        from traceback import print_exc

        print_exc(file=sys.stderr)
    print(f"admf: {message}", file=sys.stderr)
    return code
