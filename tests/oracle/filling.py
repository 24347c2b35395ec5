"""From a base price to a fill: volume, size, slippage, clamp, funds, and what the fill sets off."""

from dataclasses import dataclass
from math import inf, isfinite, isnan

from admf_kernels.codes import OrderEvent, Reason, SizeKind, TimeInForce, Unfilled
from oracle.accounting import book, order_fee
from oracle.costs import fill_fee, slippage
from oracle.funds import affordable, floored, sized_money, tolerance, weight
from oracle.limits import allowed_at_fill
from oracle.linked import DUST, cancel, end, feed_children, is_used_up, parent_lives, reduce_siblings, reducible
from oracle.prices import clamped, rounded_down, rounded_up, volume_of
from oracle.records import Order, Price
from oracle.world import World


@dataclass
class Deal:
    """A fill being made: its closing and opening units and what each costs."""

    found: Price
    closing: float
    opening: float
    closing_price: float = 0.0
    price: float = 0.0
    raw: float = 0.0
    refused: bool = False

    @property
    def quantity(self) -> float:
        """Units in all."""
        return self.closing + self.opening


def cap_left(world: World, order: Order) -> float:
    """V-02: units that the volume of the bar still allows."""
    rules = world.rules
    if rules.volume_limit is None:
        return inf
    bars = world.bars[order.symbol]
    if rules.volume_basis == "bar":
        volume = volume_of(bars[world.bar])
    elif rules.volume_basis == "previous_bar":
        volume = volume_of(bars[world.bar - 1]) if world.bar > 0 else 0.0
    else:
        window = bars[max(world.bar - rules.volume_window, 0) : world.bar]
        total = 0.0
        for bar in window:
            total += volume_of(bar)
        volume = total / len(window) if window else 0.0
    cap = rules.volume_limit * volume
    return max(cap - world.used(order.symbol), 0.0) if rules.volume_scope == "bar_shared" else cap


def passing(world: World, order: Order, wanted: float) -> float:
    """V-03, V-04: units of what is wanted that volume, smallest fill and FOK let through."""
    left, quantity = cap_left(world, order), wanted
    if left < wanted:
        quantity = floored(left, world.instruments[order.symbol])
    if quantity < world.rules.min_fill:
        return 0.0
    if order.request.time_in_force == TimeInForce.FOK and quantity < wanted:
        return 0.0
    return quantity


def priced(world: World, order: Order, found: Price, quantity: float, *, slips: bool = True) -> tuple[float, float]:
    """P-11, S-01: the price after slippage and clamp, and the price before the clamp."""
    bar, instrument = world.now(order.symbol), world.instruments[order.symbol]
    at_open = found.reason in (
        Reason.FILL_AT_OPEN, Reason.LIMIT_AT_OPEN, Reason.STOP_AT_OPEN, Reason.TOUCHED_AT_OPEN,
    )  # fmt: skip
    spared = at_open and "inside_only" in world.rules.slip_on
    distance = slippage(world, order, found.slip, found.base, quantity) if slips and not spared else 0.0
    raw = found.base + order.side * distance
    raw = max(rounded_up(raw, instrument) if order.side > 0 else rounded_down(raw, instrument), 0.0)
    return clamped(raw, order, bar, world.rules, bounded=found.bounded), raw


def resolve(world: World, order: Order, found: Price) -> bool:
    """A-06: a size given as money or share becomes a quantity, once; False where it comes to nothing."""
    instrument = world.instruments[order.symbol]
    budget = sized_money(world, order, world.equity((order.symbol, found.base)))
    quantity = affordable(
        instrument, budget, found.base, 1.0,
        lambda units: priced(world, order, found, units)[0],
        lambda units, price: order_fee(world, order, found, units, price),
    )  # fmt: skip
    order.quantity = quantity if quantity >= instrument.minimum else 0.0
    if order.quantity <= 0.0:
        cancel(world, order, Reason.BELOW_LOT)
    return order.alive


