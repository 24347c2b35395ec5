"""A long session of twenty strategies: nothing grows but what is kept of it, the bars and the orders.

ADMF_SOAK_BARS=100000 for the long one (`nice pytest tests/live/test_soak.py -s`, some minutes).
"""

import gc
import os
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

import admf
from admf.coordinate import ThreadModel
from admf.live import HistoricalFeed, LiveTradingManager
from admf.strategies import SmaCross, TrendFollowingEvents
from live_support import manager, market, settings, wait_for

BARS = int(os.environ.get("ADMF_SOAK_BARS", "1000"))
STRATEGIES = 20
BAR_BYTES = 64  # of the columns of a market
ORDER_BYTES = 1_024  # of ids and statuses, which a strategy may ask for at any time
SLACK_BYTES = 16 * 2**20  # pages of the allocator
LONG_BARS = 50_000  # from here on what a bar leaves is more than what the allocator happens to hold
OBJECTS_MAX = 3_000  # rows that wait for the next batch of a log
PROC = Path("/proc/self")


class Used(NamedTuple):
    """What a process uses."""

    memory_bytes: int
    objects: int
    threads: int
    descriptors: int


def used() -> Used:
    gc.collect()
    pages = int((PROC / "statm").read_text().split()[1])
    memory_bytes = pages * os.sysconf("SC_PAGE_SIZE")
    return Used(memory_bytes, len(gc.get_objects()), threading.active_count(), len(list((PROC / "fd").iterdir())))


def taken(session: LiveTradingManager, bars: int) -> Used:
    """What is used once every strategy has taken so many bars."""
    wait_for(lambda: all(one.pulse.bars == bars for one in session.active_strategies.values()), 600.0)
    return used()


@pytest.mark.long
@pytest.mark.skipif(not PROC.is_dir(), reason="/proc says what a process uses")
def test_a_long_session_grows_by_its_bars_and_orders_alone(tmp_path: Path) -> None:
    manager(market(50), settings("first"), thread_model=ThreadModel.MIXED).run()  # what a process opens once
    before = used()
    feed = HistoricalFeed(admf.Market([admf.generate(bars=BARS, seed=7)]))
    made = LiveTradingManager(
        {"market_data_feed": feed}, thread_model=ThreadModel.MIXED, log_folder=tmp_path, status_folder=tmp_path
    )
    for number in range(STRATEGIES):
        own = TrendFollowingEvents(fast_period=5 + number, slow_period=30 + number) if number < 15 else SmaCross(
            fast=5 + number, slow=50 + number
        )  # fmt: skip
        group = "loop" if number % 2 else None
        made.add_strategy(f"s{number}", settings(f"s{number}", own, thread_group=group, record="summary"))
    made._monitor.start()
    bars, first = list(feed), BARS // 3
    made._hand_over(bars[:first])
    begun = taken(made, first)
    for place in range(first, BARS, 256):
        made._hand_over(bars[place : place + 256])
    ended = taken(made, BARS)
    made.close()
    orders = sum(int(result["orders_generated"]) for result in made.results.values())
    kept = STRATEGIES * (BARS - first) * BAR_BYTES + orders * ORDER_BYTES + SLACK_BYTES
    print({"begun": begun, "ended": ended, "orders": orders, "kept_bytes": kept})
    assert BARS < LONG_BARS or ended.memory_bytes - begun.memory_bytes < kept
    assert ended.objects - begun.objects < OBJECTS_MAX
    assert (ended.threads, ended.descriptors) == (begun.threads, begun.descriptors)
    assert used().threads == before.threads
    assert used().descriptors == before.descriptors
    assert all(result["bars_processed"] == BARS for result in made.results.values())
