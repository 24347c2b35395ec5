"""A run beside a benchmark: what of its return and variation the benchmark explains. Definitions: engine/metrics.md.

Both are sampled where the run's returns are (M-01), from the first sample on at which the benchmark has a price before
it. With r and b the returns, n of them, p periods a year, and "ddof 1" for every variance and covariance.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf.errors import ConfigError, DataError
from admf.results.metrics import Metrics, ratio
from admf.results.records import RunRecords
from admf_kernels.codes import BarFlag

if TYPE_CHECKING:
    from admf.data import Bars

Floats = NDArray[np.float64]
SESSION_LAST = BarFlag.SESSION_LAST.value
SAMPLES_MIN = 2  # of which a variance can be taken


def relative_metrics(records: RunRecords, benchmark: "Bars | Any") -> Metrics:
    """Figures of a run against the closes of a benchmark; `benchmark`: Bars, or one close for each bar of the clock.

    ConfigError without an equity curve, DataError where the two do not share two samples.
    """
    bars = sample_bars(records)
    equity = np.concatenate([[float(records.account["initial_equity"])], records.curve["equity"][bars]])
    prices = benchmark_prices(records, benchmark, bars)
    known = np.isfinite(prices[:-1])  # returns whose first price is there; a price once known stays known
    if np.count_nonzero(known) < SAMPLES_MIN:
        raise DataError(
            "no two samples in common", field="benchmark", found=f"{np.count_nonzero(known)} of {len(bars)}"
        )
    own, other = (np.diff(values)[known] / values[:-1][known] for values in (equity, prices))
    return compared(own, other, records.periods_per_year)


def sample_bars(records: RunRecords) -> NDArray[np.intp]:
    """M-01: the bars at which returns are sampled."""
    market, curve = records.market, records.curve
    if not len(curve):
        remedy = "run it again with record='fills' or 'full'"
        raise ConfigError("this run kept no equity", field="record", found=records.record, remedy=remedy)
    if not market.intraday:
        return np.arange(len(curve))
    ends = (market.arrays.flags[: len(curve), 0] & SESSION_LAST) != 0
    ends[-1] = True
    return np.flatnonzero(ends)


def benchmark_prices(records: RunRecords, benchmark: Any, bars: NDArray[np.intp]) -> Floats:
    """The last close before the first sample, NaN without one, and that at each sample."""
    market = records.market
    stamps = getattr(benchmark, "timestamp", None)
    if stamps is None:
        closes = np.asarray(benchmark, np.float64)
        if closes.shape != (market.bar_count,):
            allowed = f"admf.Bars, or {market.bar_count} closes, one for each bar"
            raise DataError("not a benchmark", field="benchmark", found=closes.shape, allowed=allowed)
        stamps = market.arrays.timestamp
    elif benchmark.dated != market.dated:
        raise DataError("dated and undated bars have no clock in common", field="benchmark")
    else:
        closes = benchmark.close
    good = np.isfinite(closes) & (closes > 0.0)
    stamps, closes = stamps[good], closes[good]
    clock = market.arrays.timestamp
    places = np.searchsorted(stamps, np.concatenate([[clock[0] - 1], clock[bars]]), side="right") - 1
    if not len(closes) or places[-1] < 0:
        raise DataError("no price before the end of the run", field="benchmark")
    return np.where(places >= 0, closes[np.maximum(places, 0)], np.nan)


def compared(own: Floats, other: Floats, periods: float) -> Metrics:
    """Every figure from two series of returns; undefined is NaN."""
    active = own - other
    variance = float(np.var(other, ddof=1))
    covariance = float(np.cov(own, other, ddof=1)[0, 1])
    beta = ratio(covariance, variance)
    deviation = float(np.std(active, ddof=1))
    spread = float(np.std(own, ddof=1)) * math.sqrt(variance)
    correlation = ratio(covariance, spread)
    return {
        "samples": len(own),
        "benchmark_return": float(np.prod(1.0 + other)) - 1.0,
        "excess_return": float(np.prod(1.0 + own)) - float(np.prod(1.0 + other)),
        "beta": beta,
        "alpha": (float(own.mean()) - beta * float(other.mean())) * periods,
        "correlation": correlation,
        "r_squared": correlation * correlation,
        "tracking_error": deviation * math.sqrt(periods),
        "information_ratio": ratio(float(active.mean()), deviation) * math.sqrt(periods),
        "up_capture": capture(own, other, other > 0.0, periods),
        "down_capture": capture(own, other, other < 0.0, periods),
    }


def capture(own: Floats, other: Floats, where: NDArray[np.bool_], periods: float) -> float:
    """Growth a year of the run over that of the benchmark, both made of the samples that are meant alone."""
    if not where.any():
        return math.nan
    return ratio(yearly(own[where], periods), yearly(other[where], periods))


def yearly(returns: Floats, periods: float) -> float:
    """Compound growth a year."""
    growth = float(np.prod(1.0 + returns))
    return math.nan if growth <= 0.0 else growth ** (periods / len(returns)) - 1.0
