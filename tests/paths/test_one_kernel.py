"""All options are data: rules never select code, only a law of the user's own does."""

from contextlib import suppress

import pytest
from hypothesis import given, settings

import admf
from admf.errors import ConfigError
from admf_kernels._jit import compile_stats
from scenarios import executions

RULES = 200
ROWS = [(10.0, 12.0, 9.0, 11.0, 100.0), (11.0, 13.0, 10.0, 12.0, 100.0), (12.0, 12.5, 8.0, 9.0, 100.0)] * 3


@pytest.mark.compiled
def test_two_hundred_rules_share_one_kernel() -> None:
    """Every word of every field and every model of both families is among them, with numbers of all sizes."""
    table = dict(zip(("open", "high", "low", "close", "volume"), zip(*ROWS, strict=True), strict=True))
    table["vwap"] = [10.5] * len(ROWS)
    market = admf.Market([admf.Bars(table)], instruments=[admf.Instrument("SYM", tick_size=0.5)])
    orders = [{"bar": bar, "side": side, "quantity": 3.0} for bar, side in enumerate(["buy", "sell", "sell", "buy"])]
    admf.simulate(market, orders)
    before = compile_stats()
    seen: set[admf.Execution] = set()
    assert before["compiled"] + before["loaded"] > 0

    @given(execution=executions(ticks=True, volume=True, dated=False))
    @settings(max_examples=2 * RULES, database=None)
    def run(execution: dict[str, object]) -> None:
        rules = admf.Execution(**execution)
        if rules not in seen:
            with suppress(ConfigError):  # rules that contradict each other
                admf.simulate(market, orders, execution=rules)
                seen.add(rules)

    run()
    after = compile_stats()
    assert (after["compiled"], after["loaded"]) == (before["compiled"], before["loaded"])
    assert len(seen) >= RULES
    assert {rules.slippage.model for rules in seen} > {"power", "random", "range", "half_spread"}
    assert {rules.commission.model for rules in seen} > {"sum", "tiered", "maker_taker", "sale_shares"}
