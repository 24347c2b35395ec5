"""Margin calls on the bus are those of the compiled run (A-12, A-13), also where nobody has looked for a long time."""

from typing import ClassVar

import numpy as np
import pytest

import admf
from admf.coordinate.eventlog import event_hash, rows_of_records
from admf.events import BarEvent, EventStrategy, FillEvent
from admf_kernels.codes import Reason
from containers.support import run_strategy
from containers.test_event_path import assert_same

ACCOUNT = admf.Account(cash=2_000.0, leverage=4.0, margin_maintenance=0.2)


class Hold(admf.CompiledStrategy):
    """Long on borrowed money, and half as much again after it was closed."""

    def on_bar(self, ctx):
        if ctx.position() == 0.0 and (ctx.bar == 3 or ctx.bar > 5):
            ctx.buy(60.0 if ctx.bar == 3 else 10.0)


class HoldEvents(EventStrategy):
    _heard: ClassVar[list[str]] = []

    def on_bar(self, bar: BarEvent) -> None:
        if self.position() == 0.0 and (bar.bar == 3 or bar.bar > 5):
            self.buy(60.0 if bar.bar == 3 else 10.0)

    def on_fill(self, fill: FillEvent) -> None:
        self._heard.append(fill.reason.name)


def fallen(bar: int, low: float) -> admf.Market:
    """A flat market that falls for a moment; the close shows nothing of it."""
    close = np.full(bar + 50, 100.0)
    lows = close.copy()
    lows[bar] = low
    return admf.Market([admf.Bars({"open": close, "high": close, "low": lows, "close": close})])


@pytest.mark.parametrize("bar", [6, 70, 400, 3_000])
def test_a_call_in_a_quiet_stretch_is_found_on_its_bar(bar: int) -> None:
    """E = 60p − 4000 covers 12p down to p = 83.33; the look-ahead reads lows, not closes alone."""
    HoldEvents._heard.clear()
    bars = fallen(bar, 80.0)
    compiled = admf.backtest(bars, Hold(), account=ACCOUNT)
    events = run_strategy(bars, HoldEvents, portfolio={"account": ACCOUNT})
    assert compiled.metrics["margin_calls"] == 1
    call = compiled.records.fills[1]
    assert (call["bar"], Reason(int(call["reason"]))) == (bar, Reason.MARGIN_CALL)
    assert call["price"] == pytest.approx(4_000.0 / 48.0, rel=1e-12)
    assert_same(compiled, events)
    assert HoldEvents._heard[:3] == ["FILL_AT_OPEN", "MARGIN_CALL", "FILL_AT_OPEN"]


def test_a_low_that_is_covered_stays_quiet() -> None:
    bars = fallen(400, 84.0)
    compiled = admf.backtest(bars, Hold(), account=ACCOUNT)
    assert compiled.metrics["margin_calls"] == 0
    assert_same(compiled, run_strategy(bars, HoldEvents, portfolio={"account": ACCOUNT}))


def test_the_event_log_knows_the_engines_own_order() -> None:
    """The order of a call has no id on the bus, and is told before its bar."""
    result = admf.backtest(fallen(20, 80.0), Hold(), account=ACCOUNT)
    rows = rows_of_records(result.records)
    called = rows[rows["reason"] == Reason.MARGIN_CALL]
    assert set(called["order"].tolist()) == {-1}
    assert set(called["told_bar"].tolist()) == {20}
    assert len(event_hash(rows)) == 64
