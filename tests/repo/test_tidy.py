"""The repository checks itself: imports, prints, leftovers, docstrings, and lengths that only shrink."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repo.checkout import ADMF, KERNELS, ORACLE, ROOT, imports, name_of, sources, text_of, tree_of
from repo.update_ratchet import FILE_LIMIT, FUNCTION_LIMIT, allowed, measured

OURS = [ROOT / folder for folder in ("engine", "kernels", "tests", "benchmarks")]
ALL_SOURCES = list(sources(*OURS))
PACKAGES = list(sources(ADMF, KERNELS))

TEXT_SUFFIXES = {".py", ".md", ".yaml", ".yml", ".toml", ".sh", ""}
LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def _each(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=name_of(path)) for path in paths]


# ------------------------------------------------------------------------------------------------------------- imports


@pytest.mark.parametrize("path", _each(ALL_SOURCES))
def test_source_roots_are_not_imported(path: Path) -> None:
    """`import engine.admf` works from the repository root and yields a second copy of every module."""
    wrong = [line for line, name in imports(tree_of(path)) if name.split(".")[0] in {"engine", "kernels"}]
    assert not wrong, f"{name_of(path)}: lines {wrong}: import admf or admf_kernels"


def test_source_roots_are_not_packages() -> None:
    assert not (ROOT / "engine" / "__init__.py").exists()
    assert not (ROOT / "kernels" / "__init__.py").exists()


def _strangers(path: Path, allowed_names: set[str]) -> list[str]:
    return [f"line {line}: {name}" for line, name in imports(tree_of(path)) if name.split(".")[0] not in allowed_names]


@pytest.mark.parametrize("path", _each(list(sources(KERNELS))))
def test_kernels_import_numba_numpy_and_nothing_else(path: Path) -> None:
    """The contract of import-linter names what must not come in; this one all that may. llvmlite is numba's own."""
    assert not _strangers(path, {"admf_kernels", "numba", "llvmlite", "numpy", *sys.stdlib_module_names})


@pytest.mark.parametrize(
    ("module", "light"),
    [("__init__", set()), ("codes", {"enum", "typing"}), ("records", {"numpy", "typing"})],
)
def test_codes_and_records_are_light(module: str, light: set[str]) -> None:
    """The public package reads codes and record types without loading the compiler."""
    assert not _strangers(KERNELS / f"{module}.py", light)


@pytest.mark.parametrize("path", _each(list(sources(ORACLE))))
def test_the_oracle_imports_codes_and_nothing_else_of_ours(path: Path) -> None:
    names = [name for _, name in imports(tree_of(path)) if name.split(".")[0] in {"admf", "admf_kernels"}]
    wrong = [name for name in names if not (name + ".").startswith("admf_kernels.codes.")]
    assert not wrong, f"{name_of(path)}: an oracle that shares a law proves nothing: {wrong}"


# ----------------------------------------------------------------------------------------------------- what is left out


@pytest.mark.parametrize("path", _each([path for path in PACKAGES if ADMF / "cli" not in path.parents]))
def test_packages_do_not_print(path: Path) -> None:
    calls = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    lines = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert not lines, f"{name_of(path)}: lines {lines}"


def _texts() -> Iterator[Path]:
    top = [path for path in sorted(ROOT.iterdir()) if path.is_file() and not path.name.startswith(".")]
    below = [path for folder in (*OURS, ROOT / "configs", ROOT / ".ci") for path in sorted(folder.rglob("*"))]
    for path in top + below:
        if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts:
            yield path


def test_nothing_is_left_for_later() -> None:
    """What is to be done stands in an issue, where someone sees it."""
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in _texts()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if LEFTOVER.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", _each(PACKAGES))
def test_modules_say_what_they_are(path: Path) -> None:
    if text_of(path).strip():
        assert ast.get_docstring(tree_of(path)), f"{name_of(path)}: no module docstring"


# -------------------------------------------------------------------------------------------------------------- ratchet


def test_lengths_only_shrink() -> None:
    now, limits = measured(), allowed()
    grown = [
        f"{name}: {lines} lines, allowed {limits.get(name) or (FUNCTION_LIMIT if '::' in name else FILE_LIMIT)}"
        for name, lines in now.items()
        if lines > limits.get(name, 0)
    ]
    assert not grown, "split them:\n" + "\n".join(grown)
    slack = [
        f"{name}: {lines}, now {now.get(name, 'within')}" for name, lines in limits.items() if now.get(name) != lines
    ]
    assert not slack, "shorter than the ratchet says; run python tests/repo/update_ratchet.py:\n" + "\n".join(slack)
