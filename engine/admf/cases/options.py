"""The `config` of a case as the values of ours: one function per key; a key without a function is not understood."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from admf.cases.models import COMMISSIONS, SLIPPAGES, amount_of, build, model_of, understood
from admf.cases.profiles import PROFILES, Front, Profile
from admf.cases.unsupported import Unsupported, number, only
from admf.execution import Execution, slippage
from admf_kernels import codes
from admf_kernels.codes import Code

UNITS = 1.0  # the lot of a volume cap that is rounded to whole units
INSIDE_ONLY = "inside_only"


@dataclass
class Setup:
    """What a case runs with: keyword arguments of `Execution`, `Account` and `Instrument`, and rules of the reader."""

    profile: Profile
    execution: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    instrument: dict[str, Any] = field(default_factory=dict)
    initial_position: tuple[float, float] | None = None  # signed units, price
    exclusive: bool = False  # a new order closes what is open and cancels what is working
    hedging: bool = False  # orders of the other side open trades of their own
    finalize: bool = False  # the last bar is played again, with what is open being closed
    bar_frequency: str | None = None
    session_opens: list[int] | None = None  # bars
    session_closes: list[int] | None = None
    fixed_cap: float | None = None  # units an order may fill in a bar
    point_cap: tuple[float, float] | None = None  # smallest move, share: see fronts.backtrader
    used_volume: float = 0.0  # units that others took from each bar before
    exit_price: str = "stoplimit"  # vectorbt's stop_exit_price
    price_of_close: float = 1.0  # vectorbt: orders are placed at this multiple of the close
    rounds_prices: bool = False  # order prices as zipline rounds them
    fee_in_base: tuple[str, ...] = ()  # sides whose fee is paid in the traded unit
    cash_account: bool = False  # nautilus: an account that pays for what it holds, not one that books results alone
    short_is_cash: bool = True  # the cash that is reported has the proceeds of shorts in it
    contract_margin: float | None = None  # money held back per contract; profits are booked daily

    @property
    def cash(self) -> float:
        """Cash at the start."""
        return float(self.account.get("cash", 100_000.0))

    def rules(self) -> Execution:
        """The rules of the case."""
        return self.profile.rules().replace(**self.execution)


def read_config(config: Mapping[str, Any], profile: Profile) -> Setup:
    """The setup of a case; Unsupported names the first key that is not understood."""
    fill_model = config.get("fill_model")
    if fill_model not in (None, "EquityFillModel"):
        profile = PROFILES["LEAN-base"]
    setup = Setup(profile)
    if profile.lot_size is not None:
        setup.instrument["lot_size"] = profile.lot_size
    for key, value in config.items():
        read = OPTIONS.get(key)
        if read is None:
            raise Unsupported(f"config.{key}: not understood yet")
        read(setup, value, f"config.{key}")
    return setup


Reader = Callable[[Setup, Any, str], None]


def word(name: str, code: type[Code], others: Mapping[str, str] | None = None) -> Reader:
    """A key that is a field of `Execution` with the same words; `others` are the case files' own."""

    def read(setup: Setup, value: Any, where: str) -> None:
        found = str(value).lower().partition(" ")[0]
        found = (others or {}).get(found, found)
        if found not in code.words():
            raise Unsupported(f"{where}: {value!r} is not an option yet")
        setup.execution[name] = found

    return read


def amount(target: str, name: str) -> Reader:
    """A key that is a number of the execution, the account or the instrument."""

    def read(setup: Setup, value: Any, where: str) -> None:
        getattr(setup, target)[name] = number(value, where)

    return read


def plain(name: str) -> Reader:
    """A key that is a field of the setup as it stands."""
    return lambda setup, value, _where: setattr(setup, name, value)


def idle(*prefixes: str) -> Reader:
    """A key that repeats what the profile does already; `prefixes` are how its words may begin, none: any."""

    def read(_setup: Setup, value: Any, where: str) -> None:
        if prefixes and not str(value).lower().startswith(prefixes):
            raise Unsupported(f"{where}: {value!r} is not an option yet")

    return read


def same_as(meanings: Mapping[str, Mapping[str, Any]]) -> Reader:
    """A key whose words stand for fields of `Execution`."""

    def read(setup: Setup, value: Any, where: str) -> None:
        for beginning, fields in meanings.items():
            if str(value).lower().startswith(beginning):
                setup.execution |= fields
                return
        raise Unsupported(f"{where}: {value!r} is not an option yet")

    return read


def read_initial_position(setup: Setup, value: Any, where: str) -> None:
    """`{qty, price}`."""
    parts = understood(value, ("qty", "price"), where)
    quantity, price = number(parts.get("qty"), f"{where}.qty"), number(parts.get("price"), f"{where}.price")
    if quantity:
        setup.initial_position = quantity, price


