"""Random cases larger and denser than those of `scenarios`: every option and order type, dozens of orders at work.

A case is a function of its seed alone. What the door would refuse (crossed brackets, contradictions) is not drawn;
what is an order's own fault is.
"""

from random import Random
from typing import Any

import admf
from admf.execution.presets import PRESETS
from admf.models import Flag, Flags, Word
from admf_kernels.codes import OrderType, SizeKind, TimeInForce
from paths_support import Case, Row
from scenarios import LIMITS, STOPS, TICK, commission_models, slippage_models

Rules = dict[str, Any]
NUMBERS = {
    "limit_through_ticks": (0.0, 1.0, 2.0),
    "latency_bars": (0, 0, 0, 1, 2),
    "volume_limit": (None, 0.1, 0.25, 0.5, 1.0),
    "volume_window": (1, 2, 20),
    "min_fill": (0.0, 0.0, 2.0),
}
WALKED = ("ohlc", "olhc", "adaptive", "candle")
AVERAGES = ("next_typical", "next_ohlc4", "next_mid", "next_vwap")
TRAILS = ("trailing_stop", "trailing_stop_limit")
SESSION_TYPES = ("market_on_open", "limit_on_open", "market_on_close", "limit_on_close")
COMMON = ("market", "limit", "limit", "stop", "stop_limit")
BASE = 20.0  # where prices begin, and what levels are drawn around
NAN = float("nan")


def make_case(seed: str) -> Case:
    """The case of a seed."""
    rng = Random(seed)
    dated, ticks, volume = rng.random() < 0.6, rng.random() < 0.6, rng.random() < 0.8
    symbols = rng.choice([1, 1, 1, 2])
    count = rng.choice([6, 20, 50, 80])
    execution = make_rules(rng, ticks, volume, dated)
    rows = [make_bars(rng, count, ticks, execution["bad_bar"] == "skip") for _ in range(symbols)]
    if execution.get("market_fill") == "next_vwap":
        rows = [[(*bar, rng.choice([(bar[0] + bar[3]) / 2.0, bar[1] + 1.0, NAN])) for bar in one] for one in rows]
    orders: list[dict[str, Any]] = []
    while len(orders) < count * 0.6:
        orders += make_orders(rng, len(orders), count, dated, symbols)
    account: dict[str, Any] = {"cash": rng.choice([300.0, 3_000.0, 100_000.0, 100_000.0])}
    account |= {"margin_initial": rng.choice([1.0, 1.0, 0.5]), "leverage": rng.choice([1.0, 1.0, 1.0, 4.0])}
    if account["leverage"] > 1.0 or execution.get("short") != "proceeds_as_cash":
        initial = 1.0 / account["leverage"] if account["leverage"] > 1.0 else account["margin_initial"]
        account["margin_maintenance"] = rng.choice([None, None, 0.5 * initial, initial])
    if rng.random() < 0.25:
        held = [5.0, 20.0] if execution.get("short") == "forbidden" else [5.0, -5.0, 20.0]
        account["positions"] = {"S0": (rng.choice(held), BASE)}
    return Case(
        bars=rows,
        orders=orders,
        execution=execution,
        account=account,
        instrument={
            "tick_size": TICK if ticks else None,
            "lot_size": rng.choice([None, None, 1.0, 0.1]),
            "multiplier": rng.choice([1.0, 1.0, 5.0]),
        },
        bars_per_day=rng.choice([1, 5]) * dated,
        has_volume=volume,
        close_positions=rng.random() < 0.5,
    )


def level(rng: Random, around: float, ticks: float) -> float:
    """A price within so many ticks, on the grid or off it."""
    offset = rng.uniform(-ticks, ticks)
    on_grid = rng.random() < 0.8
    return max(TICK, around + (round(offset) if on_grid else round(offset, 3)) * TICK)


