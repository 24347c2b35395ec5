"""Coarse bars are exactly what their fine bars make, and hold nothing of the next interval."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import admf
from admf.errors import DataError
from admf.fidelity.coarser import check_nesting, nest

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def fine_bars(minutes: list[int], seed: int = 1) -> admf.Bars:
    """One-minute bars at the given minutes after the start."""
    made = admf.generate(bars=len(minutes), seed=seed, frequency="1min").frame
    stamps = [START + timedelta(minutes=minute) for minute in minutes]
    return admf.Bars(made.with_columns(pl.Series("timestamp", stamps)), frequency="1min")


def reference(bars: admf.Bars, minutes: int) -> list[tuple[float, ...]]:
    """By hand: one dictionary of lists, in the order of the clock; a pause of 45 minutes starts a new session."""
    groups: dict[tuple[int, int], list[int]] = {}
    session = 0
    step = minutes * 60 * 10**9
    for index, stamp in enumerate(bars.timestamp.tolist()):
        if index and stamp - int(bars.timestamp[index - 1]) > 45 * 60 * 10**9:
            session += 1
        groups.setdefault((session, stamp // step), []).append(index)
    assert bars.volume is not None
    return [
        (
            bars.open[rows[0]],
            max(bars.high[row] for row in rows),
            min(bars.low[row] for row in rows),
            bars.close[rows[-1]],
            sum(bars.volume[row] for row in rows),
        )
        for rows in groups.values()
    ]


@pytest.mark.parametrize("minutes", [5, 15, 60])
@pytest.mark.parametrize(
    "clock",
    [
        list(range(400)),
        [minute for minute in range(900) if minute % 7 != 3 and not 390 <= minute < 700],
        [*range(3, 50), *range(1000, 1100)],
    ],
    ids=["whole", "holes", "late start"],
)
def test_bars_are_what_their_minutes_make(clock: list[int], minutes: int) -> None:
    bars = fine_bars(clock)
    coarse = admf.aggregate(bars, f"{minutes}min")
    assert coarse.volume is not None
    found = np.column_stack([coarse.open, coarse.high, coarse.low, coarse.close, coarse.volume])
    np.testing.assert_allclose(found, np.array(reference(bars, minutes)), rtol=1e-15)


def test_days_are_sessions() -> None:
    bars = fine_bars([*range(390), *range(1440, 1440 + 390)])
    assert len(admf.aggregate(bars, "1d")) == 2


def test_a_bar_knows_nothing_of_the_next() -> None:
    bars = fine_bars(list(range(100)))
    changed = bars.frame.with_columns(
        pl.when(pl.int_range(pl.len()) >= 60).then(pl.col(name) * 2.0).otherwise(pl.col(name)).alias(name)
        for name in ("open", "high", "low", "close")
    )
    before, after = admf.aggregate(bars, "15min").frame, admf.aggregate(admf.Bars(changed), "15min").frame
    assert before[:4].equals(after[:4])
    assert not before[4:].equals(after[4:])


@pytest.mark.parametrize(
    ("frequency", "words"), [("1min", "does not nest"), ("90s", "does not nest"), ("5 parsecs", "frequency")]
)
def test_a_frequency_that_does_not_nest_is_refused(frequency: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        admf.aggregate(fine_bars(list(range(50))), frequency)


def test_undated_bars_are_refused() -> None:
    bars = admf.Bars({"open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0]})
    with pytest.raises(DataError, match="no timestamps"):
        admf.aggregate(bars, "5min")


def test_given_coarse_bars_are_held_to_the_fine_ones() -> None:
    bars = fine_bars(list(range(120)))
    made = nest(bars, "15min")
    given = check_nesting(bars, made.coarse)
    assert given.firsts.tolist() == made.firsts.tolist()
    assert given.lasts.tolist() == made.lasts.tolist()
    assert given.sound.all()


def given_bars(made: admf.Bars, **changes: pl.Expr) -> admf.Bars:
    """The bars with other columns, all in bounds."""
    frame = made.frame.with_columns(**changes)
    high, low = pl.max_horizontal("open", "high", "low", "close"), pl.min_horizontal("open", "high", "low", "close")
    return admf.Bars(frame.with_columns(high=high, low=low), frequency=made.frequency)


@pytest.mark.parametrize(("hours", "words"), [(5, "-5 h"), (-9, "+9 h"), (5.5, "-5.5 h")])
def test_another_time_zone_is_named(hours: float, words: str) -> None:
    bars = fine_bars(list(range(3000)))
    made = nest(bars, "15min").coarse
    shifted = given_bars(made, timestamp=pl.col("timestamp") + timedelta(hours=hours))
    with pytest.raises(DataError, match=rf"of 200 coarse bars 200 by \{words} have the opens.*time zone"):
        check_nesting(bars, shifted)


def test_stamps_at_the_end_of_a_bar_are_named() -> None:
    bars = fine_bars(list(range(3000)))
    made = nest(bars, "15min").coarse
    with pytest.raises(DataError, match=r'do not nest.*200 by -0.25 h.*label="close"'):
        check_nesting(bars, given_bars(made, timestamp=pl.col("timestamp") + timedelta(minutes=15)))


def test_summer_time_shows_as_two_shifts() -> None:
    bars = fine_bars(list(range(6000)))
    made = nest(bars, "15min").coarse
    hours = pl.when(pl.int_range(pl.len()) < 250).then(4).otherwise(5)
    with pytest.raises(DataError, match=r"25. by -4 h and 15. by -5 h"):
        check_nesting(bars, given_bars(made, timestamp=pl.col("timestamp") + pl.duration(hours=hours)))


def test_spans_that_do_not_meet_are_shown() -> None:
    bars = fine_bars(list(range(300)))
    late = given_bars(nest(bars, "15min").coarse, timestamp=pl.col("timestamp") + timedelta(days=400))
    with pytest.raises(DataError, match=r"no finer bar.*1min from 2024-01-02 14:30:00 to .*15min from 2025-02-05"):
        check_nesting(bars, late)


def test_bars_that_do_not_fit_are_counted_and_left_out() -> None:
    whole = fine_bars(list(range(9000)))
    bars = without(whole, lambda minute: 4500 <= minute < 4515)
    made = nest(whole, "15min").coarse
    wider = pl.when(pl.int_range(pl.len()) == 7).then(pl.col("high") + 1.0).otherwise(pl.col("high"))
    found = check_nesting(bars, given_bars(made, high=wider))
    assert np.flatnonzero(~found.sound).tolist() == [7, 300]


def test_many_that_do_not_fit_are_refused_with_numbers() -> None:
    bars = fine_bars(list(range(1500)))
    made = nest(bars, "15min").coarse
    high = pl.col("high") + pl.when(pl.int_range(pl.len()) % 5 == 3).then(0.5).otherwise(0.0)
    with pytest.raises(DataError, match=r"20 coarse bars of 100 .*, 20 with other prices, the first at .*: high"):
        check_nesting(bars, given_bars(made, high=high))
    with pytest.raises(DataError, match=r"19 coarse bars of 80 .*, 285 finer bars between coarse ones"):
        check_nesting(bars, without(made, lambda bar: bar % 5 == 0))
    with pytest.raises(DataError, match=r"33 coarse bars of 100 .*, 33 without a finer bar"):
        check_nesting(without(bars, lambda minute: minute // 15 % 3 == 1), made)
    with pytest.raises(DataError, match=r"not finer; found '15min in 1min'"):
        check_nesting(made, bars)


def without(bars: admf.Bars, gone: Callable[[int], bool]) -> admf.Bars:
    """The bars but for some."""
    kept = [row for row in range(len(bars)) if not gone(row)]
    return admf.Bars(bars.frame[kept], frequency=bars.frequency)
