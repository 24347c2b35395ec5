"""What leaves a result: the summary, the report, the folder of files, pandas and JSON."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rich.console import Console

import admf
from admf.errors import ConfigError, OutputError
from admf.results.charts import nice_ticks, thin
from admf.results.describe import money, percent
from admf.results.summary import sparkline
from results_support import busy_run, market_of, small_run

FILES = {"fills", "orders", "transitions", "trades", "trades_fifo", "positions", "equity", "metrics"}
ORDER = {"bar": 0, "side": "buy", "quantity": 1}


@pytest.fixture(scope="module")
def busy():
    return busy_run()


@pytest.fixture
def small():
    return small_run(market_of([50, 51, 52, 53]), [ORDER])


# ------------------------------------------------------------------------------------------------------------- summary


def test_summary_says_what_ran_and_how_it_went(busy):
    text = str(busy.summary())
    for words in (
        "ALFA, BETA · 1,200 bars",
        "2010-01-04 14:30 → 2010-01-07",
        "scripted orders (160)",
        "slippage bps(2.0)",
        "commission per_share(0.005, minimum=1.0, maximum_pct=0.01)",
        "100,000.00 USD and -30 BETA at",
        busy.trace_hash,
        "▁",
    ):
        assert words in text
    rows = rows_of(text)
    metrics = busy.metrics
    assert rows["final equity"] == f"{metrics['final_equity']:,.2f}"
    assert rows["max drawdown"] == f"{metrics['max_drawdown']:.2%}".replace("%", " %")
    assert rows["Sharpe"] == f"{metrics['sharpe']:.2f}"
    assert rows["rejected"] == f"{metrics['orders_rejected']}"
    assert rows["INSUFFICIENT_CASH"] == str(busy.orders["reason"].eq("INSUFFICIENT_CASH").sum())
    assert rows["commission"] == f"{metrics['commission']:,.2f}"
    assert rows["open at the end"] == "2"


@pytest.mark.parametrize("level", ["full", "fills", "summary"])
def test_summary_fits_80_columns(level):
    runs = [
        busy_run(record=level),
        small_run(market_of([1e9, 1.1e9, 1.3e9, 1.2e9]), [ORDER | {"quantity": 1e3}], account=admf.Account(cash=1e13)),
        small_run(market_of([50, 51]), [], record=level),
    ]
    for run in runs:
        lines = str(run.summary()).splitlines()
        assert max(len(line) for line in lines) <= 80
        assert not any("…" in line for line in lines if "equity" not in line)  # nothing was cut off


def test_summary_is_the_same_for_print_prompt_and_a_rich_console(small):
    summary = small.summary()
    console = Console(file=io.StringIO(), width=80, no_color=True, force_terminal=False)
    console.print(summary)
    printed = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
    assert printed == str(summary) == repr(summary)
    assert "\x1b" not in printed
    coloured = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    coloured.print(summary)
    assert "\x1b[" in coloured.file.getvalue()


def test_summary_warns_where_nothing_happened(small):
    assert "there are no round trips to judge" in str(small.summary())
    assert "nothing filled" in str(small_run(market_of([50, 51]), [ORDER | {"quantity": -1}]).summary())
    assert "no order was submitted" in str(small_run(market_of([50, 51]), [{"bar": [], "side": []}][:0]).summary())


def test_summary_warns_where_annual_figures_rest_on_few_returns():
    assert "gaps" not in str(small_run(market_of([50.0 + day % 3 for day in range(100)]), [ORDER]).summary())
    days = np.array(["2020-01-01", "2020-01-02", "2020-06-01", "2021-01-01"], dtype="datetime64[us]")
    table = {"timestamp": days, **{name: [50.0, 51.0, 52.0, 51.0] for name in ("open", "high", "low", "close")}}
    text = " ".join(str(small_run(admf.Market(admf.Bars(table, "AAPL")), [ORDER]).summary()).split())
    assert "the data has gaps: 4 returns in 1.00 years, but volatility, Sharpe and Sortino assume 252 a year" in text


def rows_of(text):
    """Label → value of the summary's figures."""
    return dict(re.findall(r"(?:^|  )  ?(\S[\w ]*?) {2,}(\S+(?: %| \(.*?\))?)(?=  |$)", text, flags=re.MULTILINE))


def days_apart(*stamps):
    prices = {name: [50.0, 51.0][: len(stamps)] for name in ("open", "high", "low", "close")}
    table = {"timestamp": np.array(stamps, dtype="datetime64[us]"), **prices}
    return small_run(admf.Market(admf.Bars(table, "AAPL")), [ORDER | {"quantity": 100}])


