"""A part of a market is the market of that part: its sessions, its actions, and no bar of another."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import admf
from admf.data import Market, generate, load
from admf.errors import DataError
from admf_kernels.codes import ActionKind

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


def _table(bars: Any) -> pl.DataFrame:
    arrays = Market(bars).arrays
    stamps = pl.Series("timestamp", arrays.timestamp).cast(pl.Datetime("ns", "UTC"))
    return pl.DataFrame([stamps, *(pl.Series(name, getattr(arrays, name)[:, 0]) for name in COLUMNS[1:])])


HOURLY = _table(generate(bars=120, seed=3, frequency="1h"))


def _actions(market: Market) -> list[tuple[int, int, int, float]]:
    return [
        tuple(row[name].item() for name in ("kind", "bar", "symbol", "value")) for row in market.actions(accrued=False)
    ]


@pytest.mark.parametrize("sessions", ["date", "gaps"])
def test_a_part_is_the_market_made_of_its_bars(sessions: str) -> None:
    whole = Market(load(HOURLY), sessions=sessions)
    part = whole.part(21, 90)
    made = Market(load(HOURLY[21:90]), sessions=sessions)
    for mine, theirs in zip(part.arrays, made.arrays, strict=True):
        assert np.array_equal(mine, theirs, equal_nan=True)
        assert not mine.flags.writeable
    assert part.fingerprint == made.fingerprint != whole.fingerprint
    assert (part.bar_count, part.session_count, part.years) == (69, made.session_count, made.years)
    assert not np.shares_memory(part.arrays.close, whole.arrays.close)


def test_sessions_of_given_hours_stay_where_they_are() -> None:
    opens = HOURLY["timestamp"].dt.truncate("12h").unique().sort()
    hours = pl.DataFrame({"open": opens, "close": opens + timedelta(hours=12)})
    whole = Market(load(HOURLY), sessions=hours)
    part = whole.part(30, 100)
    assert part.session_rule == "hours"
    ends = [end - 30 for end in whole.arrays.session_end[30:100].tolist()]
    assert part.arrays.session_end.tolist() == [min(end, 69) for end in ends]
    assert len(set(ends)) > 4


def test_actions_come_along_with_their_bars_and_symbols() -> None:
    stamps = HOURLY["timestamp"]
    actions = pl.DataFrame(
        {
            "symbol": ["A", "B", "B", "B"],
            "timestamp": [stamps[50], stamps[40], stamps[60], stamps[110]],
            "split_ratio": [2.0, 1.0, 3.0, 1.0],
            "dividend": [0.0, 0.5, 0.0, 0.25],
        }
    )
    whole = Market([load(HOURLY, "A"), load(HOURLY[:80], "B")], actions=actions)
    split, dividend, end = ActionKind.SPLIT.value, ActionKind.DIVIDEND.value, ActionKind.DELISTING.value
    assert _actions(whole.part(45, 70)) == [(split, 5, 0, 2.0), (split, 15, 1, 3.0)]
    alone = whole.part(0, 120, ["B"])
    assert alone.bar_count == 80
    assert _actions(alone) == [(dividend, 40, 0, 0.5), (split, 60, 0, 3.0)]
    assert alone.arrays.splits[-1].tolist() == [3.0]
    assert [row[:3] for row in _actions(whole.part(70, 120))] == [(end, 10, 1), (dividend, 40, 1)]
    turned = whole.part(0, 120, ["B", "A"])
    assert turned.symbols == ("B", "A")
    assert (split, 50, 1, 2.0) in _actions(turned)


def test_a_part_without_a_bar_is_refused() -> None:
    whole = Market([load(HOURLY, "A"), load(HOURLY[:80], "B")])
    with pytest.raises(DataError, match="no bar in this part; found 'bars 80 to 120'"):
        whole.part(80, 120, ["B"])


def test_stability_is_measured_with_the_actions_of_each_slice() -> None:
    bars = generate(bars=400, seed=3, frequency="1h")
    stamps = Market(bars).timestamps
    market = Market(bars, actions={"symbol": ["SYM"], "timestamp": [stamps[150]], "split_ratio": [2.0]})
    study = admf.sweep(market, admf.strategies.SmaCross(), {"fast": [3, 5], "slow": [13]}, progress=False)
    found = study.analyze("final_equity").stability(slices=2)
    for row, first, second in found.select("row", "slice_1", "slice_2").iter_rows():
        strategy = study.trials.strategy_of(row)
        assert first == admf.backtest(market.part(0, 200), strategy).metrics["final_equity"]
        assert second == admf.backtest(market.part(200, 400), strategy).metrics["final_equity"]
        plain = admf.backtest(Market(bars).part(0, 200), strategy).metrics["final_equity"]
        assert first != plain
