"""`admf status`: what a session says of itself, once or again and again."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf.cli.sessions import WIDTH, table_of
from admf.cli.show import print_facts, print_rich

if TYPE_CHECKING:
    from rich.console import Group

LOOK_S = 1.0  # a session writes its status once a second
SILENT_S = 10.0  # then its process is likely gone
HEADS = ("strategy", "state", "bars", "last bar", "equity", "position", "errors", "lag")  # 80 columns hold it


def show_status(seen: Mapping[str, Any]) -> None:
    """A session once."""
    print_facts(session_facts(seen))
    print_rich(strategies_table(seen), WIDTH)
    for line in trouble_of(seen):
        print(line)


def watch_status(folder: Path) -> None:
    """A session until it is over: on a terminal in one place, else a block of lines for each change."""
    from rich.console import Console
    from rich.live import Live

    if not Console().is_terminal:
        for seen in looks(folder):
            show_status(seen)
        return
    with Live(refresh_per_second=4) as view:
        for seen in looks(folder):
            view.update(picture(seen))


def looks(folder: Path) -> Iterator[dict[str, Any]]:
    """What the session says, each time that it says something else, until it is over."""
    from admf.live.monitor import read_status

    last: dict[str, Any] = {}
    while True:
        seen = read_status(folder)
        if seen != last or silence_s(seen) > SILENT_S:
            yield seen
        if seen["over"]:
            return
        last = seen
        time.sleep(LOOK_S)


def picture(seen: Mapping[str, Any]) -> "Group":
    """A session for the terminal."""
    from rich.console import Group
    from rich.text import Text

    facts = "   ".join(f"{name} {value}" for name, value in session_facts(seen).items())
    return Group(Text(facts), strategies_table(seen), *(Text(line) for line in trouble_of(seen)))


def session_facts(seen: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of the session as a whole."""
    facts = {
        name: value for name, value in seen.items() if name not in ("strategies", "feed") and value not in ("", [])
    }
    feed = ", ".join(f"{name} {value}" for name, value in seen.get("feed", {}).items() if value != "")
    return facts | ({"feed": feed} if feed else {})


def strategies_table(seen: Mapping[str, Any]) -> Any:
    """A row for each strategy."""
    from admf.data.stamps import stamp_text

    table = table_of(HEADS, left=("strategy", "state", "last bar"))
    for name, health in seen["strategies"].items():
        last = "" if health["last_bar_ns"] is None else stamp_text(health["last_bar_ns"])[5:16]
        table.add_row(
            name, health["state"], f"{health['bars']:,}", last, f"{health['equity']:,.2f}",
            f"{health['position']:,.6g}", f"{health['errors']:,}", f"{health['lag_s'] * 1_000:.1f} ms",
        )  # fmt: skip
    return table


def trouble_of(seen: Mapping[str, Any]) -> Iterator[str]:
    """A line for all that is not well."""
    silent_s = silence_s(seen)
    if not seen["over"] and silent_s > SILENT_S:
        yield f"nothing was heard for {silent_s:,.0f} s: the process may be gone"
    for name, health in seen["strategies"].items():
        for problem in health["problems"]:
            yield f"{name}: {problem}"
        if health["last_error"]:
            yield f"{name}: last error: {health['last_error']}"


def silence_s(seen: Mapping[str, Any]) -> float:
    """Seconds since the session last wrote."""
    return (datetime.now(UTC) - datetime.fromisoformat(seen["at"])).total_seconds()