def read_margin(setup: Setup, value: Any, where: str) -> None:
    """The share of a position's value that must be there: the inverse of the leverage."""
    setup.account["leverage"] = 1.0 / number(value, where)


def read_spread(setup: Setup, value: Any, where: str) -> None:
    """A share of the price that entries pay alone."""
    spread = number(value, where)
    if not spread:
        return
    if "slippage" in setup.execution:
        raise Unsupported(f"{where}: beside a slippage model")
    slip_on = setup.profile.rules().slip_on
    setup.execution |= {"slippage": slippage.bps(spread * 1e4), "slip_on": tuple({*slip_on, "opening_only"})}


def require_front(setup: Setup, front: Front, where: str) -> None:
    """A key that one engine alone has."""
    if setup.profile.front != front:
        raise Unsupported(f"{where}: not understood for this profile")


def read_short_cash(setup: Setup, value: Any, _where: str) -> None:
    """Whether proceeds of a short are cash; without it a short costs its value."""
    if not value:
        setup.short_is_cash = False
        setup.execution["short"] = "margin"
        setup.account["margin_initial"] = 1.0


def read_account(setup: Setup, value: Any, where: str) -> None:
    """`cash` or `margin`."""
    require_front(setup, "nautilus", where)
    if value not in ("cash", "margin"):
        raise Unsupported(f"{where}: {value!r} is not an option yet")
    setup.cash_account = value == "cash"


def read_volume_cap(setup: Setup, value: Any, where: str) -> None:
    """`{mode: shared|per_order|bar_point|none, fraction, fixed, rounding, decimals, min_remaining, minmov}`."""
    keys = ("mode", "fraction", "fixed", "rounding", "decimals", "min_remaining", "minmov")
    parts = understood(value, keys, where)
    mode = str(parts.get("mode"))
    if mode == "none":
        setup.execution["volume_limit"] = None
        return
    setup.instrument["lot_size"] = UNITS / 10 ** int(parts.get("decimals", 0))
    setup.execution["volume_scope"] = "bar_shared" if mode == "shared" else "per_order"
    if mode == "bar_point":
        setup.point_cap = amount_of(parts.get("minmov")), amount_of(parts.get("fraction", 1.0))
    elif "fixed" in parts:
        setup.fixed_cap = amount_of(parts["fixed"])
    elif mode not in ("shared", "per_order") or parts.get("rounding") not in ("int", "floor"):
        raise Unsupported(f"{where}: mode {mode!r}, rounding {parts.get('rounding')!r}")
    setup.execution["volume_limit"] = 1.0
    if "fixed" not in parts and mode != "bar_point":
        setup.execution["volume_limit"] = number(parts.get("fraction"), where)
    setup.execution["min_fill"] = number(parts.get("min_remaining", 0.0), where)


def read_slippage(setup: Setup, value: Any, where: str) -> None:
    """`{model, …}`; some parts are rules of ours beside the model."""
    model, given = model_of(value, where)
    parts = dict(given)
    clamp = parts.pop("clamp", None)
    if clamp is not None:
        only(clamp, "none", f"{where}.clamp")
        setup.execution["clamp"] = "none"
    guard = parts.pop("limit_guard", "none")
    if guard == "no_fill_if_worse_than_limit":
        setup.execution |= {"clamp": "limit", "clamp_fail": "skip_bar"}
    elif guard != "none":
        raise Unsupported(f"{where}.limit_guard: {guard!r}")
    if "slippage" in setup.execution:
        raise Unsupported(f"{where}: beside a spread")
    if "applies_to" in parts:
        setup.execution["slip_on"] = tuple(parts.pop("applies_to"))
    read_matching(setup, parts)
    if model == "pct" and setup.profile.slippage_of_close:
        model = "pct_of_close"
    setup.execution["slippage"] = build(SLIPPAGES, model, parts, where)


def read_matching(setup: Setup, parts: dict[str, Any]) -> None:
    """The `slip_open slip_limit slip_match slip_out` of backtrader: what slips, and what keeps it inside the bar."""
    if "slip_match" not in parts:
        return
    flags = {name: bool(parts.pop(f"slip_{name}", True)) for name in ("open", "limit", "match", "out")}
    if flags["match"] and flags["out"]:
        setup.execution["clamp"] = "none"
    elif not flags["match"]:  # slip_out changes nothing then: a price outside is no price
        setup.execution |= {"clamp": "bar", "clamp_fail": "skip_bar"}
    if not flags["open"]:
        setup.execution["slip_on"] = ("stop", INSIDE_ONLY)


