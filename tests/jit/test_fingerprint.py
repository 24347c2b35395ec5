"""What the fingerprint of a function counts and what it leaves out."""

import enum
import functools
import types
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
from numba.core import config

from admf_kernels._fingerprint import NoContentError
from admf_kernels._jit import fingerprint

BASE = """
import enum
import numpy as np
from numba import njit

RATE = 0.5
TABLE = np.arange(3.0)
PAIR = (1, 2.5)

class Side(enum.IntEnum):
    BUY = 1
    SELL = 2

def near(x, scale=2.0):
    return far(x) * scale

def far(x):
    return x + RATE + TABLE[0] + PAIR[1]

@njit
def compiled(x):
    return x - 1.0

def make(step):
    def stepped(x):
        return x + step
    return stepped

stepped = make(3.0)

def user(x):
    if x == Side.SELL:
        return 0.0
    return near(x) + compiled(x) + stepped(x) + 7.0
"""


def _user(text: str, name: str = "user") -> Callable[..., Any]:
    namespace: dict[str, Any] = {"__name__": "notebook"}
    exec(compile(text, "<cell>", "exec"), namespace)
    return namespace[name]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("RATE = 0.5", "RATE = 0.25", id="global"),
        pytest.param("RATE = 0.5", "RATE = np.float32(0.5)", id="type of a global"),
        pytest.param("np.arange(3.0)", "np.arange(4.0)", id="array"),
        pytest.param("np.arange(3.0)", "np.arange(3)", id="dtype of an array"),
        pytest.param("(1, 2.5)", "(1, 3.5)", id="tuple"),
        pytest.param("SELL = 2", "SELL = 3", id="enum member"),
        pytest.param("enum.IntEnum", "enum.Enum", id="enum class"),
        pytest.param("scale=2.0", "scale=3.0", id="default"),
        pytest.param("make(3.0)", "make(4.0)", id="closure"),
        pytest.param("x - 1.0", "x - 2.0", id="njit function"),
        pytest.param("@njit", "@njit(fastmath=True)", id="njit options"),
        pytest.param("x + RATE", "x - RATE", id="helper two calls away"),
        pytest.param("7.0", "8.0", id="constant"),
        pytest.param("0.0\n", "-0.0\n", id="sign of zero"),
        pytest.param("7.0", "7", id="type of a constant"),
    ],
)
def test_a_change_counts(old: str, new: str) -> None:
    assert BASE.count(old) >= 1
    assert fingerprint(_user(BASE)) != fingerprint(_user(BASE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("\nRATE", "\n\n\n# a comment\nRATE", id="lines and comments"),
        pytest.param("def far(x):\n", 'def far(x):\n    """A docstring."""\n', id="docstring"),
        pytest.param("def user(x):\n", 'def user(x):\n    "Another."\n\n', id="own docstring"),
        pytest.param("def near(x, scale", "def near(x: float, scale", id="annotation"),
        pytest.param("PAIR =", "UNUSED = 3\nPAIR =", id="global that nobody reads"),
        pytest.param("7.0", "(3.0 + 4.0)", id="folded constant"),
    ],
)
def test_what_does_not_decide_the_code_is_left_out(old: str, new: str) -> None:
    assert BASE.count(old) >= 1
    assert fingerprint(_user(BASE)) == fingerprint(_user(BASE.replace(old, new)))


def test_a_value_set_later_counts() -> None:
    user = _user(BASE)
    before = fingerprint(user)
    user.__globals__["TABLE"][1] = 9.0
    assert fingerprint(user) != before


def test_attributes_of_modules_are_followed() -> None:
    inner, outer = types.ModuleType("inner"), types.ModuleType("outer")
    inner.rate, outer.inner = 1.0, inner  # type: ignore[attr-defined]
    user = _user("def user(x):\n    return x * outer.inner.rate")
    user.__globals__["outer"] = outer
    before = fingerprint(user)
    inner.unread = 3.0  # type: ignore[attr-defined]
    assert fingerprint(user) == before
    inner.rate = 2.0  # type: ignore[attr-defined]
    assert fingerprint(user) != before


def test_functions_that_call_each_other_have_a_fingerprint() -> None:
    text = "def user(n):\n    return n if n < 1 else other(n - 1)\ndef other(n):\n    return user(n) + 1"
    assert fingerprint(_user(text)) == fingerprint(_user(text))
    assert fingerprint(_user(text)) != fingerprint(_user(text.replace("+ 1", "+ 2")))


def test_a_name_that_is_missing_counts_once_it_is_there() -> None:
    user = _user("def user(x):\n    return missing(x)")
    before = fingerprint(user)
    user.__globals__["missing"] = abs
    assert fingerprint(user) != before


def test_a_wrapped_function_is_not_taken_for_one_of_numpy() -> None:
    def wrap(amount: float) -> Callable[..., Any]:
        @functools.wraps(np.linalg.norm)
        def norm(x: float) -> float:
            return x + amount

        return norm

    assert fingerprint(wrap(1.0)) != fingerprint(wrap(2.0))


def test_code_without_a_module_name_counts() -> None:
    def user(value: int) -> Callable[..., Any]:
        namespace: dict[str, Any] = {}
        exec(f"import enum\nclass Side(enum.IntEnum):\n    BUY = {value}\ndef user(x): return x + Side.BUY", namespace)
        return namespace["user"]  # type: ignore[no-any-return]

    assert fingerprint(user(1)) == fingerprint(user(1))
    assert fingerprint(user(1)) != fingerprint(user(2))


def test_fields_of_a_named_tuple_count() -> None:
    class Params(NamedTuple):
        fast: int
        slow: int

    class Swapped(NamedTuple):
        slow: int
        fast: int

    Swapped.__qualname__ = Params.__qualname__
    assert fingerprint(Params(1, 1)) != fingerprint(Swapped(1, 1))


@pytest.mark.parametrize(
    ("flag", "value"),
    [("BOUNDSCHECK", 2), ("OPT", 0), ("LOOP_VECTORIZE", 0), ("DEBUGINFO_DEFAULT", 1), ("CPU_NAME", "generic")],
)
def test_flags_of_the_compiler_count(flag: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    assert getattr(config, flag) != value
    monkeypatch.setattr(config, flag, value)
    assert fingerprint() != before


def test_the_version_of_numba_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    monkeypatch.setattr(numba, "__version__", "0.0.0")
    assert fingerprint() != before


def test_what_has_no_content_is_named_with_its_reader() -> None:
    user = _user("def inner(x): return x + thing\ndef user(x): return inner(x)")
    user.__globals__["thing"] = object()
    with pytest.raises(NoContentError, match=r"inner reads thing, <object object at .* of type object"):
        fingerprint(user)


def test_a_set_has_one_fingerprint_in_every_order() -> None:
    names = ["alpha", "beta", "gamma", "delta"]
    assert fingerprint(frozenset(names)) == fingerprint(frozenset(names[::-1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        first = _user("def user(x):\n    return x in {'alpha', 'beta'}")
        second = _user("def user(x):\n    return x in {'beta', 'alpha'}")
    assert fingerprint(first) == fingerprint(second)


def test_members_of_an_enum_with_one_value_are_told_apart() -> None:
    class Side(enum.Enum):
        BUY = 1
        SELL = 2

    assert fingerprint(Side.BUY) != fingerprint(Side.SELL)
