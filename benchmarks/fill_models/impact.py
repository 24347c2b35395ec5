"""Large orders on finer bars: what they cost there beyond the first price, and that their size does not show in it."""

from pathlib import Path

import numpy as np
import polars as pl

import admf
from admf.data import Bars
from admf.errors import DataError

PATTERN, FINE, COARSE = "equity_minute/*.parquet", "1min", "15min"
SHARES = (0.001, 0.01, 0.05, 0.2)  # of a coarse bar's mean volume
PARTICIPATION = 0.1  # of a fine bar's volume; what is left waits for the next
MEAN_BARS = 20
EVERY_BARS = 5  # the largest order takes some two
NORMAL_95 = 1.959964


def costs(bars: Bars, share: float, seed: int) -> np.ndarray:
    """Average price less that of the first fine bar, side by side, in mean ranges of a coarse bar; shape (orders,)."""
    coarse = admf.aggregate(bars, COARSE)
    sent = np.arange(MEAN_BARS, len(coarse) - EVERY_BARS, EVERY_BARS)
    recent = np.lib.stride_tricks.sliding_window_view(coarse.volume, MEAN_BARS)[sent - MEAN_BARS]
    unit = np.lib.stride_tricks.sliding_window_view(coarse.high - coarse.low, MEAN_BARS)[sent - MEAN_BARS].mean(axis=1)
    last = np.searchsorted(bars.timestamp, coarse.timestamp[sent]) - 1  # the fine bar before each coarse one
    side = np.random.default_rng(seed).choice([-1.0, 1.0], len(sent))
    orders = pl.DataFrame(
        {
            "bar": last,
            "side": np.where(side > 0.0, "buy", "sell"),
            "quantity": share * recent.mean(axis=1),
            "type": ["market"] * len(sent),
        }
    )
    rules = admf.Execution(volume_limit=PARTICIPATION, cash_submit="none", cash_fill="none")
    paid = admf.simulate(bars, orders, execution=rules, account=admf.Account(cash=1e12)).orders
    cost = side * (paid["average_price"].to_numpy() - bars.open[last + 1]) / unit
    return cost[np.isfinite(cost) & (unit > 0.0)]


def impact(folder: Path) -> list[str]:
    """The section of the page."""
    files = sorted(folder.glob(PATTERN))
    lines = []
    for share in SHARES:
        parts = []
        for seed, path in enumerate(files):
            try:
                parts.append(costs(admf.load(path, on_defect="repair", frequency=FINE), share, seed))
            except DataError:
                continue  # defects that cannot be repaired, or too short
        if not parts:
            return []
        cost = np.concatenate(parts) * 100.0
        half = NORMAL_95 * cost.std() / np.sqrt(len(cost))
        lines.append(f"| {share:.1%} | {len(cost):,} | {cost.mean():+.2f} % ± {half:.2f} | {cost.std():.0f} % |")
    return [
        "## What finer bars cannot tell: impact",
        "",
        f"Market orders of a share of a {COARSE} bar's mean volume, bought or sold at random on {len(files)} equities, "
        f"filled minute by minute with at most {PARTICIPATION:.0%} of what traded. Their cost against the first price, "
        "in per cent of a bar's range:",
        "",
        "| size | orders | mean cost | spread of it |",
        "|---|---|---|---|",
        *lines,
        "",
        "The prices were made by others: an order two hundred times as large waits longer, so its cost spreads, but it "
        "is no dearer. So `admf calibrate --coarse` fits `bps` and `range`; what `volume_share` and "
        "`power` describe can only be fitted to fills of your own (`--fills`).",
        "",
    ]
