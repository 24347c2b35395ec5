"""Slippage and commission models of the case files as models of ours."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from admf.cases.unsupported import Unsupported, number, only
from admf.execution import commission, slippage
from admf.models import Model

BPS = 1e4
NO_EFFECT = ("currency",)  # all money of a case is in one currency


def model_of(value: Any, where: str) -> tuple[str, Mapping[str, Any]]:
    """Name and parameters of a model."""
    if not isinstance(value, Mapping) or "model" not in value:
        raise Unsupported(f"{where}: {value!r} names no model")
    return str(value["model"]), {key: part for key, part in value.items() if key != "model"}


def build(models: Mapping[str, "ModelReader"], model: str, parts: Mapping[str, Any], where: str) -> Model:
    """The model by its name in the case files."""
    if model not in models:
        raise Unsupported(f"{where}: model {model!r} is not built yet")
    keys, make = models[model]
    understood(parts, (*keys, *NO_EFFECT), f"{where} {model}")
    try:
        return make(parts)
    except KeyError as missing:
        raise Unsupported(f"{where} {model}: needs {missing}") from None


def understood(value: Any, keys: tuple[str, ...], where: str) -> Mapping[str, Any]:
    """An object all of whose keys are known."""
    if not isinstance(value, Mapping):
        raise Unsupported(f"{where}: {value!r} is not an object")
    for key in value:
        if key not in keys:
            raise Unsupported(f"{where}.{key}: not understood yet")
    return value


def amount_of(value: Any) -> float:
    """A parameter of a model."""
    return number(value, "config model parameter")


def finite(value: Any) -> float | None:
    """A bound; null and infinity are none."""
    bound = math.inf if value is None else amount_of(value)
    return bound if math.isfinite(bound) else None


def either(parts: Mapping[str, Any], *names: str) -> float:
    """The one parameter that goes by several names."""
    found = [parts[name] for name in names if name in parts]
    if len(found) != 1:
        raise KeyError(" or ".join(names))
    return amount_of(found[0])


def close_share(parts: Mapping[str, Any]) -> Model:
    """LEAN's constant slippage: a share of the last price, which is the close of the bar."""
    share = either(parts, "pct", "value")

    def distance(_base: float, _side: int, _quantity: float, _used: float, bar: Any) -> float:
        return float(bar.close) * share

    return slippage.law(distance)


def per_share(parts: Mapping[str, Any]) -> Model:
    """Rate, minimum per order and maximum as a share of the value."""
    scope = parts.get("min_scope", "order")
    if scope not in ("order", "order_cumulative"):
        raise Unsupported(f"config.commission.min_scope: {scope!r}")
    precedence = parts.get("precedence", "max_wins")
    return commission.per_share(parts["cost"], parts.get("min", 0.0), parts.get("max_pct_of_value"), precedence)


def per_contract(parts: Mapping[str, Any]) -> Model:
    """A rate per contract with a minimum, and the exchange's fee once per order."""
    rate = commission.per_contract(parts["cost"])
    if "min" in parts:
        rate = commission.per_share(parts["cost"], parts["min"], None)
    if "exchange_fee" not in parts:
        return rate
    return commission.sum([rate, commission.per_order(parts["exchange_fee"])])


def tiered(parts: Mapping[str, Any]) -> Model:
    """Marginal rates by the shares of the month."""
    only(parts.get("tier_basis"), "monthly shares so far", "config.commission.tier_basis")
    tiers = [(finite(bound), amount_of(rate)) for bound, rate in pairs(parts["tiers"])]
    precedence = parts.get("precedence", "max_wins")
    return commission.tiered(tiers, "quantity", parts.get("min", 0.0), parts.get("max_pct_of_value"), precedence)


def ib_fixed(parts: Mapping[str, Any]) -> Model:
    """LEAN's reading of IBKR's table: the minimum binds after the maximum."""
    if not str(parts.get("precedence", "min_first")).startswith("min_first"):
        raise Unsupported(f"config.commission.precedence: {parts['precedence']!r}")
    rate, minimum = parts["per_share"], parts["min_per_order"]
    return commission.per_share(rate, minimum, finite(parts.get("max_pct_of_value")), "min_wins")


