"""What one sees from outside: seconds from the start of a process to its end, and the most memory it ever held."""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ROOT, SOURCE_ROOTS
from benchmarks.workloads import SEED

COMMAND_LINE = "from admf.cli import main; main()"
RUN = ("run", str(ROOT / "configs" / "sma_cross.yaml"))  # 100,000 bars made in the process
BASELINE = "import numba, polars"

MAKE_BARS = f"""
import sys, polars, admf
arrays = admf.Market([admf.generate(bars=int(sys.argv[1]), seed={SEED})]).arrays
columns = {{name: getattr(arrays, name)[:, 0] for name in ("open", "high", "low", "close", "volume")}}
stamps = polars.Series("timestamp", arrays.timestamp).cast(polars.Datetime("ns"))
polars.DataFrame(columns).insert_column(0, stamps).write_parquet(sys.argv[2])
"""
RUN_ON_FILE = """
import pathlib, re, resource, sys, admf
result = admf.backtest(admf.load(sys.argv[1]), admf.strategies.SmaCross(fast=10, slow=50), record="summary")
print(result.summary())
status = pathlib.Path("/proc/self/status")
if status.exists():  # ru_maxrss there begins with what the process that started this one ever held
    kib = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1])
else:
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print("peak", kib)
"""


@dataclass(frozen=True)
class Finished:
    """What one process took."""

    seconds: float  # wall clock
    cpu_s: float  # of all its threads
    output: str


def start(arguments: list[str], cache_dir: Path) -> Finished:
    """Runs a Python process to its end; RuntimeError with its output where it fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(SOURCE_ROOTS), "ADMF_CACHE_DIR": str(cache_dir)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode: 0.3 s
    with tempfile.TemporaryFile("w+") as output:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with {process.returncode}:\n{text}")
    return Finished(seconds, usage.ru_utime + usage.ru_stime, text)


def admf_command(*arguments: str, cache_dir: Path) -> Finished:
    """`admf ARGUMENTS` in a process of its own."""
    return start(["-c", COMMAND_LINE, *arguments], cache_dir)


@dataclass(frozen=True)
class Startup:
    """One kind of start; the target is the project's, `expected_s` was written down before measuring."""

    name: str
    what: str
    arguments: tuple[str, ...]
    target_s: float
    expected_s: float
    cold: bool = False
    rounds: int = 5


STARTUPS = (
    Startup("help", "admf --help", ("--help",), 0.25, 0.15),
    Startup("warm", "admf run, 100k bars, warm cache, to the printed result", RUN, 1.6, 0.8),
    Startup("cold", "admf run, 100k bars, empty cache, to the printed result", RUN, 9.0, 9.5, cold=True, rounds=2),
)


def measure(startup: Startup, cache_dir: Path) -> list[Finished]:
    """Every round; where `cold`, each with an empty cache. One start before them writes Python's own bytecode."""
    admf_command(*startup.arguments, cache_dir=cache_dir)
    found = []
    for _ in range(startup.rounds):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) if startup.cold else cache_dir
            found.append(admf_command(*startup.arguments, cache_dir=folder))
    return found


def least(finished: list[Finished]) -> Finished:
    """The round that was disturbed least."""
    return min(finished, key=lambda one: one.seconds)


def imports(cache_dir: Path) -> Finished:
    """Importing numba and polars alone: the floor below a warm start."""
    return least([start(["-c", BASELINE], cache_dir) for _ in range(3)])


BEYOND_IMPORTS_S = 0.7  # of a warm start, where importing numba and polars alone is slow
MEMORY_TARGET_MIB, MEMORY_EXPECTED_MIB = 1024.0, 850.0


def memory_mib(bar_count: int, cache_dir: Path) -> float:
    """The most memory of a process that loads a Parquet file of bars and runs the SMA cross at record=summary."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "bars.parquet")
        start(["-c", MAKE_BARS, str(bar_count), path], cache_dir)
        output = start(["-c", RUN_ON_FILE, path], cache_dir).output
    return float(output.split()[-1]) / 1024
