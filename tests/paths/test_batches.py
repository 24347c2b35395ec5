"""Many trials in one call, small enough for the lanes without a compiler and with every access checked."""

from typing import Any

import pytest

import admf
from admf.strategies import BracketScalper
from sweep_support import OrderEveryBar, market, single, sweep


class Piles(admf.CompiledStrategy):
    """Bids that never fill."""

    count: int = 3

    def on_bar(self, ctx):
        for _ in range(self.count):
            ctx.buy(1.0, limit=0.5)


@pytest.mark.parametrize(
    ("bars", "options"),
    [
        (120, {"strategy": BracketScalper(quantity=500.0), "grid": {"dip_bps": [2.0, 8.0], "patience": [2, 6]}}),
        (90, {"strategy": Piles(), "grid": {"count": [1, 3]}}),  # live orders beyond the table
        (
            600,
            {"strategy": OrderEveryBar(), "grid": {"quantity": [1.0, 2.0]}},
        ),  # a table full of ended orders
    ],
)
def test_a_trial_is_its_single_run(monkeypatch: pytest.MonkeyPatch, bars: int, options: dict[str, Any]) -> None:
    """A-08, H-01, W-06: with tables as small as they may be."""
    monkeypatch.setattr("admf.sweeps.arena.ROWS", 0)
    study = sweep(market=market(bars), **options)
    for row in range(len(study.results)):
        assert study.results["status"][row] == "done"
        assert study.results["trace_hash"][row] == single(study, row).trace_hash
