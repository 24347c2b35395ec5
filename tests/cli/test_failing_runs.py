"""Runs that fail or are interrupted: a strategy, capacity, Ctrl-C. Exit code 1 or 130, nothing is written."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli_support import CONFIG, Command, refused

STRATEGY = '''"""A strategy of the user's."""
import math

import admf


class Mine(admf.CompiledStrategy):
    """Does something wrong."""

    level: float = 1.0
    _count: int = 0

    def on_bar(self, ctx):
        """The hook."""
        {body}
'''
BODIES = {
    "raises": ("if ctx.bar == 2:\n            raise ValueError('boom')", ["Mine", "ValueError", "bar 2", "boom"]),
    "returns": ("return 5", ["on_bar", "must return nothing"]),
    "wrong type": (
        "self._count = 'many'",
        [
            "Mine.on_bar (",
            "mine.py, line 15): `self._count` got text 'many', a whole number is needed\n    self._count =",
        ],
    ),
    "wrong type for ctx": (
        "ctx.buy('ten')",
        ["Mine.on_bar (", "mine.py, line 15): ctx.buy: `quantity` got text, a number is needed\n    ctx.buy('ten')\n"],
    ),
    "wrong type by name": ("ctx.buy(1.0, limit=None)", ["line 15): ctx.buy: `limit` got None, a number is needed"]),
    "wrong type of ago": ("ctx.close(ctx)", ["line 15): ctx.close: `ago` got ctx, a number is needed"]),
    "unknown argument": ("ctx.buy(1.0, sizee=2.0)", ["ctx.buy: got an unexpected keyword argument 'sizee'"]),
    "missing argument": ("ctx.buy_equity()", ["line 15): ctx.buy_equity: missing a required argument: 'fraction'"]),
    "ctx in a sum": (
        "self.level = ctx.close() + ctx",
        ["line 15): cannot compute float + ctx\n    self.level = ctx.close"],
    ),
    "unknown name": ("ctx.closing()", ["Mine.on_bar", "ctx has no attribute 'closing'", "did you mean 'close'?"]),
    "undeclared": ("self.speed = 1.0", ["no field 'speed' is declared on the class", "there: speed: float = 0.0"]),
    "misspelt": ("self.levle = 1.0", ["no field 'levle' is declared on the class", "did you mean 'level'?"]),
    "allocates": ("self.level = float(len([ctx.close(), self.level]))", ["on_bar", "allocates memory"]),
    "too many orders": ("for _ in range(1000):\n            ctx.buy(1.0)", ["64 orders a bar", "orders_per_bar_max"]),
}


def _write(place: Path, text: str, config: str = CONFIG) -> None:
    (place / "mine.py").write_text(text)
    config = config.replace("SmaCross", "mine.py:Mine").replace("{fast: 1, slow: 2}", "{level: 2.0}")
    (place / "config.yaml").write_text(config)


def _visible(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()} - {"__pycache__"}


@pytest.mark.parametrize(("body", "words"), BODIES.values(), ids=BODIES)
def test_a_strategy_that_fails(admf: Command, place: Path, body: str, words: list[str]) -> None:
    _write(place, STRATEGY.format(body=body))
    before = _visible(place)
    refused(admf("run", "config.yaml", "--out", "out"), 1, *words)
    assert _visible(place) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def broken(:\n", ["mine.py", "fails on import", "SyntaxError", "line 1"]),
        ("1 / 0\n", ["mine.py", "fails on import", "ZeroDivisionError"]),
        ("import no_such_module_of_mine\n", ["mine.py", "no_such_module_of_mine"]),
        (STRATEGY.format(body="pass").replace("on_bar(self, ctx)", "on_bar(self)"), ["Mine.on_bar", "(self, ctx)"]),
        (STRATEGY.format(body="pass").replace("level: float", "level: str"), ["Mine.level", "int, float, bool"]),
    ],
)
def test_a_module_that_fails(admf: Command, place: Path, text: str, words: list[str]) -> None:
    _write(place, text)
    refused(admf("run", "config.yaml"), 1, *words)
    refused(admf("check", "config.yaml"), 1, *words)


def test_what_fails_at_run_says_how_to_find_the_line(
    admf: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, _ = BODIES["raises"]
    _write(place, STRATEGY.format(body=body))
    outcome = admf("run", "config.yaml")
    refused(outcome, 1, "ValueError", "NUMBA_DISABLE_JIT=1 in the environment steps the same code in plain Python")
    assert "debug=True" not in outcome.err
    monkeypatch.setattr("numba.core.config.DISABLE_JIT", 1)
    outcome = admf("run", "config.yaml")
    refused(outcome, 1, "Mine.on_bar (line 16 of ", "mine.py) raised ValueError at bar 2: boom\n")
    assert "NUMBA_DISABLE_JIT" not in outcome.err


def test_a_module_without_the_strategy(admf: Command, place: Path) -> None:
    _write(place, STRATEGY.format(body="pass").replace("Mine", "Main"))
    refused(admf("run", "config.yaml"), 2, "strategy.class", "'Mine'", "did you mean 'Main'?")


def test_ctrl_c(admf: Command, place: Path) -> None:
    _write(place, "raise KeyboardInterrupt\n")
    before = _visible(place)
    outcome = admf("run", "config.yaml", "--out", "out")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "admf: interrupted\n")
    assert _visible(place) == before


def test_ctrl_c_while_results_are_written_leaves_nothing(
    admf: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import polars

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = _visible(place)
    monkeypatch.setattr(polars.DataFrame, "write_parquet", interrupt)
    assert admf("run", "config.yaml", "--out", "out").code == 130
    assert _visible(place) == before


def test_a_signal_to_the_process(place: Path, bare_environment: dict[str, str]) -> None:
    _write(place, f"import signal\nsignal.raise_signal({int(signal.SIGINT)})\n")
    command = [sys.executable, "-c", "from admf.cli import main; main()", "run", "config.yaml"]
    done = subprocess.run(command, env=bare_environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "admf: interrupted\n")


def test_debug_shows_where(admf: Command, place: Path) -> None:
    outcome = admf("run", "config.yaml", "--set", "account.cash=0", "--debug")
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Traceback" in outcome.err
    assert outcome.err.endswith("admf: account.cash: out of range; found 0; allowed: a finite number > 0\n")


class Panic(BaseException):
    """What polars raises for some broken files is no Exception either."""


@pytest.mark.parametrize("kind", [RuntimeError, Panic])
def test_what_nobody_expected_is_one_message_too(
    kind: type[BaseException], admf: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise kind("the moon is full")

    monkeypatch.setattr("admf.config.load_config", fail)
    refused(admf("check", "config.yaml"), 1, f"unexpected {kind.__name__}: the moon is full", "--debug")