def test_no_annual_growth_of_a_few_days(tmp_path):
    short, long = days_apart("2024-01-01", "2024-01-30"), days_apart("2024-01-01", "2024-01-31")
    assert rows_of(str(short.summary()))["CAGR"] == "– (under 30 days)"
    assert rows_of(str(long.summary()))["CAGR"] == percent(long.metrics["cagr"], "+")
    page = Page(short.report(tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.texts[page.texts.index("CAGR") + 1] == "– (under 30 days)"
    # M-04 stands as it is: growth to the power of one over the years, however few.
    growth = short.metrics["final_equity"] / short.metrics["initial_equity"]
    assert short.metrics["cagr"] == pytest.approx(growth ** (365.25 / 29) - 1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("last", "text"),
    [
        ("2024-01-01T00:19", "(19 minutes)"),
        ("2024-01-01T03:30", "(3.5 hours)"),
        ("2024-01-03", "(2 days)"),
        ("2024-03-30", "(89 days)"),
        ("2025-01-01", "(1.00 years)"),
    ],
)
def test_a_span_is_in_the_unit_that_fits_it(last, text):
    assert text in str(days_apart("2024-01-01", last).summary())


def test_undated_data_is_called_so():
    assert "undated" in str(small_run(market_of([50, 51, 52], dated=False), [ORDER]).summary())


def test_sparkline_spans_its_levels():
    assert sparkline(np.array([0.0, 7.0, np.nan, 3.0]), 10) == "▁█▄"
    assert sparkline(np.full(5, 2.0), 3) == "▄▄▄"
    assert len(sparkline(np.arange(10_000.0), 46)) == 46
    assert sparkline(np.array([np.nan]), 5) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (money(1234.5), "1,234.50"),
        (money(0.0), "0.00"),
        (money(-0.004), "-0.004000"),
        (money(float("nan")), "–"),
        (money(float("-inf")), "−∞"),
        (percent(0.1234), "12.34 %"),
        (percent(0.1234, "+"), "+12.34 %"),
        (percent(100.6983, "+"), "+10,069.83 %"),
        (percent(-3e12, "+"), "-3e+14 %"),
        (percent(float("inf")), "∞"),
        (percent(None), "–"),
    ],
)
def test_numbers_as_people_write_them(text, expected):
    assert text == expected


# -------------------------------------------------------------------------------------------------------------- report


VOID = {"meta", "br", "line"}  # tags that nothing closes


