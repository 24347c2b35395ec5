"""The commands for trading as time goes by."""

import signal
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.cli.options import Flag, Json, OnDefect, Sets
from admf.cli.running import changes, load_market, target
from admf.cli.show import print_facts, print_json, print_rich

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from admf.config import Config
    from admf.coordinate import BacktestResults
    from admf.live import LiveTradingManager

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
    with stopped_by_signals(manager):
        show_sessions(manager.run(), folder, as_json=json)


def live(
    config: Path,
    /,
    *,
    confirm: Flag = False,
    drift: Flag = False,
    data: Path | None = None,
    set_: Sets = (),
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Trade live: orders go to the venue of a configuration.

    Without --confirm nothing is sent: account, limits and strategies are shown, and the command ends with code 2. The
    journals in the output folder outlive the session; the next one takes them up.

    Parameters
    ----------
    config
        YAML file with a section live_trading and a venue in it.
    confirm
        Send orders.
    drift
        Hold the fills against a paper session over the same bars; the orders go to drift_NAME.parquet of the folder.
    data
        Bar file in place of the configuration's data.
    set_
        Change values.
    out
        Folder for journals, status, event logs and results.
    json
        Print one JSON object.
    """
    from admf.config import load_config
    from admf.errors import ConfigError
    from admf.testing.session import LiveSession

    loaded = load_config(config, changes(set_, data=data), needs=("data", "strategy"))
    folder = out or loaded.output_folder
    if folder is None:
        raise ConfigError("the journal needs a place", field="output.folder", remedy="give it, or --out FOLDER")
    with LiveSession(loaded, partial(load_market, loaded), folder) as session:
        if not confirm:
            print_facts(session.facts())
            raise ConfigError("nothing was sent", field="confirm", found=False, remedy="add --confirm to trade")
        with stopped_by_signals(session.manager):
            results = session.manager.run()
    show_sessions(results, None, as_json=json)
    if drift and not json:
        show_drift(loaded, results, folder)


def show_drift(loaded: "Config", results: "Mapping[str, BacktestResults]", folder: Path) -> None:
    """How live and paper fills differ: totals on the screen, orders in a file for each strategy."""
    from admf.live.drift import drift, drift_total
    from admf.live.paper import paper_manager

    papers = paper_manager(loaded, loaded.market()).run()
    for name, result in results.items():
        table = drift(result, papers[name])
        table.write_parquet(folder / f"drift_{name}.parquet")
        print_facts({f"drift {name}": drift_total(table)})


@contextmanager
def stopped_by_signals(manager: "LiveTradingManager") -> "Iterator[None]":
    """While the block lasts, Ctrl-C and SIGTERM end the session in good order."""
    before = {number: signal.signal(number, lambda *_: manager.stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