def execute(
    world: World, order: Order, found: Price, *, ambiguous: bool = False, first: int = 0, engine: bool = False
) -> float:
    """B-01, V-01, V-03, V-04, L-07: fills what can be filled at a base price and returns the units.

    `first` is the first bar on which children may fill; an order of the engine is held back by nothing.
    """
    if not isfinite(found.base):
        return 0.0
    if not engine and world.has_no_volume(order.symbol):
        world.note(order, Unfilled.NO_VOLUME)
        return 0.0
    if isnan(order.quantity) and not resolve(world, order, found):
        return 0.0
    wanted = order.remaining
    if order.reduce_only:
        if reducible(world, order) == 0.0:
            cancel(world, order, Reason.NOTHING_TO_REDUCE)
            return 0.0
        wanted = min(wanted, reducible(world, order))
    else:
        wanted = allowed_at_fill(world, order, found.base, wanted)
    if wanted <= 0.0:
        return 0.0
    quantity = wanted if engine else passing(world, order, wanted)
    if quantity <= 0.0:
        world.note(order, Unfilled.CAPPED)
        return 0.0
    closing = closing_units(world, order, quantity)
    deal = Deal(found, closing, quantity - closing)
    set_prices(world, order, deal)
    if not engine:
        if deal.price != deal.raw and world.rules.clamp_fail == "skip_bar":
            world.note(order, Unfilled.CLAMP)
            return 0.0
        if not fund(world, order, deal):
            world.note(order, Unfilled.FUNDS)
            return 0.0
    if deal.refused:
        world.note(order, Unfilled.FUNDS)
    return settle(world, order, deal, ambiguous=ambiguous, first=first)


def closing_units(world: World, order: Order, quantity: float) -> float:
    """A-05: the closing part; all of it where only dust would be left on either side."""
    held = reducible(world, order)
    if held > 0.0 and abs(quantity - held) <= DUST * quantity:
        return quantity
    return min(quantity, held)


def set_prices(world: World, order: Order, deal: Deal) -> None:
    """A-05, S-01: one price for both parts, unless only openings slip."""
    spares = "opening_only" in world.rules.slip_on
    deal.price, deal.raw = priced(
        world, order, deal.found, deal.quantity, slips=not (spares and deal.opening == 0.0)
    )  # fmt: skip
    deal.closing_price = deal.price
    if spares and deal.closing > 0.0 and deal.opening > 0.0:
        deal.closing_price = priced(world, order, deal.found, deal.closing, slips=False)[0]


def fund(world: World, order: Order, deal: Deal) -> bool:
    """A-04, A-06, A-07: cuts the opening part to what is allowed; False where the whole fill has to wait."""
    if deal.opening == 0.0:
        return True
    allowed = allowed_opening(world, order, deal)
    if allowed >= deal.opening:
        return True
    if order.request.time_in_force == TimeInForce.FOK:
        return False
    cuts = order.request.size_kind != SizeKind.QUANTITY or world.rules.cash_fill == "resize_down"
    deal.opening = allowed
    if cuts and deal.quantity > 0.0:
        spared = deal.closing_price
        slips = "opening_only" not in world.rules.slip_on or deal.opening > 0.0
        deal.price, deal.raw = priced(world, order, deal.found, deal.quantity, slips=slips)
        deal.closing_price = spared if "opening_only" in world.rules.slip_on else deal.price
        order.quantity = order.filled + deal.closing + deal.opening
    else:
        deal.refused = True
    return True


