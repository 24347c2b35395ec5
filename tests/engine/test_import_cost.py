"""Starting up is cheap: the compiler and the frame library come in only with a name that needs them."""

import ast
import subprocess
import sys

import pytest

import admf
from repo.checkout import ADMF, ROOT, tree_of

HEAVY = {"numba", "llvmlite", "polars", "pyarrow", "pandas"}

REPORT = """
import atexit, sys
@atexit.register
def report():
    print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""

RUN_CLI = "sys.argv[1:] = {arguments!r}\nfrom admf.cli import main\nsys.exit(main())"


def _loaded(code: str, environment: dict[str, str]) -> set[str]:
    """The top-level modules that a fresh interpreter holds after the code."""
    command = [sys.executable, "-c", REPORT + code]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_importing_admf_loads_nothing_heavy(bare_environment: dict[str, str]) -> None:
    loaded = _loaded("import admf; admf.AdmfError; dir(admf)", bare_environment)
    assert "admf" in loaded
    assert not loaded & (HEAVY | {"numpy", "pydantic", "rich", "cyclopts"})


def test_codes_and_records_do_not_load_the_compiler(bare_environment: dict[str, str]) -> None:
    loaded = _loaded("import admf_kernels.codes, admf_kernels.records", bare_environment)
    assert "numpy" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str], bare_environment: dict[str, str]) -> None:
    assert not _loaded(RUN_CLI.format(arguments=arguments), bare_environment) & HEAVY


def test_checking_a_config_does_not_load_the_compiler(bare_environment: dict[str, str]) -> None:
    code = RUN_CLI.format(arguments=["check", "configs/sma_cross.yaml"])
    assert not _loaded(code, bare_environment) & {"numba", "llvmlite"}


# ------------------------------------------------------------------------------------------------------- public names


def test_public_names_resolve() -> None:
    missing = [name for name in admf.__all__ if getattr(admf, name, None) is None]
    assert not missing
    assert set(admf.__all__) <= set(dir(admf))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'admf' has no attribute 'nonsense'"):
        _ = admf.nonsense


def test_the_table_of_names_and_what_type_checkers_see_agree() -> None:
    checker = next(node for node in tree_of(ADMF / "__init__.py").body if isinstance(node, ast.If))
    seen = {}
    for node in checker.body:
        if isinstance(node, ast.ImportFrom):
            seen |= {alias.name: f"admf.{alias.name}" if node.module == "admf" else node.module for alias in node.names}
    assert seen == admf._HOMES
    assert set(admf.__all__) == {*seen, "__version__"}
