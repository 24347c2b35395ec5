"""What a sweep will take before it runs: memory by container, batches, and time from a short calibration."""

import re
import time
from dataclasses import asdict, dataclass
from typing import Any

from admf.errors import ConfigError, counted
from admf.signals import SignalStrategy
from admf.sweeps.arena import Kernels, arena_sizes
from admf.sweeps.lanes import has_exits, own_rows
from admf.sweeps.trials import Chunk, Trials
from admf.sweeps.worker import Worker
from admf_kernels.lanes import LANES
from admf_kernels.records import account_dt, order_dt

CHUNK_BARS = 4_000_000  # bars of a chunk: a tenth of a second of a simple strategy
CHUNK_TRIALS_MAX = 2_048
LANE_BARS, LANE_TRIALS_MAX = 500_000_000, 4_096  # of a chunk in lanes: one to three seconds, some MB
TRIALS_MAX = 10_000_000  # without a limit that somebody chose
CALIBRATION_S = 0.5
LANE_BYTES = 1_300  # account, position, rules, statistics, and a share of the indicators
LANE_S, ENGINE_S = 3e-9, 3e-8  # a bar and trial, about: how many trials to try out
CHUNKS_IN_FLIGHT = 4  # for each worker: waiting, in work, on the way out
BYTES_PER_RESULT = 700  # of a row of results: some sixty numbers, the hash, the key
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?i?B)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """Sizes are in bytes, times in seconds; `seconds` is None where nothing was tried out."""

    trials: int
    bars: int
    workers: int
    executor: str
    batch_trials: int
    batches: int
    container_bytes: int
    market_bytes: int
    batch_bytes: int
    peak_bytes: int
    result_bytes: int
    seconds: float | None = None
    ns_per_bar: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def __str__(self) -> str:
        took = "not tried" if self.seconds is None else duration(self.seconds)
        return (
            f"{counted(self.trials, 'trial')} of {counted(self.bars, 'bar')} "
            f"in batches of {self.batch_trials:,}, {self.workers} x {self.executor}; "
            f"{size_text(self.container_bytes)} a container, peak {size_text(self.peak_bytes)} beside the interpreter, "
            f"results {size_text(self.result_bytes)}; {took}"
        )


