"""Every trap of the project's notes has a test that bears its number."""

import re
from collections.abc import Iterator

import pytest

from repo.checkout import ROOT, sources, text_of

NOTES = ROOT.parent / "shared" / "notes" / "traps.md"
TESTS = ROOT / "tests" / "traps"


def numbers(text: str) -> Iterator[str]:
    """`section_point` for each point of the notes; a section that is one paragraph has one."""
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        number = section.partition(".")[0]
        points = max(1, len(re.findall(r"^- ", section, flags=re.MULTILINE)))
        yield from (f"{number}_{point}" for point in range(1, points + 1))


def tested() -> set[str]:
    return {match for path in sources(TESTS) for match in re.findall(r"^def test_trap_(\d+_\d+)_", text_of(path), re.M)}


def test_there_are_tests_of_traps() -> None:
    assert len(tested()) >= 40


def test_every_trap_has_a_test() -> None:
    if not NOTES.is_file():
        pytest.skip(f"no {NOTES}: the notes lie beside the checkout")
    found = list(numbers(text_of(NOTES)))
    assert len(found) >= 40
    assert sorted(set(found) ^ tested()) == [], "a trap without a test, or a test without a trap"
