"""`admf warmup`: it compiles what the run of a configuration needs, and that run compiles nothing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from numba.core import config

from cli_support import Command
from repo.checkout import ROOT

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set")

STRATEGY = '''"""A strategy of the user's."""
import admf


class Mine(admf.CompiledStrategy):
    """Buys on every third bar."""

    size: float = 3.0
    _count: int = 0

    def on_bar(self, ctx):
        """The hook."""
        self._count += 1
        if self._count % 3 == 0:
            ctx.buy(self.size)
'''
CONFIG = """backtest:
  components:
    strategy:
      class: mine.py:Mine
      params: {size: 12.0}
data:
  path: AAA.csv
execution:
  slippage: {model: law, function: "user_laws:slip"}
  commission: {model: law, function: "user_laws:charge"}
  limit_trigger: touch
account:
  cash: 10_000
"""
RUN = """import sys
from admf.cli import run
from admf_kernels._jit import compile_stats
assert run(["run", "config.yaml", "--record", "summary"]) == 0
print(compile_stats()["compiled"], compile_stats()["loaded"])
"""


@pytest.fixture
def own(place: Path) -> Path:
    """A configuration with a strategy and laws of the user's."""
    (place / "mine.py").write_text(STRATEGY)
    (place / "config.yaml").write_text(CONFIG)
    return place


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the compiler was asked for: functions, and the types of their arguments. It is not let do it."""
    seen: list[Any] = []

    def compile_now(function: Any, args: tuple[Any, ...]) -> None:
        seen.append((function, tuple(function.typeof_pyval(arg) for arg in args)))
        raise RuntimeError("seen enough")

    monkeypatch.setattr("admf.run.compiled.compile_now", compile_now)
    monkeypatch.setattr("admf.run.calls.compile_now", compile_now)
    return seen


@pytest.mark.parametrize("name", ["mine.py:Mine", "SmaCross", "TrendFollowingEvents"])
def test_it_asks_for_what_the_run_asks_for(admf: Command, own: Path, asked: list[Any], name: str) -> None:
    """Equal content is one function to the compiler, so the laws are in it where these are the same."""
    text = CONFIG.replace("mine.py:Mine", name).replace("{size: 12.0}", "{}")
    (own / "config.yaml").write_text(text + "risk: {max_position_size: 5.0}\n")
    admf("warmup", "config.yaml")
    admf("run", "config.yaml")
    warm, run = asked
    assert warm == run
    admf("run", "config.yaml", "--set", "execution.slippage=none")
    assert asked[2][0] is not run[0]


def test_rules_without_a_strategy_are_those_of_orders(admf: Command, own: Path, asked: list[Any]) -> None:
    (own / "rules.yaml").write_text('execution: {slippage: {model: law, function: "user_laws:slip"}}\n')
    (own / "orders.csv").write_text("bar,side,quantity\n0,buy,9\n")
    admf("warmup", "rules.yaml")
    admf("simulate", "--bars", "AAA.csv", "--orders", "orders.csv", "--config", "rules.yaml")
    warm, run = asked
    assert warm == run


@pytest.mark.long
def test_the_run_in_a_new_process_compiles_nothing(admf: Command, own: Path) -> None:
    assert "Mine" in admf("warmup", "config.yaml").out
    roots = os.pathsep.join(str(ROOT / root) for root in ("engine", "kernels", "tests"))
    environment = {**os.environ, "PYTHONPATH": roots}
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    compiled_count, loaded_count = map(int, done.stdout.splitlines()[-1].split())
    assert compiled_count == 0
    assert loaded_count > 0
