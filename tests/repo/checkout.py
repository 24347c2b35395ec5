"""The checkout as the repository checks see it: where things lie, sources parsed once."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADMF = ROOT / "engine" / "admf"
KERNELS = ROOT / "kernels" / "admf_kernels"
ORACLE = ROOT / "tests" / "oracle"
SPEC = ROOT / "kernels" / "SPEC.md"

_ID = r"([A-Z])-(\d\d)"
_CITATION = re.compile(rf"\b{_ID}(?:\s*(?:to|–|-)\s*{_ID})?(?!\d)")


def sources(*folders: Path) -> Iterator[Path]:
    """The Python files under the folders, in order of path."""
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


@cache
def rules() -> dict[str, str]:
    """Rule id → first line, as SPEC.md defines them: a bullet that opens with the bold id."""
    return {
        match["id"]: match["line"].strip()
        for match in re.finditer(r"^- \*\*(?P<id>[A-Z]-\d\d)\*\*(?P<line>.*)$", text_of(SPEC), flags=re.MULTILINE)
    }


def cited(text: str) -> set[str]:
    """The rule ids a text names; `S-02 to S-05` names all four."""
    found = set()
    for family, first, last_family, last in _CITATION.findall(text):
        final = int(last) if last and last_family == family else int(first)
        found |= {f"{family}-{number:02d}" for number in range(int(first), final + 1)}
        if last_family and last_family != family:
            found.add(f"{last_family}-{last}")
    return found


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, wherever it stands; `from a import b` counts as a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
