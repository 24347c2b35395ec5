"""W-01 to W-06 against brute force over every tick path of small bars."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import admf
from admf.results import Result
from admf_kernels.codes import OrderType, Side
from every_path import Outcome, Plan, TickBar, outcomes, value
from oracle import outcomes as oracle_outcomes
from oracle.entries import inside
from oracle.records import Bar, Instrument, Order, Request, Rules

KINDS = ["held", "market", "limit", "stop", "stop_limit"]
CASES = 350  # of each kind, side and trigger distance
MIRROR = 40  # a short at p is a long at 40 − p


def random_bar(rng: random.Random) -> TickBar:
    """At most eight ticks high, so that touches, ties and gaps are common."""
    low = rng.randint(15, 19)
    high = low + rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 8])
    return TickBar(rng.randint(low, high), high, low, rng.randint(low, high))


def random_plan(rng: random.Random, kind: str, through: int, bar: TickBar) -> Plan:
    around = bar.open if kind in ("held", "market") else rng.randint(bar.low, bar.high)
    level = rng.choice([rng.randint(14, 26), around, around])  # inside the bar both exits are often reached
    limit = level if kind == "limit" else level + rng.randint(-3, 2)
    exits = {
        "stop_loss": rng.choice([None, *(level - rng.randint(-1, 4) for _ in range(4))]),
        "take_profit": rng.choice([None, *(level + rng.randint(-1, 4) for _ in range(4))]),
    }
    if None not in exits.values() and exits["stop_loss"] > exits["take_profit"]:  # the door refuses such a pair
        exits["stop_loss"], exits["take_profit"] = exits["take_profit"], exits["stop_loss"]
    if kind == "held" and exits["stop_loss"] is None and exits["take_profit"] is None:
        exits["stop_loss"] = level
    has_limit, has_stop = kind in ("limit", "stop_limit"), kind in ("stop", "stop_limit")
    return Plan(kind, through, limit if has_limit else None, level if has_stop else None, **exits)


def random_cases(kind: str, through: int, count: int) -> Iterator[tuple[Plan, TickBar]]:
    rng = random.Random(f"{kind} {through}")
    for _ in range(count):
        bar = random_bar(rng)
        yield random_plan(rng, kind, through, bar), bar


# the oracle's sets of outcomes ---------------------------------------------------------------------------------------


def working(side: Side, kind: OrderType, limit: int | None, stop: int | None) -> Order:
    prices = [float("nan") if price is None else float(price) for price in (limit, stop)]
    return Order(0, Request(side, kind), 0, 1.0, *prices)


def oracle_set(plan: Plan, bar: TickBar) -> set[Outcome] | None:
    """What W-03 to W-05 say of an entry that the open leaves waiting; None where the open fills it."""
    order = working(Side.BUY, OrderType[plan.kind.upper()], plan.limit, plan.stop)
    rules = Rules(limit_through_ticks=float(plan.through))
    stop = None if plan.stop_loss is None else working(Side.SELL, OrderType.STOP, None, plan.stop_loss)
    target = None if plan.take_profit is None else working(Side.SELL, OrderType.LIMIT, plan.take_profit, None)
    seen = Bar(*(float(price) for price in bar))
    scene = oracle_outcomes.Scene(seen, rules, Instrument(1.0), oracle_outcomes.Exits(stop=stop, target=target))
    order.triggered = plan.kind == "stop_limit" and plan.stop is not None and bar.open >= plan.stop
    if plan.kind == "stop" and plan.stop is not None and bar.open >= plan.stop:
        return None
    if plan.limit is not None and bar.open <= plan.limit and (plan.kind == "limit" or order.triggered):
        return None
    trigger = plan.stop if plan.kind != "limit" and not order.triggered else None
    if trigger is not None and bar.high < trigger:
        return {Outcome(None, None)}
    if plan.kind == "limit" or order.triggered:
        assert plan.limit is not None
        if bar.low > plan.limit - plan.through:
            return {Outcome(None, None)}
    found = inside(order, scene, certain=None)
    return {
        Outcome(
            None if outcome.entry is None else int(outcome.entry.base),
            None if outcome.exit is None else int(outcome.exit.base),
        )
        for outcome in found
    } or {Outcome(None, None)}


@pytest.mark.parametrize("through", [0, 1])
@pytest.mark.parametrize("kind", ["limit", "stop", "stop_limit"])
def test_the_outcomes_of_an_entry_are_those_of_all_paths(kind: str, through: int) -> None:
    """W-03 to W-05: as sets, not only their extremes."""
    judged = 0
    for plan, bar in random_cases(kind, through, 4_000):
        said = oracle_set(plan, bar)
        if said is not None:
            judged += 1
            assert said == outcomes(plan, bar), (plan, bar)
    assert judged > 1_000


# what is executed ----------------------------------------------------------------------------------------------------


def price_of(ticks: int, side: str) -> float:
    return float(ticks if side == "buy" else MIRROR - ticks)


def bar_table(bar: TickBar, side: str) -> dict[str, Any]:
    """A quiet bar at the open, at whose close the orders are sent, and the bar itself."""
    prices = [price_of(price, side) for price in bar]
    first = prices[0]
    high, low = max(prices[1], prices[2]), min(prices[1], prices[2])
    return {"open": [first, first], "high": [first, high], "low": [first, low], "close": [first, prices[3]]}


def orders_of(plan: Plan, side: str, symbol: str) -> list[dict[str, Any]]:
    other = "sell" if side == "buy" else "buy"
    common = {"symbol": symbol, "bar": 0, "quantity": 1.0}
    entry: list[dict[str, Any]] = []
    exits: dict[str, Any] = {"side": other, "oco": f"{symbol} exits"}
    if plan.kind != "held":
        prices = {"limit_price": plan.limit, "stop_price": plan.stop}
        given = {name: price_of(ticks, side) for name, ticks in prices.items() if ticks is not None}
        entry = [common | given | {"id": f"{symbol} entry", "side": side, "type": plan.kind}]
        exits["parent"] = f"{symbol} entry"
    found = []
    if plan.stop_loss is not None:
        found.append({"id": f"{symbol} stop", "type": "stop", "stop_price": price_of(plan.stop_loss, side)})
    if plan.take_profit is not None:
        found.append({"id": f"{symbol} target", "type": "limit", "limit_price": price_of(plan.take_profit, side)})
    return entry + [common | exits | order for order in found]


def executed(cases: list[tuple[Plan, TickBar]], side: str, through: int, path: str) -> Result:
    """All cases at once, each in a symbol of its own."""
    names = [f"S{index}" for index in range(len(cases))]
    market = admf.Market(
        [admf.Bars(bar_table(bar, side), symbol=name) for name, (_, bar) in zip(names, cases, strict=True)],
        instruments=[admf.Instrument(name, tick_size=1.0) for name in names],
    )
    orders = [row for name, (plan, _) in zip(names, cases, strict=True) for row in orders_of(plan, side, name)]
    sign = 1.0 if side == "buy" else -1.0
    held = [name for name, (plan, _) in zip(names, cases, strict=True) if plan.kind == "held"]
    account = admf.Account(cash=1e6, positions=dict.fromkeys(held, (sign, 20.0)))
    execution = admf.Execution(path=path, limit_through_ticks=float(through))
    return admf.simulate(market, orders, execution=execution, account=account)


def outcomes_executed(result: Result, cases: list[tuple[Plan, TickBar]], side: str) -> list[tuple[Outcome, bool]]:
    """Entry and exit of each symbol in ticks of the long side, and whether a fill was ambiguous."""
    found: list[list[int | None]] = [[None, None] for _ in cases]
    ambiguous = [False] * len(cases)
    own = Side[side.upper()]
    for fill in result.records.fills:
        ticks = price_of(round(float(fill["price"])), side)
        symbol = int(fill["symbol"])
        found[symbol][0 if fill["side"] == own else 1] = int(ticks)
        ambiguous[symbol] |= bool(fill["ambiguous"])
    return [(Outcome(*pair), flag) for pair, flag in zip(found, ambiguous, strict=True)]


@pytest.mark.compiled
@pytest.mark.parametrize("through", [0, 1])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["worst", "best"])
def test_the_outcome_taken_is_an_extreme_of_all_paths(kind: str, side: str, through: int, path: str) -> None:
    """W-01 to W-06: an outcome that some path has, of the lowest or highest equity at c, flagged if others differ."""
    cases = list(random_cases(kind, through, CASES))
    result = executed(cases, side, through, path)
    doubtful = 0
    for (plan, bar), (taken, flag) in zip(cases, outcomes_executed(result, cases, side), strict=True):
        possible = outcomes(plan, bar)
        values = [value(plan, outcome, bar.close) for outcome in possible]
        assert taken in possible, (plan, bar, taken, possible)
        assert value(plan, taken, bar.close) == (min(values) if path == "worst" else max(values)), (plan, bar, taken)
        differs = min(values) != max(values)
        doubtful += differs
        if taken != Outcome(None, None):  # without a fill there is nothing to carry the flag
            assert flag == differs, (plan, bar, taken, possible)
    assert result.records.account["ambiguous_groups"] == doubtful
    assert doubtful > 5


def test_values_are_compared_at_base_prices(play: Any) -> None:
    """W-01: before costs: a fee that made the target the worse outcome changes nothing."""
    bars = [(20.0, 20.0, 20.0, 20.0), (20.0, 24.0, 16.0, 20.0)]
    exits = [
        {"bar": 0, "side": "sell", "type": "limit", "limit_price": 23.0, "oco": "x"},
        {"bar": 0, "side": "sell", "type": "stop", "stop_price": 17.0, "oco": "x"},
    ]
    account = {"positions": {"S0": (10.0, 20.0)}}
    played = play(bars, *exits, account=account, instrument={"tick_size": 1.0})
    assert played.fills == [(1, 1, -10.0, 17.0)]
    assert played.ambiguous == [True]
    assert play(bars, *exits, account=account, instrument={"tick_size": 1.0}, path="best").fills == [
        (0, 1, -10.0, 23.0)
    ]
    queue = play(bars, *exits, account=account, instrument={"tick_size": 1.0}, path="queue")
    assert queue.fills == [(1, 1, -10.0, 17.0)]
    assert queue.ambiguous == [False]


def test_equal_values_prefer_the_stop(play: Any) -> None:
    """W-01: stop and target at one price, the order of the words decides."""
    bars = [(20.0, 20.0, 20.0, 20.0), (20.0, 24.0, 16.0, 20.0)]
    exits = [
        {"bar": 0, "side": "sell", "type": "limit", "limit_price": 22.0, "oco": "x"},
        {"bar": 0, "side": "sell", "type": "stop", "stop_price": 17.0, "oco": "x"},
    ]
    account = {"positions": {"S0": (10.0, 20.0)}}
    worst = play(bars, *exits, account=account, stop_gap="worse_of_stop_and_close", limit_gap="far_extreme")
    assert worst.fills == [(1, 1, -10.0, 17.0)]


def test_children_without_a_group_are_judged_together(play: Any) -> None:
    """W-02: target and stop of one parent, no OCO: the worse is taken, the other does nothing on this bar."""
    bars = [(20.0, 20.0, 20.0, 20.0), (20.0, 21.0, 19.0, 20.0), (20.0, 24.0, 16.0, 20.0), (20.0, 24.0, 16.0, 20.0)]
    orders = [
        {"bar": 0},
        {"bar": 0, "side": "sell", "type": "limit", "limit_price": 23.0, "parent": "o0"},
        {"bar": 0, "side": "sell", "type": "stop", "stop_price": 17.0, "parent": "o0"},
    ]
    played = play(bars, *orders)
    assert played.fills == [(0, 1, 10.0, 20.0), (2, 2, -10.0, 17.0)]
    assert played.ambiguous == [False, True]
    assert played.steps(1)[-1] == (3, "cancel", "nothing_to_reduce")


def test_every_child_of_an_entry_at_the_open_is_judged(play: Any) -> None:
    """W-06, W-02: two targets at half each, both reached on the entry bar."""
    bars = [(20.0, 20.0, 20.0, 20.0), (20.0, 24.0, 19.0, 22.0)]
    orders = [
        {"bar": 0},
        {"bar": 0, "side": "sell", "quantity": 5.0, "type": "limit", "limit_price": 22.0, "parent": "o0"},
        {"bar": 0, "side": "sell", "quantity": 5.0, "type": "limit", "limit_price": 23.0, "parent": "o0"},
    ]
    assert play(bars, *orders).fills == [(0, 1, 10.0, 20.0), (1, 1, -5.0, 22.0), (2, 1, -5.0, 23.0)]


def test_of_children_activated_inside_one_stop_and_one_target_are_judged(play: Any) -> None:
    """W-06: entry at S = 21; the targets 22 and 23 both lie below h, the first alone is judged on this bar."""
    bars = [(20.0, 20.0, 20.0, 20.0), (20.0, 24.0, 19.0, 23.5), (23.5, 23.5, 23.5, 23.5)]
    orders = [
        {"bar": 0, "type": "stop", "stop_price": 21.0},
        {"bar": 0, "side": "sell", "quantity": 5.0, "type": "limit", "limit_price": 22.0, "parent": "o0"},
        {"bar": 0, "side": "sell", "quantity": 5.0, "type": "limit", "limit_price": 23.0, "parent": "o0"},
    ]
    assert play(bars, *orders).fills == [(0, 1, 10.0, 21.0), (1, 1, -5.0, 22.0), (2, 2, -5.0, 23.5)]


def test_no_group_re_enters_in_the_bar_it_left(play: Any) -> None:
    """W-06: volume lets half of the entry through; its stop is hit on bar 2, where the rest would fill too."""
    bars = [
        (19.0, 19.5, 18.5, 19.0, 100.0),
        (21.0, 21.0, 19.5, 20.5, 50.0),
        (20.5, 21.0, 17.0, 20.0, 500.0),
        (20.5, 20.5, 19.0, 20.0, 500.0),
    ]
    entry = {"bar": 0, "type": "limit", "limit_price": 20.0}
    stop = {"bar": 0, "side": "sell", "type": "stop", "stop_price": 18.0, "parent": "o0"}
    played = play(bars, entry, stop, volume_limit=0.1)
    assert played.fills == [(0, 1, 5.0, 20.0), (1, 2, -5.0, 18.0), (0, 3, 5.0, 20.0)]


@pytest.mark.compiled
def test_long_and_short_are_mirror_images() -> None:
    """W-01 to W-05: p → 40 − p on whole ticks."""
    for kind in KINDS:
        cases = list(random_cases(kind, 1, 100))
        long, short = (outcomes_executed(executed(cases, side, 1, "worst"), cases, side) for side in ("buy", "sell"))
        assert long == short
        assert np.any([taken != Outcome(None, None) for taken, _ in long])
