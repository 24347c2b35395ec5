"""How a live container tells its recorder what happens, and what its log needs to run it again."""

from collections.abc import Sequence
from typing import Any

from admf.config.document import make_strategy
from admf.data import Instrument
from admf.errors import DataError
from admf.events import Event
from admf.execution import Account, Execution, Risk
from admf.live.bars import Facts
from admf.live.settings import Care, StrategySettings
from admf.replay import EventLog, Recorder


class Tap(list[Event]):
    """Takes the place of a bus's log: hands every event on to recorders and keeps none."""

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        super().__init__()
        self._recorders = tuple(recorders)

    def append(self, event: Event) -> None:
        """An event is about to be delivered."""
        kind = event.kind.name
        for recorder in self._recorders:
            recorder.note(kind, event.time_ns, event.bar, event)


def header_of(settings: StrategySettings, facts: Facts, care: Care, *, live: bool = False) -> dict[str, Any]:
    """What a log says about its container; `live` where its orders went to a venue."""
    instrument, kind = facts.instrument, type(settings.strategy)
    return {
        "strategy_id": settings.strategy_id,
        "strategy_class": settings.class_name or f"{kind.__module__}:{kind.__name__}",
        "strategy_params": dict(settings.strategy.parameters),
        "execution": settings.execution.to_dict(),
        "account": settings.account.to_dict(),
        "risk": settings.risk.to_dict(),
        "care": vars(care),
        "live": live,
        "instrument": vars(instrument),
        "facts": {name: value for name, value in vars(facts).items() if name != "instrument"},
    }


def read_header(log: EventLog, folder: Any = ".") -> tuple[StrategySettings, Facts, Care]:
    """Settings, facts and care of a log; DataError where they cannot be made."""
    header = log.header
    try:
        settings = StrategySettings(
            strategy_id=header["strategy_id"],
            strategy=make_strategy(header["strategy_class"], header["strategy_params"], folder),
            account=Account.from_dict(header["account"]),
            risk=Risk.from_dict(header["risk"]),
            execution=Execution.from_dict(header["execution"]),
            class_name=header["strategy_class"],
        )
        facts = Facts(instrument=Instrument(**header["instrument"]), **header["facts"])
        return settings, facts, Care(**header["care"])
    except (KeyError, TypeError) as error:
        raise DataError(f"not the log of a session: {error!r}", field=str(log.path)) from None
