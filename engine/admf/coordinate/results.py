"""`BacktestResults`: a `Result` with what its container did, and mapping access to both."""

from collections.abc import Iterator, Mapping
from typing import Any

from admf.container import ContainerMetrics
from admf.coordinate.eventlog import Rows, event_hash, rows_of_records
from admf.errors import ConfigError
from admf.models import unknown_name
from admf.results import Result
from admf.results.records import RunRecords

COUNTS = ("events_processed", "bars_processed", "orders_generated", "fills_executed")


class BacktestResults(Result):
    """The result of one container.

    `results["events_processed"]`, `["bars_processed"]` and every metric by name; `container` are its
    `ContainerMetrics`. `errors` lists what components failed with where the run went on after it.
    """

    def __init__(
        self,
        records: RunRecords,
        container: ContainerMetrics,
        *,
        event_log: Rows | None = None,
        errors: tuple[BaseException, ...] = (),
    ) -> None:
        super().__init__(records)
        self.container = container
        self.errors = errors
        self._event_log = event_log

    @property
    def counts(self) -> Mapping[str, int]:
        """What the container did."""
        done = int(self.records.account["bars_processed"])
        return {
            "events_processed": self.container.events_processed,
            "bars_processed": done,
            "orders_generated": self.container.orders_generated,
            "fills_executed": self.container.fills_executed,
        }

    @property
    def event_log(self) -> Rows:
        """BAR, ORDER, FILL and ORDER_STATUS in the order of their delivery; ConfigError below record="full"."""
        if self._event_log is None:
            if self.records.record != "full":
                message = "this run did not record it"
                raise ConfigError(message, field="result.event_log", found=self.records.record, allowed="record=full")
            self._event_log = rows_of_records(self.records)
        return self._event_log

    @property
    def event_hash(self) -> str:
        """SHA-256 over the event log, 64 hexadecimal digits: equal for the compiled run and the run on the bus."""
        return event_hash(self.event_log)

    def __getitem__(self, name: str) -> Any:
        values = {**self.counts, **self.metrics}
        if name not in values:
            raise unknown_name(name, values, field="results", what="name")
        return values[name]

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def keys(self) -> tuple[str, ...]:
        """Names of counts and metrics."""
        return (*COUNTS, *self.metrics)

    def get(self, name: str, default: Any = None) -> Any:
        """A count or metric, `default` for an unknown name."""
        try:
            return self[name]
        except ConfigError:
            return default
