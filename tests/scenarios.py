"""Hypothesis-made cases: small markets full of trouble, orders of every kind, rules in every combination."""

from typing import Any

import numba
from hypothesis import settings
from hypothesis import strategies as st

import admf
from admf_kernels import codes
from paths_support import Case

TICK = 0.5
PRICES = st.integers(14, 26).map(lambda ticks: ticks * TICK)  # a narrow grid: ties, touches and gaps are common
OFF_GRID = st.floats(7.0, 13.0, allow_nan=False).map(lambda price: round(price, 3))
SHARES = (0.1, 0.25, 0.5, 1.0)
LIMITS = ("limit", "stop_limit", "limit_if_touched", "limit_on_open", "limit_on_close")
STOPS = ("stop", "stop_limit", "market_if_touched", "limit_if_touched")


def examples(count: int) -> int:
    """Examples of a test on cases: `count`, half of it un-jitted, ten times as many with HYPOTHESIS_PROFILE=deep."""
    if numba.config.DISABLE_JIT:
        count //= 2
    return count * 10 if settings.get_current_profile_name() == "deep" else count


@st.composite
def bar_rows(draw: st.DrawFn, on_grid: bool, holes: bool) -> tuple[float, ...]:
    """One bar: mostly valid, sometimes flat, without volume, or broken."""
    price = PRICES if on_grid else OFF_GRID
    open_, close, first, second = (draw(price) for _ in range(4))
    low, high = min(open_, close, first), max(open_, close, second)
    volume = draw(st.sampled_from([0.0, 5.0, 12.0, 40.0, 1000.0, 1000.0, 1000.0, -3.0, float("nan")]))
    kind = draw(st.integers(0, 19))
    if kind == 0:
        low, high = high, low  # broken unless flat
    elif kind == 1 and holes:
        close = float("nan")
    elif kind == 2:
        open_ = low = high = close
    return open_, high, low, close, volume


def vwaps(bar: tuple[float, ...]) -> st.SearchStrategy[float]:
    """Inside the bar, outside it, or missing."""
    return st.sampled_from([(bar[0] + bar[3]) / 2.0, bar[1] + 1.0, float("nan")])


def order_types(dated: bool) -> st.SearchStrategy[str]:
    """The common ones more often; on-open and on-close types need sessions."""
    rare = ["market_if_touched", "limit_if_touched", "trailing_stop", "trailing_stop_limit"]
    rare += ["market_on_open", "limit_on_open", "market_on_close", "limit_on_close"] * dated
    return st.sampled_from(["market", "limit", "stop", "stop_limit", "limit", "stop"] * 2 + rare)


@st.composite
def trails(draw: st.DrawFn, kind: str, *, lone: bool) -> dict[str, Any]:
    """The columns of a trailing order; now and then none."""
    row: dict[str, Any] = {}
    if draw(st.integers(0, 2)):
        row["trail_amount"] = draw(st.sampled_from([0.5, 1.0, 1.5, 2.0, 0.7]))
    elif draw(st.integers(0, 9)):
        row["trail_percent"] = draw(st.sampled_from([5.0, 10.0, 20.0]))
    if draw(st.integers(0, 2)) == 0:
        row["trail_activation_offset"] = draw(st.sampled_from([0.0, 0.5, 1.5]))
    if kind == "trailing_stop_limit":
        row["limit_offset"] = draw(st.sampled_from([0.0, 0.5, 1.0]))
    if lone and draw(st.integers(0, 3)) == 0:
        row["stop_price"] = draw(PRICES)
    return row


