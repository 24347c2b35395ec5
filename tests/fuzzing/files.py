"""Case files of the fuzzer: everything that a case has, one JSON object a file.

{"schema": "path/1", "source": seed and index, "difference": where paths parted, and the fields of `Case`}; bars have
the keys of tests/cases (o h l c v, and vwap), one list a symbol, null is NaN. The other kind of case file, golden/1,
holds one symbol and the words of other engines; it has no place for half of what is drawn here.
"""

import json
from dataclasses import fields
from math import isnan, nan
from pathlib import Path
from typing import Any

from admf.execution.values import plain
from paths_support import Case, Row

SCHEMA = "path/1"
FOUND = Path(__file__).parent / "found"
COLUMNS = ("o", "h", "l", "c", "v", "vwap")


def written(case: Case, *, source: str, difference: str) -> str:
    """The text of a case file: one line a bar, an order, a field."""
    rows = [
        [{key: None if isnan(value) else value for key, value in zip(COLUMNS, bar, strict=False)} for bar in one]
        for one in case.bars
    ]
    content: dict[str, Any] = {"schema": SCHEMA, "source": source, "difference": difference}
    content |= {field.name: plain(getattr(case, field.name)) for field in fields(case)} | {"bars": rows}
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {laid_out(value)}" for key, value in content.items()) + "\n}\n"


def laid_out(value: Any) -> str:
    """JSON; a list of objects has one line each."""
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return "[\n" + ",\n".join(laid_out(item) for item in value) + "\n]"
    return json.dumps(value)


def read(path: Path) -> Case:
    """The case of a file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("schema") != SCHEMA:
        raise ValueError(f"{path.name}: schema {content.get('schema')!r}, allowed: {SCHEMA}")
    parts = {field.name: content[field.name] for field in fields(Case) if field.name in content}
    return Case(**parts | {"bars": [[read_bar(bar) for bar in one] for one in parts["bars"]]})


def read_bar(bar: dict[str, float | None]) -> Row:
    values = (bar[key] for key in COLUMNS if key in bar)
    return tuple(nan if value is None else value for value in values)
