"""`Reconciler`: holds the books of all strategies of an account against those of the venue."""

import time
from collections import defaultdict
from collections.abc import Sequence

from admf.live.router import OrderRouter, RouterError
from admf.live.strategy_container import LiveState, LiveStrategyContainer


class Reconciler:
    """Looks every `interval_s` seconds; a difference counts when it is there on two looks in a row.

    One look alone may fall between a fill at the venue and its report to us.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next_s = time.monotonic() + interval_s
        self._gaps: dict[str, float] = {}  # the venue's units less ours, where they differ

    def look(self, router: OrderRouter, containers: Sequence[LiveStrategyContainer]) -> str:
        """What is wrong, in words; empty where nothing is, or it is not yet time. Between two bars."""
        if time.monotonic() < self._next_s:
            return ""
        self._next_s = time.monotonic() + self._interval_s
        try:
            venue = dict(router.account()["positions"])
        except RouterError:  # the health tells that the venue is away
            return ""
        ours: defaultdict[str, float] = defaultdict(float)
        for container in containers:
            if container.state is not LiveState.STALLED:
                ours[container.symbol] += container.container.resolve("broker").position(0)
        symbols = {*ours, *venue}
        gaps = {name: float(venue.get(name, 0.0)) - ours[name] for name in sorted(symbols)}
        before, self._gaps = self._gaps, {name: gap for name, gap in gaps.items() if gap != 0.0}
        if not self._gaps or self._gaps != before:
            return ""
        words = (f"{name}: ours {ours[name]:g}, the venue's {ours[name] + gap:g}" for name, gap in self._gaps.items())
        return f"reconciliation: {'; '.join(words)}"