@st.composite
def order_rows(draw: st.DrawFn, index: int, bars: int, dated: bool, symbols: int) -> dict[str, Any]:
    """One row of the orders table; now and then one that will be rejected."""
    row: dict[str, Any] = {"id": f"o{index}", "bar": draw(st.integers(-1, bars - 1))}
    row["symbol"] = f"S{draw(st.integers(0, symbols - 1))}"
    row["side"] = draw(st.sampled_from(["buy", "sell"]))
    row["type"] = draw(order_types(dated))
    if draw(st.integers(0, 5)) == 0:
        row["size_kind"] = draw(st.sampled_from(["value", "equity_fraction", "cash_fraction"]))
        row["size"] = draw(st.sampled_from([0.3, 1.0])) * (500.0 if row["size_kind"] == "value" else 1.0)
    else:
        row["quantity"] = draw(st.sampled_from([1.0, 2.5, 3.0, 10.0, 10.0, 40.0, 120.0, 0.004, -1.0]))
    if row["type"] in LIMITS and draw(st.integers(0, 19)):
        row["limit_price"] = draw(st.one_of(PRICES, OFF_GRID))
    if row["type"] in STOPS:
        row["stop_price"] = draw(st.one_of(PRICES, OFF_GRID))
    if row["type"].startswith("trailing"):
        row |= draw(trails(row["type"], lone=True))
    if draw(st.integers(0, 9)) == 0:
        row["post_only"] = True
    row["time_in_force"] = draw(st.sampled_from(["gtc", "gtc", "gtc", "ioc", "fok", "gtd", "gtb", *(["day"] * dated)]))
    if row["time_in_force"] == "gtd":
        row["expires_bar"] = draw(st.integers(max(row["bar"], 0), bars - 1))
    if row["time_in_force"] == "gtb":
        row["expires_after_bars"] = draw(st.integers(1, 3))
    row["reduce_only"] = draw(st.integers(0, 4)) == 0
    linked = draw(st.integers(0, 3))
    if index and linked == 0:
        row["parent"] = f"o{draw(st.integers(0, index - 1))}"
        row["side"] = draw(st.sampled_from(["buy", "sell"]))
        if "size_kind" in row or draw(st.booleans()):
            row.pop("quantity", None)
            row.pop("size_kind", None)
            row.pop("size", None)
    if draw(st.integers(0, 3)) == 0:
        row["oco"] = draw(st.sampled_from(["a", "b"]))
        row["oco_reduce"] = draw(st.booleans())
    if draw(st.integers(0, 5)) == 0:
        row["cancel_bar"] = draw(st.integers(max(row["bar"], 0), bars - 1))
    if draw(st.integers(0, 4)) == 0:
        row["replace_bar"] = draw(st.integers(max(row["bar"], 0), bars - 1))
        own = [f"replace_{name}" for name in ("limit_price", "stop_price") if name in row]
        name = draw(st.sampled_from(["replace_quantity", *own]))
        row[name] = draw(st.sampled_from([1.0, 8.0, 10.0, 12.0]))
    return row


@st.composite
def brackets(draw: st.DrawFn, index: int, bars: int, symbols: int) -> list[dict[str, Any]]:
    """An entry with a stop and a target around it, the commonest linked orders."""
    side, other = draw(st.sampled_from([("buy", "sell"), ("sell", "buy")]))
    sign = 1.0 if side == "buy" else -1.0
    bar, price = draw(st.integers(-1, bars - 2)), draw(PRICES)
    quantity = draw(st.sampled_from([3.0, 10.0]))
    symbol = f"S{draw(st.integers(0, symbols - 1))}"
    entry: dict[str, Any] = {"id": f"o{index}", "bar": bar, "side": side, "quantity": quantity, "symbol": symbol}
    common_types, rare = ["market", "limit", "stop", "stop_limit"], ["market_if_touched", "limit_if_touched"]
    entry["type"] = draw(st.sampled_from([*common_types, *common_types, *rare]))
    if entry["type"] in LIMITS:
        entry["limit_price"] = price + draw(st.sampled_from([-1.0, 0.0, 1.0]))
    if entry["type"] in STOPS:
        entry["stop_price"] = price
    exits = []
    if draw(st.integers(0, 4)):
        stop = price - sign * TICK * draw(st.integers(-1, 4))
        exits.append({"type": "stop", "stop_price": stop})
    if draw(st.integers(0, 2)) == 0:
        exits.append({"type": "trailing_stop", **draw(trails("trailing_stop", lone=False))})
    if draw(st.integers(0, 4)):
        target = price + sign * TICK * draw(st.integers(-1, 4))
        exits.append({"type": "limit", "limit_price": target})
    if draw(st.booleans()):
        exits.reverse()
    group = {"oco": f"pair{index}"} if draw(st.booleans()) else {}
    rest = draw(st.integers(0, 1)) * (len(exits) > 1)
    common = {"side": other, "bar": bar, "parent": f"o{index}", "symbol": symbol}
    for place, exit_ in enumerate(exits):
        exit_ |= common | group | {"id": f"o{index + 1 + place}"}
        if rest:
            exit_["quantity"] = quantity / 2.0
    return [entry, *exits]


