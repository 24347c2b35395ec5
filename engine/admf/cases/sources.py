"""Settings of source tests that their cases leave out, by the test that the case names as its source.

They are facts about the source, read in it, never results:

- the exports of pynecore's slippage tests were made with 0.1 % commission (`commission_value=0.1` in the scripts);
- freqtrade's table tests 36 to 38 run with `use_custom_stoploss=True`, and the strategy's stop is the configured one;
- vectorbt's `test_stop_exit_price` orders at `price=1.1 * close`.
"""

from dataclasses import replace
from typing import Any

from admf.cases.files import Case

CUSTOM_STOP = {"use_custom_stoploss": True}
CONFIG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("test_010_slippage_basic", {"commission": {"model": "pct", "pct": 0.001}}),
    ("test_011_slippage_direction", {"commission": {"model": "pct", "pct": 0.001}}),
    ("test_backtest_results[data36]", CUSTOM_STOP),
    ("test_backtest_results[data37]", CUSTOM_STOP),
    ("test_backtest_results[data38]", CUSTOM_STOP),
    ("TestFromSignals.test_stop_exit_price", {"price_of_close": 1.1}),
)


def with_source_facts(case: Case) -> Case:
    """The case with what its source says beside its configuration; the configuration goes first."""
    for test, settings in CONFIG:
        if test in case.source:
            case = replace(case, config={**settings, **case.config})
    return case
