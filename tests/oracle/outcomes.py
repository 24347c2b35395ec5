"""What may happen inside a bar: the W rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isnan

from admf_kernels.codes import Liquidity, Reason
from oracle.prices import (
    adv,
    fav,
    limit_base_inside,
    limit_reached,
    rounded_down,
    rounded_up,
    stop_base_inside,
    trigger_reached,
)
from oracle.records import Bar, Instrument, Order, Price, Rules
from oracle.trails import activation, better, evaluation, peak_for, stop_at

ORDER_OF_EQUALS = ("stop", "target", "hold", "no fill")


@dataclass(frozen=True)
class Outcome:
    """One admissible outcome: how the order enters (None: it does not), how an exit leaves (None: none), and whose."""

    word: str  # of ORDER_OF_EQUALS
    value: float
    entry: Price | None = None
    exit: Price | None = None
    by: Order | None = None
    high: bool = True  # whether the extreme that a trail follows was certain to come


@dataclass(frozen=True)
class Exits:
    """The stop, the trail and the limit that wait for an entry; any may be missing."""

    stop: Order | None = None
    trail: Order | None = None
    target: Order | None = None


@dataclass(frozen=True)
class Scene:
    """A bar, the rules and the exits: all that the W rules look at."""

    bar: Bar
    rules: Rules
    instrument: Instrument
    exits: Exits = Exits()

    def reaches(self, price: float) -> bool:
        """reach(p): P-03 for the target."""
        target = self.exits.target
        return target is not None and limit_reached(target.side, price, target.limit_price, self.rules, self.instrument)

    def passes(self, order: Order, price: float) -> bool:
        """P-03 for the limit of the order itself."""
        return limit_reached(order.side, price, order.limit_price, self.rules, self.instrument)


def choose(outcomes: Sequence[Outcome], rules: Rules) -> tuple[Outcome, float]:
    """W-01: the worst or the best outcome, and what the best is worth more than the worst."""
    ranked = sorted(outcomes, key=lambda outcome: ORDER_OF_EQUALS.index(outcome.word))
    values = [outcome.value for outcome in ranked]
    wanted = max(values) if rules.path == "best" else min(values)
    return ranked[values.index(wanted)], max(values) - min(values)


def stop_price_inside(order: Order, level: float, scene: Scene) -> Price:
    """P-08, R-08."""
    base = stop_base_inside(order, level, scene.bar, scene.rules)
    return Price(base, "stop", Liquidity.TAKER, Reason.STOP_REACHED)


def limit_price_inside(order: Order, scene: Scene) -> Price:
    """P-06."""
    base = limit_base_inside(order.side, order.limit_price, scene.bar, scene.rules)
    return Price(base, "limit", Liquidity.MAKER, Reason.LIMIT_REACHED)


def through_price(order: Order, scene: Scene) -> float:
    """W-03: L − n, rounded to the tick; L where n has no tick."""
    rules, inverse = scene.rules, scene.instrument.tick_inverse
    if rules.limit_trigger != "through_ticks" or inverse == 0.0:
        return order.limit_price
    return round(order.limit_price * inverse - order.side * rules.limit_through_ticks) / inverse


@dataclass(frozen=True)
class Stay:
    """W-07: a position on `side` from some moment of the bar on, and what can still become of it.

    `entry` is its price and `moment` the path's price then; both are missing where it was held before. `start` and
    `peak` are those of a trail. `low` and `high` tell whether the extreme that triggers the stop, and the one that
    fills the target, are certain to come.
    """

    scene: Scene
    side: int
    peak: float
    start: float
    low: bool
    high: bool
    entry: Price | None = None
    moment: float = 0.0

    @property
    def far(self) -> float:
        """The extreme that triggers the stop."""
        return adv(-self.side, self.scene.bar)

    @property
    def near(self) -> float:
        """The extreme that fills the target."""
        return fav(-self.side, self.scene.bar)

    def worth(self, price: float) -> float:
        """Of leaving at a price, against the entry or, of a position held before, against the close."""
        return self.side * (price - (self.scene.bar.close if self.entry is None else self.entry.base))

    def out(self, word: str, found: Price, by: Order) -> Outcome:
        """Leaving by an order."""
        return Outcome(word, self.worth(found.base), self.entry, found, by, self.high)

    def hold(self) -> Outcome:
        """Still in at the close."""
        return Outcome("hold", self.worth(self.scene.bar.close), self.entry, high=self.high)

    def target(self) -> list[Outcome]:
        """Out at TP, where the bar reaches it."""
        order = self.scene.exits.target
        if order is None or not self.scene.reaches(self.near):
            return []
        return [self.out("target", limit_price_inside(order, self.scene), order)]

    def floor(self, peak: float) -> tuple[float, Order] | None:
        """σ: the nearer of SL and T(peak) with the order that gives it, the stop where both do; None without."""
        stop, trail = self.scene.exits.stop, self.scene.exits.trail
        level = stop_at(trail, peak, self.start, self.scene.instrument) if trail is not None else float("nan")
        if stop is not None and not self.side * (level - stop.stop_price) > 0.0:
            return stop.stop_price, stop
        return None if trail is None or isnan(level) else (level, trail)

    def first_floor(self) -> tuple[float, Order] | None:
        """σ₀; under `high_first` the extreme has moved the trail before (R-05)."""
        if evaluation(self.scene.rules) == "high_first":
            return self.floor(better(-self.side, self.peak, self.near))
        return self.floor(self.peak)

    def last_floor(self) -> tuple[float, Order] | None:
        """σₕ: the floor at the highest price that does not fill the target."""
        if self.scene.exits.trail is None or evaluation(self.scene.rules) != "worst":
            return self.first_floor()
        top = self.near
        if self.scene.reaches(top):
            assert self.scene.exits.target is not None
            inverse = self.scene.instrument.tick_inverse
            top = through_price(self.scene.exits.target, self.scene)
            top = top - self.side / inverse if inverse != 0.0 else top
        return self.floor(better(-self.side, self.peak, top))

    def stopped(self, floor: tuple[float, Order] | None, price: float) -> bool:
        """P-02: whether a price is at or beyond a floor."""
        return floor is not None and trigger_reached(floor[1], price, floor[0], self.scene.rules)

    def stop_at_floor(self, floor: tuple[float, Order] | None) -> list[Outcome]:
        """Out at a floor, where the bar reaches it."""
        if floor is None or not self.stopped(floor, self.far):
            return []
        return [self.out("stop", stop_price_inside(floor[1], floor[0], self.scene), floor[1])]

    def raised(self) -> list[Outcome]:
        """Out at the lowest price to which a peak inside the bar can lift the trail, σ₀ being out of reach."""
        trail, scene = self.scene.exits.trail, self.scene
        if trail is None or evaluation(scene.rules) != "worst":
            return []
        level = self.lowest_level()
        top = peak_for(trail, level, scene.instrument)
        if top == self.near and scene.rules.stop_trigger == "through" and scene.instrument.tick_inverse == 0.0:
            return []  # only a price beyond the level leaves, and none lies between
        start = activation(trail, self.start)
        top = top if isnan(start) else better(-self.side, top, start)
        if self.side * (top - self.near) > 0.0 or scene.reaches(top):
            return []
        level = better(-self.side, level, stop_at(trail, top, self.start, scene.instrument))
        return [self.out("stop", stop_price_inside(trail, level, scene), trail)]

    def lowest_level(self) -> float:
        """The lowest stop that the bar can trigger: its extreme on the tick, one tick more under `through`."""
        instrument, through = self.scene.instrument, self.scene.rules.stop_trigger == "through"
        inverse = instrument.tick_inverse
        if through and inverse != 0.0:
            return (floor(self.side * self.far * inverse + 1e-4) + 1.0) / inverse * self.side
        return rounded_up(self.far, instrument) if self.side > 0 else rounded_down(self.far, instrument)

    def at_once(self) -> list[Outcome]:
        """W-03, W-07: out at the moment of the entry."""
        level = self.first_floor()
        if level is not None and self.stopped(level, self.moment):
            found = Price(self.moment, "stop", Liquidity.TAKER, Reason.ENTRY_BEYOND_EXIT)
            return [self.out("stop", found, level[1])]
        if self.scene.exits.target is not None and self.scene.reaches(self.moment):
            found = Price(self.moment, "limit_marketable", Liquidity.TAKER, Reason.ENTRY_BEYOND_EXIT)
            return [self.out("target", found, self.scene.exits.target)]
        return []

    def holds(self) -> bool:
        """W-07: whether some path leaves the position in."""
        close = self.scene.bar.close
        if self.scene.reaches(self.near if self.high else close):
            return False
        if self.low and self.stopped(self.first_floor(), self.far):
            return False
        return not self.stopped(self.last_floor() if self.high else self.first_floor(), close)

    def outcomes(self) -> list[Outcome]:
        """W-02 to W-05, W-07: all that can become of it; under `queue` stop, else target, else hold."""
        stop = self.stop_at_floor(self.first_floor())
        if self.scene.rules.path == "queue":
            return (stop or self.target() or [self.hold()])[:1]
        found = stop or self.raised()
        found += self.stop_at_floor(self.last_floor()) + self.target()
        return [*found, self.hold()] if self.holds() else found

    def from_entry(self) -> list[Outcome]:
        """W-03, then the rest."""
        return self.at_once() or self.outcomes()
