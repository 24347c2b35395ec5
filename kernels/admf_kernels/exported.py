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
from admf_kernels.advance import advance, finish_bar
from admf_kernels.arena import Sizes, allocate, open_account
from admf_kernels.codes import MarketFill, Record, RunStatus
from admf_kernels.embed import REQUEST_BITS, submit_all
from admf_kernels.intake import SUBMIT_ROW, read_script, send_command
from admf_kernels.records import LAYOUT_VERSION, Market, State, command_dt, order_dt
from admf_kernels.run import has_room, run
from admf_kernels.views import as_market, as_state

MARKET_WORDS, STATE_WORDS = WORDS * len(Market._fields), WORDS * len(State._fields)
ACCOUNT, POSITIONS = (WORDS * State._fields.index(name) for name in ("account", "positions"))
PER_SYMBOL = Market._fields.index("flags") + 1  # the first columns: one number a bar and symbol
RUNNING, DONE = RunStatus.RUNNING.value, RunStatus.DONE.value
NEED_ROOM, COMMANDS_FULL = RunStatus.NEED_ROOM.value, RunStatus.COMMANDS_FULL.value
NO_ROW, NO_TABLE, BAD_TABLE, NO_SUCH_BAR, BAD_SCRIPT, BAD_BITS = -1, -11, -12, -13, -14, -15  # beside RunStatus
STATUS_TEXTS = {
    NO_ROW: "the bar has no rows left for another order",
    NO_TABLE: "a pointer is NULL",
    BAD_TABLE: "the tables of market and state do not fit together",
    NO_SUCH_BAR: "the target is not a bar of the market, or lies behind",
    BAD_SCRIPT: "a row of the script names an order that is in no row before it",
    BAD_BITS: "the order has bits that are the engine's own",
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
def tables_fit(market, state, market_table) -> bool:
    """B-01: whether a kernel may follow the tables of a host; those that a log may leave empty are for `has_room`."""
    bars, symbols, rows = len(market.timestamp), len(state.positions), len(state.orders)
    if len(state.config) != 1 or len(state.account) != 1 or symbols < 1 or len(state.instruments) != symbols:
        return False
    for field in range(PER_SYMBOL):
        if int(market_table[WORDS * field + 1]) != bars or int(market_table[WORDS * field + 2]) != symbols:
            return False
    if state.config[0].market_fill == MarketFill.NEXT_VWAP and len(market.vwap) != bars:
        return False
    return (
        rows >= 1
        and len(market.session_end) == bars
        and len(state.working) >= rows
        and len(state.hits) >= 2 * rows
        and len(state.commands) >= 1
        and len(state.fills) >= 1
    )


@law
def has_curve(state, bars: int) -> bool:
    """C-02: whether the equity curve has the rows of so many bars."""
    return state.config[0].record == Record.SUMMARY or len(state.curve) >= bars


@law
def rows_of_a_bar(state, orders_per_bar_max: int) -> int:
    """W-06: the number as `has_room` can add to it: more rows than there are is no room."""
    return min(max(orders_per_bar_max, 0), len(state.orders) + 1)


@export
def c_advance(market: int, state: int, target: int, orders_per_bar_max: int) -> int:
    """Goes on to the close of bar `target`, or to the end of the data at config.bar_count; a status."""
    if market == 0 or state == 0:
        return NO_TABLE
    market_table, state_table = carray(words_at(market), MARKET_WORDS), carray(words_at(state), STATE_WORDS)
    market_view, state_view = as_market(market_table), as_state(state_table)
    if not tables_fit(market_view, state_view, market_table):
        return BAD_TABLE
    bars, bar_count = len(market_view.timestamp), state_view.config[0].bar_count
    last = min(bars, bar_count) if target == bar_count else bars - 1
    if target <= state_view.account[0].bar or target > last:
        return NO_SUCH_BAR
    if not has_curve(state_view, target):
        return BAD_TABLE
    return advance(market_table, state_table, target, rows_of_a_bar(state_view, orders_per_bar_max))


@law
def script_fits(state, last: int) -> bool:
    """C-02: whether the rows that act up to bar `last` name rows before them, and have their tables."""
    rows, cursor = len(state.script), state.account[0].script_cursor
    if len(state.script_orders) != rows or len(state.script_numbers) != rows or cursor < 0:
        return False
    while cursor < rows and state.script[cursor].bar <= last:
        row = state.script[cursor]
        named = state.script_orders[cursor].parent if row.kind == SUBMIT_ROW else row.number
        if named >= cursor or (named < 0 and row.kind != SUBMIT_ROW):
            return False
        cursor += 1
    return True


@export
def c_run(market: int, state: int, target: int, orders_per_bar_max: int) -> int:
    """Plays the bars up to `target`, that one with its decisions, and the rows of `script` on theirs; a status."""
    if market == 0 or state == 0:
        return NO_TABLE
    market_table, state_table = carray(words_at(market), MARKET_WORDS), carray(words_at(state), STATE_WORDS)
    market_view, state_view = as_market(market_table), as_state(state_table)
    if not tables_fit(market_view, state_view, market_table):
        return BAD_TABLE
    account = state_view.account[0]
    first = int(account.bars_processed) + 0  # an int64: with an int32 what takes a bar would compile once more
    if target < first or target >= min(len(market_view.timestamp), state_view.config[0].bar_count):
        return NO_SUCH_BAR
    if not has_curve(state_view, target + 1):
        return BAD_TABLE
    if not script_fits(state_view, target):
        return BAD_SCRIPT
    if account.bar == first:  # `advance` has begun it
        read_script(state_view, first)
        finish_bar(market_view, state_view, first)
        first += 1
    no_strategy = carray(words_at(state), 1)
    run(market_table, state_table, no_strategy, first, target + 1, rows_of_a_bar(state_view, orders_per_bar_max))
    return RUNNING if account.status == DONE else account.status


@export
def c_submit(state: int, request: int) -> int:
    """Puts an order into the book; its number, or a status below zero (-1 where the bar has no rows left)."""
    if state == 0 or request == 0:
        return NO_TABLE
    table, rows = carray(words_at(state), (1, STATE_WORDS)), carray(orders_at(request), 1)
    state_view = as_state(table[0])
    if len(state_view.account) != 1:
        return BAD_TABLE
    if state_view.account[0].order_count >= len(state_view.orders):
        return NO_ROW
    if rows[0].bits & ~REQUEST_BITS:
        return BAD_BITS
    rows[0].number = 0
    if rows[0].side == 0:
        rows[0].side = 2  # refused by the book with a reason; 0 would leave the row out
    submit_all(table, rows)
    return rows[0].number


@export
def c_command(state: int, command: int) -> int:
    """Sends a cancel or an amendment; a status."""
    if state == 0 or command == 0:
        return NO_TABLE
    state_view = as_state(carray(words_at(state), STATE_WORDS))
    if len(state_view.account) != 1 or len(state_view.config) != 1:
        return BAD_TABLE
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
    state_view.account[0].row_limit = rows_of_a_bar(state_view, orders_per_bar_max)
    if len(state_view.actions) > 0:
        state_view.account[0].action_bar = state_view.actions[0].bar
    return RUNNING if has_room(state_view, rows_of_a_bar(state_view, orders_per_bar_max)) else NEED_ROOM


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
    "run": Entry(
        c_run, (0, 0, 0, 0), "const admf_market *, const admf_state *, int64_t bar, int64_t orders_per_bar_max"
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
