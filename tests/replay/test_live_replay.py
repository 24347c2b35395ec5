"""The log of a live session runs again without its venue: what the venue answered stands in it."""

import json
from pathlib import Path
from typing import Any

import pytest

import admf
from admf.coordinate import ExecutionMode
from admf.live import HistoricalFeed, HttpRouter, LiveTradingManager
from admf.live.replaying import replay_log
from admf.replay import EventLog, LogWriter, first_difference
from admf.strategies import ProductionStrategy
from admf.testing import ExchangeFeed, LocalExchange
from admf.testing.exchange import TOKEN
from live_support import RULES, BuysEveryBar, market, settings

RISK = admf.Risk(max_position_size=60)


def session(venue: LocalExchange, folder: Path, strategy: Any, bars: int | None = None) -> dict[str, Any]:
    """A live session of some bars at a venue; results by strategy."""
    router = HttpRouter(venue.url, TOKEN, lambda _: None)
    made = LiveTradingManager(
        {"market_data_feed": ExchangeFeed(venue), "order_router": router}, mode=ExecutionMode.LIVE_TRADING,
        journal_folder=folder, log_folder=folder, shadow=True,
    )  # fmt: skip
    made.add_strategy("one", settings("one", strategy, risk=RISK))
    made.books_apart()  # the broker listens before the first bar
    for place, bar in enumerate(made.feed, start=1):
        made._hand_over([bar])
        if place == bars:
            break
    made.close()
    router.close()
    return {**made.results, "drift": made.drifts["one"]}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[EventLog, EventLog, Any]:
    """Two sessions, the second of which takes up the journal of the first; the wire breaks now and then."""
    folder = tmp_path_factory.mktemp("live")
    faults = {
        3: "drop_after",
        30: "drop_before",
        40: "rate_limit",
        70: "twice",
        **dict.fromkeys(range(100, 107), "unavailable"),
    }
    with LocalExchange(HistoricalFeed(market(120)), RULES, faults=faults) as venue:
        session(venue, folder, BuysEveryBar(), bars=50)
        (folder / "one.events").rename(folder / "first.events")
        second = session(venue, folder, BuysEveryBar())
    return EventLog(folder / "first.events"), EventLog(folder / "one.events"), second


@pytest.mark.parametrize("place", [0, 1])
def test_a_live_log_runs_again_bit_for_bit(logs: Any, place: int) -> None:
    log = logs[place]
    assert log.header["live"] is True
    kinds = [row.kind for row in log.rows]
    assert kinds[0] == "JOURNAL"
    assert kinds.count("VENUE") > 20
    again = replay_log(log)
    assert again.equal, again.difference
    assert again.events == len(log.rows)


def test_the_second_session_begins_with_what_the_first_one_left(logs: Any) -> None:
    first, second, results = logs
    held = replay_log(first).container
    assert held is not None
    begun = replay_log(second, watch=lambda row, _: row.kind != "IN").container
    assert begun is not None
    left, found = (container.container.resolve("broker").position(0) for container in (held, begun))
    assert found - left in (0.0, 1.0)  # what filled while nobody listened
    assert 40.0 < found <= 50.0
    assert results["one"].trace_hash == json.loads(second.rows[-1].payload)[1]


def test_a_venue_that_answers_otherwise_is_a_difference(logs: Any, tmp_path: Path) -> None:
    log = logs[0]
    place = next(row.sequence for row in log.rows if row.kind == "VENUE" and '"submit"' in row.payload)
    for change in ("refused", "away"):
        writer = LogWriter(tmp_path / f"{change}.events", {k: v for k, v in log.header.items() if k != "version"})
        for row in log.rows:
            payload = json.loads(row.payload)
            writer.note(
                row.kind, row.time_ns, row.bar, payload if row.sequence != place else [*payload[:2], change, "no"]
            )
        writer.close()
        again = replay_log(EventLog(tmp_path / f"{change}.events"))
        assert again.difference is not None
        assert again.difference.sequence > place


def test_a_torn_live_log_runs_as_far_as_it_goes(logs: Any, tmp_path: Path) -> None:
    torn = tmp_path / "torn.events"
    torn.write_bytes(logs[0].path.read_bytes()[:-3_000])
    log = EventLog(torn)
    assert log.torn
    again = replay_log(log, shadow=True)
    assert again.equal
    assert again.container is not None
    drift = again.container.drift()
    assert drift is not None
    assert drift.totals["orders"] > 20


def test_live_and_paper_logs_are_compared_by_what_happened_in_the_container(tmp_path: Path) -> None:
    bars = market(120)
    with LocalExchange(HistoricalFeed(bars), RULES) as venue:
        drift = session(venue, tmp_path / "live", ProductionStrategy())["drift"]
    assert drift.totals["same"] == drift.totals["orders"] > 3
    made = LiveTradingManager({"market_data_feed": HistoricalFeed(bars)}, log_folder=tmp_path / "paper")
    made.add_strategy("one", settings("one", ProductionStrategy(), risk=RISK))
    made.run()
    live, paper = (EventLog(tmp_path / name / "one.events") for name in ("live", "paper"))
    found = first_difference(live, paper)
    assert found is not None
    assert found.one is not None
    assert found.other is not None
    assert (found.one.kind, found.other.kind) == ("ORDER_STATUS", "ORDER_STATUS")  # told one bar later
    assert str(found).endswith(f"bar: {found.one.bar}, {found.other.bar}")


def test_the_words_of_a_row(logs: Any) -> None:
    rows = logs[0].rows
    order = str(next(row for row in rows if row.kind == "ORDER"))
    assert order.endswith("order 0, side buy, quantity 1.0")
    fill = str(next(row for row in rows if row.kind == "FILL"))
    assert "side buy" in fill
    assert "liquidity TAKER" in fill
    assert "…" in str(rows[0])  # a journal is long
