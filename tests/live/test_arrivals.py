"""The written rule of the door: late, duplicate, revised, missing and broken bars."""

import pytest

import admf
from admf.errors import CapacityError, ConfigError, DataError
from admf.live import Door, Facts, FeedBar, HistoricalFeed
from admf.live.bars import LiveMarket
from admf_kernels.codes import BarFlag

MINUTE_NS = 60_000_000_000


def bar(minute: int, close: float = 10.0, **more: object) -> FeedBar:
    return FeedBar("SYM", minute * MINUTE_NS, 10.0, 11.0, 9.0, close, 100.0)._replace(**more)  # type: ignore[arg-type]


def test_bars_out_of_order_are_dropped_and_counted() -> None:
    door = Door(MINUTE_NS)
    arrivals = [bar(1), bar(2), bar(2), bar(1), bar(2, close=10.5), bar(6), bar(4), bar(7)]
    assert [door.takes(arrival) for arrival in arrivals] == [True, True, False, False, False, True, False, True]
    assert door.counts == {"taken": 4, "duplicate": 1, "late": 2, "revised": 1, "missing": 3}


def test_a_pause_between_sessions_misses_nothing() -> None:
    door = Door(MINUTE_NS)
    assert door.takes(bar(1, bars_left=0))
    assert door.takes(bar(500, bars_left=3))
    assert door.counts["missing"] == 0


@pytest.mark.parametrize("broken", [{"high": 9.5}, {"low": float("nan")}, {"open": -1.0}, {"close": float("inf")}])
def test_a_bar_that_is_none_is_taken_and_not_valid(broken: dict[str, float]) -> None:
    door, grown = Door(MINUTE_NS), LiveMarket(Facts(admf.Instrument("SYM")))
    arrival = bar(1)._replace(**broken)
    assert door.takes(arrival)
    assert door.counts["invalid"] == 1
    assert not grown.arrays.flags[grown.write(arrival), 0] & BarFlag.VALID


def test_a_market_grows_as_the_whole_one_is_made() -> None:
    whole = admf.Market([admf.generate(bars=2_000, seed=5)])
    feed = HistoricalFeed(whole)
    grown = LiveMarket(feed.facts["SYM"])
    for arrival in feed:
        grown.write(arrival)
    for name in whole.arrays._fields:
        assert (getattr(grown.arrays, name) == getattr(whole.arrays, name)).all(), name
    assert grown.history().fingerprint == whole.fingerprint


def test_nobody_writes_to_bars_that_came() -> None:
    grown = LiveMarket(Facts(admf.Instrument("SYM")))
    grown.write(bar(1))
    with pytest.raises(ValueError, match="read-only"):
        grown.arrays.close[0, 0] = 1.0


def test_no_room_is_said() -> None:
    grown = LiveMarket(Facts(admf.Instrument("SYM"), capacity_bars=1))
    grown.write(bar(1))
    with pytest.raises(CapacityError, match="no room for more bars"):
        grown.write(bar(2))


def test_a_clock_needs_stamps_and_a_speed_above_zero() -> None:
    with pytest.raises(DataError, match="a clock needs stamps"):
        HistoricalFeed(admf.Market([admf.Bars({"open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0]})]))
    with pytest.raises(ConfigError, match="speed"):
        HistoricalFeed(admf.Market([admf.generate(bars=10)]), speed=0.0)
