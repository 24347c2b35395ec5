"""What must hold whatever the bars, orders and rules are; on compiled laws, which the other paths equal bit for bit."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from admf.errors import ConfigError, OrderError
from admf_kernels.codes import OrderStatus, Reason
from admf_kernels.laws.lifecycle import TABLE
from paths_support import PATHS, Case, Outcome
from scenarios import bar_rows, cases, examples

EXAMPLES = examples(60)
AMENDED_AWAY = (OrderStatus.CANCELLED, Reason.USER_CANCEL)  # to a quantity below what was filled
ENGINES_OWN = (Reason.CLOSE_POSITIONS, Reason.BANKRUPT, Reason.MARGIN_CALL)


def run(case: Case) -> Outcome:
    try:
        return PATHS["compiled"](case)
    except (OrderError, ConfigError) as error:  # refused at the door
        assume(False)
        raise AssertionError from error


class Fill:
    """A fill with its order's row of the input, None for an order of the engine."""

    def __init__(self, case: Case, outcome: Outcome, row: tuple[Any, ...]) -> None:
        (self.order, self.bar, self.symbol, self.side, self.price, self.quantity, self.commission) = row[:7]
        self.base, self.reason = row[7], Reason(row[10])
        self.open, self.high, self.low, self.close, self.volume = case.bars[self.symbol][self.bar][:5]
        self.submitted_bar = outcome.orders[self.order][7]
        self.is_engines = self.reason in ENGINES_OWN


def fills_of(case: Case, outcome: Outcome) -> list[Fill]:
    return [Fill(case, outcome, row) for row in outcome.fills]


def is_valid(fill: Fill) -> bool:
    return fill.low <= fill.open <= fill.high and fill.low <= fill.close <= fill.high


@given(case=cases())
@settings(max_examples=EXAMPLES)
def test_prices_quantities_and_states(case: Case) -> None:
    """C-01, P-11, V-02, V-03, L-01: of every fill and every order of a case."""
    outcome = run(case)
    fills = fills_of(case, outcome)
    clamp = case.execution.get("clamp", "bar_and_limit")
    filled: dict[int, float] = defaultdict(float)
    for fill in fills:
        filled[fill.order] += fill.quantity
        assert fill.quantity > 0.0
        assert fill.side * (fill.price - fill.base) >= 0.0 or clamp != "none"
        if fill.is_engines:
            continue
        assert fill.bar > fill.submitted_bar
        if clamp in ("bar", "bar_and_limit") and is_valid(fill):
            assert fill.low <= fill.price <= fill.high
    for number, row in enumerate(outcome.orders):
        quantity, done = row[3], row[4]
        assert done == pytest.approx(filled[number], rel=1e-12)
        assert done == 0.0 or done <= quantity * (1.0 + 1e-9) or (row[1], row[2]) == AMENDED_AWAY
    check_volume(case, fills)
    check_steps(outcome)


def check_volume(case: Case, fills: list[Fill]) -> None:
    """V-01, V-02."""
    used: dict[tuple[int, int], float] = defaultdict(float)
    for fill in fills:
        if not fill.is_engines:
            used[fill.symbol, fill.bar] += fill.quantity
            assert not case.has_volume or fill.volume > 0.0
    share = case.execution.get("volume_limit")
    own = case.execution.get("volume_scope") == "per_order" or case.execution.get("volume_basis", "bar") != "bar"
    if share is not None and not own:
        for (symbol, bar), quantity in used.items():
            assert quantity <= share * case.bars[symbol][bar][4] * (1.0 + 1e-12)


def check_steps(outcome: Outcome) -> None:
    """L-01: each order walks along the table from nothing to where it ended, and time does not go back."""
    status = dict.fromkeys(range(len(outcome.orders)), int(OrderStatus.NONE))
    time = -1
    for order, bar, before, after, event, _ in outcome.transitions:
        assert bar >= time
        time = bar
        assert status[order] == before
        assert TABLE[before, event] == after
        status[order] = after
    assert status == {number: row[1] for number, row in enumerate(outcome.orders)}


