"""Health checks: what is measured of a strategy, and when that is no longer well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admf.data.stamps import SECOND_NS
from admf.live.feed import MarketDataFeed
from admf.live.pulse import ERROR_WINDOW_BARS
from admf.live.strategy_container import LiveStrategyContainer

STALE_BARS = 3  # of silence, where nobody says how long is too long
STALE_MIN_S = 10.0  # bars of a second may be late together


@dataclass(frozen=True)
class HealthLimits:
    """Beyond these a strategy is not well, in seconds of the wall clock.

    heartbeat: since its thread or loop last answered. lag: that bars and questions waited before it took them. errors:
    in the last 100 bars. stale: since the feed brought it a bar, while the session has bars to come; None: three bars,
    and 10 s. A feed that delivers as fast as bars are taken is neither stale nor makes lag.
    """

    heartbeat_max_s: float = 30.0
    lag_max_s: float = 5.0
    errors_max: int = 5
    stale_max_s: float | None = None


class HealthChecks:
    """Holds strategies against limits, and says when one crosses them."""

    def __init__(self, limits: HealthLimits, feed: MarketDataFeed) -> None:
        self._limits = limits
        self._waits = feed.batch_bars == 1  # bars come when they come
        self._feed = feed
        self._known: dict[str, list[str]] = {}

    def seen(self, container: LiveStrategyContainer) -> dict[str, Any]:
        """The health of a strategy, with `problems` in words."""
        health = container.health()
        return {"state": health["state"], "problems": self._problems(health, container.symbol), **health}

    def _problems(self, health: Mapping[str, Any], symbol: str) -> list[str]:
        limits = self._limits
        found = [] if health["state"] in ("running", "paused", "stopped") else [str(health["state"])]
        if health["heartbeat_age_s"] > limits.heartbeat_max_s:
            found.append(f"no heartbeat for {health['heartbeat_age_s']:.1f} s")
        if health["recent_errors"] > limits.errors_max:
            found.append(f"{health['recent_errors']} errors in {ERROR_WINDOW_BARS} bars")
        if not self._waits:
            return found
        if health["lag_s"] > limits.lag_max_s:
            found.append(f"bars wait {health['lag_s']:.1f} s")
        stale_s, stale_max_s = health["stale_s"], self._stale_max_s(symbol)
        if None not in (stale_s, stale_max_s) and stale_s > stale_max_s:
            found.append(f"no bar for {stale_s:.1f} s")
        return found

    def _stale_max_s(self, symbol: str) -> float | None:
        frequency_ns = self._feed.facts[symbol].frequency_ns
        if self._limits.stale_max_s is not None or frequency_ns is None:
            return self._limits.stale_max_s
        return max(STALE_MIN_S, STALE_BARS * frequency_ns / SECOND_NS)

    def report(self, containers: Mapping[str, LiveStrategyContainer]) -> None:
        """A line in the log for each strategy that is well no longer, or again."""
        for name, container in containers.items():
            problems = self.seen(container)["problems"]
            kinds = [problem.rstrip("0123456789. s") for problem in problems]
            if kinds != self._known.get(name, []):
                if problems:
                    container.container.logger.warning("not well: %s", "; ".join(problems))
                else:
                    container.container.logger.info("well again")
            self._known[name] = kinds
