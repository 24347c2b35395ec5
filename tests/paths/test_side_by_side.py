"""Trials side by side, small enough for the lane in which every access is checked."""

from typing import Any

import pytest

import admf
from admf.strategies import SmaCross
from sweep_support import Channel, Swing, market, single, sweep

COSTS = admf.Execution(slippage=admf.slippage.bps(1.0), commission=admf.commission.bps(1.0))


@pytest.mark.compiled
@pytest.mark.parametrize(
    "options",
    [
        {"strategy": SmaCross(), "grid": {"fast": [2, 4], "slow": [7, 9]}, "execution": COSTS},
        pytest.param({"strategy": Swing(), "grid": {"period": [3, 6]}, "execution": COSTS}, marks=pytest.mark.long),
        pytest.param(
            {"strategy": Channel(), "grid": {"period": [3, 8], "stop_loss": [0.0, 0.003]}}, marks=pytest.mark.long
        ),
        {"strategy": SmaCross(), "grid": {"fast": [2], "slow": [5], "account.cash": [1.0, 1e5]}, "instrument": 1.0},
    ],
    ids=["averages", "strength", "range with a stop", "whole lots"],
)
def test_a_lane_is_its_single_run(options: dict[str, Any]) -> None:
    """A-06, I-01 to I-05, M-01 to M-03, H-01."""
    lot = options.pop("instrument", None)
    bars = market(300)
    if lot is not None:
        bars = admf.Market([admf.generate(bars=160, seed=4)], instruments=[admf.Instrument("SYM", lot_size=lot)])
    study = sweep(market=bars, **options)
    assert "lanes" in set(study.results["path"])
    for row in range(len(study.results)):
        alone = single(study, row)
        assert study.results["trace_hash"][row] == alone.trace_hash
        assert study.results["max_drawdown"][row] == alone.metrics["max_drawdown"]
