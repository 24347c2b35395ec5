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

Two more things a class may declare as parameters, each of them an axis of a sweep like the others:

    quantity: float = 100.0      # units of an entry, in the place of `fraction` of the equity
    stop_loss: float = 0.02      # or take_profit, or trailing_stop: shares of the close of the decision, 0 is none

With one of the last three an entry has exits that cancel each other; an exit that fills keeps the strategy out until
the rule has returned something else.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, ClassVar

from admf.errors import StrategyError
from admf.strategy import CompiledStrategy
from admf_kernels.codes import OrderType, SizeKind

KEEP = 2  # what a rule returns where whatever is held stays
INDICATORS_MAX = 4
OWN_FIELDS = ("quantity", "fraction", "stop_loss", "take_profit", "trailing_stop", "_order")
EXITS = ("stop_loss", "take_profit", "trailing_stop")
EXIT_MEMORIES = ("_stop", "_target", "_trail")  # numbers of the exits in the book
MARKET, LIMIT, STOP = OrderType.MARKET.value, OrderType.LIMIT.value, OrderType.STOP.value
NAN = float("nan")
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
    if wanted == KEEP:
        return
    quantity = ctx.position()
    held = 1 if quantity > 0.0 else -1 if quantity < 0.0 else 0
    if wanted != held:
        if ctx.working() == 0:
            act(self, ctx, wanted)
    elif ctx.working() > 0:  # it waits for volume while the rule has changed its mind
        ctx.cancel(self._order)
"""
PROTECTED_BODY = """def on_bar(self, ctx):
    {lines}
    if ctx.bar < {ready}:
        return
    wanted = int(rule(self, {names}))
    if wanted != self._left:
        self._left = 0
    elif wanted != 0:  # an exit has ended this trade
        return
    if wanted == KEEP:
        return
    quantity = ctx.position()
    held = 1 if quantity > 0.0 else -1 if quantity < 0.0 else 0
    waits = self._order >= 0 and ctx.is_working(self._order)
    if wanted != held:
        if not waits:
            act(self, ctx, wanted)
    elif waits:
        ctx.cancel(self._order)
"""
ON_FILL = """def on_fill(self, ctx, fill):
    if fill.order == self._stop or fill.order == self._target or fill.order == self._trail:
        self._left = -fill.side
"""
ACT = """def act(self, ctx, side):
    if ctx.position() != 0.0:
        {leave}
        self._order = ctx.close_position()
    if side > 0:
        self._order = {buy}
    elif side < 0:
        self._order = {sell}
    {protect}
"""
BY_FRACTION = {"buy": "ctx.buy_equity(self.fraction)", "sell": "ctx.sell_equity(self.fraction)"}
BY_QUANTITY = {"buy": "ctx.buy(self.quantity)", "sell": "ctx.sell(self.quantity)"}
# with a stop, which a risk manager counts from the first moment on (K-08)
FRACTION = "ctx.submit({0}, MARKET, size_kind=SHARE, size=self.fraction, protected_at=stop_of(self, ctx, {0}))"
UNITS = "ctx.submit({0}, MARKET, self.quantity, protected_at=stop_of(self, ctx, {0}))"
WANT = "def want(strategy, {inputs}):\n    return int(rule(strategy, {names}))\n"
# What lanes call in the place of `on_bar` of a strategy with exits: on a bar whose side is not the one that they keep.
CHANGE = """def change(self, ctx, side):
    self._left = 0
    quantity = ctx.position()
    if side != KEEP and side != (1 if quantity > 0.0 else -1 if quantity < 0.0 else 0):
        act(self, ctx, side)
