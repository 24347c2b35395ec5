"""`verify_law`: looks for faults in a user's slippage or commission law and shrinks the first one it finds."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from admf.errors import ConfigError
from admf.models import Model
from admf_kernels._jit import CompileError, compile_now, specialise
from admf_kernels.laws.commission import user_commission
from admf_kernels.laws.slippage import Bar, user_slippage

Law = Callable[..., float]
Inputs = dict[str, float]
Ask = Callable[[Inputs], float]

SLIPPAGE = ("base_price", "side", "quantity", "used_volume", "bar")
COMMISSION = ("quantity", "value")
MORE = "more_quantity"  # input of the monotone check alone
EXTRA = "admf-engine[verify]"


@dataclass(frozen=True)
class LawFault:
    """The smallest input found that breaks a check; `compiles` has none."""

    check: str  # name of the check
    inputs: Mapping[str, float]
    found: str  # what the law did


@dataclass(frozen=True)
class LawReport:
    """What `verify_law` found; prints as text."""

    law: str  # name of the function
    family: str  # "slippage" or "commission"
    checks: tuple[str, ...]  # in the order in which they were made
    examples: int  # inputs tried at most
    fault: LawFault | None  # the first one found, as small as it could be made

    @property
    def passed(self) -> bool:
        """Whether no fault was found."""
        return self.fault is None

    def __str__(self) -> str:
        head = f"{self.family} law {self.law}"
        if self.fault is None:
            return f"{head}: no fault in {self.examples:,} examples ({', '.join(self.checks)})"
        lines = [f"{head}: not {self.fault.check}", f"  {self.fault.found}"]
        lines += [f"  {name} = {value!r}" for name, value in self.fault.inputs.items()]
        return "\n".join(lines)


class _FaultError(Exception):
    def __init__(self, check: str, inputs: Inputs, found: str) -> None:
        super().__init__(f"not {check}: {found}")
        self.fault = LawFault(check, inputs, found)


def verify_law(law: Law | Model, *, monotone: bool = False, rebates: bool = False, examples: int = 1_000) -> LawReport:
    """Checks a law of your own, and shrinks the first fault to a small input.

    `law`: the function, or `admf.slippage.law(function)`; with five arguments it is a slippage law, with two a
    commission law. The checks: it compiles; it raises nothing; the same input gives the same bits every time (pure),
    and the same bits compiled as in plain Python; the value is finite; it is >= 0 (a commission with `rebates=True`
    may be negative); with `monotone=True` more units never cost less. `examples` bounds the inputs tried, which are
    the same in every call. Needs Hypothesis; raises ConfigError where it is missing or `law` is no law.
    """
    hypothesis = _hypothesis()
    function = law.function if isinstance(law, Model) else law
    family = _family(function)
    assert function is not None
    checks = ("compiled", "quiet", "pure", "the same compiled", "finite", *([] if rebates else [">= 0"]))
    checks += ("monotone",) * monotone
    fault = None
    try:
        _search(hypothesis, family, function, frozenset(checks), examples)
    except _FaultError as error:
        fault = error.fault
    return LawReport(function.__qualname__, family, checks, examples, fault)


def _hypothesis() -> ModuleType:
    try:
        import hypothesis
    except ImportError:
        raise ConfigError(
            "Hypothesis is not installed",
            field="verify_law",
            remedy=f"pip install '{EXTRA}', or pip install hypothesis",
        ) from None
    return hypothesis


def _family(function: object) -> str:
    """Which law a function is, by the number of arguments that it takes."""
    allowed = f"a plain function of ({', '.join(SLIPPAGE)}) or of ({', '.join(COMMISSION)})"
    if not inspect.isfunction(function):
        raise ConfigError("not a law", field="verify_law", found=function, allowed=allowed)
    for family, arguments in (("slippage", SLIPPAGE), ("commission", COMMISSION)):
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError:
            continue
        return family
    found = f"{function.__qualname__}{inspect.signature(function)}"
    raise ConfigError("other arguments", field="verify_law", found=found, allowed=allowed)


# ----------------------------------------------------------------------------------------------------- asking the law


def ask_slippage(
    base_price: float,
    side: int,
    quantity: float,
    used_volume: float,
    open_: float,
    high: float,
    low: float,
    close: float,
    volume: float,
) -> float:
    """The slot of a slippage law behind plain numbers."""
    return user_slippage(base_price, side, quantity, used_volume, Bar(open_, high, low, close, volume, 0.0))


def ask_commission(quantity: float, value: float) -> float:
    """The slot of a commission law behind plain numbers."""
    return user_commission(quantity, value)


def _asks(family: str, function: Law) -> tuple[Ask, Ask]:
    """The law in plain Python and compiled; _FaultError where it does not compile."""
    template, slot = (ask_slippage, "user_slippage") if family == "slippage" else (ask_commission, "user_commission")
    names = [*inspect.signature(template).parameters]
    plain = specialise(template, hooks={slot: function}, compiled=False)
    compiled = specialise(template, hooks={slot: function})
    types = [1 if name == "side" else 1.0 for name in names]
    try:
        compile_now(compiled, types)
    except CompileError as error:
        raise _FaultError("compiled", {}, str(error)) from error

    def ask(call: Law, *, wrap: Callable[[float], Any]) -> Ask:
        def answer(inputs: Inputs) -> float:
            with np.errstate(all="ignore"):
                return float(call(*(int(inputs[name]) if name == "side" else wrap(inputs[name]) for name in names)))

        return answer

    return ask(plain, wrap=np.float64), ask(compiled, wrap=float)


def _search(hypothesis: ModuleType, family: str, function: Law, checks: frozenset[str], examples: int) -> None:
    """_FaultError with the smallest input that Hypothesis finds."""
    plain, compiled = _asks(family, function)
    drawn = _slippage_inputs if family == "slippage" else _commission_inputs

    def body(data: Any) -> None:
        inputs = drawn(data, hypothesis.strategies)
        for check, found in _faults(family, plain, compiled, inputs):
            if check in checks:
                raise _FaultError(check, {key: inputs[key] for key in inputs if key != MORE}, found)
        if "monotone" in checks:
            _compare_more(family, plain, inputs)

    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    try:
        settings(hypothesis.given(hypothesis.strategies.data())(body))()
    except hypothesis.errors.Flaky:
        raise _FaultError("pure", {}, "the same inputs passed one time and failed another") from None


def _faults(family: str, plain: Ask, compiled: Ask, inputs: Inputs) -> Iterator[tuple[str, str]]:
    """(check, what the law did) for every check that one input breaks, in order."""
    try:
        value, again, fast = plain(inputs), plain(inputs), compiled(inputs)
        fast_again = compiled(inputs)
    except Exception as error:
        yield "quiet", f"raised {type(error).__name__}: {error}"
        return
    if not (_same(value, again) and _same(fast, fast_again)):
        first, second = (fast, fast_again) if _same(value, again) else (value, again)
        yield "pure", f"gave {first!r}, then {second!r}"
    if not _same(value, fast):
        yield "the same compiled", f"gave {value!r} in plain Python, {fast!r} compiled"
    if not math.isfinite(value):
        yield "finite", f"gave {value!r}"
    elif value < 0.0:
        yield ">= 0", f"gave {value!r}"


def _compare_more(family: str, plain: Ask, inputs: Inputs) -> None:
    """_FaultError where more units at the same price cost less; inputs that break another check have their own turn."""
    more = inputs | {"quantity": inputs["quantity"] + inputs[MORE]}
    if family == "commission":
        more["value"] = inputs["value"] / inputs["quantity"] * more["quantity"]
    value = plain(inputs)
    try:
        larger = plain(more)
    except Exception as error:
        raise _FaultError("quiet", more, f"raised {type(error).__name__}: {error}") from error
    if larger < value:
        found = f"gave {value!r}, and {larger!r} for {more['quantity']!r} units"
        raise _FaultError("monotone", inputs, found)


def _same(one: float, other: float) -> bool:
    """Equal bits, any NaN like any other."""
    return (one != one and other != other) or (one == other and math.copysign(1.0, one) == math.copysign(1.0, other))


# --------------------------------------------------------------------------------------------------------- drawn inputs


def _slippage_inputs(data: Any, strategies: ModuleType) -> Inputs:
    price = strategies.floats(0.01, 1e6)
    units = strategies.floats(0.0, 1e9)
    prices = [data.draw(price) for _ in range(4)]
    inputs = {"open_": prices[0], "high": max(prices), "low": min(prices), "close": prices[1]}
    inputs["base_price"] = data.draw(strategies.floats(inputs["low"], inputs["high"]))
    inputs["side"] = data.draw(strategies.sampled_from([1, -1]))
    inputs["quantity"] = data.draw(strategies.floats(1e-6, 1e9))
    inputs["used_volume"] = data.draw(units)
    inputs["volume"] = data.draw(units)
    return inputs | {MORE: data.draw(units)}


def _commission_inputs(data: Any, strategies: ModuleType) -> Inputs:
    quantity = data.draw(strategies.floats(1e-6, 1e9))
    value = quantity * data.draw(strategies.floats(0.01, 1e6))
    return {"quantity": quantity, "value": value, MORE: data.draw(strategies.floats(0.0, 1e9))}
