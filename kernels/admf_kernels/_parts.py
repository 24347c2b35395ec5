"""The largest kernel compiles in a process of its own, on another core, while this one compiles the rest: a cold start
then takes as long as the longer half. The processes share nothing but the cache on disk.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from numba.core.dispatcher import Dispatcher

from admf_kernels._cache import DiskCache, can_store
from admf_kernels._linking import optimised_once

_CODE = "import sys; from admf_kernels._apart import compile_one; compile_one(sys.argv[1])"


class Part(NamedTuple):
    """A kernel that a template calls."""

    name: str  # qualified, from its content
    dispatcher: "Dispatcher[Any]"
    takes: tuple[Any, ...]  # types of its arguments
    apart: bool  # it may compile in another process: no code of the user's is in it

    def is_missing(self) -> bool:
        """Whether it has to be compiled."""
        cache: DiskCache = self.dispatcher._cache
        return not self.dispatcher.overloads and not cache.has_entry()


def compile_parts(parts: Iterable[Part]) -> None:
    """Compiles what is missing of `parts` on two cores; does nothing where there is nothing to share out."""
    missing = [part for part in parts if part.is_missing()]
    apart = next((part for part in missing if part.apart), None)
    if apart is None or len(missing) < 2 or (os.cpu_count() or 1) < 2 or not _can_start() or not can_store():
        return
    with _start(apart.name) as process:
        try:
            with optimised_once():
                for part in missing:
                    if part is not apart:
                        part.dispatcher.compile(part.takes)
            process.wait()
        except BaseException:
            process.kill()
            raise


def _can_start() -> bool:
    """Whether `sys.executable` is an interpreter; in an application that embeds Python it is the application."""
    return Path(sys.executable or "").name.startswith("python")


def _start(name: str) -> "subprocess.Popen[bytes]":
    roots = [str(Path(__file__).resolve().parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(roots)}
    silent = subprocess.DEVNULL
    command = [sys.executable, "-P", "-c", _CODE, name]
    return subprocess.Popen(command, env=environment, stdin=silent, stdout=silent, stderr=silent)
