"""Compiling before the first run: what `admf warmup` does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from admf_kernels._jit import cache_info, compile_stats

if TYPE_CHECKING:
    from admf.execution import Execution
    from admf.strategy import CompiledStrategy

Kernel = tuple["CompiledStrategy | None", "Execution"]  # what decides the code of a loop; without a strategy of orders


def warmup(kernels: Sequence[Kernel] = ()) -> dict[str, object]:
    """Compiles or loads the loops of the given strategies with the laws of their rules; runs nothing.

    By default those of the library's strategies and of scripted orders, without laws of the user's. Returns their
    names, the times and the cache. StrategyError for code that does not compile.
    """
    from admf.execution import Execution
    from admf.strategies import REGISTRY

    plain = Execution()
    chosen = list(kernels) or [(None, plain), *((kind(), plain) for kind in REGISTRY.values())]
    for strategy, execution in chosen:
        compile_loop(strategy, execution)
    names = ["scripted orders" if strategy is None else type(strategy).__name__ for strategy, _ in chosen]
    return {"strategies": names, **compile_stats(), "cache": cache_info()}


def compile_loop(strategy: "CompiledStrategy | None", execution: "Execution") -> None:
    """The loop that a run compiles; all the rest of its rules, its data and its account are values to it."""
    from admf.data import Market, generate
    from admf.execution import Account, Execution
    from admf.run.compiled import make_call
    from admf.run.entry import Run

    run = Run(
        market=Market(generate(bars=4, seed=0)),
        execution=Execution(),
        account=Account(),
        record="summary",
        close_positions=True,
        debug=False,
        strategy=strategy,
    )
    hooks = run.hooks() | execution.user_laws()
    make_call(hooks, run.strategy_record(), run.market.arrays, run.state(), run.orders_per_bar_max, run.debug)
