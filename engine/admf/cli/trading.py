"""The commands for trading as time goes by."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.cli.options import Json, OnDefect, Sets
from admf.cli.running import changes, load_market, target
from admf.cli.show import print_facts, print_json, print_rich

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admf.coordinate import BacktestResults

FIGURES = ("bars_processed", "orders_generated", "fills_executed", "final_equity", "total_return", "max_drawdown")


def paper(
    config: Path,
    /,
    *,
    data: Path | None = None,
    set_: Sets = (),
    out: Path | None = None,
    on_defect: OnDefect | None = None,
    json: Json = False,
) -> None:
    """Trade on paper: the strategies of a configuration on historical bars that come one by one.

    Fills are those of the backtest, bit for bit. Ctrl-C ends the session in good order.

    Parameters
    ----------
    config
        YAML file with a section live_trading.
    data
        Bar file (.parquet, .csv, .arrow, .feather) in place of the configuration's data.
    set_
        Change values: --set live_trading.speed=60
    out
        Folder for the status, and for the results of each strategy.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object.
    """
    from admf.config import load_config
    from admf.live.paper import paper_manager

    loaded = load_config(config, changes(set_, data=data, on_defect=on_defect), needs=("data", "strategy"))
    folder = target(loaded, out)
    manager = paper_manager(loaded, load_market(loaded), folder)
    signal.signal(signal.SIGTERM, lambda *_: manager.stop())
    signal.signal(signal.SIGINT, lambda *_: manager.stop())
    try:
        show_sessions(manager.run(), folder, as_json=json)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def show_sessions(results: "Mapping[str, BacktestResults]", folder: Path | None, *, as_json: bool) -> None:
    """What each strategy did: written to a folder of its own, then one table or one JSON object."""
    if folder is not None:
        for name, result in results.items():
            result.to_parquet(folder / name)
    if as_json:
        made = {name: {**figures(result), "trace_hash": result.trace_hash} for name, result in results.items()}
        print_json({"strategies": made} | ({"folder": str(folder)} if folder is not None else {}))
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("strategy", *FIGURES, "trace"):
        table.add_column(name.replace("_", " "), justify="left" if name == "strategy" else "right")
    for name, result in results.items():
        shown = (f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}" for value in figures(result).values())
        table.add_row(name, *shown, result.trace_hash[:8])
    print_rich(table)


def figures(result: "BacktestResults") -> dict[str, float]:
    """The figures of a session."""
    return {name: float(result[name] or 0.0) for name in FIGURES}


def status(folder: Path, /, *, json: Json = False) -> None:
    """Show what a running or ended session said of itself last.

    Parameters
    ----------
    folder
        The session's output folder.
    json
        Print one JSON object.
    """
    from admf.live.monitor import read_status

    seen: dict[str, Any] = read_status(folder)
    if json:
        print_json(seen)
        return
    strategies = seen.pop("strategies")
    print_facts(seen)
    for name, health in strategies.items():
        print_facts({name: health})
