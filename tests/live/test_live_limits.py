"""Limits are held before anything is sent: the orders at the venue are those that the engine itself would take."""

from pathlib import Path
from typing import Any

import pytest

import admf
from admf.errors import ConfigError
from admf.events import BarEvent, EventStrategy
from admf.live import Care, Facts
from admf.live.limits import refuse_sessions
from admf.live.making import Venue, make_container
from admf.testing import LocalExchange
from live_support import Scatters, connect, local_exchange, manager, market, settings

BARS = market(90)
LIMITS = [
    {"max_order_size": 3.0},
    {"max_order_value": 250.0},
    {"price_collar": 0.002},
    {"max_session_orders": 30},
    {"max_daily_loss": 0.0001},
    {"max_drawdown": 0.0002, "cool_down_bars": 15},
    {"short": False},
    {"long": False},
]


def play(venue: LocalExchange, folder: Path, strategy: Any, risk: admf.Risk) -> Any:
    one = make_container(settings("one", strategy, risk=risk), venue.facts, Care(), venue=Venue(connect(venue), folder))
    one.start()
    while (bar := venue.step()) is not None:
        one.take([bar])
    broker = one.container.resolve("broker")
    broker.hear()
    assert not one.errors
    one.teardown()
    return broker


@pytest.mark.parametrize("limits", LIMITS, ids=lambda limits: "-".join(limits))
def test_limits_of_the_engine_hold_at_the_venue(tmp_path: Path, limits: dict[str, Any]) -> None:
    risk = admf.Risk(max_position_size=60.0, **limits)
    with local_exchange(BARS) as venue:
        broker = play(venue, tmp_path, Scatters(), risk)
    found = [(fill.side, fill.quantity, fill.price) for fill in broker.told]
    free = manager(BARS, settings("one", Scatters(), risk=admf.Risk(max_position_size=60.0))).run()["one"]
    paper = manager(BARS, settings("one", Scatters(), risk=risk)).run()["one"]
    sides = [1 if side == "buy" else -1 for side in paper.fills["side"]]
    assert found == list(zip(sides, paper.fills["quantity"], paper.fills["price"], strict=True))
    assert found != list(zip(free.fills["side"], free.fills["quantity"], free.fills["price"], strict=True))
    assert len(found) < len(free.fills) or sum(row[1] for row in found) < free.fills["quantity"].sum()


@pytest.mark.parametrize("name", ["max_portfolio_heat", "max_net_exposure", "max_concentration"])
def test_no_order_is_sent_that_could_carry_the_position_over_its_share(tmp_path: Path, name: str) -> None:
    """A share of the equity is judged at the last close; the venue fills at its own prices, so fills may differ."""
    share = 0.02
    sent: list[tuple[float, float]] = []

    class Notes(Scatters):
        def on_bar(self, bar: BarEvent) -> None:
            super().on_bar(bar)
            sent.append((self.equity(), bar.close))

    with local_exchange(BARS) as venue:
        broker = play(venue, tmp_path, Notes(), admf.Risk(max_position_size=1e9, **{name: share}))
        assert abs(venue.position) > 0.0
    held = 0.0
    for fill in broker.told:
        held += fill.side * fill.quantity
        equity, close = sent[fill.bar - 1]
        assert abs(held) * close <= share * equity * 1.01  # a bar moves less than a percent
    assert max(abs(fill.quantity) for fill in broker.told) > 1.0


def test_amendments_and_symbols_are_held_to_the_limits(tmp_path: Path) -> None:
    class Raises(EventStrategy):
        def on_bar(self, bar: BarEvent) -> None:
            if bar.bar == 0:
                self.order = self.buy(5.0, limit=bar.close * 0.9)
            if bar.bar == 1:
                self.replace(self.order, quantity=50.0)
            if bar.bar == 2:
                self.replace(self.order, limit=bar.close * 2.0)

    with local_exchange(market(30)) as venue:
        broker = play(venue, tmp_path, Raises(), admf.Risk(max_position_size=8.0))
        assert venue.position == broker.position(0) == 8.0
    with local_exchange(market(30)) as venue:
        play(venue, tmp_path / "other", Scatters(), admf.Risk(max_position_size=8.0, symbols=("OTHER",)))
        assert not venue.orders


def test_a_halt_calls_back_what_would_open_and_outlives_a_crash(tmp_path: Path) -> None:
    class Rests(EventStrategy):
        def on_bar(self, bar: BarEvent) -> None:
            if bar.bar == 0:
                self.buy(50.0)
                self.buy(50.0, limit=bar.close * 0.5)
            self.buy(1.0)

    risk = admf.Risk(max_position_size=1_000.0, max_drawdown=1e-9)
    with local_exchange(market(40)) as venue:
        first = play(venue, tmp_path, Rests(), risk)
        assert first.orders.live_count == 0
        held, sent = venue.position, len(venue.orders)
    with local_exchange(market(40)) as venue:
        play(venue, tmp_path, Rests(), risk)
        assert not venue.orders
    assert held < 60.0
    assert sent < 10


def test_limits_of_a_session_need_a_calendar() -> None:
    facts = Facts(admf.Instrument("SYM"))
    with pytest.raises(ConfigError, match=r"risk.max_daily_loss: nobody knows when a session ends; found 0.1"):
        refuse_sessions(admf.Risk(max_daily_loss=0.1), facts, "risk")
    refuse_sessions(admf.Risk(max_drawdown=0.1), facts, "risk")
