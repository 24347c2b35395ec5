"""Writes metrics_of_others.json: figures of quantstats and empyrical-reloaded for two fixed series of returns.

Neither package is a dependency; in a virtual environment of its own:
    python -m venv /tmp/others && /tmp/others/bin/pip install quantstats==0.0.86 empyrical-reloaded==0.7.1
    PYTHONPATH=tests /tmp/others/bin/python tests/metrics_of_others.py
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("metrics_of_others.json")
PERIODS = 252
COUNT = 500


def drawn(seed: int, mean: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Returns from integers alone, so that no package's random numbers count."""
    state, found = seed, []
    for _ in range(COUNT):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        found.append(((state >> 40) / 2**24 - 0.5) * 0.04 + mean)
    return np.array(found)


def series() -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
    """Returns of a run, and of its benchmark."""
    benchmark = drawn(1, 0.0004)
    return 0.6 * benchmark + drawn(2, 0.0003), benchmark


def main() -> None:
    import empyrical
    import pandas as pd
    from quantstats import stats

    days = pd.date_range("2015-01-01", periods=COUNT, freq="D")
    own, benchmark = (pd.Series(values, days) for values in series())
    greeks = stats.greeks(own, benchmark, periods=PERIODS)
    scale = np.sqrt(PERIODS)
    made = {
        "quantstats": {
            "sharpe": stats.sharpe(own, periods=PERIODS),
            "sortino": stats.sortino(own, periods=PERIODS),
            "volatility": stats.volatility(own, periods=PERIODS),
            "max_drawdown": -stats.max_drawdown(own),
            "beta": greeks["beta"],
            "alpha": greeks["alpha"],
            "information_ratio": stats.information_ratio(own, benchmark) * scale,
            "r_squared": stats.r_squared(own, benchmark),
        },
        "empyrical": {
            "total_return": empyrical.cum_returns_final(own),
            "benchmark_return": empyrical.cum_returns_final(benchmark),
            "sharpe": empyrical.sharpe_ratio(own),
            "sortino": empyrical.sortino_ratio(own),
            "volatility": empyrical.annual_volatility(own),
            "max_drawdown": -empyrical.max_drawdown(own),
            "beta": empyrical.beta(own, benchmark),
            "information_ratio": empyrical.excess_sharpe(own, benchmark) * scale,
            "tracking_error": empyrical.annual_volatility(own - benchmark),
            "up_capture": empyrical.up_capture(own, benchmark),
            "down_capture": empyrical.down_capture(own, benchmark),
        },
    }
    plain = {name: {key: float(value) for key, value in figures.items()} for name, figures in made.items()}
    FILE.write_text(json.dumps(plain, indent=2) + "\n")


if __name__ == "__main__":
    main()
