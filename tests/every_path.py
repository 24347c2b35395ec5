"""Brute force over the inside of a bar: every admissible tick path, walked as a graph, with the orders played naively.

A path starts at the open, ends at the close, moves one tick at a time within low and high and visits both. What orders
do depends on finitely many facts, so the (price, facts) pairs that some path reaches are finite too, and searching them
finds the outcomes of all paths, however long. Written for the long side on whole ticks; a short is its mirror image.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple


class TickBar(NamedTuple):
    """Prices in ticks."""

    open: int
    high: int
    low: int
    close: int


@dataclass(frozen=True)
class Plan:
    """A long entry and its exits in ticks; `kind` is market, limit, stop, stop_limit or held (a position before it)."""

    kind: str
    through: int  # ticks a limit must be traded through
    limit: int | None = None
    stop: int | None = None
    stop_loss: int | None = None
    take_profit: int | None = None


class Outcome(NamedTuple):
    """Fill prices in ticks; None where there was no fill."""

    entry: int | None
    exit: int | None


@dataclass(frozen=True)
class Facts:
    """What has happened so far on a path."""

    triggered: bool
    entry: int | None
    exit: int | None
    holding: bool
    saw_low: bool
    saw_high: bool


def exits_at(plan: Plan, facts: Facts, price: int, *, at_once: bool) -> Facts:
    """The exits of a position at a price of the path; `at_once`: the moment of the entry or the open of the bar."""
    if not facts.holding:
        return facts
    if plan.stop_loss is not None and price <= plan.stop_loss:
        return replace(facts, holding=False, exit=price if at_once else plan.stop_loss)
    if plan.take_profit is not None and price >= plan.take_profit + plan.through:
        return replace(facts, holding=False, exit=price if at_once else plan.take_profit)
    return facts


def entry_price(plan: Plan, facts: Facts, price: int, *, at_open: bool) -> int | None:
    """What the entry would fill at, at this price of the path; `facts.triggered` is already up to date."""
    if plan.kind == "market":
        return price if at_open else None
    if plan.kind == "stop":
        assert plan.stop is not None
        return (price if at_open else plan.stop) if price >= plan.stop else None
    assert plan.limit is not None
    if plan.kind == "limit":
        if at_open:
            return price if price <= plan.limit else None
        return plan.limit if price <= plan.limit - plan.through else None
    if not facts.triggered:
        return None
    if at_open:
        return price if price <= plan.limit else None
    return plan.limit if price <= plan.limit - plan.through else None


def visit(plan: Plan, facts: Facts, price: int, bar: TickBar, *, at_open: bool) -> Facts:
    """The facts after the path has come to a price."""
    facts = replace(facts, saw_low=facts.saw_low or price == bar.low, saw_high=facts.saw_high or price == bar.high)
    if facts.holding:
        return exits_at(plan, facts, price, at_once=at_open)
    if facts.entry is not None or plan.kind == "held":
        return facts
    newly = plan.kind == "stop_limit" and not facts.triggered and plan.stop is not None and price >= plan.stop
    facts = replace(facts, triggered=facts.triggered or newly)
    entry = entry_price(plan, facts, price, at_open=at_open)
    if newly and not at_open and plan.stop is not None and plan.limit is not None and plan.limit >= plan.stop:
        entry = plan.stop  # a market that rises through the stop below the limit
    if entry is None:
        return facts
    return exits_at(plan, replace(facts, entry=entry, holding=True), price, at_once=True)


def outcomes(plan: Plan, bar: TickBar) -> set[Outcome]:
    """All that can happen on some admissible path."""
    fresh = Facts(False, None, None, plan.kind == "held", False, False)
    start = (bar.open, visit(plan, fresh, bar.open, bar, at_open=True))
    reached, left, found = {start}, [start], set()
    while left:
        price, facts = left.pop()
        if price == bar.close and facts.saw_low and facts.saw_high:
            found.add(Outcome(facts.entry, facts.exit))
        for step in (price - 1, price + 1):
            if bar.low <= step <= bar.high:
                state = (step, visit(plan, facts, step, bar, at_open=False))
                if state not in reached:
                    reached.add(state)
                    left.append(state)
    return found


def value(plan: Plan, outcome: Outcome, close: int) -> int:
    """Equity at the close in ticks a unit, relative to no position; of a held one relative to the close."""
    if plan.kind == "held":
        return 0 if outcome.exit is None else outcome.exit - close
    if outcome.entry is None:
        return 0
    return (close if outcome.exit is None else outcome.exit) - outcome.entry
