"""The report on a set of bars: facts and defects, as text, table and JSON."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from admf.data import load
from admf.errors import (
    AdmfError,
    CapacityError,
    ConfigError,
    DataError,
    OrderError,
    OutputError,
    RunError,
    StrategyError,
)
from data_support import table

NAN = float("nan")


def minutes(*numbers):
    return [datetime(2024, 1, 2, 14, 30, tzinfo=UTC) + timedelta(minutes=number) for number in numbers]


def shown(renderable):
    console = Console(width=160, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_facts_of_clean_bars():
    stamps = minutes(0, 1, 2, 5, 6, 24 * 60)
    report = load(table(6, timestamp=stamps, volume=[1.0, 0.0, None, 4.0, 5.0, 6.0], note=["x"] * 6)).defects
    assert report.as_dict() == {
        "symbol": "SYM",
        "rows": 6,
        "bars": 6,
        "first": "2024-01-02 14:30:00",
        "last": "2024-01-03 14:30:00",
        "frequency": "1min",
        "gaps": 1,  # the night is none
        "zero_volume_bars": 2,
        "price_low": 9.0,
        "price_high": 17.0,
        "columns": ("open", "high", "low", "close", "volume"),
        "renamed": {},
        "ignored": ("note",),
        "defects": (),
    }
    assert not report
    assert len(report) == 0


def test_facts_of_undated_bars_without_volume():
    report = load(table(timestamp=None, volume=None)).defects
    assert (report.first, report.last, report.frequency, report.gaps) == ("", "", "", 0)
    assert report.zero_volume_bars is None
    text = shown(report)
    assert "undated" in text
    assert "no volume" in text


def test_defects_are_counted_shown_and_ready_for_json():
    report = load(table(close=[11.0, NAN, NAN, 14.0], Ticker=["IBM"] * 4), on_defect="drop").defects
    assert report
    assert (report.symbol, report.rows, report.bars) == ("IBM", 4, 2)
    text = shown(report)
    for words in (
        "rows read",
        "open, high, low or close is missing",
        "rows dropped",
        "row 1 (2024-01-03)",
        "Ticker -> symbol",
    ):
        assert words in text
    document = json.loads(json.dumps(report.as_dict()))
    (defect,) = document["defects"]
    assert (defect["kind"], defect["count"], defect["action"]) == ("not_finite", 2, "rows dropped")
    assert [row["row"] for row in defect["rows"]] == [1, 2]
    assert defect["rows"][0]["stamp"] == "2024-01-03"
    assert defect["rows"][0]["values"]["open"] == 11.0


def test_bars_say_what_they_are():
    assert repr(load(table(), "IBM")) == "Bars('IBM', 4 bars, 1d)"
    assert repr(load(table(1), "IBM")) == "Bars('IBM', 1 bar, one stamp)"
    assert repr(load(table(timestamp=None))) == "Bars('SYM', 4 bars, undated)"


# ------------------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (DataError, 2),
        (ConfigError, 2),
        (OrderError, 2),
        (OutputError, 2),
        (StrategyError, 1),
        (CapacityError, 1),
        (RunError, 1),
        (AdmfError, 1),
    ],
)
def test_errors_know_their_exit_code(kind, code):
    assert issubclass(kind, AdmfError)
    assert kind("x").exit_code == code


def test_an_error_names_field_found_allowed_and_remedy():
    error = ConfigError("out of range", field="account.cash", found=-1, allowed="above zero", remedy="give more")
    assert str(error) == "account.cash: out of range; found -1; allowed: above zero; give more"
    assert str(ConfigError("out of range")) == "out of range"
    assert str(DataError("two\nlines", found=0, remedy="mend")) == "two\nlines\nfound 0\nmend"
