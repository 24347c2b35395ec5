"""The table that `python -m benchmarks` prints; progress goes to standard error."""

import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import ROOT, agreement, peers, processes, sweeping
from benchmarks.timing import medians_s
from benchmarks.workloads import BRACKET, MILLION, SMA_CROSS, WORKLOADS, Workload, market

ROUNDS, ROUNDS_LARGE = 7, 3
NS = 1e9
PEER_TARGET = 10.0  # times the peer
BOUNDS_TARGET = 2.5  # times one run
README = ROOT / "README.md"
MARKS = re.compile(r"(<!-- speed: [^\n]*-->\n).*?(<!-- end of speed -->)", flags=re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One line of the table, in words; `met` is None where there is no target."""

    what: str
    size: str
    measured: str
    target: str = ""
    expected: str = ""
    met: bool | None = None
    note: str = ""


def note(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def in_process(workload: Workload, bar_count: int) -> Iterator[Line]:
    """Our time a bar, and beside it the peer's, all measured in turns."""
    note(f"{workload.name}: {bar_count:,} bars, first against plain Python and the oracle")
    agreement.require_agreement(workload)
    found = peers.engines() if workload is SMA_CROSS else {}
    words = {name: peers.require_agreement(engine) for name, engine in found.items()}
    bars = market(bar_count)
    actions = {"ours": partial(workload.run, bars)}
    for name, engine in found.items():
        actions[name] = partial(peers.peer(bar_count).run, engine)
    taken = medians_s(actions, ROUNDS if bar_count <= MILLION else ROUNDS_LARGE)
    ours = taken.pop("ours") * NS / bar_count / workload.working_count
    size = f"{bar_count:,} bars"
    metrics = workload.run(bars).metrics
    yield Line(
        workload.what,
        size,
        f"{ours:.1f} ns a bar" if workload.working_count == 1 else f"{ours:.1f} ns an order and bar",
        f"{workload.target_ns:g} ns" if workload.target_ns else "",
        f"{workload.expected_ns:g} ns",
        ours <= workload.target_ns if workload.target_ns else None,
        f"{metrics['orders']:,} orders, {metrics['fills']:,} fills",
    )
    for name, seconds in taken.items():
        theirs = seconds * NS / bar_count
        measured = f"{theirs:.0f} ns a bar: {theirs / ours:.1f} × ours"
        met = theirs / ours >= PEER_TARGET
        yield Line(f"  the same by {name}", size, measured, f"{PEER_TARGET:g} ×", "10 ×", met, words[name])
    if workload is SMA_CROSS and not found:
        yield Line("  the same by vectorbt", size, peers.NOT_INSTALLED, note="pip install 'vectorbt[rust]>=1.2,<2'")


def both_bounds() -> Line:
    """What two complete runs cost beside one."""
    note("bounds")
    bars, bounded = market(MILLION), replace(BRACKET, execution=BRACKET.execution.replace(bounds=True))
    agreement.require_agreement(replace(BRACKET, execution=BRACKET.execution.replace(path="best")))
    taken = medians_s({"one": partial(BRACKET.run, bars), "two": partial(bounded.run, bars)}, ROUNDS)
    ratio = taken["two"] / taken["one"]
    what = "  the same with bounds=True: worst and best path, complete"
    return Line(
        what, f"{MILLION:,} bars", f"{ratio:.2f} × one run", f"{BOUNDS_TARGET:g} ×", "2 ×", ratio <= BOUNDS_TARGET
    )


def starts(cache_dir: Path) -> Iterator[Line]:
    """Processes from start to end, wall clock of the least disturbed round."""
    note("importing numba and polars")
    floor = processes.imports(cache_dir)
    yield Line("python -c 'import numba, polars'", "", f"{floor.seconds:.2f} s ({floor.cpu_s:.2f} s cpu)")
    for startup in processes.STARTUPS:
        note(startup.what)
        found = processes.least(processes.measure(startup, cache_dir))
        beyond = found.seconds - floor.seconds
        met = found.seconds <= startup.target_s or (startup.name == "warm" and beyond <= processes.BEYOND_IMPORTS_S)
        yield Line(
            startup.what,
            "",
            f"{found.seconds:.2f} s ({found.cpu_s:.2f} s cpu)",
            f"{startup.target_s:g} s",
            f"{startup.expected_s:g} s",
            met,
            f"{beyond:.2f} s beyond those imports" if startup.name == "warm" else "",
        )


def memory(cache_dir: Path) -> Line:
    """Ten million bars from a Parquet file, summary only."""
    note("memory at ten million bars")
    mib = processes.memory_mib(10 * MILLION, cache_dir)
    target, expected = processes.MEMORY_TARGET_MIB, processes.MEMORY_EXPECTED_MIB
    what = "peak memory of the process, record=summary, bars from Parquet"
    return Line(what, "10,000,000 bars", f"{mib:.0f} MiB", f"{target:.0f} MiB", f"{expected:.0f} MiB", mib <= target)


def lines(large: bool, cache_dir: Path) -> Iterator[Line]:
    """Every line, in order."""
    for workload in WORKLOADS:
        yield from in_process(workload, MILLION)
        if workload is BRACKET:
            yield both_bounds()
    if large:
        yield from in_process(SMA_CROSS, 10 * MILLION)
    yield from sweeping.report(Line, note)
    yield from starts(cache_dir)
    yield memory(cache_dir)


def machine() -> str:
    """Where and under what load."""
    import numba
    import numpy as np

    versions = f"Python {platform.python_version()}, numba {numba.__version__}, NumPy {np.__version__}"
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{cpu_name()}, {os.cpu_count()} cores, {load} · {versions}"


def cpu_name() -> str:
    """The processor in words, where the system tells."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


MET = {True: "met", False: "missed", None: ""}
METHOD = "In one process: processor time, medians of turns; processes: wall clock, the least of the rounds."


def printed(found: list[Line], where: str) -> None:
    """The whole table, on standard output."""
    table = Table(title=where, title_justify="left", caption_justify="left", show_edge=False, pad_edge=False)
    for name in ("what", "size", "measured", "target", "expected", "", "note"):
        table.add_column(name, overflow="fold")
    for line in found:
        table.add_row(line.what, line.size, line.measured, line.target, line.expected, MET[line.met], line.note)
    table.caption = METHOD
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def put_into_readme(found: list[Line], where: str) -> None:
    """Writes the table between its marks in README.md; notes and expectations stay out."""
    rows = ["| what | bars | measured | target | |", "|---|---|---|---|---|"]
    for line in found:
        what = f"· {line.what.strip()}" if line.what.startswith(" ") else line.what
        cells = (what, line.size.removesuffix(" bars"), line.measured, line.target, MET[line.met])
        rows.append(f"| {' | '.join(cells)} |")
    text = f"On {where}. {METHOD}\n\n" + "\n".join(rows)
    page = README.read_text(encoding="utf-8")
    changed, count = MARKS.subn(lambda match: f"{match[1]}{text}\n{match[2]}", page)
    assert count == 1, "README.md has no place for the table"
    README.write_text(changed, encoding="utf-8")


def report(large: bool, readme: bool, cache_dir: Path) -> None:
    """Measures everything, then prints it; `readme` puts it into README.md as well."""
    where = machine()
    found = list(lines(large, cache_dir))
    printed(found, where)
    if readme:
        put_into_readme(found, where)
