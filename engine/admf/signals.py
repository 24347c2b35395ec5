"""`SignalStrategy`: indicators declared once and a compiled rule that says which side to be on.

Example:
    class Cross(admf.SignalStrategy):
        fast: int = 10
        slow: int = 50
        fast_average = admf.signals.sma("fast")      # the name of a parameter, or a number of bars
        slow_average = admf.signals.sma("slow")

        def rule(self, fast_average, slow_average):  # the indicators at the close, in the order of the class
            return 1 if fast_average > slow_average else 0

In a sweep such a strategy runs in lanes, many parameter sets side by side, wherever the rules of the run allow.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, ClassVar

from admf.errors import StrategyError
from admf.strategy import CompiledStrategy

INDICATORS_MAX = 4
# kind -> (how many values it keeps from bar to bar, its line in `on_bar`, bars before it counts less the period)
FORMS: dict[str, tuple[int, str, int]] = {
    "close": (0, "{name} = ctx.close()", 0),
    "sma": (1, "self.{0} = ctx.rolling_sum(self.{0}, {period})\n    {name} = self.{0} / {period}", -1),
    "ema": (1, "self.{0} = ctx.ema(self.{0}, {period})\n    {name} = self.{0}", -1),
    "rsi": (
        2,
        "self.{0} = ctx.average_gain(self.{0}, {period})\n    self.{1} = ctx.average_loss(self.{1}, {period})\n"
        "    {name} = ctx.rsi(self.{0}, self.{1})",
        0,
    ),
    "highest": (0, "{name} = ctx.highest({period}, 1)", 0),
    "lowest": (0, "{name} = ctx.lowest({period}, 1)", 0),
}
BODY = """def on_bar(self, ctx):
    {lines}
    if ctx.bar < {ready}:
        return
    wanted = int(rule(self, {names}))
    quantity = ctx.position()
    held = 1 if quantity > 0.0 else -1 if quantity < 0.0 else 0
    if wanted != held:
        if ctx.working() == 0:
            act(self, ctx, wanted)
    elif ctx.working() > 0:  # it waits for volume while the rule has changed its mind
        ctx.cancel(self._order)
"""
WANT = "def want(strategy, {inputs}):\n    return int(rule(strategy, {names}))\n"


@dataclass(frozen=True)
class Indicator:
    """One indicator of the first symbol's bars; `period` is the name of a parameter or a number of bars."""

    kind: str
    period: str | int = 1

    def ready(self, strategy: CompiledStrategy) -> int:
        """The first bar on which it counts."""
        return max(0, self.bars(strategy) + FORMS[self.kind][2]) if self.kind != "close" else 0

    def bars(self, strategy: CompiledStrategy) -> int:
        """The period in bars."""
        return int(getattr(strategy, self.period)) if isinstance(self.period, str) else self.period


def close() -> Indicator:
    """The close."""
    return Indicator("close")


def sma(period: str | int) -> Indicator:
    """I-01: the mean of the last closes."""
    return Indicator("sma", period)


def ema(period: str | int) -> Indicator:
    """I-02: the exponential average of the closes."""
    return Indicator("ema", period)


def rsi(period: str | int) -> Indicator:
    """I-03: relative strength, 0 to 100."""
    return Indicator("rsi", period)


def highest(period: str | int) -> Indicator:
    """I-05: the highest high of the bars before this one."""
    return Indicator("highest", period)


def lowest(period: str | int) -> Indicator:
    """I-05: the lowest low of the bars before this one."""
    return Indicator("lowest", period)


def act(self: Any, ctx: Any, side: int) -> None:
    """Goes to a side with `fraction` of the equity, at market; what is held on another side is closed first."""
    if ctx.position() != 0.0:
        self._order = ctx.close_position()
    if side > 0:
        self._order = ctx.buy_equity(self.fraction)
    elif side < 0:
        self._order = ctx.sell_equity(self.fraction)


class SignalStrategy(CompiledStrategy):
    """Base class of strategies that are a rule over indicators; see the docstring of the module.

    `rule(self, ...)` takes the values of the indicators at the close and returns 1 (long), 0 (flat) or -1 (short), or a
    truth value (long or flat). Orders are sent at the close where the rule and the position differ, for `fraction` of
    the equity. The class has no other hooks.
    """

    orders_per_bar_max: ClassVar[int] = 4
    indicators: ClassVar[dict[str, Indicator]] = {}
    want: ClassVar[FunctionType]

    fraction: float = 1.0
    _order: int = -1

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Indicator)}
        cls.indicators = cls.indicators | own
        rule = getattr(cls, "rule", None)
        if rule is None:
            return
        names = list(cls.indicators)
        if not 1 <= len(names) <= INDICATORS_MAX:
            field, allowed = f"{cls.__name__}", f"1 to {INDICATORS_MAX} indicators"
            raise StrategyError("not so many indicators", field=field, found=len(names), allowed=allowed)
        for name, indicator in own.items():
            for memory in memories(name, indicator):
                cls.__annotations__ = inspect.get_annotations(cls) | {memory: float}
                setattr(cls, memory, 0.0)
        inputs = [f"input_{index}" for index in range(INDICATORS_MAX)]
        cls.want = made(WANT.format(inputs=", ".join(inputs), names=", ".join(inputs[: len(names)])), "want", rule)
        if "on_bar" not in vars(cls):
            cls.on_bar = made(body(cls.indicators), "on_bar", rule, act)  # type: ignore[attr-defined]
            cls.on_bar.__qualname__ = f"{cls.__name__}.on_bar"  # type: ignore[attr-defined]

    def ready(self) -> int:
        """The first bar on which the rule counts."""
        return max(indicator.ready(self) for indicator in self.indicators.values())


def memories(name: str, indicator: Indicator) -> list[str]:
    """The fields in which an indicator keeps its values."""
    return [f"_{name}_{index}" for index in range(FORMS[indicator.kind][0])]


def body(indicators: dict[str, Indicator]) -> str:
    """The source of `on_bar`."""
    lines, ready = [], []
    for name, indicator in indicators.items():
        _, line, shift = FORMS[indicator.kind]
        period = f"self.{indicator.period}" if isinstance(indicator.period, str) else str(indicator.period)
        lines.append(line.format(*memories(name, indicator), name=name, period=period))
        if indicator.kind != "close":
            ready.append(f"{period} + {shift}" if shift else period)
    first = "0" if not ready else ready[0] if len(ready) == 1 else f"max({', '.join(ready)})"
    return BODY.format(lines="\n    ".join(lines), ready=first, names=", ".join(indicators))


def made(source: str, name: str, rule: Callable[..., Any], act: Callable[..., None] | None = None) -> FunctionType:
    """A function from its source, with the rule in its globals."""
    namespace: dict[str, Any] = {"rule": rule, "act": act, "__name__": __name__}
    exec(compile(source, f"<{name} of a signal strategy>", "exec"), namespace)
    function: FunctionType = namespace[name]
    return function
