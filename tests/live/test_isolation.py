"""Who works on which strategy under each thread model, and what a strategy cannot do to the others."""

import errno
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

import admf
from admf.coordinate import ThreadModel
from admf.errors import RunError
from admf.events import BarEvent, EventStrategy
from admf.live import HistoricalFeed, LiveState, LiveTradingManager
from admf.replay import LogWriter
from admf.strategies import TrendFollowingEvents
from live_support import Hangs, manager, market, settings, wait_for

SINGLE, MULTI, THREADS, MIXED = (
    ThreadModel.ASYNC_SINGLE, ThreadModel.ASYNC_MULTI, ThreadModel.MULTI_THREADED, ThreadModel.MIXED,
)  # fmt: skip
MODELS = (SINGLE, MULTI, THREADS, MIXED)
GROUPS = {"a": "left", "b": "left", "c": "right", "d": None, "e": None}


class Where(EventStrategy):
    """Notes the threads that called it, and the event loops that ran on them."""

    name: str = ""

    seen: ClassVar[dict[str, set[tuple[int, bool]]]] = {}

    def on_bar(self, bar: BarEvent) -> None:
        import asyncio

        try:
            in_loop = asyncio.get_running_loop() is not None
        except RuntimeError:
            in_loop = False
        self.seen.setdefault(self.name, set()).add((threading.get_ident(), in_loop))


@pytest.mark.parametrize(
    ("model", "together", "in_loop"),
    [
        (SINGLE, ["abcde"], "abcde"),
        (MULTI, ["a", "b", "c", "d", "e"], "abcde"),
        (THREADS, ["a", "b", "c", "d", "e"], ""),
        (MIXED, ["ab", "c", "d", "e"], "abc"),
    ],
    ids=lambda value: value.name if isinstance(value, ThreadModel) else "",
)
def test_who_works_on_what(model: ThreadModel, together: list[str], in_loop: str) -> None:
    Where.seen.clear()
    made = manager(
        market(300), *(settings(name, Where(name=name), thread_group=group) for name, group in GROUPS.items()),
        thread_model=model,
    )  # fmt: skip
    made.run()
    assert all(len(found) == 1 for found in Where.seen.values())  # always the same thread
    by_thread: dict[int, str] = {}
    for name, found in sorted(Where.seen.items()):
        ((thread, _),) = found
        by_thread[thread] = by_thread.get(thread, "") + name
    assert sorted(by_thread.values()) == together
    assert threading.get_ident() not in by_thread
    assert "".join(name for name, ((_, loop),) in sorted(Where.seen.items()) if loop) == in_loop


def test_a_hang_holds_up_its_own_group_and_nobody_else() -> None:
    Hangs.gate.clear()
    bars = market(18_000)
    made = manager(
        bars, settings("hangs", Hangs(), thread_group="left"), settings("beside", thread_group="left"),
        settings("right", thread_group="right"), settings("alone"), thread_model=MIXED, stall_timeout_s=0.3,
    )  # fmt: skip
    states = dict(made.active_strategies)
    try:
        with pytest.raises(RunError, match="does not return"):
            made.run()
    finally:
        Hangs.gate.set()
    assert states["hangs"].state is LiveState.STALLED
    for name in ("right", "alone"):
        assert made.results[name]["bars_processed"] == 18_000


class Leaves(TrendFollowingEvents):
    """Wants to end the process."""

    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar == 50:
            sys.exit(3)
        super().on_bar(bar)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_hook_that_ends_the_process_ends_itself(model: ThreadModel) -> None:
    bars = market(1_000)
    alone = manager(bars, settings("good")).run()["good"].trace_hash
    made = manager(
        bars, settings("leaves", Leaves(), thread_group="one"), settings("good", thread_group="one"),
        thread_model=model, failures_max=1,
    )  # fmt: skip
    leaves = made.active_strategies["leaves"]
    results = made.run()
    assert results["good"].trace_hash == alone
    assert leaves.error_count == 1
    assert "SystemExit(3)" in str(leaves.errors[0])
    assert results["leaves"]["bars_processed"] == 1_000


