"""What may happen inside a bar: the W rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from admf_kernels.codes import Liquidity, OrderType, Reason
from oracle.prices import (
    adv,
    fav,
    limit_base_inside,
    limit_reached,
    stop_base_inside,
    stop_reached,
)
from oracle.records import Bar, Instrument, Order, Price, Rules

ORDER_OF_EQUALS = ("stop", "target", "hold", "no fill")


@dataclass(frozen=True)
class Outcome:
    """One admissible outcome: how the order enters (None: it does not), and how the exit leaves (None: it stays)."""

    word: str  # of ORDER_OF_EQUALS
    value: float
    entry: Price | None = None
    exit: Price | None = None


@dataclass(frozen=True)
class Exits:
    """The stop and the limit that wait for an entry; either may be missing."""

    stop: Order | None
    target: Order | None


@dataclass(frozen=True)
class Scene:
    """A bar, the rules and the exits: all that the W rules look at."""

    bar: Bar
    rules: Rules
    instrument: Instrument
    exits: Exits = Exits(None, None)

    def stops(self, price: float) -> bool:
        """P-02 for the stop of the exits: at or beyond SL."""
        stop = self.exits.stop
        return stop is not None and stop_reached(stop.side, price, stop.stop_price, self.rules)

    def reaches(self, price: float) -> bool:
        """reach(p): P-03 for the target."""
        target = self.exits.target
        return target is not None and limit_reached(target.side, price, target.limit_price, self.rules, self.instrument)

    def passes(self, order: Order, price: float) -> bool:
        """P-03 for the limit of the order itself."""
        return limit_reached(order.side, price, order.limit_price, self.rules, self.instrument)


def choose(outcomes: Sequence[Outcome], rules: Rules) -> tuple[Outcome, bool]:
    """W-01: the worst or the best outcome, and whether the two differ in value."""
    ranked = sorted(outcomes, key=lambda outcome: ORDER_OF_EQUALS.index(outcome.word))
    values = [outcome.value for outcome in ranked]
    wanted = max(values) if rules.path == "best" else min(values)
    return ranked[values.index(wanted)], min(values) != max(values)


def stop_price_inside(order: Order, scene: Scene) -> Price:
    """P-08."""
    base = stop_base_inside(order.side, order.stop_price, scene.bar, scene.rules)
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


class Entry:
    """An entry inside the bar at `price`, with the moment's path price q; builds the outcomes that follow it."""

    def __init__(self, order: Order, scene: Scene, price: Price, moment: float) -> None:
        self.order, self.scene, self.price, self.moment = order, scene, price, moment
        self.far = adv(-order.side, scene.bar)  # the extreme that triggers the stop of the exits
        self.near = fav(-order.side, scene.bar)  # the extreme that fills their target

    def _worth(self, price: float) -> float:
        return self.order.side * (price - self.price.base)

    def _out(self, word: str, found: Price) -> Outcome:
        return Outcome(word, self._worth(found.base), self.price, found)

    def stop(self) -> Outcome:
        """Out at SL."""
        assert self.scene.exits.stop is not None
        return self._out("stop", stop_price_inside(self.scene.exits.stop, self.scene))

    def target(self) -> Outcome:
        """Out at TP."""
        assert self.scene.exits.target is not None
        return self._out("target", limit_price_inside(self.scene.exits.target, self.scene))

    def hold(self) -> Outcome:
        """Still in at the close."""
        return Outcome("hold", self._worth(self.scene.bar.close), self.price)

    def at_once(self) -> Outcome | None:
        """W-03: out at the moment of the entry."""
        if self.scene.stops(self.moment):
            return self._out("stop", Price(self.moment, "stop", Liquidity.TAKER, Reason.ENTRY_BEYOND_EXIT))
        if self.scene.reaches(self.moment):
            return self._out(
                "target", Price(self.moment, "limit_marketable", Liquidity.TAKER, Reason.ENTRY_BEYOND_EXIT)
            )
        return None

    def stopped(self) -> bool:
        """l ≤ SL."""
        return self.scene.stops(self.far)

    def queue(self) -> list[Outcome]:
        """W-04: stop first, else target, else hold; certain."""
        if self.stopped():
            return [self.stop()]
        return [self.target()] if self.scene.reaches(self.near) else [self.hold()]

    def after_limit(self) -> list[Outcome]:
        """W-04: after a limit that did not fill at the open."""
        target = [self.target()] if self.scene.reaches(self.near) else []
        if self.stopped():
            return [self.stop(), *target]
        if self.scene.reaches(self.scene.bar.close):
            return target
        return [self.hold(), *target]

    def after_stop(self) -> list[Outcome]:
        """W-04: after a stop."""
        found = [self.stop()] if self.stopped() else []
        if self.scene.reaches(self.near):
            found.append(self.target())
        if not self.scene.reaches(self.near) and not self.scene.stops(self.scene.bar.close):
            found.append(self.hold())
        return found

    def after_stop_limit(self, *, certain: bool) -> list[Outcome]:
        """W-05 (c): after a fill at L on the way back from the trigger."""
        found = [self.stop()] if self.stopped() else []
        if self.scene.reaches(self.near):
            found.append(self.target())
        close = self.scene.bar.close
        if not self.scene.reaches(close) and not (certain and self.scene.stops(close)):
            found.append(self.hold())
        return found


def stop_entry(order: Order, scene: Scene) -> list[Outcome]:
    """W-03, W-04, W-05 (a): a stop entry inside the bar."""
    entry = Entry(order, scene, stop_price_inside(order, scene), order.stop_price)
    once = entry.at_once()
    if once is not None:
        return [once]
    return entry.queue() if scene.rules.path == "queue" else entry.after_stop()


def limit_entry(order: Order, scene: Scene) -> list[Outcome]:
    """W-03, W-04: a limit entry inside the bar."""
    entry = Entry(order, scene, limit_price_inside(order, scene), through_price(order, scene))
    once = entry.at_once()
    if once is not None:
        return [once]
    return entry.queue() if scene.rules.path == "queue" else entry.after_limit()


def returning_entry(order: Order, scene: Scene) -> list[Outcome]:
    """W-05 (c): a stop-limit whose limit lies on the way back from its trigger."""
    entry = Entry(order, scene, limit_price_inside(order, scene), through_price(order, scene))
    once = entry.at_once()
    if scene.rules.path == "queue":
        return [once] if once is not None else entry.queue()
    if scene.passes(order, scene.bar.close):
        return [once] if once is not None else entry.after_stop_limit(certain=True)
    filled = [once] if once is not None else entry.after_stop_limit(certain=False)
    return [*filled, Outcome("no fill", 0.0)]


def inside(order: Order, scene: Scene) -> list[Outcome]:
    """P-06, P-08, P-09, W-05: the outcomes of an order that the bar reaches after its open; none where it stays out.

    A stop-limit that only this bar triggers is judged on the rest of the path.
    """
    side, bar = order.side, scene.bar
    if order.type == OrderType.STOP:
        return stop_entry(order, scene)
    if order.type == OrderType.LIMIT or order.triggered:
        return limit_entry(order, scene)
    if side * (order.limit_price - order.stop_price) >= 0.0:
        return stop_entry(order, scene)
    return returning_entry(order, scene) if scene.passes(order, fav(side, bar)) else []
