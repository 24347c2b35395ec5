"""`admf run` on every bar file that lies beside the checkout."""

import json
from pathlib import Path

import pytest

from cli_support import Command
from repo.checkout import ROOT

CONFIG = ROOT / "configs" / "sma_cross.yaml"
MANY_SYMBOLS = ("us_daily_raw_snapshots", "us2000_1d")
NO_BARS = ("corporate_actions", "vendor_adj_close", "us2000_adjustment_factors", "us2000_symbols")
FOLDERS = ("crypto", "dirty", "equity_daily", "equity_minute", "futures_second", "fx_hour", "fx_second", "index_daily")


@pytest.mark.parametrize("folder", [*FOLDERS, "us_universe_daily"])
def test_every_bar_file_runs_or_says_why_not(admf: Command, shared_data: Path, folder: str) -> None:
    files = sorted((shared_data / folder).glob("*.parquet"))
    assert files
    for file in files:
        options = ["--data", file, "--record", "summary", "--json"]
        if file.stem in MANY_SYMBOLS:
            options += ["--set", "data.symbol=AAPL"]
        outcome = admf("run", CONFIG, *options)
        if file.stem in NO_BARS:
            assert (outcome.code, outcome.out) == (2, ""), file.name
            assert "no column open, high, low" in outcome.err
            continue
        if outcome.code:
            assert (outcome.code, outcome.out) == (2, ""), file.name
            assert "--on-defect" in outcome.err
            outcome = admf("run", CONFIG, *options, "--on-defect", "repair")
            assert f"{json.loads(outcome.out)['symbols'][0]}: " in outcome.err
        found = json.loads(outcome.out)
        assert outcome.code == 0, file.name
        assert found["metrics"]["final_equity"] > 0.0
        assert found["metrics"]["bars"] == found["bars"] > 0
