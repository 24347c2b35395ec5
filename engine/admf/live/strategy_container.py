"""`LiveStrategyContainer`: one persistent container on bars as they come, and what is done when its strategy fails."""

from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from math import nan
from typing import Any

from admf.container import ScopedContainer
from admf.coordinate.playing import collect
from admf.coordinate.results import BacktestResults
from admf.errors import AdmfError, ConfigError, RunError
from admf.events import EventKind, HandlerError
from admf.live.bars import Door, Facts, FeedBar, LiveMarket
from admf.live.compiled import CompiledSteps
from admf.live.components import PaperBroker
from admf.live.drift import Drift, drift_of
from admf.live.order_lines import OrderLine, OrderLines, lines_of
from admf.live.pulse import Pulse
from admf.live.recording import Tap
from admf.live.settings import Care, StrategySettings
from admf.replay import Recorder
from admf.results import RunRecords
from admf.run.entry import Run


class LiveState(Enum):
    """Where a live strategy is."""

    RUNNING = "running"
    PAUSED = "paused"  # its book lives on, exits pass, nothing is opened
    BACKING_OFF = "backing off"  # it failed and gets no bars for a while
    FAILED = "failed"  # it stays off the bars
    STALLED = "stalled"  # a hook does not return; it is left behind
    STOPPED = "stopped"


