"""The disk cache of compiled kernels: one file per fingerprint and argument types, written whole or not at all.

Numba's own cache is not used because its key leaves out callees in other files, globals and flags such as BOUNDSCHECK.

Private numba names: CompileResult (`_reduce`, `_rebuild`), numba.core.serialize.dumps, and the cache protocol that
Dispatcher expects of its attribute `_cache`.
"""

import contextlib
import hashlib
import os
import pickle
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from admf_kernels._linking import are_met, needs

_SUFFIX = ".kernel"
_CACHES = {"darwin": ("Library/Caches", ""), "win32": ("AppData/Local", "LOCALAPPDATA")}  # below home, or a variable
_DEFAULT_CAP_MB = 512.0
_ABANDONED_S = 3600.0  # age at which an unfinished temporary file belongs to no living process


class _Counts:
    """What this process compiled and loaded; seconds do not count nested compiles twice."""

    def __init__(self) -> None:
        self.compiled = self.loaded = 0
        self.compile_s = self.load_s = 0.0


counts = _Counts()
_warned: set[Path] = set()  # folders that could not be written


def cache_folder() -> Path:
    """`ADMF_CACHE_DIR`, else `admf` in the user's cache folder; in the temporary folder for a user without a home."""
    if chosen := os.environ.get("ADMF_CACHE_DIR"):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "admf"
    default, variable = _CACHES.get(sys.platform, (".cache", "XDG_CACHE_HOME"))
    return Path(os.environ.get(variable) or home / default) / "admf"


def cache_info() -> dict[str, str | int]:
    """Folder, number and bytes of its entries, and the hits and misses of this process."""
    sizes = [status.st_size for _, status in _entries()]
    return {
        "folder": str(cache_folder()),
        "entries": len(sizes),
        "bytes": sum(sizes),
        "hits": counts.loaded,
        "misses": counts.compiled,
    }


def clear_cache() -> int:
    """Delete every entry; returns how many there were. What this process has loaded stays usable."""
    return sum(_delete(path) for path, _ in _entries())


def can_store() -> bool:
    """Whether an entry could be written."""
    folder = cache_folder()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)


class DiskCache:
    """Stands in for numba's cache of one dispatcher. Loading and saving never raise."""

    cache_path = None  # Dispatcher.stats() reads it

    def __init__(self, fingerprint: str | None, accepts: Callable[[Any], bool]) -> None:
        self._fingerprint = fingerprint  # None: run without the disk
        self._accepts = accepts  # asked once for each fresh compile; False: do not save it
        self._started: dict[str, tuple[float, float]] = {}

    def has_entry(self) -> bool:
        """Whether something is stored for this content, whatever its argument types."""
        return bool(self._fingerprint) and any(cache_folder().glob(f"{self._fingerprint}-*{_SUFFIX}"))

    def load_overload(self, signature: Any, target: Any) -> Any | None:
        """The stored compile result for these argument types, or None."""
        target.refresh()  # numba's lazy registries: 130 ms once per process, before any kernel can load
        start = time.perf_counter()
        result = self._load(signature, target)
        if result is None:
            self._started[str(signature)] = time.perf_counter(), counts.compile_s
        else:
            counts.loaded += 1
            counts.load_s += time.perf_counter() - start
        return result

    def save_overload(self, signature: Any, result: Any) -> None:
        """Called by numba after each fresh compile."""
        start, before = self._started.pop(str(signature), (time.perf_counter(), counts.compile_s))
        counts.compiled += 1
        accepted = self._accepts(result)
        if accepted and self._fingerprint and not (result.lifted or result.library.has_dynamic_globals):
            self._save(signature, result)
        nested = counts.compile_s - before
        counts.compile_s += time.perf_counter() - start - nested

    def _path(self, signature: Any, codegen: Any) -> Path:
        key = repr((signature, codegen.magic_tuple()))  # triple, CPU and its features
        return cache_folder() / f"{self._fingerprint}-{hashlib.sha256(key.encode()).hexdigest()[:16]}{_SUFFIX}"

    def _load(self, signature: Any, target: Any) -> Any | None:
        if not self._fingerprint:
            return None
        path = self._path(signature, target.codegen())
        try:
            data = _read_own(path)
            digest, payload = data[:32], data[32:]
            if hashlib.sha256(payload).digest() != digest:
                return None
            needed, reduced = pickle.loads(payload)
            if not are_met(needed):
                return None
            result = CompileResult._rebuild(target, *reduced)
        except Exception:  # absent, truncated, foreign, or made for a class that is gone: compile again
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # last use, for pruning
        arguments = getattr(signature, "args", signature)
        same = tuple(result.signature.args) == tuple(arguments)  # repr leaves field names of tuples out
        return result if same else None

    def _save(self, signature: Any, result: Any) -> None:
        try:
            payload: bytes = dumps((needs(result.library), result._reduce()))
        except Exception as error:  # a type or constant that cannot be pickled
            warnings.warn(f"a kernel that cannot be stored compiles again in every process: {error}", stacklevel=2)
            return
        path = self._path(signature, result.codegen)
        try:
            _write(path, hashlib.sha256(payload).digest() + payload)
            _prune(path.parent)
        except OSError as error:
            if path.parent not in _warned:
                _warned.add(path.parent)
                where = f"cannot write the kernel cache in {path.parent} ({error.strerror or error})"
                advice = "kernels compile again in every process; set ADMF_CACHE_DIR to a folder that you can write"
                warnings.warn(f"{where}: {advice}", stacklevel=2)


def _read_own(path: Path) -> bytes:
    """Unpickling runs code, so a file of another user is refused."""
    with path.open("rb") as file:
        if hasattr(os, "geteuid") and os.fstat(file.fileno()).st_uid != os.geteuid():
            raise PermissionError(path)
        return file.read()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")  # readable by the owner only
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        _delete(Path(temporary))
        raise


def _prune(folder: Path) -> None:
    """Delete what was not used for longest until the folder fits its cap; 3 ms for 1000 entries, so on saves only."""
    entries = sorted(_entries(), key=lambda entry: entry[1].st_mtime)
    excess = sum(status.st_size for _, status in entries) - _cap_bytes()
    for path, status in entries:
        if excess <= 0:
            break
        excess -= status.st_size
        _delete(path)
    for path in folder.glob("*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink()


def _cap_bytes() -> float:
    text = os.environ.get("ADMF_CACHE_MAX_MB", "")
    try:
        return float(text or _DEFAULT_CAP_MB) * 1e6
    except ValueError:
        warnings.warn(f"ADMF_CACHE_MAX_MB is {text!r}, not a number; {_DEFAULT_CAP_MB:g} is used", stacklevel=2)
        return _DEFAULT_CAP_MB * 1e6


def _entries() -> Iterator[tuple[Path, os.stat_result]]:
    with contextlib.suppress(OSError), os.scandir(cache_folder()) as folder:
        for entry in folder:
            if entry.name.endswith(_SUFFIX):
                with contextlib.suppress(FileNotFoundError):  # pruned by another process
                    yield Path(entry.path), entry.stat()


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
