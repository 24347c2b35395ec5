"""`admf replay` of the event logs that a session has left: again, stopped, stepped, bisected."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest

from admf.replay import EventLog
from cli_support import Command, refused
from live_support import changed
from repo.checkout import ROOT

SESSION = ROOT / "configs" / "live" / "paper_trading.yaml"


def test_the_command(place: Path, tmp_path: Path, admf: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = admf("paper", SESSION, "--set", "data.generate.bars=1000", "--out", "folder")
    assert ran.code == 0, ran.err
    logs = place / "folder"
    trend, donchian = logs / "trend.events", logs / "donchian.events"
    ran = admf("replay", trend, donchian, "--json")
    assert ran.code == 0, ran.err
    assert [facts["verdict"] for facts in json.loads(ran.out)["logs"].values()] == ["the same", "the same"]
    stopped = admf("replay", trend, "--stop", 90)
    assert re.search(r"stopped_before +90: [A-Z_]+ of bar \d+", stopped.out)
    assert "strategy.fast_sum" in stopped.out
    monkeypatch.setattr("sys.stdin", StringIO("\n\n"))
    assert admf("replay", trend, "--stop", 10, "--step").out.count("open_orders") == 4
    other = changed(EventLog(trend), tmp_path / "other.events", next(
        row.sequence for row in EventLog(trend).rows if row.kind == "FILL"
    ))  # fmt: skip
    assert admf("replay", other.path).code == 1
    assert "FILL" in admf("replay", trend, other.path, "--bisect").out
    refused(admf("replay", trend, "--bisect"), 2, "two logs")
    refused(admf("replay", trend, donchian, "--row", 1), 2, "one folder of a study with --row, or logs")
    ran = admf("replay", logs, "--drift")
    assert ran.out.count("as in the backtest of the same bars") == 2
    (place / "empty").mkdir()
    refused(admf("replay", place / "empty"), 2, "--row")
    refused(admf("replay", logs, "--step"), 2, "one log at a time")
    refused(admf("replay", tmp_path / "gone.events"), 2, "not an event log")
