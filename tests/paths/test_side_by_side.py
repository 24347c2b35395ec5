"""Trials side by side, small enough for the lane in which every access is checked."""

from typing import Any

import pytest

import admf
from admf.strategies import SmaCross
from sweep_support import market, single, sweep


class Swing(admf.SignalStrategy):
    """Long above, short below: relative strength and an exponential average."""

    period: int = 5
    strength = admf.signals.rsi("period")
    average = admf.signals.ema(8)
    close = admf.signals.close()

    def rule(self, strength, average, close):
        if strength > 55.0 and close > average:
            return 1
        return -1 if strength < 45.0 and close < average else 0


class Breakout(admf.SignalStrategy):
    """The range of the bars before."""

    period: int = 6
    high = admf.signals.highest("period")
    low = admf.signals.lowest(4)
    close = admf.signals.close()

    def rule(self, high, low, close):
        return close > high or close > 2.0 * low


COSTS = admf.Execution(slippage=admf.slippage.bps(1.0), commission=admf.commission.bps(1.0))


@pytest.mark.compiled
@pytest.mark.parametrize(
    "options",
    [
        {"strategy": SmaCross(), "grid": {"fast": [2, 4], "slow": [7, 9]}, "execution": COSTS},
        {"strategy": Swing(), "grid": {"period": [3, 6]}, "execution": COSTS},
        {"strategy": Breakout(), "grid": {"period": [3, 8]}},
        {"strategy": SmaCross(), "grid": {"fast": [2], "slow": [5], "account.cash": [1.0, 1e5]}, "instrument": 1.0},
    ],
    ids=["averages", "strength", "range", "whole lots"],
)
def test_a_lane_is_its_single_run(options: dict[str, Any]) -> None:
    """A-06, I-01 to I-05, M-01 to M-03, H-01."""
    lot = options.pop("instrument", None)
    bars = market(160)
    if lot is not None:
        bars = admf.Market([admf.generate(bars=160, seed=4)], instruments=[admf.Instrument("SYM", lot_size=lot)])
    study = sweep(market=bars, **options)
    assert "lanes" in set(study.results["path"])
    for row in range(len(study.results)):
        alone = single(study, row)
        assert study.results["trace_hash"][row] == alone.trace_hash
        assert study.results["max_drawdown"][row] == alone.metrics["max_drawdown"]
