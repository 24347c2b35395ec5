"""The entries on disk: damage, folders, size."""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from admf_kernels import _cache
from admf_kernels._jit import cache_info, clear_cache, compile_now, compile_stats, specialise
from jit import toy

VALUES = np.arange(4.0)
FRESH, STORED = (3, 0), (0, 2)  # (compiled, loaded): hook, loop and shared kernel; loop and shared kernel
NewProcess = Callable[[], None]


def plus_one(x: float) -> float:
    return x + 1.0


def _run(template: Callable[..., object] = toy.template) -> tuple[int, int]:
    """Compiles or loads, checks the result, and returns how many functions were (compiled, loaded)."""
    function = specialise(template, hooks={"hook": plus_one})
    compile_now(function, (VALUES,))
    assert function(VALUES) == (28.0 if template is toy.template else 10.0)
    found = compile_stats()
    return int(found["compiled"]), int(found["loaded"])


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.kernel"))


def test_the_second_time_loads(cache_dir: Path, new_process: NewProcess) -> None:
    assert _run() == FRESH
    assert len(_entries(cache_dir)) == 3
    new_process()
    assert _run() == STORED


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="truncated"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"garbage" * 100, id="garbage"),
        pytest.param(
            lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
            id="one bit",
        ),
    ],
)
def test_a_damaged_entry_compiles_again_and_is_replaced(
    damage: Callable[[bytes], bytes], cache_dir: Path, new_process: NewProcess
) -> None:
    _run()
    for path in _entries(cache_dir):
        path.write_bytes(damage(path.read_bytes()))
    new_process()
    assert _run() == FRESH
    new_process()
    assert _run() == STORED


def test_any_entry_may_be_missing(cache_dir: Path, new_process: NewProcess, tmp_path: Path) -> None:
    """A loop that calls a kernel by its symbol must not meet another compile of that kernel."""
    _run()
    complete = shutil.copytree(cache_dir, tmp_path / "complete")
    seen = set()
    for missing in _entries(cache_dir):
        shutil.copytree(complete, cache_dir, dirs_exist_ok=True)
        missing.unlink()
        new_process()
        seen.add(_run())
    assert seen == {STORED, (1, 2), (2, 1)}, "without the hook, the loop, the shared kernel"


def test_a_folder_that_cannot_be_written_costs_one_warning(
    tmp_path: Path, new_process: NewProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ADMF_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="cannot write the kernel cache in .*set ADMF_CACHE_DIR") as caught:
        assert _run() == FRESH
    assert len(caught) == 1
    assert cache_info()["entries"] == 0
    assert clear_cache() == 0


def test_cache_info_and_clear_cache(cache_dir: Path, new_process: NewProcess) -> None:
    _run()
    (cache_dir / "notes.txt").write_text("not ours")
    sizes = [path.stat().st_size for path in _entries(cache_dir)]
    found = cache_info()
    assert found == {"folder": str(cache_dir), "entries": 3, "bytes": sum(sizes), "hits": 0, "misses": 3}
    assert clear_cache() == 3
    assert cache_info()["entries"] == 0
    assert (cache_dir / "notes.txt").exists()
    assert _run() == FRESH, "what is in memory stays"
    new_process()
    assert _run() == FRESH, "nothing is left on disk"


def test_what_was_not_used_for_longest_is_pruned(
    cache_dir: Path, new_process: NewProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMF_CACHE_MAX_MB", "2")
    for name, size, age_s in (("old", 1_000_000, 500), ("used", 1_000_000, 100), ("older", 100, 900)):
        path = cache_dir / f"{name}.kernel"
        path.write_bytes(bytes(size))
        os.utime(path, (path.stat().st_mtime - age_s,) * 2)
    abandoned, current = cache_dir / "abandoned.tmp", cache_dir / "current.tmp"
    for path in (abandoned, current):
        path.write_bytes(b"")
    os.utime(abandoned, (0.0, 0.0))
    _run(toy.only_hook)
    left = {path.name for path in cache_dir.iterdir()}
    assert {"old.kernel", "older.kernel", "abandoned.tmp"}.isdisjoint(left)
    assert {"used.kernel", "current.tmp"} <= left
    assert len(_entries(cache_dir)) == 3, "the two new entries stay"


def test_loading_counts_as_use(cache_dir: Path, new_process: NewProcess) -> None:
    _run(toy.only_hook)
    for path in _entries(cache_dir):
        os.utime(path, (0.0, 0.0))
    new_process()
    assert _run(toy.only_hook) == (0, 1)
    assert sorted(path.stat().st_mtime > 0.0 for path in _entries(cache_dir)) == [False, True]


def test_a_limit_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMF_CACHE_MAX_MB", "large")
    with pytest.warns(UserWarning, match="ADMF_CACHE_MAX_MB is 'large', not a number; 512 is used"):
        assert _cache._cap_bytes() == 512e6


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, "home/.cache/admf"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/admf"),
        ("darwin", {"XDG_CACHE_HOME": "xdg"}, "home/Library/Caches/admf"),
        ("win32", {}, "home/AppData/Local/admf"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/admf"),
        ("win32", {"LOCALAPPDATA": "local", "ADMF_CACHE_DIR": "chosen"}, "chosen"),
    ],
)
def test_the_folder_is_the_users_cache_folder(
    platform: str, variables: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ADMF_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**variables, "HOME": "home", "USERPROFILE": "home"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert _cache.cache_folder() == Path(folder)


def test_a_user_without_a_home_gets_a_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_home() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("ADMF_CACHE_DIR", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setattr(_cache.tempfile, "gettempdir", lambda: str(tmp_path))
    assert _cache.cache_folder() == tmp_path / "admf"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owner on this system")
def test_an_entry_of_another_user_is_not_unpickled(
    cache_dir: Path, new_process: NewProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(toy.only_hook)
    new_process()
    monkeypatch.setattr(os, "geteuid", lambda: 12345678)
    assert _run(toy.only_hook) == (2, 0)


def test_entries_are_readable_by_their_owner_only(cache_dir: Path, new_process: NewProcess) -> None:
    _run(toy.only_hook)
    assert {path.stat().st_mode & 0o077 for path in _entries(cache_dir)} == {0}


def test_what_has_no_content_runs_without_the_disk(cache_dir: Path, new_process: NewProcess) -> None:
    foreign = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda x: x + 1.0)

    def hook(x: float) -> float:
        return foreign(x)

    for _ in range(2):
        new_process()
        with pytest.warns(
            UserWarning, match=r"hook reads foreign, <CFunctionType .*compiles again in every process"
        ) as caught:
            function = specialise(toy.only_hook, hooks={"hook": hook})
        assert len(caught) == 1
        compile_now(function, (VALUES,))
        assert function(VALUES) == 10.0
        assert (compile_stats()["compiled"], compile_stats()["loaded"]) == (2, 0)
    assert not _entries(cache_dir)
