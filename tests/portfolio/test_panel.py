"""`load_panel` is `load` for each symbol, at once."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import admf


def table(**changes: list[object]) -> pl.DataFrame:
    """Two symbols, three bars and two, not in order."""
    columns: dict[str, list[object]] = {
        "symbol": ["B", "A", "A", "B", "A"],
        "timestamp": ["2020-01-01", "2020-01-01", "2020-01-02", "2020-01-02", "2020-01-03"],
        "open": [10.0, 20.0, 21.0, 11.0, 22.0],
        "high": [10.0, 20.0, 21.0, 11.0, 22.0],
        "low": [10.0, 20.0, 21.0, 11.0, 22.0],
        "close": [10.0, 20.0, 21.0, 11.0, 22.0],
        "volume": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
    return pl.DataFrame(columns | changes, strict=False)


def test_a_long_table_becomes_bars() -> None:
    first, second = admf.load_panel(table())
    assert (first.symbol, second.symbol) == ("A", "B")
    assert first.close.tolist() == [20.0, 21.0, 22.0]
    assert second.volume is not None
    assert second.volume.tolist() == [1.0, 4.0]
    assert [bars.symbol for bars in admf.load_panel(table(), symbols=["B"])] == ["B"]
    assert [len(bars) for bars in admf.load_panel(table(), start="2020-01-02")] == [2, 1]


def test_defects_are_those_of_load() -> None:
    broken = table(high=[10.0, 20.0, 20.5, 11.0, 22.0])
    with pytest.raises(admf.AdmfError, match="high"):
        admf.load_panel(broken)
    mended = admf.load_panel(broken, on_defect="repair")
    assert mended[0].high.tolist() == [20.0, 21.0, 22.0]
    assert mended[0].defects.defects
    late = table(timestamp=["2020-01-01", "2020-01-05", "2020-01-02", "2020-01-02", "2020-01-03"])
    with pytest.raises(admf.AdmfError, match="unsorted"):
        admf.load_panel(late)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(admf.AdmfError, match="symbol"):
        admf.load_panel(table().drop("symbol"))
    with pytest.raises(admf.AdmfError, match="close"):
        admf.load_panel(table().drop("close"))
    with pytest.raises(admf.AdmfError, match="NOPE"):
        admf.load_panel(table(), symbols=["NOPE"])


def test_the_real_panel_is_the_same_bars_as_one_by_one(shared_data: Path) -> None:
    file = shared_data / "us_universe_daily" / "us2000_1d.parquet"
    panel = admf.load_panel(file, on_defect="keep")
    assert len(panel) == 2_000
    assert sum(map(len, panel)) == 974_793
    frame = pl.read_parquet(file)
    for bars in panel[::400]:
        one = admf.load(frame.filter(pl.col("symbol") == bars.symbol).drop("symbol"), bars.symbol, on_defect="keep")
        assert np.array_equal(one.close, bars.close)
        assert np.array_equal(one.timestamp, bars.timestamp)
        assert one.volume is not None
        assert bars.volume is not None
        assert np.array_equal(one.volume, bars.volume)
    market = admf.Market(panel)
    ended = market.actions(accrued=False)
    assert len(ended) >= 210  # symbols that disappear before the end
