"""What one process stores and another loads."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jit.conftest import Child

USER = "from near import helper\ndef hook(x):\n    return helper(x)\n"
NEAR = "import far\ndef helper(x):\n    return far.deep(x) + 1.0\n"
FAR = "FACTOR = 10.0\ndef deep(x):\n    return x * FACTOR\n"
FAR_MOVED = (
    '"""Moved."""\n# a comment\n\n\nFACTOR = 10.0\n\n\ndef deep(x):\n    """A docstring."""\n    return x * FACTOR\n'
)
RUN_USER = "import user\nreport(value=run(user.hook))"


def _write(folder: Path, **modules: str) -> None:
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)


def test_same_code_loads_and_an_edit_two_files_away_compiles(child: Child, tmp_path: Path) -> None:
    _write(tmp_path, user=USER, near=NEAR, far=FAR)
    first = child(RUN_USER)
    assert (first["value"], first["compiled"], first["loaded"]) == (64.0 + 18.0, 3, 0)
    again = child(RUN_USER)
    assert (again["value"], again["compiled"], again["loaded"]) == (82.0, 0, 2)
    _write(tmp_path, far=FAR_MOVED)
    moved = child(RUN_USER)
    assert (moved["value"], moved["compiled"], moved["loaded"]) == (82.0, 0, 2)
    _write(tmp_path, far=FAR.replace("10.0", "20.0"))
    edited = child(RUN_USER)
    assert edited["value"] == 124.0 + 18.0
    assert (edited["compiled"], edited["loaded"]) == (2, 1), "the hook and the loop; the shared kernel is loaded"
    _write(tmp_path, far=FAR)
    assert child(RUN_USER)["compiled"] == 0


def test_a_bounds_checked_process_never_runs_unchecked_code(child: Child) -> None:
    code = (
        "def hook(x):\n    return LONG[:2][int(x)]\nLONG = np.arange(8.0)\n"
        "try:\n    found = run(hook, toy.only_hook)\nexcept IndexError:\n    found = 'IndexError'\nreport(found=found)"
    )
    unchecked = child(code, NUMBA_BOUNDSCHECK="0")
    assert (unchecked["found"], unchecked["loaded"]) == (6.0, 0)
    checked = child(code, NUMBA_BOUNDSCHECK="1")
    assert (checked["found"], checked["loaded"]) == ("IndexError", 0)
    assert child(code, NUMBA_BOUNDSCHECK="0")["found"] == 6.0


SAME_NAME = """
def make(factor):
    def step(x, depth):  # recursive, so that it stays a function of its own
        return step(x, depth - 1) if depth > 0 else x * factor
    def strategy(x):
        return step(x, 3)
    return strategy
report(values=[run(make(factor)) - 18.0 for factor in {factors}])
"""


def test_strategies_of_one_name_keep_their_bodies_across_processes(child: Child) -> None:
    assert child(SAME_NAME.format(factors=[1.0]))["values"] == [6.0]
    assert child(SAME_NAME.format(factors=[2.0]))["values"] == [12.0]
    both = child(SAME_NAME.format(factors=[1.0, 2.0, 3.0]))
    assert both["values"] == [6.0, 12.0, 18.0]
    assert (both["loaded"], both["compiled"]) == (3, 2), "two loops and the shared kernel; a third compiled beside them"
    assert child(SAME_NAME.format(factors=[3.0, 2.0, 1.0]))["values"] == [18.0, 12.0, 6.0]


def test_processes_may_write_one_entry_at_once(
    start_child: Callable[..., subprocess.Popen[str]], cache_dir: Path
) -> None:
    code = "def hook(x):\n    return x + 1.0\nreport(value=run(hook))"
    processes = [start_child(code) for _ in range(4)]
    for process in processes:
        out, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        assert json.loads(out)["value"] == 10.0 + 18.0
    assert sorted(path.suffix for path in cache_dir.iterdir()) == [".kernel"] * 3
    last = start_child(code)
    out, error = last.communicate(timeout=60)
    assert last.returncode == 0, error
    assert json.loads(out)["value"] == 28.0


def test_without_the_compiler_everything_is_plain(child: Child) -> None:
    code = "def hook(x):\n    return x + 1.0\nreport(value=run(hook), kind=type(specialise(toy.template)).__name__)"
    found = child(code, NUMBA_DISABLE_JIT="1")
    assert (found["value"], found["kind"], found["compiled"]) == (28.0, "function", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_processes_do_not_share_a_counter_of_symbols(child: Child) -> None:
    code = """
import os
from numba.core.bytecode import FunctionIdentity
ids = [next(FunctionIdentity._unique_ids)]
for _ in range(2):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, str(next(FunctionIdentity._unique_ids)).encode())
        os._exit(0)
    os.wait()
    ids.append(int(os.read(reader, 100)))
report(ids=ids)
"""
    ids = sorted(child(code)["ids"])
    assert ids[1] - ids[0] > 1000
    assert ids[2] - ids[1] > 1000
