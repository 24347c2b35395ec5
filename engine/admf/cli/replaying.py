"""`admf replay` of event logs: run again, stopped, stepped, held against each other."""

import sys
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from admf.cli.sessions import show_drifts
from admf.cli.show import print_facts, print_json
from admf.errors import ConfigError, RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from admf.live import LiveStrategyContainer
    from admf.live.drift import Drift
    from admf.live.replaying import Replay
    from admf.replay import Row


def replay_logs(
    places: Sequence[Path], *, stop: int | None, step: bool, bisect: bool, drift: bool, as_json: bool
) -> None:
    """Each log in a container of its own; RunError where one does not do again what it did."""
    from admf.live.replaying import replay_log
    from admf.replay import EventLog

    logs = [EventLog(place) for place in files_of(places)]
    if bisect:
        show_difference(logs, as_json=as_json)
        return
    if step and len(logs) > 1:
        raise ConfigError("one log at a time is stepped through", field="step", found=len(logs), allowed="1")
    replays = [replay_log(log, watch=watcher(stop, step=step), shadow=drift) for log in logs]
    shown = {str(replay.log.path): facts_of(replay) for replay in replays}
    drifts = drifts_of(replays) if drift else {}
    if as_json:
        for name, found in drifts.items():
            shown[name]["drift"] = found.totals
        print_json({"logs": shown})
    else:
        for name, facts in shown.items():
            print_facts({name: facts})
        show_drifts(drifts)
    if not all(replay.equal for replay in replays):
        raise RunError("a container did not do again what it did")


@contextmanager
def recorded_first(places: Sequence[Path]) -> "Iterator[list[Path]]":
    """The places, with a folder of logs for each configuration: of a paper session that is played now."""
    with TemporaryDirectory() as scratch:
        found: list[Path] = []
        for number, place in enumerate(places):
            is_config = place.suffix.lower() in (".yaml", ".yml")
            found.append(record(place, Path(scratch) / str(number)) if is_config else place)
        yield found


def record(config: Path, folder: Path) -> Path:
    """Plays the paper session of a configuration, with its event logs in a folder."""
    from admf.cli.running import load_market
    from admf.cli.trading import stopped_by_signals
    from admf.config import load_config
    from admf.live.feeds import make_feed
    from admf.live.paper import paper_manager

    loaded = load_config(config, [("live_trading.event_log", True)], needs=("data", "strategy"))
    manager = paper_manager(loaded, make_feed(loaded, load_market), folder)
    with stopped_by_signals(manager):
        manager.run()
    return folder


def files_of(places: Sequence[Path]) -> list[Path]:
    """The logs: files, and all of a session's folder. ConfigError where there are none."""
    from admf.replay.log import SUFFIX

    found: list[Path] = []
    for place in places:
        found += sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [place]
    if not found:
        allowed = "the folder of a study with --row, event logs, or a folder with some"
        raise ConfigError("nothing to replay", field="places", found=", ".join(map(str, places)), allowed=allowed)
    return found


def drifts_of(replays: "Sequence[Replay]") -> "dict[str, Drift]":
    """What each session did otherwise than the backtest of its bars, as far as it came."""
    found: dict[str, Drift] = {}
    for replay in replays:
        drift = None if replay.container is None else replay.container.drift()
        if drift is not None:
            found[str(replay.log.path)] = drift
    return found


def watcher(stop: int | None, *, step: bool) -> Any:
    """What looks at each event; None where nobody does."""
    if stop is None and not step:
        return None

    def watch(row: "Row", container: "LiveStrategyContainer") -> bool:
        if row.sequence < (stop or 0):
            return True
        if not step:
            return False
        print(row)
        print_facts({"container": container.look(), "strategy": own_state(container)})
        return bool(sys.stdin.readline())

    return watch


def own_state(container: "LiveStrategyContainer") -> dict[str, Any]:
    """What the strategy has set on itself."""
    strategy = container.container.resolve("strategy")
    return dict(strategy.snapshot()) if hasattr(strategy, "snapshot") else strategy.parameters


def facts_of(replay: "Replay") -> dict[str, Any]:
    """What a replay has found."""
    facts: dict[str, Any] = {
        "events": len(replay.log.rows),
        "equal": replay.events,
        "verdict": "the same" if replay.equal else "different",
        "ended": replay.log.ended,
        "torn": replay.log.torn,
    }
    if replay.result is not None:
        facts["trace_hash"] = replay.result.trace_hash
    if replay.difference is not None:
        facts["difference"] = str(replay.difference)
    container = replay.container
    if replay.stopped_at is not None and container is not None:
        facts |= {"stopped_before": str(replay.stopped_at), **container.look()}
        facts |= {f"strategy.{name}": value for name, value in own_state(container).items()}
    return facts


def show_difference(logs: Sequence[Any], *, as_json: bool) -> None:
    """The first event in which two logs differ."""
    from admf.replay import first_difference

    if len(logs) != 2:
        raise ConfigError("two logs are held against each other", field="bisect", found=len(logs), allowed="2")
    found = first_difference(*logs)
    if as_json:
        print_json({"equal": found is None, "difference": None if found is None else str(found)})
    else:
        print(found or f"the same {len(logs[0].rows):,} events")
