"""A result as a folder of files; it appears complete or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from admf.errors import OutputError
from admf.results.describe import json_text, result_dict

if TYPE_CHECKING:
    from admf.results.result import Result

RUN_FILE = "run.json"  # what makes a folder one of ours


def write_folder(result: "Result", folder: Path, *, overwrite: bool) -> Path:
    """Write frames as Parquet, metrics.json and run.json beside `folder` first, then move them into place.

    An existing folder is refused; with `overwrite` it is replaced if it is empty or holds a run of ours.
    """
    _check_target(folder, overwrite=overwrite)
    with _output_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = _sibling(folder)
        temporary.mkdir()
        try:
            _write_files(result, temporary)
            _move_into_place(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def write_text(path: Path, text: str) -> Path:
    """Write one file beside `path` first, then move it into place; OutputError if that cannot be done."""
    with _output_errors(path):
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _sibling(path)
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def _move_into_place(temporary: Path, folder: Path) -> None:
    """Rename `temporary` to `folder`; what was there goes last, or comes back if the renaming fails."""
    if not folder.exists():
        temporary.rename(folder)
        return
    old = _sibling(folder)
    folder.rename(old)
    try:
        temporary.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def _write_files(result: "Result", folder: Path) -> None:
    for name, frame in result.recorded_frames().items():
        frame.write_parquet(folder / f"{name}.parquet")
    run = result_dict(result)
    for file, content in (("metrics.json", run["metrics"]), (RUN_FILE, run)):
        (folder / file).write_text(json_text(content), encoding="utf-8")


def _check_target(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(
            "the output folder is a file", field="folder", found=str(folder), remedy="name another folder"
        )
    if not overwrite:
        raise OutputError(
            "the output folder exists",
            field="folder",
            found=str(folder),
            allowed="a folder that does not exist yet",
            remedy="name another folder, or pass overwrite=True to replace a stored run",
        )
    if any(folder.iterdir()) and not (folder / RUN_FILE).exists():
        raise OutputError(
            f"the output folder holds other files (there is no {RUN_FILE} in it) and is not replaced",
            field="folder",
            found=str(folder),
            allowed="an empty folder or one that holds a stored run",
            remedy="name another folder",
        )


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "name a place where you may write and that has room"
        raise OutputError(f"cannot write: {reason}", field="path", found=str(path), remedy=remedy) from error


def _sibling(path: Path) -> Path:
    """A hidden name beside `path` that nobody else uses."""
    path = path.absolute()
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}")
