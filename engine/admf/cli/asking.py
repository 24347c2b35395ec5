"""The commands that say what is there: in a bar file, on this machine, in worked cases."""

from pathlib import Path
from typing import Any

from admf.cli.options import Json, Label
from admf.cli.show import Progress, print_facts, print_json, print_rich


def data(
    file: Path,
    /,
    *,
    symbol: str | None = None,
    label: Label = "open",
    tz: str = "UTC",
    json: Json = False,
) -> None:
    """Say what is in a bar file, and which defects it has.

    Parameters
    ----------
    file
        Bar file (.parquet, .csv, .arrow, .feather).
    symbol
        Which symbol, where the file holds several.
    label
        Whether a stamp is the bar's open or its close.
    tz
        Time zone of stamps that do not say.
    json
        Print one JSON object.
    """
    from admf.data import load
    from admf.errors import DataError

    try:
        report = load(file, symbol, on_defect="repair", label=label, tz=tz).defects
    except DataError as error:
        if error.field == "symbol":
            error.remedy = "choose one with --symbol"
        raise
    if json:
        print_json(report.as_dict())
    else:
        print_rich(report)


def info(*, json: Json = False) -> None:
    """Versions, processor, compile cache, and the strategies that have a name.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    import os
    import platform
    from importlib.metadata import version

    from llvmlite.binding import get_host_cpu_name

    from admf import __version__
    from admf.strategies import REGISTRY
    from admf_kernels._jit import cache_info

    facts: dict[str, Any] = {
        "admf": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numba", "numpy", "polars", "pyarrow")},
        "platform": platform.platform(),
        "processor": get_host_cpu_name(),
        "cores": os.cpu_count(),
        "compile_cache": cache_info(),
        "strategies": {name: kind().parameters for name, kind in REGISTRY.items()},
    }
    if json:
        print_json(facts)
    else:
        print_facts(facts)


def warmup(configs: tuple[Path, ...] = (), /, *, json: Json = False) -> None:
    """Compile ahead: the library's strategies, or what runs of the given configurations need.

    Parameters
    ----------
    configs
        YAML files; without a strategy for `admf simulate`.
    json
        Print one JSON object.
    """
    from admf.config import load_config

    loaded = [load_config(path, needs=()) for path in configs]

    from admf.run import warmup as compile_ahead

    with Progress("compiling"):
        done = compile_ahead(loaded)
    if json:
        print_json(done)
    else:
        print_facts(done)


def cases(paths: tuple[Path, ...], /, *, json: Json = False) -> None:
    """Run worked cases with known fills and compare; exit code 1 if one differs.

    Parameters
    ----------
    paths
        Case files or folders of them.
    json
        Print one JSON object.
    """
    from collections import Counter

    from admf.cases.runner import run_paths
    from admf.errors import RunError

    verdicts = run_paths(paths)
    counts = Counter(verdict["status"] for verdict in verdicts)
    if json:
        print_json({"cases": verdicts})
    else:
        for verdict in verdicts:
            print_verdict(verdict)
        print(", ".join(f"{counts[status]} {status}" for status in ("passed", "failed", "unsupported")))
    if counts["failed"]:
        raise RunError(f"{counts['failed']} of {len(verdicts)} cases failed")


def print_verdict(verdict: dict[str, Any]) -> None:
    """One line; for a case that differs also what was expected and found."""
    reason = f"  {verdict['reason']}" if verdict["reason"] else ""
    print(f"{verdict['status']:<12}{verdict['id']}{reason}")
    if verdict["status"] != "failed" or verdict["found"] is None:
        return
    for name, expected in verdict["expected"].items():
        found = verdict["found"][name]
        if expected != found:
            print(f"    {name}\n      expected {expected}\n      found    {found}")