def make_bars(rng: Random, count: int, on_grid: bool, holes: bool) -> list[Row]:
    """A walk that returns, with gaps, flat bars, bars without volume and broken ones."""
    bars: list[Row] = []
    close = BASE
    for _ in range(count):
        near = BASE + round((close - BASE) * 0.8 / TICK) * TICK
        open_ = near if rng.random() < 0.6 else level(rng, near, 3)
        first, second = (level(rng, open_, rng.choice([1, 4])) for _ in range(2))
        close = level(rng, open_, 3)
        if on_grid:
            open_, first, second, close = (round(price / TICK) * TICK for price in (open_, first, second, close))
        low, high = min(open_, close, first), max(open_, close, second)
        volume = rng.choice([5.0, 40.0, 1000.0, 1000.0, 1000.0, 1000.0, 0.0 if rng.random() < 0.5 else NAN, -3.0])
        kind = rng.random()
        if kind < 0.02:
            low, high = high, low  # broken unless flat
        elif kind < 0.06:
            open_ = low = high = close
        bars.append((open_, high, low, NAN if holes and kind > 0.98 else close, volume))
    return bars


def make_rules(rng: Random, ticks: bool, volume: bool, dated: bool) -> Rules:
    """A third of the words drawn, over the defaults or over the rules of another engine."""
    rules: Rules = dict(rng.choice(list(PRESETS.values()))) if rng.random() < 0.2 else {}
    for name, kind in admf.Execution.KINDS.items():
        if isinstance(kind, Word) and rng.random() < 0.3:
            rules[name] = rng.choice(kind.code.words())
        elif isinstance(kind, Flags) and rng.random() < 0.5:
            rules[name] = tuple(word for word in kind.code.words() if rng.random() < 0.4)
        elif isinstance(kind, Flag):
            rules[name] = rng.random() < 0.5
        elif name in NUMBERS:
            rules[name] = rng.choice(NUMBERS[name])
    rules["slippage"] = rng.choice(slippage_models(ticks, volume))
    simple, tiered = commission_models(dated)
    parts = rng.sample(simple, rng.randint(1, 3)) + [rng.choice(tiered)] * (rng.random() < 0.5)
    rules["commission"] = rng.choice([rng.choice(simple), rng.choice(tiered), admf.commission.sum(parts)])
    return agreeing(rng, rules, volume)


UNLIMITED = admf.slippage.volume_share(0.05, None)


def agreeing(rng: Random, rules: Rules, volume: bool) -> Rules:
    """The rules without what contradicts the data or another rule."""
    rules["bounds"] = False  # two whole runs, each drawn here as `worst` or `best`
    if rules.get("bad_bar", "raise") == "raise":  # nothing would run
        rules["bad_bar"] = rng.choice(["skip", "none"])
    if rules.get("price_ref") == "close":
        rules["path"] = rng.choice(["worst", "best", "queue"])
        if rules.get("market_fill") in AVERAGES:
            rules["market_fill"] = "next_close"
    if rules.get("path") not in WALKED:
        rules["points_only"] = False
    if rules.get("market_fill") == "same_close":
        rules["latency_bars"] = 0
    if rules.get("clamp") == "none":
        rules["clamp_fail"] = "fill_at_clamp"
    if not volume:
        rules["volume_limit"] = None
    if rules.get("clamp") in ("none", "limit") and rules.get("slippage") == UNLIMITED:
        rules["slippage"] = admf.slippage.volume_share(0.05, 0.5)  # no price below 0
    return rules


def make_orders(rng: Random, index: int, bars: int, dated: bool, symbols: int) -> list[dict[str, Any]]:
    """An order with none to three exits or siblings."""
    side = rng.choice(["buy", "sell"])
    common: dict[str, Any] = {"bar": rng.randint(-1, bars - 2), "symbol": f"S{rng.randrange(symbols)}"}
    first = common | {"id": f"o{index}", "side": side} | kind_of(rng, side, dated) | size_of(rng)
    orders = [first | life_of(rng, first, bars, dated)]
    other = "sell" if side == "buy" else "buy"
    for place in range(1, 1 + rng.choice([0, 0, 1, 2, 2, 3])):
        exit_side = other if rng.random() < 0.9 else side
        row = common | {"id": f"o{index + place}", "side": exit_side, "parent": f"o{index}"}
        row |= kind_of(rng, exit_side, dated, exit_=True)
        if rng.random() < 0.1:
            row["bar"] = rng.randint(row["bar"], bars - 1)  # after its parent
        if rng.random() < 0.3 and "quantity" in first:
            row["quantity"] = max(first["quantity"] / 2.0, 1.0)
        orders.append(row | life_of(rng, row, bars, dated))
    if rng.random() < 0.5:
        for row in orders[rng.randrange(2) :]:
            row |= {"oco": f"g{index}", "oco_reduce": rng.random() < 0.5}
    return orders


