"""One slippage and one commission law for all tests, always used together: each new pair compiles the loop anew."""

import math

import admf


def slip(base_price, side, quantity, used_volume, bar):
    """Not allowed for 1 and 2 units."""
    if quantity == 1.0:
        return -1.0
    if quantity == 2.0:
        return math.nan
    return (bar.high - bar.low) * quantity / 100.0 + used_volume / 10.0


def charge(quantity, value):
    """Not allowed for 7 units; a rebate on small orders."""
    if quantity == 7.0:
        return math.inf
    return quantity / 10.0 + value / 1000.0 - 5.0


LAWS = {"slippage": admf.slippage.law(slip), "commission": admf.commission.law(charge)}
