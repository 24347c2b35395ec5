"""`Reconciler`: holds the books of all strategies of an account against those of the venue."""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from admf.live.broker import LiveBroker
from admf.live.router import OrderRouter, RouterError
from admf.live.strategy_container import LiveState, LiveStrategyContainer


class Gap(NamedTuple):
    """A difference: the venue's units less ours, 0 for an order."""

    units: float
    words: str


Gaps = dict[str, Gap]
Brokers = Sequence[tuple[str, LiveBroker]]


class Reconciler:
    """Looks every `interval_s` seconds, and when the venue is back after it was away.

    A difference in positions or open orders counts when it is there on two looks in a row: one look alone may fall
    between a fill at the venue and its report to us. The second look comes with the next bar. Orders that others sent
    to the account are theirs.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next_s = time.monotonic() + interval_s
        self._reconnects = 0
        self._gaps: Gaps = {}  # what differed on the last look

    def look(self, router: OrderRouter, containers: Sequence[LiveStrategyContainer]) -> str:
        """What is wrong, in words; empty where nothing is, or it is not yet time. Between two bars."""
        is_back, self._reconnects = router.reconnects != self._reconnects, router.reconnects
        if not is_back and not self._gaps and time.monotonic() < self._next_s:
            return ""
        self._next_s = time.monotonic() + self._interval_s
        gaps = apart(router, containers)
        if gaps is None:
            return ""
        before, self._gaps = self._gaps, gaps
        same = [gap.words for name, gap in gaps.items() if name in before and before[name].units == gap.units]
        return f"reconciliation: {'; '.join(same)}" if same else ""


def apart(router: OrderRouter, containers: Sequence[LiveStrategyContainer]) -> Gaps | None:
    """What differs now; None where nobody can say, because the venue is away: the health tells that."""
    brokers = [
        (container.symbol, container.container.resolve("broker"))
        for container in containers
        if container.state not in (LiveState.STALLED, LiveState.STOPPED)
    ]
    if any(broker.unreachable for _, broker in brokers):
        return None
    try:
        return positions_apart(router, brokers) | orders_apart(router, brokers)
    except RouterError:
        return None


def positions_apart(router: OrderRouter, brokers: Brokers) -> Gaps:
    """Symbols of ours of which the venue holds other units than all strategies together."""
    venue = dict(router.account()["positions"])
    ours: defaultdict[str, float] = defaultdict(float)
    for symbol, broker in brokers:
        ours[symbol] += broker.position(0)
    pairs = {name: (ours[name], float(venue.get(name, 0.0))) for name in sorted(ours)}
    return {
        name: Gap(its - own, f"{name}: ours {own:g}, the venue's {its:g}")
        for name, (own, its) in pairs.items()
        if own != its
    }


def orders_apart(router: OrderRouter, brokers: Brokers) -> Gaps:
    """Orders that live in our books and not at the venue, or the other way round."""
    venue = router.open_orders()
    apart: Gaps = {}
    for _, broker in brokers:
        ours = broker.sent
        there = {name for name in venue if broker.owns(name)}
        apart |= {name: Gap(0.0, f"order {name}: gone at the venue") for name in sorted(ours - there)}
        apart |= {name: Gap(0.0, f"order {name}: over in our books, not there") for name in sorted(there - ours)}
    return apart
