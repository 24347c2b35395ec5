"""Caches and processes of the compiler's tests."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numba.core import config

from admf_kernels import _build, _cache, _jit, _linking

Child = Callable[..., dict[str, Any]]

REPOSITORY = Path(__file__).resolve().parents[2]

BEGIN = """
import json, sys
import numpy as np
from admf_kernels._jit import *
from jit import toy
VALUES = np.arange(4.0)
def run(hook, template=toy.template, values=VALUES):
    function = specialise(template, hooks={"hook": hook})
    compile_now(function, (values,))
    return function(values)
def report(**found):
    print(json.dumps({**compile_stats(), **found}))
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the compiler there is nothing to see here."""
    for item in items:
        if config.DISABLE_JIT and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="NUMBA_DISABLE_JIT is set"))


@pytest.fixture
def new_process(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forgets what this process has compiled, as a new process would; the cache on disk stays."""

    def forget() -> None:
        monkeypatch.setattr(_build, "_memo", {})
        monkeypatch.setattr(_jit, "_specialised", {})
        monkeypatch.setattr(_cache, "counts", _cache._Counts())
        monkeypatch.setattr(_jit, "counts", _cache.counts)
        monkeypatch.setattr(_linking, "kernels", {})
        monkeypatch.setattr(_build, "kernels", _linking.kernels)

    forget()
    return forget


@pytest.fixture
def start_child(bare_environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a process that runs `code` after BEGIN, with the modules in `tmp_path` on its path."""

    def start(code: str, **variables: str) -> subprocess.Popen[str]:
        path = f"{bare_environment['PYTHONPATH']}:{REPOSITORY / 'tests'}:{tmp_path}"
        environment = {**bare_environment, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **variables}
        command = [sys.executable, "-W", "error", "-c", BEGIN + code]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def child(start_child: Callable[..., subprocess.Popen[str]]) -> Child:
    """Runs `code` in a new process and returns what it reported."""

    def run(code: str, **variables: str) -> dict[str, Any]:
        process = start_child(code, **variables)
        out, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        reported: dict[str, Any] = json.loads(out.splitlines()[-1])
        return reported

    return run
