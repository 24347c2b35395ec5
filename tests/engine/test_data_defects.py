"""Defects: each is found with its row, refused, repaired, dropped or kept as asked, and said."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given

from admf.data import Bars, Market, load
from admf.data.defects import BAR_KINDS, KINDS, STAMP_KINDS
from admf.errors import DataError
from admf_kernels.codes import BarFlag
from data_support import PRICES, columns_of, days, refusal, table

NAN, INFINITE = float("nan"), float("inf")
START = datetime(2024, 1, 2, tzinfo=UTC)


# ---------------------------------------------------------------------------------------------------- one by one

QUOTED = {"bid": [10.0] * 4, "ask": [10.1] * 4}
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = days(4)

# kind, the change that brings it in, the rows that show it
DEFECTS = [
    ("unsorted", {"timestamp": [TUESDAY, THURSDAY, WEDNESDAY, FRIDAY]}, [2]),
    ("revised", {"timestamp": [TUESDAY, WEDNESDAY, WEDNESDAY, FRIDAY]}, [2]),
    ("not_finite", {"close": [11.0, NAN, 13.0, 14.0]}, [1]),
    ("not_finite", {"open": [10.0, 11.0, None, 13.0]}, [2]),
    ("not_finite", {"high": [12.0, 13.0, 14.0, INFINITE]}, [3]),
    ("price_not_positive", {"low": [0.0, 10.0, -1.0, 12.0]}, [0, 2]),
    ("high_below_low", {"high": [12.0, 9.5, 14.0, 15.0]}, [1]),
    ("outside_range", {"close": [11.0, 12.0, 13.0, 15.5]}, [3]),
    ("outside_range", {"open": [8.0, 11.0, 12.0, 13.0]}, [0]),
    ("volume_invalid", {"volume": [1.0, -1.0, 3.0, INFINITE]}, [1, 3]),
    ("quotes_crossed", {"spread": [0.1, 0.0, -0.1, None]}, [2]),
    ("quotes_crossed", QUOTED | {"ask": [10.0, 9.9, 10.2, NAN]}, [1]),
]


@pytest.mark.parametrize(("kind", "change", "rows"), DEFECTS)
def test_a_defect_is_refused_with_its_rows(kind, change, rows):
    text = refusal(table(**change))
    assert f"table: {len(rows)} defect{'s' if len(rows) > 1 else ''} in 4 rows" in text
    assert f"{len(rows)} x {kind}: {KINDS[kind].text}" in text
    for row in rows:
        assert f"row {row} (2024-01-0" in text
    assert "on_defect='repair'" in text
    assert "\n" in text
    with pytest.raises(DataError, match=kind):
        Bars(table(**change))


@pytest.mark.parametrize(("kind", "change", "rows"), DEFECTS)
@pytest.mark.parametrize("mode", ["repair", "drop"])
def test_what_is_left_is_clean_and_what_was_done_is_said(kind, change, rows, mode):
    bars = load(table(**change), on_defect=mode)
    assert columns_of(Bars(bars.frame)) == columns_of(bars)
    (defect,) = (found for found in bars.defects.defects if found.kind == kind)
    assert (defect.count, [example.row for example in defect.rows]) == (len(rows), rows)
    lost = len(rows) if kind in BAR_KINDS and (mode == "drop" or KINDS[kind].repair == "rows dropped") else 0
    assert len(bars) == 4 - lost - (kind == "revised")
    dropped = mode == "drop" and kind in BAR_KINDS
    assert defect.action == ("rows dropped" if dropped else KINDS[kind].repair)
    assert (bars.defects.rows, bars.defects.bars) == (4, len(bars))
    assert not any(values.flags.writeable for values in (bars.close, bars.volume, bars.timestamp))


@pytest.mark.parametrize(("kind", "change", "rows"), DEFECTS)
def test_keep_lets_bars_pass_and_stamps_not(kind, change, rows):
    if kind in STAMP_KINDS:
        assert f"{len(rows)} x {kind}" in refusal(table(**change), on_defect="keep")
        return
    bars = load(table(**change), on_defect="keep")
    assert len(bars) == 4
    assert [(found.kind, found.action) for found in bars.defects.defects] == [(kind, "kept")]
    prices = kind in ("not_finite", "price_not_positive", "high_below_low", "outside_range")
    flags = Market(bars).arrays.flags[:, 0] & BarFlag.VALID
    assert np.flatnonzero(flags == 0).tolist() == (rows if prices else [])


def test_a_repeat_of_the_same_values_is_a_duplicate():
    rows = pl.DataFrame(table())
    repeated = pl.concat([rows[:2], rows[1:]])
    assert "1 x duplicate" in refusal(repeated)
    bars = load(repeated, on_defect="repair")
    assert columns_of(bars) == columns_of(load(rows))
    (defect,) = bars.defects.defects
    assert (defect.kind, defect.rows[0].row, defect.action) == ("duplicate", 2, "one row kept")


def test_missing_values_that_repeat_are_the_same_values():
    rows = pl.DataFrame(table(volume=[100.0, None, 300.0, 400.0]))
    bars = load(pl.concat([rows[:2], rows[1:]]), on_defect="repair")
    assert [defect.kind for defect in bars.defects.defects] == ["duplicate"]


def test_the_last_revision_stays_in_the_order_of_the_input():
    changed = table(timestamp=[TUESDAY, FRIDAY, TUESDAY, WEDNESDAY])
    bars = load(changed, on_defect="repair")
    assert bars.close.tolist() == [13.0, 14.0, 12.0]
    assert [(defect.kind, defect.count) for defect in bars.defects.defects] == [("unsorted", 1), ("revised", 1)]


def test_a_revision_that_is_no_bar_does_not_replace_one():
    changed = table(timestamp=[TUESDAY, WEDNESDAY, WEDNESDAY, FRIDAY], close=[11.0, 12.0, NAN, 14.0])
    assert load(changed, on_defect="repair").close.tolist() == [11.0, 12.0, 14.0]


def test_repair_widens_the_range_to_all_four_prices():
    changed = table(open=[10.0, 11.0, 12.0, 20.0], high=[12.0, 9.5, 14.0, 15.0], close=[11.0, 12.0, 1.0, 14.0])
    bars = load(changed, on_defect="repair")
    assert bars.high.tolist() == [12.0, 12.0, 14.0, 20.0]
    assert bars.low.tolist() == [9.0, 9.5, 1.0, 12.0]
    assert bars.open.tolist() == [10.0, 11.0, 12.0, 20.0]
    assert bars.close.tolist() == [11.0, 12.0, 1.0, 14.0]


def test_repair_of_volume_and_quotes():
    bars = load(table(volume=[1.0, -5.0, 3.0, 4.0], spread=[0.1, 0.1, -0.1, 0.1], **QUOTED), on_defect="repair")
    assert bars.volume.tolist() == [1.0, 0.0, 3.0, 4.0]
    for name in ("spread", "bid", "ask"):
        assert np.flatnonzero(np.isnan(bars.column(name))).tolist() == [2]


def test_all_kinds_are_listed_at_once():
    text = refusal(
        table(
            timestamp=[TUESDAY, FRIDAY, WEDNESDAY, THURSDAY],
            close=[11.0, NAN, 13.0, 99.0],
            low=[-9.0, 10.0, 11.0, 12.0],
            volume=[-1.0, 1.0, 1.0, 1.0],
        )
    )
    assert "5 defects in 4 rows" in text
    for kind in ("unsorted", "not_finite", "price_not_positive", "outside_range", "volume_invalid"):
        assert f"1 x {kind}" in text


def test_only_the_first_rows_are_shown():
    text = refusal(table(10, close=[NAN] * 10))
    assert "row 0 (2024-01-02): open 10, high 12, low 9, close nan" in text
    assert "row 2 " in text
    assert "row 3 " not in text
    assert "and 7 more" in text


def test_rows_are_counted_in_the_input_where_a_part_is_selected():
    text = refusal(table(10, close=[11.0 + row for row in range(8)] + [NAN, 20.0]), start="2024-01-06")
    assert "1 defect in 6 rows" in text
    assert "row 8 (2024-01-10)" in text


def test_prices_are_shown_as_far_as_they_differ():
    changed = {name: [123456.789] * 4 for name in PRICES} | {"high": [123456.788] + [123456.789] * 3}
    assert "high 123456.788, low 123456.789" in refusal(table(**changed))


def test_undated_bars_have_no_stamp_to_show():
    text = refusal(table(timestamp=None, close=[11.0, 12.0, NAN, 14.0]))
    assert "row 2: open 12, high 14, low 11, close nan" in text


def test_a_table_of_which_nothing_can_be_used():
    for mode in ("repair", "drop"):
        text = refusal(table(close=[NAN] * 4), on_defect=mode)
        assert f"no rows left after on_defect='{mode}'" in text
        assert "4 x not_finite" in text


# ---------------------------------------------------------------------------------------------------- any data at all


@st.composite
def clean_tables(draw):
    """Bars with ascending stamps, valid prices, volume and quotes; quarters are exact in float64."""
    quarters = st.integers(4, 4000)
    count = draw(st.integers(3, 12))
    steps = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    prices = [sorted(draw(st.tuples(quarters, quarters, quarters, quarters))) for _ in range(count)]
    flips = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    inner = [(bar[2], bar[1]) if flip else (bar[1], bar[2]) for bar, flip in zip(prices, flips, strict=True)]
    return {
        "timestamp": [START + timedelta(minutes=int(minutes)) for minutes in np.cumsum(steps)],
        "open": [bar[0] / 4 for bar in inner],
        "high": [bar[3] / 4 for bar in prices],
        "low": [bar[0] / 4 for bar in prices],
        "close": [bar[1] / 4 for bar in inner],
        "volume": [float(draw(st.integers(0, 1000))) for _ in range(count)],
        "spread": [draw(st.integers(0, 10)) / 100 for _ in range(count)],
    }


def spoil(columns, kind, row):
    """Bring one defect into a clean table at `row` (after it where the defect needs a neighbour)."""
    columns = {name: list(values) for name, values in columns.items()}
    if kind == "unsorted":
        stamps = columns["timestamp"]
        stamps[row], stamps[row + 1] = stamps[row + 1], stamps[row]
    elif kind in ("duplicate", "revised"):
        for values in columns.values():
            values.insert(row + 1, values[row])
        if kind == "revised":
            columns["volume"][row + 1] += 1.0
    elif kind == "not_finite":
        columns["close"][row] = NAN
    elif kind == "price_not_positive":
        columns["low"][row] = -columns["low"][row]
    elif kind == "high_below_low":
        columns["high"][row] = columns["low"][row] / 2
    elif kind == "outside_range":
        columns["open"][row] = columns["high"][row] * 2
    elif kind == "volume_invalid":
        columns["volume"][row] = -1.0
    else:
        columns["spread"][row] = -0.01
    return columns, row + 1 if kind in STAMP_KINDS else row


@given(clean_tables())
def test_clean_data_passes_bit_for_bit_in_every_mode(columns):
    expected = columns_of(Bars(columns))
    for mode in ("error", "repair", "drop", "keep"):
        bars = load(columns, on_defect=mode)
        assert not bars.defects
        assert columns_of(bars) == expected


@given(clean_tables(), st.sampled_from(sorted(KINDS)), st.data())
def test_an_injected_defect_is_found_with_its_row(columns, kind, data):
    row = data.draw(st.integers(0, len(columns["close"]) - 2))
    spoilt, shown = spoil(columns, kind, row)
    text = refusal(spoilt)
    assert f"1 x {kind}" in text
    assert f"row {shown} " in text
    for mode in ("repair", "drop"):
        bars = load(spoilt, on_defect=mode)
        (defect,) = bars.defects.defects
        assert (defect.kind, defect.count, defect.rows[0].row) == (kind, 1, shown)
        assert not load(bars.frame).defects
        untouched = [other for other in range(len(columns["close"])) if other not in (row, row + 1)]
        kept = pl.DataFrame(columns)[untouched]["timestamp"]
        before, after = Bars(columns).frame, bars.frame
        assert before.filter(pl.col("timestamp").is_in(kept.implode())).equals(
            after.filter(pl.col("timestamp").is_in(kept.implode()))
        )


@given(clean_tables(), st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 1)), max_size=4))
def test_any_mixture_of_defects_can_be_repaired_and_dropped(columns, injected):
    for kind, row in injected:
        columns, _ = spoil(columns, kind, row)
    for mode in ("repair", "drop"):
        bars = load(columns, on_defect=mode)
        assert not load(bars.frame).defects
        assert (np.diff(bars.timestamp) > 0).all()
        assert columns_of(load(bars.frame, on_defect=mode)) == columns_of(bars)


anything = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(st.integers(-3, 3), *[anything] * 7), min_size=1, max_size=6))
def test_whatever_the_numbers_are_the_outcome_is_clean_bars_or_one_error(rows):
    names = ("timestamp", *PRICES, "volume", "bid", "ask")
    columns = {name: [row[column] for row in rows] for column, name in enumerate(names)}
    for mode in ("error", "repair", "drop"):
        try:
            bars = load(columns, on_defect=mode)
        except DataError as error:
            assert "defect" in str(error)  # noqa: PT017 -- either outcome is right
            continue
        assert not load(bars.frame).defects
        assert (Market(bars).arrays.flags & BarFlag.VALID).all()
