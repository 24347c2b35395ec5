"""Health checks: heartbeat, lag, errors, stale data; the log of a session as JSON, its metrics for Prometheus."""

import json
import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import admf
from admf.coordinate import ThreadModel
from admf.events import BarEvent, EventStrategy
from admf.live import Facts, FeedBar, HistoricalFeed, LiveTradingManager
from admf.live.health import HealthLimits
from admf.live.logs import LOGGER
from admf.live.monitor import prometheus, read_status
from live_support import FailsOn, Hangs, market, settings, wait_for

MINUTE_NS = 60_000_000_000


class SlowFeed:
    """Bars that come when the test lets them, one by one."""

    batch_bars = 1

    def __init__(self, frequency_ns: int | None = MINUTE_NS, bars_left: int = 5) -> None:
        self.facts: Mapping[str, Facts] = {"SYM": Facts(admf.Instrument("SYM"), frequency_ns=frequency_ns)}
        self.bars_left = bars_left
        self.turn = threading.Semaphore(0)
        self._over = False

    def __iter__(self) -> Iterator[FeedBar]:
        for minute in range(1_000):
            self.turn.acquire()
            if self._over:
                return
            yield FeedBar(
                "SYM", minute * MINUTE_NS, 10.0, 11.0, 9.0, 10.0, 100.0, bars_left=self.bars_left, bars_next=9
            )

    def close(self) -> None:
        self._over = True
        self.turn.release()


class Quiet(EventStrategy):
    """Does nothing."""

    def on_bar(self, bar: BarEvent) -> None:
        """Nothing."""


def session(feed: Any, *strategies: Any, limits: HealthLimits | None = None, **more: Any) -> LiveTradingManager:
    made = LiveTradingManager({"market_data_feed": feed}, health_limits=limits, **more)
    for strategy in strategies:
        made.add_strategy(strategy.strategy_id, strategy)
    return made


def problems(made: LiveTradingManager, name: str) -> list[str]:
    found: list[str] = made.health()[name]["problems"]
    return found


@pytest.mark.parametrize("model", [ThreadModel.ASYNC_MULTI, ThreadModel.MULTI_THREADED], ids=lambda model: model.name)
def test_a_hook_that_does_not_return_has_no_heartbeat(model: ThreadModel) -> None:
    Hangs.gate.clear()
    made = session(HistoricalFeed(market(40)), settings("hangs", Hangs()), settings("quiet", Quiet()),
                   limits=HealthLimits(heartbeat_max_s=0.2), thread_model=model)  # fmt: skip
    try:
        made._hand_over(list(made.feed))
        for _ in range(3):
            time.sleep(0.1)
            made.beat()
        wait_for(lambda: not problems(made, "quiet"))
        assert re.fullmatch(r"no heartbeat for \d\.\d s", problems(made, "hangs")[0])
    finally:
        Hangs.gate.set()
    wait_for(lambda: made.beat() or not problems(made, "hangs"))
    made.close()


def test_bars_that_wait_are_lag() -> None:
    class Sleeps(EventStrategy):
        def on_bar(self, bar: BarEvent) -> None:
            time.sleep(0.05)

    feed = SlowFeed()
    made = session(feed, settings("slow", Sleeps()), limits=HealthLimits(lag_max_s=0.1))
    for _ in range(6):
        feed.turn.release()
    bars = iter(feed)
    for _ in range(6):
        made._hand_over([next(bars)])
    wait_for(lambda: made.health()["slow"]["bars"] == 6)
    assert made.health()["slow"]["lag_s"] > 0.1
    assert problems(made, "slow")[0].startswith("bars wait 0.")
    made.close()


def test_errors_count_while_they_are_recent() -> None:
    FailsOn.failed.clear()
    made = session(
        HistoricalFeed(market(400)), settings("bad", FailsOn(first=10, times=2)), limits=HealthLimits(errors_max=1)
    )
    bars = list(made.feed)
    made._hand_over(bars[:50])
    wait_for(lambda: made.health()["bad"]["bars"] == 50)
    assert problems(made, "bad") == ["2 errors in 100 bars"]
    made._hand_over(bars[50:300])
    wait_for(lambda: made.health()["bad"]["bars"] == 300)
    assert problems(made, "bad") == []
    made.close()


