"""Every `ExecutionMode` from a configuration in configs/, by its command."""

import json
from pathlib import Path
from typing import Any

import pytest

from admf.coordinate import ExecutionMode
from cli_support import Command, refused
from repo.checkout import ROOT

CONFIGS = ROOT / "configs"
FEW = ("--set", "data.generate.bars=400")
EVENTS, COMPILED = CONFIGS / "trend_following_events.yaml", CONFIGS / "trend_following.yaml"
COMMANDS: dict[ExecutionMode, tuple[Any, ...]] = {
    ExecutionMode.BACKTEST_SINGLE: ("run", COMPILED, *FEW),
    ExecutionMode.BACKTEST_PARALLEL: ("run", COMPILED, EVENTS, *FEW),
    ExecutionMode.OPTIMIZATION: ("sweep", CONFIGS / "sweep_sma_cross.yaml", "--set", "data.generate.bars=1000"),
    ExecutionMode.PAPER_TRADING: ("paper", CONFIGS / "live" / "paper_trading.yaml", *FEW),
    ExecutionMode.LIVE_TRADING: ("live", CONFIGS / "live" / "local_exchange.yaml", "--out", "live", "--confirm",
                                 "--set", "data.generate.bars=150"),
    ExecutionMode.REPLAY: ("replay", CONFIGS / "live" / "ticks.yaml"),
}  # fmt: skip


@pytest.mark.parametrize("mode", list(ExecutionMode), ids=lambda mode: mode.name)
def test_every_mode_works_from_a_configuration(admf: Command, place: Path, mode: ExecutionMode) -> None:
    ran = admf(*COMMANDS[mode], "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)


def test_runs_side_by_side_are_the_runs_alone(admf: Command, place: Path) -> None:
    alone = [json.loads(admf("run", config, *FEW, "--json").out)["trace_hash"] for config in (COMPILED, EVENTS)]
    ran = admf("run", COMPILED, EVENTS, COMPILED, *FEW, "--json", "--out", "folder")
    assert ran.code == 0, ran.err
    runs = json.loads(ran.out)["runs"]
    assert {name: run["trace_hash"] for name, run in runs.items()} == {
        "trend_following": alone[0], "trend_following_events": alone[1], "trend_following_2": alone[0],
    }  # fmt: skip
    assert all((place / "folder" / name / "fills.parquet").exists() for name in runs)
    shown = admf("run", COMPILED, EVENTS, *FEW)
    assert [line.split()[:2] for line in shown.out.splitlines()[1:]] == [
        ["trend_following", "done"], ["trend_following_events", "done"],
    ]  # fmt: skip


def test_one_of_several_that_fails_does_not_stop_the_others(admf: Command, place: Path) -> None:
    (place / "bad.py").write_text(
        "import admf\n\n\nclass Bad(admf.EventStrategy):\n"
        "    def on_bar(self, bar):\n        raise ValueError('no idea')\n"
    )
    (place / "bad.yaml").write_text(EVENTS.read_text().replace("class: TrendFollowingEvents", "class: bad.py:Bad"))
    ran = admf("run", "bad.yaml", COMPILED, *FEW, "--set", "backtest.components.strategy.params={}")
    assert ran.code == 1
    assert "bad: " in ran.err
    assert "no idea" in ran.err
    assert "1 of 2 failed: bad" in ran.err
    assert "trend_following" in ran.out


def test_what_side_by_side_refuses(admf: Command, place: Path) -> None:
    refused(admf("run", COMPILED, CONFIGS / "live" / "paper_trading.yaml"), 2, "run it with admf paper")
    refused(
        admf("run", COMPILED, EVENTS, *FEW, "--set", "output.folder=here"), 2, "two configurations write to one folder"
    )
    refused(admf("replay", COMPILED), 2, "live_trading")
