"""The bars of a case as data of ours: prices as they stand, and dates where the case says what belongs together."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from admf.cases.files import Case
from admf.cases.options import Setup
from admf.cases.unsupported import Unsupported, number
from admf.data import Bars, load

SYMBOL = "CASE"
COLUMNS = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
FIRST_DAY = datetime(2001, 1, 1, tzinfo=UTC)

Prices = dict[str, list[float]]


def read_prices(case: Case) -> Prices:
    """Columns of the bars."""
    for bar in case.bars:
        unknown = set(bar) - set(COLUMNS.values())
        if unknown:
            raise Unsupported(f"bars.{min(unknown)}: not understood yet")
    return {name: [number(bar.get(key), f"bars.{key}") for bar in case.bars] for name, key in COLUMNS.items()}


def session_starts(case: Case, setup: Setup) -> list[int] | None:
    """First bar of each session; None where the case does not say."""
    count = len(case.bars)
    if case.sessions is not None:
        if len(case.sessions) != count:
            raise Unsupported(f"sessions: {len(case.sessions)} for {count} bars")
        return [0, *(bar for bar in range(1, count) if case.sessions[bar] != case.sessions[bar - 1])]
    if setup.session_opens is not None or setup.session_closes is not None:
        after_close = [bar + 1 for bar in setup.session_closes or [] if bar + 1 < count]
        return sorted({0, *(setup.session_opens or []), *after_close})
    if setup.bar_frequency == "day" or (setup.bar_frequency is None and setup.profile.daily_bars):
        return list(range(count))
    return None if setup.bar_frequency is None else [0]


def session_ends(starts: Sequence[int], count: int) -> list[int]:
    """Last bar of the session of each bar."""
    ends = []
    for start, following in zip(starts, [*starts[1:], count], strict=True):
        ends += [following - 1] * (following - start)
    return ends


def make_bars(prices: Prices, starts: Sequence[int] | None, *, has_volume: bool) -> Bars:
    """Bars of the case; with sessions a day each, a minute between bars."""
    names = [name for name in COLUMNS if has_volume or name != "volume"]
    frame = pl.DataFrame({name: prices[name] for name in names})
    if starts is not None:
        count = frame.height
        first = [start for start, end in zip(starts, [*starts[1:], count], strict=True) for _ in range(end - start)]
        stamps = [
            FIRST_DAY + timedelta(days=starts.index(start), minutes=bar - start) for bar, start in enumerate(first)
        ]
        frame = frame.with_columns(timestamp=pl.Series(stamps, dtype=pl.Datetime("us", "UTC")))
    return load(frame, SYMBOL, on_defect="keep")
