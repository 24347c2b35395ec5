"""A study on disk: Parquet parts, each whole or not there, and an SQLite index of them in WAL mode.

A part is written under a hidden name, forced to disk, renamed, and entered into the index. Whatever ends the process,
what is there is complete: a part that did not get into the index is found and entered when the study is opened again.
"""

import io
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

import polars as pl

from admf.errors import ConfigError, OutputError

INDEX, LOCK, PARTS = "study.sqlite", "study.lock", "parts"
FORMAT = "admf study 1"
SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, trials INTEGER NOT NULL);
"""
DIFFERENCES = {
    "format": "the study was written by another version of admf",
    "data": "the study was made with other data",
    "strategy": "the study was made with another strategy",
    "code": "the study was made with other code of the strategy or of the kernels",
    "names": "the study has other parameters",
    "columns": "the study has other key figures",
}  # facts that make a study, and what is said where one differs


class Store:
    """The folder of one study, open for writing: nobody else may write while it is."""

    def __init__(self, folder: Path, facts: Mapping[str, str], *, resume: bool) -> None:
        """Opens or makes a study; OutputError where that is refused, ConfigError where it is a study of other facts.

        `resume=False` empties a study that is there.
        """
        self.folder = folder
        with output_errors(folder):
            check_folder(folder)
            (folder / PARTS).mkdir(parents=True, exist_ok=True)
            self._lock = lock(folder)
            try:
                self._index = sqlite3.connect(folder / INDEX, isolation_level=None)
                self._index.execute("PRAGMA journal_mode=WAL")
                self._index.executescript(SCHEMA)
                if not resume:
                    self._empty()
                self._agree(facts)
                self._recover()
            except BaseException:
                self._lock.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the folder."""
        self._index.close()
        self._lock.close()

    def add(self, frame: pl.DataFrame) -> None:
        """Writes finished trials; OutputError where the disk refuses, and then the parts before it are intact."""
        name = f"{len(self.names()):06d}-{secrets.token_hex(4)}.parquet"
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        temporary = self.folder / PARTS / f".{name}"
        with output_errors(self.folder):
            try:
                with temporary.open("wb") as file:
                    file.write(buffer.getbuffer())
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self.folder / PARTS / name)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
            self._index.execute("INSERT INTO parts VALUES (?, ?)", (name, frame.height))

    def names(self) -> list[str]:
        """Files of the parts, in order."""
        return [name for (name,) in self._index.execute("SELECT name FROM parts ORDER BY name")]

    def read(self, columns: list[str] | None = None) -> pl.DataFrame:
        """All finished trials."""
        return read_parts([self.folder / PARTS / name for name in self.names()], columns)

    def _empty(self) -> None:
        for path in (self.folder / PARTS).iterdir():
            path.unlink()
        self._index.executescript("DELETE FROM parts; DELETE FROM facts;")

    def _agree(self, facts: Mapping[str, str]) -> None:
        """The facts are those of the study, or are entered into a new one."""
        there = read_facts(self._index)
        for name, message in DIFFERENCES.items():
            wanted = facts.get(name, FORMAT)
            if name in there and there[name] != wanted:
                raise ConfigError(
                    message,
                    field=f"study {self.folder}",
                    found=short(there[name]),
                    allowed=short(wanted),
                    remedy="name another folder, or start it afresh with resume=False (--fresh)",
                )
        for name, value in {"format": FORMAT, **facts}.items():
            self._index.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _recover(self) -> None:
        """Enters parts that were renamed but not entered; forgets those that are gone, and what was never finished."""
        there = {path.name: path for path in (self.folder / PARTS).iterdir()}
        for name in [name for name in there if name.startswith(".")]:
            there.pop(name).unlink()
        known = set(self.names())
        for name in sorted(there.keys() - known):
            trials = read_parts([there[name]], ["key"]).height
            self._index.execute("INSERT INTO parts VALUES (?, ?)", (name, trials))
        for name in known - there.keys():
            self._index.execute("DELETE FROM parts WHERE name = ?", (name,))


def check_folder(folder: Path) -> None:
    """A new or empty folder, or a study."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError("the study folder is a file", field="out", found=str(folder), remedy="name another folder")
    names = {path.name for path in folder.iterdir()}
    if names and INDEX not in names and names - {LOCK, PARTS}:
        foreign = sorted(names)[0]
        raise OutputError(
            f"the folder holds {foreign!r} and no study",
            field="out",
            found=str(folder),
            allowed="a new or empty folder, or one that holds a study",
            remedy="name another folder",
        )


def lock(folder: Path) -> IO[str]:
    """The lock of a study, held while the file is open; OutputError where another process has it."""
    file = (folder / LOCK).open("a+", encoding="utf-8")
    try:
        hold(file)
    except OSError:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        raise OutputError(
            f"another process ({owner or 'unknown'}) is writing this study",
            field="out",
            found=str(folder),
            remedy="wait until it has ended, or name another folder",
        ) from None
    file.truncate(0)
    file.write(f"pid {os.getpid()}")
    file.flush()
    return file


def hold(file: IO[str]) -> None:
    """Takes the lock of an open file; OSError where it is taken. The system gives it back when the process ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def read_facts(index: sqlite3.Connection) -> dict[str, str]:
    """What is written down about a study."""
    return dict(index.execute("SELECT name, value FROM facts"))


def open_facts(folder: Path) -> dict[str, str]:
    """The facts of a study that is only read; ConfigError where there is none."""
    if not (folder / INDEX).is_file():
        raise ConfigError("no study here", field="study", found=str(folder), allowed="a folder made by `admf sweep`")
    index = sqlite3.connect(f"file:{folder / INDEX}?mode=ro", uri=True)
    try:
        return read_facts(index)
    except sqlite3.Error as error:
        raise ConfigError(f"cannot be read: {error}", field="study", found=str(folder)) from None
    finally:
        index.close()


def part_files(folder: Path) -> list[Path]:
    """The finished parts of a study that is only read."""
    return sorted(path for path in (folder / PARTS).glob("*.parquet") if not path.name.startswith("."))


def read_parts(paths: list[Path], columns: list[str] | None = None) -> pl.DataFrame:
    """The rows of parts, in order."""
    frames = [pl.read_parquet(path, columns=columns) for path in paths]
    return pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame()


def short(text: str) -> str:
    """A fact as a message shows it: of a digest its beginning."""
    return text[:12] + "…" if len(text) == 64 and text.isalnum() else text


def fact(value: Any) -> str:
    """A fact as text."""
    return json.dumps(value, ensure_ascii=False)


@contextmanager
def output_errors(folder: Path) -> Iterator[None]:
    """What the disk refuses, in words."""
    remedy = "make room or name a place where you may write; what is finished is kept, and a rerun goes on from there"
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write: {reason}", field="out", found=str(folder), remedy=remedy) from error
    except sqlite3.Error as error:
        raise OutputError(f"cannot write: {error}", field="out", found=str(folder), remedy=remedy) from error