"""
LEFT = "def left(self):\n    return self._left\n"


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


def cancel_exits(self: Any, ctx: Any) -> None:
    """Cancels what waits to close the position."""
    for number in (self._stop, self._target, self._trail):
        if number >= 0 and ctx.is_working(number):
            ctx.cancel(number)


def stop_of(self: Any, ctx: Any, side: int) -> float:
    """Where the stop of an entry will stand; NaN without one."""
    return float(ctx.close() * (1.0 - side * self.stop_loss)) if self.stop_loss > 0.0 else NAN


def protect(self: Any, ctx: Any, side: int, entry: int) -> None:
    """The exits of an entry, at their shares of the close; they cancel each other."""
    self._stop, self._target, self._trail = -1, -1, -1
    close = ctx.close()
    if self.stop_loss > 0.0:
        self._stop = ctx.submit(-side, STOP, stop=stop_of(self, ctx, side), parent=entry)
    if self.take_profit > 0.0:
        self._target = ctx.submit(-side, LIMIT, limit=close * (1.0 + side * self.take_profit), parent=entry)
    if self.trailing_stop > 0.0:
        self._trail = ctx.trailing_stop(-side, percent=100.0 * self.trailing_stop, parent=entry)
    if self._stop >= 0 and self._target >= 0:
        ctx.oco(self._stop, self._target)
    if self._trail >= 0 and self._target >= 0:
        ctx.oco(self._target, self._trail)
    elif self._trail >= 0 and self._stop >= 0:
        ctx.oco(self._stop, self._trail)


class SignalStrategy(CompiledStrategy):
    """Base class of strategies that are a rule over indicators; see the docstring of the module.

    `rule(self, ...)` takes the values of the indicators at the close and returns 1 (long), 0 (flat), -1 (short) or
    `admf.signals.KEEP` (what is held stays, and so does nothing), or a truth value (long or flat). Orders are sent at
    the close where the rule and the position differ, for `fraction` of the equity. The class has no other hooks.
    """

    orders_per_bar_max: ClassVar[int] = 4
    indicators: ClassVar[dict[str, Indicator]] = {}
    made_hooks: ClassVar[dict[str, FunctionType]] = {}  # those that were made from the rule
    lane_hooks: ClassVar[dict[str, FunctionType]] = {}  # what the lanes call instead

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
                declare(cls, memory, 0.0)
        declared = {name for base in cls.__mro__ for name in inspect.get_annotations(base)}
        protected = not declared.isdisjoint(EXITS)
        if protected:
            declare_exits(cls, declared)
        inputs = [f"input_{index}" for index in range(INDICATORS_MAX)]
        want = made(WANT.format(inputs=", ".join(inputs), names=", ".join(inputs[: len(names)])), "want", rule)
        if "on_bar" not in vars(cls):
            act = made(act_source("quantity" in declared, protected), "act", rule)
            cls.made_hooks = {"on_bar": made(body(cls.indicators, protected), "on_bar", rule, act)}
            cls.lane_hooks = {"want_side": want, "change_side": act}
            if protected:
                cls.made_hooks["on_fill"] = made(ON_FILL, "on_fill", rule)
                cls.lane_hooks |= {
                    "change_side": made(CHANGE, "change", rule, act),
                    "left_side": made(LEFT, "left", rule),
                    "after_fill": cls.made_hooks["on_fill"],
                }
            for name, hook in cls.made_hooks.items():
                hook.__qualname__ = f"{cls.__name__}.{name}"
                setattr(cls, name, hook)

    @classmethod
    def fields(cls) -> dict[str, type[Any]]:
        """Parameters and state, those of this base class last."""
        found = super().fields()
        if "quantity" in found:
            del found["fraction"]
        return {name: found[name] for name in sorted(found, key=lambda name: name in OWN_FIELDS)}

    def ready(self) -> int:
        """The first bar on which the rule counts."""
        return max(indicator.ready(self) for indicator in self.indicators.values())


def memories(name: str, indicator: Indicator) -> list[str]:
    """The fields in which an indicator keeps its values."""
    return [f"_{name}_{index}" for index in range(FORMS[indicator.kind][0])]


def declare(cls: type[SignalStrategy], name: str, value: float) -> None:
    """Gives a class a field as if it stood in its body."""
    cls.__annotations__ = inspect.get_annotations(cls) | {name: type(value)}
    setattr(cls, name, value)


def declare_exits(cls: type[SignalStrategy], declared: set[str]) -> None:
    """The parameters of exits that a class has not declared, what it remembers of them, and their bounds."""
    cls.orders_per_bar_max = max(cls.orders_per_bar_max, 8)
    for name in EXITS:
        if name not in declared:
            declare(cls, name, 0.0)
    for name in EXIT_MEMORIES:
        declare(cls, name, -1)
    declare(cls, "_left", 0)  # the side of the trade that an exit has ended, while the rule still wants it
    inner = getattr(cls, "check", None)

    def check(self: Any) -> None:
        if not (0.0 <= self.stop_loss < 1.0 and self.take_profit >= 0.0 and 0.0 <= self.trailing_stop < 1.0):
            raise ValueError("allowed: 0 <= stop_loss < 1, take_profit >= 0, 0 <= trailing_stop < 1")
        if inner is not None:
            inner(self)

    cls.check = check  # type: ignore[attr-defined]


def act_source(by_quantity: bool, protected: bool) -> str:
    """The source of `act`: to a side, at market; what is held on another side is closed first."""
    if not protected:
        return ACT.format(leave="pass", protect="", **(BY_QUANTITY if by_quantity else BY_FRACTION))
    entry = UNITS if by_quantity else FRACTION
    return ACT.format(
        leave="cancel_exits(self, ctx)",
        protect="if side != 0:\n        protect(self, ctx, side, self._order)",
        buy=entry.format(1),
        sell=entry.format(-1),
    )


def body(indicators: dict[str, Indicator], protected: bool) -> str:
    """The source of `on_bar`."""
    lines, ready = [], []
    for name, indicator in indicators.items():
        _, line, shift = FORMS[indicator.kind]
        period = f"self.{indicator.period}" if isinstance(indicator.period, str) else str(indicator.period)
        lines.append(line.format(*memories(name, indicator), name=name, period=period))
        if indicator.kind != "close":
            ready.append(f"{period} + {shift}" if shift else period)
    first = "0" if not ready else ready[0] if len(ready) == 1 else f"max({', '.join(ready)})"
    form = PROTECTED_BODY if protected else BODY
    return form.format(lines="\n    ".join(lines), ready=first, names=", ".join(indicators))


def made(source: str, name: str, rule: Callable[..., Any], act: Callable[..., None] | None = None) -> FunctionType:
    """A function from its source, with the rule in its globals."""
    namespace: dict[str, Any] = {"rule": rule, "act": act, "__name__": __name__}
    namespace |= {"cancel_exits": cancel_exits, "protect": protect, "stop_of": stop_of, "KEEP": KEEP}
    namespace |= {"MARKET": MARKET, "SHARE": SizeKind.EQUITY_FRACTION.value}
    exec(compile(source, f"<{name} of a signal strategy>", "exec"), namespace)
    function: FunctionType = namespace[name]
    return function
