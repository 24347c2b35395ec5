"""kill -9 in the middle of live sessions: the next process takes the journal up, and the venue's books are ours.

`make kills` plays it at 50 random moments.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

import admf
from admf.live import HistoricalFeed
from admf.live.journal import Journal
from admf.live.making import Venue, make_container
from admf.live.router import OrderRouter
from admf.live.settings import Care
from admf.live.strategy_container import LiveStrategyContainer
from admf.testing import AlpacaExchange, LocalExchange
from live_support import RULES, BuysAndCancels, connect, market, settings
from repo.checkout import ROOT

KILLS = int(os.environ.get("ADMF_KILLS", "3"))
LIMIT = admf.Risk(max_position_size=60)
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


@contextmanager
def child(kind: str, folder: Path, *urls: str) -> "Iterator[tuple[IO[str], IO[str]]]":
    roots = os.pathsep.join(str(ROOT / root) for root in ("engine", "kernels", "tests"))
    command = [sys.executable, str(ROOT / "tests" / "live_child.py"), kind, str(folder), *urls]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": roots}, stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.stdin, process.stdout
        process.stdin.close()


def kill_at_random(pipes: tuple[IO[str], IO[str]], draw: random.Random, requests: Callable[[], int]) -> None:
    """Lets a process trade until the venue has had some requests more, and a moment longer."""
    before, wanted = requests(), draw.randrange(5, 40)
    pipes[0].write("run\n")
    pipes[0].flush()
    number = int(pipes[1].readline())
    end = time.monotonic() + 20.0
    while requests() < before + wanted and time.monotonic() < end:
        time.sleep(0.0005)
    time.sleep(draw.random() * 0.003)
    os.kill(number, signal.SIGKILL)
    assert int(pipes[1].readline()) == -signal.SIGKILL


def assert_books(one: LiveStrategyContainer, venue: LocalExchange, folder: Path) -> None:
    """Each order that was wanted is at the venue once, each fill is counted once, open orders are the same."""
    broker: Any = one.container.resolve("broker")
    for _ in range(3):
        broker._send()
        if hasattr(broker._router, "settle"):
            broker._router.settle()
        broker.hear()
    journal = Journal(folder / "one.journal", "one")
    assert {wanted.client_id for wanted in journal.wanted()} == set(venue.orders)
    assert len(venue.orders) > KILLS
    fills = [report for report in journal.reports() if report.is_fill]
    assert sum(report.side * report.quantity for report in fills) == venue.position == broker.position(0)
    assert broker.sent == broker._router.open_orders()
    assert all(state for _, _, state in journal.changes())
    assert abs(venue.position) <= 60.0
    journal.close()


def take_up(venue: LocalExchange, router: OrderRouter, folder: Path) -> None:
    """A session after the last death: three bars, and the books are the venue's."""
    one = make_container(
        settings("one", BuysAndCancels(), risk=LIMIT), venue.facts, Care(), venue=Venue(router, folder)
    )
    one.start()
    for _ in range(3):
        bar = venue.step()
        assert bar is not None
        one.take([bar])
    assert_books(one, venue, folder)
    one.teardown()


def test_kill_9_loses_no_order_and_doubles_none(tmp_path: Path) -> None:
    draw = random.Random(KILLS)
    with LocalExchange(HistoricalFeed(market(60 * KILLS)), RULES) as venue:
        with child("native", tmp_path, venue.url) as pipes:
            for _ in range(KILLS):
                kill_at_random(pipes, draw, lambda: venue.requests)
        take_up(venue, connect(venue), tmp_path)


def test_kill_9_against_alpaca(tmp_path: Path) -> None:
    pytest.importorskip("alpaca", reason="Alpaca's client library is an extra")
    from admf.live.alpaca import AlpacaClient
    from admf.live.venue import VenueRouter
    from admf.testing.alpaca import KEYS

    draw = random.Random(KILLS)
    with AlpacaExchange(HistoricalFeed(market(20_000)), RULES) as venue:

        def orders() -> int:
            if venue._sockets.listeners("/v2/iex"):
                venue.step()
                time.sleep(0.003)
            return len(venue.orders) * 3

        with child("alpaca", tmp_path, venue.url, venue.stream_url, venue.data_url) as pipes:
            for _ in range(KILLS):
                kill_at_random(pipes, draw, orders)
        with VenueRouter(AlpacaClient(KEYS, venue.url, venue.stream_url), tmp_path, 0.05) as router:
            take_up(venue, router, tmp_path)
