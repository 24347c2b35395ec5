"""Cases without bars: a fee for a fill at a given price, or the rounding of an order's price."""

from collections.abc import Callable, Mapping
from typing import Any

from admf.cases.files import Case
from admf.cases.options import read_config
from admf.cases.play import Play
from admf.cases.profiles import Profile
from admf.cases.requests import read_orders_table
from admf.cases.rounding import zipline_price
from admf.cases.unsupported import Unsupported, number

FEE_KEYS = ("fill_price", "liquidity")
VOLUME = 1e12
AWAY = 2.0  # an open at this multiple of the limit lets a buy rest until the bar comes down to it


class Rounding:
    """The two roundings of a price."""

    def __init__(self, case: Case, profile: Profile) -> None:
        setup = read_config(case.config, profile)
        if not setup.rounds_prices or "tick_size" not in setup.instrument:
            raise Unsupported("config.price_rounding: a case about prices needs it, and tick_size")
        self.price = number(case.expect["input_price"], "expect.input_price")
        self.tick_size = float(setup.instrument["tick_size"])

    def figures(self) -> Mapping[str, Callable[[], Any]]:
        """Down for what buys below or sells below, up for the others."""
        return {
            "fills": list,
            "limit_buy_or_stop_sell": lambda: zipline_price(self.price, self.tick_size, up=False),
            "limit_sell_or_stop_buy": lambda: zipline_price(self.price, self.tick_size, up=True),
        }


class Fee:
    """The commission of orders that fill at a given price: each is played on a bar of its own that fills it there."""

    def __init__(self, case: Case, profile: Profile) -> None:
        self.plays = [fee_play(case, order, profile) for order in case.orders]

    def figures(self) -> Mapping[str, Callable[[], Any]]:
        """Fills are what the case gives, not what it asks."""
        return {"fills": list, "commission": lambda: sum(map(fee_of, self.plays))}


def fee_play(case: Case, order: dict[str, Any], profile: Profile) -> Play:
    """One order on one bar: a taker at its open, a maker by a limit inside it."""
    price = number(order.get("fill_price"), "orders.fill_price")
    buys, maker = order["side"] == "buy", order.get("liquidity") == "maker"
    away = price * (AWAY if buys else 1.0 / AWAY)
    opened = away if maker else price
    bar = {"o": opened, "h": max(opened, price), "l": min(opened, price), "c": price, "v": VOLUME}
    request = {key: value for key, value in order.items() if key not in FEE_KEYS}
    request |= {"submit_bar": -1, "type": "limit" if maker else "market", "limit": price if maker else None}
    setup = read_config(case.config, profile)
    cash = {"cash_submit": "none", "cash_fill": "none", "limit_trigger": "touch", "market_fill": "next_open"}
    setup.execution |= cash | {"volume_limit": None}
    one = Case(case.id, case.profile, [bar], [request], case.config, case.expect, None, None, case.source, ())
    return Play(one, setup, read_orders_table([request], setup.profile, 1))


def fee_of(play: Play) -> float:
    """The fee in the money or, where the engine takes it there, in the unit that is bought."""
    fills = play.fills()
    if len(fills) != 1:
        raise Unsupported("orders.fill_price: nothing fills there")
    fill = fills[0]
    side = "buy" if fill.qty > 0.0 else "sell"
    return fill.commission / (fill.price if side in play.setup.fee_in_base else 1.0)


def is_bare(case: Case) -> bool:
    """Whether the case asks about a part of the engine alone."""
    return not case.bars and ("input_price" in case.expect or any("fill_price" in order for order in case.orders))


def bare(case: Case, profile: Profile) -> Rounding | Fee:
    """What answers it."""
    return Rounding(case, profile) if "input_price" in case.expect else Fee(case, profile)