@given(case=cases())
@settings(max_examples=EXAMPLES)
def test_no_limit_is_exceeded_and_no_stop_improved(case: Case) -> None:
    """P-11, P-07, P-08: orders without amendments, whose prices are those of the input."""
    assume(not any("replace_bar" in row for row in case.orders))
    assume(case.execution.get("stop_gap", "open") == "open")
    assume(case.execution.get("price_ref", "range") == "range")
    outcome = run(case)
    tick = case.instrument["tick_size"] or 1e-9  # prices may have been rounded by one
    by_number = numbered(case, outcome)
    for fill in fills_of(case, outcome):
        row = by_number.get(fill.order)
        if row is None:
            continue
        limit, stop = row.get("limit_price"), row.get("stop_price")
        if limit is not None and "limit" in case.execution.get("clamp", "bar_and_limit"):
            assert fill.side * (fill.price - limit) < tick
        if stop is not None and row["type"] == "stop" and fill.reason in (Reason.STOP_AT_OPEN, Reason.STOP_REACHED):
            best = min(stop, fill.open) if fill.side > 0 else max(stop, fill.open)
            assert fill.side * (fill.price - best) > -tick


def numbered(case: Case, outcome: Outcome) -> dict[int, dict[str, Any]]:
    """Input rows by order number: numbers go by bar, on a bar by row."""
    rows = sorted(case.orders, key=lambda row: row["bar"])
    sent = [number for number, row in enumerate(outcome.orders) if not is_engines(outcome, number)]
    return dict(zip(sent, rows, strict=False))


def is_engines(outcome: Outcome, number: int) -> bool:
    first = next(row for row in outcome.transitions if row[0] == number)
    return first[5] in ENGINES_OWN


@given(case=cases())
@settings(max_examples=EXAMPLES)
def test_cash_is_what_the_fills_say(case: Case) -> None:
    """A-01, A-04: but for the dust that is snapped."""
    outcome = run(case)
    multiplier = case.instrument["multiplier"]
    cash = case.account["cash"]
    moved = cash
    for fill in fills_of(case, outcome):
        cash -= fill.side * fill.quantity * fill.price * multiplier + fill.commission
        moved += fill.quantity * fill.price * multiplier
    if outcome.curve:
        assert outcome.curve[-1][0] == pytest.approx(cash, abs=1e-9 * moved)


@given(case=cases(), data=st.data())
@settings(max_examples=EXAMPLES)
def test_the_past_does_not_know_the_future(case: Case, data: st.DataObject) -> None:
    """C-01: other bars from k on leave fills, steps and equity before k as they are, bit for bit."""
    count = len(case.bars[0])
    first = data.draw(st.integers(1, count - 1))
    rows = bar_rows(True, False)
    later = [data.draw(st.lists(rows, min_size=count - first, max_size=count - first)) for _ in case.bars]
    if len(case.bars[0][0]) == 6:  # with a vwap
        later = [[(*row, row[0]) for row in new] for new in later]
    other = replace(case, bars=[own[:first] + new for own, new in zip(case.bars, later, strict=True)])
    one, two = run(case), run(other)
    for table in ("fills", "transitions"):
        assert [row for row in getattr(one, table) if row[1] < first] == [
            row for row in getattr(two, table) if row[1] < first
        ]
    assert one.curve[:first] == two.curve[:first]


@given(case=cases(), data=st.data())
@settings(max_examples=EXAMPLES)
def test_data_that_ends_earlier_is_the_same_until_then(case: Case, data: st.DataObject) -> None:
    """C-01, T-03: what ends differs on the last bar alone, by the end of the data."""
    count = len(case.bars[0])
    kept = data.draw(st.integers(1, count - 1))
    assume(
        all(
            row.get(name, -1) < kept
            for row in case.orders
            for name in ("bar", "cancel_bar", "replace_bar", "expires_bar")
        )
    )
    one, two = run(case), run(replace(case, bars=[rows[:kept] for rows in case.bars]))
    ends = (Reason.END_OF_DATA, Reason.CLOSE_POSITIONS)
    works = case.execution.get("last_bar") == "fill_at_close"  # T-03 puts orders to work
    closes = any("on_close" in row.get("type", "") for row in case.orders)  # the data's end is the end of its session
    same = kept - 1 if works or closes else kept
    for table, place in (("fills", 10), ("transitions", 5)):
        rows, others = (
            [row for row in getattr(run_, table) if row[1] < same and row[place] not in ends] for run_ in (one, two)
        )
        assert rows == others
    assert one.curve[: kept - 1] == two.curve[: kept - 1]


def scaled_row(row: tuple[float, ...], factor: float) -> tuple[float, ...]:
    """A bar with its prices times the factor, its volume as it is."""
    return (*(price * factor for price in row[:4]), row[4], *(price * factor for price in row[5:]))


