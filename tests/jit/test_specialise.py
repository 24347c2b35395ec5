"""User code bound into a template: what may be called, and that compiled and plain code agree."""

import math
import types
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

from admf_kernels._jit import allocates, compile_now, law, specialise
from jit import toy

VALUES = np.arange(4.0)
RATE = 0.5


@pytest.fixture(autouse=True)
def _own_cache(new_process: Callable[[], None]) -> None:
    """Every test compiles."""


def _agree(hook: Callable[..., Any], template: Callable[..., Any] = toy.only_hook) -> float:
    """The result, which compiled and plain code must share."""
    function = specialise(template, hooks={"hook": hook})
    compile_now(function, (VALUES,))
    compiled: float = function(VALUES)
    plain = specialise(template, hooks={"hook": hook}, compiled=False)
    assert isinstance(plain, types.FunctionType)
    assert plain(VALUES) == compiled
    return compiled


def helper(x: float, scale: float = 2.0) -> float:
    return x * scale + RATE


@numba.njit
def jitted(x: float) -> float:
    return helper_of_jitted(x) + 1.0


def helper_of_jitted_plain(x: float) -> float:
    return x * 3.0


helper_of_jitted = numba.njit(helper_of_jitted_plain)


def factorial(n: int) -> int:
    return 1 if n <= 1 else n * factorial(n - 1)


def is_even(n: int) -> bool:
    return True if n == 0 else is_odd(n - 1)


def is_odd(n: int) -> bool:
    return False if n == 0 else is_even(n - 1)


@law
def quadruple(x: float) -> float:
    return toy.triple(x) + x


def test_a_template_without_hooks_uses_its_slots() -> None:
    function = specialise(toy.template)
    compile_now(function, (VALUES,))
    assert function(VALUES) == 6.0 + 18.0


def test_helpers_with_defaults_and_keywords() -> None:
    assert _agree(lambda x: helper(x) + helper(x, scale=3.0)) == 30.0 + 4.0


def test_helpers_found_through_modules() -> None:
    inner, outer = types.ModuleType("inner"), types.ModuleType("outer")
    inner.helper, outer.inner, outer.other = helper, inner, math  # type: ignore[attr-defined]
    assert _agree(lambda x: outer.inner.helper(x) + outer.other.sqrt(4.0)) == 14.0 + 8.0
    assert inner.helper is helper, "the module itself stays as it is"


def test_functions_that_are_jitted_already() -> None:
    assert _agree(lambda x: jitted(x)) == 22.0
    assert _agree(jitted) == 22.0, "also as the hook itself"
    assert isinstance(jitted, numba.core.dispatcher.Dispatcher)


def test_laws_of_the_engine() -> None:
    assert _agree(lambda x: quadruple(x)) == 24.0


def test_recursion() -> None:
    assert _agree(lambda x: float(factorial(int(x)))) == 10.0
    assert _agree(lambda x: 1.0 if is_even(int(x)) else 0.25) == 2.5


def test_recursion_that_starts_with_a_constant() -> None:
    """Numba compiles the first call for the constant and the others for any number."""

    def step(x: float, depth: int) -> float:
        return step(x, depth - 1) if depth > 0 else x

    assert _agree(lambda x: step(x, 3)) == 6.0


def test_recursion_is_stored(new_process: Callable[[], None]) -> None:
    for _ in range(2):
        new_process()
        assert _agree(lambda x: 1.0 if is_even(int(x)) else 0.25) == 2.5


def test_functions_without_source() -> None:
    namespace: dict[str, Any] = {}
    exec("RATE = 4.0\ndef near(x): return x * RATE\ndef hook(x): return near(x)", namespace)
    assert _agree(namespace["hook"]) == 24.0
    namespace["RATE"] = 5.0
    assert _agree(namespace["hook"]) == 30.0, "a changed global is compiled anew, in one process too"


def test_strategies_of_one_name_keep_their_bodies() -> None:
    def make(factor: float) -> Callable[[float], float]:
        def step(x: float, depth: int) -> float:  # recursive, so that it stays a function of its own
            return step(x, depth - 1) if depth > 0 else x * factor

        return lambda x: step(x, 2)

    assert [_agree(make(factor)) for factor in (1.0, 2.0, 3.0, 1.0)] == [6.0, 12.0, 18.0, 6.0]


def test_equal_content_gives_the_same_dispatcher() -> None:
    first = specialise(toy.template, hooks={"hook": lambda x: x + 1.0})
    assert specialise(toy.template, hooks={"hook": lambda x: x + 1.0}) is first
    assert specialise(toy.template, hooks={"hook": lambda x: x + 2.0}) is not first
    assert specialise(toy.template, hooks={"hook": lambda x: x + 1.0}, extra=(1,)) is not first


def test_exceptions_reach_the_caller_with_their_values() -> None:
    def check(x: float) -> float:
        if x > 2.0:
            raise ValueError("too large", x)
        return x

    function = specialise(toy.only_hook, hooks={"hook": lambda x: check(x)})
    compile_now(function, (VALUES,))
    with pytest.raises(ValueError, match="too large") as caught:
        function(VALUES)
    assert caught.value.args == ("too large", 3.0)
    assert not allocates(function)


