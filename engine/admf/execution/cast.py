"""From values to the one record that the kernels read."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf.execution.contradictions import Facts, refuse_contradictions
from admf.execution.risk import Risk
from admf.models import Number, Word
from admf_kernels.codes import Record
from admf_kernels.records import config_dt

if TYPE_CHECKING:
    from admf.execution.account import Account
    from admf.execution.rules import Execution

MODEL_FIELDS = ("slippage_", "commission_", "sizing_")  # 0 where a model has fewer parameters than there are places


def cast(
    execution: "Execution",
    account: "Account",
    *,
    bar_count: int,
    has_volume: bool,
    close_positions: bool,
    sample_sessions: bool,
    record: str,
    has_ticks: bool | None = None,
    has_vwap: bool | None = None,
    dated: bool = True,
    container: int = 0,
    risk: Risk | None = None,
) -> NDArray[np.record]:
    """config_dt of shape (1,) with every field filled; ConfigError for rules that contradict each other or the data.

    `has_ticks` says whether every instrument has a tick size, `has_vwap` whether every symbol has that column; None
    leaves rules that need them unchecked; `risk` are the limits, None is none. `container` is the number of the
    container in its pool.
    """
    facts = Facts(has_volume=has_volume, has_ticks=has_ticks, has_vwap=has_vwap, dated=dated)
    limits = Risk() if risk is None else risk
    refuse_contradictions(execution, account, facts, limits)
    names = config_dt.names
    assert names is not None
    values: dict[str, Any] = {name: 0.0 for name in names if name.startswith(MODEL_FIELDS)}
    values |= execution.record_values() | account.record_values() | limits.record_values()
    values |= {
        "bar_count": Number(minimum=1, maximum=2**31 - 2, whole=True).read(bar_count, "bar_count"),
        "container": container,
        "has_volume": has_volume,
        "dated": dated,
        "close_positions": close_positions,
        "sample_sessions": sample_sessions,
        "record": Word(Record).number(Word(Record).read(record, "record")),
    }
    config = np.zeros(1, dtype=config_dt)
    config[0] = tuple(values[name] for name in names)
    return config
