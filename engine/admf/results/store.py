"""A result as a folder of files; it appears complete or not at all."""

import json
import math
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from admf.errors import OutputError
from admf.results.describe import rejections, span
from admf.results.pages import RUN_FILE, WORDS, page_words

if TYPE_CHECKING:
    from admf.results.result import Result

FRAMES = ("fills", "orders", "transitions", "trades", "trades_fifo", "positions", "equity", "metrics")
REPORT_FILE = "report.html"  # put beside the frames by whoever wants it there
STORED = {RUN_FILE, REPORT_FILE, *(f"{name}.parquet" for name in FRAMES)}


def write_folder(result: "Result", folder: Path) -> Path:
    """Write each frame as Parquet and run.json beside `folder` first, then move them into place.

    An empty folder and one that holds nothing but a stored run are replaced; any other one is refused.
    """
    with _output_errors(folder):
        _check_contents(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = _sibling(folder)
        temporary.mkdir()
        try:
            for name, frame in (result.recorded_frames() | {"metrics": result.metrics_frame}).items():
                frame.write_parquet(temporary / f"{name}.parquet")
            text = json_text(result.to_dict() | {WORDS: page_words(result)})
            (temporary / RUN_FILE).write_text(text, encoding="utf-8")
            _move_into_place(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def write_text(path: Path, text: str) -> Path:
    """Write one file of text as `write_bytes` does."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> Path:
    """Write one file beside `path` first, then move it into place; OutputError if that cannot be done."""
    with _output_errors(path):
        if path.is_dir():
            raise IsADirectoryError(0, "this is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _sibling(path)
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def check_target(folder: Path) -> None:
    """Refuse before a run what `write_folder` would refuse after it: OutputError; nothing is left behind."""
    with _output_errors(folder):
        _check_contents(folder)
        parents = folder.absolute().parents
        probe = _sibling(next(parent for parent in parents if parent.exists()) / folder.name)
        probe.mkdir()
        probe.rmdir()


def _check_contents(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(
            "the output folder is a file", field="folder", found=str(folder), remedy="name another folder"
        )
    foreign = sorted({entry.name for entry in folder.iterdir()} - STORED)
    if foreign:
        raise OutputError(
            f"the output folder holds {foreign[0]!r}, which is no part of a stored run, and is not replaced",
            field="folder",
            found=str(folder),
            allowed="a new or empty folder, or one that holds a stored run",
            remedy="name another folder",
        )


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


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        blocked = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "a part of the path is a file" if blocked else error.strerror or str(error)
        remedy = "name a place where you may write and that has room"
        raise OutputError(f"cannot write: {reason}", field="path", found=str(path), remedy=remedy) from error


def _sibling(path: Path) -> Path:
    """A hidden name beside `path` that nobody else uses."""
    path = path.absolute()
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}")


# ---------------------------------------------------------------------------------------------------------------- JSON


def result_dict(result: "Result") -> dict[str, Any]:
    """What `Result.to_dict` promises."""
    records = result.records
    dates = span(records)
    values = {
        "title": result.title,
        "record": records.record,
        "symbols": list(records.market.symbols),
        "bars": records.market.bar_count,
        "start": dates[0] if dates else None,
        "end": dates[1] if dates else None,
        "currency": records.account_value.currency,
        "strategy": records.strategy,
        "execution": records.execution.to_dict(),
        "account": records.account_value.to_dict(),
        "metrics": result.metrics,
        "bounds": result.bounds.to_dict() if result.bounds else None,
        "rejections": {reason.name: count for reason, count in rejections(records)},
        "elapsed_s": records.elapsed_s,
        "fingerprint": result.fingerprint,
        "trace_hash": result.trace_hash,
    }
    json_ready: dict[str, Any] = plain(values)
    return json_ready


def json_text(value: Any) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def plain(value: Any) -> Any:
    """The value in JSON types: None for a float that is not finite, a function or class by its name."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return getattr(value, "__qualname__", None) or type(value).__qualname__
