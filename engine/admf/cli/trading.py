"""The commands for trading as time goes by."""

import signal
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from admf.cli.options import Flag, Json, OnDefect, Sets
from admf.cli.running import changes, load_market, target
from admf.cli.sessions import show_sessions
from admf.cli.show import print_facts, print_json, print_note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from admf.config.source import Override
    from admf.live import LiveTradingManager


def paper(
    config: Path,
    /,
    *,
    data: Path | None = None,
    set_: Sets = (),
    out: Path | None = None,
    drift: Flag = False,
    on_defect: OnDefect | None = None,
    json: Json = False,
) -> None:
    """Trade on paper: the strategies of a configuration on bars that come one by one.

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
    drift
        Hold every order against the backtest of the same bars; with a folder into drift_NAME.parquet.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object.
    """
    from admf.config import load_config
    from admf.live.feeds import make_feed
    from admf.live.paper import paper_manager

    loaded = load_config(config, shadowed(changes(set_, data=data, on_defect=on_defect), drift=drift))
    folder = target(loaded, out)
    manager = paper_manager(loaded, make_feed(loaded, load_market), folder)
    with stopped_by_signals(manager):
        results = manager.run()
    show_sessions(results, manager.drifts, folder, as_json=json)


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
        Hold every order against the backtest of the same bars; they go to drift_NAME.parquet of the folder.
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

    loaded = load_config(config, shadowed(changes(set_, data=data), drift=drift))
    folder = out or loaded.output_folder
    if folder is None:
        raise ConfigError("the journal needs a place", field="output.folder", remedy="give it, or --out FOLDER")
    with LiveSession(loaded, partial(load_market, loaded), folder) as session:
        if not confirm:
            print_facts(session.facts())
            raise ConfigError("nothing was sent", field="confirm", found=False, remedy="add --confirm to trade")
        with stopped_by_signals(session.manager):
            results = session.manager.run()
    show_sessions(results, session.manager.drifts, folder, as_json=json, keep=False)


def shadowed(overrides: "list[Override]", *, drift: bool) -> "list[Override]":
    """Changes of a configuration; with `drift` there is a shadow beside each strategy."""
    return [*overrides, ("live_trading.shadow", True)] if drift else overrides


@contextmanager
def stopped_by_signals(manager: "LiveTradingManager") -> "Iterator[None]":
    """While the block lasts, Ctrl-C and SIGTERM end the session in good order; the second one ends it at once."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop(number: int, frame: object) -> None:
        for other in numbers:
            signal.signal(other, signal.default_int_handler)
        print_note("stopping after the bars that are here; once more stops at once")
        # The lock that `stop` takes may be held by the very code that the signal has interrupted.
        threading.Thread(target=manager.stop, name="admf-stop", daemon=True).start()

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def status(folder: Path, /, *, watch: Flag = False, json: Json = False) -> None:
    """Show what a running or ended session said of itself last.

    Parameters
    ----------
    folder
        The session's output folder.
    watch
        Go on showing it until the session is over.
    json
        Print one JSON object.
    """
    from admf.cli.watching import show_status, watch_status
    from admf.live.monitor import read_status

    if json:
        print_json(read_status(folder))
    elif watch:
        watch_status(folder)
    else:
        show_status(read_status(folder))