MONEY = (
    "limit_price", "stop_price", "replace_limit_price", "replace_stop_price", "trail_amount",
    "trail_activation_offset", "limit_offset",
)  # fmt: skip


@given(case=cases(), power=st.sampled_from([-3, 2, 10]))
@settings(max_examples=EXAMPLES)
def test_a_scale_of_two_is_exact(case: Case, power: int) -> None:
    """P-01, A-06, F-02: prices, cash and sizes times 2^m; costs in proportion."""
    factor = 2.0**power
    execution = dict(case.execution)
    if execution["slippage"].model in ("fixed", "half_spread"):
        del execution["slippage"]
    if execution["commission"].model != "none":
        execution["commission"] = {"model": "bps", "amount": 10.0}
    case = replace(case, execution=execution)
    orders = []
    for row in case.orders:
        row = row | {name: row[name] * factor for name in MONEY if row.get(name) is not None}
        orders.append(row | ({"size": row["size"] * factor} if row.get("size_kind") == "value" else {}))
    account = case.account | {"cash": case.account["cash"] * factor}
    if "positions" in account:
        account["positions"] = {name: (held, price * factor) for name, (held, price) in account["positions"].items()}
    tick = case.instrument["tick_size"]
    scaled = Case(
        bars=[[scaled_row(row, factor) for row in rows] for rows in case.bars],
        orders=orders,
        execution=execution,
        account=account,
        instrument=case.instrument | {"tick_size": None if tick is None else tick * factor},
        bars_per_day=case.bars_per_day,
        has_volume=case.has_volume,
        close_positions=case.close_positions,
    )
    one, two = run(case), run(scaled)
    assert one.transitions == two.transitions
    assert [(*row[:4], row[4] * factor, row[5]) for row in one.fills] == [row[:6] for row in two.fills]
    assert [(cash * factor, equity * factor) for cash, equity in one.curve] == two.curve


def alone(case: Case, symbol: str) -> Case:
    """The case with money for everything, no size that depends on it, and its orders on one symbol of its own."""
    orders = [
        {name: value for name, value in row.items() if name not in ("size_kind", "size")}
        | {"symbol": symbol, "id": f"{symbol} {row['id']}", "quantity": row.get("quantity", 3.0)}
        | ({"parent": f"{symbol} {row['parent']}"} if "parent" in row else {})
        | ({"oco": f"{symbol} {row['oco']}"} if "oco" in row else {})
        for row in case.orders
    ]
    return replace(case, bars=case.bars[:1], orders=orders, account={"cash": 1e9})


@given(one=cases(), other=cases(), reverse=st.booleans())
@settings(max_examples=EXAMPLES)
def test_unrelated_orders_do_not_meet(one: Case, other: Case, reverse: bool) -> None:
    """C-03: two symbols in one account with money enough: each fills as it does alone, in either order of sending."""
    assume(bool(one.bars_per_day) == bool(other.bars_per_day))
    count = min(len(one.bars[0]), len(other.bars[0]))
    execution = dict(one.execution)
    if execution["slippage"].model == "random":  # drawn by the order's number (S-08)
        del execution["slippage"]
    if execution.get("market_fill") == "next_vwap":  # the other symbol may have no such column
        del execution["market_fill"]
    pair = []
    for index, case in enumerate((one, other)):
        own = alone(case, f"S{index}")
        late = [
            row
            for row in own.orders
            for name in ("bar", "cancel_bar", "replace_bar", "expires_bar")
            if row.get(name, -1) >= count
        ]
        assume(not late)
        words = {"execution": execution, "instrument": one.instrument, "bars_per_day": one.bars_per_day}
        pair.append(replace(own, bars=[own.bars[0][:count]], has_volume=one.has_volume, close_positions=False, **words))
    together = replace(pair[0], bars=[*pair[0].bars, *pair[1].bars], orders=pair[0].orders + pair[1].orders)
    if reverse:
        together = replace(together, orders=pair[1].orders + pair[0].orders)
    both = run(together)
    for symbol, case in enumerate(pair):
        if symbol:
            case = replace(case, orders=[row | {"symbol": "S0"} for row in case.orders])
        wanted = [(row[1], row[3], row[4], row[5], row[10]) for row in run(case).fills]
        assert [(row[1], row[3], row[4], row[5], row[10]) for row in both.fills if row[2] == symbol] == wanted
