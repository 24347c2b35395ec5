"""kill -9 in the middle of a live session: the next process takes the journal up, and the venue's books are ours."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import admf
from admf.live import HistoricalFeed
from admf.live.journal import Journal
from admf.testing import LocalExchange
from live_support import RULES, market
from repo.checkout import ROOT


def child(venue: LocalExchange, folder: Path) -> "subprocess.Popen[bytes]":
    roots = os.pathsep.join(str(ROOT / root) for root in ("engine", "kernels", "tests"))
    command = [sys.executable, str(ROOT / "tests" / "live_child.py"), venue.url, str(folder)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": roots}, stderr=subprocess.PIPE)


def test_kill_9_loses_no_order_and_doubles_none(tmp_path: Path) -> None:
    bars: admf.Market = market(150)
    with LocalExchange(HistoricalFeed(bars), RULES) as venue:
        first = child(venue, tmp_path)
        while venue.requests < 120 and first.poll() is None:
            time.sleep(0.001)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        assert first.returncode == -signal.SIGKILL
        sent = len(venue.orders)
        assert 0 < sent < 60
        second = child(venue, tmp_path)
        _, error = second.communicate(timeout=60)
        assert second.returncode == 0, error.decode()
        journal = Journal(tmp_path / "one.journal", "one")
        assert {wanted.client_id for wanted in journal.wanted()} == set(venue.orders)
        assert len(venue.orders) > sent
        fills = [report for report in journal.reports() if report.is_fill]
        assert sum(report.side * report.quantity for report in fills) == venue.position == 60.0
        journal.close()
