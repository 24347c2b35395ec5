"""kernels/SPEC.md links each rule to a law, a reading of the oracle and a test, and the links are current."""

import re

from repo.checkout import SPEC, rules, text_of
from repo.update_spec import MARK, READERS, updated, without_links

REMEDY = "run python tests/repo/update_spec.py"


def test_links_are_current() -> None:
    assert updated(text_of(SPEC)) == text_of(SPEC), REMEDY


def test_every_rule_has_its_three_links_and_each_leads_somewhere() -> None:
    text = text_of(SPEC)
    used = re.findall(r"\[(?:law|oracle|test)\]\[([^\]]+)\]", text)
    assert used == [f"{rule} {reader}" for rule in rules() for reader in READERS]
    targets = dict(re.findall(r"^\[([A-Z]-\d\d \w+)\]: (\S+)", text.partition(MARK)[2], flags=re.MULTILINE))
    assert targets.keys() == set(used), REMEDY
    assert not [target for target in targets.values() if not (SPEC.parent / target).is_file()]


def test_a_page_without_links_gets_the_same_ones() -> None:
    assert updated(without_links(text_of(SPEC))) == text_of(SPEC), REMEDY
