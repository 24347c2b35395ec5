"""Measures functions and files, and lowers tests/repo/ratchet.json to what they are now.

A function over 60 lines or a file over 400 is allowed only with its length in that file. A length may shrink and never
grow. `python tests/repo/update_ratchet.py` lowers entries and drops those that fell under the limit; only with
`--accept NAME …` does it take in new or grown ones, which a reviewer then sees in the diff.
"""

import ast
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RATCHET = Path(__file__).with_name("ratchet.json")
FOLDERS = ("engine", "kernels", "tests", "benchmarks")
FUNCTION_LIMIT = 60
FILE_LIMIT = 400


def measured() -> dict[str, int]:
    """What is over its limit: `path` or `path::qualified.name` → lines."""
    lengths: dict[str, int] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            if (lines := len(text.splitlines())) > FILE_LIMIT:
                lengths[name] = lines
            _functions(ast.parse(text), f"{name}::", lengths)
    return lengths


def _functions(node: ast.AST, prefix: str, lengths: dict[str, int]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            assert child.end_lineno is not None
            lines = child.end_lineno - child.lineno + 1
            if lines > FUNCTION_LIMIT:
                lengths[prefix + child.name] = lines
        inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        _functions(child, f"{prefix}{child.name}." if inner else prefix, lengths)


def allowed() -> dict[str, int]:
    return json.loads(RATCHET.read_text(encoding="utf-8")) if RATCHET.exists() else {}


def main(arguments: list[str]) -> int:
    accepted = set(arguments[1:]) if arguments[:1] == ["--accept"] else set()
    now, before = measured(), allowed()
    after = {name: min(lines, now[name]) for name, lines in before.items() if name in now}
    after |= {name: now[name] for name in accepted & now.keys()}
    RATCHET.write_text(json.dumps(after, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    over = [f"{name}: {lines} lines" for name, lines in now.items() if lines > after.get(name, 0)]
    print("\n".join(["still over, shorten or --accept:", *over] if over else [f"{RATCHET.name}: {len(after)} entries"]))
    return bool(over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
