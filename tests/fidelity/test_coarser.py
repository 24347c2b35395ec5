"""Coarse bars are exactly what their fine bars make, and hold nothing of the next interval."""

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
    shifted = made.coarse.frame.with_columns(pl.col("timestamp") + timedelta(hours=5))
    with pytest.raises(DataError, match=r"8 coarse bars of 8 without a fine one.*\+5 h apart"):
        check_nesting(bars, admf.Bars(shifted, frequency="15min"))
    wider = made.coarse.frame.with_columns(pl.col("high") + 0.01)
    with pytest.raises(DataError, match=r"8 ranges that differ"):
        check_nesting(bars, admf.Bars(wider, frequency="15min"))
