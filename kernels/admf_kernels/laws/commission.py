"""Commission family: kinds, parameters and the ladder. F is the fee of a whole order, fills pay differences (F-01)."""

from admf_kernels._jit import law
from admf_kernels.codes import CommissionModel, Precedence


@law
def user_commission(quantity: float, value: float) -> float:
    """F-04: the slot of a user's law; `specialise` puts the user's function here."""
    return 0.0


@law
def order_fee(
    model: int, first: float, second: float, third: float, precedence: int, quantity: float, value: float
) -> float:
    """F-02, F-03, F-04: fee in account currency of an order that has filled `quantity` units worth `value`.

    per_order: first = amount · bps: first = basis points, second = minimum · per_share: first = rate, second = minimum,
    third = maximum as a share of the value (infinite without). Source of per_share: IBKR's fixed US stock table.
    """
    if quantity <= 0.0 or model == CommissionModel.NONE:
        return 0.0
    if model == CommissionModel.BPS:
        return max(value * first / 1e4, second)
    if model == CommissionModel.PER_ORDER:
        return first
    if model == CommissionModel.PER_SHARE:
        fee = first * quantity
        if precedence == Precedence.MAX_WINS:
            return min(max(fee, second), third * value)
        return max(min(fee, third * value), second)  # Precedence.MIN_WINS
    return user_commission(quantity, value)  # CommissionModel.USER