def read_commission(setup: Setup, value: Any, where: str) -> None:
    """`{model, …}`, percentages as fractions."""
    model, parts = model_of(value, where)
    if "multiplier" in parts:
        setup.instrument["multiplier"] = amount_of(parts["multiplier"])
    setup.fee_in_base = tuple(side for side in ("buy", "sell") if parts.get(f"{side}_fee_in") == "base")
    setup.execution["commission"] = build(COMMISSIONS, model, parts, where)


def read_exit_price(setup: Setup, value: Any, where: str) -> None:
    """The stop_exit_price of vectorbt; a stop at its level as a limit does not slip."""
    require_front(setup, "vectorbt", where)
    setup.exit_price = str(value).lower().partition("(")[0]
    if setup.exit_price not in ("stoplimit", "stopmarket", "close", "price"):
        raise Unsupported(f"{where}: {value!r} is not an option yet")
    if setup.exit_price == "stoplimit":
        setup.execution["slip_on"] = ("market",)


def read_rounding(setup: Setup, value: Any, where: str) -> None:
    """The rounding of order prices in zipline."""
    only(value, "asymmetric_95", where)
    setup.rounds_prices = True


FILL_WORDS = {"current_price": "same_close"}
STOP_LIMIT_WORDS = {"close_check_after_trigger": "close_test"}
PATH_WORDS = {"adaptive_open_proximity": "adaptive"}

OPTIONS: Mapping[str, Reader] = {
    "path": word("path", codes.Path, PATH_WORDS),
    "market_fill": word("market_fill", codes.MarketFill, FILL_WORDS),
    "price_ref": word("price_ref", codes.PriceReference),
    "limit_trigger": word("limit_trigger", codes.LimitTrigger),
    "limit_through_ticks": amount("execution", "limit_through_ticks"),
    "limit_gap": word("limit_gap", codes.LimitGap),
    "limit_price": same_as(
        {
            "limit_or_better_open": {"limit_gap": "open"},
            "limit": {"limit_gap": "limit", "limit_at_open": "trigger"},
            "worse_of(limit, far bar extreme)": {"limit_gap": "far_extreme"},
        }
    ),
    "take_profit_price": same_as({"level_exact_even_on_gap": {"limit_gap": "limit"}}),
    "stop_trigger": word("stop_trigger", codes.StopTrigger),
    "stop_gap": word("stop_gap", codes.StopGap),
    "stop_price": same_as(
        {
            "stop_or_worse_open": {"stop_gap": "open"},
            "worse_of(stop, close)": {"stop_gap": "worse_of_stop_and_close"},
            "open_if_gap_at_open_else_trigger": {"stop_gap": "open"},
            "trigger": {"stop_gap": "stop"},
        }
    ),
    "stop_limit": word("stop_limit", codes.StopLimitRule, STOP_LIMIT_WORDS),
    "trail": idle("high_low_after_check"),
    "child_activation": word("child_activation", codes.ChildActivation),
    "tick_size": amount("instrument", "tick_size"),
    "size_increment": amount("instrument", "lot_size"),
    "multiplier": amount("instrument", "multiplier"),
    "cash": amount("account", "cash"),
    "leverage": amount("account", "leverage"),
    "margin": read_margin,
    "margin_per_contract": plain("contract_margin"),
    "account": read_account,
    "shortcash": read_short_cash,
    "cash_check": same_as({"fill_only": {"cash_submit": "none"}, "submit_and_fill": {}}),
    "on_insufficient": same_as({"skip_and_retry": {"cash_fill": "skip_and_retry"}}),
    "cash_tolerance": idle(),
    "bar_frequency": plain("bar_frequency"),
    "bar_minutes": idle(),
    "session_open_bars": plain("session_opens"),
    "session_close_bars": plain("session_closes"),
    "fill_model": idle("equityfillmodel", "fillmodel"),
    "volume_model": idle("quarter_of_bar_volume_per_path_point_then_one_tick_slip"),
    "initial_position": read_initial_position,
    "slippage": read_slippage,
    "commission": read_commission,
    "volume_cap": read_volume_cap,
    "volume_used_before": lambda setup, value, where: setattr(setup, "used_volume", number(value, where)),
    "spread": read_spread,
    "exclusive_orders": plain("exclusive"),
    "hedging": plain("hedging"),
    "finalize_trades": plain("finalize"),
    "stop_exit_price": read_exit_price,
    "stop_entry_price": idle("close"),
    "price_of_close": plain("price_of_close"),
    "bracket": idle("sl_first"),
    "price_rounding": read_rounding,
    "note": idle(),
}
