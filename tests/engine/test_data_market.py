"""`Market`: bars on one clock, read-only, with sessions, flags and a stable fingerprint; `Instrument`."""

from datetime import UTC, date, datetime, timedelta

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given

from admf.data import Bars, Instrument, Market, load
from admf.errors import ConfigError, DataError
from admf_kernels.codes import BarFlag
from admf_kernels.records import instrument_dt
from data_support import FIRST_NS, PRICES, days, flat, hourly, table

NAN = float("nan")
FIRST, LAST, VALID = BarFlag.SESSION_FIRST, BarFlag.SESSION_LAST, BarFlag.VALID


# ------------------------------------------------------------------------------------------------------------ arrays


def test_arrays_are_what_the_kernels_take():
    market = Market(load(table()))
    arrays = market.arrays
    for name in (*PRICES, "volume"):
        values = getattr(arrays, name)
        assert (values.shape, values.dtype) == ((4, 1), np.float64)
    assert (arrays.flags.shape, arrays.flags.dtype) == ((4, 1), np.uint8)
    assert (arrays.session_end.shape, arrays.session_end.dtype) == ((4,), np.int32)
    assert (arrays.timestamp.shape, arrays.timestamp.dtype) == ((4,), np.int64)
    assert arrays.timestamp[0] == FIRST_NS
    for values in arrays:
        assert values.flags.c_contiguous
        assert not values.flags.writeable
    assert (market.symbols, len(market), market.bar_count, market.symbol_count) == (("SYM",), 4, 4, 1)
    assert repr(market) == "Market(SYM: 4 bars, dated)"


def test_nothing_is_copied_for_one_symbol():
    bars = load(table())
    arrays = Market(bars).arrays
    for name in (*PRICES, "volume", "timestamp"):
        assert np.shares_memory(getattr(arrays, name), getattr(bars, name))


def test_volume_that_is_none_counts_as_zero():
    kept = load(table(volume=[1.0, None, -3.0, float("inf")]), on_defect="keep")
    market = Market(kept)
    assert market.has_volume
    assert market.arrays.volume[:, 0].tolist() == [1.0, 0.0, 0.0, 0.0]
    without = Market(load(table(volume=None)))
    assert not without.has_volume
    assert without.arrays.volume.shape == (4, 1)
    assert not without.arrays.volume.any()


# ------------------------------------------------------------------------------------------------------ many symbols


def test_symbols_share_the_union_of_their_clocks():
    a = flat(hourly(0, 1, 3), "A", 10.0, volume=[1.0, 2.0, 3.0])
    b = flat(hourly(1, 2, 3), "B", 20.0, volume=[4.0, 5.0, 6.0])
    market = Market([a, b])
    assert market.symbols == ("A", "B")
    assert market.timestamps.to_list() == hourly(0, 1, 2, 3)
    assert np.array_equal(market.arrays.close, [[10, NAN], [10, 20], [NAN, 20], [10, 20]], equal_nan=True)
    assert market.arrays.volume.tolist() == [[1, 0], [2, 4], [0, 5], [3, 6]]
    assert (market.arrays.flags & VALID).astype(bool).tolist() == [
        [True, False],
        [True, True],
        [False, True],
        [True, True],
    ]
    for values in market.arrays:
        assert values.flags.c_contiguous
        assert not values.flags.writeable


def test_symbols_on_the_same_clock_and_undated_ones():
    a, b = flat(hourly(0, 1), "A"), flat(hourly(0, 1), "B", 20.0)
    assert Market([a, b]).arrays.close.tolist() == [[10, 20], [10, 20]]
    long = Bars(table(timestamp=None), "A")
    short = Bars({name: values[:2] for name, values in table(timestamp=None).items()}, "B")
    market = Market([long, short])
    assert market.bar_count == 4
    assert np.isnan(market.arrays.close[2:, 1]).all()


def test_volume_counts_only_where_all_symbols_have_it():
    a, b = flat(hourly(0, 1), "A", volume=[1.0, 2.0]), flat(hourly(0, 1), "B")
    assert not Market([a, b]).has_volume


