"""C: the header compiles, says what NumPy says, and a program in C runs on the exported functions."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import admf
from admf.embed import Core, api_address, c_header
from admf.orders import read_orders
from admf.results import RunRecords
from admf.run.entry import Run
from admf_kernels import exported, records
from admf_kernels.arena import Sizes, allocate, open_account
from admf_kernels.c_header import c_name
from admf_kernels.codes import MarketFill, OrderFlag, OrderStatus, Reason, Record, RunStatus
from admf_kernels.embed import REQUEST_BITS
from admf_kernels.records import LAYOUT_VERSION, State, command_dt, order_dt
from admf_kernels.views import handles
from embed.driving import COUNTERS, different_fields, market, some_orders
from embed.test_pages import blocks
from repo.checkout import ROOT

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
RECORDS = {name.removesuffix("_dt"): dtype for name, dtype in vars(records).items() if name.endswith("_dt")}
PAGE = "engine/embed/c.md"
NEEDED = ("open", "high", "low", "close", "volume", "flags", "session_end", "timestamp")  # there need not be others


def functions() -> dict[str, ctypes._CFuncPtr]:
    api = exported.Api.from_address(api_address())
    kinds = {int: ctypes.c_int64, float: ctypes.c_double}
    return {
        name: ctypes.CFUNCTYPE(ctypes.c_int64, *[kinds[type(value)] for value in entry.arguments])(getattr(api, name))
        for name, entry in exported.ENTRIES.items()
    }


def build(folder: Path, source: str, *options: str) -> Path:
    if COMPILER is None:
        pytest.skip("no C compiler")
    (folder / "admf.h").write_text(c_header(), encoding="utf-8")
    (folder / "host.c").write_text(source, encoding="utf-8")
    flags = ("-std=gnu99", "-Wall", "-Wextra", "-Werror", "-O2", "-ffp-contract=off")
    command = [COMPILER, *flags, "host.c", "-o", "host", *options, "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "host"


def test_the_header_says_where_numpy_says_the_fields_are(tmp_path: Path) -> None:
    lines = [
        f'    printf("{name} {field} %zu %zu\\n", offsetof(admf_{name}, {c_name(field)}), '
        f"sizeof(((admf_{name} *)0)->{c_name(field)}));"
        for name, dtype in RECORDS.items()
        for field in dtype.names
    ]
    body = "\n".join(lines)
    host = build(tmp_path, f'#include <stdio.h>\n#include "admf.h"\nint main(void) {{\n{body}\n    return 0;\n}}\n')
    said = subprocess.run([host], capture_output=True, text=True, check=True).stdout.splitlines()
    expected = [
        f"{name} {field} {dtype.fields[field][1]} {dtype[field].itemsize}"
        for name, dtype in RECORDS.items()
        for field in dtype.names
    ]
    assert said == expected
    assert f"#define ADMF_LAYOUT_VERSION {LAYOUT_VERSION}\n" in c_header()


def run_page(folder: Path) -> subprocess.CompletedProcess[str]:
    """The program of the page, built and run."""
    include, library = sysconfig.get_path("include"), sysconfig.get_config_var("LIBDIR")
    name = f"python{sysconfig.get_config_var('LDVERSION')}"
    if not Path(include, "Python.h").exists() or not list(Path(library).glob(f"lib{name}.so*")):
        pytest.skip("no Python to embed: headers or shared library are missing")
    host = build(folder, blocks(PAGE, "c"), f"-I{include}", f"-L{library}", f"-Wl,-rpath,{library}", f"-l{name}")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "kernels"), *sys.path[1:]])}
    return subprocess.run([host], capture_output=True, text=True, check=False, env=environment, cwd=folder)


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    done = run_page(tmp_path)
    assert done.returncode == 0, done.stderr
    shown = re.search(r"\./host\n(.*?)^```", (ROOT / PAGE).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert done.stdout == shown[1]


def test_the_c_functions_and_the_core_give_the_same_bits() -> None:
    call = functions()
    given = market(800)
    core, driven = Core(given), Core(given)
    market_table, state_table = handles(driven._market), handles(driven._state)
    request = np.zeros(1, order_dt)
    for bar in range(500):
        core.step()
        assert call["advance"](market_table.ctypes.data, state_table.ctypes.data, bar, 16) == 0
        if bar % 25 == 0:
            price, side = float(given.arrays.close[bar, 0]), 1 if bar % 50 else -1
            number = core.submit("buy" if side > 0 else "sell", 4.0, "limit", limit_price=price)
            for name in ("stop_price", "size_amount", "trail_distance", "trail_offset", "limit_offset", "protected_at"):
                request[name] = np.nan
            request["side"], request["quantity"], request["type"], request["limit_price"] = side, 4.0, 1, price
            request["parent"], request["tag"], request["bits"] = -1, -1, OrderFlag.OCO_REDUCE
            assert call["submit"](state_table.ctypes.data, request.ctypes.data) == number
    assert len(core.fills) > 10
    assert driven.fills.tobytes() == core.fills.tobytes()
    assert driven.account.tobytes() == core.account.tobytes()


def scripted(given: admf.Market) -> tuple[State, RunRecords]:
    """An arena with a script of brackets, a cancel and single orders, and the records of the whole run."""
    orders = [{"id": f"o{row}", **order} for row, order in enumerate(some_orders(given))]
    child = {"side": "sell", "quantity": None, "parent": "o0", "oco": "exits", "limit_price": None, "stop_price": None}
    first = orders[0] | {"bar": 0, "side": "buy", "type": "market", "limit_price": None, "stop_price": None}
    stop = child | {"id": "stop", "bar": 0, "type": "stop", "stop_price": 1.0}
    target = child | {"id": "target", "bar": 0, "type": "limit", "limit_price": 1e6}
    orders[40]["cancel_bar"] = orders[40]["bar"] + 5
    table = pl.DataFrame([first, stop, target, *orders[1:]], infer_schema_length=None)
    run = Run.read(
        given, execution=None, account=None, risk=None, record="full", close_positions=False, debug=False,
        script=read_orders(table, given),
    )  # fmt: skip
    return run.state(), run.run(None).records


def test_run_plays_a_script_in_pieces_and_beside_single_steps() -> None:
    call, given = functions(), market(800)
    market_table = handles(given.arrays)
    expected = scripted(given)[1]
    assert len(expected.fills) > 50
    for targets in ([799], [0, 1, 90, 91, 799], [(300, 301), (420, 420), (422, 799)]):
        state, _ = scripted(given)
        place, own = market_table.ctypes.data, handles(state)
        for target in targets:
            if isinstance(target, tuple):  # one bar by `advance`: it begins, and `run` finishes it
                first, target = target
                assert call["run"](place, own.ctypes.data, first - 1, 256) == 0
                assert call["advance"](place, own.ctypes.data, first, 256) == 0
            assert call["run"](place, own.ctypes.data, target, 256) == 0
        account = state.account[0]
        assert state.fills[: account.fill_count].tobytes() == expected.fills.tobytes()
        assert state.transitions[: account.transition_count].tobytes() == expected.transitions.tobytes()
        assert state.curve.tobytes() == expected.curve.tobytes()
        assert different_fields(account, expected.account, COUNTERS | {"hooked_count"}) == []
        assert call["run"](place, own.ctypes.data, 800, 256) == exported.NO_SUCH_BAR
        assert call["run"](place, own.ctypes.data, 5, 256) == exported.NO_SUCH_BAR


def test_a_script_that_names_what_is_not_there_is_a_status() -> None:
    call, given = functions(), market(800)
    market_table, (state, _) = handles(given.arrays), scripted(given)
    run, place, own = call["run"], market_table.ctypes.data, handles(state)
    assert run(0, own.ctypes.data, 5, 256) == run(place, 0, 5, 256) == exported.NO_TABLE
    child = int(np.flatnonzero(state.script_orders["parent"] >= 0)[0])
    cancel = int(np.flatnonzero(state.script["kind"] >= 0)[0])
    for rows, name, row in ((state.script_orders, "parent", child), (state.script, "number", cancel)):
        kept = rows[name][row]
        for wrong in (row, 2**31 - 1, *([-1] if name == "number" else [])):
            rows[name][row] = wrong
            assert run(place, own.ctypes.data, 799, 256) == exported.BAD_SCRIPT
        rows[name][row] = kept
    short = handles(state._replace(script_numbers=state.script_numbers[:-1]))
    assert run(place, short.ctypes.data, 799, 256) == exported.BAD_SCRIPT
    short = handles(state._replace(curve=state.curve[:-1]))
    assert run(place, short.ctypes.data, 799, 256) == exported.BAD_TABLE
    assert run(place, own.ctypes.data, 799, 2**62) == RunStatus.NEED_ROOM
    assert run(place, own.ctypes.data, 799, 256) == 0


def test_open_leaves_what_the_arena_begins_with() -> None:
    state = allocate(Sizes(2, 0, 64, Record.SUMMARY))
    open_account(state, 5_000.0, [(0.0, 0.0), (0.0, 0.0)], margin=True)
    expected = state.account.copy(), state.positions.copy()
    for rows in (state.account, state.positions):
        rows.view(np.uint8)[:] = 0xA5
    table = handles(state)
    assert functions()["open"](table.ctypes.data, 5_000.0, 0) == 0
    assert functions()["open"](table.ctypes.data, 5_000.0, 64) == RunStatus.NEED_ROOM  # and two of the engine's own
    assert functions()["open"](table.ctypes.data, 5_000.0, 0) == 0
    for name in expected[0].dtype.names:
        np.testing.assert_array_equal(state.account[name], expected[0][name], err_msg=name)
    for name in expected[1].dtype.names:
        np.testing.assert_array_equal(state.positions[name], expected[1][name], err_msg=name)


def test_bad_input_is_a_status_with_words() -> None:
    call, core = functions(), Core(market(50))
    market_table, state_table = handles(core._market), handles(core._state)
    place, own = market_table.ctypes.data, state_table.ctypes.data
    advance = call["advance"]
    assert advance(0, own, 0, 4) == advance(place, 0, 0, 4) == exported.NO_TABLE
    for bar in (-1, 51, 2**40):
        assert advance(place, own, bar, 4) == exported.NO_SUCH_BAR
    read = [place for place, name in enumerate(records.Market._fields) if name in NEEDED]
    rows = [(market_table, 3 * place + 1) for place in read]
    rows += [(state_table, word) for word in range(1, 28, 3)]
    for table, word in rows:
        kept, table[word] = table[word], 0
        assert advance(place, own, 0, 4) in (exported.BAD_TABLE, exported.NO_SUCH_BAR, RunStatus.NEED_ROOM), word
        table[word] = kept
    for column in range(2, 18, 3):  # three symbols where the account has one
        market_table[column] = 3
        assert advance(place, own, 0, 4) == exported.BAD_TABLE
        market_table[column] = 1
    core._state.config["market_fill"] = MarketFill.NEXT_VWAP
    assert advance(place, own, 0, 4) == exported.BAD_TABLE  # no such column
    core._state.config["market_fill"] = MarketFill.NEXT_OPEN
    request = np.zeros(1, order_dt)
    request["bits"] = OrderFlag.CHILD
    assert call["submit"](own, request.ctypes.data) == exported.BAD_BITS
    request["bits"] = 0
    assert call["submit"](0, request.ctypes.data) == call["submit"](own, 0) == exported.NO_TABLE
    assert call["submit"](own, request.ctypes.data) == 0  # no order at all: the book says why
    assert advance(place, own, 0, 4) == 0
    assert advance(place, own, 1, 4) == 0
    assert core.orders[0].status == OrderStatus.REJECTED
    assert core.orders[0].reason == Reason.TYPE_UNKNOWN
    header = c_header()
    for status, text in exported.STATUS_TEXTS.items():
        assert f'case {status}: return "{text}";' in header


def garbage(random: np.random.Generator, dtype: np.dtype[np.record]) -> np.ndarray:
    """A row whose fields are anything: bytes at random, small numbers, numbers that mean something."""
    row = random.integers(0, 256, dtype.itemsize, np.uint8).view(dtype)
    for name in dtype.names or ():
        if dtype[name].kind == "f":
            row[name] = random.choice([np.nan, -1.0, 0.0, 1.0, 100.0, 1e300, np.inf])
        elif random.random() < 0.8:
            row[name] = random.integers(0, 4)
    return row


def test_garbage_from_c_never_leaves_the_tables(capfd: pytest.CaptureFixture[str]) -> None:
    """Only a status comes back; under bounds checks (make test-boundscheck) a step outside would be told on stderr."""
    call, random, core = functions(), np.random.default_rng(5), Core(market(800))
    place, state = handles(core._market), handles(core._state)
    market_at, own = place.ctypes.data, state.ctypes.data
    said = set()
    for _ in range(1_500):
        request, command = garbage(random, order_dt), garbage(random, command_dt)
        if random.random() < 0.7:
            request["bits"] &= REQUEST_BITS
        said.add(call["submit"](own, request.ctypes.data) < 0)
        said.add(call["command"](own, command.ctypes.data))
        target, rows = (int(random.choice([-1, 0, 2**40, *range(801)])) for _ in range(2))
        if random.random() < 0.1:
            target = int(core.account["bar"][0]) + 1
        said.add(call[random.choice(["advance", "run"])](market_at, own, target, int(random.choice([0, 4, rows]))))
        if core.account["bar"][0] > 700 or random.random() < 0.02:
            assert call["open"](own, 1e5, 16) in (0, RunStatus.NEED_ROOM)
    assert said >= {0, True, exported.NO_SUCH_BAR, RunStatus.NEED_ROOM}
    assert np.isfinite(core.equity)
    assert capfd.readouterr().err == ""
