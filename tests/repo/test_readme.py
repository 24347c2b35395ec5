"""README.md is true: its Python runs and prints what stands below it, its commands run, its tables are current."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from admf import cli
from admf.orders.columns import COLUMNS, TRAILS
from repo.checkout import ROOT, text_of
from repo.update_readme import README, updated

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", flags=re.MULTILINE | re.DOTALL)
ELAPSED = re.compile(r"^run .*$", flags=re.MULTILINE)
NOT_YET = {*TRAILS, "post_only"}


def _blocks() -> list[tuple[str, str]]:
    return [(match["language"], match["text"]) for match in BLOCK.finditer(text_of(README))]


def _commands() -> Iterator[tuple[list[str], str]]:
    """What stands behind `$ admf`, with what is shown below it."""
    for language, text in _blocks():
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                line, _, shown = part.partition("\n")
                words = shlex.split(line, comments=True)
                if words[0] == "admf" and "--help" not in words:
                    yield words[1:], shown


COMMANDS = list(_commands())


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples and the file of bars that the page speaks of."""
    import polars as pl

    import admf

    (tmp_path / "configs").symlink_to(ROOT / "configs")
    arrays = admf.Market([admf.generate(bars=2_000, seed=3)]).arrays
    stamps = pl.Series("timestamp", arrays.timestamp).cast(pl.Datetime("ns"))
    prices = {name: getattr(arrays, name)[:, 0] for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame(prices).insert_column(0, stamps).write_parquet(tmp_path / "AAPL_1min.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("user_folder")
def test_the_python_blocks_run_in_order_and_print_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = _blocks()
    names: dict[str, Any] = {"__name__": "readme"}
    assert sum(language == "python" for language, _ in blocks) >= 4
    for index, (language, text) in enumerate(blocks):
        if language != "python":
            continue
        exec(compile(text, f"README.md block {index}", "exec"), names)
        printed = capsys.readouterr().out
        if blocks[index + 1 : index + 2] and blocks[index + 1][0] == "text":
            assert ELAPSED.sub("", printed).split("\n") == ELAPSED.sub("", blocks[index + 1][1]).split("\n")


@pytest.mark.usefixtures("user_folder")
@pytest.mark.parametrize(("arguments", "shown"), [pytest.param(*row, id=" ".join(row[0])) for row in COMMANDS])
def test_the_commands_run(arguments: list[str], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(arguments)
    printed = capsys.readouterr()
    assert printed.err.splitlines() == shown.splitlines()
    assert code == (2 if shown else 0), printed.err


@pytest.mark.usefixtures("user_folder")
def test_the_configurations_on_the_page_load(tmp_path: Path) -> None:
    from admf.config import load_config

    texts = [text for language, text in _blocks() if language == "yaml"]
    assert texts
    for text in texts:
        (tmp_path / "page.yaml").write_text(text, encoding="utf-8")
        assert load_config(tmp_path / "page.yaml") is not None


def test_tables_that_repeat_the_sources_are_current() -> None:
    assert updated(text_of(README)) == text_of(README), "run python tests/repo/update_readme.py"


def test_every_column_of_an_orders_table_is_described() -> None:
    table = text_of(README).split("## Orders")[1].split("## Execution")[0]
    assert not [name for name in COLUMNS if name not in NOT_YET and f"`{name}`" not in table]


@pytest.mark.parametrize("page", [README, ROOT / "engine" / "README.md"], ids=["README.md", "engine/README.md"])
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", text_of(page))
    assert targets
    assert not [target for target in targets if not (page.parent / target).exists()]
