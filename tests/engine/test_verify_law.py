"""`verify_law` finds each kind of fault and shows a small input."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import admf
from admf.errors import ConfigError
from admf.verify import LawReport

RATE = 0.5
EXAMPLES = 200


def steep(base_price, side, quantity, used_volume, bar):
    share = (used_volume + quantity) / bar.volume if bar.volume > 0.0 else 1.0
    return base_price * 0.1 * min(share, 1.0) ** 2


def helpful(base_price, side, quantity, used_volume, bar):
    return base_price * 0.001 if quantity < 100.0 else -0.01


def without_volume(base_price, side, quantity, used_volume, bar):
    return base_price * quantity / bar.volume


def staffel(quantity, value):
    return 0.001 * value if quantity > 1_000.0 else 1.0 + 0.005 * quantity


def rebate(quantity, value):
    return -0.0001 * value


def drawn(quantity, value):
    return np.random.random()  # noqa: NPY002 -- what it should not do


def raising(quantity, value):
    if quantity > 1_000_000.0:
        raise ValueError("too many")
    return 1.0


def text(quantity, value):
    return "one"


def frozen(quantity, value):
    return RATE


def check(law: Callable[..., Any], **words: bool) -> LawReport:
    return admf.verify_law(law, examples=EXAMPLES, **words)


@pytest.mark.parametrize(
    ("law", "words"),
    [(steep, {"monotone": True}), (rebate, {"rebates": True}), (frozen, {"monotone": True})],
)
def test_a_sound_law_passes(law: Callable[..., Any], words: dict[str, bool]) -> None:
    report = check(law, **words)
    assert report.passed
    assert report.fault is None
    assert str(report).endswith(f"law {law.__name__}: no fault in 200 examples ({', '.join(report.checks)})")
    assert ("monotone" in report.checks) == words.get("monotone", False)


def test_a_model_is_checked_by_its_function() -> None:
    assert check(admf.commission.law(frozen)).law == "frozen"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("law", "words", "broken", "small"),
    [
        (helpful, {}, ">= 0", {"quantity": 100.0, "used_volume": 0.0, "side": 1}),
        (without_volume, {}, "finite", {"volume": 0.0, "quantity": 1.0, "base_price": 1.0}),
        (staffel, {"monotone": True}, "monotone", {"quantity": 1.0}),
        (rebate, {}, ">= 0", {"quantity": 1.0, "value": 1.0}),
        (drawn, {}, "pure", {"quantity": 1.0}),
        (raising, {}, "quiet", {"quantity": 1_000_001.0}),
        (text, {}, "compiled", {}),
    ],
)
def test_a_fault_is_found_and_made_small(
    law: Callable[..., Any], words: dict[str, bool], broken: str, small: dict[str, float]
) -> None:
    report = admf.verify_law(law, examples=2_000, **words)
    assert report.fault is not None
    assert not report.passed
    assert report.fault.check == broken
    assert {name: report.fault.inputs[name] for name in small} == small
    assert f"law {law.__name__}: not {broken}" in str(report)


def test_the_report_can_be_read() -> None:
    assert str(check(rebate)).splitlines() == [
        "commission law rebate: not >= 0",
        "  gave -0.0001",
        "  quantity = 1.0",
        "  value = 1.0",
    ]


def test_a_law_that_changes_under_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled code keeps the global that it was compiled with."""
    assert check(frozen).passed
    monkeypatch.setattr(sys.modules[__name__], "RATE", 0.25)
    assert check(frozen).passed  # another constant is another law

    def closed(quantity, value, rate=[0.5]):  # noqa: B006 -- plain Python sees what it becomes
        rate[0] = rate[0] + 1.0
        return rate[0]

    assert check(closed).fault is not None


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (len, "verify_law: not a law"),
        (lambda one: 1.0, "verify_law: other arguments"),
        (admf.slippage.none(), "verify_law: not a law"),
    ],
)
def test_what_is_no_law(law: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        admf.verify_law(law)


def test_without_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ConfigError, match="pip install 'admf-engine"):
        check(frozen)
