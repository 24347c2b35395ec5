"""The `config` of a case as the values of ours: one function per key; a key without a function is not understood."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from admf.cases.profiles import Profile
from admf.cases.unsupported import Unsupported, number, only
from admf.execution import commission, slippage
from admf.models import Model
from admf_kernels import codes
from admf_kernels.codes import Code

UNITS = 1.0  # the lot of a volume cap that is rounded to whole units


@dataclass
class Setup:
    """What a case runs with: keyword arguments of `Execution`, `Account` and `Instrument`, and rules of the reader."""

    profile: Profile
    execution: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    instrument: dict[str, Any] = field(default_factory=dict)
    initial_position: tuple[float, float] | None = None  # signed units, price
    exclusive: bool = False  # a new order closes what is open and cancels what is working
    order_quantity: float = 0.0  # units that all orders of the case ask for

    @property
    def cash(self) -> float:
        """Cash at the start."""
        return float(self.account.get("cash", 100_000.0))


def read_config(config: Mapping[str, Any], profile: Profile, order_quantity: float) -> Setup:
    """The setup of a case; Unsupported names the first key that is not understood."""
    setup = Setup(profile, order_quantity=order_quantity)
    if profile.lot_size is not None:
        setup.instrument["lot_size"] = profile.lot_size
    for key, value in config.items():
        read = OPTIONS.get(key)
        if read is None:
            raise Unsupported(f"config.{key}: not understood yet")
        read(setup, value, f"config.{key}")
    return setup


def word(name: str, code: type[Code]) -> Callable[[Setup, Any, str], None]:
    """A key that is a field of `Execution` with the same words."""

    def read(setup: Setup, value: Any, where: str) -> None:
        if not isinstance(value, str) or value not in code.words():
            raise Unsupported(f"{where}: {value!r} is not an option yet")
        setup.execution[name] = value

    return read


def amount(target: str, name: str) -> Callable[[Setup, Any, str], None]:
    """A key that is a number of the execution, the account or the instrument."""

    def read(setup: Setup, value: Any, where: str) -> None:
        getattr(setup, target)[name] = number(value, where)

    return read


def fixed(allowed: Any) -> Callable[[Setup, Any, str], None]:
    """A key that must have one value."""
    return lambda _setup, value, where: only(value, allowed, where)


def same_as(meanings: Mapping[str, Mapping[str, Any]]) -> Callable[[Setup, Any, str], None]:
    """A key whose words stand for fields of `Execution`."""

    def read(setup: Setup, value: Any, where: str) -> None:
        if value not in meanings:
            raise Unsupported(f"{where}: {value!r} is not an option yet")
        setup.execution |= meanings[value]

    return read


def read_initial_position(setup: Setup, value: Any, where: str) -> None:
    """`{qty, price}`."""
    parts = understood(value, ("qty", "price"), where)
    quantity, price = number(parts.get("qty"), f"{where}.qty"), number(parts.get("price"), f"{where}.price")
    if quantity:
        setup.initial_position = quantity, price


def read_spread(setup: Setup, value: Any, where: str) -> None:
    """A share of the price that entries pay alone."""
    spread = number(value, where)
    if not spread:
        return
    rules = setup.profile.rules()
    if "slippage" in setup.execution:
        raise Unsupported(f"{where}: beside a slippage model")
    setup.execution |= {"slippage": slippage.bps(spread * 1e4), "slip_on": (*rules.slip_on, "opening_only")}


def read_exclusive(setup: Setup, value: Any, _where: str) -> None:
    """A new order closes what is open and cancels what is working."""
    setup.exclusive = bool(value)


def read_volume_cap(setup: Setup, value: Any, where: str) -> None:
    """`{mode: shared|per_order|none, fraction, rounding, min_remaining}`."""
    parts = understood(value, ("mode", "fraction", "rounding", "decimals", "min_remaining"), where)
    scope = {"shared": "bar_shared", "per_order": "per_order", "none": None}.get(str(parts.get("mode")), "")
    if scope == "":
        raise Unsupported(f"{where}.mode: {parts.get('mode')!r} is not an option yet")
    if scope is None:
        setup.execution["volume_limit"] = None
        return
    if parts.get("rounding") not in ("int", "floor") or parts.get("decimals", 0) != 0:
        raise Unsupported(f"{where}: rounding {parts.get('rounding')!r}, decimals {parts.get('decimals')!r}")
    setup.execution |= {"volume_limit": number(parts.get("fraction"), where), "volume_scope": scope}
    setup.execution["min_fill"] = number(parts.get("min_remaining", 0.0), where)
    setup.instrument["lot_size"] = UNITS


def read_slippage(setup: Setup, value: Any, where: str) -> None:
    """`{model, …}`; `clamp` and `limit_guard` are rules of ours beside the model."""
    model, parts = model_of(value, where)
    parts = dict(parts)
    if "clamp" in parts:
        only(parts.pop("clamp"), "none", f"{where}.clamp")
        setup.execution["clamp"] = "none"
    guard = parts.pop("limit_guard", "none")
    if guard == "no_fill_if_worse_than_limit":
        setup.execution |= {"clamp": "limit", "clamp_fail": "skip_bar"}
    elif guard != "none":
        raise Unsupported(f"{where}.limit_guard: {guard!r}")
    if "slippage" in setup.execution:
        raise Unsupported(f"{where}: beside a spread")
    setup.execution["slippage"] = build(SLIPPAGES, model, parts, where)


def read_commission(setup: Setup, value: Any, where: str) -> None:
    """`{model, …}`, percentages as fractions."""
    model, parts = model_of(value, where)
    if model == "per_share_tiered":
        model, parts = "per_share", first_tier(parts, setup.order_quantity, where)
    setup.execution["commission"] = build(COMMISSIONS, model, parts, where)


def first_tier(parts: Mapping[str, Any], order_quantity: float, where: str) -> Mapping[str, Any]:
    """A tiered rate as a flat one, where the orders of the case cannot leave the first tier."""
    only(parts.get("tier_basis"), "monthly shares so far", f"{where}.tier_basis")
    tiers = parts.get("tiers")
    if not isinstance(tiers, list) or not tiers or not isinstance(tiers[0], list) or len(tiers[0]) != 2:
        raise Unsupported(f"{where}.tiers: {tiers!r} is not a list of [bound, rate]")
    bound, rate = tiers[0]
    if not order_quantity <= number(bound, where):
        raise Unsupported(f"{where}.tiers: {order_quantity:g} units leave the first tier")
    return {**{key: value for key, value in parts.items() if key not in ("tiers", "tier_basis")}, "cost": rate}


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
    understood(parts, keys, f"{where} {model}")
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


def per_share(parts: Mapping[str, Any]) -> Model:
    """Rate, minimum per order and maximum as a share of the value."""
    minimum_scope = parts.get("min_scope", "order")
    if minimum_scope not in ("order", "order_cumulative"):
        raise Unsupported(f"config.commission.min_scope: {minimum_scope!r}")
    return commission.per_share(
        parts["cost"], parts.get("min", 0.0), parts.get("max_pct_of_value"), parts.get("precedence", "max_wins")
    )


def share(value: Any) -> float:
    """A maximum share of the volume; ours needs one."""
    amount = number(value, "config.slippage.volume_limit")
    if not math.isfinite(amount):
        raise Unsupported("config.slippage.volume_limit: without a maximum share")
    return amount


def amount_of(value: Any) -> float:
    """A parameter of a model."""
    return number(value, "config model parameter")


ModelReader = tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Model]]

SLIPPAGES: Mapping[str, ModelReader] = {
    "none": ((), lambda _: slippage.none()),
    "ticks": (("ticks",), lambda parts: slippage.ticks(parts["ticks"])),
    "fixed_bps": (("bps",), lambda parts: slippage.bps(parts["bps"])),
    "half_spread": (("spread",), lambda parts: slippage.fixed(amount_of(parts["spread"]) / 2.0)),
    "volume_share": (
        ("price_impact", "volume_limit"),
        lambda parts: slippage.volume_share(parts["price_impact"], share(parts["volume_limit"])),
    ),
}
COMMISSIONS: Mapping[str, ModelReader] = {
    "none": ((), lambda _: commission.none()),
    "pct": (("pct",), lambda parts: commission.bps(amount_of(parts["pct"]) * 1e4)),
    "per_order": (("cost",), lambda parts: commission.per_order(parts["cost"])),
    "per_share": (("cost", "min", "min_scope", "max_pct_of_value", "precedence"), per_share),
}
OPTIONS: Mapping[str, Callable[[Setup, Any, str], None]] = {
    "path": word("path", codes.Path),
    "market_fill": word("market_fill", codes.MarketFill),
    "price_ref": word("price_ref", codes.PriceReference),
    "limit_trigger": word("limit_trigger", codes.LimitTrigger),
    "limit_through_ticks": amount("execution", "limit_through_ticks"),
    "limit_gap": word("limit_gap", codes.LimitGap),
    "stop_trigger": word("stop_trigger", codes.StopTrigger),
    "stop_gap": word("stop_gap", codes.StopGap),
    "stop_limit": word("stop_limit", codes.StopLimitRule),
    "tick_size": amount("instrument", "tick_size"),
    "size_increment": amount("instrument", "lot_size"),
    "multiplier": amount("instrument", "multiplier"),
    "cash": amount("account", "cash"),
    "leverage": fixed(1.0),
    "margin": fixed(1.0),
    "cash_check": same_as({"fill_only": {"cash_submit": "none"}}),
    "on_insufficient": same_as({"skip_and_retry": {"cash_fill": "skip_and_retry"}}),
    "bar_frequency": same_as({"minute": {}, "trade": {}}),  # a daily bar ends its DAY orders itself, not the next bar
    "initial_position": read_initial_position,
    "slippage": read_slippage,
    "commission": read_commission,
    "volume_cap": read_volume_cap,
    "spread": read_spread,
    "exclusive_orders": read_exclusive,
    "hedging": fixed(allowed=False),
    "finalize_trades": fixed(allowed=False),
    "child_activation": fixed("same_bar"),
}
