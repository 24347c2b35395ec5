"""Sessions from trading hours: tables, files and exchange calendars."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from admf.data import Market, load
from admf.errors import DataError
from data_support import days, flat, hourly, table

HOURS = {"open": hourly(14.5, 38.5, 47), "close": hourly(21, 45, 53)}


def test_sessions_from_a_table_of_hours(tmp_path):
    """A session may cross midnight; one without bars is none."""
    bars = flat(hourly(14.5, 20.9, 24 + 23, 24 + 28.9))
    market = Market(bars, sessions=HOURS)
    assert market.arrays.session_end.tolist() == [1, 1, 3, 3]
    assert market.session_count == 2
    frame = pl.DataFrame(HOURS)
    frame.write_csv(tmp_path / "hours.csv")
    other_names = frame.rename({"open": "market_open", "close": "Market_Close"})
    found = {Market(bars, sessions=table).fingerprint for table in (frame, other_names, str(tmp_path / "hours.csv"))}
    assert found == {market.fingerprint}
    assert market.fingerprint != Market(bars, sessions="gaps").fingerprint


def test_sessions_of_daily_bars_are_the_days():
    assert Market(flat(days(3)), sessions=HOURS).arrays.session_end.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"open": [hourly(22)[0], *HOURS["open"][1:]]}, "row 0 is a session that closes before it opens"),
        (
            {"open": [*HOURS["open"][:2], hourly(24 + 20)[0]]},
            "row 2 is a session that opens before the one above it closes; found '2024-01-03 20:00:00 to",
        ),
        ({"open": ["noon"] * 3}, "open: sessions: row 0 is not a time"),
        ({"open": None, "begin": HOURS["open"]}, "open"),
    ],
)
def test_hours_that_make_no_sense(change, message):
    with pytest.raises(DataError, match=message):
        Market(flat(hourly(15, 16)), sessions=HOURS | change)


def test_a_table_without_a_column_of_opens():
    with pytest.raises(DataError, match=r"sessions: no column open; found \['begin', 'close'\]; allowed: a table"):
        Market(flat(hourly(15, 16)), sessions={"begin": HOURS["open"], "close": HOURS["close"]})


def test_bars_outside_the_hours():
    with pytest.raises(DataError, match="2 of 3 bars are outside the sessions, the first is bar 0"):
        Market(flat(hourly(14, 15, 21)), sessions=HOURS)


def test_sessions_of_a_calendar():
    """The New York exchange closed at 18:00 UTC on the day after Thanksgiving 2024, and was closed the day before."""
    pytest.importorskip("exchange_calendars")
    start = datetime(2024, 11, 27, tzinfo=UTC)
    moments = [start + timedelta(hours=hour) for hour in (14.5, 20.75, 48 + 14.5, 48 + 17.75)]
    market = Market(flat(moments), sessions="XNYS")
    assert market.arrays.session_end.tolist() == [1, 1, 3, 3]
    with pytest.raises(DataError, match="1 of 2 bars are outside the sessions, the first is bar 1"):
        Market(flat([moments[2], start + timedelta(hours=48 + 18)]), sessions="XNYS")
    with pytest.raises(DataError, match=r"unknown rule; found 'xnys'; allowed: 'date'.*did you mean 'XNYS'"):
        Market(flat(moments), sessions="xnys")
    with pytest.raises(DataError, match="exchange_calendars has no hours of XTAE for 1990-01-02 to 1990-01-02"):
        Market(flat([datetime(1990, 1, 2, 14, tzinfo=UTC), datetime(1990, 1, 2, 15, tzinfo=UTC)]), sessions="XTAE")


def test_a_calendar_without_the_package(monkeypatch):
    monkeypatch.setattr("admf.data.hours.find_spec", lambda _: None)
    with pytest.raises(DataError, match=r"needs exchange_calendars, and.*pip install exchange_calendars"):
        Market(flat(hourly(15, 16)), sessions="XNYS")


@pytest.mark.parametrize(("sessions", "name"), [("gaps", "gaps"), ("XNYS", "XNYS"), (HOURS, "hours")])
def test_undated_bars_have_no_sessions_to_ask_for(sessions, name):
    with pytest.raises(DataError, match=rf"sessions: the bars have no timestamps, so they have no.*found '{name}'"):
        Market(load(table(timestamp=None)), sessions=sessions)
