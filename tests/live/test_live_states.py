"""Any sequence of bars, faults of the wire and the stream, restarts of the venue and crashes of ours.

After it positions and orders at the venue equal ours, no order was sent twice, no fill is lost or counted twice; at any
time every strategy is inside its limits, and the one that fails disturbs nobody.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import admf
from admf.events import BarEvent
from admf.live import Care, HistoricalFeed
from admf.live.making import Venue, make_container
from admf.live.strategy_container import LiveStrategyContainer
from admf.live.venue import VenueRouter
from live_support import RULES, BuysAndCancels, Scatters, market, no_pause, settings

pytest.importorskip("alpaca", reason="Alpaca's client library is an extra")

from admf.live.alpaca import AlpacaClient
from admf.testing.alpaca import KEYS, STREAM_FAULTS, AlpacaExchange
from admf.testing.exchange import FAULTS

LIMITS = {"scatters": 15.0, "cancels": 6.0, "fails": 9.0}
BARS = market(400)


class Fails(BuysAndCancels):
    """Does what it does, and fails on every third bar."""

    def on_bar(self, bar: BarEvent) -> None:
        super().on_bar(bar)
        if self.count % 3 == 0:
            raise ValueError("no idea what to do")


STRATEGIES = {"scatters": Scatters, "cancels": BuysAndCancels, "fails": Fails}


class Sessions(RuleBasedStateMachine):
    """Three strategies on one account, in sessions that end well or badly."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.venue: Any = AlpacaExchange(HistoricalFeed(BARS), RULES)
        self.venue.__enter__()
        self.ones: dict[str, LiveStrategyContainer] = {}

    @initialize()
    def begin(self) -> None:
        client = AlpacaClient(KEYS, self.venue.url, self.venue.stream_url, no_pause, reconnect_s=0.01)
        self.router = VenueRouter(client, self.folder, 0.05)
        self.given = 0
        for name, kind in STRATEGIES.items():
            limits = settings(name, kind(), risk=admf.Risk(max_position_size=LIMITS[name]))
            care = Care(failures_max=1_000)
            self.ones[name] = make_container(limits, self.venue.facts, care, venue=Venue(self.router, self.folder))
            self.ones[name].start()

    @rule(count=st.integers(1, 4))
    def bars(self, count: int) -> None:
        for _ in range(count):
            bar = self.venue.step()
            if bar is None:
                return
            self.given += 1
            for one in self.ones.values():
                one.take([bar])

    @rule(fault=st.sampled_from(FAULTS), ahead=st.integers(0, 6))
    def fault(self, fault: str, ahead: int) -> None:
        self.venue.faults[self.venue.requests + ahead] = fault

    @rule(fault=st.sampled_from(STREAM_FAULTS), ahead=st.integers(0, 4))
    def stream_fault(self, fault: str, ahead: int) -> None:
        self.venue.stream_faults[self.venue.messages + ahead] = fault

    @rule()
    def venue_restarts(self) -> None:
        self.venue.restart()

    @rule()
    def crash(self) -> None:
        """Nothing is finished in good order; the next session finds what is on disk."""
        self.leave()
        self.venue.faults.clear()
        self.begin()

    def leave(self) -> None:
        for one in self.ones.values():
            one.container.teardown_scope()
        self.router.close()

    @invariant()
    def inside_limits(self) -> None:
        for name, one in self.ones.items():
            broker = one.container.resolve("broker")
            assert abs(broker.position(0)) <= LIMITS[name]
            assert one.bars_taken == self.given
            assert name == "fails" or not one.errors

    def teardown(self) -> None:
        try:
            if self.ones:
                self.compare()
                self.leave()
        finally:
            self.venue.__exit__()
            shutil.rmtree(self.folder)

    def compare(self) -> None:
        self.venue.faults.clear()
        self.venue.stream_faults.clear()
        brokers = {name: one.container.resolve("broker") for name, one in self.ones.items()}
        for _ in range(2):
            for broker in brokers.values():
                broker._send()
            self.router.settle()
            for broker in brokers.values():
                broker.hear()
        assert not self.router.problem
        assert sum(broker.position(0) for broker in brokers.values()) == self.venue.position
        assert set.union(*(broker.sent for broker in brokers.values())) == self.router.open_orders()
        assert set(self.venue.orders.values()) <= {1}
        filled: dict[str, float] = {}
        for broker in brokers.values():
            for fill in broker.told:
                name = broker._journal.client_id(fill.order)
                filled[name] = filled.get(name, 0.0) + fill.quantity
        shown = {name: float(row["filled_qty"]) for name, row in self.venue.rows.items()}
        assert filled == {name: units for name, units in shown.items() if units}


TestSessions = Sessions.TestCase
TestSessions.settings = hypothesis_settings(max_examples=6, stateful_step_count=15, deadline=None)
