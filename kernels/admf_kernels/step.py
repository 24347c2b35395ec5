"""One bar of one container: the phases P1 to P5 in the order of SPEC C-02 and C-03."""

from admf_kernels._jit import kernel, law
from admf_kernels.begin import gather, run_commands
from admf_kernels.closing import close_order
from admf_kernels.codes import MarketFill, OrderEvent, OrderFlag, PriceReference, Reason, TimeInForce
from admf_kernels.inside import inside_group
from admf_kernels.laws.lifecycle import is_active, is_alive
from admf_kernels.links import end
from admf_kernels.opening import open_group
from admf_kernels.touch import is_judged, left_this_bar

OPENING, ABLE = OrderFlag.OPENING.value, OrderFlag.ABLE.value


@law
def classify(state, hit_count: int) -> bool:
    """C-03: classes the hits by position and by what they can fill at the beginning of a phase; True if any reduces."""
    any_reducing = False
    for index in range(hit_count):
        order = state.orders[state.hits[index]]
        if is_judged(order):
            order.bits &= ~ABLE
        else:
            order.bits |= ABLE
        if order.side * state.positions[order.symbol].quantity < 0.0:
            order.bits &= ~OPENING
            any_reducing = True
        else:
            order.bits |= OPENING
    return any_reducing


@law
def has_turn(state, order, opening: int) -> bool:
    """C-03: whether a hit is judged in this round of a phase."""
    if order.bits & ABLE == 0 or (order.bits & OPENING != 0) != (opening == 1):
        return False
    return not is_judged(order) and not left_this_bar(state, order)


@law
def phase_open(market, state, bar: int, hit_count: int) -> int:
    """P2 in the order of C-03, children that join at once (W-06); returns the number of hits, again by number."""
    first_class = 0 if classify(state, hit_count) else 1
    listed = hit_count
    for opening in range(first_class, 2):
        for index in range(listed):
            row = state.hits[index]
            if not has_turn(state, state.orders[row], opening):
                continue
            first_joined = hit_count
            hit_count = open_group(market, state, row, bar, hit_count)
            joined = first_joined
            while joined < hit_count:
                row = state.hits[joined]
                if not is_judged(state.orders[row]):
                    hit_count = open_group(market, state, row, bar, hit_count)
                joined += 1
            hit_count = keep_new(state, bar, first_joined, hit_count)
    for index in range(listed, hit_count):
        insert_hit(state, index)
    return hit_count


@law
def keep_new(state, bar: int, first: int, hit_count: int) -> int:
    """W-06: of the hits that joined only those stay that were not listed before; returns the number of hits."""
    kept = first
    for index in range(first, hit_count):
        row = state.hits[index]
        if state.orders[row].eligible_bar == bar:
            state.hits[kept] = row
            kept += 1
    return kept


@law
def insert_hit(state, index: int) -> None:
    """C-03: moves a hit down to its place among those before it; rows ascend with the numbers."""
    row = state.hits[index]
    while index > 0 and state.hits[index - 1] > row:
        state.hits[index] = state.hits[index - 1]
        index -= 1
    state.hits[index] = row


@law
def phase_inside(market, state, bar: int, hit_count: int) -> None:
    """P3 in the order of C-03."""
    first_class = 0 if classify(state, hit_count) else 1
    for opening in range(first_class, 2):
        for index in range(hit_count):
            row = state.hits[index]
            order = state.orders[row]
            if has_turn(state, order, opening):
                inside_group(market, state, row, bar, hit_count)


@law
def phase_close(market, state, bar: int, hit_count: int) -> None:
    """P4 in the order of C-03."""
    first_class = 0 if classify(state, hit_count) else 1
    for opening in range(first_class, 2):
        for index in range(hit_count):
            order = state.orders[state.hits[index]]
            if has_turn(state, order, opening):
                close_order(market, state, order, bar)


@law
def end_immediate(state, bar: int) -> None:
    """T-02: IOC and FOK orders do not outlive their first eligible bar."""
    for index in range(state.account[0].working_count):
        order = state.orders[state.working[index]]
        if order.expires_bar != bar or not is_active(order):
            continue
        if order.time_in_force == TimeInForce.IOC:
            end(state, order, bar, OrderEvent.CANCEL.value, Reason.IOC_REMAINDER.value)
        elif order.time_in_force == TimeInForce.FOK:
            end(state, order, bar, OrderEvent.CANCEL.value, Reason.FOK_NOT_COMPLETE.value)


@law
def sweep_ended(state) -> None:
    """C-03: takes orders that have ended off the list of live ones, which stays in ascending number."""
    account = state.account[0]
    kept = 0
    for index in range(account.working_count):
        row = state.working[index]
        if is_alive(state.orders[row]):
            state.working[kept] = row
            kept += 1
    account.working_count = kept


@kernel
def match(market, state, bar: int) -> None:
    """P1 to P5 of one bar, without the marks: every live order meets the bar (C-02, C-03)."""
    config = state.config[0]
    run_commands(state, bar)
    hit_count = gather(market, state, bar)
    if hit_count > 0:
        if config.price_ref == PriceReference.RANGE:
            hit_count = phase_open(market, state, bar, hit_count)
            phase_inside(market, state, bar, hit_count)
        if config.price_ref == PriceReference.CLOSE or config.market_fill != MarketFill.NEXT_OPEN:
            phase_close(market, state, bar, hit_count)
    end_immediate(state, bar)
    sweep_ended(state)
