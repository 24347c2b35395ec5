"""How much a call of vectorbt's orders: signed units, or why there is no order."""

import math
from typing import NamedTuple

SIZE_TYPES = ("Amount", "Value", "Percent", "TargetAmount", "TargetValue", "TargetPercent")
DIRECTIONS = ("Both", "LongOnly", "ShortOnly")
REL_TOL, ABS_TOL = 1e-9, 1e-12
INF, NAN = math.inf, math.nan


class CallError(Exception):
    """Input without a meaning; the text is the source engine's."""


class NotFilled(Exception):  # noqa: N818 (not an error: a verdict on the order)
    """No order comes of it."""

    def __init__(self, reason: str, *, rejected: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.rejected = reason, rejected


class Account(NamedTuple):
    """The account of a call: `debt` is what shorts were sold for, `free_cash` is cash without proceeds and cover."""

    cash: float
    position: float
    debt: float
    free_cash: float
    val_price: float
    value: float


class Order(NamedTuple):
    """The arguments of a call."""

    size: float = INF
    price: float = INF
    size_type: str | int = "Amount"
    direction: str | int = "Both"
    fees: float = 0.0
    fixed_fees: float = 0.0
    slippage: float = 0.0
    min_size: float = 0.0
    max_size: float = INF
    size_granularity: float = NAN
    reject_prob: float = 0.0
    lock_cash: bool = False
    allow_partial: bool = True


def is_close(first: float, second: float) -> bool:
    """Equal but for rounding; infinities are equal to themselves."""
    return first == second or math.isclose(first, second, rel_tol=REL_TOL, abs_tol=ABS_TOL)


def is_less(first: float, second: float) -> bool:
    """Less by more than rounding."""
    return first < second and not is_close(first, second)


def add(first: float, second: float) -> float:
    """The sum, 0 where two numbers that are equal but for rounding cancel."""
    return 0.0 if is_close(first, -second) else first + second


def snap(value: float) -> float:
    """0 for what is nothing but rounding."""
    return 0.0 if is_close(value, 0.0) else value


def decide(account: Account, order: Order) -> float:
    """Signed units that the call buys or sells; CallError or NotFilled where it does not."""
    account = Account(*map(snap, account))
    if math.isnan(order.size):
        raise NotFilled("SizeNaN", rejected=False)
    if math.isnan(order.price):
        raise NotFilled("PriceNaN", rejected=False)
    check_account(account, order)
    check_order(order)
    size, percent = in_units(account, order)
    units = bought(account, order, size, percent) if size > 0.0 else -sold(account, order, -size, percent)
    if order.reject_prob >= 1.0:
        raise NotFilled("RandomEvent")
    if order.reject_prob > 0.0:
        raise NotFilled("RandomEvent drawn at random: no case can state it")
    return units


def check_account(account: Account, order: Order) -> None:
    """Input that no account can have."""
    if math.isnan(account.cash) or account.cash < 0.0:
        raise CallError("cash cannot be NaN and must be greater than 0")
    if not math.isfinite(account.position):
        raise CallError("position must be finite")
    if not math.isfinite(account.debt) or account.debt < 0.0:
        raise CallError("debt must be finite and 0 or greater")
    if math.isnan(account.free_cash):
        raise CallError("free_cash cannot be NaN")
    if order.size_type not in SIZE_TYPES:
        raise CallError("order.size_type is invalid")
    if order.direction not in DIRECTIONS:
        raise CallError("order.direction is invalid")
    if order.direction == "LongOnly" and account.position < 0.0:
        raise CallError("position is negative but order.direction is Direction.LongOnly")
    if order.direction == "ShortOnly" and account.position > 0.0:
        raise CallError("position is positive but order.direction is Direction.ShortOnly")


def check_order(order: Order) -> None:
    """Arguments that no order can have."""
    if not math.isfinite(order.price) or order.price < 0.0:
        raise CallError("order.price must be finite and 0 or greater")
    for name in ("fees", "fixed_fees"):
        if not math.isfinite(getattr(order, name)):
            raise CallError(f"order.{name} must be finite")
    for name in ("slippage", "min_size"):
        if not 0.0 <= getattr(order, name) < INF:
            raise CallError(f"order.{name} must be finite and 0 or greater")
    if order.max_size <= 0.0:
        raise CallError("order.max_size must be greater than 0")
    if math.isinf(order.size_granularity) or order.size_granularity <= 0.0:
        raise CallError("order.size_granularity must be either NaN, or finite and greater than 0")
    if not 0.0 <= order.reject_prob <= 1.0:
        raise CallError("order.reject_prob must be between 0 and 1")


def in_units(account: Account, order: Order) -> tuple[float, float]:
    """Signed units, infinite for all there is, and the share of it (NaN without)."""
    size, kind = order.size, str(order.size_type)
    if order.direction == "ShortOnly":
        size = -size
    if kind == "TargetPercent":
        if math.isnan(account.value):
            raise NotFilled("ValueNaN", rejected=False)
        if account.value <= 0.0:
            raise NotFilled("ValueZeroNeg")
        size, kind = size * account.value, "TargetValue"
    if kind in ("Value", "TargetValue"):
        if math.isinf(account.val_price) or account.val_price <= 0.0:
            raise CallError("val_price_now must be finite and greater than 0")
        if math.isnan(account.val_price):
            raise NotFilled("ValPriceNaN", rejected=False)
        size, kind = size / account.val_price, "Amount" if kind == "Value" else "TargetAmount"
    if kind == "TargetAmount":
        size, kind = size - account.position, "Amount"
    if kind == "Amount" and size == -INF and order.direction != "LongOnly":
        size, kind = -1.0, "Percent"  # all there is to short
    if kind == "Percent":
        return math.copysign(INF, size) if size else 0.0, abs(size)
    return size, NAN


def cash_to_buy(account: Account, order: Order, price: float) -> float:
    """Cash that a buy may spend; with `lock_cash` only what is free, and what covering frees."""
    if not order.lock_cash:
        return account.cash
    if account.position >= 0.0:
        return min(account.free_cash, account.cash)
    units = -account.position
    cover = units * price * (1.0 + order.fees) + order.fixed_fees
    left = add(account.free_cash + 2.0 * account.debt, -cover)
    if left > 0.0:
        limit = account.free_cash + 2.0 * account.debt
    elif left < 0.0:
        each = price * (1.0 + order.fees) - 2.0 * account.debt / units
        limit = (account.free_cash - order.fixed_fees) / each * price * (1.0 + order.fees) + order.fixed_fees
    else:
        limit = account.cash
    return min(limit, account.cash)


def bought(account: Account, order: Order, size: float, percent: float) -> float:
    """Units bought, no more than the cash pays."""
    price = order.price * (1.0 + order.slippage)
    limit = cash_to_buy(account, order, price)
    if not math.isnan(percent):
        limit = min(limit, percent * limit)
    if order.direction == "ShortOnly":
        if account.position == 0.0:
            raise NotFilled("NoOpenPosition")
        units = min(-account.position, size)
    else:
        if limit <= 0.0:
            raise NotFilled("NoCashLong")
        if math.isinf(size) and math.isinf(limit):
            raise CallError("Attempt to go in long direction infinitely")
        units = size
    if units == 0.0:
        raise NotFilled("SizeZero", rejected=False)
    units = grained(capped(units, order), order)
    if is_less(limit, units * price * (1.0 + order.fees) + order.fixed_fees):
        spendable = add(limit, -order.fixed_fees) / (1.0 + order.fees)
        if spendable <= 0.0:
            raise NotFilled("CantCoverFees")
        units = grained(spendable / price, order)
    return finished(units, size, order)


def sold(account: Account, order: Order, size: float, percent: float) -> float:
    """Units sold; with `lock_cash` no more than what is held and what free cash covers."""
    price = order.price * (1.0 - order.slippage)
    if order.direction == "LongOnly":
        units = min(account.position, size)
    elif order.lock_cash or (math.isinf(size) and not math.isnan(percent)):
        most = most_to_sell(account, order, price)
        wanted = most if math.isinf(size) else size
        if order.lock_cash:
            units, percent = min(wanted if math.isnan(percent) else percent * wanted, most), NAN
        else:
            units = most
    else:
        units = size
    if not math.isnan(percent):
        units *= percent
    units = capped(units, order)
    if order.direction == "LongOnly":
        if account.position == 0.0:
            raise NotFilled("NoOpenPosition")
    elif math.isinf(units):
        raise CallError("Attempt to go in short direction infinitely")
    units = grained(units, order)
    if is_close(units, 0.0):
        raise NotFilled("SizeZero", rejected=False)
    units = finished(units, size, order)
    acquired = units * price
    if add(acquired, -(acquired * order.fees + order.fixed_fees)) < 0.0:
        raise NotFilled("CantCoverFees")
    return units


def most_to_sell(account: Account, order: Order, price: float) -> float:
    """What is held, and what free cash allows to sell short on top of it."""
    held = max(account.position, 0.0)
    free = add(account.free_cash, held * price * (1.0 - order.fees))
    if free <= 0.0:
        if account.position <= 0.0:
            raise NotFilled("NoCashShort")
        return held
    most = add(held, add(free, -order.fixed_fees) / (price * (1.0 + order.fees)))
    if most <= 0.0:
        raise NotFilled("CantCoverFees")
    return most


def capped(units: float, order: Order) -> float:
    """No more than `max_size`."""
    if units <= order.max_size:
        return units
    if not order.allow_partial:
        raise NotFilled("MaxSizeExceeded")
    return order.max_size


def grained(units: float, order: Order) -> float:
    """Floored to `size_granularity`."""
    if math.isnan(order.size_granularity) or math.isinf(units):
        return units
    grains = units / order.size_granularity
    whole = round(grains)
    return (whole if is_close(grains, whole) else math.floor(grains)) * order.size_granularity


def finished(units: float, size: float, order: Order) -> float:
    """What is left, if the order takes less than it asked for."""
    if is_less(units, order.min_size):
        raise NotFilled("MinSizeNotReached")
    if math.isfinite(size) and is_less(units, size) and not order.allow_partial:
        raise NotFilled("PartialFill")
    return units
