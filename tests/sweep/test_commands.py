"""`admf sweep`, `admf plan`, `admf replay`."""

import json
from pathlib import Path

import pytest

from admf.cli import run
from admf.config import load_config
from admf.sweeps.arena import Done
from admf.sweeps.configured import open_study
from admf.sweeps.entry import Job
from admf.sweeps.trials import Chunk
from repo.checkout import ROOT
from sweep_support import market

CONFIG = """
optimization:
  metric: total_return
  components:
    strategy: {class: SmaCross, params: {fraction: 0.5}}
grid:
  fast: [3, 5]
  slow: {start: 13, stop: 21, step: 4}
  execution: {slippage: {amount: [0.5, 2.0]}}
data:
  generate: {bars: 600, frequency: 1h, seed: 7}
execution:
  slippage: {model: bps, amount: 1.0}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "sweep.yaml").write_text(CONFIG)
    return str(tmp_path / "sweep.yaml")


def test_sweep_then_replay(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, picture = str(tmp_path / "study"), tmp_path / "map.svg"
    assert run(["sweep", config, "--out", folder, "--json", "--heatmap", str(picture)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["totals"]["done"] == 12
    assert picture.exists()
    best = found["best"][0]
    assert best["execution.slippage.amount"] in (0.5, 2.0)
    assert run(["replay", folder, "--row", str(best["row"]), "--json", "--out", str(tmp_path / "run")]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["trace_hash"] == best["trace_hash"]
    assert again["metrics"]["total_return"] == best["total_return"]
    assert (tmp_path / "run" / "fills.parquet").exists()
    assert run(["sweep", config, "--out", folder]) == 0
    text = capsys.readouterr().out
    assert "12 of 12 trials, 0 failed" in text
    assert "total_return over fast (across) and slow (down)" in text
    assert f"admf replay {folder} --row {best['row']}" in text


def test_an_interrupt_says_what_is_kept(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after the first part is written."""
    folder = tmp_path / "study"

    def take_one(job: Job, chunk: Chunk, done: Done) -> None:
        take(job, chunk, done)
        raise KeyboardInterrupt

    take = Job._take
    monkeypatch.setattr(Job, "_take", take_one)
    assert run(["sweep", config, "--out", str(folder), "--workers", "1"]) == 130
    kept = open_study(folder).results.height
    assert kept > 0
    told = f"admf: {kept} of 12 trials are in {folder}; the same command goes on from there\nadmf: interrupted\n"
    assert capsys.readouterr().err == told
    monkeypatch.undo()
    assert run(["sweep", config, "--out", str(folder)]) == 0
    assert "12 of 12 trials, 0 failed" in capsys.readouterr().out


def test_the_first_rows_that_failed_are_told(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", config, "--set", "grid.fast=[3, 50]"]) == 0
    captured = capsys.readouterr()
    assert "row 6 failed: SmaCross: " in captured.err
    assert captured.err.count(" failed: ") == 3


def test_plan(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", config, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["trials"] == 12
    assert found["ns_per_bar"] > 0.0
    assert run(["plan", config, "--set", "grid.slow=[13]"]) == 0
    assert "trials" in capsys.readouterr().out


def test_drawn_trials(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = ["optimization.sampler={method: random, trials: 5, seed: 3}", "grid={fast: [2, 9], slow: [13, 21, 34]}"]
    assert run(["sweep", config, "--json", "--set", *drawn]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["totals"]["trials"] == 5
    assert {row["slow"] for row in found["best"]} <= {13, 21, 34}


REFUSED = [
    (["sweep", "configs/sma_cross.yaml"], "not a sweep"),
    (["sweep", "CONFIG", "--set", "grid.fats=[1]"], "did you mean 'fast'"),
    (["sweep", "CONFIG", "--workers", "2", "--set", "optimization.memory_limit=1KB"], "memory_limit: 2 workers"),
    (["sweep", "CONFIG", "--set", "optimization.parallelism=ray"], "executor: unknown executor"),
    (["replay", "nowhere", "--row", "1"], "no study here"),
    (["run", "CONFIG"], "is an optimization"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_bad_input_is_one_message(
    arguments: list[str], message: str, config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert run([config if argument == "CONFIG" else argument for argument in arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_study_from_python_is_opened_by_its_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import admf

    admf.sweep(market(), admf.strategies.SmaCross(slow=21), {"fast": [3]}, out=tmp_path / "study", progress=False)
    assert run(["replay", str(tmp_path / "study"), "--row", "0"]) == 2
    assert "the study was made from Python" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("sweep_*.yaml")), ids=lambda path: path.stem)
def test_every_example_of_a_sweep_runs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", str(path), "--set", "data.generate.bars=3000", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["totals"]["done"] == found["totals"]["trials"] > 100
    assert found["best"][0]["trades"] > 0


def test_the_components_are_those_of_each_run() -> None:
    loaded = load_config(ROOT / "configs" / "sweep_sma_cross.yaml")
    assert loaded.root.optimization is not None
    assert type(loaded.strategy).__name__ == "SmaCross"


@pytest.mark.parametrize(
    ("picture", "grid", "message"),
    [
        ("map.gif", "{fast: [3, 5], slow: [13]}", "not a kind of picture"),
        ("map.svg", "{fast: [3, 5]}", "no map of one"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_before_the_sweep(
    picture: str, grid: str, message: str, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    text = Path(config).read_text().partition("grid:")
    Path(config).write_text(f"{text[0]}grid: {grid}\ndata: {{generate: {{bars: 600, frequency: 1h, seed: 7}}}}\n")
    assert run(["sweep", config, "--out", str(folder), "--heatmap", str(tmp_path / picture)]) == 2
    assert message in capsys.readouterr().err
    assert not folder.exists()