def test_bars_that_do_not_fit_together():
    dated, undated = flat(hourly(0, 1), "A"), Bars(table(timestamp=None), "B")
    with pytest.raises(DataError, match="B: dated and undated bars do not share a clock"):
        Market([dated, undated])
    with pytest.raises(DataError, match="the same symbol twice; found 'A'"):
        Market([dated, dated])
    with pytest.raises(DataError, match="no bars"):
        Market([])
    with pytest.raises(DataError, match="not Bars; found 'dict'"):
        Market([table()])


# ---------------------------------------------------------------------------------------------------------- sessions


def test_sessions_by_date():
    market = Market(flat(hourly(14, 15, 23, 24, 38, 62)))
    assert market.session_count == 3
    assert market.arrays.session_end.tolist() == [2, 2, 2, 4, 4, 5]
    ends = (market.arrays.flags[:, 0] & (FIRST | LAST)).tolist()
    assert ends == [FIRST, 0, LAST, FIRST, LAST, FIRST | LAST]
    assert (market.has_sessions, market.intraday, market.dated) == (True, True, True)


def test_sessions_at_gaps_go_through_midnight():
    market = Market(flat(hourly(22, 23, 24, 25, 46, 47)), sessions="gaps")
    assert market.session_count == 2
    assert market.arrays.session_end.tolist() == [3, 3, 3, 3, 5, 5]
    daily = Market(flat(days(3)), sessions="gaps")
    assert daily.session_count == 3
    with pytest.raises(DataError, match=r"sessions: unknown rule.*found 'week'; allowed: 'date'"):
        Market(flat(days(3)), sessions="week")


def test_a_pause_of_a_thinly_traded_stock_is_no_gap():
    minutes = [0, 1, 2, 32, 33, 34, 78, 79, 125]  # pauses of 30, 44 and 46 minutes
    market = Market(flat(hourly(*(14 + minute / 60 for minute in minutes))), sessions="gaps")
    assert market.arrays.session_end.tolist() == [7] * 8 + [8]


def test_undated_bars_are_one_stretch_without_sessions():
    market = Market(load(table(timestamp=None)))
    assert (market.dated, market.has_sessions, market.session_count, market.intraday) == (False, False, 0, False)
    assert market.arrays.session_end.tolist() == [3, 3, 3, 3]
    assert not (market.arrays.flags & (FIRST | LAST)).any()
    assert market.timestamps.to_list() == [0, 1, 2, 3]


@given(st.lists(st.integers(1, 60 * 60), min_size=1, max_size=60))
def test_every_bar_lies_in_the_session_of_its_date(minutes):
    stamps = [datetime(2024, 1, 2, tzinfo=UTC) + timedelta(minutes=int(passed)) for passed in np.cumsum(minutes)]
    market = Market(flat(stamps))
    dates = [stamp.date() for stamp in stamps]
    last = {day: row for row, day in enumerate(dates)}
    assert market.arrays.session_end.tolist() == [last[day] for day in dates]
    flags = market.arrays.flags[:, 0]
    firsts = [row for row, day in enumerate(dates) if row == 0 or dates[row - 1] != day]
    assert np.flatnonzero(flags & FIRST).tolist() == firsts
    assert np.flatnonzero(flags & LAST).tolist() == sorted(last.values())
    assert market.session_count == len(last)


# -------------------------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("weekdays", "periods"),
    [
        ({0, 1, 2, 3, 4}, 252),
        ({0, 1, 2, 3, 4, 5, 6}, 365),
        ({0, 1, 2, 3, 4, 6}, 252),  # foreign exchange opens on Sunday evenings
        ({0, 1, 2, 3, 4, 5}, 252),  # late trades of a Friday in New York
    ],
)
def test_periods_per_year_follow_the_days_of_the_week(weekdays, periods):
    stamps = [stamp for stamp in days(60) if stamp.weekday() in weekdays]
    market = Market(flat(stamps))
    assert market.periods_per_year == periods
    assert not market.intraday


def test_one_odd_weekend_does_not_make_a_market_that_never_closes():
    stamps = [
        stamp for stamp in days(90) if stamp.weekday() < 5 or stamp.date() in (date(2024, 1, 6), date(2024, 1, 7))
    ]
    assert Market(flat(stamps)).periods_per_year == 252