class LiveStrategyContainer:
    """One strategy with its own book, limits and broker; its methods are called by one thread at a time.

    A failure in it never leaves it: see `Care`. Only `health` may be called from any thread.
    """

    def __init__(
        self,
        container_id: str,
        container: ScopedContainer,
        config: StrategySettings,
        facts: Facts,
        care: Care,
        recorder: Recorder | None = None,
    ) -> None:
        """`container` is initialised; a compiled strategy has the arena of its loop beside it, not the broker's."""
        self.shadow: LiveStrategyContainer | None = None  # the backtest of the same bars
        self._orders: OrderLines | None = None  # of orders, where somebody will hold them against others
        self.container_id = container_id
        self.container = container
        self.config = config
        self.symbol = facts.instrument.symbol
        self.care = care
        self.state = LiveState.RUNNING
        self.door = Door(facts.frequency_ns)
        self.pulse = Pulse()
        self.last_bar_ns: int | None = None
        self._last_close = nan
        self._is_broken = False  # it takes no bars any more
        self.result: BacktestResults | None = None
        self._failures = 0  # with few bars between them
        self._clean_bars = 0
        self._back_at = 0  # bar on which it is let back on the bars
        self._recorder = recorder
        if recorder is not None:
            container.event_bus.log = Tap([recorder])
        self._market: LiveMarket = container.resolve("data_handler").market
        self._steps = CompiledSteps(self._market, self._make_run()) if config.is_compiled else None

    def _make_run(self) -> Run:
        config = self.config
        return Run.read(
            self._market, execution=config.execution, account=config.account, risk=config.risk, record=config.record,
            close_positions=False, strategy=config.strategy, debug=False,
        )  # fmt: skip

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """The last failures."""
        return tuple(self.pulse.errors)

    @property
    def bars_taken(self) -> int:
        """Bars that passed the door."""
        return self.pulse.bars

    @property
    def error_count(self) -> int:
        """Failures so far."""
        return self.pulse.error_count

    # ------------------------------------------------------------------------------------------------------- life cycle

    def attach(self, shadow: "LiveStrategyContainer") -> None:
        """From now on `shadow` takes the same bars, and nothing else; its orders are held against these."""
        self.shadow = shadow
        for one in (self, shadow):
            one.keep_orders()

    def keep_orders(self) -> None:
        """Before `start`: notes every order, for `lines`."""
        self._orders = OrderLines()
        self.container.event_bus.log = Tap([one for one in (self._recorder, self._orders) if one is not None])

    def start(self) -> None:
        """Before the first bar."""
        if self.shadow is not None:
            self.shadow.start()
        broker = self.container.resolve("broker")
        if self._steps is None and isinstance(broker, PaperBroker):
            broker.make_ready()
        self.container.start()
        self.container.logger.info("started: %r on %s", self.config.strategy, self.symbol)
        self._drain()

    def require_events(self, action: str) -> None:
        """ConfigError for a compiled strategy, which decides inside the loop, where nobody stands in between."""
        if self._steps is not None:
            remedy = "remove it, or use its twin on the bus (admf.EventStrategy)"
            found = type(self.config.strategy).__name__
            raise ConfigError(
                f"a compiled strategy cannot be {action}", field=self.container_id, found=found, remedy=remedy
            )

    def control(self, action: str, reason: str = "", flatten: bool = False) -> None:
        """pause, resume or kill, between two bars; it has its place in the log."""
        self.container.logger.info("%s %s", action, reason)
        try:
            self._tell("CONTROL", (action, reason, flatten))
            if action == "kill":
                self._kill(reason, flatten=flatten)
            elif action == "pause":
                self._pause(reason)
            else:
                self._resume()
            self._flush()
        except Exception as error:
            self._broken(error)

    def _pause(self, reason: str) -> None:
        self.container.resolve("risk_manager").shut = reason
        if self.state is LiveState.RUNNING:
            self.state = LiveState.PAUSED

    def _resume(self) -> None:
        """Opens the gate again; a strategy that had failed starts afresh with the positions it has."""
        self.container.resolve("risk_manager").shut = ""
        if self.state is LiveState.FAILED and self._steps is None and not self._is_broken:
            self._failures, self._back_at, self.state = 0, 0, LiveState.BACKING_OFF
        elif self.state is LiveState.PAUSED:
            self.state = LiveState.RUNNING

    def _kill(self, reason: str, *, flatten: bool) -> None:
        """Cancels every order and opens nothing any more."""
        if self._steps is not None:
            self._broken(RunError(f"killed: {reason}", field=self.container_id))  # it has no gate: off the bars
            return
        self._pause(reason)
        if self.container.resolve("broker").is_open:
            self._cancel_all(flatten=flatten)
        self._drain()

    def _cancel_all(self, *, flatten: bool) -> None:
        strategy: Any = self.container.resolve("strategy")
        for order in self.container.resolve("broker").orders.open:
            strategy.cancel(order)
        if flatten:
            strategy.close_position()

    def finish(self) -> BacktestResults | None:
        """The last bar has come: what is left of it; stops the container. None where no bar came."""
        if self.state is not LiveState.STOPPED:
            self._tell("CONTROL", ("finish", "", False))
            if not self._market.taken:
                self._stop()
            elif self._steps is not None:
                self._steps.finish()
                self._stop()
                self._take_result(self._steps.left())
            else:
                self.container.resolve("broker").finish()
                self._drain()
                self._stop()
                self._take_result(self.container.resolve("broker").records(self.container.resolve("strategy")))
            self.state = LiveState.STOPPED
            trace = self.result.trace_hash if self.result is not None else ""
            self._tell("END", (self._market.taken, trace))
            self.container.logger.info("stopped after %d bars, trace %s", self._market.taken, trace)
        if self.shadow is not None:
            self.shadow.finish()
        return self.result

    def _stop(self) -> None:
        """Its end is told; what fails in it costs no result."""
        try:
            self.container.stop()
        except Exception as error:
            self._note(error)

    def drift(self) -> Drift | None:
        """What it did otherwise than its shadow so far; None without one, and before a compiled run has ended."""
        shadow = self.shadow
        if shadow is None or not self._market.taken or (self.config.is_compiled and self.result is None):
            return None
        multiplier = float(self._market.instruments[0].multiplier)
        return drift_of(self.lines(), shadow.lines(), multiplier, self.equity - shadow.equity)

    @property
    def equity(self) -> float:
        """Cash and what the position is worth at the last close."""
        if self.result is not None:
            return float(self.result.records.account["equity"])
        return float(self.container.resolve("broker").equity)

    def lines(self) -> list[OrderLine]:
        """Its orders, with what became of each; of a compiled strategy after `finish`."""
        if self._orders is not None and not self.config.is_compiled:
            return list(self._orders)
        return [] if self.result is None else lines_of(self.result.records)

    def _tell(self, kind: str, payload: Sequence[Any]) -> None:
        if self._recorder is not None:
            self._recorder.note(kind, self.last_bar_ns or 0, self._market.taken - 1, payload)

    def _flush(self) -> None:
        if self._recorder is not None:
            self._recorder.flush()

    def _take_result(self, records: RunRecords) -> None:
        collect(self.container, records)
        self.result = BacktestResults(records, self.container.metrics, errors=self.errors)

    def teardown(self) -> None:
        """Lets go of everything but the result."""
        if self._recorder is not None:
            self._recorder.close()
        self.container.teardown_scope()
        if self.shadow is not None:
            self.shadow.teardown()
        self._steps = None

    def abandon(self, error: BaseException) -> None:
        """Lets go of everything after a failure; what fails meanwhile becomes a note on the error."""
        with suppress(Exception):
            if self._recorder is not None:
                self._recorder.close()
        self.container.abandon(error)
        if self.shadow is not None:
            self.shadow.abandon(error)

    # ------------------------------------------------------------------------------------------------------------- bars

    def take(self, bars: Sequence[FeedBar]) -> None:
        """Bars of its symbol, in the order of their arrival; what goes wrong with them stays in here."""
        try:
            for bar in bars:
                if self._takes_bars and self.door.takes(bar):
                    self._take(bar)
            self._flush()
        except Exception as error:  # no room for more bars, a full disk: nothing of the strategy's own making
            self._broken(error)
        if self.shadow is not None:
            self.shadow.take(bars)

    @property
    def _takes_bars(self) -> bool:
        return not self._is_broken and self.state not in (LiveState.STALLED, LiveState.STOPPED)

    def _take(self, bar: FeedBar) -> None:
        if self._recorder is not None:
            self._recorder.note("IN", bar.time_ns, self._market.taken, bar)
        if self._steps is not None:
            self._play(bar)
        else:
            self._publish(bar)
        self.pulse.take()
        self.last_bar_ns = bar.time_ns
        self.pulse.waits_for_bars = bar.bars_left != 0
        if bar.is_valid:
            self._last_close = bar.close

    def _broken(self, error: Exception) -> None:
        """It cannot go on, and nobody can let it back."""
        if not self._is_broken:
            self._note(error)
        self.state, self._is_broken = LiveState.FAILED, True

    def _play(self, bar: FeedBar) -> None:
        assert self._steps is not None
        try:
            self._steps.play(self._market.write(bar))
        except Exception as error:  # a compiled strategy that failed in a bar is in no state to go on
            self._broken(error)

    def _publish(self, bar: FeedBar) -> None:
        if self.state is LiveState.BACKING_OFF and self._market.taken >= self._back_at:
            self._let_back()
        data = self.container.resolve("data_handler")
        if not data.continue_backtest:  # bankrupt
            return
        failed = self.error_count
        data.take(bar)
        self._drain()
        self._clean_bars = self._clean_bars + 1 if self.error_count == failed else 0
        if self._clean_bars >= self.care.clean_bars:
            self._failures = 0

    def _drain(self) -> None:
        """Delivers what waits; a handler that fails is noted, and the events after it are delivered all the same."""
        next_event = self.container.event_bus.get_next_event
        while True:
            try:
                while next_event() is not None:
                    pass
                return
            except HandlerError as error:
                self._failed(error)
            except SystemExit as error:  # from a hook; it would end the thread, and every container on it
                self._failed(RunError(f"a hook wants to end the process: SystemExit({error})"))

    # --------------------------------------------------------------------------------------------------------- failures

    def _note(self, error: BaseException) -> None:
        self.pulse.note(error)
        self.container.logger.error("%s", error)

    def _failed(self, error: AdmfError) -> None:
        self._note(error)
        if self.state not in (LiveState.RUNNING, LiveState.PAUSED):
            return
        self._failures += 1
        self._clean_bars = 0
        strategy: Any = self.container.resolve("strategy")
        self.container.event_bus.unsubscribe(EventKind.BAR, strategy.on_bar)
        if self.care.error_handling == "graceful" and self._failures < self.care.failures_max:
            self._back_at = self._market.taken + 2 ** (self._failures - 1)
            self.state = LiveState.BACKING_OFF
            self.container.logger.warning("off the bars until bar %d", self._back_at)
            return
        self.state = LiveState.FAILED
        self.container.logger.error("off the bars for good; %s the position", self.care.on_failure)
        if self.care.on_failure == "flatten":
            self._cancel_all(flatten=True)

    def _let_back(self) -> None:
        strategy: Any = self.container.resolve("strategy")
        shut = self.container.resolve("risk_manager").shut
        self.state = LiveState.PAUSED if shut else LiveState.RUNNING
        self.container.event_bus.subscribe(EventKind.BAR, strategy.on_bar)
        try:
            strategy.reset()
            strategy.start()
        except Exception as error:
            self._failed(RunError(f"on_start failed: {type(error).__name__}: {error}"))

    def health(self) -> dict[str, Any]:
        """What a look from outside tells; ages in seconds. `equity` is cash and the position at the last close."""
        books = self._books()
        held = books["position"] * self._last_close * self._market.instruments[0].multiplier
        return {
            "state": self.state.value,
            "last_bar_ns": self.last_bar_ns,
            **self.pulse.seen(),
            "bars_at_the_door": dict(self.door.counts),
            **books,
            "equity": books["cash"] + (held if books["position"] else 0.0),
            **({"shadow": self.shadow._books()} if self.shadow is not None else {}),
        }

    def look(self) -> dict[str, Any]:
        """Where it stands, for whoever has stopped it between two events: no ages, and every order that lives."""
        seen: dict[str, Any] = {
            "state": self.state.value,
            "bars": self._market.taken,
            "errors": self.error_count,
            **self._books(),
        }
        if not self.config.is_compiled:
            broker = self.container.resolve("broker")
            seen |= {"average_price": broker.average_price(0), "equity": broker.equity}
            seen["open_orders"] = [f"{order} {broker.orders.status(order).name}" for order in broker.orders.open]
        return seen

    def _books(self) -> dict[str, float]:
        """Cash and position; nothing is played to find out."""
        if self.result is not None:
            records = self.result.records
            return {"cash": float(records.account.cash), "position": float(records.positions[0].quantity)}
        if self._steps is not None:
            state = self._steps.state
            return {"cash": float(state.account[0].cash), "position": float(state.positions[0].quantity)}
        broker = self.container.resolve("broker")
        return {"cash": float(broker.cash), "position": float(broker.position(0))}