def make_plan(trials: Trials, workers: int, executor: str) -> Plan:
    """Sizes by arithmetic; nothing runs."""
    market, count = trials.market, trials.space.count
    batch = batch_size(count, market.bar_count, workers, lanes=trials.settings.base_lanes)
    sizes = arena_sizes(market.symbol_count, type(trials.strategy).orders_per_bar_max)
    row = trials.strategy.record().itemsize + account_dt.itemsize + 8 * market.symbol_count + BYTES_PER_RESULT
    row += lane_bytes(trials) if trials.settings.base_lanes else 0
    arrays = sum(array.nbytes for array in market.arrays)
    container, in_batch = sizes.bytes(), batch * row
    return Plan(
        trials=count,
        bars=market.bar_count,
        workers=workers,
        executor=executor,
        batch_trials=batch,
        batches=-(-count // batch),
        container_bytes=container,
        market_bytes=arrays,
        batch_bytes=in_batch,
        peak_bytes=arrays + workers * (container + CHUNKS_IN_FLIGHT * in_batch) + 24 * count,
        result_bytes=BYTES_PER_RESULT * count,
    )


def lane_bytes(trials: Trials) -> int:
    """Memory of one lane; with exits it has orders of its own."""
    strategy = trials.strategy
    if not isinstance(strategy, SignalStrategy) or not has_exits(strategy):
        return LANE_BYTES
    return LANE_BYTES + own_rows(type(strategy).orders_per_bar_max) * order_dt.itemsize


def batch_size(count: int, bars: int, workers: int, *, lanes: bool) -> int:
    """Trials of a batch: few enough to be spread and stopped; lanes share their indicators, so many of them."""
    if not lanes:
        return max(1, min(CHUNK_TRIALS_MAX, CHUNK_BARS // bars, -(-count // (4 * workers))))
    most = max(LANES, min(LANE_TRIALS_MAX, LANE_BARS // bars))
    rounds = -(-count // (workers * most))
    return max(1, -(-count // (workers * rounds)))


def calibrated(plan: Plan, trials: Trials) -> Plan:
    """With the time that some trials, spread over the space, have taken on one worker."""
    import numpy as np

    if trials.settings.base_lanes:  # neighbours, which share their indicators as in a batch
        count = min(plan.trials, max(LANES, min(8 * LANES, int(CALIBRATION_S / (LANE_S * plan.bars)))))
        rows = (plan.trials - count) // 2 + np.arange(count)
    else:
        count = min(plan.trials, max(1, min(8, int(CALIBRATION_S / (ENGINE_S * plan.bars)))))
        rows = np.unique(np.linspace(0, plan.trials - 1, count).astype(np.int64))
    worker, ran, taken = Worker(trials.settings, Kernels(trials.settings)), 0, 0.0
    for chunk in trials.parts(rows):
        if isinstance(chunk, Chunk) and taken < CALIBRATION_S:
            fresh = chunk.strategies.copy()
            worker.run_chunk(one_of(chunk, 0))  # compiles
            chunk.strategies[:] = fresh
            start = time.perf_counter()
            worker.run_chunk(chunk)
            taken += time.perf_counter() - start
            ran += len(chunk.rows)
    if not ran:
        return plan
    each = taken / ran
    values = plan.to_dict() | {"seconds": each * plan.trials / plan.workers, "ns_per_bar": each / plan.bars * 1e9}
    return Plan(**values)


def one_of(chunk: Chunk, index: int) -> Chunk:
    """One trial of a chunk, to be run without changing the chunk."""
    one = slice(index, index + 1)
    strategies = chunk.strategies[one].copy()
    return Chunk(chunk.rows[one], chunk.keys[one], chunk.group, chunk.settings[one], strategies, chunk.lanes)


def check_plan(plan: Plan, memory_limit: int | None, container_limit: int | None) -> None:
    """Refuses what cannot fit, and says what would."""
    if container_limit is not None and plan.container_bytes > container_limit:
        raise ConfigError(
            "a container does not fit",
            field="memory_limit_per_container",
            found=size_text(container_limit),
            allowed=f"at least {size_text(plan.container_bytes)}",
            remedy="raise the limit, or lower orders_per_bar_max on the strategy's class",
        )
    if memory_limit is not None and plan.peak_bytes > memory_limit:
        each = plan.container_bytes + CHUNKS_IN_FLIGHT * plan.batch_bytes
        fitting = (memory_limit - plan.market_bytes - 24 * plan.trials) // each
        remedy = f"workers={fitting} would fit" if fitting >= 1 else "use fewer bars or trials, or raise the limit"
        raise ConfigError(
            f"{counted(plan.workers, 'worker')} would need {size_text(plan.peak_bytes)}",
            field="memory_limit",
            found=size_text(memory_limit),
            remedy=remedy,
        )


def check_count(plan: Plan, limit: int | None) -> None:
    """A product that nobody meant is refused with its size and time."""
    if limit is None and plan.trials > TRIALS_MAX:
        took = "" if plan.seconds is None else f", about {duration(plan.seconds)} on {counted(plan.workers, 'worker')}"
        raise ConfigError(
            f"{plan.trials:,} trials{took}, {size_text(plan.result_bytes)} of results",
            field="grid",
            allowed=f"{TRIALS_MAX:,} without a limit",
            remedy="draw fewer with admf.samplers.sobol, or say limit=N for the first N",
        )


def read_size(value: Any, field: str) -> int | None:
    """Bytes from a number or a text such as 512MB; None stays None."""
    if value is None:
        return None
    found = SIZE.fullmatch(value) if isinstance(value, str) else None
    if found:
        return int(float(found[1]) * UNITS[found[2].upper()])
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ConfigError("not a size", field=field, found=value, allowed="bytes, or text such as 512MB")


def readable(plan: Plan) -> dict[str, str]:
    """A plan as names and values for people."""
    found = {}
    for name, value in plan.to_dict().items():
        if value is None:
            continue
        title, text = name.replace("_", " "), str(value)
        if name.endswith("_bytes"):
            title, text = title.removesuffix(" bytes"), size_text(value)
        elif name == "seconds":
            title, text = "time", duration(value)
        elif isinstance(value, float):
            text = f"{value:.3g}"
        elif isinstance(value, int):
            text = f"{value:,}"
        found[title] = text
    return found


def size_text(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 90:
        return f"{seconds:.2g} s"
    if seconds < 5400:
        return f"{seconds / 60:.2g} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.2g} h"
    return f"{seconds / 86_400:,.2g} days" if seconds < 864_000 else f"{seconds / 86_400:,.0f} days"