@st.composite
def executions(draw: st.DrawFn, ticks: bool, volume: bool, dated: bool) -> dict[str, Any]:
    """Rules: each the default half of the time."""
    rules: dict[str, Any] = {}
    words = {
        "path": codes.Path, "market_fill": codes.MarketFill, "price_ref": codes.PriceReference,
        "limit_trigger": codes.LimitTrigger, "limit_gap": codes.LimitGap, "stop_trigger": codes.StopTrigger,
        "stop_gap": codes.StopGap, "stop_limit": codes.StopLimitRule, "clamp": codes.Clamp,
        "clamp_fail": codes.ClampFail, "volume_basis": codes.VolumeBasis, "volume_scope": codes.VolumeScope,
        "remainder": codes.Remainder, "cash_submit": codes.CashSubmit, "cash_fill": codes.CashFill,
        "short": codes.Short, "last_bar": codes.LastBar, "stop_limit_trigger": codes.StopLimitTrigger,
        "limit_at_open": codes.LimitAtOpen, "stop_latch": codes.StopLatch, "trail_ref": codes.TrailReference,
        "trail_eval": codes.TrailEval, "trail_fill": codes.TrailFill, "entry_bar_exits": codes.EntryBarExits,
        "child_activation": codes.ChildActivation, "conflict": codes.Conflict,
    }  # fmt: skip
    for name, kind in words.items():
        if draw(st.integers(0, 2)) == 0:
            rules[name] = draw(st.sampled_from(kind.words()))
    if rules.get("path") in ("ohlc", "olhc", "adaptive", "candle"):
        rules["points_only"] = draw(st.booleans())
    if draw(st.integers(0, 4)) == 0 and rules.get("market_fill") != "same_close":
        rules["latency_bars"] = draw(st.integers(1, 2))
    rules["bad_bar"] = draw(st.sampled_from(["skip", "skip", "none"]))
    rules["limit_through_ticks"] = draw(st.sampled_from([0.0, 1.0, 1.0, 2.0]))
    rules["slip_on"] = draw(st.lists(st.sampled_from(codes.SlipOn.words()), unique=True).map(tuple))
    if volume and draw(st.booleans()):
        rules["volume_limit"] = draw(st.sampled_from(SHARES))
        rules["volume_window"] = draw(st.sampled_from([1, 2, 20]))
    else:
        rules = {name: word for name, word in rules.items() if not name.startswith("volume")}
    rules["min_fill"] = draw(st.sampled_from([0.0, 0.0, 2.0]))
    rules["slippage"] = draw(st.sampled_from(slippage_models(ticks, volume)))
    rules["commission"] = draw(commissions(dated))
    return rules


def slippage_models(ticks: bool, volume: bool) -> list[admf.models.Model]:
    """Models that the data supports."""
    made = admf.slippage
    models = [made.none(), made.fixed(0.3), made.bps(40.0), made.half_spread(0.2), made.half_spread(30.0, "bps")]
    models += [made.range(0.15), made.random(80.0, seed=7), made.random(20.0, seed=2**53)]
    models += [made.ticks(1.0)] * ticks
    if volume:
        models += [made.volume_share(0.5, 0.4), made.volume_share(0.05, None)]
        models += [made.power(0.5, window=3), made.power(2.0, 1.0, window=20)]
    return models


