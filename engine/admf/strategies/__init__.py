"""A small library of strategies, written with the public API alone: read them, copy them, change them."""

from admf.events import EventStrategy
from admf.strategies.bollinger import Bollinger
from admf.strategies.bracket_scalper import BracketScalper
from admf.strategies.buy_and_hold import BuyAndHold
from admf.strategies.donchian_breakout import DonchianBreakout
from admf.strategies.momentum_rotation import MomentumRotation
from admf.strategies.pairs import Pairs
from admf.strategies.production import ProductionStrategy
from admf.strategies.rsi_reversion import RsiReversion
from admf.strategies.sma_cross import SmaCross
from admf.strategies.trend_following import TrendFollowingEvents, TrendFollowingStrategy
from admf.strategy import CompiledStrategy

REGISTRY: dict[str, type[CompiledStrategy]] = {
    kind.__name__: kind
    for kind in (
        SmaCross,
        RsiReversion,
        DonchianBreakout,
        BracketScalper,
        TrendFollowingStrategy,
        BuyAndHold,
        Bollinger,
        Pairs,
        MomentumRotation,
    )
}
EVENT_REGISTRY: dict[str, type[EventStrategy]] = {
    kind.__name__: kind for kind in (TrendFollowingEvents, ProductionStrategy)
}

__all__ = [
    "EVENT_REGISTRY",
    "REGISTRY",
    "Bollinger",
    "BracketScalper",
    "BuyAndHold",
    "DonchianBreakout",
    "MomentumRotation",
    "Pairs",
    "ProductionStrategy",
    "RsiReversion",
    "SmaCross",
    "TrendFollowingEvents",
    "TrendFollowingStrategy",
]
