"""Compiling before the first run: what `admf warmup` does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from admf_kernels._jit import cache_info, compile_stats

if TYPE_CHECKING:
    from admf.config import Config


def warmup(configs: Sequence["Config"] = ()) -> dict[str, object]:
    """Compiles or loads what runs of the given configurations need, their strategies and laws included; runs nothing.

    By default the loops of scripted orders and of the library's strategies. A configuration without a strategy is one
    of orders. Returns the names, the times and the cache. StrategyError for code that does not compile.
    """
    from admf.config import load_config
    from admf.strategies import REGISTRY

    chosen = list(configs)
    if not chosen:
        plain = load_config({}, needs=())
        chosen = [plain, *(replace(plain, strategy=kind()) for kind in REGISTRY.values())]
    for config in chosen:
        compile_for(config)
    names = ["scripted orders" if config.strategy is None else type(config.strategy).__name__ for config in chosen]
    return {"strategies": names, **compile_stats(), "cache": cache_info()}


def compile_for(config: "Config") -> None:
    """What one run compiles. Its data, its account and the rest of its rules are values to the loop."""
    from admf.data import Market, generate
    from admf.execution import Account, Execution
    from admf.run.compiled import make_call
    from admf.run.entry import Run
    from admf.run.stepping import Stepper
    from admf.strategy import CompiledStrategy

    strategy = config.strategy if isinstance(config.strategy, CompiledStrategy) else None
    count = 1 if strategy is None else strategy.symbols_min
    run = Run(
        market=Market([generate(bars=4, seed=0, symbol=f"S{place}") for place in range(count)]),
        execution=Execution(),
        account=Account(),
        record="full",
        close_positions=True,
        debug=False,
        strategy=strategy,
        risk=config.risk,
    )
    arrays, state, laws = run.market.arrays, run.state(), config.execution.user_laws()
    if strategy is None and config.strategy is not None:  # it decides in Python, between the bars
        Stepper(arrays, state, laws, run.orders_per_bar_max)
    else:
        make_call(run.hooks() | laws, run.strategy_record(), arrays, state, run.orders_per_bar_max, run.debug)
