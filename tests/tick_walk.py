"""Brute force over tick paths for trails, touched orders and opening pairs; the older `every_path` walks brackets.

A path starts at the open, ends at the close, moves one tick at a time within low and high and visits both. What the
orders do depends on finitely many facts, so all reachable (price, facts) pairs are searched. Prices are whole ticks.
"""

from dataclasses import dataclass, replace
from math import floor
from typing import NamedTuple


class TickBar(NamedTuple):
    """Prices in ticks."""

    open: int
    high: int
    low: int
    close: int


@dataclass(frozen=True)
class Leg:
    """An entry on `side` with its exits, in ticks; `kind` is held, market, limit, stop, stop_limit, or *_if_touched.

    `trail` is a distance in ticks, or a share of the price with `percent`; `activation` is its offset. A held leg is a
    position before the bar, with the trail's `peak` and the price at which it began.
    """

    kind: str
    side: int = 1
    limit: int | None = None
    stop: int | None = None
    stop_loss: int | None = None
    take_profit: int | None = None
    trail: float | None = None
    percent: bool = False
    activation: int | None = None
    peak: float = 0.0
    start: float = 0.0

    def worse_or_equal(self, price: float, level: float) -> bool:
        """Whether a price is at or below a level, seen from a long."""
        return self.side * (price - level) <= 0

    def higher(self, one: float, other: float) -> float:
        """The better of two peaks."""
        return one if self.side * (one - other) > 0 else other

    def trailed(self, peak: float, start: float) -> float | None:
        """The stop under a peak, None where there is none yet."""
        if self.trail is None or self.side * (peak - start) < (self.activation or 0):
            return None
        level = peak * (1 - self.side * self.trail) if self.percent else peak - self.side * self.trail
        return self.side * floor(self.side * level + 1e-4)


class Facts(NamedTuple):
    """What has happened so far on a path."""

    triggered: frozenset[int] = frozenset()
    leg: int | None = None  # the one that has entered
    entry: float | None = None
    exit: float | None = None
    peak: float = 0.0
    start: float = 0.0
    saw_low: bool = False
    saw_high: bool = False

    @property
    def holding(self) -> bool:
        """A position that has not been left."""
        return self.leg is not None and self.exit is None


class Walk:
    """Every path of one bar; `through` is the distance of limits in ticks."""

    def __init__(self, legs: tuple[Leg, ...], through: int, bar: TickBar) -> None:
        self.legs, self.through, self.bar = legs, through, bar

    def ends(self) -> set[Facts]:
        """The facts at the close, of every path."""
        first = self.legs[0]
        fresh = Facts(leg=0, peak=first.peak, start=first.start) if first.kind == "held" else Facts()
        start = (self.bar.open, self.visit(fresh, self.bar.open, at_open=True))
        reached, left, found = {start}, [start], set()
        while left:
            price, facts = left.pop()
            if price == self.bar.close and facts.saw_low and facts.saw_high:
                found.add(facts)
            for step in (price - 1, price + 1):
                if self.bar.low <= step <= self.bar.high:
                    state = (step, self.visit(facts, step, at_open=False))
                    if state not in reached:
                        reached.add(state)
                        left.append(state)
        return found

    def visit(self, facts: Facts, price: int, *, at_open: bool) -> Facts:
        """The facts after the path has come to a price."""
        low, high = facts.saw_low or price == self.bar.low, facts.saw_high or price == self.bar.high
        facts = facts._replace(saw_low=low, saw_high=high)
        if facts.holding:
            return self.leave(facts, price, at_once=at_open)
        return self.enter(facts, price, at_open=at_open) if facts.leg is None else facts

    def leave(self, facts: Facts, price: int, *, at_once: bool) -> Facts:
        """The exits of a position at a price; at the open and at the moment of the entry they fill at that price."""
        assert facts.leg is not None
        leg = self.legs[facts.leg]
        levels = [leg.stop_loss, leg.trailed(facts.peak, facts.start)]
        hit = [level for level in levels if level is not None and leg.worse_or_equal(price, level)]
        if hit:
            nearest = leg.side * max(leg.side * level for level in hit)
            return facts._replace(exit=price if at_once else nearest)
        if leg.take_profit is not None and leg.side * (price - leg.take_profit) >= self.through:
            return facts._replace(exit=price if at_once else leg.take_profit)
        return facts._replace(peak=leg.higher(facts.peak, price))

    def enter(self, facts: Facts, price: int, *, at_open: bool) -> Facts:
        """The entries at a price, in ascending number, at the open a stop before a limit; the first one is the only."""
        order = sorted(range(len(self.legs)), key=lambda number: at_open and self.yields(self.legs[number]))
        for number in order:
            leg = self.legs[number]
            newly = number not in facts.triggered and self.triggers(leg, price)
            if newly:
                facts = facts._replace(triggered=facts.triggered | {number})
            base = self.entry(leg, price, number in facts.triggered, newly=newly, at_open=at_open)
            if base is not None:
                peak = leg.higher(base, price)
                return self.leave(facts._replace(leg=number, entry=base, peak=peak, start=base), price, at_once=True)
        return facts

    def yields(self, leg: Leg) -> bool:
        """W-02: a limit that shares the open with a stop."""
        return leg.kind == "limit" and any(other.kind == "stop" for other in self.legs)

    def triggers(self, leg: Leg, price: int) -> bool:
        """Whether the price trades the trigger of a stop, or touches that of an if-touched order."""
        if leg.stop is None:
            return leg.kind != "market"
        return leg.side * (price - leg.stop) <= 0 if "touched" in leg.kind else leg.side * (price - leg.stop) >= 0

    def entry(self, leg: Leg, price: int, triggered: bool, *, newly: bool, at_open: bool) -> float | None:
        """What an entry fills at, at this price of the path."""
        if leg.kind == "market":
            return price if at_open else None
        if not triggered:
            return None
        if leg.kind == "market_if_touched":
            return leg.stop
        if leg.kind == "stop":
            return price if at_open else leg.stop
        assert leg.limit is not None
        if at_open:
            return price if leg.side * (price - leg.limit) <= 0 else None
        if newly and leg.stop is not None and leg.side * (leg.limit - leg.stop) >= 0:
            return leg.stop  # the market trades the trigger within the limit
        return leg.limit if leg.side * (price - leg.limit) <= -self.through else None


def value(legs: tuple[Leg, ...], facts: Facts, close: int) -> float:
    """Equity at the close in ticks a unit: of an entry from nothing, of a held position against its close."""
    if facts.leg is None:
        return 0
    leg = legs[facts.leg]
    last = close if facts.exit is None else facts.exit
    return leg.side * (last - (close if facts.entry is None else facts.entry))


def values(legs: tuple[Leg, ...], through: int, bar: TickBar) -> set[float]:
    """What the orders are worth at the close, over every path."""
    return {value(legs, facts, bar.close) for facts in Walk(legs, through, bar).ends()}


def held_on(legs: tuple[Leg, ...], through: int, bar: TickBar, *, leg: int) -> Leg | None:
    """The leg as a position of the next bar: its trail's peak is what every path that keeps it has seen at least."""
    kept = [facts for facts in Walk(legs, through, bar).ends() if facts.holding and facts.leg == leg]
    if not kept:
        return None
    own = legs[leg]
    lowest = min(kept, key=lambda facts: own.side * facts.peak)
    return replace(own, kind="held", peak=lowest.peak, start=lowest.start)
