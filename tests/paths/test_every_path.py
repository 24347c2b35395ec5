"""The oracle's worst and best against brute force over every tick path: brackets, trails, if-touched orders, pairs.

Exits may lie on the wrong side of the fill, prices tie and gap, bars are at most eight ticks high.
"""

import random
from math import nan

import pytest

from admf_kernels.codes import OrderType
from oracle import clock
from oracle.records import Bar, Command, Instrument, Request, Rules
from oracle.world import World
from tick_walk import Leg, TickBar, held_on, values

SINGLE = ("held", "market", "limit", "stop", "stop_limit", "market_if_touched", "limit_if_touched")
CASES = 500
PATHS = ("worst", "best")


# what the oracle says ------------------------------------------------------------------------------------------------


def price(ticks: float | None) -> float:
    return nan if ticks is None else float(ticks)


def bar_of(bar: TickBar) -> Bar:
    return Bar(*(float(ticks) for ticks in bar))  # type: ignore[arg-type]


def entry_of(leg: Leg, oco: int) -> Request:
    kind = OrderType[leg.kind.upper()]
    return Request(leg.side, kind, 1.0, limit_price=price(leg.limit), stop_price=price(leg.stop), oco=oco)


def exits_of(leg: Leg, parent: int, oco: int) -> list[Request]:
    common = {"quantity": 1.0, "parent": parent, "oco": oco}
    found = []
    if leg.stop_loss is not None:
        found.append(Request(-leg.side, OrderType.STOP, stop_price=price(leg.stop_loss), **common))
    if leg.take_profit is not None:
        found.append(Request(-leg.side, OrderType.LIMIT, limit_price=price(leg.take_profit), **common))
    if leg.trail is not None:
        amount, percent = (nan, leg.trail * 100.0) if leg.percent else (leg.trail, nan)
        trail = {"trail_amount": amount, "trail_percent": percent, "trail_activation_offset": price(leg.activation)}
        found.append(Request(-leg.side, OrderType.TRAILING_STOP, **trail, **common))
    return found


def play(
    legs: tuple[Leg, ...], through: int, bars: list[TickBar], path: str, rng: random.Random, **words: str
) -> World:
    """The orders are sent on a quiet bar at the trail's first peak; the exits in any order, in an OCO group or not."""
    quiet = legs[0].peak if legs[0].kind == "held" else bars[0].open
    rows = [Bar(*(price(quiet),) * 4), *map(bar_of, bars)]
    requests: list[Request] = []
    for number, leg in enumerate(legs):
        parent = -1
        if leg.kind != "held":
            parent = len(requests)
            requests.append(entry_of(leg, 99 if len(legs) > 1 else 0))
        exits = exits_of(leg, parent, number + 1 if parent < 0 or rng.random() < 0.5 else 0)
        rng.shuffle(exits)
        requests += exits
    script = [Command(0, "submit", row) for row in range(len(requests))]
    position = (float(legs[0].side), price(quiet)) if legs[0].kind == "held" else (0.0, 0.0)
    free = {"has_volume": False, "cash_submit": "none", "cash_fill": "none", "limit_through_ticks": float(through)}
    rules = Rules(path=path, **free, **words)  # type: ignore[arg-type]
    return clock.run([rows], script, requests, rules, [Instrument(1.0)], [position])


def gain(world: World, bar: int, close: float) -> float:
    """What the fills of a bar are worth at its close, by base prices."""
    return sum(fill.side * (close - fill.base_price) for fill in world.fills if fill.bar == bar)


# drawn cases ---------------------------------------------------------------------------------------------------------


def draw_bar(rng: random.Random, low: int | None = None) -> TickBar:
    low = rng.randint(15, 19) if low is None else low
    high = low + rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8])
    return TickBar(rng.randint(low, high), high, low, rng.randint(low, high))


def draw_leg(rng: random.Random, bar: TickBar, kind: str, *, trails: bool) -> Leg:
    side = rng.choice([1, -1])
    around = bar.open if kind in ("held", "market") else rng.randint(bar.low, bar.high)
    level = rng.choice([rng.randint(14, 26), around, around])
    peak = bar.open + side * rng.randint(-2, 3)
    trail: dict[str, object] = {}
    if trails:
        percent = rng.random() < 0.3
        trail = {"percent": percent, "trail": rng.choice([0.05, 0.1, 0.125, 0.2]) if percent else rng.randint(1, 5)}
        trail["activation"] = rng.choice([None, None, 0, 1, 3])
    return Leg(
        kind,
        side,
        limit=level + side * rng.randint(-3, 2) if "limit" in kind else None,
        stop=level if "stop" in kind or "touched" in kind else None,
        stop_loss=rng.choice([None, level - side * rng.randint(-1, 4), level - side * rng.randint(-1, 4)]),
        take_profit=rng.choice([None, level + side * rng.randint(-1, 5), level + side * rng.randint(-1, 5)]),
        peak=peak,
        start=peak,
        **trail,  # type: ignore[arg-type]
    )