def allowed_opening(world: World, order: Order, deal: Deal) -> float:
    """A-04, A-06, A-07: the opening units that short rule and free cash allow once the closing part is done."""
    rules, multiplier = world.rules, world.instruments[order.symbol].multiplier
    sized = order.request.size_kind != SizeKind.QUANTITY
    if order.side < 0 and rules.short == "forbidden":
        return 0.0
    if rules.cash_fill == "none" and not sized:
        return deal.opening
    position = world.positions[order.symbol]
    closed = deal.closing * deal.closing_price * multiplier
    closing_fee = order_fee(world, order, deal.found, deal.closing, deal.closing_price) if deal.closing > 0.0 else 0.0
    unlocked = 0.0
    if deal.closing > 0.0:
        unlocked = position.locked
        if deal.closing < abs(position.quantity):
            unlocked = position.locked * (deal.closing / abs(position.quantity))
    free = (world.cash - (order.side * closed + closing_fee)) - (world.locked - unlocked)
    if rules.leverage > 1.0:
        held = position.quantity + order.side * deal.closing
        free = world.power(world.cash - (order.side * closed + closing_fee), order.symbol, held, deal.found.base)
    value = deal.opening * deal.price * multiplier
    liquidity = deal.found.liquidity
    opening_fee = fill_fee(world, order, liquidity, deal.quantity, closed + value) - closing_fee
    if weight(world, order.side) * value + opening_fee <= free + tolerance(value):
        return deal.opening
    if sized or rules.cash_fill == "resize_down":
        return affordable(
            world.instruments[order.symbol], free, deal.found.base, weight(world, order.side),
            lambda units: priced(world, order, deal.found, deal.closing + units)[0],
            lambda units, price: (
                fill_fee(world, order, liquidity, deal.closing + units, closed + units * price * multiplier)
                - closing_fee
            ),
        )  # fmt: skip
    return 0.0


def settle(world: World, order: Order, deal: Deal, *, ambiguous: bool, first: int) -> float:
    """A-05, L-05, L-06: the closing part, the opening one, then children and siblings, then what ends the order."""
    reason, had_filled = deal.found.reason, order.filled > 0.0
    multiplier = world.instruments[order.symbol].multiplier
    if deal.price != deal.raw:
        world.statistics.clamps += 1
        world.statistics.clamp_saving += (deal.raw - deal.price) * order.side * deal.quantity * multiplier
    if deal.closing > 0.0:
        book(world, order, deal.found, deal.closing_price, deal.closing, ambiguous=ambiguous, closing=True)
        conclude(world, order, reason, more=deal.opening > 0.0 or deal.refused)
    if deal.opening > 0.0:
        book(world, order, deal.found, deal.price, deal.opening, ambiguous=ambiguous, closing=False)
        if world.rules.leverage <= 1.0 and -tolerance(deal.opening * deal.price * multiplier) <= world.free < 0.0:
            world.cash = world.locked
        conclude(world, order, reason, more=False)
    if deal.quantity > 0.0:
        position = world.positions[order.symbol]
        position.used, position.used_bar = world.used(order.symbol) + deal.quantity, world.bar
        feed_children(world, order, deal.quantity, deal.found, first=first)
        reduce_siblings(world, order, deal.quantity)
    if deal.refused and not waits_for_funds(world, order):
        refuse(world, order)
    elif deal.quantity > 0.0 and not had_filled and leaves_remainder(world, order):
        cancel(world, order, Reason.REMAINDER_CANCELLED)
    return deal.quantity


def leaves_remainder(world: World, order: Order) -> bool:
    """V-03: whether what a first fill left is cancelled."""
    return world.rules.remainder == "cancel" and order.alive and not is_used_up(order)


def waits_for_funds(world: World, order: Order) -> bool:
    """A-04: `skip_and_retry`; a short that is forbidden does not wait."""
    return world.rules.cash_fill == "skip_and_retry" and not (order.side < 0 and world.rules.short == "forbidden")


def refuse(world: World, order: Order) -> None:
    """A-04, A-06, A-07: funds fail at the fill."""
    if order.request.size_kind != SizeKind.QUANTITY:
        cancel(world, order, Reason.BELOW_LOT)
        return
    forbidden = order.side < 0 and world.rules.short == "forbidden"
    end(world, order, OrderEvent.FUNDS_FAIL, Reason.SHORT_FORBIDDEN if forbidden else Reason.INSUFFICIENT_CASH)


def conclude(world: World, order: Order, reason: Reason, *, more: bool) -> None:
    """L-01, L-05, L-07: the order's own step after a part of a fill; `more`: another part follows."""
    complete = is_used_up(order)
    if order.reduce_only and world.positions[order.symbol].quantity == 0.0:
        complete = True
        order.quantity = order.filled
    if more or parent_lives(order):
        complete = False
    world.move(order, OrderEvent.COMPLETE if complete else OrderEvent.FILL, reason)
