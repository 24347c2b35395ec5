"""One assumed path through the bar: the X rules."""

from dataclasses import replace

from admf_kernels.codes import Liquidity, OrderType, Reason
from oracle.exits import is_entry_bar
from oracle.filling import execute
from oracle.outcomes import Scene, limit_price_inside, stop_price_inside, through_price
from oracle.prices import limit_reached, trigger_reached
from oracle.records import BECOMES_LIMIT, BECOMES_MARKET, PROTECTIVE, TRAILS, Bar, Order, Price
from oracle.trails import follows_path, live_trails, move_peak, set_limit
from oracle.turns import fills_at_stop, latch, may_match, rest, stop_limit_rule, trigger_reason
from oracle.world import World


def points(bar: Bar, word: str) -> list[float]:
    """X-01: the four points of the path."""
    high_first = {
        "ohlc": True,
        "olhc": False,
        "adaptive": abs(bar.high - bar.open) < abs(bar.open - bar.low),
        "candle": bar.close < bar.open,
    }[word]
    turns = [bar.high, bar.low] if high_first else [bar.low, bar.high]
    return [bar.open, *turns, bar.close]


def path_phase(world: World) -> None:
    """X-02: P3 symbol by symbol, leg by leg."""
    for symbol in range(len(world.bars)):
        if world.matches(symbol):
            walk = Walk(world, symbol)
            for point in points(world.now(symbol), world.rules.path)[1:]:
                walk.go_to(point)


class Walk:
    """The path of one symbol; `price` is where it is."""

    def __init__(self, world: World, symbol: int) -> None:
        self.world, self.symbol = world, symbol
        self.price = world.now(symbol).open
        self.scene = Scene(world.now(symbol), world.rules, world.instruments[symbol])

    def go_to(self, end: float) -> None:
        """X-02, X-04: one leg."""
        if self.world.rules.points_only:
            self.jump_to(end)
            return
        while True:
            able = [(self.distance(order, end), order) for order in self.waiting()]
            reached = [(far, order) for far, order in able if far is not None]
            if not reached:
                break
            _, order = min(reached, key=lambda pair: (pair[0], *self.place(pair[1])))
            at_once = self.holds(order, self.price)
            if not at_once:
                self.move(self.level(order))
            self.act(order, at_once=at_once)
        self.move(end)

    def jump_to(self, end: float) -> None:
        """X-04: orders reached at a point, in ascending number; then the peaks move."""
        old = {order.number for order in self.waiting() if not self.holds(order, self.price)}
        self.price = end
        while True:
            reached = [order for order in self.waiting() if self.holds(order, end)]
            if not reached:
                break
            order = min(reached, key=lambda other: other.number)
            self.act(order, at_once=order.number not in old)
            old.discard(order.number)  # what it becomes, a limit, stands at this point
        self.follow(end)

    def waiting(self) -> list[Order]:
        """Orders that have not had their turn and wait for a price."""
        kinds = (*BECOMES_MARKET, *BECOMES_LIMIT, OrderType.LIMIT)
        able = [order for order in self.world.live() if order.symbol == self.symbol and order.type in kinds]
        return [
            order
            for order in able
            if may_match(self.world, order) and not (order.triggered and order.type in BECOMES_MARKET)
        ]

    def waits_for_trigger(self, order: Order) -> bool:
        """Whether a trigger has to trade first."""
        return order.type != OrderType.LIMIT and not order.triggered

    def holds(self, order: Order, price: float) -> bool:
        """X-02: whether a price is at or beyond the order's level: P-02, P-03 or P-12."""
        if self.waits_for_trigger(order):
            return trigger_reached(order, price, order.stop_price, self.world.rules)
        return limit_reached(order.side, price, order.limit_price, self.world.rules, self.scene.instrument)

    def level(self, order: Order) -> float:
        """X-02: where the order acts."""
        return order.stop_price if self.waits_for_trigger(order) else through_price(order, self.scene)

    def distance(self, order: Order, end: float) -> float | None:
        """How far the path goes until the order acts; 0 at once; None where this leg does not reach it."""
        if self.holds(order, self.price):
            return 0.0
        if not self.holds(order, end):
            return None
        rises = end >= self.price
        if order.type in TRAILS and not order.triggered and rises != (order.side > 0):
            return None
        return abs(self.level(order) - self.price)

    def place(self, order: Order) -> tuple[bool, int]:
        """X-02: among orders at one price."""
        late = self.world.rules.conflict == "stop_first" and order.type not in PROTECTIVE
        return late, order.number

    def move(self, price: float) -> None:
        """X-03: the path goes on to a price; peaks follow."""
        self.price = price
        self.follow(price)

    def follow(self, price: float) -> None:
        """X-03: peaks follow the path."""
        if follows_path(self.world.rules):
            for order in live_trails(self.world):
                if order.symbol == self.symbol:
                    move_peak(self.world, order, price)

    def act(self, order: Order, *, at_once: bool) -> None:
        """X-03: the turn of an order, or its trigger."""
        world = self.world
        if self.waits_for_trigger(order) and order.type in BECOMES_LIMIT:
            found = self.trigger(order)
        elif order.type in BECOMES_MARKET:
            found = stop_price_inside(order, order.stop_price, self.scene)
            found = replace(found, reason=self.reason(order, at_once=at_once))
            if at_once:
                found = replace(found, base=self.price)
        else:
            found = limit_price_inside(order, self.scene)
            if at_once:
                reason = self.reason(order, at_once=True)
                found = Price(self.price, "limit_marketable", Liquidity.TAKER, reason)
        if found is None:
            return
        rest(world, [order])
        filled = execute(world, order, replace(found, moment=self.price), first=world.bar)
        if order.type in BECOMES_MARKET:
            latch(world, order, filled, trigger_reason(order, at_open=False))

    def reason(self, order: Order, *, at_once: bool) -> Reason:
        """How it came about."""
        if at_once and is_entry_bar(self.world, order):
            return Reason.ENTRY_BEYOND_EXIT
        return Reason.LIMIT_REACHED if order.type not in BECOMES_MARKET else trigger_reason(order, at_open=False)

    def trigger(self, order: Order) -> Price | None:
        """X-03: a stop-limit or limit-if-touched latches; its price where it takes at once, else None."""
        if order.type == OrderType.TRAILING_STOP_LIMIT:
            set_limit(self.world, order, order.stop_price)
        latch(self.world, order, 0.0, trigger_reason(order, at_open=False))
        rule = stop_limit_rule(order, self.world.rules)
        if rule == "next_bar_only" or (rule == "marketable_at_stop" and not fills_at_stop(order, self.scene.bar)):
            rest(self.world, [order])
            return None
        base = order.stop_price if rule == "marketable_at_stop" else self.price
        if rule == "path" and order.side * (self.price - order.limit_price) > 0.0:
            return None
        return Price(base, "limit_marketable", Liquidity.TAKER, trigger_reason(order, at_open=False))
