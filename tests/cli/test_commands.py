"""What the commands do when all is well: summaries, one JSON object, folders, the same results as from Python."""

import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import admf as library
from admf.cli import show, spread_sets
from cli_support import BARS, CONFIG, Command, Outcome
from repo.checkout import ROOT

FRAMES = {"fills", "orders", "transitions", "trades", "trades_fifo", "positions", "equity", "metrics"}
CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.yaml") if not path.stem.startswith("sweep_"))
ORDERS = "id,bar,side,quantity,type,limit_price\na,0,buy,100,market,\nb,1,sell,100,limit,12.2\n"
SIMULATE = ("simulate", "--bars", "AAA.csv", "--orders", "orders.csv")


def _object(outcome: Outcome) -> dict[str, Any]:
    """The one JSON object on standard output."""
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    found = json.loads(outcome.out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert isinstance(found, dict)
    return found


# ----------------------------------------------------------------------------------------------------------------- run


def test_run_prints_a_summary(admf: Command, place: Path) -> None:
    outcome = admf("run", "config.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    for words in ("SmaCross(fast=1, slow=2", "AAA · 5 bars", "2024-01-02", "final equity", "slippage fixed(0.01)"):
        assert words in outcome.out
    assert {path.name for path in place.iterdir()} == {"AAA.csv", "config.yaml"}


def test_run_gives_what_python_gives(admf: Command, place: Path) -> None:
    found = _object(admf("run", "config.yaml", "--json"))
    result = library.backtest(
        library.load(place / "AAA.csv"),
        library.strategies.SmaCross(fast=1, slow=2),
        execution=library.Execution(slippage=library.slippage.fixed(0.01)),
        account=library.Account(cash=10_000),
    )
    assert found["trace_hash"] == result.trace_hash
    assert found["fingerprint"] == result.fingerprint
    assert found["metrics"]["fills"] == result.metrics["fills"] == 2


def test_run_writes_a_folder(admf: Command, place: Path) -> None:
    found = _object(admf("run", "config.yaml", "--out", "results/one", "--json"))
    folder = place / "results" / "one"
    assert found["folder"] == str(Path("results/one"))
    assert {path.name for path in folder.iterdir()} == {f"{name}.parquet" for name in FRAMES} | {
        "run.json",
        "report.html",
    }
    assert [path.name for path in (place / "results").iterdir()] == ["one"]
    assert len(pl.read_parquet(folder / "fills.parquet")) == found["metrics"]["fills"]
    assert json.loads((folder / "run.json").read_text())["trace_hash"] == found["trace_hash"]
    assert "SmaCross" in (folder / "report.html").read_text()
    again = admf("run", "config.yaml", "--out", "results/one", "--record", "summary")
    assert "written to results/one: metrics.parquet" in again.out
    assert not (folder / "fills.parquet").exists()


def test_the_folder_of_the_configuration_lies_beside_it(admf: Command, place: Path) -> None:
    (place / "inner").mkdir()
    (place / "inner" / "AAA.csv").write_text(BARS)
    (place / "inner" / "config.yaml").write_text(CONFIG + "output: {folder: kept, record: fills}\n")
    assert _object(admf("run", "inner/config.yaml", "--json"))["record"] == "fills"
    assert (place / "inner" / "kept" / "fills.parquet").is_file()
    assert not (place / "inner" / "kept" / "orders.parquet").exists()


def test_options_change_the_configuration(admf: Command, place: Path) -> None:
    (place / "B: #1.csv").write_text(BARS)
    changes = ("--set", "strategy_params.slow=3", "account.cash=500", "--set", "execution.path=best")
    found = _object(admf("run", "config.yaml", "--data", "B: #1.csv", *changes, "--record", "summary", "--json"))
    assert found["symbols"] == ["B: #1"]
    assert found["strategy"]["parameters"] == {"fast": 1, "slow": 3, "fraction": 1.0}
    assert found["account"]["cash"] == 500.0
    assert found["execution"]["path"] == "best"
    assert found["record"] == "summary"


def test_dirty_bars_run_when_repaired(admf: Command, place: Path) -> None:
    (place / "AAA.csv").write_text(BARS.replace("11.5,12.5,11.0,12.0", "11.5,11.8,11.0,12.0"))
    assert admf("run", "config.yaml").code == 2
    outcome = admf("run", "config.yaml", "--on-defect", "repair", "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["bars"] == 5
    assert "1 x outside_range" in outcome.err
    assert "widened" in outcome.err


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["run", "c", "--set", "a=1", "b=2"], ["run", "c", "--set", "a=1", "--set", "b=2"]),
        (["run", "--set", "a=1", "c.yaml"], ["run", "--set", "a=1", "c.yaml"]),
        (["run", "--set", "a=1", "--out", "x=y"], ["run", "--set", "a=1", "--out", "x=y"]),
        (["run", "--set", "a=1", "--set", "b=2", "c=3"], ["run", "--set", "a=1", "--set", "b=2", "--set", "c=3"]),
    ],
)
def test_one_set_takes_several_changes(given: list[str], meant: list[str]) -> None:
    assert spread_sets(given) == meant


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_example_is_valid_and_trades(admf: Command, path: Path) -> None:
    assert admf("check", path).code == 0
    found = _object(admf("run", path, "--set", "data.generate.bars=3000", "--record", "summary", "--json"))
    assert found["metrics"]["fills"] > 0
    assert found["metrics"]["orders_rejected"] == 0


# ------------------------------------------------------------------------------------------------------------ simulate


def test_simulate(admf: Command, place: Path) -> None:
    (place / "orders.csv").write_text(ORDERS)
    outcome = admf(*SIMULATE, "--out", "out")
    assert outcome.code == 0
    assert "2 orders" in outcome.out
    fills = pl.read_parquet(place / "out" / "fills.parquet")
    # By hand: at the open of bar 1, and of the limit at 12.2 the first trade beyond it, at 12.2 in bar 2 (high 12.5).
    assert fills.select("order_id", "bar", "side", "quantity", "price").rows() == [
        ("a", 1, "buy", 100.0, 10.5),
        ("b", 2, "sell", 100.0, 12.2),
    ]


def test_simulate_takes_its_rules_from_a_configuration(admf: Command, place: Path) -> None:
    (place / "orders.csv").write_text(ORDERS)
    (place / "rules.yaml").write_text("slippage_model: fixed\ninitial_cash: 5_000\n")
    plain = _object(admf(*SIMULATE, "--json"))
    ruled = _object(admf(*SIMULATE, "--config", "rules.yaml", "--set", "execution.path=best", "--json"))
    assert plain["execution"]["slippage"] == {"model": "none"}
    assert ruled["execution"]["slippage"] == {"model": "fixed", "amount": 0.01}
    assert (ruled["execution"]["path"], ruled["account"]["cash"]) == ("best", 5_000.0)
    whole = _object(admf(*SIMULATE, "--config", "config.yaml", "--json"))
    assert (whole["strategy"], whole["account"]["cash"]) == (None, 10_000.0)


# -------------------------------------------------------------------------------------------------------------- others


def test_check(admf: Command, place: Path) -> None:
    outcome = admf("check", "config.yaml")
    assert outcome.code == 0
    assert outcome.out.startswith("valid\n")
    assert "SmaCross(fast=1, slow=2, fraction=1.0)" in outcome.out
    assert _object(admf("check", "config.yaml", "--json"))["valid"] is True


def test_data(admf: Command, place: Path) -> None:
    (place / "AAA.csv").write_text(BARS.replace("10.5,12.0,10.0,11.5", "10.5,NaN,10.0,11.5").replace("close", "Close"))
    found = _object(admf("data", "AAA.csv", "--json"))
    assert (found["symbol"], found["bars"], found["frequency"]) == ("AAA", 4, "1d")
    assert found["renamed"] == {"Close": "close"}
    assert [(defect["kind"], defect["count"]) for defect in found["defects"]] == [("not_finite", 1)]
    assert found["defects"][0]["rows"][0]["values"]["high"] is None
    outcome = admf("data", "AAA.csv")
    assert outcome.code == 0
    assert "Close -> close" in outcome.out


def test_info(admf: Command) -> None:
    found = _object(admf("info", "--json"))
    assert set(found["strategies"]) == set(library.strategies.REGISTRY)
    assert found["numba"] == version("numba")
    assert Path(found["compile_cache"]["folder"]).is_absolute()
    outcome = admf("info")
    assert outcome.code == 0
    assert "BracketScalper" in outcome.out


def test_warmup(admf: Command, place: Path) -> None:
    (place / "config.yaml").write_text(CONFIG.replace("  path: AAA.csv", "  tz: UTC"))  # no bars: --data gives them
    found = _object(admf("warmup", "config.yaml", "--json"))
    assert found["strategies"] == ["SmaCross"]
    assert found["cache"]["entries"] > 0
    assert "SmaCross" in admf("warmup", "config.yaml").out


def test_cases(admf: Command, place: Path) -> None:
    source = ROOT / "tests" / "cases" / "backtesting.py__market.json"
    found = _object(admf("cases", source, "--json"))
    assert set(found) == {"cases"}
    assert {frozenset(case) for case in found["cases"]} == {frozenset({"id", "status", "expected", "found", "reason"})}
    assert {case["status"] for case in found["cases"]} == {"passed"}
    document = json.loads(source.read_text())
    document["cases"] = document["cases"][:1]
    document["cases"][0]["expect"] = {"equity_final": 1.0}
    (place / "wrong.json").write_text(json.dumps(document))
    outcome = admf("cases", "wrong.json", "--json")
    assert (outcome.code, outcome.err) == (1, "admf: 1 of 1 cases failed\n")
    assert json.loads(outcome.out)["cases"][0]["expected"] == {"equity_final": 1.0}
    outcome = admf("cases", "wrong.json")
    assert outcome.code == 1
    assert "expected 1.0" in outcome.out
    assert "0 passed, 1 failed, 0 unsupported" in outcome.out


def test_help_and_version(admf: Command) -> None:
    outcome = admf("--help")
    assert (outcome.code, outcome.err) == (0, "")
    for command in ("run", "simulate", "check", "data", "info", "warmup", "cases"):
        assert f"│ {command} " in outcome.out
    assert admf("--version").out.strip() == library.__version__


# ------------------------------------------------------------------------------------------------------------ progress


def test_progress_is_shown_on_a_terminal_when_it_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(show, "SHOWN_AFTER_S", 0.01)
    with show.Progress("a long run") as progress:
        for done in range(5):
            time.sleep(0.1)
            progress(done, 5)
    out, err = capsys.readouterr()
    assert out == ""
    assert "a long run" in err


def test_short_runs_and_files_see_no_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with show.Progress("a short run") as progress:
        progress(1, 2)
    monkeypatch.setattr(show, "SHOWN_AFTER_S", 0.0)
    with show.Progress("to a file") as progress:
        time.sleep(0.2)
        progress(1, 2)
    assert capsys.readouterr() == ("", "")


# ------------------------------------------------------------------------------------------------------------- process

PROGRAM = "from admf.cli import main; main()"


def test_a_reader_that_has_seen_enough(bare_environment: dict[str, str]) -> None:
    command = [sys.executable, "-c", PROGRAM, "info", "--json"]
    with subprocess.Popen(command, env=bare_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()
    assert (process.returncode, complaint) == (0, b"")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "--help"], ["--version"], ["runn"]], ids=" ".join)
def test_help_is_light(arguments: list[str], bare_environment: dict[str, str]) -> None:
    code = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {PROGRAM}"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=bare_environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (2 if "runn" in arguments else 0)
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "admf.cli" in loaded
    heavy = {"numba", "llvmlite", "numpy", "polars", "pyarrow", "pandas", "pydantic", "ruamel.yaml", "admf_kernels"}
    assert not loaded & heavy
