"""`admf verify-isolation`, `admf check --schema` and `--resolved`, as users call them."""

import json
from pathlib import Path

import pytest

from admf.cli import run

LEAKY = """
import admf

class Leaky(admf.EventStrategy):
    seen = []

    def on_bar(self, bar):
        self.seen.append(bar.bar)
        if len(self.seen) % 100 == 7:
            self.buy(1.0)
"""
CONFIG = """
backtest: {components: {strategy: {class: "leaky.py:Leaky"}}}
data: {generate: {bars: 150}}
"""


def test_isolation_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify-isolation", "--containers", "5", "--bars", "120", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["isolated"]
    assert all(check["passed"] and check["containers"] for check in found["checks"])


def test_isolation_is_proved_on_real_data(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shared_data / "equity_daily" / "AAPL_1d.parquet"
    assert run(["verify-isolation", "--data", str(file), "--containers", "5", "--bars", "300"]) == 0
    assert "isolated: every container did what it does alone" in capsys.readouterr().out


def test_a_leak_ends_with_its_first_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "leaky.py").write_text(LEAKY)
    (tmp_path / "config.yaml").write_text(CONFIG)
    assert run(["verify-isolation", str(tmp_path / "config.yaml"), "--containers", "3"]) == 1
    error = capsys.readouterr().err
    assert "not isolated: alone, once more: container 1 (Leaky): fill 0 has bar" in error


def test_the_schema_needs_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--schema"]) == 0
    assert "backtest" in json.loads(capsys.readouterr().out)["properties"]
    assert run(["check"]) == 2
    assert "config: missing; allowed: a YAML file, or --schema" in capsys.readouterr().err


def test_defaults_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "configs/trend_following.yaml", "--resolved", "--set", "execution.path=best"]) == 0
    text = capsys.readouterr().out
    assert "path: best" in text
    assert "max_portfolio_heat: 0.06" in text
    assert "limit_gap: open" in text
