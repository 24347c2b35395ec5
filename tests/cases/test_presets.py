"""Presets against the project's notes on other engines, word for word where both name an option."""

import json
from pathlib import Path

import pytest

from admf import Execution
from admf.errors import ConfigError
from admf.execution import PRESETS
from admf.models import Word

NOTES = Path(__file__).resolve().parents[3] / "shared" / "notes" / "presets.json"
NAMES = {
    "backtesting.py": "backtesting.py-0.6.6",
    "backtrader": "backtrader-1.9.78",
    "freqtrade": "freqtrade-2024.10",
    "lean": "LEAN-equity",
    "lean_base": "LEAN-base",
    "manifoldbt": "manifoldbt",
    "nautilus": "nautilus-1.221",
    "nautilus_1_231": "nautilus-1.231",
    "pyalgotrade": "pyalgotrade-0.20",
    "tradingview": "tradingview",
    "vectorbt": "vectorbt-1.2.0",
    "zipline": "zipline-reloaded-3.2.1",
}
# The notes call the nearer extreme first `adaptive_tie_low`.
WORDS = {"adaptive_tie_low": "adaptive"}
# Where a preset says something else than the notes, and why.
OTHERWISE = {
    ("backtesting.py", "conflict"): "its queue judges a stop by the whole bar before the target: order_id, stops first",
    ("backtesting.py", "entry_bar_exits"): "after a stop entry the target may act, if the bar leaves the stop alone",
    ("vectorbt", "conflict"): "as backtesting.py",
}


def test_there_is_a_preset_for_each_engine():
    assert set(PRESETS) == set(NAMES)
    for name in NAMES:
        assert Execution.preset(name.upper()) == Execution.preset(name)


def test_an_unknown_preset_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="backtrader"):
        Execution.preset("backtradr")


@pytest.mark.skipif(not NOTES.is_file(), reason=f"no {NOTES}: the notes lie beside the checkout")
@pytest.mark.parametrize(("name", "noted"), NAMES.items())
def test_a_preset_says_what_the_notes_say(name, noted):
    options = json.loads(NOTES.read_text())["profiles"][noted]
    rules = Execution.preset(name)
    different = {}
    for option, value in options.items():
        kind = Execution.KINDS.get(option)
        word = WORDS.get(value, value) if isinstance(value, str) else value
        if isinstance(kind, Word) and word in kind.code.words() and getattr(rules, option) != word:
            different[option] = (word, getattr(rules, option))
    assert set(different) == {option for preset, option in OTHERWISE if preset == name}, different


def test_presets_without_a_word_of_their_own_differ_all_the_same():
    assert len({repr(Execution.preset(name)) for name in NAMES}) == len(NAMES)
