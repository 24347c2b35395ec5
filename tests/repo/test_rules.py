"""SPEC.md, laws, oracle and tests speak of the same rules; codes and ladders of the same members."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from admf_kernels import codes
from repo.checkout import ADMF, KERNELS, ORACLE, ROOT, SPEC, cited, name_of, rules, sources, text_of, tree_of

CASE_SUFFIXES = {".json", ".yaml", ".yml", ".toml", ".csv"}

# Members the kernels never name, each with the reason; a row that is no longer true fails too.
NOT_IN_KERNELS: dict[str, str] = {
    "BadBar.RAISE": "refuses the data before the run (admf.run.arguments)",
    "BarFlag.SESSION_FIRST": "set by admf.data; DAY orders ask for the last bar of a session",
    "Side.BUY": "+1: laws multiply by the side",
    "Side.SELL": "-1: laws multiply by the side",
    "StopLimitTrigger.AS_STOP": "the record holds a StopTrigger (admf.execution.rules)",
    "StopLimitTrigger.THROUGH": "as AS_STOP",
    "StopLimitTrigger.TOUCH": "as AS_STOP",
}


# M-04 is computed once, after the run.
LAWS_OUTSIDE = (ADMF / "results" / "metrics.py",)


def _laws() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in sources(KERNELS):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and any(_is_law(decorator) for decorator in node.decorator_list):
                yield path, node


def _is_law(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(target, ast.Name) and target.id == "law"


LAWS = list(_laws())


def test_the_specification_has_rules_and_the_kernels_have_laws() -> None:
    """An empty list would let every check below pass."""
    assert len(rules()) > 50
    assert len(LAWS) > 20


def test_rule_ids_are_defined_once() -> None:
    ids = re.findall(r"^- \*\*([A-Z]-\d\d)\*\*", text_of(SPEC), flags=re.MULTILINE)
    assert len(ids) == len(set(ids)), sorted({rule for rule in ids if ids.count(rule) > 1})


@pytest.mark.parametrize(("path", "law"), [pytest.param(path, law, id=f"{path.stem}.{law.name}") for path, law in LAWS])
def test_every_law_cites_a_rule(path: Path, law: ast.FunctionDef) -> None:
    found = cited(ast.get_docstring(law) or "")
    place = f"{name_of(path)}:{law.lineno} {law.name}"
    assert found, f"{place}: the docstring of a law cites the rule it states, as in P-05"
    unknown = found - rules().keys()
    assert not unknown, f"{place}: no such rule in kernels/SPEC.md: {sorted(unknown)}"


def _citations(paths: Iterator[Path]) -> set[str]:
    return set().union(*(cited(text_of(path)) for path in paths))


def _law_files() -> Iterator[Path]:
    yield from sources(KERNELS)
    yield from LAWS_OUTSIDE


def _test_files() -> Iterator[Path]:
    aside = {ORACLE, ROOT / "tests" / "repo"}
    for path in sorted((ROOT / "tests").rglob("*")):
        case = path.suffix in CASE_SUFFIXES and (ROOT / "tests" / "cases") in path.parents
        if (path.suffix == ".py" or case) and "__pycache__" not in path.parts and aside.isdisjoint(path.parents):
            yield path


LAW = "a law or a kernel (kernels/admf_kernels)"


@pytest.mark.parametrize(
    ("reader", "citations"),
    [
        pytest.param(LAW, _citations(_law_files()), id="kernels"),
        pytest.param("the oracle (tests/oracle)", _citations(sources(ORACLE)), id="oracle"),
        pytest.param("a test or a case (tests/, outside oracle/ and repo/)", _citations(_test_files()), id="tests"),
    ],
)
def test_every_rule_is_cited(reader: str, citations: set[str]) -> None:
    missing = [rule for rule in rules() if rule not in citations]
    assert not missing, f"no docstring or comment of {reader} names {', '.join(missing)}"


@pytest.mark.parametrize("path", [pytest.param(path, id=name_of(path)) for path in sources(KERNELS, ORACLE)])
def test_no_source_cites_a_rule_that_does_not_exist(path: Path) -> None:
    unknown = cited(text_of(path)) - rules().keys()
    assert not unknown, f"{name_of(path)}: no such rule in kernels/SPEC.md: {sorted(unknown)}"


def _enums() -> list[type[codes.Code]]:
    kinds = (value for value in vars(codes).values() if isinstance(value, type) and issubclass(value, codes.Code))
    return [kind for kind in kinds if len(kind)]


def _members_named(path: Path) -> set[str]:
    """`Enum.MEMBER` wherever the file reads one, import aliases resolved, and where a comment names one.

    The last branch of a ladder has no test of its own, so its member stands in a comment beside it.
    """
    alias = {}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module == "admf_kernels.codes":
            alias |= {name.asname or name.name: name.name for name in node.names}
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            found.add(f"{alias.get(owner, owner)}.{node.attr}")
    for comment in re.findall(r"#.*$", text_of(path), flags=re.MULTILINE):
        pairs = re.findall(r"\b(\w+)\.([A-Z][A-Z0-9_]*)\b", comment)
        found |= {f"{alias.get(owner, owner)}.{member}" for owner, member in pairs}
    return found


def test_every_member_of_every_code_is_handled_in_the_kernels() -> None:
    named = set().union(*(_members_named(path) for path in sources(KERNELS)))
    members = {f"{enum.__name__}.{member.name}" for enum in _enums() for member in enum}
    missing = sorted(members - named - NOT_IN_KERNELS.keys())
    remedy = "the last branch of a ladder names its member in a comment"
    assert not missing, f"no ladder names {', '.join(missing)}; {remedy}"
    stale = sorted(member for member in NOT_IN_KERNELS if member in named or member not in members)
    assert not stale, f"remove from NOT_IN_KERNELS: {', '.join(stale)}"
