"""The table of round trips in the report: whole prices, stamps as fine as the bars."""

import re

import polars as pl
import pytest

import admf
from results_support import market_of, small_run

ORDER = {"bar": 0, "side": "buy", "quantity": 1}


def trade_rows(result, path):
    """Heads and first row of the table of round trips."""
    text = result.report(path / "report.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text.rpartition("<h2>Round trips</h2>")[2])
    heads, first = (re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in rows[:2])
    return dict(zip(heads, first, strict=True))


def test_round_trips_show_prices_whole_and_dates_without_a_time_of_day(tmp_path):
    market = market_of([43_210.57, 43_211.25, 43_219.75])
    row = trade_rows(small_run(market, [ORDER, ORDER | {"bar": 1, "side": "sell"}]), tmp_path)
    assert (row["entry (UTC)"], row["entry price"]) == ("2024-01-02", "43,210.57")
    assert (row["exit (UTC)"], row["exit price"], row["bars"]) == ("2024-01-03", "43,211.25", "1")
    assert {"MAE", "MFE", "return"} < row.keys()


@pytest.mark.parametrize(("step", "first"), [("30s", "2024-01-02 00:00:30"), ("1m", "2024-01-02 00:01")])
def test_stamps_have_seconds_where_bars_are_finer_than_a_minute(tmp_path, step, first):
    stamps = pl.datetime_range(pl.datetime(2024, 1, 2), pl.datetime(2024, 1, 2, 1), step, eager=True)
    prices = {name: [50.0] * len(stamps) for name in ("open", "high", "low", "close")}
    market = admf.Market(admf.Bars({"timestamp": stamps, **prices}, "AAPL"))
    result = small_run(market, [ORDER, ORDER | {"bar": 1, "side": "sell"}])
    assert trade_rows(result, tmp_path)["entry (UTC)"] == first
