"""What is timed is right first: the compiled run agrees with plain Python and with the oracle, bit for bit."""

from functools import cache
from typing import Any

import numpy as np

import admf
from benchmarks.workloads import Workload, market
from paths_support import Case, first_difference

PREFIX_BARS = 1_500
COLUMNS = ("open", "high", "low", "close", "volume")


class DisagreementError(Exception):
    """Two paths gave different results: there is nothing to time."""


@cache
def require_agreement(workload: Workload) -> None:
    """Holds the compiled run on a prefix of the bars against the stepped one and the oracle; else DisagreementError.

    The oracle takes orders, not strategies: it gets what the strategy sent, as a script.
    """
    bars = market(PREFIX_BARS)
    account = admf.Account(cash=workload.cash)
    rules = {"execution": workload.execution, "account": account, "close_positions": False}
    compiled = admf.backtest(bars, workload.strategy, **rules)
    stepped = admf.backtest(bars, workload.strategy, **rules, debug=True)
    if compiled.trace_hash != stepped.trace_hash or not same(compiled.metrics, stepped.metrics):
        raise DisagreementError(f"{workload.name}: compiled {compiled!r}, stepped {stepped!r}")
    arrays = bars.arrays
    rows = list(zip(*(getattr(arrays, name)[:, 0].tolist() for name in COLUMNS), strict=True))
    settings = {name: getattr(workload.execution, name) for name in workload.execution.KINDS}
    numbers = {"volume_limit": workload.execution.volume_limit}
    case = Case(bars=[rows], orders=script_of(compiled), execution=settings | numbers, account={"cash": workload.cash})
    if difference := first_difference(case, ("oracle", "compiled")):
        raise DisagreementError(f"{workload.name}: {difference}")
    scripted = admf.simulate(case.market(), case.orders, execution=workload.execution, account=account)
    if scripted.trace_hash != compiled.trace_hash:
        raise DisagreementError(f"{workload.name}: the strategy {compiled!r}, its orders alone {scripted!r}")


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Equal figures, NaN equal to NaN."""
    names = [name for name, value in first.items() if isinstance(value, float)]
    floats = np.array_equal([first[name] for name in names], [second[name] for name in names], equal_nan=True)
    return (
        floats and all(first[name] == second[name] for name in first.keys() - names) and first.keys() == second.keys()
    )


def script_of(result: admf.Result) -> list[dict[str, Any]]:
    """The orders of a run as a table: quantities that the run worked out itself are left open again."""
    cancels = result.transitions.filter(event="CANCEL", reason="USER_CANCEL")
    cancel_bars = dict(zip(cancels["order_id"], cancels["bar"] - 1, strict=True))
    wanted = ("id", "side", "type", "size_kind", "size", "limit_price", "stop_price", "parent", "oco", "reduce_only")
    rows = []
    for order in result.orders.iter_rows(named=True):
        row = {name: order[name] for name in wanted if order[name] is not None}
        row["bar"] = order["submitted_bar"]
        if row["size_kind"] == "quantity" and "parent" not in row:
            row["quantity"] = order["quantity"]
        if order["id"] in cancel_bars:
            row["cancel_bar"] = cancel_bars[order["id"]]
        rows.append(row)
    return rows