def commission_models(dated: bool) -> tuple[list[admf.models.Model], list[admf.models.Model]]:
    """Simple and tiered ones; the fills of a case cross the bounds of the tiers, its days those of the rates."""
    made = admf.commission
    tiers = ((5.0, 0.3), (12.0, 0.1), (None, 0.02))
    simple = [
        made.none(),
        made.bps(10.0, minimum=0.5),
        made.pct(0.002, minimum=0.4),
        made.per_order(2.0),
        made.per_contract(0.07),
        made.fixed_plus_pct(0.5, 0.001),
        made.maker_taker(-0.002, 0.003),
        made.per_share(0.05, minimum=1.0, maximum_pct=0.01),
        made.per_share(0.05, minimum=1.0, maximum_pct=0.01, precedence="min_wins"),
        made.sale_value(0.001),
        made.sale_shares([(None, 0.1, 0.5)]),
    ]
    if dated:
        simple.append(made.sale_value([("2023-11-16", 0.001), ("2023-11-18", 0.003)]))
        simple.append(made.sale_shares([(None, 0.1, 0.5), ("2023-11-17", 0.2)]))
    tiered = [
        made.tiered(tiers),
        made.tiered(tiers, minimum=1.0, maximum_pct=0.01),
        made.tiered(((60.0, 0.02), (None, 0.001)), "value", 0.3, 0.01, "min_wins"),
    ]
    return simple, tiered


@st.composite
def commissions(draw: st.DrawFn, dated: bool) -> admf.models.Model:
    """One model, or a sum of some."""
    simple, tiered = commission_models(dated)
    if draw(st.integers(0, 2)):
        return draw(st.sampled_from(simple + tiered))
    parts = draw(st.lists(st.sampled_from(simple), min_size=1, max_size=3))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from(tiered)))
    return admf.commission.sum(parts)


def maintenances(account: dict[str, Any], short: str) -> st.SearchStrategy[float | None]:
    """None, or a ratio up to the initial one."""
    if account["leverage"] == 1.0 and short == "proceeds_as_cash":
        return st.none()
    initial = 1.0 / account["leverage"] if account["leverage"] > 1.0 else account["margin_initial"]
    return st.sampled_from([None, None, 0.5 * initial, 0.8 * initial, initial])


@st.composite
def cases(draw: st.DrawFn, bars_max: int = 12) -> Case:
    """A whole case."""
    on_grid, ticks, volume = draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 3)) > 0
    symbols = draw(st.sampled_from([1, 1, 1, 2]))
    count = draw(st.integers(3, bars_max))
    bars_per_day = draw(st.sampled_from([0, 1, 3]))
    execution = draw(executions(ticks, volume, bars_per_day > 0))
    row = bar_rows(on_grid, execution["bad_bar"] == "skip")  # what is matched as it stands has numbers
    bars = [draw(st.lists(row, min_size=count, max_size=count)) for _ in range(symbols)]
    if execution.get("market_fill") == "next_vwap":
        bars = [[(*bar, draw(vwaps(bar))) for bar in symbol_bars] for symbol_bars in bars]
    orders: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            orders += draw(brackets(len(orders), count, symbols))
        else:
            orders.append(draw(order_rows(len(orders), count, bars_per_day > 0, symbols)))
    account: dict[str, Any] = {"cash": draw(st.sampled_from([100.0, 1_000.0, 100_000.0]))}
    account["margin_initial"] = draw(st.sampled_from([1.0, 1.0, 0.5]))
    account["leverage"] = draw(st.sampled_from([1.0, 1.0, 1.0, 4.0]))
    account["margin_maintenance"] = draw(maintenances(account, execution.get("short", "margin")))
    if account["margin_maintenance"] is not None and draw(st.booleans()):
        account["cash"] = 100.0
        execution |= {"cash_submit": "none", "cash_fill": "none"}  # more than the account can carry
    if draw(st.integers(0, 3)) == 0:
        account["positions"] = {"S0": (draw(st.sampled_from([5.0, -5.0, 20.0])), 10.0)}
    instrument: dict[str, Any] = {"tick_size": TICK if ticks else None}
    instrument["lot_size"] = draw(st.sampled_from([None, None, 1.0, 0.1]))
    instrument["multiplier"] = draw(st.sampled_from([1.0, 1.0, 5.0]))
    return Case(
        bars=bars,
        orders=orders,
        execution=execution,
        account=account,
        instrument=instrument,
        bars_per_day=bars_per_day,
        has_volume=volume,
        close_positions=draw(st.booleans()),
    )
