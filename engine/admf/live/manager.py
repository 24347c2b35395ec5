"""`LiveTradingManager`: strategies on bars as they come, each in a persistent container of its own."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from admf.container import ComponentRegistry, ContainerFactory
from admf.coordinate import BacktestResults, ExecutionMode, ThreadModel
from admf.errors import ConfigError, RunError
from admf.live.bars import Facts, FeedBar
from admf.live.broker import ORDER_ROUTER
from admf.live.drift import Drift
from admf.live.feed import MarketDataFeed, Observed
from admf.live.health import HealthChecks, HealthLimits
from admf.live.making import Venue, make_container
from admf.live.monitor import Monitor
from admf.live.reconciling import Reconciler, apart
from admf.live.recording import header_of
from admf.live.refusing import names_of, refuse_unfit
from admf.live.router import OrderRouter
from admf.live.runners import LoopRunner, Runner, ThreadRunner, bars_for, controlled, gets_on, told
from admf.live.settings import Care, Shared, StrategySettings, read_strategy
from admf.live.sharing import SharedReports
from admf.live.strategy_container import LiveState, LiveStrategyContainer
from admf.live.venue_log import recorded
from admf.models import unknown_name
from admf.replay import LogWriter
from admf.replay.log import SUFFIX

FEED = "market_data_feed"
MODES = (ExecutionMode.PAPER_TRADING, ExecutionMode.LIVE_TRADING)
THREAD_MODELS = (ThreadModel.ASYNC_SINGLE, ThreadModel.ASYNC_MULTI, ThreadModel.MULTI_THREADED, ThreadModel.MIXED)
ONE_LOOP = "one loop for all"


class LiveTradingManager:
    """Runs live strategies in isolated containers until the feed ends or `stop` is called.

    `shared_services["market_data_feed"]` is a `MarketDataFeed`. `mode` PAPER_TRADING fills orders by the compiled step
    of the backtest; LIVE_TRADING sends them to the `OrderRouter` of `shared_services["order_router"]`, with a journal
    for each strategy in `journal_folder`, and waits for the strategies after each bar. `thread_model`: ASYNC_SINGLE
    has one event loop for all containers, ASYNC_MULTI one for each, MULTI_THREADED a thread for each, MIXED an event
    loop for each `thread_group` and a thread for each strategy without one. With `log_folder` the events of each
    strategy go to a file of its own. With `shadow` the backtest of the same bars goes beside each strategy, in a
    container of its own that nobody pauses; what differs at the end is in `drifts`. Strategies may be added, paused,
    resumed and removed before and while `run` works, from any thread.
    """

    def __init__(
        self,
        shared_services: Mapping[str, Any],
        *,
        mode: ExecutionMode = ExecutionMode.PAPER_TRADING,
        thread_model: ThreadModel | None = None,
        care: Care | None = None,
        shared: Shared | None = None,
        health_check_interval: float = 60.0,
        status_folder: Path | None = None,
        log_folder: Path | None = None,
        journal_folder: Path | None = None,
        reconciliation_interval: float = 300.0,
        shadow: bool = False,
        health_limits: HealthLimits | None = None,
        registry: ComponentRegistry | None = None,
    ) -> None:
        """Raises ConfigError for a mode or thread model that is not for trading, and without a feed."""
        if mode not in MODES:
            raise ConfigError("not a mode of trading", field="mode", found=mode, allowed=names_of(MODES))
        self.mode = mode
        self.thread_model = thread_model or mode.thread_model
        if self.thread_model not in THREAD_MODELS:
            allowed = names_of(THREAD_MODELS)
            raise ConfigError("not for trading", field="thread_model", found=self.thread_model, allowed=allowed)
        feed = shared_services.get(FEED)
        if not isinstance(feed, MarketDataFeed):
            allowed = "a MarketDataFeed: `facts`, iteration over FeedBars, `close`"
            raise ConfigError("no feed", field=f"shared_services.{FEED}", found=type(feed).__name__, allowed=allowed)
        self.feed: MarketDataFeed = feed
        self._venue = self._read_venue(shared_services, journal_folder) if mode is ExecutionMode.LIVE_TRADING else None
        self._reconciler = Reconciler(reconciliation_interval)
        self.care = care or Care()
        self.shared = shared or Shared()
        self.container_factory = ContainerFactory({}, registry or ComponentRegistry(folder=self.shared.folder))
        self.active_strategies: dict[str, LiveStrategyContainer] = {}
        self.results: dict[str, BacktestResults] = {}
        self.drifts: dict[str, Drift] = {}
        self._shadow = shadow
        self._runners: dict[str, Runner] = {}
        self._health = HealthChecks(health_limits or HealthLimits(), self.feed)
        self._last_seen: dict[str, dict[str, Any]] = {}  # of the strategies that have ended
        self._monitor = Monitor(self, health_check_interval, status_folder)
        self._log_folder = log_folder
        self._lock = threading.RLock()
        self._killed = ""

    def _read_venue(self, services: Mapping[str, Any], folder: Path | None) -> Venue:
        router = services.get(ORDER_ROUTER)
        if not isinstance(router, OrderRouter):
            found = type(router).__name__
            raise ConfigError(
                "no venue", field=f"shared_services.{ORDER_ROUTER}", found=found, allowed="an OrderRouter"
            )
        if folder is None:
            message = "orders that are sent need a journal"
            raise ConfigError(
                message, field="journal_folder", found=None, remedy="give a folder that outlives the session"
            )
        self._reports = SharedReports(router)
        return Venue(self._reports, folder)

    # ------------------------------------------------------------------------------------------------------- strategies

    def add_strategy(self, strategy_id: str, strategy_config: Mapping[str, Any] | StrategySettings) -> None:
        """Starts a strategy in a container of its own: from now on it gets bars.

        Raises ConfigError for an id that is taken, a symbol without a feed and every fault of the configuration, and
        what the strategy's `on_start` raises.
        """
        with self._lock:
            if strategy_id in self.active_strategies or strategy_id in self.results:
                taken = ", ".join({**self.active_strategies, **self.results})
                raise ConfigError("the id is taken", field="strategy_id", found=strategy_id, remedy=f"taken: {taken}")
            settings = (
                strategy_config
                if isinstance(strategy_config, StrategySettings)
                else read_strategy(strategy_id, strategy_config, self.shared)
            )
            facts = self._facts(settings)
            self._monitor.open_log()
            if self._venue is not None:
                refuse_unfit(settings, facts)
            recorder, venue = self._recorder(settings, facts), self._venue
            if recorder is not None and venue is not None:
                venue = recorded(venue, strategy_id, recorder)
            made = make_container(settings, facts, self.care, recorder, self.container_factory, venue)
            try:
                if self._shadow:
                    made.attach(self._make_shadow(settings, facts))
                made.start()
            except BaseException as error:
                made.abandon(error)
                raise
            self._runner_of(made).add(made)
            self.active_strategies[strategy_id] = made
        if self._killed:
            self._control([made], "pause", self._killed)

    def _make_shadow(self, settings: StrategySettings, facts: Facts) -> LiveStrategyContainer:
        own = replace(settings, strategy_id=f"{settings.strategy_id}.shadow")
        return make_container(own, facts, self.care, factory=self.container_factory)

    def pause(self, strategy_id: str) -> None:
        """Nothing is opened until `resume`: bars, exits, cancels and the book go on; from the next bars on."""
        container = self._find(strategy_id)
        container.require_events("paused")
        self._control([container], "pause", "paused")

    def resume(self, strategy_id: str) -> None:
        """Ends a pause; a strategy that had failed for good starts afresh."""
        container = self._find(strategy_id)
        if container.state in (LiveState.STALLED, LiveState.STOPPED):
            raise ConfigError("cannot be resumed", field=container.container_id, found=container.state.value)
        self._control([container], "resume")

    def remove_strategy(self, strategy_id: str) -> BacktestResults | None:
        """Ends a strategy after the bars it has; its positions stay as they are in the result, None without a bar.

        RunError where it does not come back; it is let go all the same.
        """
        with self._lock:
            container = self._find(strategy_id)
            runner, name = self._runner_of(container), self._runner_name(container)
            is_back = gets_on(lambda wait_s: runner.remove(container, wait_s), [container], self.care.stall_timeout_s)
            if name == container.container_id:
                self._end_runner(name, self._runners.pop(name))
            if not is_back:
                self._last_seen[strategy_id] = self._health.seen(self.active_strategies.pop(strategy_id))
                remedy = "what it did is lost; its thread ends with the process"
                raise RunError("a hook does not return", field="strategies", found=strategy_id, remedy=remedy)
            return self._finish(strategy_id)

    def kill(self, reason: str = "kill switch", *, flatten: bool = False) -> None:
        """Cancels every order of every strategy and opens nothing any more; `flatten` also closes the positions."""
        with self._lock:
            self._killed = reason
            containers = list(self.active_strategies.values())
        self._control(containers, "kill", reason, flatten)

    def _control(self, containers: Sequence[LiveStrategyContainer], *action: Any) -> None:
        """Queues an action for each, and waits until it is done; not for a container whose hook has asked for it."""
        waiting = []
        for container in containers:
            done = threading.Event()
            self._put(container, partial(controlled, container, action, done))
            waiting.append((container, done))
        for container, done in waiting:
            if container.state is not LiveState.STALLED and not self._runner_of(container).is_here:
                done.wait(self.care.stall_timeout_s)

    def _find(self, strategy_id: str) -> LiveStrategyContainer:
        with self._lock:
            if strategy_id not in self.active_strategies:
                raise unknown_name(strategy_id, self.active_strategies, field="strategy_id", what="strategy")
            return self.active_strategies[strategy_id]

    def _recorder(self, settings: StrategySettings, facts: Facts) -> LogWriter | None:
        if self._log_folder is None:
            return None
        path = self._log_folder / f"{settings.strategy_id}{SUFFIX}"
        path.unlink(missing_ok=True)  # a new session
        return LogWriter(path, header_of(settings, facts, self.care, live=self._venue is not None))

    def _facts(self, settings: StrategySettings) -> Facts:
        known = self.feed.facts
        if settings.symbol is None and len(known) == 1:
            return next(iter(known.values()))
        if settings.symbol is None or settings.symbol not in known:
            field = f"strategies.{settings.strategy_id}.symbol"
            raise unknown_name(settings.symbol, known, field=field, what="symbol")
        return known[settings.symbol]

    # ---------------------------------------------------------------------------------------------------------- threads

    def _runner_name(self, container: LiveStrategyContainer) -> str:
        group = container.config.thread_group
        if self.thread_model is ThreadModel.ASYNC_SINGLE:
            return ONE_LOOP
        if self.thread_model is ThreadModel.MIXED and group is not None:
            return f"group {group}"
        return container.container_id

    def _runner_of(self, container: LiveStrategyContainer) -> Runner:
        name = self._runner_name(container)
        if name not in self._runners:
            alone = name == container.container_id and self.thread_model is not ThreadModel.ASYNC_MULTI
            self._runners[name] = ThreadRunner(name) if alone else LoopRunner(name)
        return self._runners[name]

    def _put(self, container: LiveStrategyContainer, work: Any) -> None:
        if container.state is LiveState.STALLED:
            return
        if not self._runner_of(container).put(container, work, self.care.stall_timeout_s):
            container.state = LiveState.STALLED
            container.container.logger.error("STALLED: took no bar for %g s", self.care.stall_timeout_s)

    # -------------------------------------------------------------------------------------------------------------- run

    def run(self) -> dict[str, BacktestResults]:
        """Hands the bars of the feed to the strategies until it ends; returns what each has done, by id."""
        self._monitor.start()
        try:
            batch: list[FeedBar] = []
            for bar in self.feed:
                batch.append(bar)
                if len(batch) >= self.feed.batch_bars:
                    self._hand_over(batch)
                    batch = []
            self._hand_over(batch)
        finally:
            self.close()
        return self.results

    def _hand_over(self, batch: Sequence[FeedBar]) -> None:
        if not batch:
            return
        by_symbol: dict[str, list[FeedBar]] = {}
        for bar in batch:
            by_symbol.setdefault(bar.symbol, []).append(bar)
        with self._lock:
            containers = list(self.active_strategies.values())
        if self._venue is not None:
            self._reports.turn()
        waiting: list[tuple[LiveStrategyContainer, threading.Event]] = []
        for container in containers:
            bars = by_symbol.get(container.symbol)
            if bars and self._venue is not None:
                waiting.append((container, threading.Event()))
                self._put(container, partial(told, bars_for(container, bars), waiting[-1][1]))
            elif bars:
                self._put(container, bars_for(container, bars))
        if self._venue is not None:
            self._wait_for(waiting)
            fault = self._reconciler.look(self._venue.router, containers)
            if fault:
                self.kill(fault)

    def _wait_for(self, waiting: Sequence[tuple[LiveStrategyContainer, threading.Event]]) -> None:
        """Until each has taken what it was given, or is left behind."""
        for container, done in waiting:
            if container.state is not LiveState.STALLED and not done.wait(self.care.stall_timeout_s):
                container.state = LiveState.STALLED

    def books_apart(self) -> str:
        """What differs between our books and those of the venue before the first bar, in words."""
        assert self._venue is not None
        containers = list(self.active_strategies.values())
        for container in containers:
            container.container.resolve("broker").hear()
        gaps = apart(self._venue.router, containers) or {}
        return "; ".join(gap.words for gap in gaps.values())

    def stop(self) -> None:
        """Ends `run` after the bars that were handed over; from any thread and from a signal handler."""
        self.feed.close()

    def close(self) -> None:
        """Ends every strategy in good order, whatever another one does; a second call does nothing.

        Raises RunError where strategies could not be ended.
        """
        self.feed.close()
        with self._lock:
            for name, runner in self._runners.items():
                self._end_runner(name, runner)
            self._runners.clear()
            stalled = [name for name, other in self.active_strategies.items() if other.state is LiveState.STALLED]
            failed = {}
            for strategy_id in [name for name in self.active_strategies if name not in stalled]:
                try:
                    self._finish(strategy_id)
                except Exception as error:
                    failed[strategy_id] = error
            self._last_seen |= self.health()
            self.active_strategies.clear()
        self._monitor.close()
        if failed:
            words = "; ".join(f"{name}: {error}" for name, error in failed.items())
            raise RunError(f"not ended in good order: {words}", field="strategies") from next(iter(failed.values()))
        if stalled:
            remedy = "what it did is lost; its thread ends with the process"
            raise RunError("a hook does not return", field="strategies", found=", ".join(stalled), remedy=remedy)

    def _end_runner(self, name: str, runner: Runner) -> None:
        """Waits as long as one of its containers gets on; a hook that does not return is left behind."""
        carried = [one for one in self.active_strategies.values() if self._runner_name(one) == name]
        if not gets_on(runner.close, carried, self.care.stall_timeout_s):
            guilty = runner.abandon()
            for one in carried:
                if one.container_id == guilty:
                    one.state = LiveState.STALLED

    def _finish(self, strategy_id: str) -> BacktestResults | None:
        container = self.active_strategies.pop(strategy_id)
        try:
            result, drift = container.finish(), container.drift()
            if result is not None:
                self.results[strategy_id] = result
            if drift is not None:
                self.drifts[strategy_id] = drift
            self._last_seen[strategy_id] = container.health() | {"problems": []}
            container.teardown()
        except BaseException as error:
            self._last_seen[strategy_id] = container.health() | {"problems": [str(error)]}
            container.abandon(error)
            raise
        return result

    # ----------------------------------------------------------------------------------------------------------- health

    def beat(self) -> None:
        """Asks every strategy for a sign of life."""
        with self._lock:
            for container in self.active_strategies.values():
                if container.state is not LiveState.STALLED:
                    asked_s = time.monotonic()
                    self._runner_of(container).ask(container, partial(container.pulse.beat, asked_s))

    def health(self) -> dict[str, dict[str, Any]]:
        """Each strategy by id: state, `problems`, bars, age of the heartbeat, lag, errors, cash, position, equity."""
        with self._lock:
            return {name: self._health.seen(container) for name, container in self.active_strategies.items()}

    def check_health(self) -> None:
        """Says in the log of each strategy what is no longer well, and what is well again."""
        with self._lock:
            self._health.report(self.active_strategies)

    def status(self) -> dict[str, Any]:
        """What `admf status` shows; the strategies that have ended as they were then."""
        modes = {"mode": self.mode.name, "thread_model": self.thread_model.name, "killed": self._killed}
        feed = dict(self.feed.health()) if isinstance(self.feed, Observed) else {}
        facts = {**modes, **self._venue_health(), "feed": feed}
        return {**facts, "strategies": {**self._last_seen, **self.health()}, "ended": sorted(self.results)}

    def _venue_health(self) -> dict[str, Any]:
        if self._venue is None:
            return {}
        with self._lock:
            brokers = [container.container.resolve("broker") for container in self.active_strategies.values()]
        problems = [broker.unreachable for broker in brokers if broker.unreachable]
        return {"reconnects": self._venue.router.reconnects, "unreachable": problems[0] if problems else ""}