def test_years():
    market = Market(flat([datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]))
    assert market.years == 4.0
    assert Market(flat(days(1))).years == 0.0
    undated = {name: [10.0] * 504 for name in PRICES}
    market = Market(Bars(undated))
    assert (market.years, market.periods_per_year) == (2.0, 252)


# ------------------------------------------------------------------------------------------------------- fingerprint


def test_the_fingerprint_is_that_of_the_content(tmp_path):
    market = Market(load(table()))
    path = tmp_path / "SYM.parquet"
    pl.DataFrame(table()).write_parquet(path)
    assert Market(load(path)).fingerprint == market.fingerprint
    assert Market([Bars(table())]).fingerprint == market.fingerprint
    # A value that must not move from release to release: stored results name it.
    assert market.fingerprint == "a0519e080889eb4200deda03ea64d1a2b14caa56a1439b07147f471301f81165"


def test_every_part_of_the_content_changes_the_fingerprint():
    found = {Market(load(table())).fingerprint}
    changes = [
        {name: [*table()[name][:3], table()[name][3] + 0.5]} for name in ("open", "high", "low", "close", "volume")
    ]
    changes += [{"timestamp": None}, {"volume": None}, {"timestamp": [*days(3), days(5)[4]]}]
    for change in changes:
        found.add(Market(load(table(**change))).fingerprint)
    found.add(Market(load(table(), "A")).fingerprint)
    found.add(Market(load(table()), sessions="gaps").fingerprint)
    found.add(Market(load(table()), instruments=Instrument("SYM", tick_size=0.01)).fingerprint)
    found.add(Market(load(table()), instruments=Instrument("SYM", currency="EUR")).fingerprint)
    assert len(found) == len(changes) + 5


def test_other_instruments_share_the_bars():
    market = Market(load(table()))
    before = market.fingerprint
    other = market.with_instruments(Instrument("SYM", lot_size=10.0))
    assert other.arrays.close is market.arrays.close
    assert other.instrument_records[0].lot_size == 10.0
    assert other.fingerprint != before
    assert market.fingerprint == before
    assert market.instruments == (Instrument("SYM", currency=None),)


# ------------------------------------------------------------------------------------------------------- instruments


def test_instruments_become_records_in_the_order_of_the_symbols():
    a, b = flat(hourly(0), "A"), flat(hourly(0), "B")
    rules = {"B": Instrument("B", tick_size=0.01, lot_size=5.0, multiplier=50.0, min_quantity=10.0)}
    market = Market([a, b], instruments=rules)
    assert market.instrument_records.dtype == instrument_dt
    assert not market.instrument_records.flags.writeable
    assert market.instrument_records[0].item() == (0.0, 0.0, 0.0, 1.0)
    assert market.instrument_records[1].item() == (100.0, 5.0, 10.0, 50.0)


@pytest.mark.parametrize(("tick", "inverse"), [(0.01, 100.0), (0.05, 20.0), (1e-5, 1e5), (0.25, 4.0), (3.0, 1 / 3)])
def test_the_inverse_of_a_tick_is_whole_where_it_can_be(tick, inverse):
    market = Market(flat(hourly(0)), instruments=Instrument("SYM", tick_size=tick))
    assert market.instrument_records[0].tick_inverse == inverse


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tick_size": 0.0}, "instrument SYM tick_size: out of range; found 0.0"),
        ({"tick_size": NAN}, "a finite number above zero, or None"),
        ({"lot_size": -1.0}, "instrument SYM lot_size: out of range; found -1.0"),
        ({"multiplier": None}, "instrument SYM multiplier: out of range; allowed: a finite number above zero"),
        ({"multiplier": True}, "found True"),
        ({"min_quantity": "1"}, "found '1'"),
        ({"symbol": ""}, "instrument symbol: not a name; found ''"),
        ({"currency": 5}, "instrument currency: not a name; found 5"),
    ],
)
def test_instruments_out_of_range(values, words):
    with pytest.raises(ConfigError) as caught:
        Instrument(**({"symbol": "SYM"} | values))
    assert words in str(caught.value)


def test_an_instrument_without_data():
    with pytest.raises(ConfigError, match="no data for this symbol; found 'XYZ'; allowed: SYM"):
        Market(flat(hourly(0)), instruments=[Instrument("XYZ")])