class Narrow(HistoricalFeed):
    """A feed that says of one symbol that it has few bars."""

    def __init__(self, bars: admf.Market, **capacity_bars: int) -> None:
        super().__init__(bars)
        self.facts = {
            name: replace(facts, capacity_bars=capacity_bars.get(name, facts.capacity_bars))
            for name, facts in self.facts.items()
        }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_no_more_room_for_bars_ends_one_strategy(model: ThreadModel) -> None:
    two = admf.Market([admf.generate(bars=600, seed=7, symbol=name) for name in ("A", "B")])
    made = LiveTradingManager({"market_data_feed": Narrow(two, A=200)}, thread_model=model)
    for name in ("A", "B"):
        made.add_strategy(name, settings(name, symbol=name))
    first = made.active_strategies["A"]
    results = made.run()
    assert results["B"]["bars_processed"] == 600
    assert results["A"]["bars_processed"] == 200
    assert first.error_count == 1
    assert "no room for more bars" in str(first.errors[0])


def test_a_full_disk_ends_the_strategy_whose_log_is_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[Path] = []
    flush = LogWriter.flush

    def full(self: Any) -> None:
        if "bad" in str(self._file.name):
            writes.append(self._file.name)
            if len(writes) > 2:
                raise OSError(errno.ENOSPC, "No space left on device")
        flush(self)

    made = LiveTradingManager({"market_data_feed": HistoricalFeed(market(2_000))}, log_folder=tmp_path)
    for name in ("bad", "good"):
        made.add_strategy(name, settings(name))
    bad = made.active_strategies["bad"]
    monkeypatch.setattr(LogWriter, "flush", full)
    with pytest.raises(RunError, match=r"bad: .*No space left"):
        made.run()
    assert made.results["good"]["bars_processed"] == 2_000
    assert bad.error_count == 1
    assert bad.pulse.bars < 2_000
    assert made.results["bad"]["bars_processed"] == bad.pulse.bars
    assert not any(thread.name.startswith(("live_", "one loop")) for thread in threading.enumerate())


class CannotStop(EventStrategy):
    """Fails when it is over."""

    def on_bar(self, bar: BarEvent) -> None:
        """Nothing."""

    def on_stop(self) -> None:
        raise ValueError("not like this")


def test_one_that_fails_at_its_end_keeps_its_result() -> None:
    made = manager(market(100), settings("stubborn", CannotStop()), settings("good"))
    results = made.run()
    assert results["good"]["bars_processed"] == results["stubborn"]["bars_processed"] == 100
    assert "not like this" in str(results["stubborn"].errors[0])
    assert made.status()["strategies"]["stubborn"]["errors"] == 1


def test_one_that_hangs_is_removed_and_the_others_go_on() -> None:
    Hangs.gate.clear()
    bars = market(200)
    made = manager(bars, settings("hangs", Hangs()), settings("good"), thread_model=MULTI, stall_timeout_s=0.2)
    try:
        rest = list(made.feed)
        made._hand_over(rest[:50])
        with pytest.raises(RunError, match="does not return; found 'hangs'"):
            made.remove_strategy("hangs")
        made._hand_over(rest[50:])
        made.close()
    finally:
        Hangs.gate.set()
    assert list(made.results) == ["good"]
    assert made.results["good"]["bars_processed"] == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_end_waits_for_one_that_gets_on(model: ThreadModel) -> None:
    class Slow(EventStrategy):
        def on_bar(self, bar: BarEvent) -> None:
            time.sleep(0.01)

    made = manager(market(60), settings("slow", Slow()), settings("good"), thread_model=model, stall_timeout_s=0.3)
    results = made.run()
    assert results["slow"]["bars_processed"] == results["good"]["bars_processed"] == 60


def test_a_hook_may_pause_itself_and_others() -> None:
    class Pauses(EventStrategy):
        def on_bar(self, bar: BarEvent) -> None:
            if bar.bar == 20:
                made.pause("pauses")
                made.pause("good")

    made = manager(market(100), settings("pauses", Pauses()), settings("good"), thread_model=SINGLE)
    made._hand_over(list(made.feed))
    wait_for(lambda: made.health()["good"]["state"] == "paused")
    made.resume("pauses")
    seen = made.health()
    assert (seen["pauses"]["state"], seen["good"]["state"]) == ("running", "paused")
    made.close()


def test_bars_of_another_symbol_are_not_seen() -> None:
    two = admf.Market([admf.generate(bars=50, seed=seed, symbol=name) for seed, name in enumerate("AB")])
    made = LiveTradingManager({"market_data_feed": HistoricalFeed(two)})
    made.add_strategy("a", settings("a", symbol="A"))
    made.add_strategy("b", settings("b", symbol="B"))
    results = made.run()
    for name in ("a", "b"):
        assert results[name].records.market.symbols == (name.upper(),)
        assert results[name]["bars_processed"] == 50