@pytest.mark.parametrize(("bars_left", "stale"), [(5, True), (0, False)])
def test_no_bar_is_stale_within_a_session_and_not_after_it(bars_left: int, stale: bool) -> None:
    feed = SlowFeed(bars_left=bars_left)
    made = session(feed, settings("quiet", Quiet()), limits=HealthLimits(stale_max_s=0.1))
    feed.turn.release()
    made._hand_over([next(iter(feed))])
    wait_for(lambda: made.health()["quiet"]["bars"] == 1)
    time.sleep(0.15)
    assert bool(problems(made, "quiet")) is stale
    made.close()


def test_data_are_stale_after_three_bars_and_ten_seconds() -> None:
    for frequency_ns, allowed_s in ((1_000_000_000, 10.0), (MINUTE_NS, 180.0), (None, None)):
        made = session(SlowFeed(frequency_ns), settings("quiet", Quiet()))
        assert made._health._stale_max_s("SYM") == allowed_s
        made.close()


def test_the_log_of_a_session_is_json_with_the_id_of_the_container(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FailsOn.failed.clear()
    level = LOGGER.level
    made = session(HistoricalFeed(market(300)), settings("bad", FailsOn(first=10, times=1)), settings("good"),
                   status_folder=tmp_path, limits=HealthLimits(errors_max=0))  # fmt: skip
    bars = list(made.feed)
    made._hand_over(bars[:50])
    wait_for(lambda: made.health()["bad"]["bars"] == 50)
    made.check_health()
    made.pause("good")
    made._hand_over(bars[50:250])
    wait_for(lambda: made.health()["bad"]["bars"] == 250)
    made.check_health()
    made.check_health()
    made.close()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {frozenset(line) for line in lines} == {frozenset(("at", "level", "container", "message"))}
    said = [(line["container"], line["level"], line["message"].partition(":")[0]) for line in lines]
    bad = [rest for container, *rest in said if container == "live_bad"]
    assert bad == [
        ["info", "started"], ["error", "FailsOn.on_bar failed on BAR of bar 10"],
        ["warning", "off the bars until bar 12"], ["warning", "not well"], ["info", "well again"], ["info", bad[-1][1]],
    ]  # fmt: skip
    assert bad[-1][1].startswith("stopped after 250 bars, trace ")
    assert ["info", "pause paused"] in [rest for container, *rest in said if container == "live_good"]
    assert LOGGER.level == level
    assert not any(isinstance(handler, logging.FileHandler) for handler in LOGGER.handlers)


def test_a_status_is_written_every_second(tmp_path: Path) -> None:
    feed = SlowFeed()
    made = session(feed, settings("quiet", Quiet()), status_folder=tmp_path, health_check_interval=0.05)
    running = threading.Thread(target=made.run)
    running.start()
    feed.turn.release()
    wait_for(lambda: (tmp_path / "status.json").exists() and read_status(tmp_path)["strategies"]["quiet"]["bars"] == 1)
    seen = read_status(tmp_path)
    assert seen["over"] is False
    assert seen["strategies"]["quiet"]["heartbeat_age_s"] < 1.0
    made.stop()
    running.join(10.0)
    assert read_status(tmp_path)["over"] is True
    assert not list(tmp_path.glob("*.tmp"))


SAMPLE = re.compile(
    r'admf_[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})? (-?[0-9.e+-]+|NaN)'
)


def test_metrics_have_the_form_that_prometheus_reads() -> None:
    name = 'a "quoted\\ name\n'
    made = session(HistoricalFeed(market(100)), settings(name, Quiet()), settings("other"))
    made.run()
    text = prometheus(made.status())
    assert text.endswith("\n")
    families: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family not in families, "one family, one block"
            families[family] = kind
        elif not line.startswith("# HELP "):
            assert SAMPLE.fullmatch(line), line
            assert re.split(r"[{ ]", line)[0] == list(families)[-1]
    assert all(kind == ("counter" if name.endswith("_total") else "gauge") for name, kind in families.items())
    assert 'admf_bars_total{strategy="a \\"quoted\\\\ name\\n"} 100' in text.splitlines()
