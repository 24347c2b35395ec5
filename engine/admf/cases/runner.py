"""Runs worked cases and says of each whether the engine does what it expects."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from admf.cases.backtrader import BacktraderPlay
from admf.cases.bare import bare, is_bare
from admf.cases.compare import Played, differing, find, select_expected
from admf.cases.files import Case, read_paths
from admf.cases.freqtrade import FreqtradePlay
from admf.cases.nautilus import NautilusPlay
from admf.cases.options import read_config
from admf.cases.play import Play
from admf.cases.profiles import Front, Profile, choose_profile
from admf.cases.requests import read_orders_table
from admf.cases.sources import with_source_facts
from admf.cases.tradingview import TradingviewPlay
from admf.cases.unsupported import Unsupported
from admf.cases.vectorbt import VectorbtPlay
from admf.cases.vectorbt_call import Call, is_call
from admf.errors import AdmfError

PASSED, FAILED, UNSUPPORTED = "passed", "failed", "unsupported"

Verdict = dict[str, Any]  # id, status, expected, found, reason

FRONTS: Mapping[Front, type[Play]] = {
    "orders": Play,
    "backtrader": BacktraderPlay,
    "nautilus": NautilusPlay,
    "tradingview": TradingviewPlay,
    "vectorbt": VectorbtPlay,
}


def run_paths(paths: Iterable[str | Path]) -> list[Verdict]:
    """The verdict on each case of files and folders, in order; DataError where a path holds no cases."""
    return [run_case(case) for case in read_paths(paths)]


def run_case(case: Case) -> Verdict:
    """Run one case and compare; what the engine or this reader lacks makes it `unsupported`, never passed."""
    try:
        expected = select_expected(case.expect)
        profile = choose_profile(case.profile)
        found = find(prepare(with_source_facts(case), profile), expected)
    except Unsupported as verdict:
        return verdict_of(case, UNSUPPORTED, case.expect, None, str(verdict))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # a value of a shape that no key has
        return verdict_of(case, UNSUPPORTED, case.expect, None, f"not readable: {type(error).__name__}: {error}")
    except AdmfError as error:
        return verdict_of(case, FAILED, case.expect, None, f"the engine refused it: {error}")
    wrong = differing(expected, found, profile.statuses)
    return verdict_of(
        case, FAILED if wrong else PASSED, expected, found, f"differs in {', '.join(wrong)}" if wrong else ""
    )


def prepare(case: Case, profile: Profile) -> Played:
    """The run of a case, or what else answers it."""
    if case.other:
        raise Unsupported(f"{case.other[0]}: not understood yet")
    if is_bare(case):
        return bare(case, profile)
    if is_call(case):
        return Call(case)
    if not case.bars:
        raise Unsupported("bars: none")
    if profile.front == "freqtrade":
        return FreqtradePlay(case, profile)
    if case.signals is not None:
        raise Unsupported(f"signals: not understood for {case.profile}")
    setup = read_config(case.config, profile)
    rows = read_orders_table(case.orders, setup.profile, len(case.bars))
    return FRONTS[profile.front](case, setup, rows)


def verdict_of(case: Case, status: str, expected: Any, found: Any, reason: str) -> Verdict:
    """One row of the report."""
    return {"id": case.id, "status": status, "expected": expected, "found": found, "reason": reason}
