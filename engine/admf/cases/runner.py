"""Runs worked cases and says of each whether the engine does what it expects."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from admf.cases.compare import differing, find, select_expected
from admf.cases.files import Case, read_paths
from admf.cases.options import read_config
from admf.cases.play import Play
from admf.cases.profiles import choose_profile
from admf.cases.requests import order_quantity, read_orders_table
from admf.cases.unsupported import Unsupported
from admf.errors import AdmfError

PASSED, FAILED, UNSUPPORTED = "passed", "failed", "unsupported"

Verdict = dict[str, Any]  # id, status, expected, found, reason


def run_paths(paths: Iterable[str | Path]) -> list[Verdict]:
    """The verdict on each case of files and folders, in order; DataError where a path holds no cases."""
    return [run_case(case) for case in read_paths(paths)]


def run_case(case: Case) -> Verdict:
    """Run one case and compare; what the engine or this reader lacks makes it `unsupported`, never passed."""
    try:
        expected = select_expected(case.expect)
        play, statuses = prepare(case)
        found = find(play, expected)
    except Unsupported as verdict:
        return verdict_of(case, UNSUPPORTED, case.expect, None, str(verdict))
    except AdmfError as error:
        return verdict_of(case, FAILED, case.expect, None, f"the engine refused it: {error}")
    wrong = differing(expected, found, statuses)
    return verdict_of(
        case, FAILED if wrong else PASSED, expected, found, f"differs in {', '.join(wrong)}" if wrong else ""
    )


def prepare(case: Case) -> tuple[Play, dict[str, str]]:
    """The run of a case, and the words of its engine for states that it lacks."""
    if case.other:
        raise Unsupported(f"{case.other[0]}: not understood yet")
    profile = choose_profile(case.profile)
    setup = read_config(case.config, profile, order_quantity(case.orders))
    rows = read_orders_table(case.orders, profile, len(case.bars))
    if not case.bars:
        raise Unsupported("bars: none")
    return Play(case, setup, rows), dict(profile.statuses)


def verdict_of(case: Case, status: str, expected: Any, found: Any, reason: str) -> Verdict:
    """One row of the report."""
    return {"id": case.id, "status": status, "expected": expected, "found": found, "reason": reason}
