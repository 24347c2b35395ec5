"""`admf report`: the page of a stored run is the page of the run."""

import json
from pathlib import Path

import polars as pl
import pytest

import admf
from admf import cli
from admf.results.pages import Page
from admf.results.report import report_html, report_markdown
from admf.strategies import BracketScalper


@pytest.fixture(scope="module")
def result() -> admf.Result:
    return admf.backtest(admf.generate(bars=3_000, seed=5), BracketScalper(stop_bps=5.0, target_bps=5.0))


@pytest.fixture
def folder(result: admf.Result, tmp_path: Path) -> Path:
    return result.to_parquet(tmp_path / "run")


def test_the_page_of_a_stored_run_is_that_of_the_run(result: admf.Result, folder: Path) -> None:
    assert report_html(Page.read(folder)) == report_html(Page.of(result))
    assert report_markdown(Page.read(folder)) == report_markdown(Page.of(result))


def test_undated_runs_and_summaries_have_pages(tmp_path: Path) -> None:
    bars = admf.generate(bars=50, seed=5).frame.drop("timestamp")
    orders = [{"bar": 3, "side": "buy", "quantity": 1.0}, {"bar": 9, "side": "sell", "quantity": 1.0}]
    for record, words in (("full", "bar 49"), ("summary", "The equity curve was not recorded")):
        run = admf.simulate(bars, orders, record=record)
        page = report_html(Page.read(run.to_parquet(tmp_path / record)))
        assert page == report_html(Page.of(run))
        assert words in page


def test_markdown_shows_what_html_shows(result: admf.Result) -> None:
    page = Page.of(result)
    text = report_markdown(page)
    assert text.startswith("# BracketScalper\n")
    for _title, rows in page.sections:
        for label, value in rows:
            assert label.strip() in text
            assert value in text
    assert page.certainty in text
    assert result.trace_hash in text
    assert f"The first 200 of {len(result.trades):,} round trips." in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.endswith(" |") for line in tables)
    assert sum(line.startswith("| SYM |") for line in tables) == 200


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"written to {folder / 'report.html'}\n"
    assert "<svg" in (folder / "report.html").read_text(encoding="utf-8")
    assert cli.run(["report", str(folder), "--out", str(tmp_path / "new" / "run.md")]) == 0
    assert "## Round trips" in (tmp_path / "new" / "run.md").read_text(encoding="utf-8")
    assert cli.run(["report", str(folder), "--out", str(tmp_path / "run.pdf")]) == 2
    assert "not a kind of report" in capsys.readouterr().err


def test_what_is_no_run_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(path: Path) -> str:
        assert cli.run(["report", str(path)]) == 2
        return capsys.readouterr().err

    assert "no such folder" in said(tmp_path / "nowhere")
    assert "not a stored run: it has no run.json" in said(tmp_path)
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({name: run[name] for name in run if name != "page"}), encoding="utf-8")
    assert "kept no words for a report" in said(folder)
    (folder / "run.json").write_text("{", encoding="utf-8")
    assert "cannot be read" in said(folder)
    (folder / "run.json").write_text("[]", encoding="utf-8")
    assert "not a run" in said(folder)
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    (folder / "equity.parquet").write_bytes(b"nothing")
    assert "equity.parquet" in said(folder)
    pl.DataFrame({"bar": [1]}).write_parquet(folder / "equity.parquet")
    assert "equity.parquet" in said(folder)
