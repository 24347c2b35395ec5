"""Running the command line inside the test process, on small files."""

from pathlib import Path

import pytest

from admf.cli import main
from cli_support import BARS, CONFIG, Command, Outcome


@pytest.fixture
def admf(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `admf` with the given arguments."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Outcome(caught.value.code, out, err)

    return call


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with five clean bars (AAA.csv) and a configuration of them (config.yaml)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "AAA.csv").write_text(BARS)
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path
