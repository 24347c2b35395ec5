"""Case files: JSON of schema golden/1, one or a folder of them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admf.errors import DataError

SCHEMA = "golden/1"
REMEDY = 'a case file is a JSON object with "schema": "golden/1", "profile" and "cases"'


@dataclass(frozen=True)
class Case:
    """One worked case as it stands in its file."""

    id: str
    profile: str
    bars: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    config: dict[str, Any]
    expect: dict[str, Any]
    sessions: list[str] | None = None
    signals: dict[str, Any] | None = None
    source: str = ""  # where the numbers come from: path and test
    other: tuple[str, ...] = ()  # keys that nothing reads


def read_paths(paths: Iterable[str | Path]) -> list[Case]:
    """The cases of files and folders, in order of file name; DataError for a path that holds none."""
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = sorted(path.rglob("*.json"))
            if not found:
                raise DataError(f"no case files in {path}", field="cases", remedy=REMEDY)
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise DataError(f"no such file or folder: {path}", field="cases", remedy="check the path")
    return [case for file in files for case in read_file(file)]


def read_file(path: Path) -> list[Case]:
    """The cases of one file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name}: not readable as JSON: {error}", field="cases", remedy=REMEDY) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not isinstance(content.get("cases"), list):
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise DataError(f"{path.name}: not a case file", field="schema", found=found, allowed=SCHEMA, remedy=REMEDY)
    profile = str(content.get("profile", ""))
    return [read_case(case, profile, f"{path.name}, case {index}") for index, case in enumerate(content["cases"])]


def read_case(case: Any, profile: str, where: str) -> Case:
    """One case; DataError where a part has the wrong shape."""
    if not isinstance(case, dict) or not isinstance(case.get("id"), str):
        raise DataError(f"{where}: a case is an object with an id", field="cases", remedy=REMEDY)
    parts: dict[str, Any] = {"bars": [], "orders": [], "config": {}, "expect": {}}
    for name, empty in parts.items():
        value = case.get(name, empty)
        rows_wrong = isinstance(value, list) and not all(isinstance(row, dict) for row in value)
        if not isinstance(value, type(empty)) or rows_wrong:
            allowed = "a list of objects" if empty == [] else "an object"
            raise DataError(f"{where}: not {allowed}", field=name, found=type(value).__name__, allowed=allowed)
        parts[name] = value
    known = {"id", "source", "notes", "sessions", "signals", *parts}
    other = tuple(name for name in case if name not in known)
    return Case(
        case["id"],
        profile,
        sessions=case.get("sessions"),
        signals=case.get("signals"),
        source=source_of(case.get("source")),
        other=other,
        **parts,
    )


def source_of(source: Any) -> str:
    """Path and test of a source as one text."""
    if not isinstance(source, dict):
        return str(source or "")
    return f"{source.get('path', '')} {source.get('test', '')}"
