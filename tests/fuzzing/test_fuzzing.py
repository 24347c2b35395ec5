"""The fuzzer in small: 50,000 order-bars agree, every option is drawn, and a planted fault leaves a case file."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import admf
import oracle.filling
from admf.models import Flags, Word
from admf_kernels.codes import OrderType, SizeKind, TimeInForce
from fuzzing.__main__ import INTERRUPTED, main
from fuzzing.comparing import compare
from fuzzing.files import FOUND, read, written
from fuzzing.making import make_case
from fuzzing.running import campaign
from oracle.records import Price
from paths_support import PATHS, Case

ORDER_BARS = 50_000
SHARES = 4  # of the order-bars, so that workers divide them
REPRODUCERS = sorted(FOUND.glob("*.json"))
NEVER_DRAWN = {"bad_bar.raise"}  # nothing would run

# Found and not mended yet: oracle and laws read a rule in two ways. What agrees again has to leave the list, and
# while the list is not empty the large campaign may fail.
OPEN: dict[str, str] = {}
UNSETTLED = f"{len(OPEN)} divergences are open"
unsettled = pytest.mark.xfail(bool(OPEN), reason=UNSETTLED, raises=AssertionError, strict=False)


@unsettled
@pytest.mark.parametrize("share", range(SHARES))
def test_order_bars_agree(share: int) -> None:
    """Oracle and compiled laws; of every fiftieth case also our laws as plain Python."""
    tally, divergence = campaign(f"make test {share}", ORDER_BARS // SHARES, stepped_every=50)
    assert divergence is None, f"{divergence}; make fuzz ARGS=\"--seed 'make test {share}'\" makes it small"
    assert tally.order_bars >= ORDER_BARS // SHARES
    assert tally.stepped_order_bars > 0
    assert tally.refused < tally.cases / 20


def reproducers() -> Iterator[object]:
    for path in REPRODUCERS:
        reason = OPEN.get(path.stem)
        marks = [pytest.mark.xfail(reason=reason, raises=AssertionError, strict=True)] if reason else []
        yield pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize("path", list(reproducers()))
def test_what_was_found_agrees(path: Path) -> None:
    found = compare(read(path), ("compiled", "stepped"))
    assert (found.difference, found.refused) == ("", "")


def test_open_divergences_have_a_file() -> None:
    assert OPEN.keys() <= {path.stem for path in REPRODUCERS}


def test_every_option_and_order_type_is_drawn() -> None:
    """Words of all options, models, order columns."""
    drawn: set[str] = set()
    for index in range(1_500):
        drawn |= words_of(make_case(f"drawn/{index}"))
    missing = wanted() - drawn
    assert missing == NEVER_DRAWN


def wanted() -> set[str]:
    kinds = admf.Execution.KINDS.items()
    words = {f"{name}.{word}" for name, kind in kinds if isinstance(kind, Word | Flags) for word in kind.code.words()}
    for column, code in (("type", OrderType), ("time_in_force", TimeInForce), ("size_kind", SizeKind)):
        words |= {f"{column}.{word}" for word in code.words()}
    return words - {"size_kind.quantity"} | {"parent", "oco", "oco_reduce", "reduce_only", "post_only", "cancel_bar"}


def words_of(case: Case) -> set[str]:
    rules = admf.Execution(**case.execution)
    words = set()
    for name, kind in rules.KINDS.items():
        if isinstance(kind, Word | Flags):
            value = getattr(rules, name)
            words |= {f"{name}.{word}" for word in (value if isinstance(kind, Flags) else (value,))}
    for row in case.orders:
        words |= row.keys() | {f"{name}.{row[name]}" for name in ("type", "time_in_force", "size_kind") if name in row}
    return words


def test_a_case_file_holds_the_whole_case(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    for index in range(20):
        case = make_case(f"file/{index}")
        path.write_text(written(case, source="here", difference="none"), encoding="utf-8")
        assert PATHS["compiled"](read(path)) == PATHS["compiled"](case)


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text('{"schema": "golden/1"}', encoding="utf-8")
    with pytest.raises(ValueError, match="allowed: path/1"):
        read(path)


def test_a_planted_fault_leaves_a_small_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The oracle made to fill sells of more than 30 units a tick too high."""
    right = oracle.filling.priced

    def wrong(world, order, found: Price, quantity, *arguments, **words):
        price, raw = right(world, order, found, quantity, *arguments, **words)
        return (price + 0.5 if order.side < 0 and quantity > 30.0 else price), raw

    with monkeypatch.context() as patched:
        patched.setattr(oracle.filling, "priced", wrong)
        arguments = ["--seed", "planted", "--order-bars", "5000", "--processes", "1", "--found", str(tmp_path)]
        assert main(arguments) == 1
        (path,) = tmp_path.glob("*.json")
        case = read(path)
        assert compare(case).difference != ""
    assert compare(case).difference == ""
    assert len(case.orders) <= 2
    assert len(case.bars[0]) <= 3
    printed = capsys.readouterr().out
    assert "seed planted" in printed
    assert str(path) in printed
    assert json.loads(path.read_text())["source"].startswith("seed planted/")


def test_an_interrupt_ends_it_at_once() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "fuzzing", "--seed", "1", "--processes", "2"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("seed 1 ")
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=20)
    assert (process.returncode, printed.splitlines()[-1]) == (INTERRUPTED, "interrupted")
