"""What a person reads when a hook does not compile: their function, their line, the wrong type, in a line or two."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from admf_kernels._jit import CompileError, compile_now, kernel, specialise
from admf_kernels.records import record

OWN = np.zeros(1, record([("fast", np.float64), ("count", np.int64)], 16))


class Bar(NamedTuple):
    """What the hook is given."""

    index: int
    price: float


def on_bar(own: Any, bar: Any) -> None:
    """The slot."""


def cost(price: Any) -> float:
    """Another slot."""
    return 0.0


def is_open(price: Any) -> bool:
    """A third slot."""
    return True


@kernel
def loop(rows, count):
    for index in range(count):
        bar = Bar(index, 1.5)
        on_bar(rows[0], bar)
        rows[0].fast += cost(bar.price)
        if is_open(bar.price):
            rows[0].count += 1


def _hooks(text: str, filename: str = "strategy.py") -> dict[str, Any]:
    namespace: dict[str, Any] = {"np": np, "__name__": "user"}
    exec(compile(text, filename, "exec"), namespace)
    return {name: namespace[name] for name in ("on_bar", "cost", "is_open") if name in namespace}


def _fail(text: str) -> CompileError:
    function = specialise(loop, hooks=_hooks(text))
    with pytest.raises(CompileError) as caught:
        compile_now(function, (OWN, 1))
    return caught.value


@pytest.fixture(autouse=True)
def _own_cache(new_process: Callable[[], None]) -> None:
    """Every test compiles."""


CASES = {
    "unknown attribute": ("own.fast = bar.colour", "Bar(int, float) has no attribute 'colour'"),
    "unknown method": ("bar.buy(1.0)", "Bar(int, float) has no attribute 'buy'"),
    "field to write": ("own.slow = 3.0", "no field 'slow' is declared on the class"),
    "field to read": ("own.fast = own.slow", "no field 'slow' is declared on the class"),
    "field to add to": ("own.slow += 1.0", "no field 'slow' is declared on the class"),
    "type of a field": ("own.fast = 'abc'", "`own.fast` got text 'abc', a number is needed"),
    "type of a counter": ("own.count = None", "`own.count` got None, a whole number is needed"),
    "operands": ("own.fast = bar.price + 'a'", "cannot compute float + text 'a'"),
    "comparison": ("own.fast = bar > 1", "cannot compute Bar(int, float) > 1"),
    "item": ("own.fast = bar.price[0]", "cannot compute float[0]"),
    "argument": ("own.fast = np.sqrt(bar)", "cannot compute sqrt(Bar(int, float))"),
    "record": ("own.fast = 1.0 + own", "cannot compute float + record(fast, count)"),
    "membership": ("if bar.price in bar: own.count = 1", "cannot compute float in Bar(int, float)"),
    "call": ("bar.price()", "float is no function that could be called with ()"),
    "undefined name": ("own.fast = nothing", "name 'nothing' is not defined"),
    "import": ("import os", "import inside a function is not supported"),
    "class": ("class A: pass", "class inside a function is not supported"),
    "missing function": ("own.fast = np.no_such(1.0)", "module 'numpy' has no attribute 'no_such'"),
    "format": ("print(f'{bar.price:.2f}')", "format spec in f-strings not supported yet"),
    "two types": ("own.fast = 1.0 if bar.price > 1.0 else 'a'", "a value is float in one case and text 'a' in another"),
}


@pytest.mark.parametrize(("line", "problem"), CASES.values(), ids=CASES)
def test_the_line_and_the_problem_are_named(line: str, problem: str) -> None:
    error = _fail(f"# a strategy\ndef on_bar(own, bar):\n    own.count = 2\n    {line}\n    own.count = 3\n")
    assert (error.function, error.filename, error.lineno) == ("on_bar", "strategy.py", 4)
    assert problem in error.problem
    assert str(error).startswith(f"on_bar (strategy.py, line 4): {error.problem[:10]}")
    assert len(str(error)) < 350
    assert len(str(error).splitlines()) <= 2
    for internal in ("numba", "typing", "pipeline", "Dispatcher", "%", "0x", "_build"):
        assert internal not in str(error)


def test_a_variable_of_two_types_is_named() -> None:
    error = _fail("def on_bar(own, bar):\n    x = 1.0\n    if bar.index > 0:\n        x = 'a'\n    own.fast = x\n")
    assert error.problem == "'x' is float in one place and text 'a' in another"


def test_the_line_of_the_source_is_shown(tmp_path: Path) -> None:
    path, text = tmp_path / "mine.py", "def on_bar(own, bar):\n    own.fast = 'abc'  # a price\n"
    path.write_text(text)
    function = specialise(loop, hooks=_hooks(text, str(path)))
    with pytest.raises(CompileError) as caught:
        compile_now(function, (OWN, 1))
    problem = "`own.fast` got text 'abc', a number is needed"
    assert str(caught.value) == f"on_bar ({path}, line 2): {problem}\n    own.fast = 'abc'  # a price"


def test_the_fault_of_a_helper_is_found_in_the_helper() -> None:
    error = _fail(
        "def inner(x):\n    return x + 'a'\ndef outer(x):\n    return inner(x)\ndef on_bar(own, bar):\n    outer(1.5)\n"
    )
    assert (error.function, error.lineno) == ("inner", 2)
    assert error.problem == "cannot compute float + text 'a'"


def test_the_fault_of_a_jitted_helper_is_found_in_the_helper() -> None:
    text = "import numba\n@numba.njit\ndef inner(x):\n    return x.nope\ndef on_bar(own, bar):\n    inner(1.5)\n"
    error = _fail(text)
    assert (error.function, error.lineno) == ("inner", 4)
    assert error.problem == "float has no attribute 'nope'"


def test_wrong_arguments_of_a_helper() -> None:
    error = _fail("def inner(x):\n    return x\ndef on_bar(own, bar):\n    own.fast = inner(1.5, 2)\n")
    assert (error.function, error.lineno) == ("on_bar", 4)
    assert error.problem == "is called with other arguments than (x): too many positional arguments"


def test_a_hook_with_other_parameters_than_its_slot() -> None:
    error = _fail("def on_bar(own):\n    own.fast = 1.0\n")
    assert error.function == "on_bar"
    assert error.problem == "is called with other arguments than (own): too many positional arguments"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def on_bar(own, bar):\n    return 1.5", "on_bar returns float, must return nothing"),
        (
            "def on_bar(own, bar):\n    if bar.index > 0:\n        return 1.5",
            "on_bar returns float or None, must return nothing",
        ),
        ("def on_bar(own, bar):\n    yield bar.price", "on_bar returns a generator, must return nothing"),
        ("def cost(price):\n    own = price", "cost returns None, must return float"),
        ("def cost(price):\n    return price, price", "cost returns a tuple of 2 x float, must return float"),
        ("def is_open(price):\n    return price", "is_open returns float, must return bool"),
    ],
)
def test_a_wrong_return_type_is_named(text: str, problem: str, new_process: Callable[[], None]) -> None:
    for _ in range(2):
        new_process()  # in the second process nothing of it comes from the disk
        error = _fail(text)
        assert f"{error.function} {error.problem}" == problem
        assert (error.filename, error.lineno) == ("strategy.py", 1)


def test_a_whole_number_is_a_number() -> None:
    function = specialise(loop, hooks=_hooks("def cost(price):\n    return 2"))
    compile_now(function, (OWN, 1))


def test_a_function_in_two_slots_must_fit_both() -> None:
    """It returns a number, which is right for one of them only."""
    (hook,) = _hooks("def cost(price):\n    return price").values()
    function = specialise(loop, hooks={"cost": hook, "is_open": hook})
    with pytest.raises(CompileError, match="must return bool"):
        compile_now(function, (OWN, 1))


def test_a_coroutine_is_refused() -> None:
    with pytest.raises(TypeError, match="on_bar must be a plain function"):
        specialise(loop, hooks=_hooks("async def on_bar(own, bar):\n    pass"))


def test_an_error_is_the_same_after_pickling() -> None:
    error = CompileError("on_bar", "strategy.py", 3, "is wrong")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.lineno) == (CompileError, str(error), 3)


def test_a_corrected_strategy_compiles_after_its_error() -> None:
    _fail("def cost(price):\n    return price.nope")
    function = specialise(loop, hooks=_hooks("def cost(price):\n    return price"))
    compile_now(function, (OWN, 1))
    rows = OWN.copy()
    function(rows, 1)
    assert rows[0]["fast"] == 1.5
