"""Every path gives the same bits: the oracle, our laws stepped as plain Python, our laws compiled."""

import pytest
from hypothesis import assume, given, settings

from admf.errors import ConfigError, OrderError
from paths_support import PATHS, Case, first_difference
from scenarios import cases, examples


def compare(case: Case, names: tuple[str, str]) -> None:
    try:
        difference = first_difference(case, names)
    except (OrderError, ConfigError) as error:  # the door refused it: nothing ran on either side
        assume(False)
        raise AssertionError from error
    assert difference == ""


@given(case=cases())
@settings(max_examples=examples(200))
def test_compiled_laws_agree_with_the_oracle(case: Case) -> None:
    compare(case, ("oracle", "compiled"))


@given(case=cases(bars_max=6))
@settings(max_examples=examples(60))
def test_stepped_laws_agree_with_the_compiled_ones(case: Case) -> None:
    compare(case, ("compiled", "stepped"))


@pytest.mark.parametrize("name", PATHS)
def test_a_path_runs(name: str) -> None:
    """An empty table or a path that refuses everything would let the tests above pass."""
    rows = [(10.0, 11.0, 9.0, 10.5, 100.0), (10.5, 12.0, 10.0, 11.0, 100.0)]
    outcome = PATHS[name](Case(bars=[rows], orders=[{"bar": -1, "side": "buy", "quantity": 5.0}]))
    assert [fill[:6] for fill in outcome.fills] == [(0, 0, 0, 1, 10.0, 5.0)]
