"""Writes the links of kernels/SPEC.md: from the end of each rule to a law, to the oracle and to a test that cite it.

`python tests/repo/update_spec.py` after a change of any of them; a test compares. A link names a file and, as its
title, the function whose docstring is most about the rule: lines would move with every edit.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from repo.checkout import ADMF, KERNELS, ORACLE, ROOT, SPEC, cited, sources, text_of, tree_of

TESTS = ROOT / "tests"
READERS = ("law", "oracle", "test")
MARK = "<!-- links: python tests/repo/update_spec.py -->"
USERS = (
    "batch.py",
    "lanes.py",
    "meeting.py",
    "series.py",
    "waiting.py",
    "context.py",
    "given.py",
)  # kernels that use rules which others state
WORKED = TESTS / "laws"  # tests that are examples of one rule
RULE = re.compile(r"^- \*\*(?P<id>[A-Z]-\d\d)\*\*", flags=re.MULTILINE)
LINKS = re.compile(r"\n  \[law\]\[[^\n]*", flags=re.MULTILINE)


class Place(NamedTuple):
    """Where a rule is cited; the smallest is the best."""

    others: int  # rules cited in the same text
    position: int  # of the rule among them
    path: str  # from the folder of SPEC.md
    function: str


def files(reader: str) -> Iterator[Path]:
    """The sources of a reader."""
    if reader == "law":
        yield from sources(KERNELS)
        yield ADMF / "results" / "metrics.py"
    elif reader == "oracle":
        yield from sources(ORACLE)
    else:
        yield from (path for path in sources(TESTS) if not {ORACLE, TESTS / "repo"} & set(path.parents))


@cache
def places(reader: str) -> dict[str, Place]:
    """The best place of each rule: a function's docstring, else its text, else the file's."""
    best: dict[str, Place] = {}
    for path in files(reader):
        link = relative(path)
        for weight, name, text in texts(path, tests_only=reader == "test"):
            weight += 50 * (path.name in USERS or (reader == "test" and WORKED not in path.parents))
            found = sorted(cited(text), key=lambda rule, text=text: (text.find(rule) < 0, text.find(rule)))
            for position, rule in enumerate(found):
                place = Place(weight + len(found), position, link, name)
                best[rule] = min(best.get(rule, place), place)
    return best


def texts(path: Path, *, tests_only: bool) -> Iterator[tuple[int, str, str]]:
    """Weight, function and text: what is nearer to one function weighs less."""
    lines = text_of(path).splitlines()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef) and (not tests_only or node.name.startswith("test_")):
            yield 0, node.name, ast.get_docstring(node) or ""
            yield 100, node.name, "\n".join(lines[node.lineno - 1 : node.end_lineno])
    yield 1_000, "", text_of(path)


def relative(path: Path) -> str:
    below = path.relative_to(ROOT)
    return below.relative_to("kernels").as_posix() if below.parts[0] == "kernels" else f"../{below.as_posix()}"


def without_links(text: str) -> str:
    """The page as people write it."""
    return LINKS.sub("", text.partition(f"\n{MARK}")[0]).rstrip("\n") + "\n"


def updated(text: str) -> str:
    """The page with its links made afresh."""
    lines = without_links(text).splitlines()
    starts = [index for index, line in enumerate(lines) if RULE.match(line)]
    ends = [next(index for index in range(start + 1, len(lines) + 1) if is_end(lines, index)) for start in starts]
    rules = [lines[start][4:8] for start in starts]
    for end, rule in reversed(list(zip(ends, rules, strict=True))):
        lines.insert(end, "  " + " · ".join(f"[{reader}][{rule} {reader}]" for reader in READERS))
    return "\n".join([*lines, "", MARK, *definitions(rules)]) + "\n"


def is_end(lines: list[str], index: int) -> bool:
    """Whether a rule is over before this line."""
    return index == len(lines) or not lines[index].startswith("  ")


def definitions(rules: Iterable[str]) -> Iterator[str]:
    for rule in rules:
        for reader in READERS:
            place = places(reader).get(rule)
            if place is not None:  # else tests/repo/test_rules.py says what is missing
                title = f' "{place.function}"' if place.function else ""
                yield f"[{rule} {reader}]: {place.path}{title}"


def main() -> None:
    SPEC.write_text(updated(text_of(SPEC)), encoding="utf-8")


if __name__ == "__main__":
    main()
