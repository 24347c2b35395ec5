"""What a session of trading as time goes by did: tables on the terminal, files in its folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.cli.show import print_json, print_rich

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admf.coordinate import BacktestResults
    from admf.live.drift import Drift

FIGURES = ("bars_processed", "orders_generated", "fills_executed", "final_equity", "total_return", "max_drawdown")
HEADS = ("strategy", "bars", "orders", "fills", "equity", "return", "drawdown", "trace")
FORMS = ("{:,.0f}", "{:,.0f}", "{:,.0f}", "{:,.2f}", "{:.2%}", "{:.2%}")
WIDTH = 120  # columns of a table that goes into a file
APART_ROWS = 10  # shown of the orders that are not the same


def show_sessions(
    results: "Mapping[str, BacktestResults]",
    drifts: "Mapping[str, Drift]",
    folder: Path | None,
    *,
    as_json: bool,
    keep: bool = True,
) -> None:
    """What each strategy did, as one table or one JSON object; with `keep` written to a folder of its own."""
    if folder is not None:
        for name, result in results.items() if keep else ():
            result.to_parquet(folder / name)
        for name, drift in drifts.items():
            drift.write(folder / f"drift_{name}.parquet")
    if as_json:
        made: dict[str, Any] = {
            name: {**figures(result), "trace_hash": result.trace_hash} for name, result in results.items()
        }
        for name, drift in drifts.items():
            made[name]["drift"] = drift.totals
        print_json({"strategies": made} | ({"folder": str(folder)} if folder is not None else {}))
        return
    table = table_of(HEADS, left=("strategy",))
    for name, result in results.items():
        shown = (form.format(value) for form, value in zip(FORMS, figures(result).values(), strict=True))
        table.add_row(name, *shown, result.trace_hash[:8])
    print_rich(table, WIDTH)
    show_drifts(drifts)


def figures(result: "BacktestResults") -> dict[str, float]:
    """The figures of a session."""
    return {name: float(result[name] or 0.0) for name in FIGURES}


def show_drifts(drifts: "Mapping[str, Drift]") -> None:
    """How sessions and backtests differ: totals, and the first orders that are not the same."""
    for name, drift in drifts.items():
        totals = dict(drift.totals)
        orders, same, cost, equity = (totals.pop(key) for key in ("orders", "same", "cost", "equity"))
        counts = [f"{same:,.0f} as in the backtest of the same bars"]
        counts += [f"{cause} {count:,.0f}" for cause, count in totals.items()]
        print(f"\ndrift of {name}: {orders:,.0f} orders, {', '.join(counts)}; cost {cost:,.2f}, equity {equity:+,.2f}")
        if drift.apart.height:
            show_apart(drift)


def show_apart(drift: "Drift") -> None:
    """The first orders that are not the same."""
    from admf.live.drift import fill_text

    table = table_of(("order", "live", "backtest", "cause", "cost"), left=("order", "live", "backtest", "cause"))
    for row in drift.apart.head(APART_ROWS).iter_rows(named=True):
        cells = []
        for side in ("live", "backtest"):
            text = fill_text(row[f"quantity_{side}"], row[f"price_{side}"], row[f"status_{side}"])
            sent, filled = row[f"submitted_bar_{side}"], row[f"bar_{side}"]
            cells.append("-" if sent is None else f"{sent}: {text}" + ("" if filled is None else f" in {filled}"))
        cost = "" if row["cost"] is None else f"{row['cost']:,.2f}"
        table.add_row(f"{row['side']} {row['type']}", *cells, row["cause"], cost)
    print_rich(table, WIDTH)
    rest = drift.apart.height - APART_ROWS
    if rest > 0:
        print(f"and {rest:,} more")


def table_of(heads: tuple[str, ...], left: tuple[str, ...]) -> Any:
    """An empty table without lines."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in heads:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    return table
