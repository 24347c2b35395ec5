"""A market without jumps, whose path is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

import admf

START = datetime(2024, 1, 1, tzinfo=UTC)


def walk(count: int, seed: int, step: float = 0.01) -> admf.Bars:
    """Second bars without jumps: each opens where the last one closed and moves one way by at most a cent."""
    random = np.random.default_rng(seed)
    close = 100.0 + np.cumsum(random.integers(-1, 2, count) * step)
    open_ = np.concatenate([[100.0], close[:-1]])
    frame = {
        "timestamp": [START + timedelta(seconds=second) for second in range(count)],
        "open": open_,
        "high": np.maximum(open_, close),
        "low": np.minimum(open_, close),
        "close": close,
        "volume": np.full(count, 1000.0),
    }
    return admf.Bars(pl.DataFrame(frame), frequency="1s")
