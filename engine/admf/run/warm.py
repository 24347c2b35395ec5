"""Compiling before the first run: what `admf warmup` does."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from admf_kernels._jit import cache_info, compile_stats

if TYPE_CHECKING:
    from admf.strategy import CompiledStrategy


def warmup(strategies: "Iterable[CompiledStrategy] | None" = None) -> dict[str, object]:
    """Compiles or loads the kernels of the given strategies, the library's by default; returns times and the cache."""
    from admf.data import generate
    from admf.run.entry import backtest, simulate
    from admf.strategies import REGISTRY

    bars = generate(bars=4, seed=0)
    simulate(bars, {"bar": [0], "side": ["buy"], "quantity": [1.0]}, record="summary")
    chosen = list(strategies) if strategies is not None else [kind() for kind in REGISTRY.values()]
    for strategy in chosen:
        backtest(bars, strategy, record="summary")
    return {"strategies": [type(strategy).__name__ for strategy in chosen], **compile_stats(), "cache": cache_info()}