class Page(HTMLParser):
    """Checks that tags nest, and gathers what there is."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.links = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in {"src", "href", "xlink:href", "data"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_report_is_one_page_that_needs_nothing_else(busy, tmp_path):
    path = busy.report(tmp_path / "new" / "report.html")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("svg") == page.tags.count("polyline") == 2
    assert not page.links
    assert "script" not in page.tags
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text
    assert page.tags.count("tr") > busy.trades.height
    final = f"{busy.metrics['final_equity']:,.2f}"
    for words in (f"trace {busy.trace_hash}", f"inputs {busy.fingerprint}", final, "Drawdown", "short"):
        assert words in page.texts
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


def test_report_replaces_a_report(small, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    small.report(path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_report_without_a_curve_says_which_level_has_one(tmp_path):
    result = small_run(market_of([50, 51, 52]), [ORDER], record="summary")
    text = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "was not recorded" in text
    assert "svg" not in Page(text).tags


def test_report_escapes_what_comes_from_outside(tmp_path):
    table = {name: [10.0, 11.0, 12.0, 12.0] for name in ("open", "high", "low", "close")}
    market = admf.Market(admf.Bars(table, "<b>A&B"))
    result = small_run(market, [ORDER, ORDER | {"bar": 1, "side": "sell"}])
    text = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>" not in text
    assert "&lt;b&gt;A&amp;B" in text


def test_report_of_many_trades_shows_the_first_and_says_so(tmp_path):
    orders = [{"bar": bar, "side": "buy" if bar % 2 else "sell", "quantity": 1} for bar in range(450)]
    result = small_run(market_of([50.0 + bar % 7 for bar in range(452)]), orders)
    assert result.trades.height > 200
    text = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"The first 200 of {result.trades.height} round trips." in text


def test_report_into_a_folder_or_through_a_file_is_refused(small, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.html").mkdir()
    for target in (tmp_path / "folder.html", tmp_path / "file" / "report.html"):
        with pytest.raises(OutputError) as caught:
            small.report(target)
        assert caught.value.exit_code == 2
        assert str(target) in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder.html"}
    with pytest.raises(ConfigError, match=r"not a kind of report; .*; allowed: .html, .md"):
        small.report(tmp_path / "report.pdf")


def test_chart_points_keep_every_extreme():
    values = np.sin(np.arange(100_000) / 50.0)
    values[77_777], values[12_345], values[5] = 9.0, -9.0, np.nan
    index, points = thin(values)
    assert len(points) <= 900
    assert (points.max(), points.min()) == (9.0, -9.0)
    assert (np.diff(index) > 0).all()
    assert (values[index] == points).all()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 10.0, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
        (97_300.0, 102_000.0, [97_000.0, 98_000.0, 99_000.0, 100_000.0, 101_000.0, 102_000.0]),
        (-0.2, 0.0, pytest.approx([-0.2, -0.15, -0.1, -0.05, 0.0])),
        (5.0, 5.0, pytest.approx([4.94, 4.96, 4.98, 5.0, 5.02, 5.04, 5.06])),
    ],
)
def test_ticks_are_round_and_span_the_values(low, high, expected):
    assert nice_ticks(low, high, 5) == expected


# -------------------------------------------------------------------------------------------------------------- folder


def test_folder_holds_every_frame_and_the_run(busy, tmp_path):
    folder = busy.to_parquet(tmp_path / "deep" / "run")
    assert {path.stem for path in folder.glob("*.parquet")} == FILES
    for name in FILES - {"metrics"}:
        assert_frame_equal(pl.read_parquet(folder / f"{name}.parquet"), getattr(busy, name), check_exact=True)
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert run == busy.to_dict() | {"page": run["page"]}
    assert run["metrics"]["final_equity"] == busy.metrics["final_equity"]
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


def test_folder_of_a_summary_has_what_was_recorded(tmp_path):
    result = small_run(market_of([50, 51, 52]), [ORDER], record="summary")
    folder = result.to_parquet(str(tmp_path / "run"))
    assert {path.name for path in folder.iterdir()} == {"positions.parquet", "metrics.parquet", "run.json"}


def test_a_stored_run_is_replaced_as_a_whole(busy, small, tmp_path):
    folder = busy.to_parquet(tmp_path / "run")
    busy.report(folder / "report.html")
    small_run(market_of([50, 51, 52]), [ORDER], record="summary").to_parquet(folder)
    assert not (folder / "fills.parquet").exists()
    assert not (folder / "report.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_is_filled(small, tmp_path):
    small.to_parquet(tmp_path)
    assert (tmp_path / "run.json").exists()


def test_a_folder_with_other_files_is_left_alone(small, tmp_path):
    (tmp_path / "thesis.md").write_text("mine")
    with pytest.raises(OutputError, match=r"thesis\.md.*new or empty folder"):
        small.to_parquet(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.md"]


def test_a_file_is_no_folder(small, tmp_path):
    target = tmp_path / "run"
    target.write_text("mine")
    with pytest.raises(OutputError, match="the output folder is a file"):
        small.to_parquet(target)
    with pytest.raises(OutputError, match="cannot write: a part of the path is a file"):
        small.to_parquet(target / "below")
    assert target.read_text() == "mine"


@pytest.mark.parametrize("stored_before", [False, True])
def test_a_write_that_fails_leaves_what_was_there(small, tmp_path, monkeypatch, stored_before):
    folder = tmp_path / "run"
    before = {}
    if stored_before:
        busy_files = small.to_parquet(folder)
        before = {path.name: path.read_bytes() for path in busy_files.iterdir()}
    written = []

    def fail_on_the_third(frame, path):
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        path.write_bytes(b"new")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail_on_the_third)
    with pytest.raises(OutputError, match="No space left on device"):
        small.to_parquet(folder)
    assert [path.name for path in tmp_path.iterdir()] == (["run"] if stored_before else [])
    if stored_before:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_move_that_fails_brings_the_old_run_back(small, tmp_path, monkeypatch):
    folder = small.to_parquet(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rename, moves = Path.rename, []

    def fail_on_the_second(source, target):
        moves.append(source)
        if len(moves) == 2:
            raise OSError(5, "Input/output error")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fail_on_the_second)
    with pytest.raises(OutputError, match="Input/output error"):
        small_run(market_of([50, 51, 52]), [ORDER], record="summary").to_parquet(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


# ------------------------------------------------------------------------------------------------------ pandas and JSON


def test_pandas_frames_hold_the_same(busy):
    pandas = busy.to_pandas()
    assert set(pandas) == FILES - {"metrics"}
    for name, frame in pandas.items():
        assert list(frame.columns) == getattr(busy, name).columns
        assert len(frame) == getattr(busy, name).height
    assert pandas["fills"]["price"].tolist() == busy.fills["price"].to_list()
    assert str(pandas["fills"]["timestamp"].dt.tz) == "UTC"


def test_dict_is_plain_json(busy, small):
    for result in (busy, small):
        assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()
    assert small.to_dict()["metrics"]["win_rate"] is None  # undefined
    run = busy.to_dict()
    assert run["rejections"]["SYMBOL_UNKNOWN"] == 5
    assert run["account"]["positions"]["BETA"][0] == -30.0
    assert (run["symbols"], run["bars"], run["record"]) == (["ALFA", "BETA"], 1_200, "full")
