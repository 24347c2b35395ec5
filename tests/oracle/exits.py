"""Exits on the bar of their entry: W-09."""

from admf_kernels.codes import OrderType
from oracle.records import Order
from oracle.world import World


def exits_follow(world: World, entry: Order) -> bool:
    """W-09: whether the exits of an entry may fill on the bar in which it fills."""
    word = world.rules.entry_bar_exits
    if word == "market_entry_only":
        return entry.type in (OrderType.MARKET, OrderType.MARKET_ON_OPEN)
    if word == "market_or_stop_target":
        return entry.type in (OrderType.MARKET, OrderType.MARKET_ON_OPEN)
    return word != "none"


def is_entry_bar(world: World, order: Order) -> bool:
    """Whether the order is an exit whose parent's first fill was on this bar."""
    return order.parent is not None and order.side != order.parent.side and order.activated_bar == world.bar
