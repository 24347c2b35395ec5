"""`generate`: seeded bars that look like a stock's, for tests, demos and benchmarks."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from admf.data.bars import Bars
from admf.data.columns import NUMBERS, FloatArray
from admf.data.defects import Columns
from admf.data.door import Checked
from admf.data.instrument import is_positive, tick_inverse
from admf.data.stamps import DAY_NS, SECOND_NS, StampArray, parse_frequency
from admf.errors import ConfigError

SESSION_NS = 390 * 60 * SECOND_NS
SESSION_OPEN_NS = (14 * 60 + 30) * 60 * SECOND_NS  # 09:30 in New York in winter, UTC
LAST_DAY = 106_751  # days from 1970 to the end of int64 ns
BLOCK_BARS = 1 << 14  # a block fits the caches; each draws from the same stream, so a shorter run is a prefix

VOLATILITY_DAILY = 0.012  # calm to wild by the regimes below
NIGHT_SHARE = 0.3  # of a day's variance
REGIME_FACTORS = np.array([0.6, 1.0, 2.2])
REGIME_STEPS = np.array([[0.985, 0.015, 0.0], [0.01, 0.98, 0.01], [0.0, 0.05, 0.95]]).cumsum(axis=1)
OPEN_SHARE = 0.1  # of a bar's volatility, between the close of a bar and the open of the next
VOLUME_DAILY = 4e6
PRICE_BAND = np.log(6.0)  # prices are reflected at a sixth and at six times of the first one


@dataclass(frozen=True)
class Shape:
    """What all blocks of generated bars have in common."""

    rng: Generator
    session_bars: int
    price: float
    tick_inverse: float


def generate(
    bars: int = 100_000,
    seed: int = 0,
    frequency: str = "1min",
    symbol: str = "SYM",
    *,
    start: date | str = "2010-01-04",
    price: float = 100.0,
    tick_size: float = 0.01,
) -> Bars:
    """Bars of one symbol, the same bits for the same arguments; fewer bars are a prefix of more.

    Weekdays from `start`; frequencies below a day give sessions of 390 minutes from 14:30 UTC, `1d` one bar a day.
    Volatility moves between regimes and over the day, volume is U-shaped and follows it, sessions open with a gap, and
    all prices are multiples of the tick. Raises ConfigError, and DataError for a frequency that is none.
    """
    frequency_ns = parse_frequency(frequency)
    check_arguments(bars, seed, frequency, frequency_ns, price, tick_size)
    session_bars = 1 if frequency_ns == DAY_NS else -(-SESSION_NS // frequency_ns)
    stamps = make_stamps(bars, session_bars, frequency_ns, start)
    shape = Shape(Generator(PCG64(seed)), session_bars, price, tick_inverse(tick_size))
    columns = make_columns(bars, shape)
    for values in (*columns.values(), stamps):
        values.flags.writeable = False
    return Bars.from_checked(Checked(symbol, columns, stamps, frequency_ns, bars, (), {}, ()))


def check_arguments(bars: int, seed: int, frequency: str, frequency_ns: int, price: float, tick_size: float) -> None:
    """Refuse what cannot be generated."""
    for name, value, least in (("bars", bars, 1), ("seed", seed, 0)):
        if not is_whole(value) or value < least:
            raise ConfigError("not a whole number in range", field=name, found=value, allowed=f"{least} or more")
    if frequency_ns != DAY_NS and not SECOND_NS <= frequency_ns < SESSION_NS:
        raise ConfigError("out of range", field="frequency", found=frequency, allowed="1s to 6h, or 1d")
    if not is_positive(price):
        raise ConfigError("out of range", field="price", found=price, allowed="a number above zero")
    if not is_positive(tick_size) or tick_size * 100 > price:
        raise ConfigError("out of range", field="tick_size", found=tick_size, allowed="above zero, to 1 % of the price")


def is_whole(value: object) -> bool:
    """Whether a value is an integer and no truth value."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def make_stamps(bars: int, session_bars: int, frequency_ns: int, start: date | str) -> StampArray:
    """Stamps of the bars' opens on weekdays, ns UTC, shape (bars,)."""
    try:
        first = np.busday_offset(np.datetime64(start, "D"), 0, roll="forward")
    except ValueError:
        raise ConfigError("not a date", field="start", found=start, allowed="a date such as 2010-01-04") from None
    sessions = -(-bars // session_bars)
    room = int(np.busday_count(first, np.datetime64(LAST_DAY, "D")))
    if sessions > room:
        allowed = f"{room * session_bars} bars of this frequency from {start}"
        raise ConfigError("the bars pass the year 2262", field="bars", found=bars, allowed=allowed)
    days = np.busday_offset(first, np.arange(sessions)).astype(np.int64)
    opens = days * DAY_NS + (0 if session_bars == 1 else SESSION_OPEN_NS)
    stamps = np.empty(sessions * session_bars, dtype=np.int64)
    np.add(opens[:, None], np.arange(session_bars) * frequency_ns, out=stamps.reshape(sessions, session_bars))
    return stamps[:bars]


def make_columns(bars: int, shape: Shape) -> Columns:
    """All columns, filled block by block so that little more than the result is in memory."""
    columns = {name: np.empty(bars) for name in NUMBERS[:5]}
    block_sessions = max(1, BLOCK_BARS // shape.session_bars)
    block_bars = block_sessions * shape.session_bars
    level, regime = 0.0, 1
    for start in range(0, bars, block_bars):
        regimes = walk_regimes(shape.rng, regime, block_sessions)
        block, level = make_block(shape, level, REGIME_FACTORS[regimes])
        regime = int(regimes[-1])
        for name, values in block.items():
            columns[name][start : start + block_bars] = values[: bars - start]
    return columns


def walk_regimes(rng: Generator, regime: int, sessions: int) -> NDArray[np.int64]:
    """A Markov chain of regimes, one step a session, shape (sessions,)."""
    steps = []
    for draw in rng.random(sessions):
        regime = int(np.count_nonzero(draw >= REGIME_STEPS[regime]))
        steps.append(regime)
    return np.array(steps)


def make_block(shape: Shape, level: float, factors: FloatArray) -> tuple[Columns, float]:
    """Columns of whole sessions with the volatility `factors` of each, and the log price they end at."""
    rng, grid = shape.rng, (len(factors), shape.session_bars)
    smile = u_shape(shape.session_bars)
    sigma = factors[:, None] * np.sqrt(smile / smile.sum()) * VOLATILITY_DAILY * np.sqrt(1.0 - NIGHT_SHARE)
    jumps = rng.standard_normal(grid) * sigma * OPEN_SHARE
    jumps[:, 0] = rng.standard_normal(grid[0]) * factors * VOLATILITY_DAILY * np.sqrt(NIGHT_SHARE)
    moves = rng.standard_normal(grid) * sigma
    path = level + np.stack([jumps, moves], axis=-1).ravel().cumsum()
    opens, closes = path[0::2], path[1::2]
    reach = np.abs(rng.standard_normal((2, opens.size))) * (sigma.ravel() * 0.5)
    # Reflected levels may swap sides, so the range is taken over the prices and not over the levels.
    reached = (np.maximum(opens, closes) + reach[0], np.minimum(opens, closes) - reach[1])
    prices = np.stack([to_ticks(shape, levels) for levels in (opens, closes, *reached)])
    volume = make_volume(rng, factors, smile)
    columns = {"open": prices[0], "high": prices.max(axis=0), "low": prices.min(axis=0), "close": prices[1]}
    return columns | {"volume": volume}, float(path[-1])


def u_shape(session_bars: int) -> FloatArray:
    """Activity over a session, mean 1: most at the open, more again at the close."""
    time = (np.arange(session_bars) + 0.5) / session_bars
    shape = 0.6 + 2.4 * np.exp(-12.0 * time) + 1.2 * np.exp(-10.0 * (1.0 - time))
    return np.asarray(shape / shape.mean())


def to_ticks(shape: Shape, levels: FloatArray) -> FloatArray:
    """Prices of log levels, reflected into the band and rounded to the tick."""
    folded = np.abs((levels + PRICE_BAND) % (4 * PRICE_BAND) - 2 * PRICE_BAND) - PRICE_BAND
    ticks = np.rint(np.exp(-folded) * (shape.price * shape.tick_inverse))
    return np.asarray(ticks / shape.tick_inverse)


def make_volume(rng: Generator, factors: FloatArray, smile: FloatArray) -> FloatArray:
    """Whole units, at least one, larger in wild regimes and at both ends of the session."""
    noise = np.exp(rng.standard_normal((len(factors), len(smile))) * 0.6 - 0.18)
    volume = np.sqrt(factors)[:, None] * (smile * (VOLUME_DAILY / len(smile))) * noise
    return np.maximum(np.rint(volume), 1.0).ravel()
