"""Event logs: what was recorded runs again bit for bit, survives a crash, and says where two logs part."""

import json
from pathlib import Path

import pytest

from admf.errors import DataError
from admf.live import HistoricalFeed, LiveTradingManager
from admf.live.replaying import replay_log
from admf.replay import EventLog, LogWriter, first_difference
from admf.strategies import TrendFollowingStrategy
from live_support import BuysOnce, FailsOn, changed, market, settings


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of a session with a strategy that fails at times, one that trades, and a compiled one."""
    folder = tmp_path_factory.mktemp("session")
    made = LiveTradingManager({"market_data_feed": HistoricalFeed(market(600))}, log_folder=folder)
    made.add_strategy("trend", settings("trend"))
    made.add_strategy("once", settings("once", BuysOnce()))
    made.add_strategy("compiled", settings("compiled", TrendFollowingStrategy()))
    made.run()
    return folder


@pytest.fixture
def trend(logs: Path) -> EventLog:
    return EventLog(logs / "trend.events")


@pytest.mark.parametrize("name", ["trend", "once", "compiled"])
def test_a_log_runs_again_bit_for_bit(logs: Path, name: str) -> None:
    log = EventLog(logs / f"{name}.events")
    again = replay_log(log)
    assert again.equal, again.difference
    assert again.events == len(log.rows)
    assert log.ended
    assert not log.torn
    assert again.result is not None
    assert json.loads(log.rows[-1].payload) == [600, again.result.trace_hash]


def test_a_log_has_every_event_in_its_order(trend: EventLog) -> None:
    kinds = [row.kind for row in trend.rows]
    assert [row.sequence for row in trend.rows] == list(range(len(kinds)))
    assert kinds.count("IN") == kinds.count("BAR") == 600
    assert kinds.count("SIGNAL") == kinds.count("ORDER") > 10
    assert kinds.count("FILL") > 10
    assert kinds[:2] == ["IN", "BAR"]


def test_controls_and_failures_are_replayed_at_their_place(tmp_path: Path) -> None:
    feed = HistoricalFeed(market(300))
    made = LiveTradingManager({"market_data_feed": feed}, log_folder=tmp_path)
    made.add_strategy("once", settings("once", BuysOnce()))
    bars = list(feed)
    made._hand_over(bars[:50])
    made.pause("once")
    made._hand_over(bars[50:60])
    made.resume("once")
    made.kill("drill", flatten=True)
    made._hand_over(bars[60:])
    made.close()
    log = EventLog(tmp_path / "once.events")
    assert [json.loads(row.payload)[0] for row in log.rows if row.kind == "CONTROL"] == [
        "pause", "resume", "kill", "finish",
    ]  # fmt: skip
    again = replay_log(log)
    assert again.equal, again.difference


@pytest.mark.parametrize("cut", [1, 7, 400, 5_000])
def test_a_torn_log_is_read_up_to_its_last_whole_batch(logs: Path, tmp_path: Path, cut: int) -> None:
    whole, torn = EventLog(logs / "trend.events"), tmp_path / "torn.events"
    torn.write_bytes(whole.path.read_bytes()[:-cut])
    log = EventLog(torn)
    assert log.torn
    assert not log.ended
    assert log.rows == whole.rows[: len(log.rows)]
    assert replay_log(log).equal
    writer = LogWriter(torn, {name: value for name, value in log.header.items() if name != "version"})
    writer.note("CONTROL", 5, 1, ("pause", "crash", False))
    writer.close()
    mended = EventLog(torn)
    assert not mended.torn
    assert mended.rows[:-1] == log.rows
    assert mended.rows[-1].sequence == len(log.rows)


def test_other_logs_and_other_files_are_refused(logs: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="another session"):
        LogWriter(logs / "trend.events", {"strategy_id": "other"})
    (tmp_path / "x.events").write_text("no log")
    with pytest.raises(DataError, match="not an event log"):
        EventLog(tmp_path / "x.events")


def test_one_bit_of_one_price_is_found(trend: EventLog, tmp_path: Path) -> None:
    place = next(row.sequence for row in trend.rows if row.kind == "FILL" and row.bar > 200)
    other = changed(trend, tmp_path / "other.events", place)
    found = first_difference(trend, other)
    assert found is not None
    assert found.sequence == place
    again = replay_log(other)
    assert not again.equal
    assert again.difference is not None
    assert again.difference.sequence == place
    assert first_difference(trend, trend) is None


def test_a_replay_stops_before_an_event(trend: EventLog) -> None:
    place = next(row.sequence for row in trend.rows if row.kind == "ORDER")
    stopped = replay_log(trend, watch=lambda row, _: row.sequence < place)
    assert stopped.stopped_at == trend.rows[place]
    assert stopped.events == place
    assert stopped.container.container.resolve("broker").orders.submitted == 0


def test_a_strategy_that_fails_fails_again(tmp_path: Path) -> None:
    made = LiveTradingManager({"market_data_feed": HistoricalFeed(market(300))}, log_folder=tmp_path)
    made.add_strategy("bad", settings("bad", FailsOn(first=50, times=2)))
    made.run()
    FailsOn.failed.clear()
    again = replay_log(EventLog(tmp_path / "bad.events"))
    assert again.equal, again.difference
    assert again.container.error_count == 2
