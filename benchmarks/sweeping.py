"""Many parameter sets over one market: lanes, the order engine, and a peer's batch runner in the same run."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

import admf
from admf.signals import KEEP
from admf.strategies import BracketScalper, SmaCross
from benchmarks.agreement import DisagreementError
from benchmarks.timing import cpu_s
from benchmarks.workloads import BRACKET, COSTS, market

BARS = 200_000
CHECKED_ROWS = 12
THREADS_TIMES = 1.85  # target: so many times one thread
PEER_TIMES = 25.0  # target: so many times the peer, per core
PEER_SETS = 128  # it is timed on a part of the grid
FEES = SLIPPAGE = 1e-4


class RsiSides(admf.SignalStrategy):
    """Long below, short above: an oscillator with two thresholds."""

    period: int = 14
    band: float = 20.0
    stop_loss: float = 0.01
    take_profit: float = 0.02
    strength = admf.signals.rsi("period")

    def rule(self, strength):
        return 1 if strength < 50.0 - self.band else -1 if strength > 50.0 + self.band else 0


class Channel(admf.SignalStrategy):
    """Long from a close above the highest high of the bars before until one below the lowest low of fewer bars."""

    period: int = 50
    exit_period: int = 20
    stop_loss: float = 0.01
    take_profit: float = 0.02
    high = admf.signals.highest("period")
    low = admf.signals.lowest("exit_period")
    close = admf.signals.close()

    def rule(self, high, low, close):
        return 1 if close > high else 0 if close < low else KEEP


RULES = admf.Execution(**COSTS)


@dataclass(frozen=True, eq=False)
class Sweep:
    """One sweep; `target_ns` is for a bar, set and core."""

    name: str
    what: str
    strategy: admf.CompiledStrategy
    grid: dict[str, Any]
    target_ns: float | None
    bars: int = BARS
    execution: admf.Execution = RULES
    cash: float = 1e8
    frequency: str = "1min"

    def run(self, workers: int = 1) -> admf.Study:
        """The whole sweep with all key figures, in memory."""
        account = admf.Account(cash=self.cash)
        return admf.sweep(
            market(self.bars), self.strategy, self.grid, execution=self.execution, account=account, workers=workers,
            progress=False,
        )  # fmt: skip

    def require_agreement(self) -> None:
        """Rows spread over the grid have the trace of their single run; else DisagreementError."""
        study = self.run(workers=2)
        for row in np.linspace(0, study.plan.trials - 1, CHECKED_ROWS).astype(int).tolist():
            study.replay(row)
        if not study.complete:
            raise DisagreementError(f"{self.name}: {study!r}")


SMA_GRID = {"fast": list(range(5, 105)), "slow": list(range(110, 610, 5))}
EXITS = {"stop_loss": [0.005, 0.01], "take_profit": [0.005, 0.01, 0.02, 0.04]}
SWEEPS = (
    Sweep("sma_lanes", "SMA cross, 10,000 sets in lanes", SmaCross(), SMA_GRID, 2.5),
    Sweep(
        "rsi_lanes",
        "RSI long and short with stop and target, 1,000 sets in lanes",
        RsiSides(),
        {"period": list(range(10, 60, 2)), "band": [16.0, 20.0, 24.0, 28.0, 32.0], **EXITS},
        6.0,
    ),
    Sweep(
        "channel_lanes",
        "breakout of a channel with stop and target, 1,000 sets in lanes",
        Channel(),
        {"period": list(range(50, 100, 2)), "exit_period": list(range(10, 60, 10)), **EXITS},
        6.0,
    ),
    Sweep(
        "bracket_engine",
        "limit entry, stop, target, cap, carried remainders: the order engine",
        BracketScalper(quantity=500.0),
        {"patience": list(range(2, 12)), "dip_bps": [3.0, 6.0]},
        25.0,
        execution=BRACKET.execution,
    ),
)
TINY_GRID = {"fast": list(range(2, 202)), "slow": list(range(202, 702))}
TINY = Sweep("tiny", "100,000 trials of 250 bars", SmaCross(), TINY_GRID, None, bars=250)
TINY_TARGET_S = 4.0


@dataclass(frozen=True)
class Found:
    """What one sweep took."""

    cpu_ns: float  # a bar, set and core
    wall_s: float
    trials: int
    path: str
    fills_per_bar: float


def measure(sweep: Sweep, workers: int = 1, rounds: int = 2) -> Found:
    """The least of some rounds, after one that compiles."""
    study = sweep.run(workers)
    cells = study.plan.trials * sweep.bars
    taken, walls = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        taken.append(cpu_s(lambda: sweep.run(workers)))
        walls.append(time.perf_counter() - start)
    paths = sorted(set(study.results["path"]))
    fills = float(study.results["fills"].mean() or 0.0) / sweep.bars  # type: ignore[arg-type]
    return Found(min(taken) / cells * 1e9, min(walls), study.plan.trials, "+".join(paths), fills)


def peer_ns() -> float | None:
    """Nanoseconds of processor time a bar and set of raptorbt's batch runner on the SMA cross; None without it."""
    if find_spec("raptorbt") is None:
        return None
    import raptorbt

    arrays = market(BARS).arrays
    stamps = arrays.timestamp
    columns = [np.ascontiguousarray(getattr(arrays, name)[:, 0]) for name in ("open", "high", "low", "close", "volume")]
    config = raptorbt.BacktestConfig(
        initial_capital=1e8, fees=FEES, slippage=SLIPPAGE, upon_bar_close=False, fill_timing="next_bar_open"
    )
    pairs = [(fast, slow) for fast in SMA_GRID["fast"][::13] for slow in SMA_GRID["slow"][::6]][:PEER_SETS]

    def run() -> Any:
        averages = {
            period: raptorbt.sma(columns[3], period) for period in {period for pair in pairs for period in pair}
        }
        items = []
        for fast, slow in pairs:
            above = averages[fast] > averages[slow]
            items.append(raptorbt.BatchSingleItem(f"{fast}/{slow}", above, ~above, config=config))
        return raptorbt.batch_single_backtest(stamps, *columns, items, config)

    run()
    return min(cpu_s(run) for _ in range(2)) / (len(pairs) * BARS) * 1e9


