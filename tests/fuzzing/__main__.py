"""`make fuzz`: random cases on the oracle, un-jitted and compiled until a million order-bars agreed bit for bit."""

import argparse
import os
import secrets
import sys
from pathlib import Path

from fuzzing.files import FOUND
from fuzzing.running import campaign, write_reproducer

ORDER_BARS = 1_000_000
STEPPED_EVERY = 10
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """0 where all paths agreed, 1 where two parted, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=…", description=__doc__)
    parser.add_argument("--seed", default=str(secrets.randbelow(10**6)), help="the same seed draws the same cases")
    parser.add_argument("--order-bars", type=int, default=ORDER_BARS, help="an order at work on a bar counts one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--found", type=Path, default=FOUND, help="where the case file of a divergence is written")
    options = parser.parse_args(arguments)
    try:
        say(f"seed {options.seed} (again: make fuzz ARGS='--seed {options.seed}'), {options.processes} processes")
        tally, divergence = campaign(
            options.seed, options.order_bars, processes=options.processes, stepped_every=STEPPED_EVERY, report=say
        )
        if divergence is None:
            say(f"no divergence: {tally.text()}")
            return 0
        say(f"case {divergence.task.seed} parts: {divergence.comparison.difference}")
        say("shrinking")
        path = write_reproducer(divergence, options.found)
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    say(f"reproducer: {path}; tests/fuzzing reads what lies in {FOUND.name}/")
    return 1


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
