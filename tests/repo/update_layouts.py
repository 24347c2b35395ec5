"""Writes what is said about the layout of every record: the snapshot, its version in the code, and the page for people.

Stored runs, caches and foreign front ends read these bytes, so a change of layout is a decision:
`python tests/repo/update_layouts.py` takes it, and raises the version where anything differs. The snapshot is
tests/repo/record_layouts.json, the version `admf_kernels.records.LAYOUT_VERSION`, the page kernels/LAYOUT.md.
"""

import ast
import json
import re
import sys
import tokenize
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = Path(__file__).with_name("record_layouts.json")
PAGE = ROOT / "kernels" / "LAYOUT.md"
RECORDS = ROOT / "kernels" / "admf_kernels" / "records.py"
VERSION_LINE = re.compile(r"^LAYOUT_VERSION = \d+", flags=re.MULTILINE)

PAGE_HEAD = """# Layout {version}

Every record of the kernels, byte by byte: for whoever reads or writes the buffers from another language or from a file.
Little-endian, aligned as a C compiler aligns the same struct. `admf_kernels.records.LAYOUT_VERSION` is the number
above, the header `admf.h` (`admf.embed.c_header()`) declares the same structs. Written by
`python tests/repo/update_layouts.py`; tests/repo/test_layouts.py fails where a layout changes and the version does not.
"""


def current() -> dict[str, Any]:
    """Record name → size, aligned or not, and fields with their type, offset and size in bytes."""
    from admf_kernels import records

    return {
        name: {
            "itemsize": dtype.itemsize,
            "aligned": dtype.isalignedstruct,
            "fields": {field: [kind.str, offset, kind.itemsize] for field, (kind, offset) in _fields(dtype)},
        }
        for name, dtype in sorted(vars(records).items())
        if name.endswith("_dt") and isinstance(dtype, np.dtype)
    }


def _fields(dtype: np.dtype) -> list[tuple[str, tuple[np.dtype, int]]]:
    return [(name, (dtype.fields[name][0], dtype.fields[name][1])) for name in dtype.names]


def stored() -> dict[str, Any]:
    return json.loads(SNAPSHOT.read_text(encoding="utf-8")) if SNAPSHOT.exists() else {"version": 0, "records": {}}


def dumped(version: int, records: dict[str, Any]) -> str:
    """JSON with one field a line."""
    blocks = []
    for name, layout in records.items():
        rows = [f"        {json.dumps(field)}: {json.dumps(spot)}" for field, spot in layout["fields"].items()]
        fields = ",\n".join(rows)
        sizes = f'"itemsize": {layout["itemsize"]}, "aligned": {json.dumps(layout["aligned"])}'
        blocks.append(f'    {json.dumps(name)}: {{\n      {sizes},\n      "fields": {{\n{fields}\n      }}\n    }}')
    return f'{{\n  "version": {version},\n  "records": {{\n' + ",\n".join(blocks) + "\n  }\n}\n"


def meanings() -> dict[str, dict[str, str]]:
    """Record name → field → the comment beside it in records.py."""
    source = RECORDS.read_text(encoding="utf-8")
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            rows = [row for row in ast.walk(node.value.args[0]) if isinstance(row, ast.Tuple)]
            found[node.targets[0].id] = {
                ast.literal_eval(row.elts[0]): comments.get(row.end_lineno, "") for row in rows
            }
    return found


def page(version: int, records: dict[str, Any]) -> str:
    """The page: a table for each record."""
    said = meanings()
    parts = [PAGE_HEAD.format(version=version)]
    for name, layout in records.items():
        rows = [
            f"| {offset} | `{kind.lstrip('|<')}` | `{field}` | {said[name].get(field, '').replace('|', '/')} |"
            for field, (kind, offset, _) in layout["fields"].items()
        ]
        table = "\n".join(["| byte | type | field | |", "|---|---|---|---|", *rows])
        parts.append(f"## {name.removesuffix('_dt')}, {layout['itemsize']} bytes\n\n{table}\n")
    return "\n".join(parts)


def main() -> None:
    before, now = stored(), current()
    version = before["version"] + (now != before["records"])
    SNAPSHOT.write_text(dumped(version, now), encoding="utf-8")
    PAGE.write_text(page(version, now), encoding="utf-8")
    source = RECORDS.read_text(encoding="utf-8")
    RECORDS.write_text(VERSION_LINE.sub(f"LAYOUT_VERSION = {version}", source), encoding="utf-8")
    print(f"{SNAPSHOT.name}: version {version}" + (", unchanged" if version == before["version"] else ""))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "kernels"))
    main()
