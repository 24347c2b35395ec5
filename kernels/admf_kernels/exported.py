"""Function pointers for C: addresses in, a status out. `c_header.py` writes the header that declares them.

Tables of addresses come from another language, so they are looked at before a kernel follows them: what does not fit
together is a status below zero. That the addresses are right nobody can see.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import carray
from numba.core import types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype
from numpy.typing import NDArray

from admf_kernels._build import TEMPLATE_OPTIONS
from admf_kernels._jit import compile_now, law, specialise
from admf_kernels._views import WORDS
from admf_kernels.advance import advance
from admf_kernels.arena import Sizes, allocate, open_account
from admf_kernels.codes import Record, RunStatus
from admf_kernels.embed import submit_all
from admf_kernels.intake import send_command
from admf_kernels.records import LAYOUT_VERSION, Market, State, command_dt, order_dt
from admf_kernels.views import as_market, as_state

MARKET_WORDS, STATE_WORDS = WORDS * len(Market._fields), WORDS * len(State._fields)
ACCOUNT, POSITIONS = (WORDS * State._fields.index(name) for name in ("account", "positions"))
RUNNING, COMMANDS_FULL = RunStatus.RUNNING.value, RunStatus.COMMANDS_FULL.value
NO_ROW, NO_TABLE, BAD_TABLE, NO_SUCH_BAR = -1, -11, -12, -13  # statuses beside those of RunStatus
STATUS_TEXTS = {
    NO_ROW: "the bar has no rows left for another order",
    NO_TABLE: "a pointer is NULL",
    BAD_TABLE: "the tables of market and state do not fit together",
    NO_SUCH_BAR: "the target is not a bar of the market, or lies behind",
}


def _pointer_to(item: Any) -> Any:
    """An intrinsic that turns an address into a pointer."""

    @intrinsic
    def pointer(typing_context: Any, address: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(item)(address), build

    return pointer


words_at, floats_at = _pointer_to(types.uint64), _pointer_to(types.float64)
orders_at, commands_at = _pointer_to(from_dtype(order_dt)), _pointer_to(from_dtype(command_dt))


def export(function: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a kernel that gets a C wrapper."""
    setattr(function, TEMPLATE_OPTIONS, {"no_cfunc_wrapper": False})
    return function


@law
def fits(market, state, target: int) -> int:
    """B-01: 0 where a kernel may follow the tables up to `target`, else the status that says why not."""
    bars, symbols, rows = len(market.timestamp), len(state.positions), len(state.orders)
    if len(state.config) != 1 or len(state.account) != 1 or symbols < 1 or len(state.instruments) != symbols:
        return BAD_TABLE
    if len(market.open) != bars or len(market.high) != bars or len(market.low) != bars or len(market.close) != bars:
        return BAD_TABLE
    if len(market.volume) != bars or len(market.flags) != bars or len(market.session_end) != bars:
        return BAD_TABLE
    if (
        rows < 1
        or len(state.working) < rows
        or len(state.hits) < 2 * rows
        or len(state.commands) < 1
        or len(state.fills) < 1
    ):
        return BAD_TABLE
    last = min(bars, state.config[0].bar_count) if target == state.config[0].bar_count else bars - 1
    if target <= state.account[0].bar or target > last:
        return NO_SUCH_BAR
    if state.config[0].record != Record.SUMMARY and len(state.curve) < min(target, bars):
        return BAD_TABLE
    return 0


@export
def c_advance(market: int, state: int, target: int, orders_per_bar_max: int) -> int:
    """Goes on to the close of bar `target`, or to the end of the data at config.bar_count; a status."""
    if market == 0 or state == 0:
        return NO_TABLE
    market_table, state_table = carray(words_at(market), MARKET_WORDS), carray(words_at(state), STATE_WORDS)
    status = fits(as_market(market_table), as_state(state_table), target)
    if status != 0:
        return status
    return advance(market_table, state_table, target, orders_per_bar_max)