def report(line: Callable[..., Any], note: Callable[[str], None]) -> Iterator[Any]:
    """Lines of the table: `line` makes one from words."""
    for sweep in SWEEPS:
        note(f"sweep {sweep.name}: first against single runs")
        sweep.require_agreement()
        found = measure(sweep)
        words = f"{found.path}, {found.fills_per_bar:.4f} fills a bar, {found.wall_s:.1f} s on one core"
        yield line(
            sweep.what, f"{found.trials:,} x {sweep.bars:,}", f"{found.cpu_ns:.2f} ns a bar and set",
            f"{sweep.target_ns:g} ns" if sweep.target_ns else "", "",
            found.cpu_ns <= sweep.target_ns if sweep.target_ns else None, words,
        )  # fmt: skip
        if sweep.name == "sma_lanes":
            yield threads_line(line, sweep, found)
            yield peer_line(line, found)
    note("100,000 tiny trials")
    found = measure(TINY, workers=2)
    yield line(
        TINY.what, f"{found.trials:,} x {TINY.bars}", f"{found.wall_s:.2f} s", f"{TINY_TARGET_S:g} s", "",
        found.wall_s <= TINY_TARGET_S, f"{found.cpu_ns * TINY.bars / 1e3:.1f} us a trial",
    )  # fmt: skip


def threads_line(line: Callable[..., Any], sweep: Sweep, one: Found) -> Any:
    """How much sooner two threads are done than one."""
    two = measure(sweep, workers=2)
    times = one.wall_s / two.wall_s
    what, measured = "  the same on two threads", f"{two.wall_s:.1f} s: {times:.2f} x one"
    return line(what, f"{two.trials:,} x {sweep.bars:,}", measured, f"{THREADS_TIMES:g} x", "", times >= THREADS_TIMES)


def peer_line(line: Callable[..., Any], ours: Found) -> Any:
    """The peer beside ours."""
    theirs = peer_ns()
    what = "  the same by raptorbt's batch runner"
    if theirs is None:
        return line(what, f"{PEER_SETS} x {BARS:,}", "peer not installed", note="pip install 'raptorbt>=0.13,<0.14'")
    times = theirs / ours.cpu_ns
    measured = f"{theirs:.0f} ns a bar and set: {times:.0f} x ours"
    return line(what, f"{PEER_SETS} x {BARS:,}", measured, f"{PEER_TIMES:g} x", "", times >= PEER_TIMES)
