"""ADMF: a compiled, reproducible execution engine for trading simulations.

Every public name is importable from here and loaded on first use (PEP 562), so that `import admf` costs next to
nothing: Numba and polars come in with the first name that needs them. A new public name is one row of `_HOMES` and
one line under `TYPE_CHECKING`; tests/engine/test_import_cost.py keeps the two in step.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from admf import commission, embed, errors, signals, sizing, slippage, strategies
    from admf.components import (
        HistoricalDataHandler,
        OrderManager,
        OrderValidator,
        PassthroughBroker,
        Portfolio,
        RiskManager,
        SimulatedBroker,
    )
    from admf.container import ContainerFactory, ContainerMetrics, ContainerPool, ScopedContainer
    from admf.coordinate import BacktestCoordinator, BacktestResults, ExecutionMode, ThreadModel
    from admf.data import Bars, Instrument, Market, adjusted, generate, load, load_panel
    from admf.errors import AdmfError
    from admf.events import EventBus, EventStrategy
    from admf.execution import Account, Execution, Risk
    from admf.fidelity import aggregate, calibrate_slippage, compare_fills, fill_fidelity
    from admf.live import LiveBroker, LiveStrategyContainer, LiveTradingManager, VirtualPortfolio
    from admf.results import Result
    from admf.run import backtest, simulate, simulate_signals, simulate_targets
    from admf.signals import SignalStrategy
    from admf.strategies import ProductionStrategy, TrendFollowingStrategy
    from admf.strategy import CompiledStrategy
    from admf.sweeps import Study, SweepInterrupted, samplers, sweep
    from admf.sweeps.optimization import (
        OptimizationAnalyzer,
        OptimizationExecutor,
        OptimizationResults,
        OptimizationResultsCollector,
    )
    from admf.verify import verify_law

    __version__: str

# public name → the module that holds it; a name that is its own module's last part is that module
_HOMES = {
    "Account": "admf.execution",
    "AdmfError": "admf.errors",
    "BacktestCoordinator": "admf.coordinate",
    "BacktestResults": "admf.coordinate",
    "Bars": "admf.data",
    "CompiledStrategy": "admf.strategy",
    "ContainerFactory": "admf.container",
    "ContainerMetrics": "admf.container",
    "ContainerPool": "admf.container",
    "EventBus": "admf.events",
    "EventStrategy": "admf.events",
    "Execution": "admf.execution",
    "ExecutionMode": "admf.coordinate",
    "HistoricalDataHandler": "admf.components",
    "Instrument": "admf.data",
    "LiveBroker": "admf.live",
    "LiveStrategyContainer": "admf.live",
    "LiveTradingManager": "admf.live",
    "Market": "admf.data",
    "OptimizationAnalyzer": "admf.sweeps.optimization",
    "OptimizationExecutor": "admf.sweeps.optimization",
    "OptimizationResults": "admf.sweeps.optimization",
    "OptimizationResultsCollector": "admf.sweeps.optimization",
    "OrderManager": "admf.components",
    "OrderValidator": "admf.components",
    "PassthroughBroker": "admf.components",
    "Portfolio": "admf.components",
    "ProductionStrategy": "admf.strategies",
    "Result": "admf.results",
    "Risk": "admf.execution",
    "RiskManager": "admf.components",
    "ScopedContainer": "admf.container",
    "SignalStrategy": "admf.signals",
    "SimulatedBroker": "admf.components",
    "Study": "admf.sweeps",
    "SweepInterrupted": "admf.sweeps",
    "ThreadModel": "admf.coordinate",
    "TrendFollowingStrategy": "admf.strategies",
    "VirtualPortfolio": "admf.live",
    "adjusted": "admf.data",
    "aggregate": "admf.fidelity",
    "backtest": "admf.run",
    "calibrate_slippage": "admf.fidelity",
    "commission": "admf.commission",
    "compare_fills": "admf.fidelity",
    "embed": "admf.embed",
    "errors": "admf.errors",
    "fill_fidelity": "admf.fidelity",
    "generate": "admf.data",
    "load": "admf.data",
    "load_panel": "admf.data",
    "samplers": "admf.sweeps",
    "signals": "admf.signals",
    "simulate": "admf.run",
    "simulate_signals": "admf.run",
    "simulate_targets": "admf.run",
    "sizing": "admf.sizing",
    "slippage": "admf.slippage",
    "strategies": "admf.strategies",
    "sweep": "admf.sweeps",
    "verify_law": "admf.verify",
}

__all__ = [
    "Account",
    "AdmfError",
    "BacktestCoordinator",
    "BacktestResults",
    "Bars",
    "CompiledStrategy",
    "ContainerFactory",
    "ContainerMetrics",
    "ContainerPool",
    "EventBus",
    "EventStrategy",
    "Execution",
    "ExecutionMode",
    "HistoricalDataHandler",
    "Instrument",
    "LiveBroker",
    "LiveStrategyContainer",
    "LiveTradingManager",
    "Market",
    "OptimizationAnalyzer",
    "OptimizationExecutor",
    "OptimizationResults",
    "OptimizationResultsCollector",
    "OrderManager",
    "OrderValidator",
    "PassthroughBroker",
    "Portfolio",
    "ProductionStrategy",
    "Result",
    "Risk",
    "RiskManager",
    "ScopedContainer",
    "SignalStrategy",
    "SimulatedBroker",
    "Study",
    "SweepInterrupted",
    "ThreadModel",
    "TrendFollowingStrategy",
    "VirtualPortfolio",
    "__version__",
    "adjusted",
    "aggregate",
    "backtest",
    "calibrate_slippage",
    "commission",
    "compare_fills",
    "embed",
    "errors",
    "fill_fidelity",
    "generate",
    "load",
    "load_panel",
    "samplers",
    "signals",
    "simulate",
    "simulate_signals",
    "simulate_targets",
    "sizing",
    "slippage",
    "strategies",
    "sweep",
    "verify_law",
]


if not TYPE_CHECKING:  # a checker that saw this function would accept any name at all

    def __getattr__(name: str) -> object:
        if name == "__version__":
            value: object = _version()
        elif name in _HOMES:
            home = _HOMES[name]
            module = import_module(home)
            value = module if home == f"admf.{name}" else getattr(module, name)
        else:
            raise AttributeError(f"module 'admf' has no attribute {name!r}")
        globals()[name] = value  # the next access does not come here
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("admf-engine")
    except PackageNotFoundError:  # a bare checkout on the path
        return "0+unknown"
