"""Small files for the command line, and what its refusals look like."""

from collections.abc import Callable
from dataclasses import dataclass

BARS = """timestamp,open,high,low,close,volume
2024-01-02,10.0,11.0,9.0,10.5,1000
2024-01-03,10.5,12.0,10.0,11.5,1000
2024-01-04,11.5,12.5,11.0,12.0,1000
2024-01-05,12.0,13.0,11.5,12.5,1000
2024-01-08,12.5,13.5,12.0,13.0,1000
"""
CONFIG = """backtest:
  components:
    strategy:
      class: SmaCross
      params: {fast: 1, slow: 2}
data:
  path: AAA.csv
execution:
  slippage: {model: fixed, amount: 0.01}
account:
  cash: 10_000
"""


@dataclass(frozen=True)
class Outcome:
    """What one command did."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


def refused(outcome: Outcome, code: int, *words: str) -> None:
    """One clear message, nothing on standard output, no traceback."""
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    assert outcome.err.startswith("admf: ")
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err
