"""Generated bars: the same for the same seed, without defects, and shaped like a stock's."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from admf.data import Market, generate, load
from admf.errors import ConfigError, DataError
from admf_kernels.codes import BarFlag
from data_support import DAY_NS, MINUTE_NS, columns_of

SESSION_BARS = 390


@pytest.fixture(scope="module")
def minutes():
    return generate(SESSION_BARS * 500, seed=1)


@pytest.fixture(scope="module")
def daily():
    return generate(5000, seed=1, frequency="1d")


# ------------------------------------------------------------------------------------------------------- reproducible


def test_the_same_arguments_give_the_same_bits():
    assert columns_of(generate(5000, 3)) == columns_of(generate(5000, 3))
    assert columns_of(generate(5000, 3)) != columns_of(generate(5000, 4))


def test_the_bits_do_not_change_from_release_to_release():
    # Published figures name a seed: whoever changes these values changes what the figures are of.
    first = generate(3, 7)
    assert first.frame.drop("timestamp").rows() == [
        (100.11, 100.17, 100.04, 100.13, 13594.0),
        (100.12, 100.15, 100.1, 100.15, 36618.0),
        (100.15, 100.21, 100.11, 100.19, 20824.0),
    ]
    fingerprint = "650957bc9a12ef727ab1732a57509e98ee41952e2affe1a78be56432cf738cc6"
    assert Market(generate(20_000, 7)).fingerprint == fingerprint


@given(
    st.integers(1, 30_000), st.integers(1, 30_000), st.integers(0, 2**32), st.sampled_from(["1d", "1min", "1h", "7s"])
)
@settings(max_examples=15)
def test_fewer_bars_are_a_prefix_of_more(few, more, seed, frequency):
    few, more = sorted((few, more))
    short, long = generate(few, seed, frequency), generate(more, seed, frequency)
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(short.column(name), long.column(name)[:few])
    assert np.array_equal(short.timestamp, long.timestamp[:few])


# ------------------------------------------------------------------------------------------------------------- clean


@given(st.integers(1, 3000), st.integers(0, 10**6), st.sampled_from(["1d", "1min", "5min", "1s", "6h"]))
@settings(max_examples=20)
def test_there_is_no_defect(count, seed, frequency):
    bars = generate(count, seed, frequency, "XYZ")
    assert (len(bars), bars.symbol, bars.has_volume, bars.frequency) == (count, "XYZ", True, frequency)
    assert not bars.defects
    assert columns_of(load(bars.frame)) == columns_of(bars)
    assert (Market(bars).arrays.flags & BarFlag.VALID).all()
    assert (bars.volume >= 1).all()
    assert (bars.volume == np.rint(bars.volume)).all()


@pytest.mark.parametrize(("tick", "price"), [(0.01, 100.0), (0.25, 4000.0), (1e-5, 1.1)])
def test_prices_are_multiples_of_the_tick(tick, price):
    bars = generate(5000, 2, price=price, tick_size=tick)
    inverse = round(1 / tick)
    for name in ("open", "high", "low", "close"):
        values = bars.column(name)
        assert np.array_equal(values, np.rint(values * inverse) / inverse)
    assert abs(bars.open[0] / price - 1) < 0.1


def test_prices_stay_in_their_band_however_long_the_run():
    closes = generate(65_000, 5, "1d").close
    assert closes.min() >= 100.0 / 6.1
    assert closes.max() <= 100.0 * 6.1


def test_stamps_are_those_of_weekdays_and_sessions(minutes, daily):
    steps = np.diff(minutes.timestamp)
    assert (steps[np.arange(1, len(minutes)) % SESSION_BARS != 0] == MINUTE_NS).all()
    market = Market(minutes)
    assert (market.session_count, market.intraday, market.periods_per_year) == (500, True, 252)
    assert market.timestamps[0].isoformat() == "2010-01-04T14:30:00+00:00"
    assert market.timestamps.dt.weekday().max() == 5
    assert (daily.timestamp % DAY_NS == 0).all()
    assert not Market(daily).intraday
    assert generate(1, start="2024-01-06", frequency="1d").frame["timestamp"][0].date() == date(2024, 1, 8)
    assert generate(1, start=date(2024, 1, 5), frequency="1d").frame["timestamp"][0].date() == date(2024, 1, 5)


# --------------------------------------------------------------------------------------------------------- realistic


def sessions(values):
    return values.reshape(-1, SESSION_BARS)


def test_nights_move_prices_far_more_than_minutes_do(minutes):
    opens, closes = sessions(np.log(minutes.open)), sessions(np.log(minutes.close))
    nights = (opens[1:, 0] - closes[:-1, -1]).std()
    assert 0.003 < nights < 0.02
    assert nights > 20 * (opens[:, 1:] - closes[:, :-1]).std()


def test_volume_and_volatility_are_u_shaped(minutes):
    closes = sessions(np.log(minutes.close))
    for values in (sessions(minutes.volume), np.abs(np.diff(closes, axis=1))):
        start, middle, end = values[:, :15].mean(), values[:, 180:210].mean(), values[:, -15:].mean()
        assert start > end > 1.3 * middle


def test_volume_follows_volatility(minutes):
    moves = sessions(np.log(minutes.high / minutes.low)).mean(axis=1)
    assert np.corrcoef(moves, sessions(minutes.volume).mean(axis=1))[0, 1] > 0.5


@pytest.mark.parametrize("name", ["minutes", "daily"])
def test_volatility_comes_in_stretches(name, request):
    bars = request.getfixturevalue(name)
    closes = np.log(bars.close)[SESSION_BARS - 1 :: SESSION_BARS] if name == "minutes" else np.log(bars.close)
    returns = np.diff(closes)
    assert 0.008 < returns.std() < 0.03
    sizes = np.abs(returns)
    assert np.corrcoef(sizes[5:], sizes[:-5])[0, 1] > 0.1
    assert ((returns - returns.mean()) ** 4).mean() > 4 * returns.var() ** 2  # fat tails; 3 for a normal law
    assert abs(np.corrcoef(returns[1:], returns[:-1])[0, 1]) < 0.15  # and nothing to be had from the last move


# ----------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bars": 0}, "bars: not a whole number in range; found 0; allowed: 1 or more"),
        ({"bars": 2.5}, "bars: not a whole number in range; found 2.5"),
        ({"bars": True}, "bars: not a whole number in range; found True"),
        ({"seed": -1}, "seed: not a whole number in range; found -1; allowed: 0 or more"),
        ({"frequency": "2d"}, "frequency: out of range; found '2d'; allowed: 1s to 6h, or 1d"),
        ({"frequency": "1ms"}, "frequency: out of range; found '1ms'"),
        ({"price": 0.0}, "price: out of range; found 0.0; allowed: a number above zero"),
        ({"tick_size": -0.01}, "tick_size: out of range; found -0.01"),
        ({"price": 0.5}, "tick_size: out of range; found 0.01; allowed: above zero, to 1 % of the price"),
        ({"start": "soon"}, "start: not a date; found 'soon'; allowed: a date such as 2010-01-04"),
        ({"bars": 10**8, "frequency": "1d"}, "bars: the bars pass the year 2262"),
    ],
)
def test_what_cannot_be_generated(arguments, words):
    with pytest.raises(ConfigError) as caught:
        generate(**arguments)
    assert words in str(caught.value)


def test_a_frequency_that_is_none():
    with pytest.raises(DataError, match="frequency: not a frequency; found 'often'"):
        generate(10, frequency="often")


# ------------------------------------------------------------------------------------------------------------ memory

MEASURE = """
import re, sys
from pathlib import Path
from admf.data import Market, generate, load

def peak_bytes():
    # Not ru_maxrss: a child process starts with the peak of its parent there.
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])

load({name: [1.0] for name in ("open", "high", "low", "close")})
before = peak_bytes()
bars = generate(2_000_000, 1) if len(sys.argv) == 1 else load(sys.argv[1])
market = Market(bars)
market.fingerprint, market.periods_per_year, market.intraday
print((peak_bytes() - before) / len(market))
"""


def peak_bytes_per_bar(environment, *arguments):
    command = [sys.executable, "-c", MEASURE, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read the peak of memory from")
def test_no_second_copy_of_the_columns_is_ever_in_memory(bare_environment, tmp_path):
    """Stamps and five columns are 48 bytes a bar, flags and session ends 5; twice the columns would be over 96."""
    assert 53 <= peak_bytes_per_bar(bare_environment) < 80
    path = tmp_path / "bars.parquet"
    generate(2_000_000, 1).frame.write_parquet(path, compression="uncompressed")
    assert 53 <= peak_bytes_per_bar(bare_environment, path) < 96
