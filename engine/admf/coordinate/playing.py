"""One container from its first bar to its last, compiled or on its bus."""

from typing import Any

from admf.container import ScopedContainer
from admf.coordinate.eventlog import rows_of_bus
from admf.coordinate.guards import Deadline
from admf.coordinate.recipe import Recipe
from admf.coordinate.results import BacktestResults
from admf.errors import ConfigError
from admf.events import HandlerError
from admf.results.records import RunRecords
from admf.run.loop import Progress
from admf.strategy import CompiledStrategy

CHUNK_BARS = 1_024  # on the bus: a few milliseconds between two looks at the clock


def play(
    container: ScopedContainer,
    recipe: Recipe,
    deadline: Deadline,
    *,
    stop_on_error: bool = True,
    progress: Progress | None = None,
) -> BacktestResults:
    """Runs a started container to its end and collects what it did.

    With `stop_on_error=False` a handler that fails is logged and the run goes on with the next event; a compiled
    strategy that failed in a bar is in no state to go on, so that is refused.
    """
    strategy = container.resolve("strategy")
    errors: list[BaseException] = []
    if isinstance(strategy, CompiledStrategy):
        if not stop_on_error:
            remedy = "leave it out: a strategy that failed in a bar is in no state to go on"
            message = "a compiled run always stops at an error"
            raise ConfigError(message, field="stop_on_error", found=False, allowed="true", remedy=remedy)
        records = run_compiled(container, recipe, deadline, progress)
        log = None
    else:
        container.event_bus.log = [] if recipe.record == "full" else None
        run_events(container, deadline, errors if not stop_on_error else None, progress)
        container.stop()  # before the results are taken: `on_stop` belongs to the run
        records = container.resolve("broker").records(strategy)
        log = None if container.event_bus.log is None else rows_of_bus(container.event_bus.log)
    container.stop()
    collect(container, records)
    return BacktestResults(records, container.metrics, event_log=log, errors=tuple(errors))


def run_compiled(
    container: ScopedContainer, recipe: Recipe, deadline: Deadline, progress: Progress | None
) -> RunRecords:
    """All bars in the compiled loop; the clock is looked at between its chunks."""

    def between_chunks(bar: int, bars: int) -> None:
        deadline.check(bar)
        if progress is not None:
            progress(bar, bars)

    broker = container.resolve("broker")
    if not hasattr(broker, "run_compiled"):
        raise ConfigError(
            "cannot run a compiled strategy",
            field=f"{container.container_id}.broker.class",
            found=type(broker).__name__,
            allowed="SimulatedBroker",
            remedy="use the strategy's twin on the bus (admf.EventStrategy)",
        )
    records: RunRecords = broker.run_compiled(container.resolve("strategy"), recipe.config.risk, between_chunks)
    return records


def run_events(
    container: ScopedContainer, deadline: Deadline, errors: list[BaseException] | None, progress: Progress | None
) -> None:
    """The event loop: events while there are any, else the next bar; at the end positions are closed."""
    bus, data = container.event_bus, container.resolve("data_handler")
    bars, next_event, update = data.bar_count, bus.get_next_event, data.update_bars
    look = CHUNK_BARS
    while True:
        try:
            while data.continue_backtest:
                if next_event() is None:
                    update()
                    if data.bar >= look:
                        look += CHUNK_BARS
                        deadline.check(data.bar)
                        if progress is not None:
                            progress(data.bar, bars)
            container.resolve("broker").finish()
            while next_event() is not None:
                pass
            return
        except HandlerError as error:
            container.logger.error("%s", error)
            if errors is None:
                raise
            errors.append(error)


def collect(container: ScopedContainer, records: RunRecords) -> None:
    """The figures of the run into the container's metrics."""
    from admf.results.metrics import metrics_of

    metrics, found = container.metrics, metrics_of(records)
    metrics.orders_generated = number(found["orders"])
    metrics.fills_executed = number(found["fills"])
    told = int(records.account["bars_processed"]) + metrics.orders_generated + metrics.fills_executed
    metrics.events_processed = container.event_bus.events_processed or told  # a compiled run has nothing on its bus
    metrics.final_portfolio_value = float(found["final_equity"] or 0.0)
    metrics.max_drawdown = float(found["max_drawdown"] or 0.0)
    sharpe = found["sharpe"]
    metrics.sharpe_ratio = None if sharpe is None or sharpe != sharpe else float(sharpe)
    metrics.peak_bytes = peak_bytes(container, records)


def number(value: Any) -> int:
    """A count."""
    return int(value or 0)


def peak_bytes(container: ScopedContainer, records: RunRecords) -> int:
    """Bytes of the arena at its largest, or of what the run has left where that is more."""
    broker = container.resolve("broker")
    names = ("orders", "fills", "transitions", "trades", "curve", "positions")
    left = sum(int(getattr(records, name).nbytes) for name in names)
    return max(int(getattr(broker, "arena_bytes", 0)), left)
