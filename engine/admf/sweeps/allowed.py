"""Which trials may run in lanes."""

import numpy as np

from admf.data import Market
from admf.execution import Account, Execution
from admf.execution.risk import Risk
from admf.signals import SignalStrategy
from admf.strategy import CompiledStrategy
from admf_kernels.codes import BarFlag


def market_allows(market: Market) -> bool:
    """One symbol, every bar valid and traded, more than two bars, no splits, dividends, rates and conversions."""
    valid = bool((market.arrays.flags & np.uint8(BarFlag.VALID)).all())
    traded = not market.has_volume or bool((market.arrays.volume > 0.0).all())
    quiet = not market.changes_rates and not len(market.actions(accrued=False))
    return market.symbol_count == 1 and market.bar_count > 2 and valid and traded and quiet


def strategy_allows(strategy: CompiledStrategy) -> bool:
    """A signal strategy whose hooks are those that were made from its rule."""
    return isinstance(strategy, SignalStrategy) and strategy.hooks() == strategy.made_hooks


def rules_allow(execution: Execution, account: Account, risk: Risk) -> bool:
    """Market orders meet the next open, whole; no limits, interest and margin calls."""
    return (
        execution.market_fill == "next_open"
        and execution.price_ref == "range"
        and execution.latency_bars == 0
        and execution.volume_limit is None
        and execution.min_fill == 0.0
        and account.margin_maintenance is None
        and not account.accrues
        and account.settlement_days == 0
        and not risk.limited
    )