def premium_tiers(parts: Mapping[str, Any]) -> Model:
    """IBKR's options: a rate per contract by the premium, the first tier whose bound it reaches."""
    tiers = [(amount_of(bound), amount_of(rate)) for bound, rate in pairs(parts["tiers"])]
    minimum = amount_of(parts.get("min_per_order", 0.0))

    def fee(quantity: float, value: float) -> float:
        premium = value / quantity
        rate = next(rate for bound, rate in tiers if premium >= bound)
        return max(quantity * rate, minimum)

    return commission.law(fee)


def value_tiers(parts: Mapping[str, Any]) -> Model:
    """A fee by the value of the order, up to the bound of its tier; a share of the value above the last one."""
    tiers = [(amount_of(bound), amount_of(fee)) for bound, fee in pairs(parts["tiers"])]
    above = amount_of(parts["above_pct"])

    def fee(_quantity: float, value: float) -> float:
        return next((fee for bound, fee in tiers if value <= bound), value * above)

    return commission.law(fee)


def fixed_and_share(fixed: float, share: float) -> Model:
    """An amount and a share of the value, of either sign."""

    def fee(_quantity: float, value: float) -> float:
        return fixed + value * share

    if fixed >= 0.0 and 0.0 <= share <= 1.0:
        return commission.fixed_plus_pct(fixed, share)
    return commission.law(fee)


def pairs(tiers: Any) -> list[tuple[Any, Any]]:
    """A list of [bound, rate]."""
    if not isinstance(tiers, list) or not all(isinstance(tier, list) and len(tier) == 2 for tier in tiers):
        raise Unsupported(f"config.commission.tiers: {tiers!r} is not a list of [bound, rate]")
    return [(bound, rate) for bound, rate in tiers]


ModelReader = tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Model]]

SLIPPAGES: Mapping[str, ModelReader] = {
    "none": ((), lambda _: slippage.none()),
    "ticks": (("ticks",), lambda parts: slippage.ticks(parts["ticks"])),
    "fixed": (("value", "amount"), lambda parts: slippage.fixed(either(parts, "value", "amount"))),
    "pct": (("pct", "value"), lambda parts: slippage.bps(either(parts, "pct", "value") * BPS)),
    "perc": (("pct", "value"), lambda parts: slippage.bps(either(parts, "pct", "value") * BPS)),
    "pct_of_close": (("pct", "value"), close_share),
    "fixed_bps": (("bps",), lambda parts: slippage.bps(parts["bps"])),
    "half_spread": (("spread",), lambda parts: slippage.half_spread(amount_of(parts["spread"]))),
    "volume_share": (
        ("price_impact", "volume_limit"),
        lambda parts: slippage.volume_share(parts["price_impact"], finite(parts["volume_limit"])),
    ),
}
COMMISSIONS: Mapping[str, ModelReader] = {
    "none": ((), lambda _: commission.none()),
    "pct": (("pct", "multiplier"), lambda parts: commission.pct(parts["pct"])),
    "pct_min": (("pct", "min_per_order"), lambda parts: commission.pct(parts["pct"], parts["min_per_order"])),
    "per_order": (("cost",), lambda parts: commission.per_order(parts["cost"])),
    "per_unit": (("cost",), lambda parts: commission.per_contract(parts["cost"])),
    "per_contract": (("cost", "exchange_fee", "min"), per_contract),
    "per_dollar": (("cost",), lambda parts: commission.pct(parts["cost"])),
    "per_share": (("cost", "min", "min_scope", "max_pct_of_value", "precedence"), per_share),
    "per_share_tiered": (("tiers", "tier_basis", "min", "max_pct_of_value", "precedence"), tiered),
    "fixed_plus_pct": (
        ("fixed", "cost", "pct"),
        lambda parts: fixed_and_share(either(parts, "fixed", "cost"), amount_of(parts["pct"])),
    ),
    "ib_fixed": (("per_share", "min_per_order", "max_pct_of_value", "precedence"), ib_fixed),
    "ib_option_tier1": (("tiers", "min_per_order"), premium_tiers),
    "maker_taker": (
        ("maker", "taker", "buy_fee_in", "sell_fee_in"),
        lambda parts: commission.maker_taker(parts["maker"], parts["taker"]),
    ),
    "value_tiers": (("tiers", "above_pct"), value_tiers),
}
