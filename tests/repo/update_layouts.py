"""Writes tests/repo/record_layouts.json: the layout of every record, and a version that counts its changes.

Stored runs, caches and foreign front ends read these bytes, so a change of layout is a decision:
`python tests/repo/update_layouts.py` takes it, and raises the version where anything differs.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

SNAPSHOT = Path(__file__).with_name("record_layouts.json")


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


def main() -> None:
    before, now = stored(), current()
    version = before["version"] + (now != before["records"])
    SNAPSHOT.write_text(dumped(version, now), encoding="utf-8")
    print(f"{SNAPSHOT.name}: version {version}" + (", unchanged" if version == before["version"] else ""))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "kernels"))
    main()
