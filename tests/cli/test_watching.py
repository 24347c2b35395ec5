"""`admf status`, once and until a session is over; a session that a signal ends."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from admf.live.monitor import read_status
from admf.live.replaying import replay_log
from admf.replay import EventLog
from cli_support import Command
from live_support import wait_for
from repo.checkout import ROOT

SESSION = """live_trading:
  speed: 1200
  strategies: {trend: {strategy_class: TrendFollowingEvents}}
data: {generate: {bars: 2000}}
"""
COMMAND = "from admf.cli import main; main()"
HEALTH = {
    "state": "running", "problems": [], "bars": 5, "last_bar_ns": 1_700_000_000_000_000_000, "equity": 1.0, "cash": 1.0,
    "position": 0.0, "errors": 0, "lag_s": 0.001, "heartbeat_age_s": 0.1, "last_error": "",
}  # fmt: skip


def write(folder: Path, *, over: bool = False, age_s: float = 0.0, **health: Any) -> None:
    at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat(timespec="seconds")
    seen = {
        "at": at,
        "over": over,
        "mode": "PAPER_TRADING",
        "killed": "",
        "feed": {},
        "strategies": {"one": HEALTH | health},
    }
    temporary = folder / "status.new"
    temporary.write_text(json.dumps(seen))
    temporary.replace(folder / "status.json")


def test_a_look_shows_every_trouble(admf: Command, place: Path) -> None:
    write(place, age_s=60.0, state="failed", problems=["failed"], errors=3, last_error="ValueError: no")
    shown = admf("status", place).out
    assert "nothing was heard for 6" in shown
    assert "one: failed\n" in shown
    assert "one: last error: ValueError: no" in shown
    assert "11-14 22:13" in shown


def test_watching_goes_on_until_the_session_is_over(
    admf: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admf.cli.watching.LOOK_S", 0.05)
    write(place)
    timer = threading.Timer(0.2, lambda: write(place, over=True, bars=77))
    timer.start()
    ran = admf("status", place, "--watch")
    assert ran.code == 0, ran.err
    assert ran.out.count("PAPER_TRADING") == 2
    assert "77" in ran.out.splitlines()[-1]


def test_a_signal_ends_a_session_in_good_order(tmp_path: Path) -> None:
    roots = os.pathsep.join(str(ROOT / root) for root in ("engine", "kernels"))
    (tmp_path / "session.yaml").write_text(SESSION)
    command = [sys.executable, "-c", COMMAND, "paper", "session.yaml", "--out", "session", "--json"]
    session = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": roots}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip

    def has_bars() -> bool:
        assert session.poll() is None, session.communicate()
        path = tmp_path / "session" / "status.json"
        return path.exists() and all(one["bars"] > 0 for one in read_status(path)["strategies"].values())

    try:
        wait_for(has_bars, 60.0)
        session.send_signal(signal.SIGTERM)
        out, err = session.communicate(timeout=30.0)
    finally:
        session.kill()
    assert session.returncode == 0, err
    assert "stopping after the bars that are here" in err
    found = json.loads(out)["strategies"]
    assert 0 < found["trend"]["bars_processed"] < 2_000
    log = EventLog(tmp_path / "session" / "trend.events")
    assert log.ended
    assert replay_log(log).equal
    assert read_status(tmp_path / "session")["over"] is True
