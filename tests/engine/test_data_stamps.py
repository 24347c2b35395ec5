"""Stamps: every way to write a time becomes ns UTC at the bar's open; bounds select inclusively."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from admf.data import Bars, load
from admf.data.stamps import frequency_text, infer_frequency_ns, parse_frequency, stamp_text
from admf.errors import DataError
from data_support import DAY_NS, FIRST_NS, HOUR_NS, MINUTE_NS, days, refusal, table

SECONDS = [FIRST_NS // 1_000_000_000 + 60 * row for row in range(4)]
MINUTES = days(4, step=timedelta(minutes=1))


def stamps(values, **options):
    return load(table(timestamp=values), **options).timestamp


# ------------------------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize(
    "values",
    [
        MINUTES,
        [stamp.astimezone(timezone(timedelta(hours=5))) for stamp in MINUTES],
        pl.Series(MINUTES).cast(pl.Datetime("ms", "UTC")),
        pl.Series(MINUTES).cast(pl.Datetime("ns", "UTC")),
        pl.Series(MINUTES).dt.convert_time_zone("America/New_York"),
        SECONDS,
        [float(second) for second in SECONDS],
        [Decimal(second) for second in SECONDS],
        [second * 10**3 for second in SECONDS],
        [second * 10**6 for second in SECONDS],
        [second * 10**9 for second in SECONDS],
        np.array(SECONDS, dtype=np.uint64),
        [str(second) for second in SECONDS],
        ["2024-01-02T00:00:00Z", "2024-01-02T00:01:00Z", "2024-01-02T00:02:00Z", "2024-01-02T00:03:00Z"],
        ["2024-01-02 00:00", "2024-01-02 00:01", "2024-01-02 00:02", "2024-01-02 00:03"],
        [f" 2024-01-02 00:0{row}:00.000 " for row in range(4)],
        [f"2024-01-02T0{row % 2}:0{row}:00+0{row % 2}:00" for row in range(4)],
    ],
)
def test_every_way_to_write_the_same_minutes(values):
    assert stamps(values).tolist() == [FIRST_NS + MINUTE_NS * row for row in range(4)]


@pytest.mark.parametrize(
    "values",
    [
        [date(2024, 1, 2 + row) for row in range(4)],
        ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"],
        ["20240102", "20240103", "20240104", "20240105"],
        [20240102, 20240103, 20240104, 20240105],
        days(4),
    ],
)
def test_every_way_to_write_the_same_days(values):
    assert stamps(values).tolist() == [FIRST_NS + DAY_NS * row for row in range(4)]


def test_fractions_of_a_second():
    assert (stamps([second + 0.25 for second in SECONDS]) - stamps(SECONDS)).tolist() == [250_000_000] * 4
    text = [f"2024-01-02 00:00:00.{row}00000001" for row in range(4)]
    assert (stamps(text) - FIRST_NS).tolist() == [100_000_000 * row + 1 for row in range(4)]


def test_stamps_before_1970():
    assert stamps([-400, -300, -200, -100]).tolist() == [-400 * 10**9, -300 * 10**9, -200 * 10**9, -100 * 10**9]
    assert stamp_text(int(stamps([date(1962, 1, 2 + row) for row in range(4)])[0])) == "1962-01-02"


def test_naive_times_are_in_the_given_zone():
    naive = [stamp.replace(tzinfo=None) for stamp in MINUTES]
    assert stamps(naive, tz="America/New_York")[0] - stamps(naive)[0] == 5 * HOUR_NS
    assert stamps(MINUTES, tz="America/New_York").tolist() == stamps(MINUTES).tolist()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["2024-01-02", "2024-01-03", "soon", "2024-01-05"], "row 2 is not a time, or not written like the others"),
        (["01/02/2024"] * 4, "row 0 is not a time"),
        (["1", "2", "x", "4"], "row 2 is not a time"),
        ([MINUTES[0], None, MINUTES[2], None], "rows without a stamp: 2, the first is row 1"),
        ([1.7e9, float("nan"), 1.8e9, 1.9e9], "row 1 has no stamp"),
        ([True, False, True, False], "not a column of times; found 'Boolean'"),
        ([time(1), time(2), time(3), time(4)], "not a column of times; found 'Time'"),
        ([datetime(3000, 1, 1 + row, tzinfo=UTC) for row in range(4)], "is outside the years 1678 to 2261"),
        (np.array([1, 2, 3, 2**63 + 5], dtype=np.uint64), "row 3 is outside the years 1678 to 2261"),
    ],
)
def test_what_is_no_stamp_is_named_with_its_row(values, words):
    text = refusal(table(timestamp=values))
    assert text.startswith("timestamp: table: ")
    assert words in text


def test_a_time_that_summer_time_skips_or_repeats():
    skipped = [datetime(2024, 3, 10, hour, 30) for hour in range(1, 5)]  # noqa: DTZ001 -- naive on purpose
    text = refusal(table(timestamp=skipped), tz="America/New_York")
    assert "2024-03-10 02:30:00" in text
    assert "store the stamps in UTC" in text


# -------------------------------------------------------------------------------------------------- label, frequency


def test_stamps_of_closes_move_to_the_opens():
    assert stamps(MINUTES, label="close").tolist() == [FIRST_NS + MINUTE_NS * (row - 1) for row in range(4)]
    assert stamps(MINUTES, label="close", frequency="30s")[0] == FIRST_NS - MINUTE_NS // 2
    assert Bars(table(timestamp=MINUTES), label="close").timestamp[0] == FIRST_NS - MINUTE_NS
    assert load(table(timestamp=MINUTES), label="close").close.tolist() == [11.0, 12.0, 13.0, 14.0]


def test_start_and_end_are_compared_with_the_opens():
    bars = load(table(timestamp=days(4, step=timedelta(hours=24))), label="close", start="2024-01-02")
    assert bars.close.tolist() == [12.0, 13.0, 14.0]


def test_one_closing_stamp_needs_the_frequency():
    text = refusal(table(count=1), label="close")
    assert "label='close' needs the frequency" in text
    assert load(table(count=1), label="close", frequency="1h").timestamp[0] == FIRST_NS - HOUR_NS


@pytest.mark.parametrize(
    ("text", "nanoseconds", "shown"),
    [
        ("1s", 10**9, "1s"),
        ("60s", MINUTE_NS, "1min"),
        ("1min", MINUTE_NS, "1min"),
        ("5 Minute", 5 * MINUTE_NS, "5min"),
        ("15m", 15 * MINUTE_NS, "15min"),
        ("1h", HOUR_NS, "1h"),
        ("d", DAY_NS, "1d"),
        ("250ms", 250_000_000, "250ms"),
    ],
)
def test_frequencies(text, nanoseconds, shown):
    assert parse_frequency(text) == nanoseconds
    assert frequency_text(nanoseconds) == shown


@pytest.mark.parametrize("wrong", ["often", "", "0min", "1.5h", "-1d", "1x"])
def test_what_is_no_frequency(wrong):
    with pytest.raises(DataError, match="allowed: a whole number and a unit: 1s, 1min, 15min, 1h, 1d"):
        parse_frequency(wrong)


def test_the_most_common_step_is_the_frequency():
    minutes = np.array([0, 1, 2, 3, 60, 61, 62, 200]) * MINUTE_NS
    assert infer_frequency_ns(minutes) == MINUTE_NS
    assert infer_frequency_ns(minutes[::-1].copy()) == MINUTE_NS
    assert infer_frequency_ns(minutes[[0, 4, 7]]) == 60 * MINUTE_NS  # a tie: the smaller one
    assert infer_frequency_ns(minutes[:1]) is None
    assert infer_frequency_ns(np.array([5, 5, 5])) is None


# ------------------------------------------------------------------------------------------------------------ bounds


@pytest.mark.parametrize(
    ("start", "end", "closes"),
    [
        ("2024-01-03", None, [12.0, 13.0, 14.0]),
        (None, "2024-01-03", [11.0, 12.0]),
        (date(2024, 1, 3), date(2024, 1, 4), [12.0, 13.0]),
        ("2024-01-03 00:00:01", datetime(2024, 1, 5, tzinfo=UTC), [13.0, 14.0]),
        ("2024-01-03T01:00:00+01:00", "2024-01-03", [12.0]),
    ],
)
def test_bounds_are_inclusive(start, end, closes):
    assert load(table(), start=start, end=end).close.tolist() == closes


def test_an_end_without_time_takes_the_whole_day():
    hours = days(30, step=timedelta(hours=1))
    assert len(load(table(30, timestamp=hours), end="2024-01-02")) == 24
    assert len(load(table(30, timestamp=hours), end="2024-01-02 05:00")) == 6


def test_bounds_without_zone_are_in_the_given_zone():
    hours = days(30, step=timedelta(hours=1))
    bars = load(table(30, timestamp=hours), start="2024-01-02", tz="America/New_York")
    assert bars.timestamp[0] == FIRST_NS + 5 * HOUR_NS


def test_bounds_that_cannot_be_used():
    text = refusal(table(), start="2030-01-01")
    assert "no bar from 2030-01-01 to the last bar; allowed: the data runs from 2024-01-02 to 2024-01-05 (UTC)" in text
    assert "start: not a date; found 'tomorrow'" in refusal(table(), start="tomorrow")
    assert "end: not a date; found 5" in refusal(table(), end=5)
    assert "start and end need stamps" in refusal(table(timestamp=None), start="2024-01-01")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"label": "end"}, "label: unknown word; found 'end'; allowed: open, close"),
        ({"on_defect": "fix"}, "on_defect: unknown word; found 'fix'; allowed: error, repair, drop, keep"),
        ({"tz": "Mars"}, "tz: unknown time zone; found 'Mars'; allowed: an IANA name"),
        ({"frequency": "often"}, "frequency: not a frequency; found 'often'"),
    ],
)
def test_options_that_are_unknown(option, words):
    assert words in refusal(table(), **option)