def test_a_helper_may_print(capfd: pytest.CaptureFixture[str]) -> None:
    def show(x: float) -> float:
        print("value", x)
        return x

    function = specialise(toy.only_hook, hooks={"hook": lambda x: show(x)})
    compile_now(function, (VALUES[:2],))
    assert function(VALUES[:2]) == 1.0
    assert capfd.readouterr().out == "value 0.0\nvalue 1.0\n"


def test_other_argument_types_compile_when_called() -> None:
    function = specialise(toy.template, hooks={"hook": lambda x: quadruple(x)})
    compile_now(function, (VALUES,))
    assert function(np.arange(4)) == 24.0 + 18.0


def test_code_of_others_may_call_what_was_compiled_here() -> None:
    specialised = specialise(toy.only_hook, hooks={"hook": lambda x: quadruple(x)})
    compile_now(specialised, (VALUES,))

    @numba.njit(nogil=True, error_model="numpy")
    def other(x: float) -> float:
        return quadruple(x)

    assert other(2.0) == 8.0


def _calls(function: Any) -> list[str]:
    """Calls of other compiled functions that the optimiser left."""
    (result,) = function.overloads.values()
    own = f"@{result.fndesc.llvm_func_name}("  # called by the wrapper for Python
    lines = result.library.get_llvm_str().splitlines()
    return [line for line in lines if " call " in line and "@_ZN" in line and own not in line]


def test_hooks_and_laws_are_inlined_and_kernels_are_called() -> None:
    only_hook = specialise(toy.only_hook, hooks={"hook": lambda x: quadruple(x)})
    compile_now(only_hook, (VALUES,))
    assert not _calls(only_hook)
    template = specialise(toy.template, hooks={"hook": lambda x: quadruple(x)})
    compile_now(template, (VALUES,))
    (call,) = _calls(template)
    assert "shared" in call


def test_a_hook_is_inlined_however_large() -> None:
    lines = [f"    x = math.sin(x) + math.cos(x * {index}.5)" for index in range(60)]
    namespace = {"math": math}
    exec("\n".join(["def hook(x):", *lines, "    return x"]), namespace)
    function = specialise(toy.only_hook, hooks={"hook": namespace["hook"]})  # type: ignore[dict-item]
    compile_now(function, (VALUES,))
    assert not _calls(function)


def test_an_allocating_hook_is_found_in_every_process(new_process: Callable[[], None]) -> None:
    def hook(x: float) -> float:
        return np.zeros(int(x) + 1).sum()

    for _ in range(2):
        new_process()
        function = specialise(toy.only_hook, hooks={"hook": hook})
        compile_now(function, (VALUES,))
        assert allocates(function) == ("hook",)
    clean = specialise(toy.only_hook, hooks={"hook": lambda x: x + 1.0})
    compile_now(clean, (VALUES,))
    assert allocates(clean) == ()


def test_a_helper_that_allocates_counts_for_its_hook() -> None:
    def total(x: float) -> float:
        found = [x, x + 1.0]
        found.append(x)
        return sum(found)

    function = specialise(toy.only_hook, hooks={"hook": lambda x: total(x)})
    compile_now(function, (VALUES,))
    assert allocates(function) == ("hook",)


def test_a_faulty_strategy_says_nothing_about_the_next_one() -> None:
    """They share a kernel, and with it what the first of them compiled."""
    faulty = specialise(toy.template, hooks={"hook": lambda x: np.zeros(int(x) + 1).sum()})
    compile_now(faulty, (VALUES,))
    assert allocates(faulty) == ("hook",)
    next_one = specialise(toy.template, hooks={"hook": lambda x: x * 2.0})
    compile_now(next_one, (VALUES,))
    assert allocates(next_one) == ()


def test_a_faulty_hook_is_found_in_every_template() -> None:
    def hook(x: float) -> float:
        return np.zeros(int(x) + 1).sum()

    for template in (toy.template, toy.only_hook):
        function = specialise(template, hooks={"hook": hook})
        compile_now(function, (VALUES,))
        assert allocates(function) == ("hook",)


def test_plain_code_steps_through_jitted_helpers() -> None:
    seen = []

    @numba.njit
    def spy(x: float) -> float:
        seen.append(x)  # not compiled: nothing could be appended to a list outside
        return x

    plain = specialise(toy.only_hook, hooks={"hook": lambda x: spy(x)}, compiled=False)
    assert plain(VALUES) == 6.0
    assert seen == [0.0, 1.0, 2.0, 3.0]


def test_the_compiler_need_not_be_told_to_compile() -> None:
    function = specialise(toy.only_hook, hooks={"hook": lambda x: x})
    assert function(VALUES) == 6.0
    compile_now(specialise(toy.only_hook, compiled=False), (VALUES,))


def test_division_by_zero_is_infinite_for_hooks_and_their_helpers() -> None:
    def divide(x: float) -> float:
        return 1.0 / x

    function = specialise(toy.only_hook, hooks={"hook": lambda x: divide(x)})
    compile_now(function, (VALUES,))
    assert function(VALUES) == math.inf


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="hook must be a plain function, not 3 of type int"):
        specialise(toy.only_hook, hooks={"hook": 3})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="only_hook never calls the hook on_end"):
        specialise(toy.only_hook, hooks={"on_end": lambda total: None})


def test_symbols_of_this_package_start_at_random() -> None:
    from numba.core.bytecode import FunctionIdentity

    assert next(FunctionIdentity._unique_ids) > 2**32
