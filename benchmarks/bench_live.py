"""Live trading on loopback: bar in to order out with 20 strategies, and what a row of the journal costs.

`python -m benchmarks.bench_live` prints both. The exchange is a process of its own. A bar comes in when it is handed to
the manager; an order is out when its request is written to the socket.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import admf
from admf.coordinate import ExecutionMode
from admf.events import BarEvent, EventStrategy, Ticket
from admf.live import FeedBar, HistoricalFeed, HttpRouter, LiveTradingManager
from admf.live.journal import Journal
from admf.live.settings import StrategySettings
from admf.testing import LocalExchange
from admf.testing.exchange import TOKEN

STRATEGIES = 20
BARS = 500
WARM_BARS = 100  # connections, caches
JOURNAL_ROWS = 5_000
TARGETS_MS = {"p50": 1.0, "p99": 5.0}
JOURNAL_TARGET_US = 200.0


class Crosses(EventStrategy):
    """Long one unit while the fast average is above the slow one."""

    fast: int = 5
    slow: int = 20

    def on_start(self) -> None:
        self.fast_sum = self.slow_sum = 0.0

    def on_bar(self, bar: BarEvent) -> None:
        self.fast_sum = self.rolling_sum(self.fast_sum, self.fast)
        self.slow_sum = self.rolling_sum(self.slow_sum, self.slow)
        above = self.fast_sum / self.fast > self.slow_sum / self.slow
        if bar.bar >= self.slow and above != (self.position() > 0.0):
            self.submit(1 if above else -1, "market", 1.0)


class Trades(EventStrategy):
    """An order on every bar."""

    def on_bar(self, bar: BarEvent) -> None:
        self.submit(1 if bar.bar % 2 else -1, "market", 1.0)


def market() -> admf.Market:
    """Made-up minute bars."""
    return admf.Market([admf.generate(bars=BARS, seed=7, frequency="1min")])


class Timed(HTTPConnection):
    """Notes when an order is out."""

    out_s: list[tuple[float, float]] = []  # noqa: RUF012 -- one session at a time

    def request(self, method: str, *arguments: Any, **more: Any) -> None:
        """Writes a request."""
        super().request(method, *arguments, **more)
        if method == "POST":
            self.out_s.append(now_s())


class Steps:
    """The bars of the exchange's process, each played before it comes in."""

    batch_bars = 1

    def __init__(self, router: HttpRouter, facts: Any) -> None:
        self.facts, self._router = facts, router
        self.ways_ms: list[tuple[float, ...]] = []

    def __iter__(self) -> Iterator[FeedBar]:
        count = 0
        while (values := self._router.step()) is not None:
            Timed.out_s.clear()
            came_s = now_s()
            yield FeedBar(*values)
            count += 1
            if count > WARM_BARS:
                self.ways_ms += [
                    tuple(1e3 * (out - came) for out, came in zip(out_s, came_s, strict=True)) for out_s in Timed.out_s
                ]

    def close(self) -> None:
        """Nothing to end."""


def session(kinds: list[tuple[type[EventStrategy], dict[str, Any]]]) -> list[list[float]]:
    """Milliseconds from bar in to order out of each order, sorted: by the clock, and of our own processor time."""
    command = [sys.executable, "-m", "benchmarks.bench_live", "exchange"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        stepping, router = HttpRouter(url, TOKEN), HttpRouter(url, TOKEN)
        router._connect = Timed  # type: ignore[assignment]  # a door of ours
        feed = Steps(stepping, HistoricalFeed(market()).facts)
        with tempfile.TemporaryDirectory() as folder:
            manager = LiveTradingManager(
                {"market_data_feed": feed, "order_router": router},
                mode=ExecutionMode.LIVE_TRADING,
                journal_folder=Path(folder),
            )
            for number, (kind, parameters) in enumerate(kinds):
                name = f"s{number}"
                risk = admf.Risk(max_position_size=10.0, max_portfolio_heat=0.9)
                manager.add_strategy(name, StrategySettings(name, kind(**parameters), risk=risk))
            manager.run()
        stepping.close()
        router.close()
        process.kill()
    return [sorted(values) for values in zip(*feed.ways_ms, strict=True)]


def journal_us() -> list[float]:
    """Microseconds of keeping an order before it is sent, of each one."""
    taken: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "one.journal", "one")
        for number in range(JOURNAL_ROWS):
            ticket = Ticket(number, side=1, quantity=1.0)
            start_s = time.perf_counter()
            journal.want(ticket)
            taken.append(1e6 * (time.perf_counter() - start_s))
        journal.close()
    return sorted(taken)


def now_s() -> tuple[float, float]:
    """The clock, and the processor time of this process."""
    return time.perf_counter(), time.process_time()


def at(values: list[float], share: float) -> float:
    """A percentile of sorted values."""
    return values[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    """Prints what it measures."""
    crossing: list[tuple[type[EventStrategy], dict[str, Any]]] = [
        (Crosses, {"fast": 3 + number, "slow": 12 + 3 * number}) for number in range(STRATEGIES)
    ]
    rows = {"averages that cross": crossing, "all 20 on every bar": [(Trades, {})] * STRATEGIES}
    for name, kinds in rows.items():
        print(f"bar in to order out, {STRATEGIES} strategies, {name} (target {TARGETS_MS}):")
        for what, ways in zip(("by the clock", "processor time of ours"), session(kinds), strict=True):
            print(f"  {what}: p50 {at(ways, 0.5):.2f} ms  p99 {at(ways, 0.99):.2f} ms  ({len(ways)} orders)")
    rows_us = journal_us()
    shown = f"p50 {at(rows_us, 0.5):.0f} us  p99 {at(rows_us, 0.99):.0f} us"
    print(f"a row of the journal: {shown}  (target {JOURNAL_TARGET_US:.0f})")


def exchange() -> None:
    """The exchange's process, until it is killed."""
    with LocalExchange(HistoricalFeed(market())) as venue:
        print(venue.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    exchange() if sys.argv[1:] == ["exchange"] else main()
