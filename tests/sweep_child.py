"""A sweep in a process of its own, which tests stop, kill or let meet a full disk: `sweep_child.py FOLDER [HOW]`."""

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

import admf
from admf.strategies import BracketScalper
from admf.sweeps import entry, store
from sweep_support import market

GRID: dict[str, Any] = {"dip_bps": [1.0, 2.0, 4.0, 8.0], "patience": list(range(2, 22)), "stop_bps": [10.0, 20.0, 40.0]}
BARS = 4_000


class Deadly(admf.CompiledStrategy):
    """Ends the process that runs it where it is told to."""

    at: int = 1
    quantity: float = 1.0

    def on_bar(self, ctx):
        if self.at == 3 and ctx.bar == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        ctx.buy(self.quantity)


def study(out: Path | None, **options: Any) -> admf.Study:
    """The sweep of these tests."""
    return admf.sweep(
        market(BARS), BracketScalper(quantity=500.0), GRID, out=out, workers=2, **{"progress": False} | options
    )


def full_after(parts: int) -> None:
    """From then on the disk is full."""
    written = []
    real = os.fsync

    def fsync(number: int) -> None:
        written.append(number)
        if len(written) > parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(number)

    store.os.fsync = fsync  # type: ignore[attr-defined]


if __name__ == "__main__":
    how = sys.argv[2] if len(sys.argv) > 2 else ""
    entry.PART_S = 0.02
    if how == "full":
        full_after(2)

    def tell(done: int, total: int) -> None:
        print(done, total, flush=True)

    try:
        study(Path(sys.argv[1]), executor="process" if how == "process" else "thread", progress=tell)
    except admf.AdmfError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except admf.SweepInterrupted as stopped:
        print("kept", stopped.study.results.height, flush=True)
        sys.exit(130)
