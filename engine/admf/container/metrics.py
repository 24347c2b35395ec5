"""`ContainerMetrics`: what one container did and how long it took."""

import time
from datetime import UTC, datetime


class ContainerMetrics:
    """Counts and key figures of one container; the figures are None until its run has ended.

    `events_processed`: on the bus every event that was delivered, SIGNAL and ORDER_STATUS among them; of a compiled run
    its bars, orders and fills, each once.
    """

    __slots__ = (
        "_finished_s",
        "_started_s",
        "container_id",
        "events_processed",
        "fills_executed",
        "final_portfolio_value",
        "max_drawdown",
        "orders_generated",
        "peak_bytes",
        "sharpe_ratio",
        "start_time",
    )

    def __init__(self, container_id: str) -> None:
        self.container_id = container_id
        self.start_time: datetime | None = None  # UTC, when the run began
        self._started_s: float | None = None
        self._finished_s: float | None = None
        self.events_processed = 0
        self.orders_generated = 0
        self.fills_executed = 0
        self.final_portfolio_value: float | None = None  # money
        self.max_drawdown = 0.0  # ratio >= 0
        self.sharpe_ratio: float | None = None
        self.peak_bytes = 0  # of the arena at its largest

    def begin(self) -> None:
        """The run begins."""
        self.start_time = datetime.now(UTC)
        self._started_s = time.perf_counter()
        self._finished_s = None

    def finish(self) -> None:
        """The run ends; a second call changes nothing."""
        if self._finished_s is None and self._started_s is not None:
            self._finished_s = time.perf_counter()

    @property
    def execution_time(self) -> float | None:
        """Seconds from the start to the end of the run, or to now while it runs; None before it."""
        if self._started_s is None:
            return None
        return (time.perf_counter() if self._finished_s is None else self._finished_s) - self._started_s

    def to_dict(self) -> dict[str, object]:
        """Every figure by name."""
        names = [name for name in self.__slots__ if not name.startswith("_")]
        return {**{name: getattr(self, name) for name in names}, "execution_time": self.execution_time}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"ContainerMetrics({shown})"