def check(legs: tuple[Leg, ...], through: int, bar: TickBar, rng: random.Random) -> bool:
    """Whether the bar is ambiguous, once the oracle's bounds are those of all paths."""
    found = values(legs, through, bar)
    for path, wanted in (("worst", min(found)), ("best", max(found))):
        world = play(legs, through, [bar], path, rng)
        assert gain(world, 1, bar.close) == wanted, (path, legs, through, bar, found)
        assert (world.statistics.ambiguous_groups > 0) == (len(found) > 1), (path, legs, through, bar, found)
    return len(found) > 1


# the tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trails", [False, True], ids=["brackets", "trails"])
@pytest.mark.parametrize("kind", SINGLE)
def test_one_entry_and_its_exits(kind: str, trails: bool) -> None:
    """W-01 to W-07, R-01 to R-03, P-12: in the bar of the entry, and of a position held before it."""
    rng = random.Random(f"{kind} {trails}")
    ambiguous = 0
    for _ in range(CASES):
        bar = draw_bar(rng)
        leg = draw_leg(rng, bar, kind, trails=trails)
        ambiguous += check((leg,), rng.choice([0, 1, 2]), bar, rng)
    assert ambiguous > 5


@pytest.mark.parametrize("trails", [False, True], ids=["brackets", "trails"])
def test_two_opening_orders_of_one_group(trails: bool) -> None:
    """W-08: orders that fill at one level; each is first on some path only if the other is not on its way."""
    rng = random.Random(f"pairs {trails}")
    ambiguous = 0
    for _ in range(3 * CASES):
        bar = draw_bar(rng)
        legs = [draw_leg(rng, bar, rng.choice(SINGLE[2:]), trails=trails) for _ in range(2)]
        if not any(leg.kind == "stop_limit" and returns(leg) for leg in legs):
            ambiguous += check(tuple(legs), rng.choice([0, 1, 2]), bar, rng)
    assert ambiguous > 50


def returns(leg: Leg) -> bool:
    """W-05 (c): a limit that lies on the way back from its trigger."""
    assert leg.limit is not None
    assert leg.stop is not None
    return leg.side * (leg.limit - leg.stop) < 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["held", "market", "limit", "stop", "market_if_touched"])
def test_a_trail_from_bar_to_bar(kind: str, path: str) -> None:
    """R-04, R-06: the next bar begins with the peak that every path which kept the position has seen."""
    rng = random.Random(f"{kind} {path}")
    later = 0
    for _ in range(CASES // 2):
        bars = [draw_bar(rng)]
        bars += [draw_bar(rng, max(10, bars[0].low + rng.randint(-2, 2))) for _ in range(2)]
        through = rng.choice([0, 1, 2])
        leg: Leg | None = draw_leg(rng, bars[0], kind, trails=True)
        assert leg is not None
        world = play((leg,), through, bars, path, rng)
        for number, bar in enumerate(bars, start=1):
            found = values((leg,), through, bar)
            wanted = min(found) if path == "worst" else max(found)
            assert gain(world, number, bar.close) == wanted, (path, leg, through, bars, number)
            after = held_on((leg,), through, bar, leg=0)
            fills = [fill for fill in world.fills if fill.bar == number]
            if after is None or len(fills) != (leg.kind != "held"):
                break  # it is out, or never got in
            leg = after
            later += 1
    assert later > 30


@pytest.mark.parametrize("path", PATHS)
def test_an_opening_trail(path: str) -> None:
    """R-05: selling from flat at the stop is worth what leaving a long there is."""
    rng = random.Random(path)
    filled = 0
    for _ in range(CASES):
        bar = draw_bar(rng)
        side, distance = rng.choice([1, -1]), rng.randint(1, 5)
        peak = bar.open + side * rng.randint(-2, 3)
        leg = Leg("held", side, trail=distance, peak=peak, start=peak)
        found = values((leg,), 1, bar)
        order = Request(-side, OrderType.TRAILING_STOP, 1.0, trail_amount=float(distance))
        rows = [Bar(*(float(leg.peak),) * 4), bar_of(bar)]
        rules = Rules(path=path, has_volume=False, cash_submit="none", cash_fill="none")
        world = clock.run([rows], [Command(0, "submit", 0)], [order], rules, [Instrument(1.0)], [(0.0, 0.0)])
        assert gain(world, 1, bar.close) == (min(found) if path == "worst" else max(found)), (leg, bar)
        filled += len(world.fills)
    assert 100 < filled < CASES


def test_the_lowest_exit_of_a_trail_does_not_hang_on_rounding() -> None:
    """W-07: without ticks (l + d) − d may fall below l; the trail is still triggered at l."""
    rules, checked = Rules(has_volume=False), 0
    for cents in range(500, 1000):
        low, distance = cents / 100.0, 0.07
        if (low + distance) - distance >= low:
            continue
        checked += 1
        rows = [Bar(*(low + 0.03,) * 4), Bar(low + 0.03, low + 0.2, low, low + 0.19)]
        order = Request(-1, OrderType.TRAILING_STOP, 1.0, trail_amount=distance)
        world = clock.run([rows], [Command(0, "submit", 0)], [order], rules, [Instrument()], [(1.0, low)])
        assert [fill.base_price for fill in world.fills] == [low]
    assert checked > 2
