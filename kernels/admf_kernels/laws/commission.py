"""Commission family: kinds, parameters and the ladder. F is the fee of a whole order, fills pay differences (F-01).

Simple models have their numbers in the config record. What needs a table (tiers, dates, sums) is listed in
`state.fees`, one row a part; the rows that follow a tiered part are its tiers.
"""

from admf_kernels._jit import law
from admf_kernels.codes import CommissionModel, Liquidity, Precedence, TierBasis

DAY_NS = 86_400_000_000_000
MONTHS = 12


@law
def user_commission(quantity: float, value: float) -> float:
    """F-04: the slot of a user's law; `specialise` puts the user's function here."""
    return 0.0


@law
def bounded(fee: float, minimum: float, maximum_share: float, precedence: int, value: float) -> float:
    """F-03: a fee between its minimum and its maximum share of the value; `precedence` says which binds last."""
    if precedence == Precedence.MAX_WINS:
        return min(max(fee, minimum), maximum_share * value)
    return max(min(fee, maximum_share * value), minimum)  # Precedence.MIN_WINS


@law
def order_fee(
    model: int, first: float, second: float, third: float, precedence: int, quantity: float, value: float
) -> float:
    """F-02, F-03, F-04, F-07: fee in account currency of an order that has filled `quantity` units worth `value`.

    per_order: first = amount · bps: first = basis points, second = minimum · pct: first = share of the value, second =
    minimum · fixed_plus_pct: first = amount, second = share of the value · per_contract: first = rate · per_share:
    first = rate, second = minimum, third = maximum as a share of the value (infinite without) · sale_value: first =
    share of the value · sale_shares: first = rate, second = maximum (infinite without).
    """
    if quantity <= 0.0 or model == CommissionModel.NONE:
        return 0.0
    if model == CommissionModel.BPS:
        return max(value * first / 1e4, second)
    if model == CommissionModel.PER_ORDER:
        return first
    if model == CommissionModel.PER_SHARE:
        return bounded(first * quantity, second, third, precedence, value)
    if model == CommissionModel.PER_CONTRACT:
        return first * quantity
    if model == CommissionModel.PCT:
        return max(value * first, second)
    if model == CommissionModel.FIXED_PLUS_PCT:
        return first + value * second
    if model == CommissionModel.SALE_VALUE:
        return value * first
    if model == CommissionModel.SALE_SHARES:
        return min(quantity * first, second)
    return user_commission(quantity, value)  # CommissionModel.USER


@law(forceinline=True)
def part_fee(
    model: int,
    first: float,
    second: float,
    third: float,
    precedence: int,
    order,
    liquidity: int,
    quantity: float,
    value: float,
) -> float:
    """F-01, F-05: what the next fill of an order pays by one model; maker_taker: first = maker, second = taker."""
    if model == CommissionModel.MAKER_TAKER:
        return value * (first if liquidity == Liquidity.MAKER else second)
    after = order_fee(
        model, first, second, third, precedence, order.filled_quantity + quantity, order.filled_value + value
    )
    if order.filled_quantity == 0.0:
        return after
    return after - order_fee(model, first, second, third, precedence, order.filled_quantity, order.filled_value)


@law
def tier_fee(fees, row: int, traded: float, added: float) -> float:
    """F-06: marginal fee of `added` units (or money) on top of the `traded` ones of the month; tiers follow `row`."""
    total, below = 0.0, 0.0
    for index in range(row + 1, len(fees)):
        tier = fees[index]
        if tier.model != CommissionModel.NONE:
            break
        start, end = max(traded, below), min(traded + added, tier.first)
        if end > start:
            total += (end - start) * tier.second
        below = tier.first
    return total


@law
def tiered_fee(state, row: int, order, quantity: float, value: float) -> float:
    """F-06, F-01: what the next fill of an order pays by a tiered part; minimum and maximum are those of the order."""
    part = state.fees[row]
    added = quantity if part.basis == TierBasis.QUANTITY else value  # TierBasis.VALUE
    raw = order.tier_fee + tier_fee(state.fees, row, state.account[0].month_volume, added)
    after = bounded(raw, part.second, part.third, part.precedence, order.filled_value + value)
    if order.filled_quantity == 0.0:
        return after
    return after - bounded(order.tier_fee, part.second, part.third, part.precedence, order.filled_value)


@law
def listed_fee(state, order, liquidity: int, quantity: float, value: float) -> float:
    """F-08, F-07: what the next fill of an order pays by all parts in force at the time of the bar."""
    now, total = state.account[0].fee_time, 0.0
    for row in range(len(state.fees)):
        part = state.fees[row]
        model = part.model
        if model == CommissionModel.NONE or now < part.start or now >= part.end:
            continue
        if model == CommissionModel.TIERED:
            total += tiered_fee(state, row, order, quantity, value)
        elif order.side < 0 or (model != CommissionModel.SALE_VALUE and model != CommissionModel.SALE_SHARES):
            total += part_fee(
                model, part.first, part.second, part.third, part.precedence, order, liquidity, quantity, value
            )
    return total


@law(forceinline=True)
def is_listed(config) -> bool:
    """F-08: whether the model stands in the table of parts."""
    return config.commission_model >= CommissionModel.TIERED  # … to CommissionModel.SUM


@law
def fill_fee(state, order, liquidity: int, quantity: float, value: float) -> float:
    """F-01: commission of the next fill of an order; account currency, negative for a rebate (F-05)."""
    config = state.config[0]
    if is_listed(config):
        return listed_fee(state, order, liquidity, quantity, value)
    return part_fee(
        config.commission_model,
        config.commission_0,
        config.commission_1,
        config.commission_2,
        config.commission_precedence,
        order,
        liquidity,
        quantity,
        value,
    )


@law
def month_of(timestamp: int) -> int:
    """F-06: months since the year 0 of a time in ns UTC, proleptic Gregorian (Hinnant, days to civil)."""
    days = timestamp // DAY_NS + 719_468  # since 0000-03-01
    era = days // 146_097
    day_of_era = days - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    return (era * 400 + year_of_era) * MONTHS + (5 * day_of_year + 2) // 153 + 2


@law
def set_fee_time(config, account, market, bar: int) -> None:
    """F-06, F-07: the time at which listed fees of this bar are charged; a new month has no volume yet."""
    account.fee_time = market.timestamp[max(bar, 0)]
    month = month_of(account.fee_time) if config.dated else 0
    if month != account.fee_month:
        account.fee_month = month
        account.month_volume = 0.0


@law
def count_fee_volume(state, order, quantity: float, value: float) -> None:
    """F-06: a booked fill moves the order and the container on through the tiers."""
    account = state.account[0]
    for row in range(len(state.fees)):
        part = state.fees[row]
        if part.model == CommissionModel.TIERED:
            added = quantity if part.basis == TierBasis.QUANTITY else value
            order.tier_fee += tier_fee(state.fees, row, account.month_volume, added)
            account.month_volume += added
