"""Every real bar file beside the checkout loads with sensible facts, or is refused in one clear error."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from admf.data import Market, load
from admf.data.defects import BAR_KINDS
from admf.errors import DataError
from admf_kernels.codes import BarFlag
from data_support import DAY_NS, columns_of

MODES = ("error", "repair", "drop", "keep")
SYMBOL_STEP = 97  # of the 2,000 symbols of the universe every so many

# What `data/README.md` says is wrong, by file: kind and count of the rows.
KNOWN_DEFECTS = {
    "equity_daily/BA_1d": {"outside_range": 1},
    "equity_daily/CAT_1d": {"outside_range": 2},
    "index_daily/VIX_1d": {"outside_range": 47},
    "fx_hour/EURUSD_fxcm_1h": {"quotes_crossed": 2613},
    "fx_hour/NZDUSD_fxcm_1h": {"quotes_crossed": 317},
    "fx_second/EURUSD_fxcm_1s_201405": {"quotes_crossed": 10218},
    "fx_second/NZDUSD_fxcm_1s_201405": {"quotes_crossed": 2520},
}
TABLES = {"corporate_actions", "vendor_adj_close", "us2000_adjustment_factors", "us2000_symbols"}
SEVERAL = {"us_daily_raw_snapshots", "us2000_1d"}
ALL_DAYS = {"BTCUSD_coinbase_1d", "BTCUSD_coinbase_1m", "BTCUSD_coinbase_1s_201610"}
FREQUENCIES = {"1d": "1d", "1h": "1h", "1m": "1min", "15m": "15min", "30m": "30min", "1s": "1s"}
SPARSE = {"BTCUSD_coinbase_1s_201610": "30s"}  # seconds with a trade, most often half a minute apart


def files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.parquet"))
    assert len(found) >= 59
    return found


def single(folder: Path) -> list[Path]:
    return [path for path in files(folder) if path.stem not in TABLES | SEVERAL]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_every_clean_file_has_the_facts_of_its_table(shared_data):
    for path in single(shared_data):
        if name_of(path) in KNOWN_DEFECTS:
            continue
        bars, frame = load(path), pl.read_parquet(path)
        assert not bars.defects, path
        assert len(bars) == frame.height, path
        assert np.array_equal(bars.close, frame["close"].to_numpy()), path
        assert bars.frame["timestamp"].equals(frame["timestamp"]), path
        assert bars.has_volume == (frame["volume"].null_count() < frame.height), path
        assert bars.symbol == path.stem.split("_")[0]


@pytest.mark.parametrize("name", KNOWN_DEFECTS)
def test_every_dirty_file_has_the_known_defects(shared_data, name):
    path, counts = shared_data / f"{name}.parquet", KNOWN_DEFECTS[name]
    with pytest.raises(DataError) as caught:
        load(path)
    for kind, count in counts.items():
        assert f"{count} x {kind}" in str(caught.value)
    for mode in ("repair", "drop", "keep"):
        bars = load(path, on_defect=mode)
        assert {defect.kind: defect.count for defect in bars.defects.defects} == counts
        assert bars.defects.rows - len(bars) == (sum(counts.values()) if mode == "drop" else 0)
        if mode != "keep":
            assert columns_of(load(bars.frame)) == columns_of(bars)


def test_every_file_makes_a_market_of_sensible_sessions(shared_data):
    for path in single(shared_data):
        market = Market(load(path, on_defect="repair"))
        frequency = next(FREQUENCIES[word] for word in path.stem.split("_") if word in FREQUENCIES)
        assert market.bar_count > 100, path
        assert load(path, on_defect="repair").frequency == SPARSE.get(path.stem, frequency), path
        assert market.intraday == (frequency != "1d"), path
        assert market.periods_per_year == (365 if path.stem in ALL_DAYS else 252), path
        dates = market.arrays.timestamp // DAY_NS
        assert market.session_count == len(np.unique(dates)), path
        assert (dates[market.arrays.session_end] == dates).all(), path
        assert (market.arrays.flags & BarFlag.VALID).all(), path


def test_tables_without_bars_are_refused_for_their_columns(shared_data):
    for path in files(shared_data):
        if path.stem in TABLES:
            for mode in MODES:
                with pytest.raises(DataError, match="no column open, high, low, close; found '"):
                    load(path, on_defect=mode)


def test_files_of_several_symbols_ask_for_one(shared_data):
    for path in files(shared_data):
        if path.stem in SEVERAL:
            for mode in MODES:
                with pytest.raises(DataError, match=r"\d+ symbols: .* choose one: symbol='"):
                    load(path, on_defect=mode)


def test_raw_snapshots_are_cleaned_as_their_source_says(shared_data):
    """12,829 repeats of a symbol and date, 22 rows with price 0 (CUI), 2 closes outside low to high (PMV)."""
    path = shared_data / "dirty" / "us_daily_raw_snapshots.parquet"
    frame = pl.read_parquet(path)
    counts: dict[str, int] = {}
    bars_left = 0
    for symbol in frame["symbol"].unique():
        with pytest.raises(DataError, match="duplicate"):
            load(path, symbol)
        with pytest.raises(DataError, match="'keep' needs ascending stamps"):
            load(path, symbol, on_defect="keep")
        repaired, dropped = load(path, symbol, on_defect="repair"), load(path, symbol, on_defect="drop")
        for defect in repaired.defects.defects:
            counts[defect.kind] = counts.get(defect.kind, 0) + defect.count
        bars_left += len(repaired)
        assert not load(repaired.frame).defects
        assert not load(dropped.frame).defects
        lost = len(repaired) - len(dropped)
        assert lost <= sum(defect.count for defect in repaired.defects.defects if defect.kind in BAR_KINDS)
    assert counts["duplicate"] + counts["revised"] == 12_829
    assert (counts["price_not_positive"], counts["outside_range"]) == (22, 2)
    priced = frame.filter(pl.min_horizontal("open", "high", "low", "close") > 0)
    assert bars_left == priced.select("symbol", "timestamp").n_unique()


def test_the_last_publication_of_a_row_is_the_one_kept(shared_data):
    path = shared_data / "dirty" / "us_daily_raw_snapshots.parquet"
    bars = load(path, "AAPL", on_defect="repair").frame
    rows = pl.read_parquet(path).filter(pl.col("symbol") == "AAPL")
    last = rows.unique("timestamp", keep="last", maintain_order=True).sort("timestamp")
    assert bars["timestamp"].equals(last["timestamp"])
    assert bars["close"].equals(last["close"])
    assert bars["volume"].equals(last["volume"])


def test_symbols_of_the_universe(shared_data):
    path = shared_data / "us_universe_daily" / "us2000_1d.parquet"
    rows = dict(pl.read_parquet(path)["symbol"].value_counts().iter_rows())
    for symbol in sorted(rows)[::SYMBOL_STEP]:
        bars = load(path, symbol, on_defect="repair")
        assert bars.symbol == symbol
        assert bars.defects.rows == rows[symbol]
        assert not load(bars.frame).defects