def kind_of(rng: Random, side: str, dated: bool, *, exit_: bool = False) -> dict[str, Any]:
    """Type and prices; the stops of exits lie on one side of the base, their targets on the other."""
    word = rng.choice(COMMON if rng.random() < 0.6 else tuple(OrderType.words()))
    if word in SESSION_TYPES and not dated:
        word = "stop"
    row: dict[str, Any] = {"type": word}
    sign = 1.0 if side == "buy" else -1.0
    wide = rng.choice([3, 6, 10, 16, 16])
    if word in LIMITS and rng.random() < 0.98:
        row["limit_price"] = level(rng, BASE, wide)
    if word in STOPS:
        row["stop_price"] = level(rng, BASE, wide)
    if exit_:
        for name in ("limit_price", "stop_price"):
            toward = sign if name == "stop_price" and word in ("stop", "stop_limit") else -sign
            if name in row:
                row[name] = max(TICK, BASE + toward * abs(row[name] - BASE))
    if word in TRAILS:
        row |= trail_of(rng, word, exit_)
    if rng.random() < 0.05:
        row["post_only"] = True
    return row


def trail_of(rng: Random, word: str, exit_: bool) -> dict[str, Any]:
    """Distance, activation and start of a trail; now and then no distance."""
    kind = rng.random()
    row: dict[str, Any] = {}
    if kind < 0.6:
        row["trail_amount"] = rng.choice([0.5, 1.0, 2.0, 4.0, 0.7])
    elif kind < 0.97:
        row["trail_percent"] = rng.choice([2.0, 5.0, 10.0, 20.0])
    if rng.random() < 0.3:
        row["trail_activation_offset"] = rng.choice([0.0, 0.5, 1.5])
    if word == "trailing_stop_limit":
        row["limit_offset"] = rng.choice([0.0, 0.5, 1.0])
    if not exit_ and rng.random() < 0.3:
        row["stop_price"] = level(rng, BASE, 6)
    return row


def size_of(rng: Random) -> dict[str, Any]:
    """Units, money, or a share."""
    if rng.random() < 0.8:
        return {"quantity": rng.choice([1.0, 2.5, 3.0, 10.0, 10.0, 40.0, 120.0, -1.0 if rng.random() < 0.1 else 0.3])}
    word = rng.choice(SizeKind.words()[1:])
    return {"size_kind": word, "size": rng.choice([0.1, 0.3, 1.0]) * (500.0 if word == "value" else 1.0)}


def life_of(rng: Random, order: dict[str, Any], bars: int, dated: bool) -> dict[str, Any]:
    """How long it lives, and what is changed of it meanwhile."""
    word = rng.choice(TimeInForce.words()) if rng.random() < 0.3 else "gtc"
    row: dict[str, Any] = {"time_in_force": "gtc" if word == "day" and not dated else word}
    first = max(order["bar"], 0)
    if word == "gtd":
        row["expires_bar"] = rng.randint(first, bars - 1)
    if word == "gtb":
        row["expires_after_bars"] = rng.choice([1, 2, 3, 20])
    if rng.random() < 0.1:
        row["reduce_only"] = True
    if rng.random() < 0.1:
        row["cancel_bar"] = rng.randint(first, bars - 1)
    if rng.random() < 0.15:
        row["replace_bar"] = rng.randint(first, bars - 1)
        names = [name for name in ("limit_price", "stop_price") if name in order and order["type"] not in TRAILS]
        name = rng.choice(["quantity", *names])
        row[f"replace_{name}"] = level(rng, BASE, 6) if name in names else rng.choice([1.0, 8.0, 12.0])
    return row