@export
def c_submit(state: int, request: int) -> int:
    """Puts an order into the book; its number, or a status below zero (-1 where the bar has no rows left)."""
    if state == 0 or request == 0:
        return NO_TABLE
    rows = carray(orders_at(request), 1)
    rows[0].number = 0
    if rows[0].side == 0:
        rows[0].side = 2  # refused by the book with a reason; 0 would leave the row out
    submit_all(carray(words_at(state), (1, STATE_WORDS)), rows)
    return rows[0].number


@export
def c_command(state: int, command: int) -> int:
    """Sends a cancel or an amendment; a status."""
    if state == 0 or command == 0:
        return NO_TABLE
    state_view = as_state(carray(words_at(state), STATE_WORDS))
    if state_view.account[0].command_count >= len(state_view.commands):
        return COMMANDS_FULL
    source = carray(commands_at(command), 1)[0]
    send_command(state_view, source.kind, source.number, source.quantity, source.limit_price, source.stop_price)
    return RUNNING


def first_words(name: str, cash: float) -> tuple[int, ...]:
    """The words of the account, or of a position, as `arena.open_account` leaves them."""
    state = allocate(Sizes(1, 0, 1, Record.SUMMARY))
    open_account(state, cash, [(0.0, 0.0)], margin=True)
    words: NDArray[np.int64] = getattr(state, name).view(np.int64)
    return tuple(words.tolist())


ACCOUNT_WORDS, POSITION_WORDS = first_words("account", 1.0), first_words("positions", 1.0)
IS_CASH = tuple(one != other for one, other in zip(ACCOUNT_WORDS, first_words("account", 2.0), strict=True))


@export
def c_open(state: int, cash: float, orders_per_bar_max: int) -> int:
    """A-08: the account as before the first bar, with `cash` and no position; `config` and `instruments` are given."""
    if state == 0:
        return NO_TABLE
    table = carray(words_at(state), STATE_WORDS)
    state_view = as_state(table)
    if len(state_view.account) != 1 or len(state_view.config) != 1 or len(state_view.positions) < 1:
        return BAD_TABLE
    account, money = carray(words_at(table[ACCOUNT]), len(IS_CASH)), carray(floats_at(table[ACCOUNT]), len(IS_CASH))
    for word in range(len(IS_CASH)):
        if IS_CASH[word]:
            money[word] = cash
        else:
            account[word] = ACCOUNT_WORDS[word]
    size = len(POSITION_WORDS)
    positions = carray(words_at(table[POSITIONS]), len(state_view.positions) * size)
    for word in range(len(positions)):
        positions[word] = POSITION_WORDS[word % size]
    state_view.account[0].row_limit = orders_per_bar_max
    if len(state_view.actions) > 0:
        state_view.account[0].action_bar = state_view.actions[0].bar
    return RUNNING


class Entry(NamedTuple):
    """One function of the interface."""

    function: Callable[..., Any]
    arguments: tuple[int | float, ...]  # of the types that it takes
    prototype: str  # of its arguments in C


ENTRIES = {
    "open": Entry(c_open, (0, 0.0, 0), "const admf_state *, double cash, int64_t orders_per_bar_max"),
    "advance": Entry(
        c_advance, (0, 0, 0, 0), "const admf_market *, const admf_state *, int64_t bar, int64_t orders_per_bar_max"
    ),
    "submit": Entry(c_submit, (0, 0), "const admf_state *, admf_order *request"),
    "command": Entry(c_command, (0, 0), "const admf_state *, const admf_command *"),
}


class Api(ctypes.Structure):
    """`admf_api` of the header: what a host calls. It lives as long as the process."""

    _fields_ = (("layout_version", ctypes.c_int64), *((name, ctypes.c_void_p) for name in ENTRIES))


@cache
def api() -> Api:
    """The functions, compiled or loaded once a process."""
    made = Api(layout_version=LAYOUT_VERSION)
    for name, entry in ENTRIES.items():
        setattr(made, name, pointer(entry))
    return made


def api_address() -> int:
    """Where `admf_api` is: the one number that a host needs."""
    return ctypes.addressof(api())


def pointer(entry: Entry) -> int:
    """The address of the C wrapper of a kernel."""
    function: Any = specialise(entry.function)
    compile_now(function, entry.arguments)
    (result,) = function.overloads.values()
    address: int = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
    return address
